"""Pictures of measured shares with their intervals, compared with a planted truth or a control."""

from html import escape

from course_utils.views.picture import (
    BLUE,
    TRACK,
    VERMILLION,
    Picture,
    card,
    signed,
)

_ROW = 22  # pixels, the height of a row


def intervals(
    labels,
    values,
    spans,
    unit="%",
    limits=(0, 100),
    marks=None,
    marks_label=None,
    band=None,
    band_label=None,
    columns=1,
    digits=0,
    title=None,
    note=None,
    alt=None,
):
    """Draw a dot and its interval for each label, all on the same scale, with marks and a band if given.

    A dot is filled if the whole interval lies outside the band, and hollow otherwise. Without a band all dots
    are filled.

    Parameters
    ----------
    labels: list of str.
    values: list of numbers within the limits.
    spans: list with, for each value, (low, high), or None if it has no interval.
    unit: str after the numbers; all units but "%" are separated by a space.
    limits: (lowest, highest), the ends of the scale.
    marks: list with, for each label, the expected value, drawn as an upright line, or None.
    marks_label: str, what the marks are.
    band: (low, high), shaded in every row.
    band_label: str, what the band is.
    columns: int, into how many columns the rows are divided on a wide page; a narrow page has one column.
    digits: int, how many decimals the numbers have.
    title: str above the picture.
    note: str below the picture, before the legend.
    alt: str, the description; by default every value in words.

    Returns
    -------
    Picture
    """
    marks = [None] * len(labels) if marks is None else list(marks)
    behind = unit if unit == "%" else f" {unit}"

    def along(value):
        inside = min(max(float(value), limits[0]), limits[1])  # a float32 would be written with 15 digits
        return round(100 * (inside - limits[0]) / (limits[1] - limits[0]), 2)

    def said(value, span):
        shown = signed(value, digits)
        if span is None:
            return f"{shown}{behind}"
        return f"{shown} ({signed(span[0], digits)} to {signed(span[1], digits)})"

    shaded = ""
    if band:
        left, right = map(along, band)
        shaded = (
            f'<div style="position:absolute;top:0;bottom:0;left:{left}%;width:{round(right - left, 2)}%;'
            'background:#fbe3c0"></div>'
        )
    drawn, words = [], []
    for label, value, span, mark in zip(labels, values, spans, marks, strict=True):
        outside = not band or (span is not None and (span[0] > band[1] or span[1] < band[0]))
        inside = shaded
        if mark is not None:
            inside += (
                f'<div style="position:absolute;top:1px;bottom:1px;left:{along(mark)}%;width:4px;'
                f'margin-left:-2px;background:{VERMILLION}"></div>'
            )
        if span is not None:
            left, right = map(along, span)
            inside += (
                f'<div style="position:absolute;top:{_ROW // 2 - 2}px;height:4px;left:{left}%;'
                f'width:{max(round(right - left, 2), 0.5)}%;background:{BLUE}"></div>'
            )
        fill = BLUE if outside else "#ffffff"
        inside += (
            f'<div style="position:absolute;top:{_ROW // 2 - 6}px;left:{along(value)}%;width:12px;'
            f"height:12px;margin-left:-6px;box-sizing:border-box;border:2px solid {BLUE};border-radius:6px;"
            f'background:{fill}"></div>'
        )
        drawn.append(
            f'<div style="display:flex;align-items:center;margin-bottom:3px">'
            f'<div style="flex:0 0 88px;line-height:1.15;padding-right:6px;box-sizing:border-box">'
            f"{escape(label)}</div>"
            f'<div style="flex:1 1 90px;min-width:48px;position:relative;height:{_ROW}px;background:{TRACK}">'
            f"{inside}</div>"
            '<div style="flex:0 1 134px;min-width:0;padding-left:10px;box-sizing:border-box;line-height:1.15;'
            f'font-size:13px">{said(value, span)}</div></div>'
        )
        told = f"{label}: {said(value, span)}"
        told += f", {marks_label or 'mark'} {signed(mark, 0)}" if mark is not None else ""
        words.append(told + (", outside" if band and outside else ""))
    size = -(-len(drawn) // columns)
    stacks = "".join(
        f'<div style="flex:1 1 320px;min-width:0">{"".join(drawn[start : start + size])}</div>'
        for start in range(0, len(drawn), size)
    )
    body = f'<div style="display:flex;flex-wrap:wrap;gap:0 24px">{stacks}</div>'
    low, high = (f"{signed(limit, 0)}{behind}" for limit in limits)
    notes = [
        note,
        f"Scale: {low} on the left, {high} on the right. Dot: measured; line through it: interval.",
    ]
    if any(mark is not None for mark in marks):
        notes.append(f"Upright line: {marks_label or 'mark'}.")
    if band:
        says = f"Shaded: {band_label or 'band'}, {signed(band[0], 0)} to {signed(band[1], 0)}{behind}."
        notes.append(f"{says} Filled dot: the whole interval is outside.")
        words.append(f"{says.rstrip('.')}")
    return Picture(card(body, title, " ".join(filter(None, notes))), alt or "; ".join(words))
