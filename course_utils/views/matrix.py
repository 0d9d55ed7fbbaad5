"""Tables of marks, such as open or closed, drawn as signs that can be read without colour."""

from html import escape
from string import ascii_lowercase

from course_utils.views.picture import INK, LINE, QUIET, TRACK, Picture, card

# Maps a mark to its sign and tint. The filling of the sign gives the meaning, and the tint repeats it.
OPENNESS = {
    "open": ("●", "#cfe6f5"),
    "partial": ("◐", "#fff1d0"),
    "closed": ("○", "#ffffff"),
    "unknown": ("?", TRACK),
    "does not apply": ("–", TRACK),
}
ANSWERS = {
    "yes": ("●", "#cfe6f5"),
    "yes, with conditions": ("◐", "#fff1d0"),
    "ask first": ("◔", "#fff1d0"),
    "no": ("○", "#ffffff"),
    "cannot know": ("?", TRACK),
}


def matrix(rows, columns, marks, signs=None, title=None, alt=None, widest=7):
    """Draw marks as a table of signs, with a legend that says what each sign means.

    Parameters
    ----------
    rows, columns: list of str.
    marks: list with, for each row, a list with one mark (str) for each column.
    signs: dict from a mark to (sign, tint); by default the marks of openness, `OPENNESS`.
    title: str above the picture.
    alt: str, the description; by default, for each column, which rows have which mark.
    widest: int, the most columns in one table; if there are more, they are divided over several tables.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if the numbers of marks, rows and columns do not fit, or a mark has no sign.
    """
    signs = OPENNESS if signs is None else signs
    _check(rows, columns, marks, signs)
    tables = ""
    count = -(-len(columns) // widest)  # the number of tables, which get nearly the same width
    size = -(-len(columns) // count)
    for start in range(0, len(columns), size):
        part = slice(start, start + size)
        body = _heading(columns[part])
        body += "".join(
            _row(name, [signs[mark] for mark in row[part]]) for name, row in zip(rows, marks, strict=True)
        )
        tables += (
            f'<div tabindex="0" style="overflow-x:auto;margin-top:{14 if start else 0}px"><table style="'
            f'margin:0;border:none;border-collapse:collapse;table-layout:auto"><tbody>{body}</tbody></table></div>'
        )
    by_column = {
        column: {name: row[index] for name, row in zip(rows, marks, strict=True)}
        for index, column in enumerate(columns)
    }
    return Picture(card(f"{_legend(marks, signs)}{tables}", title), alt or _words(by_column, signs))


def scorecard(rows, columns, marks, signs=None, points=None, title=None, alt=None):
    """Draw marks as one strip of signs for each row, narrow enough for a phone; letters name the columns.

    Parameters
    ----------
    rows: list of str.
    columns: dict from a heading to the list of columns under it, or a list if there are no headings.
    marks: list with, for each row, a list with one mark (str) for each column; at most 26 columns.
    signs: dict from a mark to (sign, tint); by default the marks of openness, `OPENNESS`.
    points: list of str, a text after the name of each row.
    title: str above the picture.
    alt: str, the description; by default, for each row, which columns have which mark.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if the numbers of marks, rows and columns do not fit, or a mark has no sign.
    """
    signs = OPENNESS if signs is None else signs
    groups = columns if isinstance(columns, dict) else {"": columns}
    names = [name for members in groups.values() for name in members]
    _check(rows, names, marks, signs)
    lengths = [len(members) for members in groups.values()]
    starts = {sum(lengths[:index]) for index in range(1, len(lengths))}  # columns after a gap
    letters = iter(ascii_lowercase)
    key = ""
    for heading, members in groups.items():
        said = ", ".join(f"<b>{next(letters)}</b>\u00a0{escape(name)}" for name in members)
        before = f'<span style="color:{QUIET}">{escape(heading)}:</span> ' if heading else ""
        key += f'<div style="margin-bottom:2px">{before}{said}</div>'
    heads = [(letter, "#ffffff") for letter in ascii_lowercase[: len(names)]]
    lines = _strip("", "", heads, starts, edge="none")
    said = {}
    for index, (name, row) in enumerate(zip(rows, marks, strict=True)):
        text = points[index] if points else ""
        lines += _strip(name, text, [signs[mark] for mark in row], starts, edge=f"1px solid {LINE}")
        said[f"{name}, {text}" if text else name] = dict(zip(names, row, strict=True))
    body = f'{_legend(marks, signs)}<div style="margin-bottom:10px">{key}</div>{lines}'
    return Picture(card(body, title), alt or _words(said, signs))


def _check(rows, columns, marks, signs):
    if [len(row) for row in marks] != [len(columns)] * len(rows):
        raise ValueError(f"marks must be {len(rows)} rows of {len(columns)}, one for each row and column")
    unsigned = {mark for row in marks for mark in row} - set(signs)
    if unsigned:
        raise ValueError(f"no sign for {', '.join(sorted(unsigned))}: the marks are {', '.join(signs)}")


def _legend(marks, signs):
    """Return HTML for the signs that occur and what each means."""
    used = [mark for mark in signs if any(mark in row for row in marks)]
    entries = "".join(
        f'<span style="display:inline-block;margin:0 14px 4px 0"><span style="display:inline-block;'
        f"width:22px;text-align:center;background:{signs[mark][1]};border:1px solid {LINE};"
        f'font-size:16px">{signs[mark][0]}</span> {escape(mark)}</span> '
        for mark in used
    )
    return f'<div style="margin-bottom:8px">{entries}</div>'


def _heading(columns):
    cell = f"padding:2px 1px;border:none;background:#ffffff;color:{INK};vertical-align:bottom;font-weight:600"
    heads = "".join(
        f'<th style="{cell};text-align:center;font-size:13px;line-height:1.2;width:66px;'
        f'white-space:normal">{escape(column)}</th>'
        for column in columns
    )
    return f'<tr style="background:#ffffff"><td style="{cell}"></td>{heads}</tr>'


def _row(name, signs):
    cells = "".join(
        f'<td style="padding:0 1px;border:1px solid {LINE};background:{tint};color:{INK};'
        f'text-align:center;font-size:18px;line-height:25px">{sign}</td>'
        for sign, tint in signs
    )
    return (
        f'<tr style="background:#ffffff"><th style="padding:2px 8px 2px 0;border:none;background:#ffffff;'
        f'color:{INK};text-align:left;font-weight:400;font-size:14px;line-height:1.2">{escape(name)}</th>'
        f"{cells}</tr>"
    )


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


def _words(held, signs):
    """List what has which mark, one line for each name: "Llama 2. partial: weights, code; closed: data."."""
    said = []
    for name, marks in held.items():
        parts = []
        for mark in signs:
            having = [other for other, its in marks.items() if its == mark]
            if having:
                parts.append(f"{mark}: {', '.join(having)}")
        said.append(f"{name}. {'; '.join(parts)}.")
    return "\n".join(said)
