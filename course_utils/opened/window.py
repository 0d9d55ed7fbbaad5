"""A sliding window: which tokens the last token can see, and how the model then answers, for lesson 05."""

from html import escape

import ipywidgets

from course_utils.views.picture import BLUE, INK, LINE, MONO, ORANGE, QUIET, TRACK, Picture, card
from course_utils.views.text import (
    above_number,
    invisible_note,
    legend_below,
    percent,
    piece_html,
    visible,
)
from course_utils.widgets.explorer import Explorer, check_choice, given

WINDOWS = (2, 4, 8, 16, 32, 64, 128)
MOST_LAYERS = 8

# How a token can be seen: (line below the token, tint, legend). The line and the number give the meaning.
_SEEN = {
    "directly": (f"3px solid {BLUE};margin-bottom:2px", "#eaf4fb", "directly: below it stands 1"),
    "through": (f"3px dashed {ORANGE};margin-bottom:2px", "#fff5dc", "handed on: through so many layers"),
    "not": (f"1px solid {TRACK};margin-bottom:4px", "#ffffff", "–: not at all"),
}


def steps(position, last, window):
    """Return how many layers information needs, at least, to get from `position` to the token `last`.

    position, last : int, indices of tokens, counted from 0; `position` is at most `last`.
    window : int, how many tokens a token sees in one layer, including itself; at least 2.
    """
    return max(1, -(-(last - position) // (window - 1)))


def reach_html(pieces, window, layers, target):
    """Return HTML of the tokens.

    The number below each token is how many layers the last token needs to see it. A dash means that the model
    has too few layers for that.

    pieces : list of str, the tokens; the last one is the token that looks at the others.
    window : int, how many tokens a token sees in one layer, including itself.
    layers : int, the number of layers of the model.
    target : index of a token to outline.
    """
    html = ""
    for index, piece in enumerate(pieces):
        needed = steps(index, len(pieces) - 1, window)
        seen = "directly" if needed == 1 else "through" if needed <= layers else "not"
        line, tint, _ = _SEEN[seen]
        line = f"2px solid {INK};font-weight:700" if index == target else line
        sides = f"border:2px solid {INK};" if index == target else ""
        html += above_number(
            f'<span style="display:block;padding:0 3px;background:{tint};{sides}border-bottom:{line};'
            f'font-family:{MONO};font-size:14px;color:{INK if seen != "not" else QUIET}">'
            f"{piece_html(piece)}</span>",
            "–" if seen == "not" else str(needed),
        )
    legend = (
        f'<span style="display:inline-block;padding:0 6px;background:{tint};border-bottom:{line};'
        f'font-size:13px">{name}</span>'
        for line, tint, name in _SEEN.values()
    )
    return html + legend_below(f"What the last token, “{piece_html(pieces[-1])}”, sees of each:", legend)


def reach_in_words(pieces, window, layers, target):
    """Return in words how many tokens are seen directly, through several layers, or not at all."""
    last = len(pieces) - 1
    needed = [steps(index, last, window) for index in range(len(pieces))]
    directly = needed.count(1)
    through = sum(1 < count <= layers for count in needed)
    arrival = f"can arrive through {needed[target]} layers" if needed[target] <= layers else "cannot arrive"
    arrival = "is seen directly" if needed[target] == 1 else arrival
    return (
        f"Of {len(pieces)} tokens, the last, “{visible(pieces[-1])}”, sees {directly} directly, {through} "
        f"through several layers, and {len(pieces) - directly - through} not at all; "
        f"“{visible(pieces[target])}”, {last - target} tokens back, {arrival}."
    )


class SlidingWindow(Explorer):
    """Shows what the last token of a text can see, with sliders for the window, the layers and the distance.

    Below the tokens is the probability that the model, with the chosen window, gives to the right word. It
    is shown only for the model's own number of layers. `ask` is called once for each pair of distance
    and window.

    ask : function (distance, window) -> probability from 0 to 1 that the model, with this window in each
        layer, gives to the right word after the text for this distance. If it raises an error, the explorer
        shows a message.
    texts : dict from a distance in tokens to (pieces, target): the tokens of a text, and the index of the
        token that the last token has to find.
    layers : int, the number of layers of the model.
    window : int, the window at the start; one of WINDOWS.
    distance : int, the distance at the start; one of the keys of `texts`.
    chance : float, the probability that a random guess is right.
    name : str, the name of the model, as the subject of a sentence.

    Raises CourseError if `texts` has no such distance, if WINDOWS has no such window, or if `layers` is less
    than 1 or more than MOST_LAYERS.
    """

    def __init__(self, ask, texts, layers, window, distance, chance, name="The model"):
        check_choice("distance", distance, texts)
        check_choice("window", window, WINDOWS)
        check_choice("number of layers", layers, range(1, MOST_LAYERS + 1))
        self.ask, self.texts, self.chance = ask, texts, chance
        self.model_layers, self.name = layers, name
        self._known = {}
        self.window = ipywidgets.SelectionSlider(value=window, options=WINDOWS, description="window (tokens)")
        self.layers = ipywidgets.IntSlider(value=layers, min=1, max=MOST_LAYERS, description="layers")
        self.distance = ipywidgets.SelectionSlider(
            value=distance, options=sorted(texts), description="distance (tokens)"
        )
        super().__init__([self.window, self.layers, self.distance])

    def render(self):
        window, layers, distance = self.window.value, self.layers.value, self.distance.value
        pieces, target = self.texts[distance]
        needed = steps(target, len(pieces) - 1, window)
        sentences = f"{_arrival(pieces[target], needed, layers)} {self._answer(distance, window, layers)}"
        many = "1 layer that sees" if layers == 1 else f"{layers} layers that each see"
        title = f"{many} {window} tokens: at most {layers * (window - 1)} back in all"
        html = (
            f"{reach_html(pieces, window, layers, target)}"
            f'<div style="margin-top:6px;padding-top:8px;border-top:1px solid {LINE};color:{INK}">'
            f"{escape(sentences)}</div>"
        )
        words = reach_in_words(pieces, window, layers, target)
        return Picture(card(html, title, invisible_note(pieces)), f"{title}. {words} {sentences}")

    def _answer(self, distance, window, layers):
        """Return a sentence with the probability that the model gives to the right word."""
        if layers != self.model_layers:
            return f"To ask the model, set the layers to {self.model_layers}: it has so many."
        if (distance, window) not in self._known:
            self._known[distance, window] = float(given(self.ask, distance, window))
        share = percent(self._known[distance, window])
        return f"{self.name} gives the right word {share}; chance is {percent(self.chance)}."


def _arrival(piece, needed, layers):
    """Return a sentence on whether and how information from the framed word can reach the last token."""
    word = f"the framed word, “{visible(piece)}”,"
    if needed == 1:
        return f"The last token sees {word} directly."
    if needed > layers:
        return f"Nothing of {word} can reach the last token."
    return f"{word[0].upper()}{word[1:]} can reach the last token through {needed} layers."
