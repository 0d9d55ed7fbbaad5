"""Turns the results of a student's code into points, in a process that never runs that code."""

import hashlib
import threading
import time
import traceback
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import course_utils
from course_utils.errors import CourseError
from course_utils.grading import intake, wire
from course_utils.grading.assignment import Assignment, Task
from course_utils.grading.sandbox import Ended, Sandbox
from course_utils.learning import check

ROUNDS = 3  # runs of one notebook at most, if a cell ends each run before
LEAST, TIMES = 10, 10  # time limit for a task: TIMES the instructor's whole notebook, at least LEAST seconds
_STOPPED = "raise RuntimeError('this cell ended the whole notebook')"
_HIDDEN_WRONG = "A further input, which is not shown, gives another result: think of more cases."


def _own_code():
    package = Path(course_utils.__file__).parent
    files = sorted([*package.glob("grading/*.py"), *package.glob("learning/check.py")])
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


CODE = _own_code()  # a hash of the code that a result depends on


@dataclass
class _Check:
    """What the instructor's answer gave for one check, with one entry for each time that the check ran."""

    hidden: bool
    calls: list[str] = field(default_factory=list)
    abouts: list[str] = field(default_factory=list)
    expected: list = field(default_factory=list)
    mistakes: list[dict] = field(default_factory=list)
    tolerances: list[float] = field(default_factory=list)


