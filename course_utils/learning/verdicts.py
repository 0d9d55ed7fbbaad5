"""Asks for the learner's verdicts on the claims of "the article", and scores these verdicts.

The article is a magazine article on open-source AI, whose claims the course checks. The key to a claim is the
course's own verdict on the claim, with the reasons for it.

evidence(16)      shows the evidence on claim 16: code with its output, or published words and numbers
capstone()        shows all claims with their evidence, and asks for a verdict and a confidence on each
score(decided)    compares verdicts and confidences with the key
tally(judged)     scores verdicts that are already compared with a key
"""

import contextlib
import io
from dataclasses import dataclass

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.learning import answers
from course_utils.learning.claims import asked, key
from course_utils.widgets.live_view import LiveView

CONFIDENCES = (10, 20, 35, 50, 70, 90, 99)  # in percent


@dataclass(frozen=True)
class Score:
    """How well a learner's verdicts agree with the key (the course's own verdicts), and how well the
    confidences fit the share of right verdicts.

    answered, right: the number of claims with a verdict, and the number of verdicts that agree with the key.
    confidence: the mean confidence, from 0 to 1.
    brier: the mean of (confidence − outcome)², where the outcome is 1 if the verdict is right, otherwise 0. A
        score of 0 is best; a confidence of 50% each time gives 0.25.
    levels: dict from each confidence that was given, in percent, to (number of claims, right verdicts).
    """

    answered: int
    right: int
    confidence: float
    brier: float
    levels: dict[int, tuple[int, int]]

    def __str__(self):
        return (
            f"{self.right} of {self.answered} as the course finds, {self.right / self.answered:.0%}; "
            f"mean confidence {self.confidence:.0%}; Brier score {self.brier:.3f}"
        )


def score(decided: dict[int, tuple[str, int]]) -> Score:
    """Return the score of verdicts and confidences, compared with the key (the course's own verdicts).

    decided : dict from a claim's number to (verdict, confidence in percent)

    Raises CourseError for an unknown claim or verdict, a confidence outside 0 to 100, or no verdicts at all.
    """
    if not decided:
        raise CourseError("There is no verdict to score yet: give at least one, in course.capstone().")
    judged = []
    for number, (verdict, confidence) in sorted(decided.items()):
        claim = _claim(number)
        if verdict not in catalog.VERDICTS:
            raise CourseError(f"{verdict!r} is not a verdict: choose one of {', '.join(catalog.VERDICTS)}.")
        if not 0 <= confidence <= 100:
            raise CourseError(f"{confidence!r} is not a confidence in percent: give a number from 0 to 100.")
        judged.append((verdict == claim.verdict, confidence))
    return tally(judged)


def tally(judged: list[tuple[bool, int]]) -> Score:
    """Return the score of verdicts.

    judged : list of (whether a verdict agrees with the key, its confidence in percent), not empty
    """
    levels = {}
    for right, confidence in judged:
        claims, hits = levels.get(confidence, (0, 0))
        levels[confidence] = claims + 1, hits + right
    return Score(
        answered=len(judged),
        right=sum(right for right, _ in judged),
        confidence=sum(confidence for _, confidence in judged) / len(judged) / 100,
        brier=sum((confidence / 100 - right) ** 2 for right, confidence in judged) / len(judged),
        levels=dict(sorted(levels.items())),
    )


def evidence(number: int) -> None:
    """Show the evidence on a claim: published words and numbers with their sources, and code with its output.

    number : the claim's number

    Raises CourseError if there is no such claim.
    """
    claim, published, code, printed = _evidence(number)
    print(f"Claim {number}: “{claim.words}”\nOur reading: {claim.reading}\n")
    if published:
        print(published)
    if code:
        print("\n".join(f"> {line}" for line in code.splitlines()))
        print(f"\n{printed}")


