"""Makes photographs of views: PNG images of the interactive pictures, drawn in a browser.

A stored notebook shows the photographs to a reader who has no kernel. `course run --write` makes them. The
command needs Playwright, which `make check` installs, and Chromium or Chrome.
"""

import io
import shutil
import threading

from course_utils.errors import CourseError
from course_utils.widgets.live_view import WIDGETS, module, styles

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
WIDTH = 760  # CSS pixels, as wide as the course's charts
SHARPNESS = 1.5  # pixels of the image for one CSS pixel
COLOURS = 128
REST_MS = 400  # a view is photographed after this time without a change or a request

# Shows the view as host.js does on the website, and counts the requests that wait for an answer.
_SHOW = """
async ([host, view, values]) => {
  const load = (text) => import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  const { createModel } = await load(host);
  const { default: shown } = await load(view);
  window.pending = 0;
  const answer = async (want, tell) => {
    window.pending++;
    const parts = await window.ask(want);
    parts.slice(0, -1).forEach(tell);
    window.pending--;
    return parts.at(-1);
  };
  const el = document.querySelector("main").appendChild(document.createElement("div"));
  const model = createModel({ values, answer: values.live ? answer : undefined });
  shown.render({ model, el });
  window.changed = performance.now();
  const note = () => (window.changed = performance.now());
  const everything = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(note).observe(el, everything);
  await document.fonts.ready;
}
"""


def photograph(view):
    """Return a PNG (bytes) of a `LiveView` in its first state, and the view's width in CSS pixels.

    `view.answer` answers the view's requests. Raises CourseError if Playwright or a browser is missing, or
    if the view can't be drawn.
    """
    result = []

    def take():
        # Playwright's synchronous interface does not work in the thread of the kernel's event loop.
        try:
            result.append(_taken(view))
        except Exception as error:  # the caller's thread raises it
            result.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    if isinstance(result[0], Exception):
        raise result[0]
    return result[0], WIDTH


def _taken(view):
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise CourseError(
            "A notebook that is stored shows photographs of its views, and Playwright, which takes them, is "
            "not installed: run make check once, which installs it, or run the notebook without --write."
        ) from None
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    values = {name: getattr(view.widget, name) for name in view.names}
    host = (WIDGETS / "host.js").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        except Error as error:
            raise CourseError(
                "A notebook that is stored shows photographs of its views, and no Chromium or Chrome starts: "
                f"install chromium, or run the notebook without --write ({error.message.splitlines()[0]})."
            ) from error
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 900},
            device_scale_factor=SHARPNESS,
            reduced_motion="reduce",
            color_scheme="light",
        )
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: said.type == "error" and problems.append(said.text))
        page.expose_function("ask", lambda want: list(view.replies(want)))
        page.set_content(f"<!doctype html><style>body{{margin:0}}{styles(view.view)}</style><main></main>")
        page.evaluate(_SHOW, [host, module(view.view), values])
        page.wait_for_function(f"window.pending === 0 && performance.now() - window.changed > {REST_MS}")
        image = page.locator("main").screenshot(type="png")
        browser.close()
    if problems:
        raise CourseError(f"The view {view.view!r} can't be photographed: {problems[0]}")
    return _smaller(image)


def _smaller(image):
    """Return a PNG (bytes) reduced to at most COLOURS colours, which are enough for a drawing."""
    from PIL import Image

    buffer = io.BytesIO()
    picture = Image.open(io.BytesIO(image)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
