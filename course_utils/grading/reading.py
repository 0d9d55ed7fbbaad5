"""Writes for each question a page and a CSV file, in which a person reads the answers and enters points.

The page and the file do not name the students. Each answer has an id, with which the points can be entered in
the gradebook. Without a secret from the grading folder, nobody can find out from these ids which student
wrote an answer.
"""

import base64
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from course_utils import files
from course_utils.errors import CourseError
from course_utils.grading import gradebook, pages
from course_utils.grading.assignment import SCHEME, grade_id, region, without_hidden
from course_utils.grading.graded import Graded
from course_utils.grading.output import write_csv, write_text
from course_utils.grading.register import Register

COLUMNS = ("id", "answer", "points", "comment")


@dataclass(frozen=True)
class Question:
    """One task that a person grades.

    task : the task's grade id
    points : the most points that the task can give
    text : the text cells directly above the graded cell; if the graded cell is a task cell, also its own text
    rubric : the instructor's own answer, or the mark scheme of a task cell
    """

    task: str
    points: float
    text: str
    rubric: str


def questions(graded: Graded) -> list[Question]:
    """Return a `Question` for each task that a person grades, in order."""
    found, texts, assignment = [], [], graded.assignment
    for cell in assignment.notebook.cells:
        name = grade_id(cell)
        task = assignment.tasks.get(name)
        if task and task.manual and name in assignment.answers:
            found.append(Question(name, task.points, "\n\n".join(texts), cell.source))
        elif task and task.manual:
            text = "\n\n".join([*texts, without_hidden(cell.source)])
            found.append(Question(name, task.points, text, region(cell.source, SCHEME)))
        elif cell.cell_type == "markdown":
            texts.append(cell.source)
            continue
        texts = []
    return found


def write(graded: Graded) -> list[Path]:
    """Write a page and a CSV file for each question into `reading/`, and return their paths.

    Raises CourseError if the assignment has no question that a person grades.
    """
    asked = questions(graded)
    if not asked:
        raise CourseError(f"{graded.assignment.name} has no answer for a person to grade.")
    folder, paths = graded.folder / "reading", []
    register = Register(graded.folder)
    register.save()  # store the secret from which the answers' ids are made
    for question in asked:
        rows = _answers(graded, question.task, register)
        stem = folder / f"{graded.assignment.name}.{question.task}"
        paths += [stem.with_name(stem.name + ".html"), stem.with_name(stem.name + ".csv")]
        write_text(paths[-2], _page(graded.assignment.name, question, rows, paths[-1].name))
        write_csv(paths[-1], [list(COLUMNS), *([row[name] for name in COLUMNS] for row in rows)])
    return paths


def _answers(graded, task, register):
    """Return a dictionary for each written answer, with the keys of COLUMNS, sorted by pseudonym."""
    rows = []
    for result in graded.results:
        mine = next((each for each in result.tasks if each.task == task), None)
        if mine and mine.written:
            points = "" if mine.waits else f"{mine.score:g}"
            rows.append([register.pseudonym(result.student, task), mine.source, points, mine.comment])
    return [dict(zip(COLUMNS, row, strict=True)) for row in sorted(rows)]


def enter(graded: Graded, file: Path) -> int:
    """Enter the points and comments of a CSV file into the gradebook, and return how many answers got points.

    The file has the columns id, points and comment. Rows without points are passed over. All rows are read
    before anything is entered.
    Raises CourseError if the file can't be read, or if a row has an unknown id or points out of range.
    """
    headings, rows = files.read_csv(file)
    if not {"id", "points"} <= set(headings):
        raise CourseError(f"{file} needs the columns id and points in its first line.")
    limits = {question.task: question.points for question in questions(graded)}
    register = Register(graded.folder)
    known = {
        register.pseudonym(result.student, task): (result.student, task)
        for result in graded.results
        for task in limits
    }
    entries = []
    for line, row in rows:
        points = row["points"].strip().replace(",", ".")
        if not points:
            continue
        if row["id"] not in known:
            raise CourseError(
                f"{file}, line {line}: no answer has the id {row['id']!r}: take the file that `course "
                "read-answers` writes now, and copy your points into it."
            )
        student, task = known[row["id"]]
        try:
            number = float(points)
        except ValueError:
            number = math.nan
        if not 0 <= number <= limits[task]:
            raise CourseError(f"{file}, line {line}: points are from 0 to {limits[task]:g}, not {points!r}.")
        comment = row.get("comment", "").strip()
        comment = comment[1:] if comment[:1] == "'" and comment[1:2] in tuple("=+-@") else comment
        entries.append((student, task, number, comment))
    gradebook.give(graded.folder / "gradebook.db", graded.assignment.name, entries)
    return len(entries)


def _page(name, question, rows, table):
    script = Path(__file__).with_name("reading.js").read_text(encoding="utf-8")
    return pages.render(
        "reading",
        name=name,
        question=question,
        rows=rows,
        table=table,
        script=script,
        hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
