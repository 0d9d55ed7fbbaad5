"""Stores what grading gives: each student's result, the gradebook, tables for an LMS and feedback pages.

Each student's result is one file, which is replaced as a whole. Each run makes the tables and updates the
gradebook from these files, so it repairs whatever a killed run left unfinished.
"""

import base64
import csv
import html
import json
import os
import re
import sys
import tempfile
import textwrap
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import nbformat

from course_utils.grading.assignment import Assignment, grade_id, without_hidden
from course_utils.grading.judge import Graded

LINE = 96  # characters that fit on a line in formgrader

_CONFIG = "c = get_config()  # noqa: F821\nc.CourseDirectory.course_id = 'open-the-box'\n"


class Records:
    """The files of one assignment in a grading folder, which nbgrader can open as a course."""

    def __init__(self, folder: Path, assignment: Assignment):
        self.folder, self.assignment = folder, assignment
        self.results = folder / "results" / assignment.name
        self.feedback = folder / "feedback" / assignment.name
        for each in (self.results, self.feedback, folder / "source" / assignment.name):
            each.mkdir(parents=True, exist_ok=True)

    def read(self, student: str) -> dict | None:
        """Returns the stored result, or None if there is none or it can't be read."""
        try:
            result = json.loads((self.results / f"{student}.json").read_text(encoding="utf-8"))
            return result if isinstance(result, dict) else None
        except (OSError, ValueError):
            return None

    def keep(self, result: dict):
        """Writes one student's notebook for formgrader, then the result."""
        student, name = result["student"], self.assignment.name
        book = self.folder / "autograded" / student / name / f"{name}.ipynb"
        book.parent.mkdir(parents=True, exist_ok=True)
        _replace(book, nbformat.writes(self._notebook(result)))
        _replace(self.results / f"{student}.json", json.dumps(result, indent=1))

    def finish(self, students: Iterable[str]) -> list[dict]:
        """Updates the gradebook, then writes the feedback and the tables with the points given there by hand.

        students : the students of this run; students of earlier runs are kept, with "now" False
        Returns all results, without the students' work.
        """
        name = self.assignment.name
        source = self.folder / "source" / name / f"{name}.ipynb"
        _replace(source, nbformat.writes(self.assignment.notebook))
        if not (self.folder / "nbgrader_config.py").exists():
            _replace(self.folder / "nbgrader_config.py", _CONFIG)
        now = set(students)
        kept = map(self._whole, sorted(now | {path.stem for path in self.results.glob("*.json")}))
        results = [_without_work(result) | {"now": result["student"] in now} for result in kept if result]
        by_hand = _fill_gradebook(self.folder / "gradebook.db", self.assignment, results)
        for result in results:
            given = by_hand[result["student"]]
            whole = self._whole(result["student"])
            for each in (result, whole):
                each["tasks"] = [task | given[task["task"]] for task in each["tasks"]]
                each["score"] = round(sum(task["score"] for task in each["tasks"]), 2)
            _replace(self.feedback / f"{result['student']}.html", page(whole, name))
        self._tables(results)
        return results

    def _whole(self, student):
        """Returns the stored result, with the tasks that the assignment has now."""
        result = self.read(student)
        if result:
            kept = {task["task"]: task for task in result["tasks"]}
            tasks = [
                kept.get(task.name) or asdict(Graded.of(task)) for task in self.assignment.tasks.values()
            ]
            result |= {"tasks": tasks, "max": self.assignment.points}
        return result

    def _tables(self, results):
        name, tasks = self.assignment.name, list(self.assignment.tasks)
        rows = [["student", "score", "max", "percent", *tasks, "by hand", "handed in", "problem"]]
        canvas = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", name]]
        moodle = [["Identifier", "Grade", "Feedback comments"]]
        for result in results:
            scores = [f"{task['score']:g}" for task in result["tasks"]]
            waiting = sum(task["waits"] for task in result["tasks"])
            percent = f"{100 * result['score'] / max(result['max'], 1e-9):.1f}"
            line = [result["student"], f"{result['score']:g}", f"{result['max']:g}", percent]
            rows.append([*line, *scores, waiting, "now" if result["now"] else "earlier", result["problem"]])
            lms, number = result["lms"]
            if lms == "canvas":
                canvas.append([result["student"], number, "", "", "", f"{result['score']:g}"])
            if lms == "moodle":
                moodle.append([f"Participant {number}", f"{result['score']:g}", result["problem"]])
        for kind, table in (("grades", rows), ("canvas", canvas), ("moodle", moodle)):
            if len(table) > 1:
                file = self.folder / ("grades.csv" if kind == "grades" else f"{kind}.csv")
                _replace(file, table)

    def _notebook(self, result):
        """Returns the notebook for formgrader: the instructor's cells with the student's answers.

        Answers in Markdown become plain text, and no output is HTML.
        """
        book = nbformat.from_dict(self.assignment.notebook)
        graded = {task["task"]: task for task in result["tasks"]}
        answers = {self.assignment.tasks[name].answer: task for name, task in graded.items()}
        for cell in book.cells:
            name = grade_id(cell)
            cell.pop("attachments", None)
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
                cell.source = without_hidden(cell.source)
            if name in self.assignment.answers:
                task = answers.get(name)
                cell.source = task["source"] if task else self.assignment.answers[name]
                if cell.cell_type == "code":
                    cell.outputs = _outputs(task) if task else []
                else:
                    cell.source = _as_text(cell.source)
            elif name in graded:
                lines = [
                    f"{'✓' if each['passed'] else '✗'} {each['says']}" for each in graded[name]["checks"]
                ]
                cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="\n".join(lines))]
        return book


