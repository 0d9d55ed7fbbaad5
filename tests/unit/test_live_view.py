"""Tests LiveView, a view's host in a notebook: what it sends to the view, and how it answers requests."""

import re
import signal
import threading
import time
from types import SimpleNamespace

import pytest

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.widgets import interrupts
from course_utils.widgets.explorer import failure
from course_utils.widgets.live_view import ROOM, LiveView, module, styles

VIEWS = sorted(path.stem for path in ROOM.glob("*.js"))


class Doubled(LiveView):
    """Answers a request with twice its number."""

    view = "window"

    def __init__(self):
        super().__init__(data={"numbers": [1, 2]}, alt="Two numbers, 1 & 2.", size=2)

    def answer(self, want):
        if want["number"] < 0:
            raise CourseError("There is nothing below 0: choose another number.")
        yield {"twice": 2 * want["number"] / want.get("divide_by", 1), "half_done": True}
        yield {"twice": 2 * want["number"]}


def answers(view, want):
    """Send the view the request `want`. Return all answers."""
    told = []
    view.widget.observe(lambda change: told.append(change.new), "said")
    view.widget.want = want
    return told


def test_the_view_gets_its_data_and_the_choices_at_the_start():
    widget = Doubled().widget
    assert (widget.data, widget.size, widget.live) == ({"numbers": [1, 2]}, 2, True)
    assert {"data", "size", "live", "want", "said"} <= set(widget.keys)


def test_two_views_of_a_notebook_keep_their_own_rules():
    other = type("Other", (Doubled,), {"view": "router"})
    one, two = Doubled().widget, other().widget
    assert one._css != two._css and one._anywidget_id != two._anywidget_id


def test_an_answer_may_come_in_parts():
    want = {"number": 4}
    assert answers(Doubled(), want) == [
        {"want": want, "twice": 8, "half_done": True},
        {"want": want, "twice": 8},
    ]


def test_a_mistake_of_the_visitor_is_answered_with_the_message():
    want = {"number": -1}
    message = "There is nothing below 0: choose another number."
    assert answers(Doubled(), want) == [{"want": want, "error": message}]


def test_a_mistake_of_the_course_is_reported_as_one():
    (told,) = answers(Doubled(), {"number": 1, "divide_by": 0})
    assert "mistake in the course" in told["error"] and "ZeroDivisionError" in told["error"]


def test_the_report_of_a_mistake_of_the_course_has_its_traceback():
    def divide():
        return 1 / 0

    with pytest.raises(ZeroDivisionError) as caught:
        divide()
    shown = failure(caught.value).html
    assert "<summary>Traceback</summary>" in shown and "in divide" in shown
    assert f"{catalog.repository()}/issues" in shown


def test_an_interrupt_is_answered_and_handed_on(monkeypatch):
    view = Doubled()

    def interrupt(want):
        raise KeyboardInterrupt

    monkeypatch.setattr(view, "answer", interrupt)
    with pytest.raises(KeyboardInterrupt):
        view.widget.want = {"number": 1}
    assert view.widget.said["error"].startswith("Interrupted before the answer was there.")
    monkeypatch.undo()
    assert answers(view, {"number": 2})[-1]["twice"] == 4


def test_an_interrupt_reaches_a_view_that_computes_in_another_thread(monkeypatch):
    """JupyterLab may let a second thread answer a view. SIGINT reaches only the main thread."""
    view, begun = Doubled(), threading.Event()

    def compute(want):
        begun.set()
        while want["number"] == 1:
            time.sleep(0.001)
        return {"twice": 4}

    monkeypatch.setattr(view, "answer", compute)
    kernel = SimpleNamespace(saved_sigint_handler=signal.SIG_IGN)
    monkeypatch.setattr(interrupts.notebook, "shell", lambda: SimpleNamespace(kernel=kernel))
    interrupts.listen()
    before = signal.signal(signal.SIGINT, kernel.saved_sigint_handler)
    try:
        thread = threading.Thread(target=view.widget.set_trait, args=("want", {"number": 1}))
        thread.start()
        begun.wait()
        signal.raise_signal(signal.SIGINT)
        thread.join()
        assert view.widget.said["error"].startswith("Interrupted before the answer was there.")
        signal.raise_signal(signal.SIGINT)  # no request is being answered, so this does nothing
        assert answers(view, {"number": 2})[-1]["twice"] == 4
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_view_without_a_model_is_not_live():
    class Stored(LiveView):
        view = "heads"

    assert Stored(data={}, alt="Nothing.").widget.live is False


def test_a_notebook_gets_the_widget_and_words():
    view = Doubled()
    bundle = view._repr_mimebundle_()
    assert bundle["text/plain"] == "Two numbers, 1 & 2."
    assert "Two numbers, 1 &amp; 2." in bundle["text/html"]
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == view.widget.model_id


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_in_a_notebook_loads_nothing(view):
    text = module(view)
    assert not re.search(r"^import\b|\bimport\(", text, re.M)
    assert len(re.findall(r"^export\b", text, re.M)) == len(
        re.findall(r"^export\b", (ROOM / f"{view}.js").read_text(), re.M)
    )
    assert all(address.startswith('"data:') for address in re.findall(r"url\(([^)]*)", styles(view)))
