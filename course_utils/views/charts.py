"""Charts of numbers. Each shows its unit and, if there is one, a baseline to compare with."""

import textwrap
from html import escape

import numpy

from course_utils.views.picture import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    QUIET,
    SKY_BLUE,
    TRACK,
    VERMILLION,
    Picture,
    array,
    card,
    from_figure,
    legend_html,
    number,
    row_html,
    signed,
    style,
    table_html,
)

_INCHES = (4.8, 3.0)  # a small figure, because 12-point text must stay readable at half this width
_MARKERS = "osD^vPX"
_GROUPS = (BLUE, ORANGE, GREEN, PURPLE, SKY_BLUE, VERMILLION)
_ROW = 22  # height of a row of `intervals`, in pixels


def bars(labels, values, *, unit, groups=None, baseline=None, baseline_label=None, title=None) -> Picture:
    """Draw horizontal bars that start at zero, each with its value.

    labels : list of str.
    values : list of numbers from zero up.
    unit : str, written above the values, such as "MB" or "tokens per word".
    groups : list of str, the group of each bar; at most six groups. The bars of a group have one colour, and
        a legend stands above the bars.
    baseline : number to compare with, drawn as a line across all bars; or a list with, for each bar, a number
        or None.
    baseline_label : str, what the baseline means.
    title : str, written above the picture.

    Raises ValueError if a value is below zero.
    """
    if min(values) < 0:
        raise ValueError("bars start at zero; draw values below zero with lines()")
    several = isinstance(baseline, (list, tuple))
    baselines = list(baseline) if several else [baseline] * len(labels)
    name = baseline_label or "baseline"
    longest = max([*values, *(mark or 0 for mark in baselines)]) or 1
    note = f"The bars start at 0; full width is {number(longest)} {unit}."
    words = [f"{label}: {number(value)} {unit}" for label, value in zip(labels, values, strict=True)]
    if several:
        note = f"Dashed lines: {name}. {note}"
        words = [
            text if mark is None else f"{text} ({name}: {number(mark)})"
            for text, mark in zip(words, baselines, strict=True)
        ]
    elif baseline is not None:
        words.append(f"{name}, {number(baseline)} {unit}")
        note = f"Dashed line: {words[-1]}. {note}"
    colour_of = dict(zip(dict.fromkeys(groups or [None]), _GROUPS, strict=False))
    swatch = "display:inline-block;width:12px;height:12px;margin-right:6px"
    key = legend_html(
        f'<span style="{swatch};background:{colour}"></span>{escape(group)}'
        for group, colour in colour_of.items()
        if groups
    )
    colours = [colour_of[group] for group in groups or [None] * len(labels)]
    html = key + _bar_rows(labels, values, unit, baselines, longest, colours)
    return Picture(card(html, title, note), "; ".join(words))


