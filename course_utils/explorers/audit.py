"""One trade at a time: what was planted, what each model gives, and what the temperature makes of it."""

import ipywidgets
import numpy

from course_utils.errors import CourseError
from course_utils.statistics import mean, wilson
from course_utils.views.intervals import intervals
from course_utils.views.picture import Picture, array

from .base import Explorer

ALL = "all that were measured"
_TEMPERATURES = [("greedy", 0.0), *((f"{tenths / 10:.1f}", tenths / 10) for tenths in range(1, 31))]


def heat(shares, temperature):
    """What a temperature makes of the shares of one of two words: p^(1/T) / (p^(1/T) + (1 - p)^(1/T)).

    Parameters
    ----------
    shares: array or list of probabilities, each against the one other word.
    temperature: what the logits are divided by; 0 is greedy, where the likelier word takes all, and a tie
        stays a half.

    Returns
    -------
    numpy array of the same shape.
    """
    shares = array(shares)
    if temperature == 0:
        return (shares > 0.5) + 0.5 * (shares == 0.5)
    with numpy.errstate(divide="ignore", over="ignore"):
        odds = numpy.log(shares) - numpy.log1p(-shares)
        return 1 / (1 + numpy.exp(-odds / temperature))


class Audit(Explorer):
    """A trade, a sentence and a temperature to choose; the share of "she" planted and in each model.

    Moving a control runs no model.

    Parameters
    ----------
    planted: dict from a model's title to a dict from a trade to the share of "she" that its world planted; a
        model of which nobody planted anything is missing.
    measured: dict from a model's title to a dict from a trade to its shares, one for each sentence that the
        model was given; the interval is about other sentences.
    sentences: dict from a sentence, with {} for the trade, to a dict from a model's title to a dict from a
        trade to its share after that sentence; a model may be missing.
    trade: str, the trade shown first; by default the first.
    temperature: float from 0 (greedy) to 3 in tenths, where the slider starts.

    Raises
    ------
    CourseError: if a model lacks a trade, or the trade or temperature to start with is none of the choices.
    """

    def __init__(self, planted, measured, sentences=None, trade=None, temperature=1.0):
        self.planted, self.measured, self.sentences = planted, measured, sentences or {}
        trades = list(next(iter(measured.values())))
        for model, shares in (*measured.items(), *planted.items()):
            if lacking := [name for name in trades if name not in shares]:
                raise CourseError(f"{model} has no share for {lacking[0]!r}: give one for every trade.")
        trade = trades[0] if trade is None else trade
        if trade not in trades:
            raise CourseError(f"There is no trade {trade!r}: choose one of {', '.join(trades)}.")
        if temperature not in [value for _, value in _TEMPERATURES]:
            raise CourseError(f"There is no place {temperature!r} on the slider: choose 0, 0.1, 0.2, … or 3.")
        self.trade = ipywidgets.Dropdown(options=trades, value=trade, description="trade")
        sentences = [(ALL, ALL), *((text.format("…"), text) for text in self.sentences)]
        self.sentence = ipywidgets.Dropdown(options=sentences, value=ALL, description="sentence")
        self.temperature = ipywidgets.SelectionSlider(
            options=_TEMPERATURES, value=temperature, description="temperature"
        )
        super().__init__([self.trade, self.sentence, self.temperature])
        self.sentence.layout.width = "480px"  # a sentence is longer than a slider
        for control in self.controls:
            control.observe(self.update, "value")

    def render(self):
        trade, sentence, temperature = self.trade.value, self.sentence.value, self.temperature.value
        rows, unread = [], []
        for model, shares in self.measured.items():
            values = self._shares(model, trade, sentence, shares)
            if values is None:
                unread.append(model)
                continue
            hot = 100 * heat(values, temperature)
            truth = 100 * self.planted[model][trade] if model in self.planted else None
            rows.append((model, float(hot.mean()), _interval(hot), truth))
        where = "in all sentences" if sentence == ALL else f"after “{sentence.format(trade)}”"
        setting = "greedy" if temperature == 0 else f"temperature {temperature:.1f}"
        heading = f"{trade}, {where}, {setting}: how often “she” against “he”"
        notes = ["Interval: 95%, for other sentences; one sentence has none."]
        if unread:
            notes.append(f"Not measured with this sentence: {', '.join(unread)}.")
        labels, values, spans, marks = map(list, zip(*rows, strict=True))
        picture = intervals(
            labels,
            values,
            spans,
            marks=marks,
            marks_label="planted",
            title=heading,
            note=" ".join(notes),
        )
        return Picture(picture.html, f"{heading}. {picture.alt}" + (f". {notes[1]}" if unread else ""))

    def _shares(self, model, trade, sentence, shares):
        """The shares to show for a model, or None where it was not given this sentence."""
        if sentence == ALL:
            return array(shares[trade])
        found = self.sentences[sentence].get(model)
        return None if found is None else array([found[trade]])


def _interval(percentages):
    """The interval of a mean over sentences, a rate's if each is 0% or 100%; one alone has none."""
    if len(percentages) < 2:
        return None
    if set(percentages) <= {0, 100}:
        return wilson((percentages == 100).sum(), len(percentages))
    low, high = mean(percentages)
    return max(0, low), min(100, high)
