"""Gives the learner a release of models to judge, in lesson 16. The learner's name decides which of three.

    course.opened.finished_page()         the upper part of a finished page
    review = course.opened.Review("Ada Lovelace")
    review.press()                        what the makers say, in twelve claims
    review.beforehand(holds=[1, 5], confidence=60)     which claims you expect to hold
    review.claim(1)                       the first claim, and how the course decides it
    review.folder                         the release's files: open them with transformers
    review.verdict(1, verdict="holds", confidence=80, because="…", evidence=81_472)
    review.page("my_page.html")           one page of A4, as HTML and PDF; then no verdict can be changed
    review.compare(1)                     what the course finds for the first claim
    review.compare()                      what the course finds for all claims, by opening the same files

Models, texts and files are real and tiny: course_utils/training/releases.py trains them. The makers and what
they say are invented. `facts` checks the claims, `page` writes, seals and verifies the learner's page.
"""

from course_utils.opened.review.facts import VERDICTS, Release, trained_lark
from course_utils.opened.review.folder import RELEASES, drawn
from course_utils.opened.review.page import learner_password, verify
from course_utils.opened.review.reviewing import Review, finished_page

__all__ = [
    "RELEASES",
    "VERDICTS",
    "Release",
    "Review",
    "drawn",
    "finished_page",
    "learner_password",
    "trained_lark",
    "verify",
]
