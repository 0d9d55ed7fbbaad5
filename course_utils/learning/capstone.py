"""The capstone: a verdict and a confidence for each of the article's claims, scored against a key.

evidence(16)      shows the evidence on claim 16: code and its output, or published words and figures to read
capstone()        shows the claims one by one: look at the evidence, decide, say how sure you are
score(given)      compares verdicts and confidences with the key
report()          writes everything to one page, a file without scripts
"""

import contextlib
import io
from collections import Counter
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

import ipywidgets as widgets

from course_utils import catalog, views
from course_utils.errors import CourseError
from course_utils.learning import answers
from course_utils.learning.article import grounds
from course_utils.learning.question import Question, choice_field, marked_up
from course_utils.statistics import wilson
from course_utils.views.picture import INK, LINE, MONO, QUIET, SANS, Picture, bundle, card

CONFIDENCES = (10, 20, 35, 50, 70, 90, 99)  # percent


@dataclass(frozen=True)
class Score:
    """How well a set of verdicts, each with a confidence, agrees with the key.

    Parameters
    ----------
    answered, right: the number of claims answered, and of those whose verdict is the key's.
    confidence: the mean confidence, from 0 to 1.
    brier: the mean of (confidence − 1 if right else 0)², 0 at best; always saying 50% gives 0.25.
    levels: dict from each confidence that was used, in percent, to (claims, right verdicts).
    """

    answered: int
    right: int
    confidence: float
    brier: float
    levels: dict[int, tuple[int, int]]

    def __str__(self):
        return (
            f"{self.right} of {self.answered} as the key has it, {self.right / self.answered:.0%}; "
            f"mean confidence {self.confidence:.0%}; Brier score {self.brier:.3f}"
        )


def score(given: dict[int, tuple[str, int]]) -> Score:
    """Compare verdicts with the key.

    given : dict from a claim's number to (verdict, confidence in percent)

    Raises CourseError for an unknown claim or verdict, a confidence outside 0 to 100, or no verdicts at all.
    """
    if not given:
        raise CourseError("There is no verdict to score yet: give at least one, in course.capstone().")
    levels = {}
    squares = 0.0
    for number, (verdict, confidence) in sorted(given.items()):
        right = verdict == _claim(number).verdict
        if verdict not in catalog.VERDICTS:
            raise CourseError(f"{verdict!r} is no verdict: choose one of {', '.join(catalog.VERDICTS)}.")
        if not 0 <= confidence <= 100:
            raise CourseError(f"A confidence of {confidence!r}: give 0 to 100, in percent.")
        claims, hits = levels.get(confidence, (0, 0))
        levels[confidence] = claims + 1, hits + right
        squares += (confidence / 100 - right) ** 2
    count = len(given)
    return Score(
        answered=count,
        right=sum(hits for _, hits in levels.values()),
        confidence=sum(confidence for _, confidence in given.values()) / count / 100,
        brier=squares / count,
        levels=dict(sorted(levels.items())),
    )


def calibration(scored: Score, title: str | None = None) -> Picture:
    """Draw the share of right verdicts at each confidence, with its 95% interval (Wilson)."""
    labels, shares, spans = [], [], []
    for confidence, (claims, hits) in scored.levels.items():
        labels.append(f"{confidence}%, {claims}×")
        shares.append(100 * hits / claims)
        spans.append(wilson(hits, claims))
    marks = list(scored.levels)
    return views.intervals(labels, shares, spans, marks=marks, marks_label="the confidence", title=title)


