"""What a licence permits: one licence clause by clause, several side by side, and one use tested on all."""

from html import escape

import ipywidgets

from course_utils.views.matrix import ANSWERS, matrix, scorecard
from course_utils.views.picture import INK, LINE, QUIET, TRACK, Picture, card
from course_utils.widgets.explorer import Explorer

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


class MayUse(Explorer):
    """Shows a list of uses, and for the chosen use each licence's models, answer, reason and clauses.

    Parameters
    ----------
    models: dict from a name to an object with a `title` and a `licence`, such as `openness.models()`.
    licences: dict from a licence's name to a `Licence`, such as `licences.all()`; all of them have answers
        for the same uses.
    """

    def __init__(self, models, licences):
        titles = {}
        for model in models.values():
            titles.setdefault(model.licence, []).append(model.title)
        self.rows = [(", ".join(names), licences[licence]) for licence, names in titles.items()]
        self.use = ipywidgets.Dropdown(options=list(self.rows[0][1].uses), description="May I …")
        super().__init__([self.use])
        self.use.observe(self.update, "value")

    def render(self):
        use = self.use.value
        body, said = "", []
        for names, licence in self.rows:
            verdict = licence.uses[use]
            body += _verdict_row(names, licence, verdict)
            sections = "; ".join(clause.section for clause in verdict.clauses)
            said.append(f"{names} ({licence.short}): {verdict.answer}. {verdict.why} [{sections}]")
        question = f"May I {use}?"
        note = "One reading of the licences, to learn from. It is not legal advice."
        return Picture(card(body, question, note), "\n".join([question, *said]))

    def still(self):
        """Return all uses at once, a strip for each licence: without a kernel no use can be chosen."""
        uses = list(self.use.options)
        names = [licence.short for _, licence in self.rows]
        marks = [[licence.uses[use].answer for use in uses] for _, licence in self.rows]
        return scorecard(names, uses, marks, signs=ANSWERS, title="May I …? By licence")


def _verdict_row(names, licence, verdict):
    sign, tint = ANSWERS[verdict.answer]
    clauses = "".join(
        f'<div style="font-size:13px;color:{QUIET};margin-top:2px"><b>{escape(clause.section)}</b> '
        f"{escape(clause.summary)}</div>"
        for clause in verdict.clauses
    )
    return (
        f'<div style="display:flex;flex-wrap:wrap;gap:4px 14px;padding:8px 0;border-top:1px solid {LINE}">'
        f'<div style="flex:0 0 176px"><span style="background:{tint};border:1px solid {LINE};padding:0 5px;'
        f'font-size:16px">{sign}</span> <b>{escape(verdict.answer)}</b></div>'
        f'<div style="flex:1 1 260px;min-width:0;color:{INK}"><b>{escape(names)}</b> '
        f'<span style="color:{QUIET}">({escape(licence.title)})</span><br>{escape(verdict.why)}{clauses}'
        "</div></div>"
    )
