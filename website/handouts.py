"""Writes for each lesson a handout of one A4 page, handouts/NN.html; paper tasks; and the answers to both.

A handout is made from the lesson and its notes in docs/instructors.md, paper tasks from paper_tasks.toml.
handouts/hour.html is the hour of docs/timetables.md on one page, for the instructor's hand.
"""

import re
import tomllib
from html import escape
from pathlib import Path

import segno
import shell
from explorables import explorables
from markdown_it import MarkdownIt
from slides import framed, said
from teaching import Lesson, inline

from course_utils import catalog
from course_utils.learning import quizzes

TASKS = Path(__file__).with_name("paper_tasks.toml")
TIMETABLES = shell.ROOT / "docs" / "timetables.md"
HOUR = "One hour, with the page alone"
NEEDS = re.compile(
    r"^And |\b(these|this|that|his|its|it|he|they|left|do you give|the (one|two|three|copy|real))\b", re.I
)


def tasks():
    """Return the paper tasks by the two digits of their lesson: dicts with ask, lines and answer."""
    return tomllib.loads(TASKS.read_text(encoding="utf-8"))


def asked(lesson):
    """Return three questions as (before, question, choices, unit, answer) in HTML.

    They are spread over those that can be understood alone. If there are fewer than three, others have the
    lesson's text `before` them, and questions of the quiz fill up the rest.
    """
    alone = [each for each in lesson.questions if not NEEDS.search(each.text)]
    chosen = [alone[0], alone[len(alone) // 2], alone[-1]] if len(alone) > 2 else alone
    told = [each for each in lesson.questions if each not in alone and 0 < len(each.before) < 150]
    chosen = sorted(chosen + told[: 3 - len(chosen)], key=lambda each: each.at)
    guesses = [
        ("" if each in alone else inline(each.before), each.text, each.choices, each.unit, escape(said(each)))
        for each in chosen
    ]
    for item in quizzes.load(lesson.number)[: 3 - len(guesses)]:
        choices = tuple(map(inline, item.texts))
        guesses.append(("", inline(item.text), choices, "", inline(item.right.text)))
    return guesses


def write(folder):
    """Write all handouts, paper tasks and answers into `folder`/handouts."""
    target = Path(folder) / "handouts"
    target.mkdir(parents=True, exist_ok=True)
    lessons = [Lesson(name) for name in catalog.lessons()]
    pages = {lesson.number: ("handout", _handout(lesson, folder)) for lesson in lessons}
    for lesson in lessons:
        if each := tasks().get(lesson.number):
            pages[f"paper-{lesson.number}"] = ("paper tasks", _paper(lesson, each))
    pages["answers"] = ("", f"<h1>Answers, for the instructor</h1>{''.join(map(_answers, lessons))}")
    pages["hour"] = ("", _hour())
    for name, (kind, body) in pages.items():
        title = f"{name[-2:]} · {kind}" if kind else {"answers": "Answers", "hour": HOUR}[name]
        html = shell.sheet(title, body, f"handouts/{name}.html", "handouts")
        (target / f"{name}.html").write_text(html, encoding="utf-8")


def _head(lesson, kind):
    return f"""<p class="kicker">{shell.MARK} Open the Box · {kind}<span>Name</span><span>Date</span></p>
<h1><b>{lesson.number}</b> {escape(lesson.facts.title)}</h1>"""


def _lines(number):
    return '<p class="line"></p>' * number


def _handout(lesson, folder):
    guesses = "".join(
        f"<li>{f'<span class=before>{before}</span><br>' * bool(before)}{text}<br>"
        f"{''.join(f'<span class=choice>☐ {choice}</span> ' for choice in choices)}"
        f"{f'<span class=field>My guess</span> {unit} ' * (not choices)}"
        '<span class="field">It turned out</span></li>'
        for before, text, choices, unit, _ in asked(lesson)
    )
    drawn = _drawn(lesson)
    picture = framed(lesson, drawn[0], folder) if drawn else ""
    question = lesson.notes["In words"].text.partition(" *Points:* ")[0]
    return f"""<section class="sheet one">{_head(lesson, "handout")}
<p>{inline(lesson.promise)}</p>
<h2>Guess first</h2><ol>{guesses}</ol>
<p class="fold">Fold this part back until you have guessed.</p>
{picture}<p>What does the picture show, and what does it not show?</p>{_lines(2)}
<h2>In words</h2><p>{inline(question)}</p>{_lines(5)}</section>"""


def _drawn(lesson):
    """Return the cells with a picture that the lesson's notes name, those that need the least room first."""
    drawn = {point.cell: lesson.picture(point.cell)[0] for point in lesson.points if point.cell}
    drawn = {cell: html for cell, html in drawn.items() if "<figure" in html}
    return sorted(drawn, key=lambda cell: len(drawn[cell]) if "<img" in drawn[cell] else 0)


def _paper(lesson, given):
    items = "".join(
        f"<li>{inline(task['ask'])}{_form(task.get('form', ()))}{_lines(task['lines'])}</li>"
        for task in given["tasks"]
    )
    title, address = explorables()[given["page"]]["title"], f"explorables/{given['page']}.html"
    return f"""<section class="sheet">{_head(lesson, "paper tasks")}
<p>{inline(given["open"])}</p>
{_address(title, address)}
<ol>{items}</ol></section>"""


def _address(title, address):
    """Return a line with a page's title and address, and a QR code for phones."""
    code = segno.make(shell.website() + address).svg_inline(scale=2, border=0, svgclass="qr")
    link = f'<a href="../{address or "index.html"}">{shell.website()}{address}</a>'
    return f'<p class="address"><span>{escape(title)}: {link}</span>{code}</p>'


def _hour():
    """Return the hour's section of the timetables on one sheet, and the front page's QR code."""
    section = TIMETABLES.read_text(encoding="utf-8").split(f"## {HOUR}\n")[1].split("\n## ")[0]
    body = MarkdownIt().enable("table").render(section)
    return f"""<section class="sheet one hour"><h1>{HOUR}</h1>{body}
{_address("For your group", "")}</section>"""


def _form(numbers):
    """Return a table in which two verdicts on each claim can be written, or ""."""
    if not numbers:
        return ""
    claims = [catalog.claims()[number] for number in numbers]
    rows = "".join(
        f"<tr><th>{claim.number}</th><td>“{escape(claim.words)}”<br>"
        f'<span class="before">As we read it: {escape(claim.reading)}</span></td>{"<td></td>" * 4}</tr>'
        for claim in claims
    )
    head = "<th>Holds?</th><th>Sure</th>" * 2
    return f"""<table class="verdicts">
<tr><td colspan="2"></td><th colspan="2">Before</th><th colspan="2">After</th></tr>
<tr><td colspan="2">The article says</td>{head}</tr>{rows}</table>"""


def _answers(lesson):
    guesses = "".join(f"<li>{text} <b>{answer}</b></li>" for _, text, *_, answer in asked(lesson))
    words = inline(lesson.notes["In words"].text.partition(" *Points:* ")[2])
    points = f"<p>In words: {words}</p>" if words else ""
    given = tasks().get(lesson.number, {"tasks": []})["tasks"]
    items = "".join(f"<li>{inline(task['ask'])}<br><b>{inline(task['answer'])}</b></li>" for task in given)
    paper = f"<h3>Paper tasks</h3><ol>{items}</ol>" if items else ""
    return f"""<section class="answers" id="{lesson.number}">
<h2>{lesson.number} · {escape(lesson.facts.title)}</h2>
<h3>Handout</h3><ol>{guesses}</ol>{points}{paper}</section>"""
