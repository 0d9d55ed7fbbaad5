"""Films explorables for the README: python website/moving_picture.py

Writes docs/pictures/explorables.webp: four scenes, played in a browser as a visitor would play them. The
page's clock is stopped while a frame is photographed, so the film is smooth even on a slow machine.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import explorables  # noqa: E402
import programs  # noqa: E402
from servers import served  # noqa: E402

# The size of the browser's window in CSS pixels, and the factor that shrinks it to a README's width.
WIDTH, HEIGHT, SCALE = 1200, 740, 0.75
FRAME = 80  # ms

# Hides the parts of a page that a scene of a few seconds does not need.
STYLE = """
html { overflow: hidden } .top, .lead, .after, footer { display: none !important }
h1 { font-size: 46px !important; margin: 26px 0 22px !important } .view { min-height: 0 !important }
.ow-asks [aria-checked=false], .ow-tools, .pt-tools, .pt-moral { display: none !important }
.dn-tray, .dn-reel, .sc-tools, .sc-note { display: none !important }
.dn-scene { display: block !important }
.dn-top { margin: 0 0 13px !important; flex-direction: row !important; align-items: center !important }
.dn-stage { width: 960px }
"""
# Advances all transitions and animations by some milliseconds, and leaves them paused.
MOVE = """milliseconds => {
  for (const animation of document.getAnimations()) {
    animation.pause();
    const end = animation.effect.getComputedTiming().endTime;
    const time = (animation.currentTime ?? 0) + milliseconds;
    if (time >= end) animation.finish();
    else animation.currentTime = time;
  }
}"""
# Makes the clock of sounds follow the page's clock, which is stopped for each frame.
SOUND = """
Object.defineProperty(BaseAudioContext.prototype, "currentTime", { get: () => performance.now() / 1000 });
Object.defineProperty(AudioContext.prototype, "outputLatency", { get: () => 0 });
"""


class Film:
    """A film of web pages. `frames` is a list of (image, milliseconds for which to show it)."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address
        self.frames = []

    def scene(self, name, play, state=""):
        page = self.browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", device_scale_factor=SCALE
        )
        page.add_init_script(SOUND)
        page.clock.install(time=0)
        page.goto(f"{self.address}/explorables/{name}.html{state}")
        page.wait_for_load_state("networkidle")
        page.add_style_tag(content=STYLE)
        page.wait_for_timeout(2500)
        page.clock.pause_at(60)
        self.page, first = page, len(self.frames)
        play(self)
        page.close()
        length = sum(time for _, time in self.frames[first:]) / 1000
        print(f"{name}: {len(self.frames) - first} frames, {length:.1f} s")

    def roll(self, seconds):
        for _ in range(round(1000 * seconds / FRAME)):
            self.page.clock.run_for(FRAME)
            self.page.evaluate(MOVE, FRAME)
            image = Image.open(io.BytesIO(self.page.screenshot(animations="allow"))).convert("RGB")
            if self.frames and self.frames[-1][0] == image:
                self.frames[-1] = (image, self.frames[-1][1] + FRAME)
            else:
                self.frames.append((image, FRAME))

    def drag(self, handle, x, seconds=1.2):
        """Drag an element by its middle to another x. The movement begins and ends slowly."""
        box = handle.bounding_box()
        start, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(start, y)
        self.page.mouse.down()
        steps = round(1000 * seconds / FRAME)
        for step in range(1, steps + 1):
            share = step / steps
            self.page.mouse.move(start + (x - start) * share * share * (3 - 2 * share), y)
            self.roll(FRAME / 1000)
        self.page.mouse.up()


def one_weight(film):
    """Drag the weight to zero, so that the model's answer makes no sense any more."""
    film.roll(1)
    stage = film.page.locator(".ow-stage").bounding_box()
    zero = stage["x"] + stage["width"] * 2.75 / 12.05  # the axis of one_weight.js goes from -2.75 to 9.3
    film.drag(film.page.get_by_role("slider"), zero, 1.6)
    film.roll(1.2)


def denoising(film):
    """Let the page denoise the same noise for two prompts."""
    film.roll(0.8)
    film.page.locator(".dn-play").evaluate("button => button.click()")
    film.roll(4.4)


def patching(film):
    """Copy numbers from the sentence on Italy into the one on France, so that the answer becomes Rome."""
    film.roll(1)
    grid = film.page.locator(".pt-receiver .pt-grid").bounding_box()
    film.page.mouse.click(grid["x"] + grid["width"] / 4, grid["y"] + grid["height"] * 12.5 / 30)
    film.roll(2.4)


def speech(film):
    """Play the recording, then add noise to the recording, so that the model writes other words."""
    film.page.get_by_role("button", name="Play").click()
    film.roll(3.3)
    noise, rail = film.page.get_by_role("slider", name="Noise"), film.page.locator(".sc-noise").bounding_box()
    film.drag(noise, rail["x"] + rail["width"] * 0.95)
    film.roll(1.4)


def main():
    path = ROOT / "docs" / "pictures" / "explorables.webp"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        explorables.write(folder)
        browser = playwright.chromium.launch(executable_path=programs.browser(), args=["--no-sandbox"])
        with served(folder) as address:
            film = Film(browser, address)
            film.scene("one_weight", one_weight)
            film.scene("denoising", denoising)
            film.scene("patching", patching, "#source=%22Italy%22&target=%22France%22&layer=-1")
            film.scene("speech", speech, "#sound=%22himself%22&noise=null")
        browser.close()
    images, times = zip(*film.frames, strict=True)
    images[0].save(
        path,
        save_all=True,
        append_images=images[1:],
        duration=times,
        loop=0,
        quality=80,
        method=6,
        minimize_size=True,
    )
    size = path.stat().st_size / 1e3
    print(f"{path.relative_to(ROOT)}: {size:,.0f} kB, {len(images)} frames of {images[0].size}")


if __name__ == "__main__":
    main()
