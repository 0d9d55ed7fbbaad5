"""A base class for explorers that change a model, and compare its answers to a question before and after."""

import ipywidgets

from course_utils.views.picture import INK, LINE, Picture, card
from course_utils.views.text import answer_panel, side_by_side
from course_utils.widgets.explorer import Explorer, given, sentence

_DIFFERENT = "a different answer"


class Asking(Explorer):
    """Shows the model's answer to a question at the slider's value, next to the answer at the value `home`.

    The slider changes something in the model, and the learner can type the question. A subclass describes the
    slider's values: `heading` returns HTML, and `named` returns words.

    answer : function (value, question) -> str that asks the model with the slider at that value. If it raises
        an error, the explorer shows a message.
    values : dict from a label on the slider to its value, a number.
    home : the value whose answer the other answers are compared with; the slider starts there.
    description : str, what the slider changes.
    baked : dict from a value to the model's answer to `prompt` at this value, computed beforehand. These
        answers are shown at once. All other answers are computed when they are first needed, and then kept.
    prompt : str, the question asked first.
    """

    at_home = "unchanged"

    def __init__(self, answer, *, values, home, description, baked, prompt):
        self.answer, self.home, self.prompt = answer, home, prompt
        self.answers = {(prompt, value): text for value, text in baked.items()}
        self.slider = ipywidgets.SelectionSlider(
            options=list(values.items()), value=home, description=description, continuous_update=False
        )
        self.question = ipywidgets.Text(
            value=prompt, description="question, then Enter", continuous_update=False
        )
        super().__init__([self.slider, self.question])

    def heading(self, value):
        """Return the HTML above an answer: the slider's value at which the model gave the answer."""
        raise NotImplementedError

    def named(self, value):
        """Return a value of the slider in words."""
        raise NotImplementedError

    def below(self, value):
        """Return what follows below the answers: HTML, a note or None, and a description of these in words.

        By default nothing follows.
        """
        return "", None, ""

    def update(self, change=None):
        if any((self.question.value, value) not in self.answers for value in (self.home, self.slider.value)):
            self.show(sentence("computing…"))
        super().update(change)

    def render(self):
        value, question = self.slider.value, self.question.value
        unchanged, answer = self._answer_at(self.home), self._answer_at(value)
        panels = self._panel(self.home, unchanged, self.at_home)
        alt = f"{question} {_capitalised(self.named(self.home))}, {self.at_home}: {unchanged}"
        if value != self.home:
            remark = _compared(answer, unchanged)
            panels += self._panel(value, answer, remark)
            alt += f" | {_capitalised(self.named(value))}, {remark}: {answer}"
        more, note, words = self.below(value)
        return Picture(card(side_by_side(panels) + more, question, note), alt + words)

    def still(self):
        """Return a picture of all answers known in advance, because without a kernel no slider can move."""
        unchanged = self.answers.get((self.prompt, self.home))
        panels, words = "", []
        for _, value in self.slider.options:
            if (self.prompt, value) in self.answers:
                text = self.answers[self.prompt, value]
                remark = self.at_home if value == self.home else _compared(text, unchanged)
                panels += self._panel(value, text, remark)
                words.append(f"{self.named(value)}: {text}")
        return Picture(card(side_by_side(panels), self.prompt), f"{self.prompt} {' | '.join(words)}")

    def _answer_at(self, value):
        key = (self.question.value, value)
        if key not in self.answers:
            self.answers[key] = given(self.answer, value, self.question.value)
        return self.answers[key]

    def _panel(self, value, text, remark):
        edge = f"2px solid {INK}" if remark == _DIFFERENT else f"1px solid {LINE}"
        return answer_panel(f"{self.heading(value)}, {remark}", text, edge=edge, width=250)


def _compared(text, other):
    return "the same answer" if text == other else _DIFFERENT


def _capitalised(text):
    return text[0].upper() + text[1:]
