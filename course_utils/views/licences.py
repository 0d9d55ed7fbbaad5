"""Pictures of one licence, clause by clause, and of several licences side by side."""

from html import escape

from .matrix import matrix
from .picture import INK, LINE, QUIET, TRACK, Picture, card

# Maps a kind of clause to its heading, sign and tint. The sign gives the meaning, and the tint repeats it.
_KINDS = {
    "permission": ("It permits", "✓", "#cfe6f5"),
    "condition": ("It asks", "!", "#fff1d0"),
    "prohibition": ("It forbids", "✕", "#f6d9cc"),
    "termination": ("It ends", "■", "#f6d9cc"),
    "disclaimer": ("It promises nothing", "∅", TRACK),
    "definition": ("It counts", "=", TRACK),
}
_SIGNS = {kind: (sign, tint) for kind, (_, sign, tint) in _KINDS.items()} | {
    "says nothing": ("·", "#ffffff"),
    "not read": ("?", "#ffffff"),
}
_CAUTION = "A reading, not legal advice."


def clauses(licence, chosen=None, title=None):
    """Draw the clauses of a licence grouped by kind: section, our summary, and the licence's own words.

    Parameters
    ----------
    licence: course_utils.licences.Licence.
    chosen: the clauses to draw, such as `licence.about("hosting")`; by default all.
    title: str above the picture; by default the licence's own.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if there is no clause to draw.
    """
    chosen = licence.clauses if chosen is None else tuple(chosen)
    if not chosen:
        raise ValueError("there is no clause to draw; leave out `chosen` for all of the licence")
    title = title or licence.title + (f", {licence.date}" if licence.date else "")
    body, said = "", [f"{title}."]
    for kind, (heading, sign, tint) in _KINDS.items():
        group = [clause for clause in chosen if clause.kind == kind]
        if group:
            body += _heading(heading, sign, tint, len(group)) + "".join(_row(clause) for clause in group)
            said += [f"{heading} ({len(group)}):", *(f"- {clause}" for clause in group)]
    table = (
        '<table style="width:100%;margin:0;border:none;border-collapse:collapse;table-layout:auto">'
        f"<tbody>{body}</tbody></table>"
    )
    text = f"The text: {licence.url} ({licence.basis})."
    note = " ".join(part for part in (_CAUTION, text, licence.note) if part)
    return Picture(card(table, title, note), "\n".join([*said, note]))


def licence_matrix(licences, topics, title="What each licence does, by its weightiest clause"):
    """Draw a table of signs for what each licence says on each topic.

    Parameters
    ----------
    licences: list of course_utils.licences.Licence, the columns; `mark(topic)` of a licence chooses the sign.
    topics: list of str, the rows.
    title: str above the picture.

    Returns
    -------
    Picture
    """
    marks = [[licence.mark(topic) for licence in licences] for topic in topics]
    caption = f"{title}. {_CAUTION}"
    columns = [licence.short for licence in licences]
    picture = matrix(list(topics), columns, marks, signs=_SIGNS, title=caption, widest=3)  # three fit a phone
    return Picture(picture.html, f"{caption}\n{picture.alt}")


def _heading(text, sign, tint, count):
    return (
        f'<tr style="background:#ffffff"><td colspan="2" style="padding:12px 0 4px 0;border:none;'
        f"border-bottom:1px solid {QUIET};background:#ffffff;color:{INK};text-align:left;font-weight:600;"
        f'font-size:14px"><span style="display:inline-block;width:22px;text-align:center;background:{tint};'
        f'border:1px solid {LINE}">{sign}</span> {escape(text)} ({count})</td></tr>'
    )


def _row(clause):
    cell = (
        f"padding:6px 8px 6px 0;border:none;border-bottom:1px solid {LINE};background:#ffffff;"
        "text-align:left;vertical-align:top;white-space:normal;overflow-wrap:break-word"
    )
    return (
        f'<tr style="background:#ffffff"><td style="{cell};width:27%;color:{QUIET};font-size:13px">'
        f"{escape(clause.section)}</td>"
        f'<td style="{cell};color:{INK};font-size:14px;line-height:1.4">{escape(clause.summary)}'
        f'<div style="margin-top:2px;color:{QUIET};font-size:13px">“{escape(clause.quote)}”</div></td></tr>'
    )