class Judge:
    """Grades submissions of one assignment.

    assignment : the instructor's notebook
    sandbox : runs the code; must already be entered
    seconds : the limit for one task; by default derived from the time of the instructor's own answers
    """

    def __init__(self, assignment: Assignment, sandbox: Sandbox, seconds: float | None = None):
        self.assignment, self.sandbox, self.seconds = assignment, sandbox, seconds
        self._checks: dict[str, _Check] | None = None
        self._lock = threading.Lock()

    def prepare(self):
        """Runs the instructor's answers once and keeps their results. Raises CourseError if they fail."""
        with self._lock:
            if self._checks is not None:
                return
            checks = {
                name: _Check(f"__probe__({name!r}," in task.hidden)
                for task in self.assignment.tasks.values()
                for name in task.probes
            }
            begin = time.monotonic()
            limit = self.seconds or 600
            job = {"cells": self.assignment.cells(self.assignment.solutions(), {}, whole=True)}
            job |= {"seconds": limit, "whole": True}
            try:
                for message in self.sandbox.run(job, limit):
                    if message.get("problem"):
                        raise CourseError(f"The instructor's notebook: {message['problem']['stopped']}")
                    if "expected" in message:
                        self._learn(checks[message["probe"]], message)
            except Ended as error:
                raise CourseError(f"The instructor's notebook {error}.") from None
            missing = [name for name, each in checks.items() if not each.calls]
            if missing:
                raise CourseError(f"The instructor's notebook never came to the check {missing[0]!r}.")
            self.seconds = limit if self.seconds else max(LEAST, TIMES * (time.monotonic() - begin))
            self._checks = checks

    def _learn(self, each, message):
        expected, mistakes = wire.decode(message["expected"]), dict(message["mistakes"])
        mistakes = {says: wire.decode(wrong) for says, wrong in mistakes.items()}
        outcome = _outcome(message["outcome"])
        problem, _ = check.judge(outcome, expected, {}, message["tolerance"], message["call"])
        if problem:
            raise CourseError(f"The instructor's own answer fails its check: {message['task']}{problem}")
        each.calls.append(message["call"])
        each.abouts.append(message["about"])
        each.expected.append(expected)
        each.mistakes.append(mistakes)
        each.tolerances.append(message["tolerance"])

    def grade(self, submission: intake.Submission) -> dict:
        """Returns one student's result, as `record` keeps it. Raises CourseError if nothing can be graded.

        If the grader itself fails, only this result suffers: it gets a sentence that says so, and an empty
        "key", so that the next run grades it again.
        """
        self.prepare()
        try:
            return self._grade(submission)
        except CourseError:
            raise
        except Exception as error:
            traceback.print_exc()
            problem = f"The grader itself failed ({type(error).__name__}): tell your instructor."
            return self._grade(replace(submission, problem=problem)) | {"key": ""}

    def _grade(self, submission):
        begin = time.monotonic()
        result = {"student": submission.student, "lms": list(submission.lms), "problem": submission.problem}
        result |= {"notes": [], "score": 0.0, "max": self.assignment.points}
        answers, found = intake.Answers(), _Found(set())
        if not submission.problem:
            try:
                answers = intake.answers(submission.data, self.assignment)
                found = self._found(answers)
            except intake.Unusable as error:
                result["problem"] = str(error)
            except (wire.Garbled, RecursionError) as error:
                result["problem"] = f"What came back can't be read: {error}."
        result["notes"] = answers.notes + found.notes
        result["tasks"] = [
            asdict(self._task(task, answers, found)) for task in self.assignment.tasks.values()
        ]
        result["score"] = round(sum(task["score"] for task in result["tasks"]), 2)
        result["seconds"] = round(time.monotonic() - begin, 3)
        return result

    def _found(self, answers):
        """Runs a student's cells. If one ends the whole notebook, runs the others again without it."""
        code, before = dict(answers.code), dict(answers.before)
        kept = _Found(self._hidden())
        for _ in range(ROUNDS):
            cells = self.assignment.cells(code, before)
            job = {"cells": cells, "seconds": self.seconds}
            job["hidden"] = [task.hidden for task in self.assignment.tasks.values() if task.hidden]
            found, at = _Found(self._hidden(), kept.notes, dict(kept.ended)), None
            try:
                # A task with hidden tests may use its limit twice: in its cell or check, and in those tests.
                for message in self.sandbox.run(job, self.seconds * (2 * len(job["hidden"]) + 1)):
                    at = found.hear(message, cells, at)
                return found
            except (Ended, wire.Garbled) as error:
                # After `done` the code knows the hidden inputs: the way it ends could reveal them.
                said = str(error) if isinstance(error, Ended) else f"sent {error}"
                how = "ended in a check that is not shown" if found.done else said
                name = cells[at]["name"] if at is not None else ""
                if at is not None and cells[at]["kind"] == "check":
                    name = self.assignment.tasks[name].answer
                if name not in self.assignment.answers or cells[at]["kind"] == "given":
                    found.notes.append(f"Your notebook {how}.")
                    return found
                if cells[at]["kind"] == "own":
                    before.pop(name)
                    found.notes.append(f"A cell of yours before {name!r} was left out: with it, all {how}.")
                else:
                    code[name] = _STOPPED
                    found.ended[name] = f"ended the whole notebook: it {how}"
                kept = found
        return kept

    def _hidden(self):
        return {name for name, each in self._checks.items() if each.hidden}

    def _task(self, task, answers, found):
        graded = Graded.of(task)
        graded.source = (answers.texts if task.manual else answers.code).get(task.answer, "")
        output = found.outputs.get(task.answer, {})
        graded.text, graded.shown = output.get("text", ""), output.get("shown", [])
        if not task.manual:
            ended = found.ended.get(task.answer)
            stopped = found.problems.get(task.answer)
            if ended:
                graded.stopped = f"Your cell {ended}."
            elif stopped and "NotImplementedError" not in stopped:
                graded.stopped = f"Your cell stopped with {stopped}."
            for name in task.probes:
                graded.checks += self._verdicts(name, found.outcomes.get(name, []))
            passed = sum(each["passed"] for each in graded.checks)
            hidden = [each["passed"] for each in graded.checks if each["hidden"]]
            if any(hidden) or not hidden:  # no points if every hidden check fails
                graded.score = round(task.points * passed / max(1, len(graded.checks)), 2)
        return graded

    def _verdicts(self, name, outcomes):
        wanted, verdicts = self._checks[name], []
        for number, call in enumerate(wanted.calls):
            outcome = _outcome(outcomes[number]) if number < len(outcomes) else {"unreadable": "was not run."}
            try:
                problem, _ = check.judge(
                    outcome,
                    wanted.expected[number],
                    wanted.mistakes[number],
                    wanted.tolerances[number],
                    call,
                )
            except Exception as error:  # a value that can be read but not compared
                problem = f": {call} gave what can't be compared ({type(error).__name__})."
            says = wanted.abouts[number] or call
            if problem:
                says = problem.removeprefix(":").strip()
            if wanted.hidden:
                says = _HIDDEN_WRONG if problem else "A further input, which is not shown."
            verdicts.append({"passed": not problem, "hidden": wanted.hidden, "says": says[:2000]})
        return verdicts


