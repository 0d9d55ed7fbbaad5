"""Charts of numbers, each with its unit and, if there is one, its baseline."""

import textwrap
from html import escape

from course_utils.views.picture import (
    BLUE,
    INK,
    QUIET,
    TRACK,
    VERMILLION,
    Picture,
    array,
    card,
    from_figure,
    number,
    signed,
    style,
    tint,
)

_INCHES = (4.8, 3.0)  # small, so that the 12-point text can still be read on a page of half width
_MARKERS = "osD^vPX"


def bars(labels, values, unit, baseline=None, baseline_label=None, title=None, alt=None):
    """Draw horizontal bars from zero, each with its value.

    Parameters
    ----------
    labels: list of str.
    values: list of numbers from zero up.
    unit: str above the values, such as "MB" or "tokens per word".
    baseline: number to compare with, drawn as a line across all bars, or a list with a number or None for
        each bar.
    baseline_label: str, what the baseline is.
    title: str above the picture.
    alt: str, the description; by default the values in words.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if a value is below zero.
    """
    if min(values) < 0:
        raise ValueError("bars start at zero; draw values below zero with lines()")
    one_each = isinstance(baseline, (list, tuple))
    marks = list(baseline) if one_each else [baseline] * len(labels)
    longest = _longest(values, marks)
    table = bar_table(labels, values, unit, marks)
    note = f"The bars start at 0; full width is {number(longest)} {unit}."
    words = [f"{label}: {number(value)} {unit}" for label, value in zip(labels, values, strict=True)]
    if one_each:
        note = f"Dashed lines: {baseline_label or 'baseline'}. {note}"
        words = [
            said if mark is None else f"{said} ({baseline_label or 'baseline'}: {number(mark)})"
            for said, mark in zip(words, marks, strict=True)
        ]
    elif baseline is not None:
        against = f"{baseline_label or 'baseline'}, {number(baseline)} {unit}"
        note = f"Dashed line: {against}. {note}"
        words.append(against)
    return Picture(card(table, title, note), alt or "; ".join(words))


def lines(x, series, x_label, y_label, baseline=None, baseline_label=None, title=None, alt=None):
    """Draw one line for each series over the same x, with its name at its right end.

    Parameters
    ----------
    x: list of numbers.
    series: dict from a name to its list of numbers, as long as x; at most seven.
    x_label, y_label: str with the unit, such as "context (tokens)".
    baseline: number to compare with, a horizontal line.
    baseline_label: str, what the baseline is.
    title: str above the picture.
    alt: str, the description; by default the two ends of each line.

    Returns
    -------
    Picture
    """
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=_INCHES)
        axes = figure.subplots()
        colours = [
            axes.plot(x, values, marker=marker, markersize=5)[0].get_color()
            for values, marker in zip(series.values(), _MARKERS[: len(series)], strict=True)
        ]
        if baseline is not None:
            axes.axhline(baseline, color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
            axes.annotate(
                f"{baseline_label or 'baseline'}: {number(baseline)}",
                (0, baseline),
                xycoords=("axes fraction", "data"),
                xytext=(6, 4),
                textcoords="offset points",
            )
        axes.set(xlabel=x_label, ylabel=y_label)
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
    words = [
        f"{name}: {number(values[0])} at {number(x[0])}, {number(values[-1])} at {number(x[-1])}"
        for name, values in series.items()
    ]
    if baseline is not None:
        words.append(f"{baseline_label or 'baseline'}: {number(baseline)}")
    return from_figure(figure, alt or f"{y_label} by {x_label}. {'; '.join(words)}", title)


def histogram(values, x_label, y_label="how many", marked=None, log_y=False, title=None, alt=None):
    """Draw a histogram of values, with lines at the marked values.

    Parameters
    ----------
    values: array or tensor of numbers, of any shape.
    x_label, y_label: str with the unit.
    marked: dict from a label to a value, which gets a dashed line and the label.
    log_y: bool, whether the counts have a logarithmic axis, on which a bar of 1 is visible next to a million.
    title: str above the picture.
    alt: str, the description; by default the count, the range, the middle 98% and the marked values.

    Returns
    -------
    Picture
    """
    import numpy
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
        axes.hist(values, bins=80, color=BLUE, log=log_y)
        _thousands(axes.yaxis)
        axes.set(xlabel=x_label, ylabel=y_label + (" (log scale)" if log_y else ""))
        axes.grid(visible=False, axis="x")
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
                color="#a34700",
                fontweight="bold",
            )
            words += f"; {label}: {number(value)}"
    return from_figure(figure, alt or words, title)


