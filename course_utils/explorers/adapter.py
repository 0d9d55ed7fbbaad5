"""An explorer that changes the strength of an adapter and shows what the model then answers."""

from course_utils.views.charts import bar_table
from course_utils.views.picture import INK, LINE

from .asking import Asking


class Adapter(Asking):
    """Shows a model's answer at a chosen strength of a LoRA adapter, next to the answer without the adapter.

    Below the answers are the shares of right answers that were measured at that strength.

    Parameters
    ----------
    answer: function (strength, question) -> str that asks the model with the adapter's update multiplied by
        `strength`, and then restores it. If it raises an error, the explorer shows a message.
    measured: dict from a strength (0 without the adapter, 1 as trained) to a dict from the name of a group of
        questions to its share of right answers in percent. The slider offers these strengths; 0 must be
        one of them.
    baked: dict from a strength to the answer to `prompt`. These are shown at once; other answers are
        computed when they are first needed, and kept.
    prompt: str, the question asked first.
    """

    at_home = "without the adapter"

    def __init__(self, answer, measured, baked, prompt):
        self.measured = measured
        places = {f"{strength:g}": strength for strength in measured}
        super().__init__(answer, places, 0, "strength of the adapter", baked, prompt)

    def heading(self, place):
        return f'strength <b style="color:{INK}">{place:g}</b>'

    def named(self, place):
        return f"strength {place:g}"

    def below(self, place):
        here, home = self.measured[place], self.measured[0]
        bars = bar_table(list(here), list(here.values()), "% right", list(home.values()), longest=100)
        html = f'<div style="margin-top:14px;border-top:1px solid {LINE}">{bars}</div>'
        words = "; ".join(
            f"{group}: {share:.0f}% right ({home[group]:.0f}%)" for group, share in here.items()
        )
        note = "Dashed lines: without the adapter. The bars start at 0; full width is 100%."
        return html, note, f" | Measured at this strength, and without the adapter in brackets. {words}"
