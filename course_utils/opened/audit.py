"""An audit: the planted share of each trade, each model's, and the effect of the temperature."""

import ipywidgets
import numpy

from course_utils.errors import CourseError
from course_utils.statistics import mean, wilson
from course_utils.views.intervals import intervals
from course_utils.views.picture import BLUE, INK, QUIET, VERMILLION, Picture, array, from_figure, style
from course_utils.widgets.explorer import Explorer

ALL = "all that were measured"
_TEMPERATURES = [("greedy", 0.0), *((f"{tenths / 10:.1f}", tenths / 10) for tenths in range(1, 31))]


def heat(shares, temperature):
    """Return the shares of one of two words after a temperature: p^(1/T) / (p^(1/T) + (1 - p)^(1/T)).

    Parameters
    ----------
    shares: array or list, each the probability of the word if there is only one other word.
    temperature: number by which the logits are divided; 0 is greedy: the more likely word gets share 1, and
        with a tie both get a half.

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
    """Shows the planted share of "she" and each model's, for a chosen trade, sentence and temperature.

    Moving a control runs no model.

    Parameters
    ----------
    planted: dict from a model's title to a dict from a trade to the share of "she" that was planted in its
        training data; models without planted shares are left out.
    measured: dict from a model's title to a dict from a trade to its shares, one for each sentence that was
        given to the model; the interval is for other sentences of the same kind.
    sentences: dict from a sentence, with {} for the trade, to a dict from a model's title to a dict from a
        trade to its share after that sentence; some models may be missing.
    trade: str, the trade at the start; by default the first.
    temperature: float, the temperature at the start: from 0 (greedy) to 3 in steps of 0.1.

    Raises
    ------
    CourseError: if a model has no share for a trade, or a control cannot start at the given trade or
        temperature.
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
        """Return the shares to show for a model, or None if the model was not measured with this sentence."""
        if sentence == ALL:
            return array(shares[trade])
        found = self.sentences[sentence].get(model)
        return None if found is None else array([found[trade]])


def _interval(percentages):
    """Return the interval of the mean over sentences, or None for a single sentence.

    If all percentages are 0 or 100, it is the interval of a rate.
    """
    if len(percentages) < 2:
        return None
    if set(percentages) <= {0, 100}:
        return wilson((percentages == 100).sum(), len(percentages))
    low, high = mean(percentages)
    return max(0, low), min(100, high)


def against_truth(truth, groups, band, levels=None, named=None, title=None, alt=None):
    """Draw measured shares against planted shares, with a band around the line where both are equal.

    Dots with the same planted share are shifted a little to the side, and so are the groups, so that they do
    not overlap.

    Parameters
    ----------
    truth: list of numbers in percent.
    groups: dict from a name to (values, spans), at most three; both lists are as long as `truth`, and a
        span is (low, high).
    band: number, the difference in percentage points up to which shares count as equal; chosen in advance.
    levels: dict from the name of a group to the share that was planted for all its values, drawn as a line.
    named: dict from an index in `truth` to a word, written next to the first group's dot.
    title: str above the picture.
    alt: str, the description; by default, for each group, the mean distance from its line, and either
        how many values lie in the band or, for a group with a level, the lowest and the highest value.

    Returns
    -------
    Picture
    """
    from matplotlib.figure import Figure

    looks = (("o", BLUE, BLUE), ("s", VERMILLION, "#ffffff"), ("^", QUIET, "#ffffff"))
    levels, words = levels or {}, []
    with style():
        figure = Figure(figsize=(4.8, 4.4))
        axes = figure.subplots()
        ends = [0, 100]
        axes.fill_between(ends, [-band, 100 - band], [band, 100 + band], color="#fbe3c0", linewidth=0)
        axes.plot(ends, ends, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        for level in levels.values():
            axes.axhline(level, color=INK, linewidth=1.2, linestyle=(0, (1, 2)))
        for place, (name, (values, spans)) in enumerate(groups.items()):
            marker, colour, face = looks[place]
            x = _apart(truth, 1.8 * (place - (len(groups) - 1) / 2))
            axes.errorbar(
                x,
                values,
                yerr=[
                    [max(0, value - low) for value, (low, _) in zip(values, spans, strict=True)],
                    [max(0, high - value) for value, (_, high) in zip(values, spans, strict=True)],
                ],
                fmt=marker,
                markersize=6,
                color=colour,
                markerfacecolor=face,
                elinewidth=1.4,
                linestyle="none",
                label=name,
            )
            for position, word in (named or {}).items() if place == 0 else ():
                axes.annotate(
                    word,
                    (x[position], values[position]),
                    xytext=(8, -4),
                    textcoords="offset points",
                    verticalalignment="top",
                )
            aims = [levels[name]] * len(truth) if name in levels else truth
            off = [abs(value - aim) for value, aim in zip(values, aims, strict=True)]
            mean = sum(off) / len(off)
            if name in levels:
                line, rest = f"{levels[name]}%", f"all from {min(values):.0f}% to {max(values):.0f}%"
            else:
                line, rest = "the line", f"{sum(each <= band for each in off)} of {len(off)} within {band}"
            words.append(f"{name}: {mean:.1f} points from {line} on average, {rest}")
        axes.set(xlim=[-2, 102], ylim=[-2, 102], xlabel="planted (%)", ylabel="measured (%)")
        axes.legend(loc="upper left")
    return from_figure(figure, alt or f"Measured against planted share. {'; '.join(words)}", title)


def _apart(truth, shift):
    """Return the x of each dot: its planted share plus `shift`, with dots of the same share side by side."""
    places = []
    for position, true in enumerate(truth):
        twins = [other for other, share in enumerate(truth) if share == true]
        places.append(true + shift + 0.8 * (twins.index(position) - (len(twins) - 1) / 2))
    return places
