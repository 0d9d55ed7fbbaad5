"""Draws LoRA's matrices to scale, and shows answers at each strength of an adapter, for lesson 14."""

import json
from pathlib import Path

from course_utils.views.picture import BLUE, INK, QUIET, TRACK, VERMILLION, Picture, card
from course_utils.widgets.explorer import given
from course_utils.widgets.live_view import LiveView

_SIDE = 200  # length of the longer side of W, in pixels


def low_rank(outputs, inputs, rank, *, name="W", title=None) -> Picture:
    """Draw a matrix W and LoRA's matrices A and B, each with an area proportional to its number of weights.

    outputs, inputs : int, rows and columns of the matrix.
    rank : int, rows of A and columns of B.
    name : str, the name of the matrix, such as "queries, layer 0".
    title : str, written above the picture.

    Source: Hu et al. (2021), arXiv:2106.09685.
    """
    matrices = (
        ("", f"{name}: frozen", outputs, inputs, f"background:{TRACK};border:1px solid {QUIET}"),
        ("+", "B: trained", outputs, rank, f"background:{VERMILLION}"),
        ("·", "A: trained", rank, inputs, f"background:{BLUE}"),
    )
    html, words = "", []
    for sign, label, rows, columns, look in matrices:
        height, width = (max(2, round(size * _SIDE / max(outputs, inputs))) for size in (rows, columns))
        count = rows * columns
        if sign:
            html += f'<div style="flex:0 0 auto;font-size:22px;color:{INK}">{sign}</div>'
        html += (
            '<div style="flex:0 0 auto">'
            f'<div style="box-sizing:border-box;width:{width}px;height:{height}px;{look}"></div>'
            f'<div style="font-size:13px;color:{INK};margin-top:4px">{label}</div>'
            f'<div style="font-size:13px;color:{QUIET}">{rows:,} × {columns:,} = {count:,}</div></div>'
        )
        words.append(f"{label}, {rows:,} by {columns:,}, {count:,} numbers")
    share = rank * (outputs + inputs) / (outputs * inputs)
    html = f'<div style="display:flex;flex-wrap:wrap;align-items:center;gap:14px 18px">{html}</div>'
    note = f"To scale. A and B together: {share:.1%} of the numbers of {name}."
    return Picture(card(html, title, note), f"{'; '.join(words)}. {note}")


class Adapter(LiveView):
    """Shows SmolLM2's answers at 31 strengths of the course's adapter, and how many answers are right.

    adapter.json has the answers to some questions, and counts of right answers. The learner can ask other
    questions, and the model answers them. Without `answer`, the learner can't ask any.

    answer : function (strength, question) -> str that multiplies the adapter's change by `strength`, asks the
        model, and then restores the change. If it raises an error, the view shows a message.
    strength : float, the strength at which the view opens, one of the 31: 0, 0.05 and so on up to 1.5.
    """

    view = "adapter"

    def __init__(self, answer=None, strength=1):
        self.ask = answer
        data = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
        self._data = data
        place = data["strengths"].index(strength)
        right, counts = self.right_at(strength), data["counts"]
        said = [
            f"{prompt['text']} {''.join(piece for piece, _ in prompt['answers'][place]).strip()}"
            for prompt in data["prompts"]
        ]
        alt = f"Strength {strength}: {right['library']} of {counts['told']} library questions right, "
        alt += f"{right['general']} of {counts['general']} general ones. {' | '.join(said)}"
        super().__init__(
            data=data, alt=alt, strength=strength, question="", rows=[0, 0], live=answer is not None
        )

    def right_at(self, strength):
        """Return how many answers are right at a stored strength.

        Returns a dict: `library` counts the right answers to 32 questions about facts in the training texts,
        `general` the right answers to 16 other questions.
        """
        place, right = self._data["strengths"].index(strength), self._data["right"]
        return {"library": right["told"][place], "general": right["general"][place]}

    def answer(self, want):
        return {"answer": given(self.ask, want["strength"], want["question"])}
