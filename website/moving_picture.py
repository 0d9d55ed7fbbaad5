"""Films an explorable for the README: python website/moving_picture.py

Writes docs/pictures/one_weight.gif: a weight is dragged to zero, the answer falls apart, and it goes back.
"""

import contextlib
import functools
import http.server
import io
import sys
import tempfile
import threading
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import explorables  # noqa: E402
import programs  # noqa: E402

WIDTH, HEIGHT = 1100, 760  # of the window, in pixels; the film is two thirds of it
FRAME = 100  # ms
# The frames of each part: the weight rests, is dragged to zero, rests there, and goes back.
REST, DRAG, BROKEN, BACK = 8, 24, 16, 10


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def served(folder):
    """Serve a folder on this machine during the `with` block. Gives the server's address."""
    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def frames(page):
    """Yield the frames of the film, as PIL images."""

    def frame():
        page.wait_for_timeout(FRAME)
        shot = page.locator("#view").screenshot()
        image = Image.open(io.BytesIO(shot)).convert("RGB")
        return image.resize((image.width * 2 // 3, image.height * 2 // 3), Image.LANCZOS)

    page.wait_for_timeout(2000)
    for _ in range(REST):
        yield frame()
    ember, stage = page.get_by_role("slider"), page.locator(".ow-stage")
    box, width = ember.bounding_box(), stage.bounding_box()["width"]
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    zero = stage.bounding_box()["x"] + width * 2.75 / 12.05  # the axis of one_weight.js: from -2.75 to 9.3
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, DRAG + 1):
        share = step / DRAG
        page.mouse.move(x + (zero - x) * share * share * (3 - 2 * share), y)
        yield frame()
    page.mouse.up()
    for _ in range(BROKEN):
        yield frame()
    ember.press("Escape")
    for _ in range(BACK):
        yield frame()


def film(address, path):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=programs.browser(), args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(f"{address}/explorables/one_weight.html?embed")
        page.add_style_tag(
            content=".ow-tools { display: none !important } .view { min-height: 0 !important; padding: 12px }"
        )
        pictures = list(frames(page))
        browser.close()
    chosen = [pictures[0], pictures[REST + DRAG // 2], pictures[REST + DRAG + 2]]
    sheet = Image.new("RGB", (chosen[0].width, sum(picture.height for picture in chosen)))
    for index, picture in enumerate(chosen):
        sheet.paste(picture, (0, index * picture.height))
    palette = sheet.quantize(160, Image.Quantize.MAXCOVERAGE)
    first, *rest = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    first.save(path, save_all=True, append_images=rest, duration=FRAME, loop=0, optimize=True)
    print(
        f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e3:,.0f} kB, {len(pictures)} frames, {first.size}"
    )


def main():
    with tempfile.TemporaryDirectory() as folder:
        explorables.write(folder)
        with served(folder) as address:
            film(address, ROOT / "docs" / "pictures" / "one_weight.gif")


if __name__ == "__main__":
    main()
