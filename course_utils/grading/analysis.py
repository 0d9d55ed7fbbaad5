"""Writes the analysis of a graded assignment, as a page and as a CSV file.

The page and the file say for each check of a task which students fail the check, and which known mistake is
the most frequent.
"""

import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from course_utils import units
from course_utils.errors import CourseError
from course_utils.grading import pages
from course_utils.grading.graded import Graded
from course_utils.grading.output import write_csv, write_text
from course_utils.grading.result import Result
from course_utils.statistics import wilson
from course_utils.views import charts

FEWEST = 8  # with fewer students than this, the discrimination of a task (see `Item`) is not computed
WEAK = 0.2  # below this discrimination, a task's points say little about the points of the other tasks
COLUMNS = ("task", "check", "hidden", "wrote an answer", "failed", "failed %", "95% from", "95% to")
COLUMNS += ("discrimination", "most frequent mistake", "made it", "failed for")


@dataclass(frozen=True)
class Check:
    """One check of a task, over all students who wrote an answer to it.

    number : the check's place among the checks of the task, from 1
    hidden : True if students do not see the check
    says : what a student sees if the check passes; "" if the check passed for nobody, or is hidden
    wrote : how many students wrote an answer
    failed : the students for whom the check fails
    mistakes : how many students made each known mistake, the most frequent first
    """

    number: int
    hidden: bool
    says: str
    wrote: int
    failed: tuple[str, ...]
    mistakes: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        return f"{'hidden' if self.hidden else 'check'} {self.number}"

    @property
    def rate(self) -> float:
        """The share of failures in percent."""
        return 100 * len(self.failed) / self.wrote if self.wrote else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the share of failures, in percent, by Wilson's method."""
        return wilson(len(self.failed), self.wrote) if self.wrote else (0.0, 100.0)


@dataclass(frozen=True)
class Item:
    """One task, over all students whose notebook could be graded.

    task, title : the task's grade id and heading
    points : the most points that the task can give
    students : how many notebooks could be graded
    wrote : how many of these notebooks have an answer to the task
    waiting : how many answers still wait for a person to give points
    mean : the mean share of the points that the answers got, in percent, without the answers that still wait
    discrimination : the correlation of the task's points with those of all other tasks, or None
    seconds : the median time that the answer and its checks took, in seconds
    slowest : the longest time that an answer and its checks took, in seconds
    again : how many students got more points because the task was judged a second time, with the instructor's
        answers to earlier tasks in place of the student's
    checks : the task's checks
    """

    task: str
    title: str
    points: float
    students: int
    wrote: int
    waiting: int
    mean: float
    discrimination: float | None
    seconds: float
    slowest: float
    again: int
    checks: tuple[Check, ...]


def items(results: list[Result]) -> list[Item]:
    """Return an `Item` for each task. Results of notebooks that could not be graded are left out."""
    graded = [result for result in results if not result.problem]
    found = []
    for tasks in zip(*(result.tasks for result in graded), strict=True):
        read = [(task, result) for task, result in zip(tasks, graded, strict=True) if not task.waits]
        seconds = [task.seconds for task in tasks]
        scores = [task.score for task, _ in read]
        rest = [result.score - task.score for task, result in read]
        total = sum(task.points for task, _ in read)
        found.append(
            Item(
                tasks[0].task,
                tasks[0].title or tasks[0].task,
                tasks[0].points,
                len(tasks),
                sum(task.written for task in tasks),
                len(tasks) - len(read),
                100 * sum(scores) / total if total else 0.0,
                _correlation(scores, rest),
                statistics.median(seconds),
                max(seconds),
                sum(bool(task.again) for task in tasks),
                _checks(tasks, graded),
            )
        )
    return found


def _checks(tasks, results):
    """Return a `Check` for each check of one task, over the students who wrote an answer."""
    wrote = [(task, result) for task, result in zip(tasks, results, strict=True) if task.written]
    most = max((len(task.checks) for task in tasks), default=0)
    found = []
    for index in range(most):
        mine = [(task.checks[index], result) for task, result in wrote if len(task.checks) > index]
        every = [task.checks[index] for task in tasks if len(task.checks) > index]
        failed = [(verdict, result) for verdict, result in mine if not verdict.passed]
        says = Counter(verdict.says for verdict, _ in mine if verdict.passed and not verdict.hidden)
        mistakes = Counter(verdict.mistake for verdict, _ in failed if verdict.mistake)
        names = tuple(sorted(result.student for _, result in failed))
        shown = says.most_common(1)[0][0] if says else ""
        found.append(
            Check(index + 1, every[0].hidden, shown, len(mine), names, tuple(mistakes.most_common()))
        )
    return tuple(found)


