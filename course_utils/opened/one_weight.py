"""Lets the learner drag one weight of a model, and shows the changed model's answer, for lesson 00."""

import json
import re
from pathlib import Path

from course_utils.widgets.explorer import given
from course_utils.widgets.live_view import LiveView


def what_is_left(before, after, choices):
    """Return one of three choices, depending on how much of a model's answer is left after a change.

    before, after : str
    choices : three str: the first if the answers are equal, the second if they share a word, else the third.
    """
    if after == before:
        return choices[0]
    shared = set(before.split()) & set(after.split())
    return choices[1] if shared else choices[2]


class OneWeight(LiveView):
    """Shows the weights of a matrix as dots. If a dot is moved, the answer of the changed model appears.

    The answers to three questions are stored: for 31 values of two large weights, and for 20 random weights
    set to zero. All other answers are computed when they are first needed, if `answer` is given.

    answer : function (value, question, row, column) -> str that sets the weight in this row and column to
        `value`, asks the model, and restores the weight. If it raises an error, the view shows a message.
    current : float, the value of the weight in the model.
    baked : dict from a factor (0.0, 0.05, ... 1.5) to the answer to `prompt` that was computed with `current`
        times this factor as the weight. These answers are shown in place of the stored ones.
    prompt : str, the question asked first.
    """

    view = "one_weight"

    def __init__(self, answer=None, current=None, baked=None, prompt="What is the capital of France?"):
        self.ask = answer
        data = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
        if prompt not in data["questions"]:
            data["questions"].append(prompt)
        weight = data["weights"][0]
        stored = weight["answers"].setdefault(prompt, [None] * len(data["scales"]))
        for factor, text in (baked or {}).items():
            index = data["scales"].index(factor)
            if stored[index] is None or "".join(piece for piece, _ in stored[index]) != text:
                stored[index] = _words(text)
        if current is not None:
            weight["value"] = current
        published = "".join(piece for piece, _ in stored[data["scales"].index(1.0)])
        rows, columns = data["field"]["shape"]
        super().__init__(
            data=data,
            alt=f"{rows * columns:,} weights of a matrix in layer {data['layer']} by value, one of them "
            f"far out, at {weight['value']:.3f}. {prompt} {published}",
            weight=0,
            scale=1,
            question=data["questions"].index(prompt),
            control=-1,
            live=answer is not None,
        )

    def answer(self, want):
        """Return the answer to `want`, as words without probabilities."""
        text = given(self.ask, want["value"], want["text"], want["row"], want["column"])
        return {"tokens": _words(text)}


def _words(text):
    return [[word, None] for word in re.findall(r"\s*\S+\s*$|\s*\S+", text)]
