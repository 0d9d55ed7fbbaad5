"""Stores the results of grading: each student's result, the gradebook, tables for an LMS and feedback pages.

Each student's result is one file, which is always replaced as a whole. Each run makes the tables and updates
the gradebook from these files, so it completes whatever a killed run left unfinished.
"""

import os
import re
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import nbformat

from course_utils import files
from course_utils.grading import grades, returning
from course_utils.grading.assignment import Assignment, grade_id, without_hidden
from course_utils.grading.feedback import page
from course_utils.grading.pages import picture
from course_utils.grading.register import Register
from course_utils.grading.result import Result, TaskResult

LINE = 96  # characters that fit on a line in nbgrader's formgrader
_CONFIG = "c = get_config()  # noqa: F821\nc.CourseDirectory.course_id = 'open-the-box'\n"


class Records:
    """The files of one assignment in a grading folder, which nbgrader can open as a course.

    Attributes: `notes`, sentences that tell the instructor who is missing in a platform's table.
    """

    def __init__(self, folder: Path, assignment: Assignment, register: Register):
        self.folder, self.assignment, self.register = folder, assignment, register
        self.notes: list[str] = []
        self.results = folder / "results" / assignment.name
        self.feedback = folder / "feedback" / assignment.name

    def read(self, student: str) -> Result | None:
        """Return the student's stored result, or None if there is no result or it can't be read."""
        try:
            return Result.from_json((self.results / f"{student}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, result: Result):
        """Write one student's notebook for nbgrader's formgrader, and then the student's result."""
        name = self.assignment.name
        book = self.folder / "autograded" / result.student / name / f"{name}.ipynb"
        _write(book, nbformat.writes(self._notebook(result)))
        _write(self.results / f"{result.student}.json", result.to_json())

    def finish(self, students: Iterable[str]) -> list[Result]:
        """Update the gradebook. Write feedback and tables, with the points that a person entered in it.

        students : the students of this run; the results of earlier runs stay, with `now` set to False
        Returns all results, without the students' work.
        """
        name, now = self.assignment.name, set(students)
        self.register.save()
        _write(self.folder / "source" / name / f"{name}.ipynb", nbformat.writes(self.assignment.notebook))
        if not (self.folder / "nbgrader_config.py").exists():
            _write(self.folder / "nbgrader_config.py", _CONFIG)
        stored = map(self._current, sorted(now | {path.stem for path in self.results.glob("*.json")}))
        results = [replace(result.without_work(), now=result.student in now) for result in stored if result]
        gradebook = _fill_gradebook(self.folder / "gradebook.db", self.assignment, results, self.register)
        policy = self.register.late_policy(name)
        for index, result in enumerate(results):
            by_task = gradebook[result.student]
            results[index] = _with_gradebook(result, by_task)
            whole = _with_gradebook(self._current(result.student), by_task)
            late = grades.late_sentence(whole, self.register.late_days(result.student, name), policy)
            whole = replace(whole, notes=(*whole.notes, late))
            _write(self.feedback / f"{result.student}.html", page(whole, name))
        self.notes = grades.write(self.folder, name, results, list(self.assignment.tasks), self.register)
        returning.write(self.folder, name, self.register)
        return results

    def _current(self, student):
        """Return the student's stored result with the assignment's current tasks, or None."""
        result = self.read(student)
        if not result:
            return None
        stored = {task.task: task for task in result.tasks}
        tasks = self.assignment.tasks
        return replace(
            result,
            tasks=tuple(stored.get(name) or TaskResult.ungraded(task) for name, task in tasks.items()),
        )

    def _notebook(self, result):
        """Return a notebook for nbgrader's formgrader: the instructor's cells with the student's answers.

        Answers in Markdown become plain text, and outputs contain no HTML.
        """
        book = nbformat.from_dict(self.assignment.notebook)
        tasks = {task.task: task for task in result.tasks}
        answered = {self.assignment.tasks[name].answer: task for name, task in tasks.items()}
        for cell in book.cells:
            name = grade_id(cell)
            cell.pop("attachments", None)
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
                cell.source = without_hidden(cell.source)
            if name in self.assignment.answers:
                task = answered.get(name)
                cell.source = task.source if task else self.assignment.answers[name]
                if cell.cell_type == "code":
                    cell.outputs = _outputs(task) if task else []
                else:
                    cell.source = _as_text(cell.source)
            elif name in tasks and not tasks[name].manual:
                verdicts = [f"{'✓' if check.passed else '✗'} {check.says}" for check in tasks[name].checks]
                cell.outputs = [_stream("stdout", "\n".join(verdicts))]
        for name in tasks.keys() - self.assignment.answers.keys():  # nbgrader's tasks, answered in new cells
            if tasks[name].manual:
                at = next(index for index, cell in enumerate(book.cells) if grade_id(cell) == name)
                book.cells.insert(at + 1, nbformat.v4.new_markdown_cell(_as_text(tasks[name].source)))
        return book


def _stream(name, text):
    return nbformat.v4.new_output("stream", name=name, text=text)


def _outputs(task):
    """Return the text and pictures of a student's cell as outputs of a notebook cell."""
    outputs = [_stream("stderr", task.stopped + "\n")] if task.stopped else []
    outputs += [_stream("stdout", task.text)] if task.text else []
    for data in task.shown:
        kept = {"image/png": picture(data)} if picture(data) else {"text/plain": data.get("text/plain", "")}
        outputs.append(nbformat.v4.new_output("display_data", data=kept))
    return outputs


def _as_text(source):
    """Put a student's text into a fenced block with wrapped lines.

    Otherwise nbgrader's formgrader would render HTML in the text, and cut off long lines.
    """
    lines = [
        part
        for line in source.split("\n")
        for part in textwrap.wrap(line, LINE, drop_whitespace=False, replace_whitespace=False) or [""]
    ]
    source = "\n".join(lines)
    longest = max(map(len, re.findall(r"~+", source)), default=0)
    fence = "~" * max(4, longest + 1)
    return f"{fence}text\n{source}\n{fence}"


def _write(path, text):
    """Write a text file, whole or not at all, and the folders around it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        files.replacing(path, ".part") as part,  # the lock of the grading folder keeps other processes away
        part.open("w", encoding="utf-8", errors="replace", newline="") as file,
    ):
        file.write(text)


def _with_gradebook(result, by_task):
    """Return a result with the points and comments of the gradebook, which `_fill_gradebook` returns."""
    return replace(result, tasks=tuple(replace(task, **by_task[task.task]) for task in result.tasks))


def _fill_gradebook(file, assignment, results, register):
    """Write all results into nbgrader's gradebook in one transaction. Points that a person gave stay.

    Returns {student: {task: {"score", "waits", "comment"}}}, as the gradebook now has them.
    """
    from nbgrader import api

    tools = os.path.dirname(sys.executable)  # nbgrader looks for alembic on the PATH
    if tools not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([tools, os.environ.get("PATH", os.defpath)])
    with api.Gradebook(f"sqlite:///{file}") as book:
        notebook = _update_notebook(book, assignment)
        submitted = _submitted_notebooks(book.db, notebook, [result.student for result in results])
        by_student = {}
        for result in results:
            grades, comments = _rows(book.db, notebook, submitted[result.student])
            by_student[result.student] = {
                task.task: _enter(task, grades[task.task], comments.get(assignment.tasks[task.task].answer))
                for task in result.tasks
            }
            whole = _with_gradebook(result, by_student[result.student])
            _enter_dates(submitted[result.student], whole, register, assignment.name)
        book.db.commit()
    return by_student


def _update_notebook(book, assignment):
    """Return the assignment's notebook in the gradebook, after updating the notebook's cells."""
    name = assignment.name
    book.update_or_create_assignment(name)
    notebook = book.update_or_create_notebook(name, name)
    for task in assignment.tasks.values():
        type_ = "code" if task.checks else "markdown"
        by_hand = task.manual and task.name not in assignment.answers
        enter = book.update_or_create_task_cell if by_hand else book.update_or_create_grade_cell
        enter(task.name, name, name, max_score=task.points, cell_type=type_)
    for answer in assignment.answers:
        book.update_or_create_solution_cell(answer, name, name)
    return notebook


def _submitted_notebooks(db, notebook, names):
    """Return each student's submitted notebook in the gradebook; create missing notebooks."""
    from nbgrader import api

    students = {student.id: student for student in db.query(api.Student)}
    submissions = notebook.assignment.submissions
    submitted = {submission.student_id: submission.notebooks[0] for submission in submissions}
    for name in names:
        if name not in submitted:
            student = students.get(name) or api.Student(id=name)
            submission = api.SubmittedAssignment(assignment=notebook.assignment, student=student)
            submitted[name] = api.SubmittedNotebook(notebook=notebook, assignment=submission)
            db.add_all([student, submission, submitted[name]])
    return submitted


def _enter_dates(submitted, result, register, assignment):
    """Enter when a student handed in, what being late costs, and the name on the class list."""
    due, date = register.due(assignment), register.date(result.student, assignment)
    submitted.assignment.assignment.duedate = _utc(due)
    submitted.assignment.timestamp = _utc(date)
    late_days = register.late_days(result.student, assignment)
    counted = grades.counts(result, late_days, register.late_policy(assignment))
    submitted.late_submission_penalty = None if counted is None else result.score - counted
    known = register.students.get(result.student, {})
    if known.get("first") or known.get("last"):
        student = submitted.assignment.student
        student.first_name, student.last_name, student.email = known["first"], known["last"], known["email"]


def _utc(date: datetime | None):
    """Return a local date in UTC, as nbgrader keeps it, without its zone."""
    return date.astimezone(UTC).replace(tzinfo=None) if date else None


def _rows(db, notebook, submitted):
    """Return the grades and comments of a submitted notebook by cell; create missing grades and comments."""
    from nbgrader import api

    grades = {grade.cell.name: grade for grade in submitted.grades}
    comments = {comment.cell.name: comment for comment in submitted.comments}
    for cells, rows, create in (
        ([*notebook.grade_cells, *notebook.task_cells], grades, api.Grade),
        ([*notebook.solution_cells, *notebook.task_cells], comments, api.Comment),
    ):
        for cell in cells:
            if cell.name not in rows:  # the student or the task is new
                rows[cell.name] = create(cell=cell, notebook=submitted)
                db.add(rows[cell.name])
    return grades, comments


def _enter(task, grade, comment):
    """Enter the points of a task into its grade in the gradebook, and return the score that counts.

    Returns {"score", "waits", "comment"}. In "score", points that a person gave replace the task's.
    """
    grade.auto_score = None if task.manual else task.score
    grade.needs_manual_grade = bool(task.manual and grade.manual_score is None)
    score = grade.auto_score if grade.manual_score is None else grade.manual_score
    return {
        "score": (score or 0.0) + (grade.extra_credit or 0.0),
        "waits": grade.needs_manual_grade,
        "comment": (comment.manual_comment if comment else None) or "",
    }