def evidence(number: int) -> None:
    """Show the evidence on a claim: published words and figures with their sources, and code with its output.

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
        raise CourseError(f"There is no claim {number!r}: they have the numbers 1 to {max(claims)}{without}.")
    return claims[number]


def _evidence(number):
    """Return a claim, the published evidence on it, the code of its evidence, and what that code prints.

    The published evidence or the code may be "". The code can use the values of the published evidence.
    """
    import course_utils

    claim = _claim(number)
    entry = catalog.read("evidence.toml")[str(number)]
    names = {"course": course_utils}
    published = ""
    for each in entry.get("read", ()):
        published += f"To read, not computed here: {each['says']} ({each['source']})\n"
        names |= each.get("values", {})
    code = entry.get("code", "").strip()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, f"evidence {number}", "exec"), names)
    return claim, published, code, out.getvalue()


def given() -> dict[int, tuple[str, int]]:
    """Return the learner's verdicts so far: from a claim's number to (verdict, confidence in percent)."""
    found = {}
    known = answers.read()
    for number in catalog.claims():
        verdict, confidence = (known.get(f"{kind} {number}") for kind in ("verdict", "confidence"))
        if verdict and confidence:
            found[number] = verdict["answer"], confidence["answer"]
    return found


def capstone() -> "Capstone":
    """Show the claims one by one. A decision cannot be changed, because the learner has then seen the key."""
    return Capstone()


class Capstone:
    """A list of claims. The chosen one has its evidence, a verdict and a confidence; the score is below."""

    def __init__(self):
        self.chosen = widgets.Dropdown(description="claim", layout={"width": "97%", "max_width": "740px"})
        self.look = widgets.Button(description="Show evidence")
        self.shown = widgets.HTML()
        self.confidence = widgets.Dropdown(
            options=[("choose", None), *((f"{percent}%", percent) for percent in CONFIDENCES)],
            description="How sure are you?",
            layout={"width": "260px", "max_width": "97%", "margin": "10px 0 6px"},
        )
        options = [f"{verdict}: {meaning}" for verdict, meaning in catalog.VERDICTS.items()]
        self.question = Question(choice_field("", options), "Decide", self._decide)
        parts = list(self.question.widget.children)
        parts.insert(parts.index(self.question.field) + 1, self.confidence)
        self.question.widget.children = parts
        self.total = widgets.HTML()
        self.widget = widgets.VBox([self.chosen, self.look, self.shown, self.question.widget, self.total])
        self._list()
        self.chosen.observe(lambda _: self._open(), "value")
        self.look.on_click(lambda _: self._look())
        decided = given()
        self.chosen.value = next((number for number in catalog.claims() if number not in decided), 1)
        self._open()

    def _list(self):
        decided, claims = given(), catalog.claims()
        options = [
            (f"{'✓' if number in decided else '·'} {number}. “{claim.words}”", number)
            for number, claim in claims.items()
        ]
        kept = self.chosen.value
        self.chosen.options = options
        if kept is not None:
            self.chosen.value = kept
        if decided:
            left = len(claims) - len(decided)
            more = f"{left} to go." if left else "All are decided: course.report() writes your page."
            self.total.value = f'<div role="status">So far: {escape(str(score(decided)))}. {more}</div>'

    def _open(self):
        self.shown.value = ""
        decided = given().get(self.chosen.value)
        field = self.question.field
        claim = _claim(self.chosen.value)
        field.description = marked_up(f"Claim {claim.number}: “{claim.words}” Our reading: {claim.reading}")
        for part in (field, self.confidence, self.question.button):
            part.disabled = decided is not None
        if decided is None:
            field.index = self.confidence.value = None
            self.question.say("")
        else:
            verdict, self.confidence.value = decided
            field.index = list(catalog.VERDICTS).index(verdict)
            self._answer(verdict)

    def _look(self):
        self.shown.value = "<div>running…</div>"
        try:
            _, published, code, printed = _evidence(self.chosen.value)
        except Exception as error:  # a widget's callback has no cell that would show a traceback
            self.shown.value = f"<div>The evidence could not run: {escape(str(error))}</div>"
            return
        self.shown.value = _shown(published, code, printed)

    def _decide(self, chosen):
        number = self.chosen.value
        if number in given():  # the learner has seen the key, so the first verdict counts
            return
        if chosen is None or self.confidence.value is None:
            self.question.say("Pick a verdict and how sure you are first.")
            return
        verdict = chosen.partition(":")[0]
        answers.record("confidence", str(number), self.confidence.value)
        note = answers.record("verdict", str(number), verdict, verdict == _claim(number).verdict)
        self._list()
        self._open()
        self._answer(verdict, note)

    def _answer(self, verdict, note=""):
        claim = _claim(self.chosen.value)
        same = verdict == claim.verdict
        says = "The key has it so, too." if same else f"The key: {claim.verdict}."
        why = " ".join(f"{label}: {text}" for label, text in grounds(claim))
        self.question.say(f"{says} {why} {note}", "right" if same else "wrong")

    def _repr_mimebundle_(self, **_):
        rows = [("", "The article's words", "Our reading", "Settled in lessons")]
        for number, claim in catalog.claims().items():
            rows.append((str(number), f"“{claim.words}”", claim.reading, ", ".join(claim.settled)))
        title = f"{len(catalog.claims())} claims of the article"
        note = "Run this cell to decide them one by one."
        words = f"{title}, each with its evidence, a verdict and a confidence to choose."
        return bundle(self.widget, views.table(rows, title=title, note=note, alt=words))


def _shown(published, code, printed):
    """Return HTML: the published evidence as text, and below it the code and its output, set as code."""
    html = f'<div style="white-space:pre-wrap">{escape(published)}</div>' if published else ""
    if not code:
        return card(html)
    look = f"font-family:{MONO};font-size:13px;white-space:pre-wrap;overflow-wrap:anywhere;margin:0"
    below = f"{look};border-top:1px solid {LINE};margin-top:8px;padding-top:8px"
    return card(
        f'{html}<div style="{look};color:{QUIET}">{escape(code)}</div>'
        f'<div style="{below}">{escape(printed)}</div>'
    )


def report(file: str = "my_report.html", forecasts: list[tuple[str, str, str, int]] = ()) -> None:
    """Write the learner's verdicts, score, calibration and forecasts to one page, and print its file name.

    file : where to write; an earlier report there is replaced
    forecasts : tuples (what will be the case, by which day, who or what judges, probability in percent)

    The page needs no network and has no scripts. If there is no verdict yet, nothing is written.
    """
    decided = given()
    if not decided:
        print("No report yet: decide at least one claim in course.capstone() first.")
        return
    Path(file).write_text(_page(decided, forecasts), encoding="utf-8")
    count = f"{len(decided)} of {len(catalog.claims())} claims"
    print(f"Your report is in {file}, beside this notebook, with {count}.")


def _page(decided, forecasts):
    scored = score(decided)
    rows = [("", "The article's words", "Our reading", "You", "Sure", "Key", "For and against, with sources")]
    for number, (verdict, confidence) in sorted(decided.items()):
        claim = _claim(number)
        why = " ".join(f"{label}: {text}" for label, text in grounds(claim))
        mark = "✓ " if verdict == claim.verdict else "✗ "
        words = f"“{claim.words}”"
        rows.append((str(number), words, claim.reading, mark + verdict, f"{confidence}%", claim.verdict, why))
    counts = Counter(_claim(number).verdict for number in decided)
    parts = [
        f"<h1>The article, settled</h1><p>Written on {date.today():%d %B %Y} with Open the Box.</p>",
        f"<p><b>{escape(str(scored))}.</b> {_judged(scored)}</p>",
        calibration(scored, "Right, by how sure you were").html,
        f"<p>In the key: {', '.join(f'{count} {verdict}' for verdict, count in counts.most_common())}.</p>",
        views.table(rows).html.replace("max-width:760px", "max-width:none"),
    ]
    if forecasts:
        listed = [("What will be the case", "By", "Judged by", "Probability")]
        listed += [(what, when, judge, f"{percent}%") for what, when, judge, percent in forecasts]
        parts.append(views.table(listed, title="Forecasts, to be scored on their day").html)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>The article, settled</title></head>'
        f'<body style="font-family:{SANS};color:{INK};max-width:960px;margin:24px auto;padding:0 12px">'
        f"{''.join(parts)}</body></html>"
    )


def _judged(scored):
    """Return a sentence on how far the mean confidence is from the share of right verdicts, in points."""
    gap = round(100 * (scored.confidence - scored.right / scored.answered))
    if abs(gap) <= 5:
        return "Your confidence and your share of hits are within 5 points of each other."
    return f"You were {abs(gap)} points {'surer than right' if gap > 0 else 'more often right than sure'}."
