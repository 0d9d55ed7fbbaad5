"""Writes a deck of slides for each lesson, slides/NN.html, from what the lesson stores and the guide says.

A slide shows the first sentence of a point of docs/instructors.md beside the picture that the point names;
the rest of the point is its note. Guesses come before the point that would give them away, and our verdicts
at the end, after the class's own.
"""

import re
from html import escape, unescape
from pathlib import Path

import lessons
import shell
from explorables import explorables
from teaching import Lesson, Question, inline

from course_utils import catalog

SENTENCE = re.compile(r"(.+?[.?!][\"”)]*)(?: (?=[^a-z])|$)(.*)", re.S)
KEYS = "Arrow keys turn the slides, N opens the notes in a window of their own, F fills the screen."


def write(folder):
    """Write all decks into `folder`/slides."""
    target = Path(folder) / "slides"
    target.mkdir(parents=True, exist_ok=True)
    for name in catalog.lessons():
        lesson = Lesson(name)
        (target / f"{lesson.number}.html").write_text(_deck(lesson, folder), encoding="utf-8")


def framed(lesson, cell, folder):
    """Return a stored picture in a box to which slides.js fits it. Its images become files in `folder`."""
    html = lessons.with_files(lesson.picture(cell)[0], Path(folder), "slides/", lazy=False)
    return f'<div class="picture"><div class="fit">{html}</div></div>'


def _deck(lesson, folder):
    slides = [_title(lesson), *_body(lesson, folder), *_claims(lesson), _take_away(lesson)]
    if words := lesson.notes.get("In words"):
        question, _, points = words.text.partition(" *Points:* ")
        slides.append(
            _slide("Now you", f"<h2>{inline(question)}</h2>", f"Points: {points}" if points else "")
        )
    slides += [_end(lesson), *_verdicts(lesson)]
    foot = f"{lesson.number} · {escape(lesson.facts.title)}"
    body = "\n".join(
        slide.replace("<footer>", f'<footer>{foot}<span class="num">{place} / {len(slides)}</span>').replace(
            "<section ", f'<section id="{place}" ', 1
        )
        for place, slide in enumerate(slides, 1)
    )
    title = f"{lesson.number} · {lesson.facts.title}: slides"
    return shell.sheet(title, body, f"slides/{lesson.number}.html", "slides")


def _slide(kicker, body, notes="", kind=""):
    folded = (
        f'<details class="notes"><summary>Notes</summary><div>{inline(notes)}</div></details>'
        if notes
        else ""
    )
    return f"""<section class="slide {kind}">
<p class="kicker">{kicker}</p>
<div class="body">{body}</div>
<footer></footer>{folded}</section>"""


def _title(lesson):
    body = f"<h1><b>{lesson.number}</b> {escape(lesson.facts.title)}</h1><p>{inline(lesson.promise)}</p>"
    return _slide(f"{shell.MARK} Open the Box", body + f'<p class="keys">{KEYS}</p>', kind="title")


def order(lesson):
    """Return the questions, notes and breaks of a deck in order, as (place in the lesson, what it is).

    The points keep the guide's order. Before each comes all that the lesson asks up to its cell; before
    a point without a cell, all that it asks up to the cell of the next point that has one.
    """
    asked = [(question.at, question) for question in lesson.questions] + lesson.breaks
    vote = lesson.notes.get("Vote")
    voted = lesson.places[vote.cell] if vote and vote.cell else -1
    if vote and voted not in [at for at, _ in asked]:
        asked.append((voted, vote))
    asked.sort(key=lambda pair: pair[0])
    found, bound = [], len(lesson.cells)
    for point in reversed(lesson.points):
        bound = lesson.places.get(point.cell, bound)
        found.insert(0, (bound, point))
    whole = []
    for bound, point in found:
        while asked and asked[0][0] <= bound:
            whole.append(asked.pop(0))
        whole.append((bound, point))
    return whole + asked


def _body(lesson, folder):
    """Yield the slides of the guesses, breaks and points."""
    vote = lesson.notes.get("Vote")
    for at, each in order(lesson):
        if isinstance(each, Question):
            yield from _guess(each, vote if vote and lesson.places.get(vote.cell) == at else None)
        elif isinstance(each, str):
            yield _slide("Break", f'<h2 class="break">{inline(each)}</h2>')
        elif each is vote:
            yield _slide("Hands up", f"<h2>{inline(each.text)}</h2>")
        else:
            yield from _point(lesson, each, folder)


