"""A LoRA adapter: its two narrow matrices, drawn to scale, and a slider for its strength, for lesson 12."""

from course_utils.views.charts import bar_table
from course_utils.views.picture import BLUE, INK, LINE, QUIET, TRACK, VERMILLION, Picture, card
from course_utils.widgets.asking import Asking

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


class Adapter(Asking):
    """Shows a model's answer at a chosen strength of a LoRA adapter, next to the answer without the adapter.

    Below the answers are the measured shares of right answers at that strength.

    answer : function (strength, question) -> str that multiplies the adapter's update by `strength`, asks the
        model, and then restores the update. If it raises an error, the explorer shows a message.
    measured : dict from a strength (0 is without the adapter, 1 is as trained) to a dict from the name of a
        group of questions to its share of right answers in percent. The slider offers these strengths; 0 must
        be one of them.
    baked : dict from a strength to the answer to `prompt`, computed beforehand. These answers are shown at
        once. All other answers are computed when they are first needed, and then kept.
    prompt : str, the question asked first.
    """

    at_home = "without the adapter"

    def __init__(self, answer, measured, baked, prompt):
        self.measured = measured
        super().__init__(
            answer,
            values={f"{strength:g}": strength for strength in measured},
            home=0,
            description="strength of the adapter",
            baked=baked,
            prompt=prompt,
        )

    def heading(self, strength):
        return f'strength <b style="color:{INK}">{strength:g}</b>'

    def named(self, strength):
        return f"strength {strength:g}"

    def below(self, strength):
        shares, without = self.measured[strength], self.measured[0]
        bars = bar_table(list(shares), list(shares.values()), "% right", list(without.values()), longest=100)
        html = f'<div style="margin-top:14px;border-top:1px solid {LINE}">{bars}</div>'
        words = "; ".join(
            f"{group}: {share:.0f}% right ({without[group]:.0f}%)" for group, share in shares.items()
        )
        note = "Dashed lines: without the adapter. The bars start at 0; full width is 100%."
        return html, note, f" | Measured at this strength, and without the adapter in brackets. {words}"
