"""Tests explorers: the numbers behind the sliders, and an output that works with and without a kernel."""

import itertools

import numpy
import pytest

from course_utils import CourseError, catalog
from course_utils.opened.one_weight import OneWeight
from course_utils.opened.sampling import Sampling, entropy_bits, warp

VOCABULARY = 49_152
LOGITS = numpy.random.default_rng(0).normal(size=VOCABULARY) * 3
WIDGET = "application/vnd.jupyter.widget-view+json"
QUESTION = "What is the capital of France?"
BAKED = {0.0: "L'Antecfabac", 1.0: "The capital of France is Paris."}


def decode(token_id):
    return f" w{token_id}"


def transformers_probabilities(logits, temperature, top_k, top_p):
    """Returns the probabilities of `generate`, in float64: in float32, rounding may change the top-p set."""
    import torch
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    scores = torch.tensor(logits, dtype=torch.float64)[None]
    scores = TemperatureLogitsWarper(temperature)(None, scores)
    if top_k:
        scores = TopKLogitsWarper(top_k)(None, scores)
    if top_p < 1:
        scores = TopPLogitsWarper(top_p)(None, scores)
    return scores.softmax(-1)[0].numpy()


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [*itertools.product([0.1, 0.7, 1.0, 3.0], [0, 1, 40], [0.05, 0.9, 1.0])],
)
def test_same_probabilities_as_transformers(temperature, top_k, top_p):
    expected = transformers_probabilities(LOGITS, temperature, top_k, top_p)
    order = numpy.argsort(-LOGITS, kind="stable")
    _, kept = warp(LOGITS[order], temperature, top_k, top_p)
    ours = numpy.zeros(VOCABULARY)
    ours[order[: len(kept)]] = kept
    assert numpy.array_equal(ours > 0, expected > 0)
    assert numpy.abs(ours - expected).max() < 1e-12


def test_ties_at_top_k_stay_as_in_transformers():
    logits = numpy.array([3.0, 2.0, 2.0, 1.0])
    _, kept = warp(logits, top_k=2)
    assert len(kept) == 3 == numpy.count_nonzero(transformers_probabilities(logits, 1.0, 2, 1.0))


def test_entropy_has_its_known_values():
    assert entropy_bits(numpy.array([1.0])) == 0
    assert entropy_bits(numpy.full(8, 1 / 8)) == pytest.approx(3)


def test_sampling_marks_what_is_cut():
    explorer = Sampling(LOGITS, decode, top_k=3, shown=5)
    html = explorer.render().html
    assert html.count("<s>") == 3  # in two rows and in the row of all other tokens
    assert html.count(">cut</td>") == 3
    assert explorer.render().alt.startswith(
        "At temperature 1.0, top-k 3, top-p 1.00: 3 of 49,152 tokens kept;"
    )
    explorer.top_k.value = 0
    assert "<s>" not in explorer.picture.value
    assert "All 49,152 tokens can be drawn." in explorer.picture.value


def test_sampling_rows_add_up_to_one():
    explorer = Sampling(numpy.log([0.5, 0.3, 0.15, 0.05]), decode, top_p=0.9, shown=2)
    # 0.05 is cut, and 0.15 stays among the tokens that are not listed.
    html = explorer.render().html
    assert [share in html for share in ("52.6%", "31.6%", "15.8%")] == [True] * 3
    assert ">cut<" not in html


def test_sampling_takes_a_tensor_and_fewer_tokens_than_rows():
    import torch

    explorer = Sampling(torch.tensor([2.0, 1.0]), decode)
    assert "All 2 tokens can be drawn." in explorer.render().alt


def test_sampling_takes_what_a_model_gives():
    import torch

    explorer = Sampling(torch.tensor([2.0, 1.0], dtype=torch.bfloat16, requires_grad=True), decode)
    assert explorer.scores.tolist() == [2.0, 1.0]
    with pytest.raises(CourseError, match=r"not \(1, 5, 2\): take logits\[0, -1\]\."):
        Sampling(torch.zeros(1, 5, 2), decode)


def test_draws_repeat_with_the_seed_and_change_with_the_button():
    first, same = Sampling(LOGITS, decode), Sampling(LOGITS, decode)
    assert first.picture.value == same.picture.value
    first.draw.click()
    assert first.picture.value != same.picture.value
    same.draw.click()
    assert first.picture.value == same.picture.value


def test_draws_follow_the_probabilities():
    explorer = Sampling(numpy.log([0.75, 0.25]), decode)
    drawn = []
    for explorer.seed in range(200):
        drawn.extend(explorer._sample(numpy.array([0.75, 0.25])))
    assert drawn.count(" w0") / len(drawn) == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sampling(LOGITS, decode),
    ],
)
def test_one_bundle_is_live_and_still(make):
    explorer = make()
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
    explorer = Sampling(LOGITS, decode)
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


def real_explorers():
    """Returns explorers, each with a change that makes it draw again."""
    sampling = Sampling(LOGITS, decode)
    yield sampling, sampling.draw.click


@pytest.mark.parametrize("number", range(1))
def test_a_mistake_of_the_course_is_not_put_down_to_the_model(number, monkeypatch):
    """If the drawing code has an undefined name, the message blames the course and shows the traceback."""
    explorer, change = list(real_explorers())[number]

    def render():
        return undefined_name  # noqa: F821

    monkeypatch.setattr(explorer, "render", render)
    change()
    shown = explorer.picture.value
    assert "a mistake in the course, not yours and not the model" in shown
    assert f"{catalog.repository()}/issues" in shown
    assert "<summary>Traceback</summary>" in shown and "in render" in shown
    assert "NameError" in explorer.status.value and "in render" not in explorer.status.value
    monkeypatch.undo()
    explorer.update()
    assert "mistake" not in explorer.picture.value and explorer.render().alt in explorer.status.value


@pytest.mark.parametrize("number", range(1))
def test_an_interrupt_leaves_no_explorer_computing(number, monkeypatch):
    """The kernel gets the interrupt, the explorer reports it, and its controls keep working."""
    explorer, change = list(real_explorers())[number]
    interrupted = ["decode", "render"][number]

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(explorer, interrupted, interrupt)
    with pytest.raises(KeyboardInterrupt):
        change()
    assert "Interrupted before the picture was drawn" in explorer.picture.value
    assert "computing…" not in explorer.picture.value
    monkeypatch.undo()
    explorer.update()
    assert explorer.render().alt in explorer.status.value


def test_controls_are_followed_again_after_an_error_in_a_quiet_change():
    explorer = Sampling(LOGITS, decode)
    with pytest.raises(ZeroDivisionError), explorer.quietly(explorer.top_k):
        raise ZeroDivisionError
    explorer.top_k.value = 3
    assert "top-k 3" in explorer.status.value


def test_a_mistake_of_the_course_is_an_error_of_the_cell_that_makes_an_explorer(monkeypatch):
    """A notebook that is run to be stored must stop with the error instead of storing a message."""

    def render(self):
        return undefined_name  # noqa: F821

    made = Sampling(LOGITS, decode)
    monkeypatch.setattr(Sampling, "render", render)
    with pytest.raises(NameError):
        Sampling(LOGITS, decode)
    with pytest.raises(NameError):
        made.still()
