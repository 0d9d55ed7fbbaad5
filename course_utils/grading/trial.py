"""Tests an assignment before students get it: grades the instructor's answers, the stubs and `answers.toml`.

`answers.toml` lies beside the instructor's notebook, and has answers that students might give. An answer's
`task` is the grade id of the answer's cell, and its `code` is the student's code. If an answer has `says`,
the answer is wrong, and the feedback to the student must contain the text of `says`.
"""

import ast
import tomllib
from pathlib import Path

import nbformat

from course_utils import units
from course_utils.errors import CourseError
from course_utils.grading.assignment import Assignment, grade_id
from course_utils.grading.intake import Submission
from course_utils.grading.judge import Judge
from course_utils.grading.sandbox import Sandbox


def read_answers(path: Path, known: set[str] | None = None) -> list[dict]:
    """Return the answers of an `answers.toml`, or [] if there is no such file.

    known : the grade ids that an answer's `task` may be; by default any
    Raises CourseError if the file can't be read, or if an answer lacks its task or code or has another task
    than those in `known`.
    """
    if not path.is_file():
        return []
    try:
        answers = tomllib.loads(path.read_text(encoding="utf-8")).get("answers", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise CourseError(f"{path} can't be read: {error}.") from None
    for number, answer in enumerate(answers if isinstance(answers, list) else [answers], 1):
        whole = isinstance(answer, dict) and {"task", "code"} <= answer.keys() <= {"task", "code", "says"}
        if not whole or not all(isinstance(text, str) for text in answer.values()):
            raise CourseError(
                f"{path}: answer {number} needs task and code, and may have says; all are texts."
            )
        if known is not None and answer["task"] not in known:
            raise CourseError(f"{path}: answer {number} is for {answer['task']!r}, which no check grades.")
    return answers


def message(check: str, says: str) -> str | None:
    """Return the shortest sentence about a mistake that contains `says`, or None.

    check : the code of a check cell, in which the sentences are keys of dictionaries
    """
    keys = (key for node in ast.walk(ast.parse(check)) if isinstance(node, ast.Dict) for key in node.keys)
    sentences = (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
    return min((sentence for sentence in sentences if says in sentence), key=len, default=None)


def report(notebook: Path, isolated: bool = True) -> tuple[str, bool]:
    """Grade the solution, the stubs and answers.toml. Return a report, and whether no problem was found.

    isolated : False executes the code without a sandbox, with your own permissions
    Raises CourseError if the assignment or its answers can't be read, or if the solution fails its checks.
    """
    assignment = Assignment(notebook)
    checked = {task.answer for task in assignment.tasks.values() if not task.manual}
    answers = read_answers(notebook.parent / "answers.toml", checked)
    with Sandbox(assignment.prelude, isolated=isolated) as sandbox:
        found = problems(Judge(assignment, sandbox), answers)
    wrong = sum("says" in answer for answer in answers)
    tasks, by_hand = len(checked), len(assignment.tasks) - len(checked)
    lines = [
        f"{assignment.name}: {assignment.points:g} points; {units.counted(tasks, 'task')} with checks, "
        f"{by_hand} for a person to grade."
    ]
    if not found:
        lines.append(
            "The solution gets all points of its checks, and the stubs get none. Of answers.toml, "
            f"{len(answers) - wrong} right and {wrong} wrong answers are judged as they should be."
        )
    return "\n".join([*lines, *found]), not found


def misjudged(judge: Judge, answers: list[dict]) -> list[str]:
    """Grade all answers, and return a message for each that was misjudged.

    An answer without `says` is right and must get all points. An answer with `says` is wrong and must lose
    points, and its feedback must contain `says`.
    """
    right = [answer for answer in answers if "says" not in answer]
    found = [text for book in _rounds(right) for text in _lost(judge, book)]
    return found + [text for answer in answers if "says" in answer for text in _passed(judge, answer)]


def problems(judge: Judge, answers: list[dict]) -> list[str]:
    """Return a message for each stub that gets points, and for each answer that is misjudged.

    This includes the instructor's own answers.
    """
    stubs = _graded(judge, judge.assignment.answers).items()
    found = [f"{name}: the untouched stub gets {task.score:g} points" for name, task in stubs if task.score]
    return found + [text for text in _lost(judge, {})] + misjudged(judge, answers)


def _rounds(answers):
    """Spread the answers over as few notebooks as possible. Return a list of {task: code}."""
    books = []
    for each in answers:
        book = next((book for book in books if each["task"] not in book), None)
        if book is None:
            books.append(book := {})
        book[each["task"]] = each["code"]
    return books


def _graded(judge, answers):
    """Grade a notebook with these answers, and with the instructor's own answers to all other tasks.

    Returns {grade id of an answer: result of its task}.
    """
    notebook = nbformat.from_dict(judge.assignment.notebook)
    for cell in notebook.cells:
        name = grade_id(cell)
        cell.source = answers.get(name, cell.source)
    result = judge.grade(Submission("student", data=nbformat.writes(notebook).encode()))
    return {judge.assignment.tasks[task.task].answer: task for task in result.tasks}


def _lost(judge, answers):
    """Grade a notebook as `_graded` does. Yield a message for each answer whose checks took points away.

    answers : {task: code} of right answers
    """
    for name, task in _graded(judge, answers).items():
        if task.score != task.points and not task.manual:
            yield f"{name}: a right answer lost points: {_feedback(task)}\n{answers.get(name, '')}"


def _passed(judge, answer):
    """Yield a message if a wrong answer got all its points or the wrong feedback."""
    name = answer["task"]
    task = _graded(judge, {name: answer["code"]})[name]
    check = next(cell.source for cell in judge.assignment.notebook.cells if grade_id(cell) == task.task)
    if task.score == task.points:
        yield f"{name}: a wrong answer passed\n{answer['code']}"
    elif (message(check, answer["says"]) or answer["says"]) not in _feedback(task):
        yield f"{name}: {answer['says']!r} is not in its feedback: {_feedback(task)}"


def _feedback(task):
    says = [task.stopped, *(verdict.says for verdict in task.checks if not verdict.passed)]
    return "\n".join(filter(None, says))
