"""Stores the results of grading: each student's result, the gradebook, tables for an LMS and feedback pages.

Each student's result is one file, which is always replaced as a whole. Each run makes the tables and updates
the gradebook from these files, and so completes whatever a killed run left unfinished.
"""

import contextlib
import re
import textwrap
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import nbformat

from course_utils.grading import gradebook, grades, returning
from course_utils.grading.assignment import Assignment, grade_id, without_hidden
from course_utils.grading.feedback import page
from course_utils.grading.output import write_text
from course_utils.grading.pages import picture
from course_utils.grading.register import Register
from course_utils.grading.result import Result

LINE = 96  # characters that fit on a line in nbgrader's formgrader
_CONFIG = "c = get_config()  # noqa: F821\nc.CourseDirectory.course_id = 'open-the-box'\n"


class Records:
    """The files of one assignment in a grading folder, which nbgrader can open as a course.

    Attributes: `notes`, sentences for the instructor. They say how many students are missing from the table
    of grades for a learning platform, and why.
    """

    def __init__(self, folder: Path, assignment: Assignment, register: Register):
        self.folder, self.assignment, self.register = folder, assignment, register
        self.notes: list[str] = []
        self.results = folder / "results" / assignment.name
        self.feedback = folder / "feedback" / assignment.name

    def read(self, student: str) -> Result | None:
        """Return the student's stored result, or None if there is no result or it can't be read."""
        return Result.read(self.results / f"{student}.json")

    def keep(self, result: Result):
        """Write one student's notebook for nbgrader's formgrader, and then the student's result."""
        name = self.assignment.name
        book = self.folder / "autograded" / result.student / name / f"{name}.ipynb"
        write_text(book, nbformat.writes(self._notebook(result)))
        write_text(self.results / f"{result.student}.json", result.to_json())

    @contextlib.contextmanager
    def making_gradebook(self):
        """If there is no gradebook, make an empty one in a thread while the `with` block is executed."""
        thread = threading.Thread(target=gradebook.make, args=[self.folder / "gradebook.db"])
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def finish(self, students: Iterable[str]) -> list[Result]:
        """Update the gradebook. Write feedback and tables, which include the points that a person entered.

        students : the students of this run; the results of earlier runs stay, with `now` set to False
        Returns all results, without the students' answers and their output.
        """
        name, now = self.assignment.name, set(students)
        self.register.save()
        write_text(self.folder / "source" / name / f"{name}.ipynb", nbformat.writes(self.assignment.notebook))
        if not (self.folder / "nbgrader_config.py").exists():
            write_text(self.folder / "nbgrader_config.py", _CONFIG)
        stored = map(self._current, sorted(now | {path.stem for path in self.results.glob("*.json")}))
        results = [replace(result.without_work(), now=result.student in now) for result in stored if result]
        by_hand = gradebook.enter(self.folder / "gradebook.db", self.assignment, results, self.register)
        policy = self.register.late_policy(name)
        for index, result in enumerate(results):
            by_task = by_hand[result.student]
            results[index] = gradebook.with_gradebook(result, by_task)
            whole = gradebook.with_gradebook(self._current(result.student), by_task)
            late = grades.late_sentence(whole, self.register.late_days(result.student, name), policy)
            whole = replace(whole, notes=(*whole.notes, late))
            write_text(self.feedback / f"{result.student}.html", page(whole, name))
        self.notes = grades.write(self.folder, name, results, list(self.assignment.tasks), self.register)
        returning.write(self.folder, name, self.register)
        return results

    def _current(self, student):
        """Return the student's stored result with the assignment's current tasks, or None."""
        result = self.read(student)
        return result.of_tasks(self.assignment.tasks) if result else None

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
        # Students answer nbgrader's task cells in cells of their own. Put such an answer below its task cell.
        for name in tasks.keys() - self.assignment.answers.keys():
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
