"""Charts of numbers: bars, lines, a histogram and a grid of values. Each has its unit and, if given, its baseline."""

from html import escape

from .picture import BLUE, INK, QUIET, TRACK, VERMILLION, Picture, card, from_figure, number, style

CHART_INCHES = (5.8, 3.4)


def bars(labels, values, unit, baseline=None, baseline_label=None, title=None, alt=None):
    """Draw horizontal bars from zero, each with its value.

    Parameters
    ----------
    labels: list of str. values: list of numbers, none below zero.
    unit: str written after each value, such as "MB" or "tokens per word".
    baseline: number to compare with, drawn as a line across all bars. baseline_label: what it is.
    title: str above the picture. alt: the description; by default the values in words.

    Returns
    -------
    Picture
    """
    if min(values) < 0:
        raise ValueError("bars start at zero; draw values below zero with lines()")
    longest = max([*values, baseline or 0]) or 1
    line = ""
    if baseline is not None:
        line = (
            f'<div style="position:absolute;top:-5px;bottom:-5px;left:{round(100 * baseline / longest)}%;'
            f'border-left:2px dashed {INK}"></div>'
        )
    cell = f"padding:4px 6px;border:none;background:#ffffff;color:{INK};vertical-align:middle"
    rows = "".join(
        f'<tr style="background:#ffffff"><td style="{cell};text-align:left">{escape(str(label))}</td>'
        f'<td style="{cell};width:65%"><div style="position:relative;background:{TRACK}">'
        f'<div style="height:16px;min-width:2px;width:{round(100 * value / longest)}%;background:{BLUE}"></div>'
        f'{line}</div></td><td style="{cell};text-align:right;white-space:nowrap">'
        f"{number(value)} {escape(unit)}</td></tr>"
        for label, value in zip(labels, values, strict=True)
    )
    body = (
        '<table style="width:100%;margin:0;border-collapse:collapse;table-layout:auto;font-size:14px">'
        f"<tbody>{rows}</tbody></table>"
    )
    words = "; ".join(f"{label}: {number(value)} {unit}" for label, value in zip(labels, values, strict=True))
    note = f"The bars start at 0; the longest scale is {number(longest)} {unit}."
    if baseline is not None:
        against = f"{baseline_label or 'baseline'}: {number(baseline)} {unit}"
        note = f"Dashed line: {against}. {note}"
        words = f"{words}; {against}"
    return Picture(card(body, title, note), alt or words)


