"""Writes the text files and tables of a grading folder."""

import csv
import io
from pathlib import Path

from course_utils import files


def write_text(path: Path, text: str):
    """Write a text file, whole or not at all, and make its folder if that is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # With a fixed name, the next run removes what a killed run left.
    with files.replacing(path, ".part") as part:
        part.write_text(text, encoding="utf-8", errors="replace", newline="")


def write_csv(path: Path, rows: list[list]):
    """Write a CSV file. A cell that a spreadsheet would read as a formula begins with an apostrophe."""
    table = io.StringIO()
    csv.writer(table).writerows([map(_no_formula, row) for row in rows])
    write_text(path, table.getvalue())


def _no_formula(value):
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
