"""Tests explorers: the numbers behind the sliders, and an output that works with and without a kernel."""

import base64

import ipywidgets
import numpy
import pytest

from course_utils import CourseError, catalog
from course_utils.opened.one_weight import OneWeight
from course_utils.opened.sampling import Sampling
from course_utils.views.picture import Picture, card
from course_utils.widgets.explorer import Explorer, given

WIDGET = "application/vnd.jupyter.widget-view+json"
QUESTION = "What is the capital of France?"
BAKED = {0.0: "L'Antecfabac", 1.0: "The capital of France is Paris."}


def decode(token_id):
    return f" w{token_id}"


class Tripled(Explorer):
    """Shows three times a number."""

    def __init__(self, triple=lambda number: 3 * number):
        self.triple = triple
        self.number = ipywidgets.IntSlider(value=2, max=9, description="number")
        super().__init__([self.number])

    def render(self):
        text = f"Three times {self.number.value} is {given(self.triple, self.number.value)}."
        return Picture(card(text), text)


def test_sampling_sends_the_logits_of_one_position_the_largest_first():
    import torch

    view = Sampling(torch.tensor([1.0, 2.0, -1.0], dtype=torch.bfloat16, requires_grad=True), decode)
    data = view.widget.data
    stored = numpy.frombuffer(base64.b64decode(data["logits"]["sixteen"]), dtype="<u2")
    assert data["logits"]["low"] + data["logits"]["step"] * stored == pytest.approx([2, 1, -1], abs=1e-4)
    assert data["pieces"] == [" w1", " w0", " w2"] and not view.widget.live
    assert view.alt == "The likeliest of 3 tokens at temperature 1: ·w1 70.5%, ·w0 25.9%, ·w2 3.5%."
    assert "Cut by top-k off and top-p 0.9." in Sampling([2.0, 1.0], decode, top_p=0.9).alt
    with pytest.raises(CourseError, match=r"not \(1, 5, 2\): take logits\[0, -1\]\."):
        Sampling(torch.zeros(1, 5, 2), decode)


def test_one_bundle_is_live_and_still():
    explorer = Tripled()
    bundle = explorer._repr_mimebundle_()
    assert set(bundle) == {WIDGET, "text/html", "text/plain"}
    assert bundle[WIDGET]["model_id"] == explorer.box.model_id
    assert bundle["text/plain"] == explorer.still().alt
    assert bundle["text/html"].startswith(explorer.still().html)
    assert "Run this cell to change it." in bundle["text/html"]
    for tag in ("<script", "<style", "<svg", "role="):
        assert tag not in bundle["text/html"]
    assert all(control.description for control in explorer.controls)


def test_the_live_picture_is_announced():
    explorer = Tripled()
    assert explorer.render().alt in explorer.status.value


def test_the_weight_s_stored_answers_give_way_to_those_of_the_notebook():
    view = OneWeight(None, 5.8757, BAKED, QUESTION)
    data = view.widget.data
    answers = data["weights"][0]["answers"][QUESTION]
    assert data["scales"][0] == 0 and answers[0] == [["L'Antecfabac", None]]
    assert "".join(piece for piece, _ in answers[20]) == BAKED[1.0] and answers[20][1][1] > 50
    assert view.alt.endswith(
        "far out, at 5.876. What is the capital of France? The capital of France is Paris."
    )
    own = OneWeight(None, 5.8757, {1.0: "Yes."}, "Is it?").widget
    assert own.data["questions"][own.question] == "Is it?"
    assert own.data["weights"][0]["answers"]["Is it?"] == [None] * 20 + [[["Yes.", None]]] + [None] * 10


def test_other_answers_come_from_the_notebook_s_function():
    def answer(value, question, row, column):
        return f"{question} is {value}, {row}, {column}. "

    view = OneWeight(answer, 5.8757, BAKED, QUESTION)
    want = {"text": "This", "row": 507, "column": 1487, "value": 6.0}
    [said] = view.replies(want)
    assert said["want"] == want
    assert [word for word, _ in said["tokens"]] == ["This", " is", " 6.0,", " 507,", " 1487. "]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (CourseError("Load the model first."), "Load the model first."),
        (
            KeyError("x"),
            "`answer`, a function that this notebook gave to the explorer, stopped (KeyError: 'x').",
        ),
        (MemoryError(), "The memory ran out: ask for something shorter"),
    ],
)
def test_a_failure_is_one_sentence(error, sentence):
    def answer(*_):
        raise error

    want = {"text": "This", "row": 507, "column": 1487, "value": 6.0}
    [said] = OneWeight(answer, 5.8757, BAKED, QUESTION).replies(want)
    assert said["error"].startswith(sentence)


def test_a_mistake_of_the_course_is_not_put_down_to_the_model(monkeypatch):
    """If the drawing code has an undefined name, the message blames the course and shows the traceback."""
    explorer = Tripled()

    def render():
        return undefined_name  # noqa: F821

    monkeypatch.setattr(explorer, "render", render)
    explorer.number.value = 3
    shown = explorer.picture.value
    assert "a mistake in the course, not yours and not the model" in shown
    assert f"{catalog.repository()}/issues" in shown
    assert "<summary>Traceback</summary>" in shown and "in render" in shown
    assert "NameError" in explorer.status.value and "in render" not in explorer.status.value
    monkeypatch.undo()
    explorer.update()
    assert "mistake" not in explorer.picture.value and explorer.render().alt in explorer.status.value


def test_an_interrupt_leaves_no_explorer_computing(monkeypatch):
    """The kernel gets the interrupt, the explorer reports it, and its controls keep working."""
    explorer = Tripled()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(explorer, "triple", interrupt)
    with pytest.raises(KeyboardInterrupt):
        explorer.number.value = 3
    assert "Interrupted before the picture was drawn" in explorer.picture.value
    assert "computing…" not in explorer.picture.value
    monkeypatch.undo()
    explorer.update()
    assert explorer.render().alt in explorer.status.value


def test_controls_are_followed_again_after_an_error_in_a_quiet_change():
    explorer = Tripled()
    with pytest.raises(ZeroDivisionError), explorer.quietly(explorer.number):
        raise ZeroDivisionError
    explorer.number.value = 3
    assert "Three times 3 is 9." in explorer.status.value


def test_a_mistake_of_the_course_is_an_error_of_the_cell_that_makes_an_explorer(monkeypatch):
    """A notebook that is run to be stored must stop with the error instead of storing a message."""

    def render(self):
        return undefined_name  # noqa: F821

    made = Tripled()
    monkeypatch.setattr(Tripled, "render", render)
    with pytest.raises(NameError):
        Tripled()
    with pytest.raises(NameError):
        made.still()