def _point(lesson, point, folder):
    """Yield a point's slide, and before it its headline alone if that is a question."""
    first, rest = SENTENCE.fullmatch(point.text).groups()
    headline = f'<h2 class="{"long" if len(first) > 110 else ""}">{inline(first)}</h2>'
    if not point.cell:
        yield _slide("", f"{headline}<p>{inline(rest)}</p>")
        return
    if first.endswith("?"):
        yield _slide("Guess", headline)
    code = lesson.cells[lesson.places[point.cell]].source
    links = "".join(
        f'<p class="live"><a href="../explorables/{name}.html">Take it in your hand</a></p>'
        for name in lessons.lived(code, lessons.live_pictures())
    )
    yield _slide("", f"<div>{headline}{links}</div>{framed(lesson, point.cell, folder)}", rest, "beside")


def said(question):
    """Return the answer to a question without the words before it, such as "538 MB"."""
    return re.sub(r"^(Measured|Computed|Counted|It turned out): ", "", question.answer.rstrip("."))


def _guess(question, vote):
    """Yield a question, then the question with its answer. `vote` is the guide's note on it, or None."""
    heading = f"<h2>{question.text}</h2>"
    before = f'<p class="before">{inline(question.before)}</p>' if question.before else ""
    plain = [unescape(re.sub(r"<[^>]+>", "", choice)) for choice in question.choices]
    right = [choice == said(question) for choice in plain]

    def choices(marks):
        items = "".join(
            f'<li class="{"right" if mark else ""}">{choice}{"<b> ✓</b>" if mark else ""}</li>'
            for choice, mark in zip(question.choices, marks, strict=True)
        )
        return f'<ol class="choices">{items}</ol>' if items else f'<p class="blank">? {question.unit}</p>'

    notes = vote.text if vote else "Let everybody write a guess down, then count hands."
    yield _slide("Guess", before + heading + choices([False] * len(right)), notes)
    if any(right):
        yield _slide("The answer", heading + choices(right))
    else:
        yield _slide("The answer", f'{heading}<p class="blank">{escape(said(question))}</p>')


def _claims(lesson):
    """Yield the article's words, three claims on a slide."""
    for start in range(0, len(lesson.claims), 3):
        words = "".join(
            f'<li value="{claim.number}">“{escape(claim.words)}”</li>'
            for claim in lesson.claims[start : start + 3]
        )
        yield _slide(
            "The article said",
            f'<h2>Is that so?</h2><ol class="claims">{words}</ol>',
            "A show of hands for each: true, partly, not true, or nobody can know? Ours end the deck.",
        )


def _verdicts(lesson):
    """Yield a slide that announces our verdicts, then these, two claims on a slide, with the reason first."""
    yield _slide(
        "After the vote",
        "<h2>Our verdicts</h2><p>Yours may differ: then say what your evidence is.</p>",
        "Stop here if the class will judge these claims once more, for example at the end of a school day.",
    )
    for start in range(0, len(lesson.claims), 2):
        items = "".join(
            f'<li value="{claim.number}">“{escape(claim.words)}”<br>'
            f'<b class="verdict">{escape(claim.verdict)}</b> '
            f"{escape(claim.settled[lesson.number])}<br>"
            f'<span class="reading">As we read it: {escape(claim.reading)}</span></li>'
            for claim in lesson.claims[start : start + 2]
        )
        yield _slide("Our verdict", f'<ol class="claims settled">{items}</ol>')


def _take_away(lesson):
    items = "".join(f"<li>{inline(item)}</li>" for item in lesson.take_away)
    return _slide("Take away", f'<ol class="take">{items}</ol>')


def _end(lesson):
    live = [
        f'<li><a href="../explorables/{name}.html">{escape(facts["title"])}</a></li>'
        for name, facts in explorables().items()
        if facts["lesson"] == lesson.name
    ]
    body = f"""<h2>Go on</h2><ul class="links">
<li><a href="../notebooks/{lesson.name}.html">The lesson</a></li>{"".join(live)}
<li><a href="../exercises/{lesson.name}/{lesson.name}.html">The exercises</a></li>
<li><a href="../handouts/{lesson.number}.html">The handout</a></li></ul>"""
    return _slide("", body)
