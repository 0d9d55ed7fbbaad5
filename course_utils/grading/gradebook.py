"""Reads and writes gradebook.db, nbgrader's gradebook, which nbgrader's formgrader shows.

nbgrader makes this SQLite database. This module reads and writes it with SQL, because nbgrader's own classes
take seconds to import, and compute sums for each row that they load.

Source: nbgrader/api.py, whose classes describe the tables
"""

import contextlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from course_utils import files
from course_utils.errors import CourseError
from course_utils.grading import grades
from course_utils.grading.assignment import Assignment
from course_utils.grading.register import Register
from course_utils.grading.result import Result

PATIENCE = 30  # seconds to wait while formgrader writes
_CELLS = {"GradeCell": "grade_cells", "SolutionCell": "solution_cells", "TaskCell": "task_cells"}
# {table: the values that each new row gets in addition to those that `_enter` is given}
_NEW = {"assignment": {"course_id": "default_course"}, "submitted_notebook": {"flagged": 0}}
_GRADES = """
select student_id, base_cell.name, auto_score, manual_score, extra_credit, needs_manual_grade
from grade join base_cell on base_cell.id = cell_id
"""
_COMMENTS = """
select student_id, base_cell.name, manual_comment
from comment join base_cell on base_cell.id = cell_id
"""
_OF_ASSIGNMENT = """
join submitted_notebook on submitted_notebook.id = {}.notebook_id
join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
join assignment on assignment.id = submitted_assignment.assignment_id
where assignment.name = ?
"""

# {student: {task: {"score", "waits", "comment"}}}. The gradebook stores these three fields of a `TaskResult`.
Entries = dict[str, dict[str, dict]]


def read(file: Path, assignment: Assignment) -> Entries:
    """Return the entries of an assignment. Points that a person gave replace those of the checks."""
    if not file.is_file():
        return {}
    with _opened(file, "begin") as book:
        return _read(book, assignment)


def with_gradebook(result: Result, by_task: dict[str, dict]) -> Result:
    """Return a student's result with the points and comments of the gradebook.

    by_task : that student's part of the entries that `read` or `enter` returned
    """
    return replace(result, tasks=tuple(replace(task, **by_task.get(task.task, {})) for task in result.tasks))


def make(file: Path):
    """Make an empty gradebook if there is none. This takes seconds, because it imports nbgrader."""
    if file.is_file():
        return
    from nbgrader import api

    tools = os.path.dirname(sys.executable)  # nbgrader runs alembic, which must be on the PATH
    if tools not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([tools, os.environ.get("PATH", os.defpath)])
    # The folder is locked for other processes, so the temporary file can have a fixed name.
    with files.replacing(file, ".gradebook.part") as part:
        api.Gradebook(f"sqlite:///{part}").close()


def enter(file: Path, assignment: Assignment, results: list[Result], register: Register) -> Entries:
    """Write results into the gradebook in one transaction, and return the assignment's new entries.

    Points and comments that a person gave are kept. Rows that would not change are not written. If a task is
    no longer in the assignment, the points that its checks gave are removed.
    """
    make(file)
    with _opened(file) as book:
        ids = _enter_assignment(book, assignment, register.due(assignment.name))
        submitted = [_enter_student(book, assignment, ids, result, register) for result in results]
        entered = _read(book, assignment)
        for result, notebook in zip(results, submitted, strict=True):
            whole = with_gradebook(result, entered[result.student])
            late_days = register.late_days(result.student, assignment.name)
            counted = grades.counts(whole, late_days, register.late_policy(assignment.name))
            penalty = None if counted is None else whole.score - counted
            _enter(book, "submitted_notebook", {"id": notebook}, late_submission_penalty=penalty)
    return entered


def give(file: Path, assignment: str, given: list[tuple[str, str, float, str]]):
    """Enter the points and comments that a person gave.

    given : (student, task, points, comment) for each answer; if the comment is "", an earlier comment stays
    """
    with _opened(file) as book:
        for student, task, points, comment in given:
            for table in ("grade", "comment"):
                facts = {"manual_score": points, "needs_manual_grade": 0}
                facts = facts if table == "grade" else {"manual_comment": comment} if comment else {}
                query = f"select {table}.id from {table} join base_cell on base_cell.id = cell_id"
                query += _OF_ASSIGNMENT.format(table) + "and student_id = ? and base_cell.name = ?"
                for (row,) in book.execute(query, (assignment, student, task)).fetchall():
                    _enter(book, table, {"id": row}, **facts)


@contextlib.contextmanager
def _opened(file, begin="begin immediate") -> Iterator[sqlite3.Connection]:
    """Provide a connection to the gradebook, with one transaction for the whole `with` block."""
    address = f"{file.absolute().as_uri()}?mode=rw"  # mode=rw makes a missing file an error
    try:
        with contextlib.closing(sqlite3.connect(address, PATIENCE, isolation_level=None, uri=True)) as book:
            book.execute(begin)
            yield book
            book.execute("commit")
    except sqlite3.Error as error:
        raise CourseError(
            f"{file} can't be used as nbgrader's gradebook ({error}): close what else has opened it, or "
            "bring back a copy."
        ) from None


