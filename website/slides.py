"""Writes a deck of slides for each lesson, slides/NN.html, from its stored outputs and docs/instructors.md.

docs/instructors.md, the guide, has a numbered list of points for each lesson. Each point becomes a slide. The
point's first sentence is the headline, and the picture that the point names is beside the headline. The rest
of the point is in the slide's notes, which are for the instructor. If the first sentence is a question, it
gets a slide of its own, and the second sentence is the headline of the next slide. A slide that asks for a
guess comes before the first point that would reveal the answer. After the points, the class votes on claims
of the magazine article that the course checks, if the deck has evidence on them. Our verdicts come last.
"""

import re
from html import escape, unescape
from pathlib import Path

import glossary
import lessons
import shell
from explorables import explorables
from teaching import Lesson, Question, inline, settled, twice

from course_utils import catalog

SENTENCE = re.compile(r"(.+?[.?!][\"”)]*)(?: (?=[^a-z])|$)(.*)", re.S)
FOLDED = re.compile(r"\b[Ff]olded ")  # the word "folded" is removed, as slides fold nothing
QUOTED = re.compile(r"[\"“](.+?)[\"”] *(.*)")
SCALE = "It holds · In part · It fails · Nobody outside can say"  # as in the explorable of claims
KEYS = "Arrow keys turn the slides, N opens the notes in a window of their own, F fills the screen."


def write(folder):
    """Write all decks into `folder`/slides."""
    target = Path(folder) / "slides"
    target.mkdir(parents=True, exist_ok=True)
    for name in catalog.lessons():
        lesson = Lesson(name)
        (target / f"{lesson.number}.html").write_text(_deck(lesson, folder), encoding="utf-8")


def framed(lesson, point, folder):
    """Return the HTML of the picture for one point of docs/instructors.md. slides.js fits it to the slide.

    Images that the notebook holds are written as files into `folder`.
    """
    name = point.shows if point.shows in explorables() else ""
    large = point.shows in ("paper", "wide")
    if not name and not large:  # show a live view's miniature, which is easier to read
        name = next(iter(_lived(lesson, point)), "")
    if name:
        alt = escape(explorables()[name]["teaser"])
        html = f'<img src="../explorables/pictures/{name}.webp" width="600" height="360" alt="{alt}">'
    else:
        html = lessons.with_files(lesson.picture(point.cell)[0], Path(folder), "slides/", lazy=False)
    return f'<div class="picture"><div class="fit">{html}</div></div>'


def _lived(lesson, point):
    """Return the names of the explorables for a point: the one that the point names, or those in its cell."""
    if not point.cell:
        return []
    code = lesson.cells[lesson.places[point.cell]].source
    named = [point.shows] if point.shows in explorables() else []
    return named or lessons.lived(code, lessons.live_pictures())


def deck(lesson, folder):
    """Return the slides of a lesson, as HTML, without their numbers."""
    body = list(_body(lesson, folder))
    slides = [*body, *_claims(lesson, _evidence(lesson, body)), _take_away(lesson)]
    question, points = lesson.in_words
    slides.append(_slide("Now you", f"<h2>{inline(question)}</h2>", points, name="now"))
    slides += [_end(lesson), *_verdicts(lesson), *_elsewhere(lesson)]
    return [_title(lesson, slides), *slides]


def _deck(lesson, folder):
    slides = deck(lesson, folder)
    foot = f"{lesson.number} · {escape(lesson.facts.title)}"
    body = "\n".join(
        slide.replace("<footer>", f'<footer>{foot}<span class="num">{place} / {len(slides)}</span>').replace(
            "<section ", f'<section id="{place}" ', 1
        )
        for place, slide in enumerate(slides, 1)
    )
    title = f"{lesson.number} · {lesson.facts.title}: slides"
    return shell.sheet(title, body, f"slides/{lesson.number}.html", "slides")


def _slide(kicker, body, notes="", kind="", name=""):
    """Return a slide. `name` is a second anchor, besides the number, such as "now" for 01.html#now."""
    folded = (
        f'<details class="notes"><summary>Notes</summary><div>{inline(notes)}</div></details>'
        if notes
        else ""
    )
    anchor = f'<span id="{name}"></span>' if name else ""
    return f"""<section class="slide {kind}">{anchor}
<p class="kicker">{kicker}</p>
<div class="body">{body}</div>
<footer></footer>{folded}</section>"""


