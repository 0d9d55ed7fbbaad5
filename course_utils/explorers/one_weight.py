"""One weight of a model under a slider, and what the model then answers."""

from html import escape

import ipywidgets

from course_utils.views.picture import INK, LINE, QUIET, Picture, card

from .base import Explorer, sentence

_FACTORS = [0, 0.25, 0.5, 0.75, 0.9, 1, 1.25, 1.5, 2]


class OneWeight(Explorer):
    """A slider over one weight, the answer at that value, and the answer with the weight unchanged beside it.

    Parameters
    ----------
    answer: function (value, question) -> str that sets the weight to `value`, asks the model, and restores
        the weight. What it raises is shown as one sentence.
    current: float, the value of the weight in the model.
    baked: dict from a factor (0.0, 0.25, ... 2.0) to the answer to `prompt` with the weight at factor times
        `current`. These show at once; others are computed when they are first needed, and kept.
    prompt: str, the question asked first.
    """

    def __init__(self, answer, current, baked, prompt):
        self.answer = answer
        self.current = current
        self.prompt = self.asked = prompt
        self.answers = {(prompt, factor): text for factor, text in baked.items()}
        self.factor = ipywidgets.SelectionSlider(
            options=[(f"{factor * current:.3f}", factor) for factor in _FACTORS],
            value=1.0,
            description="value of the weight",
            continuous_update=False,
        )
        self.question = ipywidgets.Text(value=prompt, description="your question")
        self.ask = ipywidgets.Button(description="Ask")
        super().__init__([self.factor, self.question, self.ask])
        self.factor.observe(self.update, "value")
        self.ask.on_click(self._ask)

    def _ask(self, button):
        self.asked = self.question.value
        self.update()

    def update(self, change=None):
        if any((self.asked, factor) not in self.answers for factor in (1.0, self.factor.value)):
            self.show(sentence("computing…"))
        super().update(change)

    def render(self):
        factor = self.factor.value
        unchanged, now = self._answer_at(1.0), self._answer_at(factor)
        panels = self._panel(1.0, unchanged, "unchanged")
        alt = f"{self.asked} Weight {self.current:.3f}, unchanged: {unchanged}"
        if factor != 1:
            same = "the same answer" if now == unchanged else "a different answer"
            panels += self._panel(factor, now, same)
            alt += f" | Weight {factor * self.current:.3f}, {same}: {now}"
        return Picture(card(_side_by_side(panels), self.asked), alt)

    def still(self):
        """Every answer known in advance: where no kernel runs there is no slider to move."""
        unchanged = self.answers.get((self.prompt, 1.0))
        panels, said = "", []
        for factor in _FACTORS:
            text = self.answers.get((self.prompt, factor))
            if text is None:
                continue
            same = "the same answer" if text == unchanged else "a different answer"
            panels += self._panel(factor, text, "unchanged" if factor == 1 else same)
            said.append(f"weight {factor * self.current:.3f}: {text}")
        return Picture(card(_side_by_side(panels), self.prompt), f"{self.prompt} {' | '.join(said)}")

    def _answer_at(self, factor):
        key = (self.asked, factor)
        if key not in self.answers:
            self.answers[key] = self.answer(factor * self.current, self.asked)
        return self.answers[key]

    def _panel(self, factor, text, remark):
        edge = f"1px solid {LINE}" if remark != "a different answer" else f"2px solid {INK}"
        return (
            f'<div style="flex:1 1 250px;min-width:0;box-sizing:border-box;border:{edge};border-radius:6px;'
            f'padding:8px 12px"><div style="font-size:13px;color:{QUIET}">{factor:g} × {self.current:.3f} = '
            f'<b style="color:{INK}">{factor * self.current:.3f}</b>, {remark}</div>'
            f'<div style="font-size:15px;overflow-wrap:break-word;margin-top:2px">{escape(text)}</div></div>'
        )


def _side_by_side(panels):
    return f'<div style="display:flex;flex-wrap:wrap;gap:10px">{panels}</div>'
