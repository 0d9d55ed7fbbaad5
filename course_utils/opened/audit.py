"""An audit: how often each model says "she", compared with the planted share, at a chosen temperature.

For lesson 09.
"""

import ipywidgets
import numpy

from course_utils.errors import CourseError
from course_utils.statistics import mean, wilson
from course_utils.views.charts import intervals
from course_utils.views.picture import BLUE, INK, QUIET, VERMILLION, Picture, array, from_figure, style
from course_utils.widgets.explorer import Explorer, check_choice

ALL = "all that were measured"
_TEMPERATURES = [("greedy", 0.0), *((f"{tenths / 10:.1f}", tenths / 10) for tenths in range(1, 31))]


def heat(shares, temperature):
    """Return the shares of one of two words at a temperature: p^(1/T) / (p^(1/T) + (1 - p)^(1/T)).

    shares : array or list of the word's probability p at temperature 1, if there is only one other word.
    temperature : number T by which the logits are divided. At 0, the more likely word gets the share 1, and
        both words get one half if they are equally likely.
    """
    shares = array(shares)
    if temperature == 0:
        return (shares > 0.5) + 0.5 * (shares == 0.5)
    with numpy.errstate(divide="ignore", over="ignore"):
        odds = numpy.log(shares) - numpy.log1p(-shares)
        return 1 / (1 + numpy.exp(-odds / temperature))


class Audit(Explorer):
    """Shows how often each model says "she", and the planted share, for a trade, sentence and temperature.

    Moving a control runs no model.

    planted : dict from a model's title to a dict from a trade to the share of "she" that was planted in its
        training data; models without planted shares are left out.
    measured : dict from a model's title to a dict from a trade to the model's shares, one for each sentence.
        The interval tells how the mean would vary with other sentences of this kind.
    sentences : dict from a sentence, with {} in place of the trade, to a dict from a model's title to a dict
        from a trade to the model's share after that sentence; some models may be missing.
    trade : str, the trade at the start; by default the first trade.
    temperature : float, the temperature at the start: from 0 (the likeliest word) to 3 in steps of 0.1.

    Raises CourseError if a model has no share for a trade, or if a control has no such trade or temperature.
    """

    def __init__(self, planted, measured, sentences=None, *, trade=None, temperature=1.0):
        self.planted, self.measured, self.sentences = planted, measured, sentences or {}
        trades = list(next(iter(measured.values())))
        for model, shares in (*measured.items(), *planted.items()):
            if lacking := [name for name in trades if name not in shares]:
                raise CourseError(f"{model} has no share for {lacking[0]!r}: give one for every trade.")
        trade = trades[0] if trade is None else trade
        check_choice("trade", trade, trades)
        check_choice("temperature", temperature, [value for _, value in _TEMPERATURES])
        self.trade = ipywidgets.Dropdown(options=trades, value=trade, description="trade")
        sentences = [(ALL, ALL), *((text.format("…"), text) for text in self.sentences)]
        self.sentence = ipywidgets.Dropdown(options=sentences, value=ALL, description="sentence")
        self.temperature = ipywidgets.SelectionSlider(
            options=_TEMPERATURES, value=temperature, description="temperature"
        )
        super().__init__([self.trade, self.sentence, self.temperature])
        self.sentence.layout.width = "480px"  # a sentence is longer than a slider

    def render(self):
        trade, sentence, temperature = self.trade.value, self.sentence.value, self.temperature.value
        rows, unmeasured = [], []
        for model in self.measured:
            values = self._shares(model, trade, sentence)
            if values is None:
                unmeasured.append(model)
                continue
            percentages = 100 * heat(values, temperature)
            planted = 100 * self.planted[model][trade] if model in self.planted else None
            rows.append((model, float(percentages.mean()), _interval(percentages), planted))
        where = "in all sentences" if sentence == ALL else f"after “{sentence.format(trade)}”"
        setting = "greedy" if temperature == 0 else f"temperature {temperature:.1f}"
        title = f"{trade}, {where}, {setting}: how often “she” against “he”"
        note = "Interval: 95%, for other sentences; one sentence has none."
        missing = f"Not measured with this sentence: {', '.join(unmeasured)}." if unmeasured else ""
        labels, values, spans, marks = map(list, zip(*rows, strict=True))
        picture = intervals(
            labels,
            values,
            spans,
            marks=marks,
            marks_label="planted",
            title=title,
            note=f"{note} {missing}".rstrip(),
        )
        return Picture(picture.html, f"{title}. {picture.alt}{f'. {missing}' if missing else ''}")

    def _shares(self, model, trade, sentence):
        """Return the shares to show for a model, or None if the model was not measured with this sentence."""
        if sentence == ALL:
            return array(self.measured[model][trade])
        shares = self.sentences[sentence].get(model)
        return None if shares is None else array([shares[trade]])


def _interval(percentages):
    """Return the interval of the mean over sentences, or None if there is only one sentence.

    If all percentages are 0 or 100, return the interval of a rate.
    """
    if len(percentages) < 2:
        return None
    if set(percentages) <= {0, 100}:
        return wilson((percentages == 100).sum(), len(percentages))
    low, high = mean(percentages)
    return max(0, low), min(100, high)


def against_truth(truth, groups, band, *, levels=None, named=None, title=None, alt=None) -> Picture:
    """Draw measured shares against planted shares, with a band around the line on which both are equal.

    Dots with the same planted share are drawn side by side, and so are the groups, so that dots do not
    overlap.

    truth : list of numbers in percent.
    groups : dict from a name to (values, spans), at most three; both lists are as long as `truth`, and a
        span is (low, high).
    band : number, the difference in percentage points up to which shares count as equal; chosen in advance.
    levels : dict from the name of a group to the share that was planted for all values of the group, which is
        drawn as a line.
    named : dict from an index in `truth` to a word, written next to the first group's dot.
    title : str, written above the picture.
    alt : str, the picture in words. By default it says of each group how far its values are from its line on
        average. For a group with a level, it adds the lowest and the highest value; for another group, how
        many values lie in the band.
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
        for group, (name, (values, spans)) in enumerate(groups.items()):
            marker, colour, face = looks[group]
            x = _side_by_side(truth, 1.8 * (group - (len(groups) - 1) / 2))
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
            for index, word in (named or {}).items() if group == 0 else ():
                axes.annotate(
                    word,
                    (x[index], values[index]),
                    xytext=(8, -4),
                    textcoords="offset points",
                    verticalalignment="top",
                )
            aims = [levels[name]] * len(truth) if name in levels else truth
            off = [abs(value - aim) for value, aim in zip(values, aims, strict=True)]
            if name in levels:
                line, rest = f"{levels[name]}%", f"all from {min(values):.0f}% to {max(values):.0f}%"
            else:
                line, rest = "the line", f"{sum(error <= band for error in off)} of {len(off)} within {band}"
            words.append(f"{name}: {sum(off) / len(off):.1f} points from {line} on average, {rest}")
        axes.set(xlim=[-2, 102], ylim=[-2, 102], xlabel="planted (%)", ylabel="measured (%)")
        axes.legend(loc="upper left")
    alt = alt or f"Measured against planted share. {'; '.join(words)}"
    return from_figure(figure, alt=alt, title=title)


def _side_by_side(truth, shift):
    """Return the x of each dot: its planted share plus `shift`; dots with the same share lie side by side."""
    x = []
    for index, share in enumerate(truth):
        twins = [other for other, other_share in enumerate(truth) if other_share == share]
        x.append(share + shift + 0.8 * (twins.index(index) - (len(twins) - 1) / 2))
    return x