def _title(lesson, slides):
    """Return the first slide.

    Its notes list the terms that the other slides, `slides`, use and that earlier lessons explain.
    """
    body = f"<h1><b>{lesson.number}</b> {escape(lesson.facts.title)}</h1><p>{inline(lesson.promise)}</p>"
    shown = unescape(re.sub(r"<details.*?</details>|<[^>]+>", " ", " ".join(slides), flags=re.S))
    earlier = [(term, number) for term, number in glossary.used(shown) if number < lesson.number]
    listed = ", ".join(f"{term} ({number})" for term, number in sorted(earlier))
    notes = f"Words from earlier lessons, each in the glossary: {listed}." if listed else ""
    return _slide(f"{shell.MARK} Open the Box", body + f'<p class="keys">{KEYS}</p>', notes, kind="title")


def order(lesson):
    """Return what a deck shows, in order, as pairs: (index of a cell, a Question, a Note or a break's text).

    The points of docs/instructors.md, which are Notes, keep their order. Before each point come the questions
    and breaks of the lesson up to the point's cell. A point without a cell counts as if it had the cell of
    the next point that has one.
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
    whole += asked
    return [  # keep only the first of several breaks in a row
        pair
        for before, pair in zip([None, *whole], whole, strict=False)
        if not (before and isinstance(before[1], str) and isinstance(pair[1], str))
    ]


def _body(lesson, folder):
    """Yield the slides with guesses, breaks and points of docs/instructors.md, in the order of `order`."""
    vote = lesson.notes.get("Vote")
    for at, each in order(lesson):
        if isinstance(each, Question):
            yield from _guess(each, vote if vote and lesson.places.get(vote.cell) == at else None)
        elif isinstance(each, str):
            first, rest = SENTENCE.fullmatch(each).groups()
            yield _slide("Break", f'<h2 class="break">{inline(first)}</h2>', rest)
        elif each is vote:
            question, rest = QUOTED.match(each.text).groups()
            yield _slide("Hands up", f"<h2>{inline(question)}</h2>", rest)
        else:
            number = 1 + lesson.points.index(each)
            for slide in _point(lesson, each, folder):
                yield slide.replace("<section ", f'<section data-point="{number}" ', 1)


def _point(lesson, point, folder):
    """Yield a point's slide. If the point begins with a question, first yield a slide with this question."""
    first, rest = SENTENCE.fullmatch(point.text).groups()
    kicker = ""
    if first.endswith("?"):
        yield _slide("Guess", f"<h2>{inline(first)}</h2>", "Count hands.")
        (first, rest), kicker = SENTENCE.fullmatch(rest).groups(), "The answer"
    headline = f'<h2 class="{"long" if len(first) > 110 else ""}">{inline(first)}</h2>'
    links = "".join(
        f'<p class="live"><a href="../explorables/{name}.html">Take it in your hand</a></p>'
        for name in _lived(lesson, point)
    )
    if not point.cell or point.shows == "words":
        yield _slide(kicker, headline + links, rest)
        return
    kind = "wide" if point.shows == "wide" else "beside"
    yield _slide(kicker, f"<div>{headline}{links}</div>{framed(lesson, point, folder)}", rest, kind)


def _guess(question, vote):
    """Yield a slide that asks and one that answers. `vote` is the note on the question's vote, or None."""
    heading = f"<h2>{question.text}</h2>"
    say = f'<p class="say">{inline(question.say)}</p>' if question.say else ""
    plain = [unescape(re.sub(r"<[^>]+>", "", choice)) for choice in question.choices]
    right = [choice == question.answer for choice in plain]

    def choices(marks):
        items = "".join(
            f'<li class="{"right" if mark else ""}">{choice}{"<b> ✓</b>" if mark else ""}</li>'
            for choice, mark in zip(question.choices, marks, strict=True)
        )
        return f'<ol class="choices">{items}</ol>' if items else f'<p class="blank">? {question.unit}</p>'

    notes = vote.text if vote else "Let everybody write a guess down, then count hands."
    guess = _slide("Guess", say + heading + choices([False] * len(right)), notes)
    yield guess.replace("<section ", f'<section data-key="{question.key}" ', 1)
    if any(right):
        yield _slide("The answer", heading + choices(right), question.why)
    else:
        yield _slide("The answer", f'{heading}<p class="blank">{escape(question.answer)}</p>', question.why)


