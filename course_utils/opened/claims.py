"""Returns the claims of the article that the course examines, for the website's page on them.

`course.capstone()` shows the same claims.
"""

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
