"""An explorer that shows what the last token sees through a sliding window, and what the model answers."""

from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.picture import INK, LINE, Picture, card
from course_utils.views.routing import reach_html, reach_words, steps
from course_utils.views.text import invisible_note, percent, visible

from .base import Explorer, check_start, given

WINDOWS = (2, 4, 8, 16, 32, 64, 128)
MOST_LAYERS = 8


class SlidingWindow(Explorer):
    """Shows what the last token of a text can see, with sliders for the window, the layers and the distance.

    Below the tokens is the probability that the model gives to the right word with this window. The model
    runs once for each pair of distance and window.

    Parameters
    ----------
    ask: function (distance, window) -> probability from 0 to 1 that the model, with this window in each of
        its layers, gives to the right word after that text. If it raises an error, the explorer shows a
        message.
    texts: dict from a distance in tokens to (pieces, place): the text's tokens, of which the last one looks,
        and the index of the token that it has to find.
    layers: int, the number of layers of the model.
    window: int, the window at the start; one of WINDOWS.
    distance: int, the distance at the start; one of the keys of `texts`.
    chance: float, the probability that a random guess is right.
    name: str, the name of the model, as the subject of a sentence.

    Raises
    ------
    CourseError: if there is no text of that distance, no such window on the slider, or too many layers.
    """

    def __init__(self, ask, texts, layers, window, distance, chance, name="The model"):
        check_start("distance", distance, texts)
        check_start("window", window, WINDOWS)
        if layers not in range(1, MOST_LAYERS + 1):
            raise CourseError(
                f"The slider for layers goes from 1 to {MOST_LAYERS}, and the model has {layers}."
            )
        self.ask, self.texts, self.chance = ask, texts, chance
        self.model_layers, self.name = layers, name
        self._known = {}
        self.window = ipywidgets.SelectionSlider(value=window, options=WINDOWS, description="window (tokens)")
        self.layers = ipywidgets.IntSlider(value=layers, min=1, max=MOST_LAYERS, description="layers")
        self.distance = ipywidgets.SelectionSlider(
            value=distance, options=sorted(texts), description="distance (tokens)"
        )
        super().__init__([self.window, self.layers, self.distance])
        for slider in self.controls:
            slider.observe(self.update, "value")

    def render(self):
        window, layers, distance = self.window.value, self.layers.value, self.distance.value
        pieces, place = self.texts[distance]
        needed = steps(place, len(pieces) - 1, window)
        said = f"{self._way(pieces[place], needed, layers)} {self._answer(distance, window, layers)}"
        many = "1 layer that sees" if layers == 1 else f"{layers} layers that each see"
        back = layers * (window - 1)
        heading = f"{many} {window} tokens: at most {back} back in all"
        html = (
            f"{reach_html(pieces, window, layers, place)}"
            f'<div style="margin-top:6px;padding-top:8px;border-top:1px solid {LINE};color:{INK}">'
            f"{escape(said)}</div>"
        )
        words = reach_words(pieces, window, layers, place)
        return Picture(card(html, heading, invisible_note(pieces)), f"{heading}. {words} {said}")

    @staticmethod
    def _way(piece, needed, layers):
        """Say in a sentence whether and how the framed word can reach the last token."""
        if needed == 1:
            return f"The last token sees the framed word, “{visible(piece)}”, directly."
        if needed > layers:
            return f"Nothing of the framed word, “{visible(piece)}”, can reach the last token."
        return f"The framed word, “{visible(piece)}”, can reach the last token through {needed} layers."

    def _answer(self, distance, window, layers):
        """Say in a sentence what probability the model gives to the right word."""
        if layers != self.model_layers:
            return f"To ask the model, set the layers to {self.model_layers}: it has so many."
        if (distance, window) not in self._known:
            self._known[distance, window] = float(given(self.ask, distance, window))
        share = percent(self._known[distance, window])
        return f"{self.name} gives the right word {share}; chance is {percent(self.chance)}."