def _evidence(lesson, body):
    """Return a sentence that names the slides with evidence on claims. `body` : the slides from `_body`"""
    places = {}
    for place, slide in enumerate(body, 2):
        if point := re.search(r'data-point="(\d+)"', slide):
            places[point[1]] = str(place)  # if a point has two slides, the second counts

    def slides(match):
        return re.sub(r"\d+", lambda number: places[number[0]], match[0].replace("point", "slide"))

    listed = re.sub(r"\(points? [^)]*\)", slides, lesson.notes["Claims"].text) if lesson.shown else ""
    return f"Evidence on claims: {listed}"


def _claims(lesson, evidence):
    """Yield slides with claims, two on each slide, and with our reading of them.

    Only claims on which the deck has evidence are shown.
    """
    for start in range(0, len(lesson.shown), 2):
        words = "".join(
            f'<li value="{claim.number}">“{escape(claim.words)}”<br>'
            f'<span class="reading">As we read it: {escape(claim.reading)}</span></li>'
            for claim in lesson.shown[start : start + 2]
        )
        yield _slide(
            "The article said",
            f'<h2>Is that so?</h2><ol class="claims">{words}</ol><p class="scale">{SCALE}</p>',
            f"A show of hands for each. {evidence} Our verdicts end the deck, two to a slide as here.",
            name="" if start else "said",
        )


def _verdicts(lesson):
    """Yield a slide that announces our verdicts, then slides with the verdicts.

    Claims that a class judges twice come last.
    """
    if not lesson.shown:
        return
    once = [claim for claim in lesson.shown if claim.number not in twice()]
    again = [claim for claim in lesson.shown if claim.number in twice()]
    yield _slide(
        "After the vote",
        "<h2>Our verdicts</h2><p>Yours may differ: then say what your evidence is.</p>",
        "Those that are judged twice come last, after a slide of their own." if again else "",
        name="verdicts",
    )
    for start in range(0, len(once), 2):
        yield _verdict(lesson, once[start : start + 2])
    if again:
        named = " and ".join(str(claim.number) for claim in again)
        yield _slide(
            "Judged twice",
            f"<h2>Our verdict on {named}</h2><p>Only after your second verdict.</p>",
            "Stop here if your group has the sheet of five claims and has not filled in *After*.",
        )
        yield _verdict(lesson, again)


def _elsewhere(lesson):
    """Yield a slide with the claims on which the lesson has evidence and the deck has none."""
    others = [claim for claim in lesson.claims if claim not in lesson.shown]
    if others:
        words = "".join(f'<li value="{claim.number}">“{escape(claim.words)}”</li>' for claim in others)
        yield _slide(
            "On the lesson's page",
            f'<h2>The article also said</h2><ol class="claims elsewhere">{words}</ol><p>See '
            f'<a href="../notebooks/{lesson.name}.html">the lesson</a> for evidence and verdicts.</p>',
            "No vote: these slides show nothing that could settle them.",
            name="" if lesson.shown else "verdicts",
        )


def _verdict(lesson, claims):
    items = "".join(
        f'<li value="{claim.number}">“{escape(claim.words)}”<br>'
        f'<b class="verdict">{escape(claim.verdict)}</b> '
        f"{escape(FOLDED.sub('', settled(claim, lesson.number)))}<br>"
        f'<span class="reading">As we read it: {escape(claim.reading)}</span></li>'
        for claim in claims
    )
    return _slide("Our verdict", f'<ol class="claims settled">{items}</ol>')


def _take_away(lesson):
    items = "".join(f"<li>{inline(item)}</li>" for item in lesson.take_away)
    return _slide("Take away", f'<ol class="take">{items}</ol>', name="take")


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
