"""Tests a view that sends requests to a kernel, in JupyterLab and Notebook 7, and the PNG image of a view."""

import io
import re

import pytest
from lab import Notebook, Server, chromium
from lazy import Lazy
from PIL import Image
from playwright.sync_api import expect

from course_utils.widgets import live_view
from course_utils.widgets.photograph import WIDTH, photograph

nbformat = Lazy("nbformat")

# A view with a slider. The kernel computes what the view shows.
VIEW = """
import { adopt, make } from "./view.js";

export function render({ model, el }) {
  adopt(el, "tripled");
  const slider = make("input");
  Object.assign(slider, { type: "range", min: "1", max: "9", value: model.get("number") });
  slider.setAttribute("aria-label", "Number");
  const words = make("p", "words");
  el.append(slider, words);
  const ask = () => {
    model.set("want", { number: Number(slider.value) });
    model.save_changes();
  };
  slider.addEventListener("input", ask);
  model.on("change:said", () => {
    const { result, error } = model.get("said");
    words.textContent = error ?? model.get("data").name + result;
  });
  ask();
  return () => {};
}

export default { render };
"""
CODE = """
import time
from pathlib import Path
from course_utils.widgets import live_view

live_view.ROOM = Path("FOLDER")

class Tripled(live_view.LiveView):
    view = "tripled"

    def __init__(self):
        super().__init__(data={"name": "three times it is "}, alt="Three times a number.", number=2)

    def answer(self, want):
        if want["number"] == 1:
            Path("FOLDER", "begun").touch()
            while True:
                time.sleep(0.01)
        return {"result": 3 * want["number"]}

view = Tripled()
view
"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return tmp_path_factory.mktemp("room")


@pytest.fixture(scope="module")
def code(room):
    (room / "tripled.js").write_text(VIEW)
    (room / "tripled.css").write_text(".tripled .words { font-size: 2rem; }")
    return CODE.strip().replace("FOLDER", room.as_posix())


@pytest.fixture(scope="module")
def server(tmp_path_factory, code):
    folder = tmp_path_factory.mktemp("views")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for place in ("lab", "notebook"):
        nbformat.write(notebook, folder / f"{place}.ipynb")
    with Server(folder, tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.mark.parametrize("place", ["lab", "notebook"])
def test_the_kernel_answers_a_view_and_an_interrupt_ends_in_a_word(browser, server, room, place):
    notebook = Notebook(browser, server, f"{place}.ipynb", place)
    notebook.run_all()
    words, slider = notebook.output(0).locator(".words"), notebook.output(0).get_by_role("slider")
    expect(words).to_have_text("three times it is 6")
    slider.press("End")
    expect(words).to_have_text("three times it is 27")
    slider.press("ArrowLeft")  # `adopt` keeps Jupyter from using this key itself
    expect(words).to_have_text("three times it is 24")
    assert (notebook.findings(), notebook.complaints) == ([], [])
    begun = room / "begun"
    for _ in range(2):  # interrupt the same request twice
        slider.press("Home")
        while not begun.exists():
            notebook.page.wait_for_timeout(50)
        begun.unlink()
        # the command of JupyterLab's button ■
        notebook.page.evaluate("window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
        expect(words).to_have_text(re.compile("^Interrupted before the answer was there"))
        slider.press("End")
        expect(words).to_have_text("three times it is 27")
    notebook.close()


def test_a_photograph_shows_the_first_answer(browser, code, monkeypatch):
    monkeypatch.setattr(live_view, "ROOM", live_view.ROOM)
    space = {}
    exec(code, space)
    image = Image.open(io.BytesIO(photograph(space["view"])[0]))
    assert image.width == 1.5 * WIDTH and len(image.getcolors()) > 10
