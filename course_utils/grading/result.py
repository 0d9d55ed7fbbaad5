"""The result of grading one student's submission, and the form in which it is stored."""

import json
from dataclasses import asdict, dataclass, replace

from course_utils.grading.assignment import Task


@dataclass(frozen=True)
class Verdict:
    """The verdict on one call of the student's function."""

    passed: bool
    hidden: bool  # from a hidden test
    says: str  # what was right or wrong, for the student


@dataclass(frozen=True)
class TaskResult:
    """The part of a result that belongs to one task."""

    task: str  # the grade id of the graded cell
    title: str
    points: float  # the most that the task can give
    score: float = 0.0  # the points that it gave
    manual: bool = False  # True if a person gives the points
    stopped: str = ""  # how the student's cell failed, as a sentence
    checks: tuple[Verdict, ...] = ()
    source: str = ""  # the student's answer
    text: str = ""  # what it printed
    shown: tuple[dict[str, str], ...] = ()  # the pictures and texts that it displayed, by MIME type
    # The gradebook knows these; they are not stored in the result.
    waits: bool = False  # True if a person has still to give the points
    comment: str = ""

    @classmethod
    def ungraded(cls, task: Task):
        """Return the result of a task for which nothing was handed in."""
        return cls(task.name, task.title, task.points, manual=task.manual)


@dataclass(frozen=True)
class Result:
    """One student's result."""

    student: str
    lms: tuple[str, str]  # see `intake.Submission`
    problem: str  # why nothing could be graded, or ""
    notes: tuple[str, ...]  # for the student: what was missing or was left out
    tasks: tuple[TaskResult, ...]
    seconds: float  # how long the grading took
    key: str = ""  # a hash of all that the result depends on; with "" the next run grades it again
    now: bool = True  # False if the submission came with an earlier delivery; not stored

    @property
    def score(self) -> float:
        return round(sum(task.score for task in self.tasks), 2)

    @property
    def points(self) -> float:
        """The most points that can be reached."""
        return sum(task.points for task in self.tasks)

    @property
    def waiting(self) -> int:
        """How many answers wait for a person."""
        return sum(task.waits for task in self.tasks)

    def without_work(self):
        """Return a copy without the student's answers and what they printed, to save memory."""
        return replace(self, tasks=tuple(replace(task, source="", text="", shown=()) for task in self.tasks))

    def to_json(self) -> str:
        """Return the result as it is stored."""
        facts = {"key": self.key, "student": self.student, "lms": self.lms, "problem": self.problem}
        facts |= {"notes": self.notes, "score": self.score, "max": self.points, "tasks": []}
        for task in self.tasks:
            stored = asdict(task)
            del stored["waits"], stored["comment"]
            facts["tasks"].append(stored)
        return json.dumps(facts | {"seconds": self.seconds}, indent=1)

    @classmethod
    def from_json(cls, text: str):
        """Return the result that `to_json` wrote, in this version of the course or an earlier one.

        Raises ValueError, KeyError or TypeError if the text has another form.
        """
        facts = json.loads(text)
        tasks = tuple(
            TaskResult(**task | {"checks": tuple(Verdict(**check) for check in task["checks"])})
            for task in facts["tasks"]
        )
        names = ("student", "problem", "seconds", "key")
        lists = {"lms": tuple(facts["lms"]), "notes": tuple(facts["notes"]), "tasks": tasks}
        return cls(**{name: facts[name] for name in names}, **lists)
