"""A LoRA adapter: its two narrow matrices, drawn to scale, and its strength, for lesson 14."""

from course_utils.errors import CourseError
from course_utils.views.picture import BLUE, INK, QUIET, TRACK, VERMILLION, Picture, card
from course_utils.widgets.explorer import given
from course_utils.widgets.live_view import LiveView

_SIDE = 200  # length of the matrix's longer side, in pixels


def low_rank(outputs, inputs, rank, *, name="W", title=None, alt=None) -> Picture:
    """Draw a matrix W and LoRA's A and B. The area of each is proportional to the count of its numbers.

    outputs, inputs : int, rows and columns of the matrix.
    rank : int, rows of A and columns of B.
    name : str, the name of the matrix, such as "queries, layer 0".
    title : str, written above the picture.
    alt : str, the picture in words; by default the shape of each matrix and how many numbers it has.

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
    return Picture(card(html, title, note), alt or f"{'; '.join(words)}. {note}")


class Adapter(LiveView):
    """Shows a model's answer at a chosen strength of a LoRA adapter, and the shares of right answers.

    answer : function (strength, question) -> str that multiplies the adapter's update by `strength`, asks the
        model, and then restores the update. If it raises an error, the view shows a message.
    measured : dict from a strength (0 is without the adapter, 1 is as trained) to a dict from the name of a
        group of questions to its share of right answers in percent. The view offers these strengths; 0 must
        be one of them.
    baked : dict from a strength to the answer to `prompt`, computed beforehand. Missing answers are computed.
    prompt : str, the question asked first.
    """

    view = "adapter"

    def __init__(self, answer, measured, baked, prompt):
        self.ask = answer
        strengths = sorted(measured)
        if strengths[:1] != [0]:
            raise CourseError("The smallest strength must be 0, without the adapter: measure that, too.")
        answers = [baked[at] if at in baked else given(answer, at, prompt) for at in strengths]
        right = {group: [measured[at][group] for at in strengths] for group in measured[0]}
        data = {
            "strengths": strengths,
            "right": right,
            "prompts": [{"text": prompt, "answers": answers}],
        }
        said = [f"strength {at:g}: {text}" for at, text in zip(strengths, answers, strict=True)]
        shares = [
            f"strength {at:g}: " + ", ".join(f"{group} {share:.0f}%" for group, share in measured[at].items())
            for at in strengths
        ]
        alt = f"{prompt} {' | '.join(said)} | Right answers: {'; '.join(shares)}"
        super().__init__(data=data, alt=alt, strength=strengths[-1], question="")

    def answer(self, want):
        return {"answer": given(self.ask, want["strength"], want["question"])}