def _correlation(scores, rest):
    """Return the correlation of a task's points with the sum of the other tasks' points, over the students.

    Returns None for fewer than FEWEST students, and if all students have the same points in the task, or the
    same sum in the other tasks.
    """
    if len(scores) < FEWEST or len(set(scores)) < 2 or len(set(rest)) < 2:
        return None
    return statistics.correlation(scores, rest)


def remarks(item: Item) -> list[str]:
    """Return sentences on what to look at in one task, the most urgent first."""
    found, checks = [], item.checks
    nobody = [check.name for check in checks if check.wrote and len(check.failed) == check.wrote]
    if item.wrote >= FEWEST and nobody:
        found.append(f"Nobody passes {', '.join(nobody)}: is the check right, and the task clear?")
    if item.discrimination is not None and item.discrimination < 0:
        found.append("Students who do well elsewhere do badly here: read the task and its checks again.")
    elif item.discrimination is not None and item.discrimination < WEAK:
        found.append("The points here say little about the points elsewhere.")
    if item.wrote < 0.5 * item.students:
        found.append(f"Only {item.wrote} of {item.students} wrote an answer.")
    for check in checks:
        if check.mistakes and check.mistakes[0][1] >= max(2, 0.5 * len(check.failed)):
            says, count = check.mistakes[0]
            found.append(
                f"{check.name.capitalize()}: {count} of {len(check.failed)} failures are one mistake: {says}"
            )
    unnamed = [
        check.name
        for check in checks
        if len(check.failed) >= FEWEST and not check.hidden and not check.mistakes
    ]
    if unnamed:
        found.append(f"No failure of {', '.join(unnamed)} is a known mistake: look at a few, and name one.")
    return found


def write(graded: Graded) -> tuple[Path, Path, list[Item]]:
    """Write the analysis of a graded assignment. Return the page's path, the CSV file's path and the items.

    Raises CourseError if no notebook could be graded.
    """
    name = graded.assignment.name
    if not graded.usable:
        raise CourseError(f"No notebook of {name} could be graded: there is nothing to analyse.")
    found = items(graded.results)
    page, table = (graded.folder / "analysis" / f"{name}.{kind}" for kind in ("html", "csv"))
    write_text(page, _page(graded, found))
    write_csv(table, [list(COLUMNS), *_rows(found)])
    return page, table, found


def _rows(found):
    for item in found:
        for check in item.checks:
            low, high = check.interval
            says, count = check.mistakes[0] if check.mistakes else ("", "")
            row = [item.task, check.number, "yes" if check.hidden else "no", check.wrote, len(check.failed)]
            row += [f"{check.rate:.1f}", f"{low:.1f}", f"{high:.1f}"]
            row += ["" if item.discrimination is None else f"{item.discrimination:.2f}", says, count]
            yield [*row, " ".join(check.failed)]


def _page(graded, found):
    return pages.render(
        "analysis",
        fonts=True,
        name=graded.assignment.name,
        students=units.counted(len(graded.usable), "notebook"),
        unusable=len(graded.results) - len(graded.usable),
        items=found,
        pictures={item.task: _picture(item) for item in found if item.checks and item.wrote},
        overview=_overview(found),
        remarks={item.task: remarks(item) for item in found},
        seconds=statistics.median(result.seconds for result in graded.usable),
        fewest=FEWEST,
    )


def _overview(found):
    read = [item for item in found if item.waiting < item.students]
    if not read:
        return ""
    return charts.bars(
        [item.title for item in read],
        [round(item.mean) for item in read],
        unit="% of the points",
        baseline=100,
        baseline_label="all points",
        title="How much of each task's points the class has",
    ).html


def _picture(item):
    return charts.intervals(
        [check.name for check in item.checks],
        [check.rate for check in item.checks],
        [check.interval if check.wrote else None for check in item.checks],
        columns=2 if len(item.checks) > 6 else 1,
        title=f"For how many percent of the {item.wrote} answers each check fails",
        note="95% intervals by Wilson's method.",
    ).html
