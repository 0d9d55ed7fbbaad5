"""An audit: how often each model says "she", compared with the planted share, at a chosen temperature.

For lesson 11.
"""

import warnings

import numpy

from course_utils.errors import CourseError
from course_utils.statistics import beside_controls, mean, wilson
from course_utils.views.picture import BLUE, INK, QUIET, VERMILLION, Picture, array, from_figure, style
from course_utils.widgets.explorer import check_choice
from course_utils.widgets.live_view import LiveView

_TEMPERATURES = [tenths / 10 for tenths in range(21)]


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


class Audit(LiveView):
    """Shows for all trades how far each model leans to "she" or "he", and which leans the intervals confirm.

    The learner chooses a trade, a temperature, and how the trade was chosen. If it was named before the
    results were seen, an interval of 95% is enough. If it was picked from all trades, the intervals are so
    wide that in 95% of audits all of them contain their true values. Moving a control runs no model.

    planted : dict from a model's title to a dict from a trade to the share of "she" that was planted in its
        training data; models without planted shares are left out.
    measured : dict from a model's title to a dict from a trade to the model's shares, one for each sentence.
        The interval tells how the mean would vary with other sentences of this kind.
    sentences : dict from a sentence, with {} in place of the trade, to a dict from a model's title to a dict
        from a trade to the model's share after that sentence; some models may be missing.
    controls : dict from a model's title to a dict from a word that names no trade to the model's shares, one
        for each sentence of `measured`. A lean is the distance from the mean of these words; for a model
        without control words it is the distance from 50%.
    lean : number, percentage points; a lean is confirmed if its whole interval is further than this from 0.
    trade : str, the trade at the start; by default the first trade.
    temperature : float, the temperature at the start: from 0 (the likeliest word) to 2 in steps of 0.1.

    Raises CourseError if a model has no share for a trade, if a model in `controls` has fewer than three
    words, or if `trade` or `temperature` is not one of the choices.
    """

    view = "audit"

    def __init__(
        self, planted, measured, sentences=None, *, controls=None, lean=10, trade=None, temperature=1.0
    ):
        trades = list(next(iter(measured.values())))
        for model, shares in (*measured.items(), *planted.items()):
            if lacking := [name for name in trades if name not in shares]:
                raise CourseError(f"{model} has no share for {lacking[0]!r}: give one for every trade.")
        trade = trades[0] if trade is None else trade
        check_choice("trade", trade, trades)
        check_choice("temperature", temperature, _TEMPERATURES)
        controls = controls or {}
        for model, shares in controls.items():
            if len(shares) < 3:
                raise CourseError(f"{model} has {len(shares)} control words: give at least three, or none.")
        level = 100 - 5 / len(trades)
        models = []
        for title, shares in measured.items():
            found = _leans(shares, controls.get(title, {}), level)
            models.append({"title": title, "planted": planted.get(title), **found})
        data = {
            "trades": trades,
            "controls": list(dict.fromkeys(word for shares in controls.values() for word in shares)),
            "lean": lean,
            "level": level,
            "temperatures": _TEMPERATURES,
            "models": models,
            "sentences": _rounded(sentences or {}),
        }
        words = []
        for model in models:
            points, low, high, *_ = model["words"][trade][_TEMPERATURES.index(temperature)]
            words.append(f"{model['title']} {points:+.0f} ({low:+.0f} to {high:+.0f})".replace("-", "−"))
        setting = "greedy" if temperature == 0 else f"temperature {temperature:.1f}"
        alt = f"{trade}, {setting}, points of “she” from 50% or from control words: {'; '.join(words)}"
        start = {"who": len(models) - 1, "trade": trade, "temperature": temperature, "after": True}
        super().__init__(data=data, alt=alt, **start)


def _rounded(table):
    """Return a nested dict of shares with four decimals."""
    if isinstance(table, dict):
        return {name: _rounded(inner) for name, inner in table.items()}
    return round(float(table), 4)


def _leans(shares, controls, level):
    """Return a dict with `zero` and `words`, each with an entry for every temperature.

    `zero` has the percentage with which a model's words are compared. `words` has for each word
    [points, low, high, low, high]: its lean, an interval of 95%, and an interval of `level` percent.
    """
    zero, words = [], {word: [] for word in (*shares, *controls)}
    for temperature in _TEMPERATURES:
        heated = {word: 100 * heat(each, temperature) for word, each in (shares | controls).items()}
        others = {word: heated[word] for word in controls}
        zero.append(round(float(numpy.mean(list(others.values()))), 1) if others else 50)
        for word, percentages in heated.items():
            beside = numpy.array([each for other, each in others.items() if other != word]).T
            row = [percentages.mean() - (beside.mean() if controls else 50)]
            for percent in (95, level):
                with warnings.catch_warnings():
                    # SciPy warns if all percentages are nearly the same, as they are at low temperatures.
                    warnings.simplefilter("ignore", RuntimeWarning)
                    row += _interval(percentages, beside if controls else None, percent)
            words[word].append([round(float(number), 1) for number in row])
    return {"zero": zero, "words": words}


def _interval(percentages, beside, level):
    """Return the two ends of a lean's interval, in percentage points from the control words or from 50%.

    beside : table (sentences, control words) of percentages, or None.
    """
    if beside is not None:
        return beside_controls(percentages, beside, level)
    if set(percentages) <= {0, 100}:
        low, high = wilson((percentages == 100).sum(), len(percentages), level)
    else:
        low, high = mean(percentages, level)
    return max(0, low) - 50, min(100, high) - 50


def against_truth(truth, groups, band, *, levels=None, named=None, title=None, alt=None) -> Picture:
    """Draw measured shares against planted shares, with a band around the line on which both are equal.

    Dots with the same planted share are drawn side by side, and so are the groups, so that dots do not
    overlap.

    truth : list of planted shares in percent.
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