def lines(x, series, x_label, y_label, baseline=None, baseline_label=None, title=None, alt=None):
    """Draw one line for each series over the same x, named at its right end.

    Parameters
    ----------
    x: list of numbers. series: dict from a name to the list of its values, as long as x.
    x_label, y_label: str with the unit, such as "context (tokens)".
    baseline: number to compare with, a horizontal line. baseline_label: what it is.
    title: str above the chart. alt: the description; by default each line's first, last and extreme values.

    Returns
    -------
    Picture
    """
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=CHART_INCHES)
        axes = figure.subplots()
        for (name, values), marker in zip(series.items(), "osD^vPX", strict=False):
            (line,) = axes.plot(x, values, marker=marker, markersize=5, label=name)
            axes.annotate(
                name,
                (x[-1], values[-1]),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                color=line.get_color(),
            )
        if baseline is not None:
            axes.axhline(baseline, color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
        axes.set(xlabel=x_label, ylabel=y_label, title=title or "")
        picture_alt = alt or _lines_in_words(x, series, x_label, y_label, baseline, baseline_label)
        return from_figure(figure, picture_alt)


def _lines_in_words(x, series, x_label, y_label, baseline, baseline_label):
    parts = [
        f"{name}: {number(values[0])} at {number(x[0])}, {number(values[-1])} at {number(x[-1])}"
        for name, values in series.items()
    ]
    if baseline is not None:
        parts.append(f"{baseline_label or 'baseline'}: {number(baseline)}")
    return f"{y_label} by {x_label}. " + "; ".join(parts)


def histogram(values, x_label, y_label="how many", marked=None, log_y=False, bins=80, title=None, alt=None):
    """Draw how many values lie where, and where the marked ones lie among them.

    Parameters
    ----------
    values: array or list of numbers of any shape. x_label, y_label: str with the unit.
    marked: dict from a label to a value, drawn as a line with an arrow head.
    log_y: count on a logarithmic axis, so that a single value is visible beside a million.
    bins: int. title: str above the chart. alt: the description; by default count, range, middle 98% and marks.

    Returns
    -------
    Picture
    """
    import numpy
    from matplotlib.figure import Figure

    values = numpy.asarray(values, dtype=numpy.float64).ravel()
    marked = marked or {}
    low, high = numpy.quantile(values, [0.01, 0.99])
    with style():
        figure = Figure(figsize=CHART_INCHES)
        axes = figure.subplots()
        axes.hist(values, bins=bins, color=BLUE, log=log_y)
        for label, value in marked.items():
            axes.axvline(value, color=VERMILLION, linewidth=1.8, linestyle="--")
            axes.annotate(label, (value, 0.95), xycoords=("data", "axes fraction"), ha="right", xytext=(-6, 0),
                          textcoords="offset points", color=VERMILLION)  # fmt: skip
        axes.set(xlabel=x_label, ylabel=y_label + (" (log scale)" if log_y else ""), title=title or "")
        words = (
            f"{len(values):,} values of {x_label}, from {number(values.min())} to {number(values.max())}; "
            f"98% of them between {number(low)} and {number(high)}"
        )
        for label, value in marked.items():
            words += f"; {label} at {number(value)}"
        return from_figure(figure, alt or words)


def grid(matrix, outlined=None, row_labels=None, column_labels=None, digits=2, unit="", title=None, alt=None):
    """Draw a small matrix as a table of numbers whose background says sign and size, one cell outlined.

    Parameters
    ----------
    matrix: (rows, columns) numbers. outlined: (row, column) of the cell to outline, counted within the matrix.
    row_labels, column_labels: what each row and column is; by default their positions.
    digits: decimals shown. unit: str, what the numbers are. title: str above the picture.
    alt: the description; by default the shape, the range and the outlined value.

    Returns
    -------
    Picture
    """
    import numpy

    matrix = numpy.asarray(matrix, dtype=numpy.float64)
    rows, columns = matrix.shape
    row_labels = range(rows) if row_labels is None else row_labels
    column_labels = range(columns) if column_labels is None else column_labels
    largest = numpy.abs(matrix).max() or 1
    cell = "padding:4px 5px;text-align:right;white-space:nowrap"
    quiet = f"{cell};border:none;background:#ffffff;color:{QUIET};font-weight:400"
    head = "".join(f'<th style="{quiet}">{escape(str(label))}</th>' for label in column_labels)
    body = ""
    for row, label in enumerate(row_labels):
        body += f'<tr style="background:#ffffff"><th style="{quiet}">{escape(str(label))}</th>'
        for column in range(columns):
            value = matrix[row, column]
            edge = f"3px solid {INK}" if outlined == (row, column) else "1px solid #ffffff"
            body += (
                f'<td style="{cell};border:{edge};background:{_tint(value / largest)};color:{INK}">'
                f"{value:.{digits}f}</td>"
            )
        body += "</tr>"
    table = (
        '<div style="overflow-x:auto"><table style="margin:0;border-collapse:collapse;table-layout:auto;'
        f'font-size:13px"><thead><tr style="background:#ffffff"><th style="{quiet}"></th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
    words = f"{rows} by {columns} {unit or 'values'}, from {number(matrix.min())} to {number(matrix.max())}"
    if outlined is not None:
        words += f"; outlined: {number(matrix[outlined])}"
    return Picture(card(table, title, "Blue is below zero, orange above; stronger is farther."), alt or words)


def _tint(share):
    """White at 0, blue towards -1, orange towards 1, all light enough for dark text."""
    end = (86, 180, 233) if share < 0 else (240, 150, 60)
    mixed = [round(255 + (channel - 255) * abs(share)) for channel in end]
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
