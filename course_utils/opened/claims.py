"""The data of the website's page on the article's claims. `course.capstone()` shows these claims, too."""

from course_utils import catalog
from course_utils.learning.claims import asked, key


def states():
    """Return all claims, our verdicts, and the addresses of the lessons that settle the claims."""
    claims = []
    for claim in catalog.claims().values():
        facts = asked(claim) | key(claim)
        for lesson in facts["lessons"]:
            lesson["address"] = f"../notebooks/{lesson['name']}.html"
        claims.append(facts)
    return {"verdicts": catalog.VERDICTS, "claims": claims}
