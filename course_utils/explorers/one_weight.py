"""One weight of a model under a slider, and what the model then answers."""

from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.picture import LINE, QUIET, Picture, card

from .base import Explorer

FACTORS = [step / 4 for step in range(9)]


class OneWeight(Explorer):
    """A slider over one weight, the model's answer at that value, and the original answer beside it.

    Parameters
    ----------
    answer: function (value, question) -> str: sets the weight to `value`, asks, restores the weight.
    current: the weight's value as published.
    baked: dict from a factor (0.0, 0.25, ... 2.0) to the answer to `prompt` with the weight at factor * current;
        these show at once, others are computed.
    prompt: the question that is asked first.
    """

    def __init__(self, answer, current, baked, prompt):
        self.answer = answer
        self.current = current
        self.prompt = self.asked = prompt
        self.known = {(prompt, factor): text for factor, text in baked.items()}
        options = [(f"{factor:g} × = {factor * current:.3f}", factor) for factor in FACTORS]
        self.factor = ipywidgets.SelectionSlider(
            options=options, value=1.0, description="the weight", continuous_update=False
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
        if any((self.asked, factor) not in self.known for factor in (1.0, self.factor.value)):
            self.show(Picture(card("computing…"), "computing…"))
        super().update()

    def render(self):
        factor = self.factor.value
        original, now = self._answer_at(1.0), self._answer_at(factor)
        panels = _panel("As published", self.current, original) + _panel(
            f"{factor:g} ×", factor * self.current, now
        )
        body = f'<div style="display:flex;flex-wrap:wrap;gap:12px">{panels}</div>'
        same = "The same answer." if now == original else "A different answer."
        alt = f"{self.asked} Weight {self.current:.3f}: {original} Weight {factor * self.current:.3f}: {now} {same}"
        return Picture(card(body, self.asked, same), alt)

    def still(self):
        """Every answer that is known in advance: without a kernel there is no slider to move."""
        known = sorted(
            (factor, text) for (question, factor), text in self.known.items() if question == self.prompt
        )
        panels = "".join(_panel(f"{factor:g} ×", factor * self.current, text) for factor, text in known)
        alt = "; ".join(f"weight {factor * self.current:.3f}: {text}" for factor, text in known)
        body = f'<div style="display:flex;flex-wrap:wrap;gap:12px">{panels}</div>'
        return Picture(card(body, self.prompt), f"{self.prompt} {alt}")

    def _answer_at(self, factor):
        key = (self.asked, factor)
        if key not in self.known:
            try:
                self.known[key] = self.answer(factor * self.current, self.asked)
            except CourseError as error:
                return str(error)
            except (
                Exception
            ) as error:  # whatever the learner's edit of `answer` raised, say it in one sentence
                return f"The model could not answer ({type(error).__name__}: {error})."
        return self.known[key]


def _panel(heading, value, text):
    return (
        f'<div style="flex:1 1 240px;min-width:0;border:1px solid {LINE};border-radius:6px;padding:8px 10px">'
        f'<div style="font-size:13px;color:{QUIET}">{escape(heading)} = {value:.3f}</div>'
        f'<div style="overflow-wrap:break-word">{escape(text)}</div></div>'
    )