@dataclass
class Graded:
    """The part of a result that belongs to one task."""

    task: str
    title: str
    points: float
    score: float = 0.0
    manual: bool = False
    stopped: str = ""
    checks: list[dict] = field(default_factory=list)
    source: str = ""
    text: str = ""
    shown: list[dict] = field(default_factory=list)

    @classmethod
    def of(cls, task: Task):
        """Returns the entry of a task before anything is graded."""
        return cls(task.name, task.title, task.points, manual=task.manual)


@dataclass
class _Found:
    """The validated results of a student's run. `hidden` names the checks that come after `done`."""

    hidden: set[str]
    notes: list[str] = field(default_factory=list)
    ended: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, list] = field(default_factory=dict)
    outputs: dict[str, dict] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    done: bool = False  # all that the student will see has arrived

    def hear(self, message, cells, at):
        """Processes one message. Returns the index of the cell that is running."""
        if message.get("done"):
            self.done = True
        elif isinstance(message.get("begin"), int) and 0 <= message["begin"] < len(cells):
            at = message["begin"]
        elif isinstance(message.get("probe"), str):
            # Accept visible checks only before `done` and hidden ones only after it: from then on the code
            # knows the hidden inputs, and nothing from it may reach the student.
            if self.done == (message["probe"] in self.hidden):
                self.outcomes.setdefault(message["probe"], []).append(message.get("outcome"))
        elif at is not None and message.get("cell") == at and cells[at]["kind"] == "answer" and not self.done:
            name = cells[at]["name"]
            self.outputs[name] = {"text": _text(message.get("text"), 5000), "shown": _shown(message)}
            if isinstance(message.get("problem"), dict):
                self.problems[name] = _text(message["problem"].get("stopped"), 300)
        return at


def _text(value, length):
    return value.encode(errors="replace").decode()[:length] if isinstance(value, str) else ""


def _shown(message):
    kept = []
    for each in message["shown"][:3] if isinstance(message.get("shown"), list) else ():
        if isinstance(each, dict):
            kept += [
                {kind: each[kind][:size]}
                for kind, size in (("image/png", 400_000), ("text/plain", 5_000))
                if isinstance(each.get(kind), str)
            ]
    return kept


def _outcome(data) -> dict:
    """Returns a valid outcome, in the form of `check.attempt`, whatever data the sandbox sent."""
    if not isinstance(data, dict):
        return {"unreadable": "gave nothing that can be read."}
    if "value" in data:
        try:
            return {"value": wire.decode(data["value"]), "changed": data.get("changed") is not False}
        except (wire.Garbled, RecursionError) as error:
            return {"unreadable": f"returned {error}."}
    if "unwritten" in data:
        return {"unwritten": True}
    for name in ("lacks", "stopped", "unreadable"):
        if name in data:
            outcome = {name: _text(data[name], 400) or "something that can't be shown"}
            return outcome | ({"line": _text(data.get("line"), 200)} if name == "stopped" else {})
    return {"unreadable": "gave nothing that can be read."}
