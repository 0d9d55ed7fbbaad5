"""Writes tables that spreadsheets can open, and recognises those that they wrote."""

import csv
from pathlib import Path

from course_utils import files


def write_csv(path: Path, rows: list[list]):
    """Write a CSV file, whole or not at all. No cell is read as a formula by a spreadsheet."""
    with (
        files.replacing(path, ".part") as part,  # the lock of the grading folder keeps other processes away
        part.open("w", encoding="utf-8", errors="replace", newline="") as file,
    ):
        csv.writer(file).writerows([map(_no_formula, row) for row in rows])


def separator(text: str) -> str:
    """Return what separates the cells of a CSV text, by its first line: a comma, a semicolon or a tab."""
    return max(",;\t", key=text.split("\n", 1)[0].count)


def _no_formula(value):
    """Return the text of a table's cell, changed if a spreadsheet would read it as a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