def lines(
    x, series, *, x_label, y_label, bottom=None, baseline=None, baseline_label=None, title=None, alt=None
) -> Picture:
    """Draw one line for each series over the same x, with the name of the series at the line's right end.

    x : list of numbers.
    series : dict from a name to its list of numbers, as long as x; at most seven series.
    x_label, y_label : str, the names of the axes with their units, such as "context (tokens)".
    bottom : number at which the y axis begins, such as 0; by default, a little below the lowest point.
    baseline : number to compare with, drawn as a horizontal line.
    baseline_label : str, what the baseline means.
    title : str, written above the picture.
    alt : str, the picture in words; by default the two ends of each line.
    """
    from matplotlib.figure import Figure

    words = [
        f"{name}: {number(values[0])} at {number(x[0])}, {number(values[-1])} at {number(x[-1])}"
        for name, values in series.items()
    ]
    with style():
        figure = Figure(figsize=_INCHES)
        axes = figure.subplots()
        colours = [
            axes.plot(x, values, marker=marker, markersize=5)[0].get_color()
            for values, marker in zip(series.values(), _MARKERS[: len(series)], strict=True)
        ]
        if baseline is not None:
            words.append(f"{baseline_label or 'baseline'}: {number(baseline)}")
            axes.axhline(baseline, color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
            side = _uncrowded(x, series, baseline)
            axes.annotate(
                words[-1],
                ({"left": 0, "center": 0.5, "right": 1}[side], baseline),
                xycoords=("axes fraction", "data"),
                xytext=({"left": 6, "center": 0, "right": -6}[side], 4),
                textcoords="offset points",
                horizontalalignment=side,
            )
        axes.set(xlabel=x_label, ylabel=y_label)
        if bottom is not None:
            axes.set_ylim(bottom=bottom)
        _thousands(axes.xaxis)
        _thousands(axes.yaxis)
        ends = [values[-1] for values in series.values()]
        for name, end, height, colour in zip(series, ends, _spread(ends, axes), colours, strict=True):
            axes.annotate(
                textwrap.fill(name, 16),
                (x[-1], end),
                xytext=(1.03, height),
                textcoords="axes fraction",
                verticalalignment="center",
                color=colour,
                fontweight="bold",
                linespacing=1.0,
            )
    return from_figure(figure, alt=alt or f"{y_label} by {x_label}. {'; '.join(words)}", title=title)


def histogram(values, *, x_label, y_label="how many", marked=None, named=None) -> Picture:
    """Draw a histogram of values. Dashed lines show `marked` values. Names stand above `named` values.

    values : array or tensor of numbers, of any shape.
    x_label, y_label : str, the names of the axes with their units.
    marked : dict from a label to the value at which to draw a dashed line with this label.
    named : dict from a name to a value; a line leads from the name down to the value on the axis.
    """
    from matplotlib.figure import Figure

    values = array(values).ravel()
    low, high = numpy.quantile(values, [0.01, 0.99])
    words = (
        f"{x_label}: {len(values):,} values from {number(values.min())} to {number(values.max())}, "
        f"98% of them between {number(low)} and {number(high)}"
    )
    with style():
        figure = Figure(figsize=_INCHES)
        axes = figure.subplots()
        axes.hist(values, bins=80, color=BLUE)
        _thousands(axes.yaxis)
        axes.set(xlabel=x_label, ylabel=y_label)
        axes.grid(visible=False, axis="x")
        if named:
            axes.margins(x=0.08)  # so that a name above the first bar does not touch the axis
        left, right = axes.get_xlim()
        for row, (label, value) in enumerate((marked or {}).items()):
            in_right_half = value > (left + right) / 2
            axes.axvline(value, color=VERMILLION, linewidth=2, linestyle="--")
            axes.annotate(
                f"{label}: {number(value)}",
                (value, 0.97 - 0.1 * row),
                xycoords=("data", "axes fraction"),
                xytext=(-7 if in_right_half else 7, 0),
                textcoords="offset points",
                horizontalalignment="right" if in_right_half else "left",
                verticalalignment="top",
                color="#b93a06",
                fontweight="bold",
            )
            words += f"; {label}: {number(value)}"
        for index, (name, value) in enumerate((named or {}).items()):
            axes.annotate(
                name,
                (value, 0),
                xytext=(0, 30 + 22 * (index % 2)),  # neighbouring names are at different heights
                textcoords="offset points",
                horizontalalignment="center",
                color=INK,
                fontweight="bold",
                arrowprops={"arrowstyle": "-", "color": INK, "shrinkB": 8},
            )
            words += f"; {name}: {number(value)}"
    return from_figure(figure, alt=words)


def intervals(
    labels,
    values,
    spans,
    *,
    unit="%",
    limits=(0, 100),
    marks=None,
    marks_label=None,
    band=None,
    columns=1,
    digits=0,
    title=None,
    note=None,
    alt=None,
) -> Picture:
    """Draw a dot and an interval for each label, all on the same scale, with marks and a band if given.

    A dot is filled if the whole interval lies outside the band, and hollow otherwise. Without a band all dots
    are filled.

    labels : list of str.
    values : list of numbers within the limits.
    spans : list with, for each value, its interval as (low, high), or None.
    unit : str, written after the numbers, with a space before every unit but "%".
    limits : (lowest, highest), the ends of the scale.
    marks : list with, for each label, None or a value to compare with, drawn as an upright line.
    marks_label : str, what the marks mean.
    band : (low, high), a range that is shaded in every row.
    columns : int, into how many columns the rows are divided on a wide page; a narrow page has one column.
    digits : int, how many decimals the numbers have.
    title : str, written above the picture.
    note : str, written below the picture, before the legend.
    alt : str, the picture in words; by default every value.
    """
    marks = [None] * len(labels) if marks is None else list(marks)
    unit = unit if unit == "%" else f" {unit}"
    marks_label = marks_label or "mark"

    def along(value):
        inside = min(max(float(value), limits[0]), limits[1])  # without float(), NumPy could print 15 digits
        return round(100 * (inside - limits[0]) / (limits[1] - limits[0]), 2)

    def box(value, look):
        return f'<div style="position:absolute;{look.format(f"left:{along(value)}%")}"></div>'

    def width(span):
        return round(along(span[1]) - along(span[0]), 2)

    shaded = ""
    if band:
        shaded = box(band[0], f"top:0;bottom:0;{{}};width:{width(band)}%;background:#ffe7d6")
    rows, words = [], []
    for label, value, span, mark in zip(labels, values, spans, marks, strict=True):
        outside = not band or (span is not None and (span[0] > band[1] or span[1] < band[0]))
        shown = f"{signed(value, digits)}{unit}"
        track, remark = shaded, ""
        if mark is not None:
            remark = f", {marks_label} {signed(mark, 0)}"
            track += box(mark, f"top:1px;bottom:1px;{{}};width:4px;margin-left:-2px;background:{VERMILLION}")
        if span is not None:
            shown = f"{signed(value, digits)} ({signed(span[0], digits)} to {signed(span[1], digits)})"
            look = f"height:4px;{{}};width:{max(width(span), 0.5)}%;background:{BLUE}"
            track += box(span[0], f"top:{_ROW // 2 - 2}px;{look}")
        track += box(
            value,
            f"top:{_ROW // 2 - 6}px;{{}};width:12px;height:12px;margin-left:-6px;box-sizing:border-box;"
            f"border:2px solid {BLUE};border-radius:6px;background:{BLUE if outside else '#ffffff'}",
        )
        rows.append(
            f'<div style="line-height:1.15">{escape(label)}</div>'
            f'<div style="position:relative;height:{_ROW}px;background:{TRACK}">{track}</div>'
            f'<div style="padding-left:4px;line-height:1.15;font-size:13px">{shown}</div>'
        )
        words.append(f"{label}: {shown}{remark}{', outside' if band and outside else ''}")
    size = -(-len(rows) // columns)
    # The rows of a stack share the columns of one grid, so that all scales begin and end at the same places.
    look = "flex:1 1 320px;min-width:0;display:grid;align-items:center;align-content:start;gap:3px 6px"
    look += ";grid-template-columns:fit-content(28%) minmax(48px,1fr) auto"
    stacks = "".join(
        f'<div style="{look}">{"".join(rows[start : start + size])}</div>'
        for start in range(0, len(rows), size)
    )
    html = f'<div style="display:flex;flex-wrap:wrap;gap:0 24px">{stacks}</div>'
    low, high = (f"{signed(limit, 0)}{unit}" for limit in limits)
    legend = f"Scale: {low} on the left, {high} on the right. Dot: measured; line through it: interval."
    if any(mark is not None for mark in marks):
        legend += f" Upright line: {marks_label}."
    if band:
        words.append(f"Shaded: band, {signed(band[0], 0)} to {signed(band[1], 0)}{unit}")
        legend += f" {words[-1]}. Filled dot: the whole interval is outside."
    return Picture(card(html, title, f"{note} {legend}" if note else legend), alt or "; ".join(words))


def _bar_rows(labels, values, unit, marks, longest, colours):
    """Return HTML for the rows of `bars`, each with a label, a bar and a value.

    labels, values, unit : as in `bars`.
    marks : list with, for each bar, None or the number at which a line crosses the bar.
    longest : number, the value of a bar of full width.
    colours : list of str, the colour of each bar.
    """

    def line(mark):
        # The line extends over the padding of the cell, so that the lines of all rows join into one line.
        return (
            f'<div style="position:absolute;top:-5px;bottom:-5px;left:{round(100 * mark / longest)}%;'
            f'width:0;border-left:2px dashed {INK}"></div>'
        )

    cell = f"padding:4px 5px;border:none;background:#ffffff;color:{INK};vertical-align:middle"
    rows = row_html(
        f'<td style="{cell}"></td><td style="{cell}"></td>'
        f'<td style="{cell};text-align:right;color:{QUIET}">{escape(unit)}</td>'
    )
    for label, value, mark, colour in zip(labels, values, marks, colours, strict=True):
        rows += row_html(
            f'<td style="{cell};text-align:left;padding-left:0">{escape(str(label))}</td>'
            f'<td style="{cell};width:60%"><div style="position:relative;background:{TRACK}">'
            f'<div style="height:16px;min-width:2px;background:{colour};'
            f'width:{round(100 * value / longest)}%">'
            f"</div>{'' if mark is None else line(mark)}</div></td>"
            f'<td style="{cell};text-align:right;white-space:nowrap">{number(value)}</td>'
        )
    return table_html(rows)


def _thousands(axis):
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _uncrowded(x, series, baseline):
    """Return at which part of a baseline its label covers no point: "left", "right" or "center".

    If the label would cover points in each part, return "left".
    """
    every = [value for values in series.values() for value in values]
    room = 0.12 * (max(every) - min(every))
    third = (max(x) - min(x)) / 3
    covered = [
        at
        for values in series.values()
        for at, value in zip(x, values, strict=True)
        if 0 < value - baseline < room
    ]
    left, right = min(x) + third, max(x) - third
    crowded = {
        "left": any(at < left for at in covered),
        "right": any(at > right for at in covered),
        "center": any(left <= at <= right for at in covered),
    }
    return next((side for side, full in crowded.items() if not full), "left")


def _spread(values, axes):
    """Return the height of each value's label on the y axis, from 0 (bottom) to 1 (top).

    A label that would overlap the label below is moved up.
    """
    bottom, top = axes.get_ylim()
    heights = {}
    lowest = float("-inf")
    for position in sorted(range(len(values)), key=values.__getitem__):
        lowest = max((values[position] - bottom) / (top - bottom), lowest + 0.1)
        heights[position] = lowest
    return [heights[position] for position in range(len(values))]
