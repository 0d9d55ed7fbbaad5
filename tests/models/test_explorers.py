"""Tests what the explorers Sampling and OneWeight send to their views, and how a failure is reported."""

import base64

import numpy
import pytest

from course_utils import CourseError
from course_utils.opened.one_weight import OneWeight, what_is_left
from course_utils.opened.sampling import Sampling

QUESTION = "What is the capital of France?"
BAKED = {0.0: "L'Antecfabac", 1.0: "The capital of France is Paris."}


def decode(token_id):
    return f" w{token_id}"


def test_sampling_sends_the_logits_of_one_position_the_largest_first():
    import torch

    view = Sampling(torch.tensor([1.0, 2.0, -1.0], dtype=torch.bfloat16, requires_grad=True), decode)
    data = view.widget.data
    stored = numpy.frombuffer(base64.b64decode(data["logits"]["sixteen"]), dtype="<u2")
    assert data["logits"]["low"] + data["logits"]["step"] * stored == pytest.approx([2, 1, -1], abs=1e-4)
    assert data["pieces"] == [" w1", " w0", " w2"] and not view.widget.live
    assert view.alt == "The likeliest of 3 tokens at temperature 1: ·w1 70.5%, ·w0 25.9%, ·w2 3.5%."
    with pytest.raises(CourseError, match=r"not \(1, 5, 2\): take logits\[0, -1\]\."):
        Sampling(torch.zeros(1, 5, 2), decode)


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


def test_an_answer_is_the_same_or_shares_words_or_none():
    choices = ["the same", "some", "none"]
    says = "The capital of France is Paris."
    assert what_is_left(says, says, choices) == "the same"
    assert what_is_left(says, "It is Rome.", choices) == "some"
    assert what_is_left(says, "L'Antecfab", choices) == "none"


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
