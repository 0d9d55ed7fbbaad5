"""Writes a student's feedback: one HTML file without scripts, which says what to do next.

Everything that a student wrote is escaped, so that it can't act as HTML.
"""

from course_utils.grading import pages
from course_utils.grading.result import Result, TaskResult


def page(result: Result, assignment: str) -> str:
    """Return a student's feedback as one HTML file."""
    steps, notes = next_steps(result), (result.problem, *result.notes)
    return pages.render("feedback", result=result, assignment=assignment, notes=notes, steps=steps)


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
    if not (seen or unseen) or task.score >= task.points:  # a person may give points for failed checks
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
