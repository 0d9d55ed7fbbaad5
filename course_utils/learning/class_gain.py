"""Computes for the command `course gain` how much a class learned, from its results in the course's test.

The test has two forms, A and B, with different questions. A learner answers one of them before the course and
the other after it.

    report(files)         the gain, the difference of the forms, confidence, and statistics of each question
    to_score(files)       a CSV table, without names, in which the instructor scores the written answers
    simulation(learners)  what a class of this size can show, by simulation

docs/test.md says how to read the results.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from course_utils import statistics
from course_utils.errors import CourseError
from course_utils.files import read_csv, read_text
from course_utils.learning import before_after
from course_utils.learning.before_after import FORMS, HALVES, SURE, Sitting
from course_utils.views.picture import signed
from course_utils.views.tables import columns

# With fewer learners than this, no result is computed. In simulations of classes with ten learners, a true
# gain of 3 questions (of 15) is found in 8 of 10 classes.
FEWEST = 10
FEWEST_OF_AN_ORDER = 3  # each form must have come first for at least this many learners

# With fewer learners than this, no statistics of single questions are computed. With 30 answers, the interval
# of a share of 50% is 33 percentage points wide, and the interval of a correlation of 0.3 is −0.07 to 0.60.
# This is enough to find two kinds of bad questions: those that are far too easy, and those that weak learners
# get right more often than strong learners.
FEWEST_FOR_QUESTIONS = 30
# The forms are called equivalent if the 90% interval of their difference lies between minus and plus this
# many questions. A class of 30 shows a gain of this size in 8 of 10 cases.
MARGIN = 1.5
MOST_POINTS = 4  # the most points of a written answer


@dataclass(frozen=True)
class Learner:
    """One learner's answers.

    sittings : dict from "before" or "after" (the half) to the learner's answers in that half
    ids : dict from (half, topic) to the id of a written answer. The id shows neither the name nor the half.
    """

    sittings: dict[str, Sitting]
    ids: dict[tuple[str, str], str]

    @property
    def order(self) -> str:
        """The form that the learner answered before the course."""
        return self.sittings["before"].form

    def change(self, score) -> float:
        """Return score("after") minus score("before"): how much a score changed during the course."""
        return score("after") - score("before")


def report(
    files: Iterable[str | Path], points: str | Path | None = None, passed_over: list[str] | None = None
) -> str:
    """Return what the class gained, and statistics of the test, as text without names.

    files : the learners' answers.json files, or folders that are searched for .json files
    points : the CSV file of `to_score` with the points that the instructor gave
    passed_over : a list to which a sentence is added for each of `files` that can't be read; without this
        list, the first such file raises CourseError

    Raises CourseError if `points` can't be read, or if too few learners handed in both forms.
    """
    learners, notes = _learners(files, passed_over)
    _enough(learners, notes)
    count = len(before_after.topics())
    lines = [_who(learners), *notes, ""]

    def right(learner):
        return learner.change(lambda half: sum(learner.sittings[half].right.values()))

    lines += _gain_and_forms(learners, right, f"questions of {count}", MARGIN)
    if points is not None:
        lines += ["", "Written answers:"]
        given = _points(points, learners)
        most = MOST_POINTS * len(before_after.written())

        def earned(learner):
            return learner.change(
                lambda half: sum(given.get(key, 0) for (of, _), key in learner.ids.items() if of == half)
            )

        lines += _gain_and_forms(learners, earned, f"points of {most}", None)
    lines += ["", *_confidence(learners), "", *_questions(learners)]
    return "\n".join(lines) + "\n"


def _who(learners):
    first = sum(learner.order == "A" for learner in learners)
    begun = [median(learner.sittings[half].lessons for learner in learners) for half in HALVES]
    return (
        f"{len(learners)} learners handed in both forms; {first} had form A first. Lessons begun at the "
        f"first form: {begun[0]:g}, at the second: {begun[1]:g} (medians)."
    )


def _gain_and_forms(learners, change, unit, margin):
    """Return a line on the gain of the class, and a line on the difference between the two forms.

    change : a function that returns a learner's second score minus the first
    unit : what the scores count, such as "questions of 15"
    margin : the forms are called equivalent if the interval of their difference lies between minus and plus
        this number; None if the line does not say whether they are equivalent
    """
    by_order = [[change(learner) for learner in learners if learner.order == form] for form in FORMS]
    (gained, span), _ = statistics.crossover(*by_order)
    _, (difference, narrow) = statistics.crossover(*by_order, level=90)
    lines = [f"Gain: {signed(gained, 1)} {unit} (95% interval {_span(span, 1)})."]
    more, less = ("B", "A") if difference >= 0 else ("A", "B")
    sign = 1 if difference >= 0 else -1
    ends = sorted(sign * end for end in narrow)
    text = f"Forms: {more} gives {abs(difference):.1f} more than {less} (90% interval {_span(ends, 1)})."
    if margin is not None:
        if max(map(abs, ends)) < margin:
            text += f" The interval is within {margin} of 0: the forms are equivalent within this margin."
        else:
            text += f" The interval reaches {margin} or more: it is not shown that the forms are equivalent."
    return [*lines, text]


def _confidence(learners):
    """Return the lines of a table that shows how sure the learners were, and how often they were right."""
    rows = [("how sure", *HALVES)]
    scores = {half: [before_after.scored(learner.sittings[half]) for learner in learners] for half in HALVES}
    for words, percent in SURE.items():
        cells = []
        for half in HALVES:
            levels = [score.levels.get(percent, (0, 0)) for score in scores[half]]
            said, right = (sum(column) for column in zip(*levels, strict=True))
            cells.append(f"{right} of {said} right" + (f", {right / said:.0%}" if said else ""))
        rows.append((f"{words}, {percent}%", *cells))
    briers = [sum(score.brier for score in scores[half]) / len(learners) for half in HALVES]
    rows.append(("Brier score, mean", *(f"{brier:.3f}" for brier in briers)))
    return columns(rows)


def _questions(learners):
    """Return the lines of a table with the share of right answers and a correlation for each question.

    The correlation is that of the question with the rest of the test: see `statistics.item_rest`. With fewer
    than FEWEST_FOR_QUESTIONS learners, a sentence takes the place of the table.
    """
    if len(learners) < FEWEST_FOR_QUESTIONS:
        return [
            f"Statistics of the questions begin at {FEWEST_FOR_QUESTIONS} learners: with fewer, the share "
            "that is right is uncertain by more than 17 points to either side."
        ]
    rows = [("form", "question", "right before", "right after", "item-rest correlation")]
    for form in FORMS:
        taken = [
            (half, learner.sittings[half])
            for learner in learners
            for half in HALVES
            if learner.sittings[half].form == form
        ]
        table = [[found.right[about] for about in before_after.topics()] for _, found in taken]
        correlations = statistics.item_rest(table, [half for half, _ in taken])
        for index, about in enumerate(before_after.topics()):
            cells = []
            for wanted in HALVES:
                marks = [row[index] for row, (half, _) in zip(table, taken, strict=True) if half == wanted]
                share, span = 100 * sum(marks) / len(marks), statistics.wilson(sum(marks), len(marks))
                cells.append(f"{share:.0f}% of {len(marks)} ({_span(span, 0)})")
            found = correlations[index]
            cells.append(f"{signed(found[0], 2)} ({_span(found[1], 2)})" if found else "all alike")
            rows.append((form, about, *cells))
    return columns(rows)


def _span(ends, digits):
    low, high = ends
    return f"{signed(low, digits)} to {signed(high, digits)}"


# Written answers, which the instructor scores


def to_score(files: Iterable[str | Path], passed_over: list[str] | None = None) -> str:
    """Return a CSV table with a row for each written answer: id, question, rubric, answer and an empty cell.

    The instructor writes the points into the empty cell.

    The answers are sorted by their ids, which are hashes. So the table shows neither who wrote an
    answer nor whether it was written before or after the course. An answer that was left empty has 0 points
    and is not in the table.

    files, passed_over : as in `report`

    Raises CourseError if there is no answer.
    """
    learners, _ = _learners(files, passed_over)
    asked = {question.about: question for question in before_after.written()}
    rows = []
    for learner in learners:
        for (half, about), key in learner.ids.items():
            form = learner.sittings[half].form
            text = learner.sittings[half].written[about]
            # Put a space before a text that a spreadsheet would otherwise read as a formula.
            safe = f" {text}" if text[0] in "=+-@\t" else text
            rows.append((key, asked[about].texts[form], "\n".join(asked[about].rubrics[form]), safe, ""))
    if not rows:
        raise CourseError("No written answer is in these files: both forms of a learner must be handed in.")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("id", "question", "rubric", "answer", "points"))
    writer.writerows(sorted(rows))
    return out.getvalue()


def _points(file, learners):
    """Return {id: points} from the CSV file that the instructor filled in."""
    headings, rows = read_csv(file, errors="replace")
    if not {"id", "points"} <= set(headings):
        raise CourseError(
            f"{file} lacks the columns id and points: write it with `course gain --write-answers`."
        )
    given = {row["id"]: row["points"].strip().replace(",", ".") for _, row in rows}
    wanted = {key for learner in learners for key in learner.ids.values()}
    if missing := wanted - given.keys():
        raise CourseError(
            f"{file} lacks {len(missing)} of {len(wanted)} answers: write it again, and score those."
        )
    unscored = sum(not given[key] for key in wanted)
    if unscored:
        raise CourseError(f"{file} has {unscored} of {len(wanted)} answers without points: score them first.")
    found = {}
    for key in wanted:
        try:
            found[key] = float(given[key])
        except ValueError:
            found[key] = -1
        if not 0 <= found[key] <= MOST_POINTS:
            raise CourseError(
                f"{file}: {given[key]!r} is no number of points: give 0 to {MOST_POINTS}, for {key}."
            )
    return found


# Reading the learners' files


def _learners(files, passed_over):
    """Return the learners who handed in both forms, and sentences on the files that are left out."""
    found, outdated, half_way, twice = {}, 0, 0, 0
    for path in _json_files(files):
        try:
            stored = _stored(path)
        except CourseError as error:
            if passed_over is None:
                raise
            passed_over.append(str(error))
            continue
        sittings = {half: before_after.sitting(half, stored) for half in HALVES}
        both = all(taken and taken.handed_in for taken in sittings.values())
        if not both or sittings["before"].form == sittings["after"].form:
            outdated += before_after.outdated(stored)
            half_way += any(sittings.values())
            continue
        entries = {half: json.dumps(stored[f"test {half}"], sort_keys=True) for half in HALVES}
        twice += entries["before"] in found
        ids = {
            (half, about): hashlib.sha256(f"{entries[half]} {about}".encode()).hexdigest()[:12]
            for half, taken in sittings.items()
            for about, text in taken.written.items()
            if text
        }
        found[entries["before"]] = Learner(sittings, ids)
    notes = []
    if twice:
        notes.append(f"Counted once, although given more than once: {twice}.")
    if half_way:
        notes.append(f"Left out, as they have not handed in both forms: {half_way}.")
    if outdated:
        notes.append(f"Left out, as they answered an earlier version of the test: {outdated}.")
    return list(found.values()), notes


def _enough(learners, notes):
    """Raise CourseError if there are too few learners for a result."""
    if len(learners) < FEWEST:
        text = (
            f"Both forms of the test are in {len(learners)} of the files, and a result needs {FEWEST}: with "
            "fewer, a gain of 3 questions is often missed."
        )
        raise CourseError(" ".join([text, *notes]))
    for form in FORMS:
        first = sum(learner.order == form for learner in learners)
        if first < FEWEST_OF_AN_ORDER:
            raise CourseError(
                f"Form {form} came first for {first} of the learners. A result needs {FEWEST_OF_AN_ORDER}, "
                "or the gain can't be told from a difference of the forms. Add more files."
            )


def _json_files(files):
    for path in map(Path, files):
        if path.is_dir():
            yield from sorted(path.rglob("*.json"))
        else:
            yield path


def _stored(path):
    try:
        if path.exists() and not path.is_file():  # reading a device or a pipe may never end
            raise CourseError(f"{path} is no file: leave it out.")
        stored = json.loads(read_text(path))
        if not isinstance(stored, dict):
            raise ValueError
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "it holds no answers as JSON"
        raise CourseError(f"{path} can't be read ({reason}): leave it out, or ask for it again.") from None
    return stored


# Simulated classes


def simulation(learners: int) -> str:
    """Return two tables as text, from 2,000 simulated classes of this size.

    The first table has a row for each of several true gains, with the percentage of classes in which the gain
    is found. The second has a row for each of several true differences of the forms, with the percentage of
    classes in which the forms are shown to be equivalent.

    learners : an even number from 10 to 400
    """
    gains = [("true gain, questions", "found")]
    for gained in (0, 0.5, 1, 1.5, 2, 3):
        gains.append((f"{gained:g}", f"{statistics.detectable(learners, gained).gained:.0f}%"))
    forms = [("true difference of the forms", f"shown to be equivalent within {MARGIN}")]
    for difference in (0, 0.5, 1, 1.5):
        simulated = statistics.detectable(learners, 1.5, difference, margin=MARGIN)
        forms.append((f"{difference:g}", f"{simulated.equivalent:.0f}%"))
    return "\n".join([f"{learners} learners:", "", *columns(gains, (1,)), "", *columns(forms, (1,))]) + "\n"
