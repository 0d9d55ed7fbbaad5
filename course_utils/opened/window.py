"""A sliding window: what the last token sees through it, and what the model answers."""

from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.picture import BLUE, INK, LINE, MONO, ORANGE, QUIET, TRACK, Picture, card
from course_utils.views.text import below, invisible_note, percent, piece_html, visible
from course_utils.widgets.explorer import Explorer, check_start, given

WINDOWS = (2, 4, 8, 16, 32, 64, 128)
MOST_LAYERS = 8

# How a token can be seen: (line below it, tint, legend). The line and the number below give the meaning.
_SEEN = {
    "directly": (f"3px solid {BLUE};margin-bottom:2px", "#eaf4fb", "directly: below it stands 1"),
    "through": (f"3px dashed {ORANGE};margin-bottom:2px", "#fff5dc", "handed on: through so many layers"),
    "not": (f"1px solid {TRACK};margin-bottom:4px", "#ffffff", "–: not at all"),
}


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


def steps(position, last, window):
    """Return the least number of layers after which information from `position` can reach the token `last`.

    Parameters
    ----------
    position, last: int, indices of tokens, counted from 0; `position` is at most `last`.
    window: int, how many tokens a token sees in one layer, including itself; at least 2, or None for all.

    Returns
    -------
    int: 1 if `last` sees the token directly.
    """
    if window is None:
        return 1
    return max(1, -(-(last - position) // (window - 1)))


def reach(pieces, window, layers, told=None, caption=None):
    """Draw which tokens the last token can see: directly, passed on from layer to layer, or not at all.

    Parameters
    ----------
    pieces: list of str, the tokens; the last one is the token that looks.
    window: int, how many tokens a token sees in one layer, including itself; None for all.
    layers: int, the number of layers of the model.
    told: position of a token to outline.
    caption: str above the picture.

    Returns
    -------
    Picture
    """
    return Picture(
        card(reach_html(pieces, window, layers, told), caption, invisible_note(pieces)),
        reach_words(pieces, window, layers, told),
    )


def reach_html(pieces, window, layers, told=None):
    """Return HTML of the tokens, with the layers that each needs below it. Parameters as in `reach`."""
    drawn = ""
    for position, piece in enumerate(pieces):
        needed = steps(position, len(pieces) - 1, window)
        seen = "directly" if needed == 1 else "through" if needed <= layers else "not"
        line, tint, _ = _SEEN[seen]
        line = f"2px solid {INK};font-weight:700" if position == told else line
        sides = f"border:2px solid {INK};" if position == told else ""
        drawn += (
            '<span style="display:inline-block;margin:0 3px 7px 0;text-align:center;vertical-align:top">'
            f'<span style="display:block;padding:0 3px;background:{tint};{sides}border-bottom:{line};'
            f'font-family:{MONO};font-size:14px;color:{INK if seen != "not" else QUIET}">'
            f"{piece_html(piece)}</span>{below('–' if seen == 'not' else str(needed))}</span> "
        )
    legend = "".join(
        f'<span style="display:inline-block;margin:0 14px 4px 0"><span style="display:inline-block;'
        f'padding:0 6px;background:{tint};border-bottom:{line};font-size:13px">{name}</span></span> '
        for line, tint, name in _SEEN.values()
    )
    return (
        f'{drawn}<div style="margin-top:4px;padding-top:8px;border-top:1px solid {LINE}">'
        f'<div style="font-size:13px;color:{QUIET};margin-bottom:4px">'
        f"What the last token, “{piece_html(pieces[-1])}”, sees of each:</div>{legend}</div>"
    )


def reach_words(pieces, window, layers, told=None):
    """Say in words how many tokens are seen directly, through several layers, or not at all."""
    last = len(pieces) - 1
    needed = [steps(position, last, window) for position in range(len(pieces))]
    directly = needed.count(1)
    through = sum(1 < each <= layers for each in needed)
    said = (
        f"Of {len(pieces)} tokens, the last, “{visible(pieces[-1])}”, sees {directly} directly, {through} "
        f"through several layers, and {len(pieces) - directly - through} not at all"
    )
    if told is not None:
        way = f"can arrive through {needed[told]} layers" if needed[told] <= layers else "cannot arrive"
        way = "is seen directly" if needed[told] == 1 else way
        said += f"; “{visible(pieces[told])}”, {last - told} tokens back, {way}"
    return f"{said}."