def grid(
    matrix, outlined=None, row_labels=None, column_labels=None, digits=2, unit="values", title=None, alt=None
):
    """Draw a small matrix as a table of numbers, tinted by sign and size, with one cell outlined.

    Parameters
    ----------
    matrix: (rows, columns) array or tensor.
    outlined: (row, column) of the cell to outline, counted from 0 within the matrix.
    row_labels, column_labels: lists of names for the rows and columns; by default they are numbered from 0.
    digits: int, decimals shown.
    unit: str, what the numbers are, such as "weights".
    title: str above the picture.
    alt: str, the description; by default the shape, the range and the outlined value.

    Returns
    -------
    Picture
    """
    import numpy

    matrix = array(matrix)
    rows, columns = matrix.shape
    row_labels = range(rows) if row_labels is None else row_labels
    column_labels = range(columns) if column_labels is None else column_labels
    largest = numpy.abs(matrix).max() or 1
    cell = "padding:4px 3px;text-align:right;white-space:nowrap;font-size:13px"
    quiet = f"{cell};border:none;background:#ffffff;color:{QUIET};font-weight:400"
    body = f'<tr style="background:#ffffff"><td style="{quiet}">row ↓<br>column →</td>'
    body += "".join(f'<th style="{quiet}">{escape(str(label))}</th>' for label in column_labels) + "</tr>"
    for row, label in enumerate(row_labels):
        body += f'<tr style="background:#ffffff"><th style="{quiet}">{escape(str(label))}</th>'
        for column, value in enumerate(matrix[row]):
            edge, weight = f"1px solid {TRACK}", 400
            if outlined == (row, column):
                edge, weight = f"3px solid {INK}", 700
            body += (
                f'<td style="{cell};border:{edge};background:{tint(value / largest)};color:{INK};'
                f'font-weight:{weight}">{signed(value, digits)}</td>'
            )
        body += "</tr>"
    table = (
        '<div tabindex="0" style="overflow-x:auto"><table style="margin:0;border:none;'
        f'border-collapse:collapse;table-layout:auto"><tbody>{body}</tbody></table></div>'
    )
    words = f"{rows} by {columns} {unit}, from {number(matrix.min())} to {number(matrix.max())}"
    if outlined is not None:
        words += f"; outlined: {number(matrix[outlined])}"
    note = f"{unit}; the farther from 0, the stronger the tint: blue below 0, orange above"
    return Picture(card(table, title, note[0].upper() + note[1:]), alt or words)


def bar_table(labels, values, unit, marks, longest=None):
    """Return HTML for the bars of `bars`: a row for each, with its label, its bar and its value.

    Parameters
    ----------
    labels, values, unit: as in `bars`.
    marks: list with, for each bar, the number at which a line crosses it, or None.
    longest: number, the value of a bar of full width; by default the largest value or mark.
    """
    longest = longest or _longest(values, marks)

    def line(mark):
        # The line extends over the padding of its cell, so that the lines of all rows join into one.
        return (
            f'<div style="position:absolute;top:-5px;bottom:-5px;left:{round(100 * mark / longest)}%;'
            f'width:0;border-left:2px dashed {INK}"></div>'
        )

    cell = f"padding:4px 5px;border:none;background:#ffffff;color:{INK};vertical-align:middle"
    rows = (
        f'<tr style="background:#ffffff"><td style="{cell}"></td><td style="{cell}"></td>'
        f'<td style="{cell};text-align:right;color:{QUIET}">{escape(unit)}</td></tr>'
    )
    rows += "".join(
        f'<tr style="background:#ffffff"><td style="{cell};text-align:left;padding-left:0">'
        f"{escape(str(label))}</td>"
        f'<td style="{cell};width:60%"><div style="position:relative;background:{TRACK}">'
        f'<div style="height:16px;min-width:2px;background:{BLUE};width:{round(100 * value / longest)}%">'
        f"</div>{'' if mark is None else line(mark)}</div></td>"
        f'<td style="{cell};text-align:right;white-space:nowrap">{number(value)}</td></tr>'
        for label, value, mark in zip(labels, values, marks, strict=True)
    )
    return (
        '<table style="width:100%;margin:0;border:none;border-collapse:collapse;table-layout:auto;'
        f'font-size:14px"><tbody>{rows}</tbody></table>'
    )


def _longest(values, marks):
    """Return the value of a bar of full width: the largest value or mark."""
    return max([*values, *(mark or 0 for mark in marks)]) or 1


def _thousands(axis):
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _spread(values, axes, gap=0.1):
    """Return the heights (axes fraction) of the labels of values, moved up where labels would overlap."""
    bottom, top = axes.get_ylim()
    heights = {}
    lowest = float("-inf")
    for position in sorted(range(len(values)), key=values.__getitem__):
        lowest = max((values[position] - bottom) / (top - bottom), lowest + gap)
        heights[position] = lowest
    return [heights[position] for position in range(len(values))]
