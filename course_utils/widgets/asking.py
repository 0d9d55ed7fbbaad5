"""A base class for explorers that change one thing in a model and compare its answers to a question."""

from html import escape

import ipywidgets

from course_utils.views.picture import INK, LINE, QUIET, Picture, card
from course_utils.widgets.explorer import Explorer, given, sentence


class Asking(Explorer):
    """Shows the model's answer to a question at the slider's value, next to the answer at the value `home`.

    The slider changes something in the model, and the learner can type the question. A `place` is a value of
    the slider. A subclass describes it: `heading` as HTML, `named` in words.

    Parameters
    ----------
    answer: function (place, question) -> str that asks the model with the slider at that value. If it raises
        an error, the explorer shows a message.
    places: dict from a label on the slider to its value, a number.
    home: the value whose answer the other answers are compared with; the slider starts there.
    description: str, what the slider changes.
    baked: dict from a value to the answer to `prompt` there. These are shown at once; other answers are
        computed when they are first needed, and kept.
    prompt: str, the question asked first.
    """

    at_home = "unchanged"

    def __init__(self, answer, places, home, description, baked, prompt):
        self.answer = answer
        self.home = home
        self.prompt = prompt
        self.answers = {(prompt, place): text for place, text in baked.items()}
        self.slider = ipywidgets.SelectionSlider(
            options=list(places.items()), value=home, description=description, continuous_update=False
        )
        self.question = ipywidgets.Text(
            value=prompt, description="question, then Enter", continuous_update=False
        )
        super().__init__([self.slider, self.question])
        self.slider.observe(self.update, "value")
        self.question.observe(self.update, "value")

    def heading(self, place):
        """Return the HTML above an answer: the value of the slider at which it was given."""
        raise NotImplementedError

    def named(self, place):
        """Return the value of the slider in words."""
        raise NotImplementedError

    def below(self, place):
        """Return HTML below the answers, a note or None, and the words for both; by default all are empty."""
        return "", None, ""

    def update(self, change=None):
        if any((self.question.value, place) not in self.answers for place in (self.home, self.slider.value)):
            self.show(sentence("computing…"))
        super().update(change)

    def render(self):
        place = self.slider.value
        unchanged, now = self._answer_at(self.home), self._answer_at(place)
        panels = self._panel(self.home, unchanged, self.at_home)
        alt = f"{self.question.value} {self._named(self.home)}, {self.at_home}: {unchanged}"
        if place != self.home:
            remark = _compared(now, unchanged)
            panels += self._panel(place, now, remark)
            alt += f" | {self._named(place)}, {remark}: {now}"
        more, note, words = self.below(place)
        return Picture(card(_side_by_side(panels) + more, self.question.value, note), alt + words)

    def still(self):
        """Return a picture of all answers known in advance: without a kernel no slider can be moved."""
        unchanged = self.answers.get((self.prompt, self.home))
        panels, said = "", []
        for _, place in self.slider.options:
            text = self.answers.get((self.prompt, place))
            if text is None:
                continue
            remark = self.at_home if place == self.home else _compared(text, unchanged)
            panels += self._panel(place, text, remark)
            said.append(f"{self.named(place)}: {text}")
        return Picture(card(_side_by_side(panels), self.prompt), f"{self.prompt} {' | '.join(said)}")

    def _answer_at(self, place):
        key = (self.question.value, place)
        if key not in self.answers:
            self.answers[key] = given(self.answer, place, self.question.value)
        return self.answers[key]

    def _named(self, place):
        named = self.named(place)
        return named[0].upper() + named[1:]

    def _panel(self, place, text, remark):
        edge = f"2px solid {INK}" if remark == _DIFFERENT else f"1px solid {LINE}"
        return (
            f'<div style="flex:1 1 250px;min-width:0;box-sizing:border-box;border:{edge};border-radius:6px;'
            'padding:8px 12px">'
            f'<div style="font-size:13px;color:{QUIET}">{self.heading(place)}, {remark}</div>'
            f'<div style="font-size:15px;overflow-wrap:break-word;margin-top:2px">{escape(text)}</div></div>'
        )


_DIFFERENT = "a different answer"


def _compared(text, other):
    return "the same answer" if text == other else _DIFFERENT


def _side_by_side(panels):
    return f'<div style="display:flex;flex-wrap:wrap;gap:10px">{panels}</div>'
