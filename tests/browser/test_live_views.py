"""Tests a view in the notebooks that host it, with a kernel that answers, and its photograph."""

import io

import pytest
from lab import Notebook, Server, chromium
from lazy import Lazy
from PIL import Image
from playwright.sync_api import expect

from course_utils.widgets.photograph import WIDTH, photograph

nbformat = Lazy("nbformat")

# A kernel that answers like a model: "red" while the window holds at least four tokens, and "blue" below.
CODE = """
from course_utils.widgets.live_view import LiveView

class Window(LiveView):
    view = "window"

    def __init__(self):
        super().__init__(data=None, alt="A window.", layers=2, text="It is red . It is", size=1000)

    def answer(self, want):
        pieces = ["<s>", *(f" {word}" for word in want["text"].split())]
        word = " red" if want["size"] is None or want["size"] >= 4 else " blue"
        return {"pieces": pieces, "top": [[word, 0.9], [" green", 0.1]]}

view = Window()
view
"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CODE.strip())])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for place in ("lab", "notebook"):
        nbformat.write(notebook, folder / f"{place}.ipynb")
    with Server(folder, tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.mark.parametrize("place", ["lab", "notebook"])
def test_the_kernel_answers_a_view(browser, server, place):
    notebook = Notebook(browser, server, f"{place}.ipynb", place)
    notebook.run_all()
    head, handle = notebook.output(0).locator(".wd-head"), notebook.output(0).get_by_role("slider")
    expect(head).to_contain_text("red")
    handle.press("End")
    expect(head).to_contain_text("blue")
    assert (notebook.findings(), notebook.complaints) == ([], [])
    notebook.close()


def test_a_photograph_shows_the_first_answer(browser):
    space = {}
    exec(CODE, space)
    image = Image.open(io.BytesIO(photograph(space["view"])[0]))
    assert image.width == 1.5 * WIDTH and len(image.getcolors()) > 10
