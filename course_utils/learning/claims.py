"""Shows claims of "the article", a magazine article on open-source AI whose claims the course checks.

A claim is shown with the article's words, how the course reads these words, the verdict and the reasons.
"""

from dataclasses import asdict
from html import escape

from IPython.display import display

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.views.picture import BLUE, INK, ORANGE, QUIET, VERMILLION, Picture, card

# The article, read at its address on 27 November 2026.
ARTICLE = "Open Source AI Models: The Ultimate Guide to Democratizing AI in 2026"
ARTICLE_FROM = "TrendPulsee, 27 February 2026"
ARTICLE_ADDRESS = "https://www.trendpulsee.com/article/open-source-ai-models-the-ultimate-guide-to-democratizing-ai-in-2026-mm4cfiig-rse2"

# The sign of each verdict, and the colour of each sign. Verdicts that are not listed have the sign "~". The
# verdict is always shown in words, too.
_SIGNS = {"true": "✓", "mostly true": "✓", "false": "✗", "cannot know": "?"}
_COLOURS = {"✓": BLUE, "✗": VERMILLION, "?": QUIET, "~": ORANGE}


def article(lesson: str, folded=(), apart=()) -> None:
    """Show the claims that a lesson settles: the article's words, our reading, the verdict and the reasons.

    lesson : the lesson's two digits, such as "04"
    folded : the numbers of claims whose reasons appear only when the reader unfolds them
    apart : the numbers of claims that come last, all of them behind one line that the reader unfolds

    Raises CourseError if the lesson settles no claim.
    """
    claims = [claim for claim in catalog.claims().values() if lesson in claim.settled]
    if not claims:
        settling = sorted({number for claim in catalog.claims().values() for number in claim.settled})
        raise CourseError(f"Lesson {lesson!r} settles no claim: choose one of {', '.join(settling)}.")
    display(box(claims, lesson, folded, apart))


def asked(claim) -> dict:
    """Return the parts of a claim that learners see before they give a verdict, as a dict for JSON."""
    lessons = [lesson for name, lesson in catalog.lessons().items() if name[:2] in claim.settled]
    named = [{"name": lesson.name, "title": f"{lesson.name[:2]} {lesson.title}"} for lesson in lessons]
    return {"number": claim.number, "words": claim.words, "reading": claim.reading, "lessons": named}


def key(claim) -> dict:
    """Return the course's verdict on a claim, and the reasons for and against it, as a dict for JSON."""
    points = {
        side: [asdict(point) for point in getattr(claim, side)] for side in ("speaks_for", "speaks_against")
    }
    return {"verdict": claim.verdict, "one_sided": claim.one_sided, **points}


def box(claims, lesson, folded=(), apart=()) -> Picture:
    """Return the picture that `article` shows, with one block for each claim.

    claims : `catalog.Claim` objects
    lesson, folded, apart : as in `article`
    """
    made = [_block(claim, lesson, claim.number in folded) for claim in claims]
    blocks, descriptions = zip(*made, strict=True)
    html = "".join(block for block, claim in zip(blocks, claims, strict=True) if claim.number not in apart)
    behind = [block for block, claim in zip(blocks, claims, strict=True) if claim.number in apart]
    if behind:
        summary = f'<summary style="margin:0 0 12px 0">{len(behind)} more claims</summary>'
        html += f"<details>{summary}{''.join(behind)}</details>"
    return Picture(card(f'<div style="color:{INK}">{html}</div>'), "\n".join(descriptions))


def _block(claim, lesson, folded):
    """Return a claim in two forms, as HTML and as text."""
    sign = _SIGNS.get(claim.verdict, "~")
    points = [("What speaks for it", str(point)) for point in claim.speaks_for]
    points += [("What speaks against it", str(point)) for point in claim.speaks_against]
    points += [("Why only one side", claim.one_sided)] if claim.one_sided else []
    points.append(("On this screen", claim.settled[lesson]))
    verdict = f"{sign} Verdict: {claim.verdict}"
    meaning = escape(catalog.VERDICTS[claim.verdict])
    reasons = "".join(_line(label, text) for label, text in points)
    if folded:
        reasons = f'<details style="margin:4px 0"><summary>The reasons</summary>{reasons}</details>'
    lines = [
        _line("Our reading", claim.reading),
        f'<div style="margin:4px 0"><b>{verdict}</b> ({meaning}).</div>',
        reasons,
    ]
    others = [number for number in claim.settled if number != lesson]
    if others:
        named = " and ".join(filter(None, (", ".join(others[:-1]), others[-1])))
        also = f"Also in lesson{'s' * (len(others) > 1)} {named}."
        lines.append(f'<div style="font-size:13px;color:{QUIET}">{also}</div>')
    html = (
        f'<div style="border-left:4px solid {_COLOURS[sign]};padding:2px 0 2px 12px;margin:0 0 16px 0;'
        'overflow-wrap:break-word">'
        f'<div style="font-size:15px"><span style="color:{QUIET}">Claim {claim.number}. '
        f"The article: </span>“{escape(claim.words)}”</div>{''.join(lines)}</div>"
    )
    description = " ".join(f"{label}: {text}" for label, text in points)
    return html, (
        f"Claim {claim.number}: “{claim.words}” Our reading: {claim.reading} "
        f"Verdict: {claim.verdict}. {description}"
    )


def _line(label, text):
    return f'<div style="margin:4px 0"><b>{label}:</b> {escape(text)}</div>'
