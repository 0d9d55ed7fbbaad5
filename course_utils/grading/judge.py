"""Turns the results of a student's code into points, in a process that never executes that code."""

import contextlib
import hashlib
import threading
import time
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path

import course_utils
from course_utils.errors import CourseError
from course_utils.grading import answers, intake, wire
from course_utils.grading.assignment import Assignment
from course_utils.grading.result import Result, TaskResult, Verdict
from course_utils.grading.sandbox import Ended, Lost, Sandbox
from course_utils.learning import checks, drawn

MOST_LOST = 2  # the most times that a notebook is graded again after the sandbox's server has died
MOST_RUNS = 3  # the most runs of one notebook; each run leaves out the cells that ended earlier runs

# The default time limit for a task is TIMES the time of the instructor's whole notebook, and at least
# LEAST_SECONDS.
TIMES, LEAST_SECONDS = 10, 10
_ENDS_ALL = "raise RuntimeError('this cell ended the whole notebook')"
_HIDDEN_RIGHT = "A further input, which is not shown."
_HIDDEN_WRONG = "A further input, which is not shown, gives another result: think of more cases."
_AGAIN = "This answer uses an earlier one that is not right yet. With right earlier answers {} of its {} "
_AGAIN += "checks pass, and that is what counts."
_WITH_RIGHT_ONES = "This passes with your own earlier answer only, and not with a right one."


# The files whose code decides a grade. grading/intake.py is left out, because each result's `key` already
# depends on the notebook that intake has found. The modules that write pages are left out, because they only
# show the grade.
DECIDING = ("learning/checks.py", "learning/drawn.py", "learning/hints.py", "grading/answers.py")
DECIDING += ("grading/assignment.py", "grading/judge.py", "grading/result.py", "grading/sandbox.py")
DECIDING += ("grading/student_process.py", "grading/system_calls.py", "grading/usage.py", "grading/wire.py")


def hash_of_code(package: Path) -> str:
    """Return a hash of the code that decides a grade, in a copy of this package."""
    return hashlib.sha256(b"".join((package / file).read_bytes() for file in DECIDING)).hexdigest()


CODE = hash_of_code(Path(course_utils.__file__).parent)


def key_of(assignment: Assignment, submission: intake.Submission, seconds: float | None) -> str:
    """Return a hash of the assignment, the submission, the time limit and the code that decides a grade."""
    return hashlib.sha256(f"{assignment.key} {submission.key} {seconds} {CODE}".encode()).hexdigest()


@dataclass(frozen=True)
class _Expected:
    """One call of a check in the instructor's notebook, with what the check expects: see `checks.check`.

    mistakes : {message: wrong values} as `checks.wrong_values` returns them
    """

    call: str
    about: str
    value: object
    mistakes: dict[str, list]
    tolerance: float


def share_earned(visible: list[bool], hidden: list[tuple[dict, object, float]]) -> float:
    """Return the share of a task's points that its checks give, from 0 to 1.

    This is the share of checks that pass, with two exceptions. The share is 0 if all hidden checks fail,
    because the answer then fits only the inputs that the student could see. The share is also 0 if the hidden
    checks want different values, but the answer returned one value in all hidden checks that it passed. Such
    an answer returns a constant.

    visible : whether each visible check passed
    hidden : (outcome, wanted value, tolerance) for each hidden check; the outcome is that of
        `checks.attempt`, or {} if the check did not pass
    """
    passed = [outcome for outcome, _, _ in hidden if outcome]
    if hidden and not passed:
        return 0.0
    if hidden:
        constant = passed[0]["value"]
        is_constant = all(outcome["value"] == constant for outcome in passed)
        if is_constant and not all(checks.agrees({"value": constant}, *wanted) for _, *wanted in hidden):
            return 0.0
    return (sum(visible) + len(passed)) / max(1, len(visible) + len(hidden))


