"""Boxes with what the article said, the verdict, and what settles it."""

from html import escape

from IPython.display import display

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.views.picture import BLUE, INK, QUIET, VERMILLION, Picture, card

# A sign and a colour for each verdict; the words carry the meaning.
_SIGNS = {"true": "✓", "mostly true": "✓", "false": "✗", "cannot know": "?"}
_COLOURS = {"✓": BLUE, "✗": VERMILLION, "?": QUIET, "~": "#a34700"}


def article(lesson: str) -> None:
    """Show the article's claims that a lesson settles, each with its verdict, the fact and its source.

    lesson : the lesson's two digits, such as "03"

    Raises CourseError when the lesson settles none.
    """
    claims = [claim for claim in catalog.claims().values() if claim.settled.get(lesson)]
    if not claims:
        settling = sorted({number for claim in catalog.claims().values() for number in claim.settled})
        raise CourseError(f"No claim is settled in lesson {lesson!r}: lessons are {', '.join(settling)}.")
    display(box(claims, lesson))


def box(claims, lesson) -> Picture:
    """The picture that `article` shows: one block for each `Claim`."""
    blocks, words = "", []
    for claim in claims:
        sign = _SIGNS.get(claim.verdict, "~")
        elsewhere = [number for number, shown in claim.settled.items() if shown and number != lesson]
        also = f" Also in lesson{'s' * (len(elsewhere) > 1)} {' and '.join(elsewhere)}." if elsewhere else ""
        sources = "; ".join(claim.sources) or "no source found"
        blocks += (
            f'<div style="border-left:4px solid {_COLOURS[sign]};padding:2px 0 2px 12px;margin:0 0 16px 0">'
            f'<div style="font-size:15px"><span style="color:{QUIET}">Claim {claim.number}.</span> '
            f"“{escape(claim.says)}”</div>"
            f'<div style="margin:4px 0"><b>{sign} Verdict: {claim.verdict}.</b> {escape(claim.fact)}</div>'
            f'<div style="margin:4px 0"><b>On this screen:</b> {escape(claim.settled[lesson])}</div>'
            f'<div style="font-size:13px;color:{QUIET}">{claim.basis[0].upper()}{claim.basis[1:]}: '
            f"{escape(sources)}.{also}</div></div>"
        )
        words.append(
            f"Claim {claim.number}: {claim.says} Verdict: {claim.verdict}. {claim.fact} "
            f"On this screen: {claim.settled[lesson]} ({claim.basis}: {sources})"
        )
    return Picture(card(f'<div style="color:{INK}">{blocks}</div>'), "\n".join(words))
