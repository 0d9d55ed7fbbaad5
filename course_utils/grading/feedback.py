"""Writes a student's feedback: one HTML file without scripts, which says what to do next.

Everything that a student wrote is escaped.
"""

import base64
import functools
import re
from pathlib import Path

import jinja2
import markupsafe

from course_utils.grading.result import Result, TaskResult
from course_utils.widgets.identity import identity


def page(result: Result, assignment: str) -> str:
    """Return a student's feedback as one HTML file."""
    steps, notes = next_steps(result), (result.problem, *result.notes)
    css, mark = identity(fonts=False)
    return _template().render(
        result=result, assignment=assignment, notes=notes, steps=steps, css=css, mark=mark
    )


def next_steps(result: Result) -> list[tuple[int, str]]:
    """Return what the student should do next, in order, as (the number of the task from 1, a sentence).

    The number is 0 for a sentence on the whole notebook.
    """
    if result.problem:
        return [(0, "Mend what is written above, and hand the notebook in again.")]
    steps = [(number, _next_step(task)) for number, task in enumerate(result.tasks, 1)]
    steps = [(number, step) for number, step in steps if step]
    if steps:
        steps.append((0, "Then restart the kernel, run all cells from the top, save, and hand in again."))
    elif result.waiting:
        steps.append((0, "Every check passes. Your instructor still reads what you wrote in words."))
    else:
        steps.append((0, "Nothing: this sheet is complete."))
    return steps


def _next_step(task: TaskResult) -> str:
    """Return what the student should do about one task, or "" if there is nothing to do."""
    if task.manual:
        return "" if task.written or not task.waits else "Write your answer: there is none yet."
    seen = [check for check in task.checks if not check.passed and not check.hidden]
    unseen = [check for check in task.checks if not check.passed and check.hidden]
    if not (seen or unseen) or task.score >= task.points:  # a person may have given the points
        return ""
    if not task.written:
        return "Write your code in place of the line raise NotImplementedError()."
    if task.stopped:
        return "Run your cell again, and mend the error that stops it."
    if not seen:
        return (
            "Every check that you can see passes. Call your function with inputs of other kinds, such as an "
            "empty one, a single item, zero, a large number or equal items, and compare with what you expect."
        )
    return (
        "Change your answer, and run the check below it until it shows ✓. What it says is also on this page."
    )


def picture(data: dict[str, str]) -> str:
    """Return the PNG picture in displayed data, in base64, or "" if the data contains no PNG."""
    text = data.get("image/png", "")
    try:
        is_png = base64.b64decode(text).startswith(b"\x89PNG")
    except ValueError:
        return ""
    return text.replace("\n", "") if is_png and re.fullmatch(r"[A-Za-z0-9+/=\n]+", text) else ""


def printable(value):
    """Return a text in which control characters, which HTML does not allow, are replaced."""
    if isinstance(value, markupsafe.Markup):  # the page's own CSS and mark
        return value
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in str(value))


@functools.cache
def _template():
    jinja = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=printable)
    jinja.filters |= {"picture": picture, "number": "{:g}".format}
    return jinja.from_string(Path(__file__).with_name("feedback.html").read_text(encoding="utf-8"))
