"""Something in the model under a slider, a question to ask, and the answer there beside the one at home."""

from html import escape

import ipywidgets

from course_utils.views.picture import INK, LINE, QUIET, Picture, card

from .base import Explorer, given, sentence


class Asking(Explorer):
    """A slider, a question of the learner's own, and the answer at the slider's place beside that at home.

    A subclass says what a place is: `heading` as HTML, `named` in words.

    Parameters
    ----------
    answer: function (place, question) -> str that asks the model with the slider at that place. What it
        raises is shown as one sentence.
    places: dict from a label of the slider to its place, a number.
    home: the place whose answer the others are compared with; the slider starts there.
    description: str, what the slider moves.
    baked: dict from a place to the answer to `prompt` there. These show at once; others are computed when
        they are first needed, and kept.
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
        """HTML above an answer: the place at which it was given."""
        raise NotImplementedError

    def named(self, place):
        """The same in words."""
        raise NotImplementedError

    def below(self, place):
        """HTML below the answers, a note, and both in words; by default nothing."""
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
        """Every answer known in advance: where no kernel runs there is no slider to move."""
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
