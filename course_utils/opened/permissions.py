"""Draws the clauses of a licence, the parts of a release, and the openness of models.

For lessons 01 and 19.
"""

import re
from html import escape

from course_utils import licences, openness
from course_utils.openness import GROUPS, QUESTIONS
from course_utils.views.picture import INK, LINE, QUIET, TRACK, Picture, card, row_html, scrolled, table_html
from course_utils.views.signs import ANSWERS, OPENNESS, marks_in_words, signs_legend

# {kind of a clause: (heading, sign, tint)}. The sign gives the meaning, and the tint repeats it.
_KINDS = {
    "permission": ("It permits", "✓", "#cfe6f5"),
    "condition": ("It asks", "!", "#fff1d0"),
    "prohibition": ("It forbids", "✕", "#f6d9cc"),
    "termination": ("It ends", "■", "#f6d9cc"),
    "disclaimer": ("It promises nothing", "∅", TRACK),
    "definition": ("It counts", "=", TRACK),
}


def clauses(licence, *, chosen=None, title=None) -> Picture:
    """Draw the clauses of a licence, grouped by kind.

    Each clause is shown with its section, our summary, and the licence's own words.

    licence : `licences.Licence`
    chosen : the clauses to draw, such as `licence.about("hosting")`; by default all
    title : str, written above the picture; by default the licence's title and date

    Raises ValueError if there is no clause to draw.
    """
    chosen = licence.clauses if chosen is None else tuple(chosen)
    if not chosen:
        raise ValueError("there is no clause to draw; leave out `chosen` for all of the licence")
    title = title or licence.title + (f", {licence.date}" if licence.date else "")
    rows, words = "", [f"{title}."]
    for kind, (heading, *_) in _KINDS.items():
        group = [clause for clause in chosen if clause.kind == kind]
        if group:
            rows += _kind_row(kind, len(group)) + "".join(_clause_row(clause) for clause in group)
            words += [f"{heading} ({len(group)}):", *(f"- {clause}" for clause in group)]
    source = f"A reading, not legal advice. The text: {licence.url} ({licence.basis})."
    note = f"{source} {licence.note}".strip()
    # Let a long address break, so that it is not wider than the screen of a phone.
    look = f"margin-top:8px;font-size:13px;color:{QUIET};overflow-wrap:break-word"
    below = f'<div style="{look}">{escape(note)}</div>'
    return Picture(card(table_html(rows) + below, title), "\n".join([*words, note]))


def _kind_row(kind, count):
    heading, sign, tint = _KINDS[kind]
    return row_html(
        f'<td colspan="2" style="padding:12px 0 4px 0;border:none;border-bottom:1px solid {QUIET};'
        f'background:#ffffff;color:{INK};text-align:left;font-weight:600;font-size:14px">'
        f'<span style="display:inline-block;width:22px;text-align:center;background:{tint};'
        f'border:1px solid {LINE}">{sign}</span> {heading} ({count})</td>'
    )


def _clause_row(clause):
    cell = (
        f"padding:6px 8px 6px 0;border:none;border-bottom:1px solid {LINE};background:#ffffff;"
        "text-align:left;vertical-align:top;white-space:normal;overflow-wrap:break-word"
    )
    return row_html(
        f'<td style="{cell};width:27%;color:{QUIET};font-size:13px">{escape(clause.section)}</td>'
        f'<td style="{cell};color:{INK};font-size:14px;line-height:1.4">{escape(clause.summary)}'
        f'<div style="margin-top:2px;color:{QUIET};font-size:13px">“{escape(clause.quote)}”</div></td>'
    )


# The parts of a release: (question of the openness table, description). The picture joins them with signs:
# training data + code → weights + licence.
_PARTS = (
    ("training data", "what it learned from"),
    ("code", "the program that trains and runs it"),
    ("weights", "the numbers that result"),
    ("licence", "what you may do"),
)


def release(model) -> Picture:
    """Draw the parts of a release, from the data to the licence, each with its mark and the reason for it.

    model : an `openness.OpenModel`.
    """
    boxes, words = [], []
    for part, what in _PARTS:
        mark = model.marks[part]
        sign, tint = OPENNESS[mark.mark]
        reason = mark.note.partition(". ")[0].rstrip(".") + "."  # the first sentence
        words.append(f"{part}, {what}: {mark.mark}. {reason}")
        boxes.append(
            f'<div style="flex:1 1 115px;min-width:0;padding:8px 10px;border:1px solid {LINE};'
            f'border-radius:8px;background:{tint}"><div style="font-size:13px;color:{QUIET}">{what}</div>'
            f'<div style="font-weight:600;font-size:15px">{part}</div>'
            f'<div style="font-size:22px;line-height:30px">{sign} <span style="font-size:15px">{mark.mark}'
            f'</span></div><div style="font-size:13px;line-height:1.35">{escape(reason)}</div></div>'
        )
    between = [f'<div style="padding-top:44px;color:{QUIET};font-size:18px">{sign}</div>' for sign in "+→+"]
    inner = "".join(piece for pair in zip(boxes, [*between, ""], strict=True) for piece in pair)
    html = f'<div style="display:flex;flex-wrap:wrap;gap:6px">{inner}</div>'
    title = f"What came out with {model.title}"
    return Picture(card(html, title), "\n".join([f"{title}:", *words]))


