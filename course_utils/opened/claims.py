"""The wall of the article's claims, for its page. Lesson 15 shows it by `course.capstone()`."""

from course_utils import catalog
from course_utils.learning.claims import asked, key


def states():
    """Return all claims with their key, and where a page finds the lessons that settle them."""
    claims = []
    for claim in catalog.claims().values():
        facts = asked(claim) | key(claim)
        for lesson in facts["lessons"]:
            lesson["address"] = f"../notebooks/{lesson['name']}.html"
        claims.append(facts)
    return {"verdicts": catalog.VERDICTS, "claims": claims}
