"""Grades every answer of answers.toml, right and wrong: `python tests/grade_answers.py 07 08`.

Right answers must get all points. A wrong one must lose some, and its feedback must name the mistake. This is
a command and not a test because each lesson takes a minute.
"""

import sys

import nbformat
from exercises_table import answers_of, message

from course_utils import catalog
from course_utils.grading import assignment as assignments
from course_utils.grading.assignment import Assignment
from course_utils.grading.intake import Submission
from course_utils.grading.judge import Judge
from course_utils.grading.sandbox import Sandbox


def main(lessons):
    """Grade the answers of each lesson and print those that were misjudged. Return the exit status."""
    wrongs = 0
    for lesson in (name for name in catalog.lessons() if not lessons or name[:2] in lessons):
        assignment = Assignment(assignments.find(lesson))
        answers = answers_of(lesson)
        right = [each for each in answers if "says" not in each]
        with Sandbox(assignment.prelude) as sandbox:
            judge = Judge(assignment, sandbox)
            found = [text for each in rounds(right) for text in lost(judge, each)]
            found += [text for each in answers if "says" in each for text in passed(judge, each)]
        print(f"{lesson}: {len(right)} right, {len(answers) - len(right)} wrong, {len(found)} misjudged")
        print("".join(f"  {text}\n" for text in found), end="", flush=True)
        wrongs += len(found)
    return 1 if wrongs else 0


def rounds(answers):
    """Spread the answers over as few notebooks as possible. Return a list of {task: code}."""
    books = []
    for each in answers:
        book = next((book for book in books if each["task"] not in book), None)
        if book is None:
            books.append(book := {})
        book[each["task"]] = each["code"]
    return books


def graded(judge, answers):
    """Grade these answers, with the instructor's own for the rest. Return the tasks' results by answer."""
    notebook = nbformat.from_dict(judge.assignment.notebook)
    for cell in notebook.cells:
        name = assignments.grade_id(cell)
        cell.source = answers.get(name, cell.source)
    result = judge.grade(Submission("student", data=nbformat.writes(notebook).encode()))
    return {judge.assignment.tasks[task.task].answer: task for task in result.tasks}


def lost(judge, answers):
    """Yield a message for each right answer that lost points."""
    for name, task in graded(judge, answers).items():
        if task.score != task.points and not task.manual:
            yield f"{name}: a right answer lost points: {feedback(task)}\n{answers.get(name)}"


def passed(judge, answer):
    """Yield a message if a wrong answer got all its points or the wrong feedback."""
    name = answer["task"]
    task = graded(judge, {name: answer["code"]})[name]
    check = next(
        cell.source for cell in judge.assignment.notebook.cells if assignments.grade_id(cell) == task.task
    )
    if task.score == task.points:
        yield f"{name}: a wrong answer passed\n{answer['code']}"
    elif (message(check, answer["says"]) or answer["says"]) not in feedback(task):
        yield f"{name}: {answer['says']!r} is not in its feedback: {feedback(task)}"


def feedback(task):
    return "\n".join([task.stopped, *(verdict.says for verdict in task.checks if not verdict.passed)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