class Judge:
    """Grades submissions of one assignment.

    assignment : the instructor's notebook
    sandbox : the sandbox that executes the code; its `with` block must already have been entered
    seconds : the time limit for one task; by default derived from the time of the instructor's own answers
    seed : the seed with which the hidden inputs are drawn; by default a new one for each Judge
    """

    def __init__(
        self, assignment: Assignment, sandbox: Sandbox, seconds: float | None = None, seed: int | None = None
    ):
        self.assignment, self.sandbox, self.seconds = assignment, sandbox, seconds
        self.seed = drawn.new_seed() if seed is None else seed
        self._given_seconds = seconds
        self._hidden_checks = {name for task in assignment.tasks.values() for name in task.hidden_checks}
        self._expected: dict[str, list[_Expected]] | None = None  # {check: an `_Expected` for each call}
        self._lock = threading.Lock()

    def prepare(self):
        """Execute the instructor's answers once, and keep the results. Raises CourseError if they fail."""
        with self._lock:
            if self._expected is None:
                begin = time.monotonic()
                try:
                    expected = self._run_instructors_answers(self.seconds or 600)
                except CourseError:
                    if not self.assignment.shows:
                        raise
                    # Try again with all cells, because a cell that seemed only to show something may be
                    # needed.
                    self.assignment.shows.clear()
                    begin = time.monotonic()
                    expected = self._run_instructors_answers(self.seconds or 600)
                self.seconds = self.seconds or max(LEAST_SECONDS, TIMES * (time.monotonic() - begin))
                self._expected = expected

    def _run_instructors_answers(self, seconds):
        cells = self.assignment.cells(self.assignment.solutions, {}, whole=True)
        job = {"cells": cells, "seconds": seconds, "whole": True, "seed": self.seed}
        expected = {name: [] for task in self.assignment.tasks.values() for name in task.checks}
        try:
            for message in self.sandbox.messages(job, seconds):
                if message.get("problem"):
                    raise CourseError(f"The instructor's notebook: {message['problem']['stopped']}")
                if "expected" in message:
                    expected[message["check"]].append(_expected(message))
        except Ended as error:
            raise CourseError(f"The instructor's notebook {error}.") from None
        missing = [name for name, calls in expected.items() if not calls]
        if missing:
            raise CourseError(f"The instructor's notebook never came to the check {missing[0]!r}.")
        return expected

    def grade(self, submission: intake.Submission) -> Result:
        """Return one student's result. Raises CourseError if nothing can be graded.

        If the grader itself fails, only this student's result is affected. The result then contains a
        sentence that says so, and an empty `key`, so that the next run grades the submission again.
        """
        self.prepare()
        try:
            for _ in range(MOST_LOST):
                with contextlib.suppress(Lost):
                    return self._grade(submission)
            return self._grade(submission)
        except CourseError:
            raise
        except Exception as error:
            traceback.print_exc()
            problem = f"The grader itself failed ({type(error).__name__}): tell your instructor."
            return replace(self._grade(replace(submission, problem=problem)), key="")

    def _grade(self, submission):
        begin = time.monotonic()
        problem, given, report = submission.problem, answers.Answers(), _Report(set())
        tasks = {}
        if not problem:
            try:
                given = answers.find(submission.data, self.assignment)
                report = self._run(given)
            except answers.Unusable as error:
                problem = str(error)
            except (wire.Garbled, RecursionError) as error:
                problem = f"What came back can't be read: {error}."
        for name, task in self.assignment.tasks.items():
            tasks[name] = self._result(task, given, report)
            if tasks[name].score < task.points and not (problem or task.manual):
                tasks[name] = self._with_instructors(task, tasks, given, report)
        return Result(
            student=submission.student,
            lms=tuple(submission.lms),
            problem=problem,
            notes=(*given.notes, *report.notes),
            tasks=tuple(tasks.values()),
            seconds=round(time.monotonic() - begin, 3),
            key=key_of(self.assignment, submission, self._given_seconds),
            seed=self.seed,
        )

    def _run(self, given):
        """Execute a student's cells, and return the report. If a cell ends the run, run the others again.

        If a run ends after it has received the inputs of the hidden tests, it may leave traces of these
        inputs for the next run, because Linux keeps in memory the parts of files that a run has read. So only
        one more run follows, and the student sees nothing of that run.
        """
        code, before = dict(given.code), dict(given.before)
        notes, ended, seen = [], {}, None
        for _ in range(MOST_RUNS):
            cells = self.assignment.cells(code, before)
            hidden = [task.hidden for task in self.assignment.tasks.values() if task.hidden]
            report = _Report(self._hidden_checks, notes, ended, cells, seen)
            try:
                self._execute(cells, hidden, report)
                return report
            except (Ended, wire.Garbled) as error:
                how = str(error) if isinstance(error, Ended) else f"sent {error}"
            if seen:
                return report
            if report.done:
                how, seen = "ended in a check that is not shown", report
            cell = cells[report.index] if report.index is not None else {"role": "", "name": ""}
            name = self.assignment.tasks[cell["name"]].answer if cell["role"] == "check" else cell["name"]
            if cell["role"] == "own":
                del before[name]
                notes.append(f"A cell of yours before {name!r} was left out: with it, all {how}.")
            elif name not in self.assignment.answers or cell["role"] == "given":
                notes.append(f"Your notebook {how}.")
                return report
            else:
                code[name] = _ENDS_ALL
                ended[name] = f"ended the whole notebook: it {how}"
        return report

    def _execute(self, cells, hidden, report):
        """Execute cells and hidden tests in the sandbox, and add the messages that arrive to the report."""
        # `self.seconds` is the time limit for one task. For each task with hidden tests, the run gets this
        # limit twice, for the task's visible cells and for its hidden tests. The run gets the limit once more
        # for everything else.
        limit = self.seconds * (2 * len(hidden) + 1)
        job = {"cells": cells, "seconds": self.seconds, "hidden": hidden, "seed": self.seed}
        for message in self.sandbox.messages(job, limit):
            report.add(message)

    def _with_instructors(self, task, tasks, given, report):
        """Judge a task again with the instructor's answers to earlier tasks. Return the better result.

        In this way, a mistake costs only the points of its own task. From the second run only the verdicts
        are used, and no text or value, because in that run the student's code could read the instructor's
        answers to earlier tasks.

        tasks : the results of this task and of those before it
        """
        first = tasks[task.name]
        lost = {
            self.assignment.tasks[name].answer
            for name, result in tasks.items()
            if name != task.name and not result.manual and result.score < result.points
        } - {task.answer}
        if not first.written or task.answer in report.ended or not lost:
            return first
        if not lost & self.assignment.earlier_answers(report.cells, task):
            return first
        if any(self.assignment.functions(name) & self.assignment.functions(task.answer) for name in lost):
            return first  # the instructor's answer to an earlier task would also answer this task
        cells = self.assignment.cells_with_instructors(report.cells, task, lost)
        second = _Report(self._hidden_checks, cells=cells)
        try:
            self._execute(cells, [task.hidden] if task.hidden else [], second)
        except (Ended, wire.Garbled):
            return first
        other = self._result(task, given, second)
        if other.score <= first.score:
            return first
        verdicts = []
        for before, after in zip(first.checks, other.checks, strict=True):
            if before.passed and not after.passed:
                before = replace(before, passed=False, says=_WITH_RIGHT_ONES)
            verdicts.append(after if after.passed else before)
        passed = sum(verdict.passed for verdict in verdicts)
        again = _AGAIN.format(passed, len(verdicts))
        return replace(first, checks=tuple(verdicts), score=other.score, again=again)

    def _result(self, task, given, report):
        """Return the result of one task."""
        source = (given.texts if task.manual else given.code).get(task.answer, "")
        text, shown = report.outputs.get(task.answer, ("", ()))
        below = [] if task.manual else given.before.get(task.name, [])
        stub = self.assignment.answers.get(task.answer, "")
        result = replace(
            TaskResult.ungraded(task),
            source="\n\n# In a cell below:\n".join([source, *below]),
            text=text,
            shown=tuple(shown),
            written=source.strip() not in ("", stub.strip()) or bool(below),
        )
        if task.manual:
            return result
        stopped, problem = "", report.problems.get(task.answer)
        if task.answer in report.ended:
            stopped = f"Your cell {report.ended[task.answer]}."
        elif problem and "NotImplementedError" not in problem:
            stopped = f"Your cell stopped with {problem}."
        calls = [call for name in task.checks for call in self._calls(name, report)]
        misfits = {
            says
            for _, outcome, expected in calls
            for says, wrong in expected.mistakes.items()
            if not _explains(wrong, outcome, expected.tolerance)
        }
        verdicts = tuple(_verdict(*call, misfits) for call in calls)
        visible = [verdict.passed for verdict in verdicts if not verdict.hidden]
        hidden = [
            (outcome if verdict.passed else {}, expected.value, expected.tolerance)
            for verdict, (is_hidden, outcome, expected) in zip(verdicts, calls, strict=True)
            if is_hidden
        ]
        score = round(task.points * share_earned(visible, hidden), 2)
        seconds = round(sum(report.seconds.get(name, 0) for name in {task.answer, task.name}), 3)
        return replace(result, stopped=stopped, checks=verdicts, score=score, seconds=seconds)

    def _calls(self, name, report):
        """For each call of one check, yield (whether the call is hidden, its outcome, what is expected)."""
        outcomes = report.outcomes.get(name, [])
        for number, expected in enumerate(self._expected[name]):
            outcome = {"unreadable": "was not run."}
            if number < len(outcomes):
                outcome = _outcome(outcomes[number])
            yield name in self._hidden_checks, outcome, expected


