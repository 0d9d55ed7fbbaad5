"""Draws marks, such as "open" or "closed", as signs that can be read without colour."""

from html import escape
from string import ascii_lowercase

from course_utils.views.picture import LINE, QUIET, TRACK, Picture, card, legend_html

# Maps a mark to its sign and tint. How far the sign is filled gives the meaning, and the tint repeats it.
OPENNESS = {
    "open": ("●", "#cfe6f5"),
    "partial": ("◐", "#fff1d0"),
    "closed": ("○", "#ffffff"),
    "unknown": ("?", TRACK),
    "does not apply": ("–", TRACK),
}


def scorecard(rows, columns, marks, *, signs=None, points=None, title=None, alt=None) -> Picture:
    """Draw each row's marks as a strip of signs, narrow enough for a phone. Letters stand for the columns.

    rows : list of str, the names of the rows.
    columns : dict from a heading to the list of columns under it, or a list if there are no headings.
    marks : list with, for each row, a list with one mark (str) for each column; at most 26 columns.
    signs : dict from a mark to (sign, tint); by default `OPENNESS`.
    points : list with, for each row, a text that follows the row's name.
    title : str, written above the picture.
    alt : str, the picture in words; by default, for each row, which columns have which mark.

    Raises ValueError if the numbers of marks, rows and columns do not fit together, or if a mark has no sign.
    """
    signs = OPENNESS if signs is None else signs
    groups = columns if isinstance(columns, dict) else {"": columns}
    names = [name for members in groups.values() for name in members]
    check_marks(rows, names, marks, signs)
    lengths = [len(members) for members in groups.values()]
    starts = {sum(lengths[:index]) for index in range(1, len(lengths))}  # columns that have a gap before them
    letters = iter(ascii_lowercase)
    key = ""
    for heading, members in groups.items():
        listed = ", ".join(f"<b>{next(letters)}</b>\u00a0{escape(name)}" for name in members)
        before = f'<span style="color:{QUIET}">{escape(heading)}:</span> ' if heading else ""
        key += f'<div style="margin-bottom:2px">{before}{listed}</div>'
    heads = [(letter, "#ffffff") for letter in ascii_lowercase[: len(names)]]
    strips = _strip("", "", heads, starts, edge="none")
    described = {}
    for index, (name, row) in enumerate(zip(rows, marks, strict=True)):
        text = points[index] if points else ""
        strips += _strip(name, text, [signs[mark] for mark in row], starts, edge=f"1px solid {LINE}")
        described[f"{name}, {text}" if text else name] = dict(zip(names, row, strict=True))
    html = f'{signs_legend(marks, signs)}<div style="margin-bottom:10px">{key}</div>{strips}'
    return Picture(card(html, title), alt or marks_in_words(described, signs))


def check_marks(rows, columns, marks, signs):
    """Raise ValueError if marks, rows and columns do not fit together, or if a mark has no sign."""
    if [len(row) for row in marks] != [len(columns)] * len(rows):
        raise ValueError(f"marks must be {len(rows)} rows of {len(columns)}, one for each row and column")
    unsigned = {mark for row in marks for mark in row} - set(signs)
    if unsigned:
        raise ValueError(f"no sign for {', '.join(sorted(unsigned))}: the marks are {', '.join(signs)}")


def signs_legend(marks, signs):
    """Return HTML of those signs that occur in the marks, each with its meaning."""
    used = [mark for mark in signs if any(mark in row for row in marks)]
    legend = legend_html(
        f'<span style="display:inline-block;width:22px;text-align:center;background:{signs[mark][1]};'
        f'border:1px solid {LINE};font-size:16px">{signs[mark][0]}</span> {escape(mark)}'
        for mark in used
    )
    return f'<div style="margin-bottom:8px">{legend}</div>'


def marks_in_words(marks_of, signs):
    """Return one line for each name: "Llama 2. partial: weights, code; closed: data."."""
    lines = []
    for name, marks in marks_of.items():
        parts = []
        for mark in signs:
            marked = [column for column, other in marks.items() if other == mark]
            if marked:
                parts.append(f"{mark}: {', '.join(marked)}")
        lines.append(f"{name}. {'; '.join(parts)}.")
    return "\n".join(lines)


def _strip(name, text, signs, starts, edge):
    cells = "".join(
        f'<span style="flex:1 1 0;min-width:0;margin:0 0 0 {6 if index in starts else 0}px;border:{edge};'
        f'background:{tint};text-align:center;line-height:23px">{sign}</span>'
        for index, (sign, tint) in enumerate(signs)
    )
    beside = f' <span style="color:{QUIET}">{escape(text)}</span>' if text else ""
    return (
        f'<div style="display:flex;flex-wrap:wrap;margin-bottom:3px"><div style="flex:0 0 230px">'
        f"{escape(name)}{beside}</div>"
        f'<div style="flex:1 1 196px;min-width:0;display:flex">{cells}</div></div>'
    )