def openness_wall(models, *, lit="", title="What is open about each model", narrow=False) -> Picture:
    """Draw the marks of models as a wall: a row for each question, a column for each model.

    The most open model comes first. Each mark links to its source, and shows its reason under the mouse
    pointer.

    models : list of `openness.OpenModel`.
    lit : str, the question whose row is highlighted, or "" for none.
    title : str, written above the wall.
    narrow : True makes the columns narrower, so that sixteen fit beside a page of text. It also draws lines
        round the highlighted row, and adds a last row that counts each model's open marks.
    """
    models = sorted(models, key=openness.score, reverse=True)
    width, size = (34, 10) if narrow else (44, 11)
    cell = "padding:0;border:1px solid #ffffff;text-align:center;vertical-align:middle"
    lines = f";border-top:2px solid {INK};border-bottom:2px solid {INK}"
    head = f"padding:2px 1px;border:none;background:#ffffff;color:{INK};font-weight:600;vertical-align:bottom"
    name_look = f"{head};font-size:{size}px;line-height:1.15;width:{width}px;white-space:normal"
    name_look += ";font-weight:400" if narrow else ""
    titles = [_breakable(model.title) if narrow else model.title for model in models]
    heads = "".join(f'<th style="{name_look}">{escape(title)}</th>' for title in titles)
    rows = row_html(f'<td style="{head}"></td>{heads}')
    for group, questions in GROUPS.items():
        rows += row_html(
            f'<td colspan="{len(models) + 1}" style="padding:8px 0 2px 0;border:none;background:#ffffff;'
            f'text-align:left;color:{QUIET};font-size:13px">{escape(group)}</td>'
        )
        for question in questions:
            marks = [model.marks[question] for model in models]
            look = cell + (lines if narrow and question == lit else "")
            cells = "".join(
                f'<td style="{look};background:{OPENNESS[mark.mark][1]}">{_linked(mark)}</td>'
                for mark in marks
            )
            rows += row_html(
                f'<th style="{head};text-align:left;font-weight:{600 if question == lit else 400};'
                f'font-size:13px;white-space:nowrap" title="{escape(QUESTIONS[question])}">'
                f"{'▸ ' if question == lit else ''}{escape(question)}</th>{cells}"
            )
    words = ""
    if narrow:
        opens = [sum(mark.mark == "open" for mark in model.marks.values()) for model in models]
        counts = "".join(f'<td style="{head};text-align:center">{count}</td>' for count in opens)
        rows += row_html(f'<th style="{head};text-align:left;font-size:13px">open marks</th>{counts}')
        counted = (f"{model.title} {count}" for model, count in zip(models, opens, strict=True))
        words = f"\nOpen marks: {', '.join(counted)}."
    described = {
        model.title: {question: mark.mark for question, mark in model.marks.items()} for model in models
    }
    used = [list(marks.values()) for marks in described.values()]
    html = f"{signs_legend(used, OPENNESS)}{scrolled(table_html(rows, width='', more=''))}"
    note = "Press a mark for its source. With the mouse on it, you read the reason."
    return Picture(card(html, title, note), f"{title}\n{marks_in_words(described, OPENNESS)}{words}")


def _breakable(title):
    """Return a title that may be broken before a capital letter inside a word, as in Deep-Seek."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "\u00ad", title)


def _linked(mark):
    """Return HTML of a mark's sign with its reason, as a link if the mark's source is on the web."""
    sign = OPENNESS[mark.mark][0]
    look = f"display:block;color:{INK};text-decoration:none;font-size:16px;line-height:26px"
    reason = escape(f"{mark.mark}: {mark.note}")
    address = openness.address(mark.source)
    if not address:
        return f'<span style="{look}" title="{reason}">{sign}</span>'
    return f'<a href="{escape(address)}" title="{reason}" style="{look}">{sign}</a>'


def uses_wall(models, uses, *, title=None) -> Picture:
    """Draw a table of the uses that models' licences allow, with a column for each use.

    All models with the same answers share a row. The row with the fewest models comes first, so that the
    exceptions stand out.

    models : list of `openness.OpenModel`. A model whose licence was not read gets "not read" for each use.
    uses : dict from the head of a column to one of `licences.USES`.
    title : str, written above the table.
    """
    titles = {}  # {(the answer for each use): [titles of the models whose licence gives these answers]}
    for model in models:
        given = ("not read",) * len(uses)
        if model.licence:
            given = tuple(licences.may(model.licence, use).answer for use in uses.values())
        titles.setdefault(given, []).append(model.title)
    answers = {}
    for given, named in sorted(titles.items(), key=lambda row: len(row[1])):
        answers[", ".join(named)] = dict(zip(uses, given, strict=True))
    cell = "padding:1px 6px;border:1px solid #ffffff;text-align:center"
    name = f"padding:1px 10px 1px 0;border:none;background:#ffffff;color:{INK};text-align:left"
    heads = "".join(
        f'<th style="{name};text-align:center;font-weight:600">{escape(head)}</th>' for head in uses
    )
    rows = row_html(f'<td style="{name}"></td>{heads}')
    for names, given in answers.items():
        signs = "".join(
            f'<td style="{cell};background:{ANSWERS[answer][1]};color:{INK}" title="{escape(answer)}">'
            f"{ANSWERS[answer][0]}</td>"
            for answer in given.values()
        )
        rows += row_html(
            f'<th style="{name};font-weight:400;max-width:380px;white-space:normal">'
            f"{escape(names)}</th>{signs}"
        )
    legend = signs_legend([list(given.values()) for given in answers.values()], ANSWERS)
    html = f"{legend}{scrolled(table_html(rows, width=''))}"
    words = marks_in_words(answers, ANSWERS)
    return Picture(card(html, title), "\n".join([title, words] if title else [words]))