def _verdict(hidden, outcome, expected, misfits):
    """Return the verdict on one call.

    misfits : the messages of the known mistakes that fail to explain the outcome of one or more calls; no
        verdict names these mistakes
    """
    known = {says: wrong for says, wrong in expected.mistakes.items() if says not in misfits}
    problem = _problem(outcome, replace(expected, mistakes=known))
    word = "" if problem else checks.word_on_precision(outcome, expected.value, expected.tolerance)
    says = problem.removeprefix(":").strip() if problem else (expected.about or expected.call) + word
    named = (problem or "").removesuffix(checks.CHANGED_TOO)
    mistake = next((text for text in known if named == f": {text}"), "")
    if hidden:
        says = _HIDDEN_WRONG if problem else _HIDDEN_RIGHT
    return Verdict(not problem, hidden, says[:2000], mistake)


def _expected(message):
    """Return what one call of a check expects, from the message that the instructor's notebook sent.

    Raises CourseError if the instructor's own answer fails the check.
    """
    value = wire.decode(message["expected"])
    mistakes = {says: [wire.decode(wrong) for wrong in values] for says, values in message["mistakes"]}
    expected = _Expected(message["call"], message["about"], value, mistakes, message["tolerance"])
    problem = _problem(_outcome(message["outcome"]), replace(expected, mistakes={}))
    if problem:
        raise CourseError(f"The instructor's own answer fails its check: {message['task']}{problem}")
    return expected


