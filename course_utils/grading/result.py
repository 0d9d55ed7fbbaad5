"""The result of grading one student's submission, and the JSON in which the result is stored."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from course_utils.grading.assignment import Task


@dataclass(frozen=True)
class Verdict:
    """The verdict on one call of the student's function."""

    passed: bool
    hidden: bool  # True if the call is in a hidden test
    says: str  # a sentence that tells the student what was right or wrong

    # A sentence that names the known mistake. If the call is hidden, only the instructor sees this sentence.
    mistake: str = ""


@dataclass(frozen=True)
class TaskResult:
    """The part of a result that belongs to one task."""

    task: str  # the grade id of the cell that has the points
    title: str
    points: float  # the most that the task can give
    score: float = 0.0  # the points that the student got
    manual: bool = False  # True if a person gives the points
    stopped: str = ""  # a sentence on how the student's cell failed, or ""
    again: str = ""  # "", or a sentence that says that the instructor's answers to earlier tasks were used
    checks: tuple[Verdict, ...] = ()
    source: str = ""  # the student's answer
    text: str = ""  # the text that the answer printed
    shown: tuple[dict[str, str], ...] = ()  # the pictures and texts that the answer displayed, by MIME type
    written: bool = True  # False if the answer is as it was handed out, or is missing
    seconds: float = field(default=0.0, compare=False)  # how long the answer and its checks took

    # The next two fields are stored in the gradebook, and not with the result.
    waits: bool = False  # True if a person must still give the points
    comment: str = ""

    @classmethod
    def ungraded(cls, task: Task):
        """Return the result of a task for which nothing was handed in."""
        return cls(task.name, task.title, task.points, manual=task.manual)


@dataclass(frozen=True)
class Result:
    """One student's result."""

    student: str
    lms: tuple[str, str]  # the platform and the student's number in it
    problem: str  # why nothing could be graded, or ""
    notes: tuple[str, ...]  # sentences that tell the student what was missing or left out
    tasks: tuple[TaskResult, ...]
    seconds: float  # how long the grading took
    key: str = ""  # a hash of all that the result depends on; if "", the next run grades the work again
    seed: int | None = None  # the seed of the hidden inputs; None if an old version without seeds graded
    now: bool = True  # False if the submission was in an earlier run only. This field is not stored.

    @property
    def score(self) -> float:
        return round(sum(task.score for task in self.tasks), 2)

    @property
    def points(self) -> float:
        """The highest number of points that can be reached."""
        return sum(task.points for task in self.tasks)

    @property
    def waiting(self) -> int:
        """The number of answers to which a person must still give points."""
        return sum(task.waits for task in self.tasks)

    def of_tasks(self, tasks: dict[str, Task]):
        """Return a copy with exactly these tasks; a task that the result does not have yet is ungraded."""
        mine = {task.task: task for task in self.tasks}
        return replace(
            self, tasks=tuple(mine.get(name) or TaskResult.ungraded(task) for name, task in tasks.items())
        )

    def without_work(self):
        """Return a copy without the student's answers and their output, to save memory."""
        return replace(self, tasks=tuple(replace(task, source="", text="", shown=()) for task in self.tasks))

    def to_json(self) -> str:
        """Return the result as JSON, in the form in which it is stored."""
        facts = asdict(self) | {"score": self.score, "max": self.points}
        del facts["now"]
        for task in facts["tasks"]:
            del task["waits"], task["comment"]
        return json.dumps(facts, indent=1)

    @classmethod
    def read(cls, path: Path):
        """Return the result that is stored in a file, or None if the file is missing or can't be read."""
        try:
            return cls.from_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @classmethod
    def from_json(cls, text: str):
        """Return the result from the JSON that `to_json` wrote in this or an earlier version of the course.

        Raises ValueError, KeyError or TypeError if the text has another form.
        """
        facts = json.loads(text)
        tasks = tuple(
            TaskResult(**task | {"checks": tuple(Verdict(**check) for check in task["checks"])})
            for task in facts["tasks"]
        )
        names = ("student", "problem", "seconds", "key")
        lists = {"lms": tuple(facts["lms"]), "notes": tuple(facts["notes"]), "tasks": tasks}
        return cls(**{name: facts[name] for name in names}, **lists, seed=facts.get("seed"))
