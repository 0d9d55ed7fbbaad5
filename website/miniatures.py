"""Photographs the explorables for cards and links: python website/miniatures.py [NAME ...]

Writes three pictures of each into website/pictures: a miniature for light pages (NAME.webp), one for dark
pages (NAME-dark.webp), and the card that chats and social networks show with a link (NAME-card.webp). Without
a name, all explorables are photographed.
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
from shell import PICTURES  # noqa: E402

MINIATURE, CARD = (600, 360), (1200, 630)
WINDOW = (880, 528)  # width and height of the window in which a miniature is photographed
AT_MOST = 15_000  # the most bytes that a miniature may have
WAIT = 2500  # ms to wait until an animation at a view's start has ended


def photographs(browser, address, name, facts):
    """Return the light miniature, the dark one, and the card of an explorable, as PIL images."""
    # facts["picture"] is the state to photograph, as the page's address has it after "#", such as "scale=0".
    # An explorable without this fact is photographed in its first state.
    state = f"#{facts['picture']}" if "picture" in facts else ""
    shots = []
    for (width, height), query, theme in (
        (WINDOW, "?embed", "light"),
        (WINDOW, "?embed", "dark"),
        (CARD, "", "light"),
    ):
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
        page.goto(f"{address}/explorables/{name}.html{query}{state}")
        page.wait_for_selector("#view .otb, #view.otb", timeout=120_000)
        page.add_style_tag(
            content="#theme, .lead, .whole { display: none } h1 { font-size: 3.2rem !important }"
        )
        page.wait_for_timeout(WAIT)
        shots.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
        page.close()
    return *(shot.resize(MINIATURE, Image.LANCZOS) for shot in shots[:2]), shots[2]


def save(image, path, at_most):
    """Save an image as WebP, in the best of the qualities 80, 70, … 10 that gives at most `at_most` bytes.

    If no quality does, the image is saved in quality 10.
    """
    for quality in range(80, 9, -10):
        image.save(path, quality=quality, method=6)
        if path.stat().st_size <= at_most:
            break
    print(f"{path.name}: {path.stat().st_size / 1e3:.1f} kB at quality {quality}")


def main(names):
    pages = explorables.explorables()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        explorables.write(folder)
        browser = playwright.chromium.launch(
            executable_path=programs.browser(), args=["--no-sandbox", "--disable-background-networking"]
        )
        with served(folder) as address:
            for name in names or pages:
                light, dark, card = photographs(browser, address, name, pages[name])
                save(light, PICTURES / f"{name}.webp", AT_MOST)
                save(dark, PICTURES / f"{name}-dark.webp", AT_MOST)
                save(card, PICTURES / f"{name}-card.webp", 3 * AT_MOST)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
