"""Writes pages for paper, and the answers to the questions on them.

Each lesson gets a handout of one A4 page, handouts/NN.html. Some lessons also get paper tasks, paper-NN.html.
A handout is made from the lesson and its notes in docs/instructors.md. Paper tasks are in paper_tasks.toml.
handouts/hour.html is the timetable of a single hour from docs/timetables.md, on one page for the instructor.
"""

from html import escape
from pathlib import Path

import segno
import shell
from explorables import explorables
from markdown_it import MarkdownIt
from slides import deck, framed
from teaching import Lesson, inline, tasks

from course_utils import catalog
from course_utils.learning import quizzes

TIMETABLES = shell.ROOT / "docs" / "timetables.md"
HOUR = "One hour, with the page alone"


def asked(lesson):
    """Return three questions as (key, say, question, choices, unit, answer) in HTML, in the lesson's order.

    `key` is the prediction's key, and `say` is what a class must know before it can guess. The questions are
    the lesson's first, middle and last prediction. If a lesson has fewer than three predictions, questions of
    its quiz follow, with the key "".
    """
    found = lesson.questions
    chosen = [found[0], found[len(found) // 2], found[-1]] if len(found) > 2 else found
    guesses = [
        (each.key, inline(each.say), each.text, each.choices, each.unit, escape(each.answer))
        for each in chosen
    ]
    # Leave out the quiz's first question, which is about the lesson's first prediction.
    for item in quizzes.load(lesson.number)[1:][: 3 - len(guesses)]:
        choices = tuple(map(inline, item.texts))
        guesses.append(("", "", inline(item.text), choices, "", inline(item.right.text)))
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
    slides = deck(lesson, folder)

    def place(key):
        number = next((n for n, slide in enumerate(slides, 1) if f'data-key="{key}"' in slide), 0)
        return f' <span class="at">slide {number}</span>' if number else ""

    guesses = "".join(
        f"<li>{say} <b>{text}</b>{place(key)}<br>"
        f"{''.join(f'<span class=choice>☐ {choice}</span> ' for choice in choices)}"
        f"{f'<span class=field>My guess</span> {unit} ' * (not choices)}"
        '<span class="field">It turned out</span></li>'
        for key, say, text, choices, unit, _ in asked(lesson)
    )
    picture = ""
    if lesson.paper:
        picture = f"""{framed(lesson, lesson.paper, folder)}
<p>What does the picture show, and what does it not show?</p>{_lines(2)}"""
    return f"""<section class="sheet one">{_head(lesson, "handout")}
<h2>Guess first</h2><ol class="guesses">{guesses}</ol>
<p class="fold">Fold this part back until you have guessed.</p>
{picture}
<h2>In words</h2><p>{inline(lesson.in_words[0])}</p>{_lines(4)}</section>"""


def _paper(lesson, given):
    title, page = explorables()[given["page"]]["title"], f"explorables/{given['page']}.html"
    address = _address(title, page)
    items = "".join(
        f"<li>{inline(task['ask'])}{address * task.get('opens', False)}{_form(task.get('form'))}"
        f"{_squares(task.get('squares'))}{_boxes(task.get('boxes'))}{_lines(task['lines'])}</li>"
        for task in given["tasks"]
    )
    opened = any("opens" in task for task in given["tasks"])
    return f"""<section class="sheet">{_head(lesson, "paper tasks")}
<p>{inline(given["open"])}</p>
{address * (not opened)}
<ol>{items}</ol></section>"""


def _address(title, address):
    """Return a line with a page's title and address, and a QR code for phones."""
    code = segno.make(shell.website() + address).svg_inline(scale=2, border=0, svgclass="qr")
    link = f'<a href="../{address or "index.html"}">{shell.website()}{address}</a>'
    return f'<p class="address"><span>{escape(title)}: {link}</span>{code}</p>'


def _hour():
    """Return one sheet of HTML: the timetable of a single hour, and a QR code with the website's address."""
    section = TIMETABLES.read_text(encoding="utf-8").split(f"## {HOUR}\n")[1].split("\n## ")[0]
    body = MarkdownIt().enable("table").render(section)
    return f"""<section class="sheet one hour"><h1>{HOUR}</h1>{body}
{_address("For your group", "")}</section>"""


def _form(numbers):
    """Return an HTML table in which a learner writes two verdicts on each of the claims `numbers`.

    If `numbers` is empty, return "".
    """
    if not numbers:
        return ""
    claims = [catalog.claims()[number] for number in numbers]
    rows = "".join(
        f"<tr><th>{claim.number}</th><td>“{escape(claim.words)}”<br>"
        f'<span class="before">As we read it: {escape(claim.reading)}</span></td>{"<td></td>" * 4}</tr>'
        for claim in claims
    )
    head = "<th>✓ ✗</th><th>Sure</th>" * 2
    return f"""<table class="verdicts">
<tr><td colspan="2"></td><th colspan="2">Before</th><th colspan="2">After</th></tr>
<tr><td colspan="2">The article says</td>{head}</tr>{rows}</table>"""


def _boxes(number):
    """Return a row of `number` boxes, numbered from 1; "" if the number is 0 or None."""
    cells = "".join(f"<td><sup>{each}</sup></td>" for each in range(1, (number or 0) + 1))
    return f'<table class="boxes"><tr>{cells}</tr></table>' if number else ""


def _squares(numbers):
    """Return two HTML tables: the cost of a verdict at each confidence, and empty fields for one's own costs.

    The cost is the square of 1 minus the confidence if the verdict is that of the answer key, and the square
    of the confidence if not. The second table has a column for each of the claims `numbers`, and a row for
    each of two rounds. If `numbers` is empty, return "".
    """
    if not numbers:
        return ""
    sure = range(50, 101, 10)
    costs = [("As the key", [(100 - each) ** 2 for each in sure]), ("Not so", [each**2 for each in sure])]
    head = "".join(f"<th>{each}%</th>" for each in sure)
    rows = "".join(
        f"<tr><th>{name}</th>{''.join(f'<td>{cost / 10_000:.2f}</td>' for cost in row)}</tr>"
        for name, row in costs
    )
    named = "".join(f"<th>{number}</th>" for number in numbers)
    empty = "<td></td>" * (len(numbers) + 1)
    room = "".join(f"<tr><th>{name}</th>{empty}</tr>" for name in ("Before", "After"))
    return f"""<div class="squares"><table><tr><th>Sure by</th>{head}</tr>{rows}</table>
<table class="room"><tr><th>Claim</th>{named}<th>Mean</th></tr>{room}</table></div>"""


def _answers(lesson):
    guesses = "".join(f"<li>{text} <b>{answer}</b></li>" for _, _, text, *_, answer in asked(lesson))
    points = f"<p>In words: {inline(lesson.in_words[1])}</p>"
    if lesson.paper:
        points = f"<p>The picture: {inline(lesson.paper.text)}</p>{points}"
    given = tasks().get(lesson.number, {"tasks": []})["tasks"]
    items = "".join(f"<li>{inline(task['ask'])}<br><b>{inline(task['answer'])}</b></li>" for task in given)
    paper = f"<h3>Paper tasks</h3><ol>{items}</ol>" if items else ""
    return f"""<section class="answers" id="{lesson.number}">
<h2>{lesson.number} · {escape(lesson.facts.title)}</h2>
<h3>Handout</h3><ol>{guesses}</ol>{points}{paper}</section>"""
