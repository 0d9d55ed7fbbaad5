"""Writes the text files and tables of a grading folder, which one process at a time may change."""

import contextlib
import csv
import io
from pathlib import Path

from filelock import FileLock, Timeout

from course_utils import files
from course_utils.errors import CourseError


@contextlib.contextmanager
def locked(folder: Path):
    """Keep other processes of the course from changing a grading folder during the `with` block.

    Raises CourseError if another process is at work in it.
    """
    try:
        with FileLock(folder / ".grading.lock", timeout=0):
            yield
    except Timeout:
        raise CourseError(f"Another `course` command is at work in {folder}: wait until it ends.") from None


def write_text(path: Path, text: str):
    """Write a text file, whole or not at all, and make its folder if that is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The temporary file has a fixed name, so the next run removes what a killed run left.
    with files.replacing(path, ".part") as part:
        part.write_text(text, encoding="utf-8", errors="replace", newline="")


def write_csv(path: Path, rows: list[list]):
    """Write a CSV file. Put an apostrophe before each cell that a spreadsheet would read as a formula."""
    table = io.StringIO()
    csv.writer(table).writerows([map(_no_formula, row) for row in rows])
    write_text(path, table.getvalue())


def _no_formula(value):
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