def _claim(number):
    claims = catalog.claims()
    if number not in claims:
        missing = sorted({*range(1, max(claims) + 1)} - claims.keys())
        without = f", without {', '.join(map(str, missing))}" if missing else ""
        raise CourseError(f"There is no claim {number!r}: choose a number from 1 to {max(claims)}{without}.")
    return claims[number]


def _evidence(number):
    """Return a claim, the published evidence on it, code that computes evidence, and what the code prints.

    If a claim has no published evidence, or no code, "" stands in its place. The code can use the values of
    the published evidence.
    """
    import course_utils

    claim = _claim(number)
    entry = catalog.read("evidence.toml")[str(number)]
    names = {"course": course_utils}
    published = ""
    for source in entry.get("read", ()):
        published += f"From a source, not computed: {source['says']} ({source['source']})\n"
        names |= source.get("values", {})
    code = entry.get("code", "").strip()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, f"evidence {number}", "exec"), names)
    return claim, published, code, out.getvalue()


def decided() -> dict[int, tuple[str, int]]:
    """Return the learner's verdicts so far, as a dict from a claim's number to (verdict, confidence in %)."""
    stored, found = answers.read(), {}
    for number in catalog.claims():
        verdict, confidence = (stored.get(f"{kind} {number}") for kind in ("verdict", "confidence"))
        if verdict and confidence:
            found[number] = verdict["answer"], confidence["answer"]
    return found


def capstone() -> "Capstone":
    """Show all claims, and ask for a verdict on each.

    The learner can't change a verdict, because the course's own verdict is shown right after it.
    """
    return Capstone()


class Capstone(LiveView):
    """Shows all claims with their evidence, the learner's verdicts and the score.

    A claim on which the learner has given a verdict also has the course's own verdict, with the reasons.
    """

    view = "claims"

    def __init__(self):
        done = decided()
        super().__init__(
            data=_wall(done),
            alt=f"{len(catalog.claims())} claims of the article, each with its evidence, a verdict and a "
            "confidence to choose.",
            claim=next((number for number in catalog.claims() if number not in done), 1),
            lesson="",
            guesses={str(number): verdict for number, (verdict, _) in done.items()},
        )

    def answer(self, want):
        """Answer a message of the view: return the evidence on a claim, or store a verdict on it.

        The answer to a verdict has the course's own verdict, with the reasons.

        want : {"evidence": number of a claim} or {"decide": number of a claim, "verdict": …, "confidence": …}
        """
        if "evidence" in want:
            _, published, code, printed = _evidence(want["evidence"])
            return {"published": published, "code": code, "printed": printed}
        number, verdict, confidence = want["decide"], want["verdict"], want["confidence"]
        score({number: (verdict, confidence)})  # raises CourseError for an invalid verdict
        note = ""
        if number not in decided():  # only the first counts, because the course's verdict is shown after it
            answers.record("confidence", str(number), confidence)
            note = answers.record("verdict", str(number), verdict, verdict == _claim(number).verdict)
        done = {number: (verdict, confidence)} | decided()
        self.widget.data = _wall(done)  # this shows the verdict in other copies of this view, too
        return {
            "key": key(_claim(number)),
            "guess": done[number][0],
            "summary": f"{_summary(done)} {note}".rstrip(),
        }


def _wall(done):
    """Return the view's data.

    The data has all claims. If the learner has given a verdict on a claim, the data also has the course's own
    verdict on this claim, with the reasons (see `claims.key`).

    done : the learner's verdicts, as `decided` returns them
    """
    claims = [
        asked(claim) | (key(claim) if number in done else {}) for number, claim in catalog.claims().items()
    ]
    return {
        "verdicts": catalog.VERDICTS,
        "confidences": CONFIDENCES,
        "summary": _summary(done),
        "claims": claims,
    }


def _summary(done):
    if not done:
        return "Your first verdict on each counts: then you see the key."
    scored, left = score(done), len(catalog.claims()) - len(done)
    more = f"{left} to go." if left else "All are decided."
    return f"Mean confidence {scored.confidence:.0%}; Brier score {scored.brier:.3f}. {more}"
