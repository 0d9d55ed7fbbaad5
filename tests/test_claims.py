"""The article's 43 claims as data, and the boxes that lessons draw from them."""

import re

import pytest

from course_utils import CourseError, article, catalog
from course_utils.catalog import BASES, VERDICTS, Claim
from course_utils.learning.article import box

LESSONS = {name[:2] for name in catalog.lessons()}
COURSE = {f"{number:02}" for number in range(14)}  # those still to be written, too


def test_all_43_claims_with_a_verdict_and_how_we_know():
    claims = catalog.claims()
    assert list(claims) == list(range(1, 44))
    for claim in claims.values():
        assert claim.verdict in VERDICTS and claim.basis in BASES
        assert claim.says and claim.check and claim.fact.endswith("."), claim.number
        assert bool(claim.sources) == (claim.basis != "unsourced"), claim.number


def test_each_claim_is_settled_somewhere_and_written_where_the_lesson_exists():
    for claim in catalog.claims().values():
        assert claim.settled and claim.settled.keys() <= COURSE, claim.number
        written = {lesson for lesson, shown in claim.settled.items() if shown}
        assert written == claim.settled.keys() & LESSONS, claim.number


def test_a_lesson_s_claims_are_those_that_name_it():
    for name, lesson in catalog.lessons().items():
        assert lesson.claims == tuple(n for n, claim in catalog.claims().items() if name[:2] in claim.settled)


def test_a_box_says_claim_verdict_fact_source_and_screen():
    claim = Claim(
        number=7,
        says="It is <free>.",
        verdict="partly true",
        fact="Not for all.",
        basis="read at the source",
        sources=("the licence, section 2",),
        check="read",
        settled={"01": "Section 2 is in the table.", "02": "", "13": "Again."},
    )
    picture = box([claim], "01")
    assert picture.alt == (
        "Claim 7: It is <free>. Verdict: partly true. Not for all. "
        "On this screen: Section 2 is in the table. (read at the source: the licence, section 2)"
    )
    text = re.sub("<[^>]*>", "", picture.html)
    for part in (
        "“It is &lt;free&gt;.”",
        "Verdict: partly true.",
        "Read at the source: the licence, section 2.",
    ):
        assert part in text
    assert "Also in lesson 13." in text  # not in 02, where nothing is shown yet
    for stripped in ("<script", "<style", "<svg", "role="):  # JupyterLab would take them out
        assert stripped not in picture.html


def test_without_a_source_the_box_says_so():
    claim = catalog.claims()[27]
    assert "Unsourced: no source found." in re.sub("<[^>]*>", "", box([claim], "08").html)


def test_a_lesson_that_settles_nothing_is_named():
    with pytest.raises(CourseError, match="No claim is settled in lesson '99': lessons are 00, 01"):
        article("99")
