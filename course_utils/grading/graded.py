"""Reads a folder that `course grade` wrote, and the points that a person gave in nbgrader's gradebook."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.grading import gradebook
from course_utils.grading.assignment import Assignment
from course_utils.grading.output import locked
from course_utils.grading.result import Result


@dataclass(frozen=True)
class Graded:
    """One graded assignment: the folder, the instructor's notebook, and all results, sorted by student."""

    folder: Path
    assignment: Assignment
    results: list[Result]

    @property
    def usable(self) -> list[Result]:
        """The results of the notebooks that could be graded."""
        return [result for result in self.results if not result.problem]


@contextlib.contextmanager
def open_graded(folder: str | Path, name: str | None = None) -> Iterator[Graded]:
    """Provide a graded assignment. During the `with` block no other process changes the folder.

    folder : the folder that `course grade` wrote
    name : the assignment's name, or a lesson's number; needed only if the folder has several assignments
    Raises CourseError if the folder has no results of the assignment, or if another process is at work in it.
    """
    folder = Path(folder)
    names = sorted(path.stem for path in folder.glob("source/*/*.ipynb"))
    chosen = [each for each in names if name in (None, each, each[:2])]
    if len(chosen) > 1:
        raise CourseError(f"{folder} has results of {', '.join(chosen)}: say which.")
    if not chosen:
        what = f"no results of {name}" if name and names else "no results"
        raise CourseError(f"{folder} has {what}: give the folder that `course grade` wrote with --out.")
    (name,) = chosen
    with locked(folder):
        assignment = Assignment(folder / "source" / name / f"{name}.ipynb")
        entries = gradebook.read(folder / "gradebook.db", assignment)
        results = []
        for path in sorted((folder / "results" / name).glob("*.json")):
            # Leave out a damaged file; the next `course grade` writes the result again.
            if result := Result.read(path):
                result = result.of_tasks(assignment.tasks)
                unread = {task.task: {"waits": task.manual} for task in result.tasks}
                results.append(gradebook.with_gradebook(result, unread | entries.get(result.student, {})))
        if not results:
            raise CourseError(f"{folder} has no results of {name}: run `course grade` again.")
        yield Graded(folder, assignment, results)
