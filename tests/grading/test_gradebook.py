"""Tests that the gradebook is what nbgrader itself would have made, and keeps what a person entered."""

import re
import sqlite3
from dataclasses import replace

import pytest
from lazy import Lazy
from test_grading import cell_of, instructor_notebook

from course_utils.errors import CourseError
from course_utils.grading import gradebook
from course_utils.grading.register import Register
from course_utils.grading.result import Result, TaskResult

nbformat = Lazy("nbformat")
nbgrader = Lazy("nbgrader.api")
assignments = Lazy("course_utils.grading.assignment")


@pytest.fixture
def assignment(tmp_path):
    return written(instructor_notebook(), tmp_path)


def written(book, folder):
    nbformat.write(book, folder / "small.ipynb")
    return assignments.Assignment(folder / "small.ipynb")


def result_of(assignment, student, score=1.5):
    tasks = [TaskResult.ungraded(task) for task in assignment.tasks.values()]
    tasks[0] = replace(tasks[0], score=score)
    return Result(student, ("", ""), "", (), tuple(tasks), 0.1)


def rows(file):
    """Return the rows of each table of a gradebook, without the random ids."""
    with sqlite3.connect(file) as book:
        tables = [name for (name,) in book.execute("select name from sqlite_master where type = 'table'")]
        found = {table: book.execute(f"select * from {table}").fetchall() for table in tables}
    return {
        table: sorted(
            str([each for each in row if not re.fullmatch("[0-9a-f]{32}", str(each))]) for row in all_
        )
        for table, all_ in found.items()
    }


def test_the_gradebook_is_the_one_that_nbgrader_makes(assignment, tmp_path):
    ours, theirs, name = tmp_path / "ours.db", tmp_path / "theirs.db", assignment.name
    gradebook.enter(ours, assignment, [result_of(assignment, "ann")], Register(tmp_path))
    with nbgrader.Gradebook(f"sqlite:///{theirs}") as book:
        book.update_or_create_assignment(name)
        book.update_or_create_notebook(name, name)
        for task in assignment.tasks.values():
            kind = "markdown" if task.manual else "code"
            book.update_or_create_grade_cell(task.name, name, name, max_score=task.points, cell_type=kind)
        for answer in assignment.answers:
            book.update_or_create_solution_cell(answer, name, name)
        book.update_or_create_student("ann")
        book.add_submission(name, "ann")
        for task in assignment.tasks.values():
            grade = book.find_grade(task.name, name, name, "ann")
            grade.auto_score = {"double-check": 1.5, "longest-check": 0.0}.get(task.name)
            grade.needs_manual_grade = task.manual
        book.db.commit()
    assert rows(ours) == rows(theirs)


def test_what_a_person_entered_stays_and_what_is_there_is_not_written_again(assignment, tmp_path):
    file, register = tmp_path / "gradebook.db", Register(tmp_path)
    results = [result_of(assignment, student) for student in ("ann", "bob")]
    assert gradebook.read(file, assignment) == {} and not file.exists()
    entered = gradebook.enter(file, assignment, results, register)
    assert entered == gradebook.read(file, assignment)
    assert entered["bob"]["essay"] == {"score": 0.0, "waits": True, "comment": ""}
    before = file.read_bytes()
    gradebook.enter(file, assignment, results, register)
    assert file.read_bytes() == before
    with nbgrader.Gradebook(f"sqlite:///{file}") as book:  # nbgrader's formgrader does the same
        grade = book.find_grade("double-check", "small", "small", "ann")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 0.5, 0.25, False
        book.find_comment("double", "small", "small", "ann").manual_comment = "see below"
        book.db.commit()
    gradebook.give(file, "small", [("ann", "essay", 3.0, ""), ("bob", "essay", 2.0, "good")])
    gradebook.give(file, "small", [("bob", "essay", 2.5, "")])
    changed = [result_of(assignment, "ann", 2.0), results[1]]
    entered = gradebook.enter(file, assignment, changed, register)
    assert entered["ann"]["double-check"] == {"score": 0.75, "waits": False, "comment": "see below"}
    assert entered["ann"]["essay"] == {"score": 3.0, "waits": False, "comment": ""}
    assert entered["bob"]["essay"] == {"score": 2.5, "waits": False, "comment": "good"}
    assert gradebook.with_gradebook(changed[0], entered["ann"]).score == 3.75
    with nbgrader.Gradebook(f"sqlite:///{file}") as book:
        assert book.find_grade("double-check", "small", "small", "ann").auto_score == 2
        scores = {each.student.id: each.score for each in book.find_assignment("small").submissions}
        assert scores == {"ann": 3.75, "bob": 4.0}


def test_formgrader_shows_the_name_under_which_the_work_came_until_there_is_a_better_one(
    assignment, tmp_path
):
    file, register = tmp_path / "gradebook.db", Register(tmp_path)

    def names(**facts):
        register.students["ann"] = {"name": "Lee, Ann", "handed in": {}} | facts
        gradebook.enter(file, assignment, [result_of(assignment, "ann")], register)
        with nbgrader.Gradebook(f"sqlite:///{file}") as book:
            student = book.find_student("ann")
            return student.first_name, student.last_name

    assert names() == ("Ann", "Lee")
    with nbgrader.Gradebook(f"sqlite:///{file}") as book:  # as "Edit Student" in formgrader does
        book.update_or_create_student("ann", first_name="Anna", last_name="Lee-Berg")
    assert names() == ("Anna", "Lee-Berg")
    assert names(first="Ann B.", last="Lee", email="") == ("Ann B.", "Lee")


def test_a_task_that_the_assignment_has_no_longer_counts_no_more(assignment, tmp_path):
    file, register = tmp_path / "gradebook.db", Register(tmp_path)
    gradebook.enter(file, assignment, [result_of(assignment, "ann")], register)
    book = instructor_notebook()
    cell_of(book, "double-check")["metadata"]["nbgrader"]["grade_id"] = "twice-check"
    renamed = written(book, tmp_path)
    gradebook.enter(file, renamed, [result_of(renamed, "ann", 2.0)], register)
    with nbgrader.Gradebook(f"sqlite:///{file}") as opened:
        (submission,) = opened.find_assignment("small").submissions
        assert (submission.score, submission.max_score) == (2.0, 7.0)


def test_a_gradebook_that_was_not_finished_is_made_again_and_a_damaged_one_is_named(assignment, tmp_path):
    file, register = tmp_path / "gradebook.db", Register(tmp_path)
    (tmp_path / ".gradebook.part").write_text("half")
    gradebook.enter(file, assignment, [result_of(assignment, "ann")], register)
    assert not (tmp_path / ".gradebook.part").exists()
    file.write_text("no database " * 100)
    with pytest.raises(CourseError, match="gradebook.db can't be used as nbgrader's gradebook"):
        gradebook.enter(file, assignment, [result_of(assignment, "ann")], register)