def _without_work(result):
    work = ("source", "text", "shown")
    tasks = [{name: value for name, value in task.items() if name not in work} for task in result["tasks"]]
    return result | {"tasks": tasks}


def _outputs(task):
    outputs = []
    if task["stopped"]:
        outputs.append(nbformat.v4.new_output("stream", name="stderr", text=task["stopped"] + "\n"))
    if task["text"]:
        outputs.append(nbformat.v4.new_output("stream", name="stdout", text=task["text"]))
    for each in task["shown"]:
        if _is_picture(each.get("image/png")):
            data = {"image/png": each["image/png"].replace("\n", "")}
        else:
            data = {"text/plain": each.get("text/plain", "")}
        outputs.append(nbformat.v4.new_output("display_data", data=data))
    return outputs


def _is_picture(text):
    try:
        return base64.b64decode(text or "", validate=False).startswith(b"\x89PNG") and bool(
            re.fullmatch(r"[A-Za-z0-9+/=\n]+", text)
        )
    except ValueError:
        return False


def _as_text(source):
    """Puts a student's text into a fenced block with wrapped lines.

    Otherwise formgrader would render HTML in it, and cut off long lines.
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


def _replace(path, content):
    """Writes a file completely or not at all. `content` is a text, or rows for a CSV file."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
            if isinstance(content, str):
                file.write(content)
            else:
                csv.writer(file).writerows([[_cell(value) for value in row] for row in content])
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _cell(value):
    """Returns the text of a table's cell, changed so that no spreadsheet reads it as a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }}
h2 {{ font-size: 1.1rem; margin: 2rem 0 .3rem; border-top: 1px solid #ccc; padding-top: 1rem }}
ul {{ list-style: none; padding: 0 }}
li {{ padding-left: 1.6rem; text-indent: -1.6rem; overflow-wrap: anywhere }}
pre {{ background: #f4f4f4; padding: .6rem; overflow: auto; max-height: 30rem; white-space: pre-wrap }}
img {{ max-width: 100% }}
.note {{ background: #fff6df; padding: .5rem .8rem }}
</style></head><body>
<h1>{title}</h1>
<p><strong>{score:g} of {max:g} points</strong>{waiting}</p>
{body}
</body></html>
"""