def _explains(wrong, outcome, tolerance):
    """Return whether a known mistake gives the values that a student's function gave.

    wrong : the values that the mistake gives: first the value for the call's own arguments, and then, if they
        are known, the values for the other arguments with which the check also calls the function
    outcome : the outcome of the student's call; "further" has the outcomes for those other arguments
    """
    outcomes = [outcome, *outcome.get("further", [])][: len(wrong)]
    return len(outcomes) == len(wrong) and all(
        checks.agrees(given, checks.plain(value), tolerance)
        for given, value in zip(outcomes, wrong, strict=True)
    )


def _problem(outcome, expected):
    """Return what is wrong with the outcome of a call, or None if nothing is."""
    wanted, tolerance, call = expected.value, expected.tolerance, expected.call
    mistakes = expected.mistakes.items()
    shown = (says for says, wrong in mistakes if _explains(wrong, outcome, tolerance))
    try:
        return checks.problem_of(outcome, wanted, shown, tolerance, call, expected.about)
    except Exception as error:  # the value can be read, but can't be compared
        return f": {call} gave a value that can't be compared ({type(error).__name__})."


@dataclass
class _Report:
    """What the sandbox has reported about a student's run.

    Invalid messages are ignored, and so are outputs and visible checks that arrive after `done`.
    """

    hidden_checks: set[str]  # the checks whose outcomes count only after `done`
    notes: list[str] = field(default_factory=list)  # sentences for the student
    ended: dict[str, str] = field(default_factory=dict)  # {grade id: how the answer ended the whole run}
    cells: list[dict] = field(default_factory=list)  # the cells of the run

    # The report of an earlier run, if the student must see that report and not this one; otherwise None.
    seen: "_Report | None" = None
    outcomes: dict[str, list] = field(default_factory=dict)  # {check: outcomes of its calls}
    outputs: dict[str, tuple[str, list]] = field(default_factory=dict)  # {grade id: (printed, displayed)}
    problems: dict[str, str] = field(default_factory=dict)  # {grade id: what stopped the answer}
    done: bool = False  # True when everything that the student may see has arrived
    index: int | None = None  # index of the cell that is being executed
    seconds: dict[str, float] = field(default_factory=dict)  # {grade id: seconds that its cells took}
    _since: float = field(default_factory=time.monotonic)

    def __post_init__(self):
        if self.seen:
            visible = self.seen.outcomes.keys() - self.hidden_checks
            self.outcomes = {name: self.seen.outcomes[name] for name in visible}
            self.outputs, self.problems = self.seen.outputs, self.seen.problems

    def add(self, message):
        """Add one message to the report. Ignore whatever is not valid."""
        cells, now = self.cells, time.monotonic()
        if self.index is not None:
            name = cells[self.index]["name"]
            self.seconds[name] = self.seconds.get(name, 0) + now - self._since
        self._since = now
        begin, check = message.get("begin"), message.get("check")
        if message.get("done"):
            self.done = True
        elif isinstance(begin, int) and 0 <= begin < len(cells):
            self.index = begin
        elif isinstance(check, str):
            # Accept outcomes of visible checks only before `done`, and of hidden checks only after it. After
            # `done` the student's code has the hidden inputs, so nothing that it sends may reach the student.
            if self.done == (check in self.hidden_checks) and (self.done or not self.seen):
                self.outcomes.setdefault(check, []).append(message.get("outcome"))
        elif self.index is not None and message.get("cell") == self.index and not (self.done or self.seen):
            cell, problem = cells[self.index], message.get("problem")
            if cell["role"] == "answer":
                self.outputs[cell["name"]] = wire.text(message.get("text")), wire.shown(message.get("shown"))
                if isinstance(problem, dict):
                    self.problems[cell["name"]] = wire.text(problem.get("stopped"), 300)


def _outcome(data, *, further=True) -> dict:
    """Turn what the sandbox sent into a valid outcome, in the form that `checks.attempt` returns.

    If `further` is True, the outcome may also have "further": the outcomes for further inputs, as a list.
    """
    data = data if isinstance(data, dict) else {}
    if "value" in data:
        try:
            outcome = {"value": wire.decode(data["value"]), "changed": data.get("changed") is not False}
            if isinstance(data.get("others"), list):
                outcome["others"] = [wire.decode(other) for other in data["others"][:4]]
            if data.get("precision") in checks.PRECISIONS:
                outcome["precision"] = data["precision"]
            if further and isinstance(data.get("further"), list):
                outcome["further"] = [_outcome(each, further=False) for each in data["further"][:20]]
            return outcome
        except (wire.Garbled, RecursionError) as error:
            return {"unreadable": f"returned {error}."}
    if "unwritten" in data:
        return {"unwritten": True}
    for name in ("lacks", "stopped", "unreadable"):
        if name in data:
            outcome = {name: wire.text(data[name], 400) or "something that can't be shown"}
            return outcome | ({"line": wire.text(data.get("line"), 200)} if name == "stopped" else {})
    return {"unreadable": "gave nothing that can be read."}