def _enter(book, table, known, **facts):
    """Set columns of a table's row, and return the row's id. Add the row if there is none.

    known : {column: value} by which the row is found
    facts : {column: value} to set
    """
    where = " and ".join(f"{name} = ?" for name in known)
    query = f"select {', '.join(['id', *facts])} from {table} where {where}"
    row = book.execute(query, [*known.values()]).fetchone()
    if not row:
        new = {"id": uuid4().hex} | _NEW.get(table, {}) | known | facts
        places = ", ".join("?" * len(new))
        book.execute(f"insert into {table} ({', '.join(new)}) values ({places})", [*new.values()])
        return new["id"]
    if row[1:] != tuple(facts.values()):
        changed = ", ".join(f"{name} = ?" for name in facts)
        book.execute(f"update {table} set {changed} where id = ?", [*facts.values(), row[0]])
    return row[0]


def _read(book, assignment):
    comments = {
        (student, cell): text
        for student, cell, text in book.execute(
            _COMMENTS + _OF_ASSIGNMENT.format("comment"), [assignment.name]
        )
    }
    found = {}
    for student, name, points, by_hand, extra, waits in book.execute(
        _GRADES + _OF_ASSIGNMENT.format("grade"), [assignment.name]
    ):
        if task := assignment.tasks.get(name):
            found.setdefault(student, {})[name] = {
                "score": ((points if by_hand is None else by_hand) or 0.0) + (extra or 0.0),
                "waits": bool(waits),
                "comment": comments.get((student, task.answer)) or "",
            }
    return found


def _enter_assignment(book, assignment, due):
    """Enter the assignment and its cells.

    Returns the id of the assignment, the id of its notebook, {name: id} for the cells that have grades, and
    {name: id} for the cells that have comments.
    """
    _enter(book, "course", {"id": _NEW["assignment"]["course_id"]})
    whole = _enter(book, "assignment", {"name": assignment.name}, duedate=_utc(due))
    notebook = _enter(book, "notebook", {"name": assignment.name, "assignment_id": whole})

    def cell(name, type_, **facts):
        id_ = _enter(book, "base_cell", {"name": name, "notebook_id": notebook, "type": type_})
        return _enter(book, _CELLS[type_], {"id": id_}, **facts)

    commented = {answer: cell(answer, "SolutionCell") for answer in assignment.answers}
    graded = {}
    for name, task in assignment.tasks.items():
        type_ = "TaskCell" if task.manual and name not in assignment.answers else "GradeCell"
        kind = "code" if task.checks else "markdown"
        graded[name] = cell(name, type_, max_score=task.points, cell_type=kind)
        commented |= {name: graded[name]} if type_ == "TaskCell" else {}
    earlier = book.execute("select id, type from base_cell where notebook_id = ?", [notebook]).fetchall()
    for id_, type_ in earlier:
        if type_ != "SolutionCell" and id_ not in graded.values():
            _enter(book, _CELLS[type_], {"id": id_}, max_score=0.0)
            for (row,) in book.execute("select id from grade where cell_id = ?", [id_]).fetchall():
                _enter(book, "grade", {"id": row}, auto_score=None, needs_manual_grade=0)
    return whole, notebook, graded, commented


def _enter_student(book, assignment, ids, result, register):
    """Enter one student's points, date and name. Return the id of the submitted notebook.

    ids : what `_enter_assignment` returned
    """
    whole, notebook, graded, commented = ids
    _enter(book, "student", {"id": result.student}, **_names(book, result.student, register))
    date = _utc(register.date(result.student, assignment.name))
    handed_in = {"assignment_id": whole, "student_id": result.student}
    handed_in = _enter(book, "submitted_assignment", handed_in, timestamp=date)
    submitted = _enter(book, "submitted_notebook", {"notebook_id": notebook, "assignment_id": handed_in})
    for task in result.tasks:
        row = {"notebook_id": submitted, "cell_id": graded[task.task]}
        query = "select manual_score from grade where notebook_id = ? and cell_id = ?"
        (by_hand,) = book.execute(query, [*row.values()]).fetchone() or (None,)
        points = None if task.manual else task.score
        _enter(book, "grade", row, auto_score=points, needs_manual_grade=int(task.manual and by_hand is None))
    for cell in commented.values():
        _enter(book, "comment", {"notebook_id": submitted, "cell_id": cell})
    return submitted


def _names(book, student, register):
    """Return the columns to set for a student's name: {} if the name in the gradebook stays.

    The name on the class list always replaces the name in the gradebook. The name in the submission is used
    only if the gradebook has no name yet.
    """
    known = register.students.get(student, {})
    if known.get("first") or known.get("last"):
        return {"first_name": known["first"], "last_name": known["last"], "email": known["email"]}
    query = "select id from student where id = ? and last_name is not null"
    if not known or book.execute(query, [student]).fetchone():
        return {}
    # The name of a file may contain bytes that are not UTF-8, which SQLite can't store as text.
    last, _, first = known["name"].encode(errors="replace").decode().partition(", ")
    return {"first_name": first, "last_name": last}


def _utc(date: datetime | None):
    """Return a local date as nbgrader stores it: in UTC, without a time zone."""
    return date.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if date else None