def page(result: dict, name: str) -> str:
    """Returns a student's feedback as one HTML file. Everything that a student wrote is escaped."""
    parts = [f'<p class="note">{_text(result["problem"])}</p>'] if result["problem"] else []
    parts += [f'<p class="note">{_text(note)}</p>' for note in result["notes"]]
    for task in result["tasks"]:
        parts.append(f"<h2>{_text(task['title'] or task['task'])}</h2>")
        if task["waits"]:
            parts.append(f"<p>{task['points']:g} points, given by your instructor.</p>")
        else:
            parts.append(f"<p>{task['score']:g} of {task['points']:g} points</p>")
        for note in (task["stopped"], task["comment"]):
            parts += [f'<p class="note">{_text(note)}</p>'] if note else []
        if not result["problem"]:
            items = [
                f"<li>{'✓' if each['passed'] else '✗'} {_text(each['says'])}</li>" for each in task["checks"]
            ]
            parts.append("<ul>" + "\n".join(items) + "</ul>")
        if task["source"]:
            code = f"<pre>{_text(task['source'])}</pre>"
            parts.append(f"<details><summary>Your answer</summary>{code}</details>")
        if task["text"]:
            parts.append(f"<p>It printed:</p><pre>{_text(task['text'])}</pre>")
        for each in task["shown"]:
            if _is_picture(each.get("image/png")):
                source = each["image/png"].replace("\n", "")
                parts.append(f'<img alt="What your cell drew" src="data:image/png;base64,{source}">')
            elif each.get("text/plain"):
                parts.append(f"<pre>{_text(each['text/plain'])}</pre>")
    waits = any(task["waits"] for task in result["tasks"])
    waiting = ", and what your instructor will read" if waits else ""
    title = f"{_text(name)} · {_text(result['student'])}"
    return _PAGE.format(
        title=title, score=result["score"], max=result["max"], waiting=waiting, body="\n".join(parts)
    )


def _text(value):
    return html.escape("".join(sign if sign.isprintable() or sign in "\n\t" else "�" for sign in value))


def _fill_gradebook(file, assignment, results):
    """Writes all results into nbgrader's gradebook in one transaction. Keeps the points that a person gave.

    Returns what counts afterwards: {"score", "waits", "comment"} by student and task.
    """
    from nbgrader import api

    tools = os.path.dirname(sys.executable)  # nbgrader looks for alembic on the PATH
    if tools not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([tools, os.environ.get("PATH", os.defpath)])
    with api.Gradebook(f"sqlite:///{file}") as book:
        kept = book.update_or_create_assignment(assignment.name)
        notebook = book.update_or_create_notebook(assignment.name, assignment.name)
        for task in assignment.tasks.values():
            book.update_or_create_grade_cell(
                task.name,
                notebook.name,
                assignment.name,
                max_score=task.points,
                cell_type="code" if task.probes else "markdown",
            )
        for answer in assignment.answers:
            book.update_or_create_solution_cell(answer, notebook.name, assignment.name)
        session = book.db
        cells = {cell.name: cell for cell in notebook.grade_cells}
        solutions = {cell.name: cell for cell in notebook.solution_cells}
        students = {each.id: each for each in session.query(api.Student)}
        there = {each.student_id: each for each in kept.submissions}
        counts = {}
        for result in results:
            name = result["student"]
            if name not in students:
                students[name] = api.Student(id=name)
                session.add(students[name])
            if name not in there:
                there[name] = api.SubmittedAssignment(assignment=kept, student=students[name])
                handed = api.SubmittedNotebook(notebook=notebook, assignment=there[name])
                session.add_all([there[name], handed])
            handed = there[name].notebooks[0]
            grades = {grade.cell.name: grade for grade in handed.grades}
            comments = {comment.cell.name: comment.manual_comment or "" for comment in handed.comments}
            for cell_name in cells.keys() - grades.keys():  # a new student, or a new task
                grades[cell_name] = api.Grade(cell=cells[cell_name], notebook=handed)
                session.add(grades[cell_name])
            for cell_name in solutions.keys() - comments.keys():
                session.add(api.Comment(cell=solutions[cell_name], notebook=handed))
            counts[name] = {}
            for task in result["tasks"]:
                grade = grades[task["task"]]
                grade.auto_score = None if task["manual"] else task["score"]
                grade.needs_manual_grade = bool(task["manual"] and grade.manual_score is None)
                score = grade.auto_score if grade.manual_score is None else grade.manual_score
                counts[name][task["task"]] = {
                    "score": (score or 0.0) + (grade.extra_credit or 0.0),
                    "waits": grade.needs_manual_grade,
                    "comment": comments.get(assignment.tasks[task["task"]].answer, ""),
                }
        session.commit()
    return counts
