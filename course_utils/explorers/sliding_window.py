"""What a sliding window lets the last token see, and what a model makes of it, as a word moves away."""

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
    """Sliders for the window, the layers and the distance, over what the last token of a text can see.

    Below the tokens: the probability that the model gives the right word, with the window that is set. The
    model runs once for each place of the sliders.

    Parameters
    ----------
    ask: function (distance, window) -> probability of the right word after that text, from 0 to 1, from the
        model with this window in each of its layers. What it raises is shown as one sentence.
    texts: dict from a distance in tokens to (pieces, place): the text's tokens up to the one that looks, and
        the place of the word that has to be found again.
    layers: int, the layers of the model.
    window: int, where the slider starts; one of WINDOWS.
    distance: int, where the slider starts; one of the texts'.
    chance: float, the probability of a blind guess.
    name: str, who answers.

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
        """How the framed word reaches the last token, in a sentence."""
        if needed == 1:
            return f"The last token sees the framed word, “{visible(piece)}”, directly."
        if needed > layers:
            return f"Nothing of the framed word, “{visible(piece)}”, can reach the last token."
        return f"The framed word, “{visible(piece)}”, can reach the last token through {needed} layers."

    def _answer(self, distance, window, layers):
        """What the model gives the right word, in a sentence."""
        if layers != self.model_layers:
            return f"To ask the model, set the layers to {self.model_layers}: it has so many."
        if (distance, window) not in self._known:
            self._known[distance, window] = float(given(self.ask, distance, window))
        share = percent(self._known[distance, window])
        return f"{self.name} gives the right word {share}; chance is {percent(self.chance)}."
