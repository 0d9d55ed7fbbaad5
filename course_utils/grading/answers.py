"""Finds a student's answers in a submitted notebook, without running anything.

The contents of a submitted notebook can't be trusted. If it can't be used, `Unusable` says why in a sentence.
"""

import ast
import json
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from course_utils.grading.assignment import Assignment, grade_id

MOST_CELLS = 2_000
LONGEST_CELL = 200_000  # characters; longer cells are not read


class Unusable(Exception):
    """Raised if no answer can be read from a notebook. The message says why."""


@dataclass
class Answers:
    """The answers in a student's notebook, and the student's own code cells before them.

    code : the source of each solution cell by grade id
    texts : the source of each cell that a person grades, by grade id
    before : the student's own code cells, by the grade id of the answer that follows them
    notes : sentences for the feedback on what was missing or had to be repaired in the notebook
    """

    code: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    before: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class _Cell(NamedTuple):
    type: str | None
    name: str  # the cell's grade id
    source: str


def find(data: bytes, assignment: Assignment) -> Answers:
    """Find the student's answers by their grade ids, or otherwise by the functions that they should define.

    Raises Unusable if the data can't be read as a notebook, or has no cell of this assignment.
    """
    cells = _cells(data)
    taken = Answers()
    manual = {name for name, task in assignment.tasks.items() if task.manual}
    found = _by_grade_id(cells, assignment, taken.notes)
    for name in assignment.answers:
        if name not in found and name not in manual:
            index = _by_function(cells, assignment.functions(name), found)
            if index is None:
                taken.notes.append(f"The cell {name!r} is missing: hand in a copy with all cells.")
            else:
                found[name] = index
                taken.notes.append(f"The cell {name!r} had lost its name: its function was found.")
    if not found:
        raise Unusable("It has none of the cells of this assignment: was another notebook handed in?")
    for name, index in found.items():
        (taken.texts if name in manual else taken.code)[name] = cells[index].source
    taken.before = _own_cells(cells, assignment, {index: name for name, index in found.items()}, manual)
    return taken


def _by_grade_id(cells, assignment, notes):
    """Return each answer's cell index by grade id. Of cells with the same id, the last filled one counts."""
    found = {}
    for index, cell in enumerate(cells):
        if cell.name in assignment.answers:
            if cell.name in found:
                notes.append(f"There were two cells {cell.name!r}: the last one with an answer counts.")
                if cell.source.strip() in ("", assignment.answers[cell.name].strip()):
                    continue
            found[cell.name] = index
    return found


def _by_function(cells, functions, found):
    """Return the index of the last code cell, not in `found`, that defines one of the functions, or None."""
    for index in reversed(range(len(cells))):
        other = cells[index].type == "code" and index not in found.values()
        if other and functions & _defined(cells[index].source):
            return index
    return None


def _own_cells(cells, assignment, found, manual):
    """Return the code cells that the student added, by the grade id of the answer that follows them.

    found : dict from the index of each answer's cell to the answer's grade id
    """
    given = {cell.source.strip() for cell in assignment.notebook.cells}
    known = {grade_id(cell) for cell in assignment.notebook.cells} - {""}
    before, own = {}, []
    for index, cell in enumerate(cells):
        source = cell.source.strip()
        if index in found:
            if own and found[index] not in manual:
                before[found[index]], own = own, []
        elif cell.type != "code" or cell.name in known or "course.check(" in source:
            continue
        elif source and source not in given:
            own.append(cell.source)
    return before


def _defined(source):
    """Return the names of the functions that the source of a cell defines."""
    try:
        return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(r"^def (\w+)\(", source, re.M))


def _cells(data):
    """Return the cells of a notebook, in any version of the notebook format."""
    if not data.strip():
        raise Unusable("The file is empty: save the notebook and hand it in again.")
    try:
        book = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unusable("The file is not in UTF-8: save it again in Jupyter.") from None
    except (ValueError, RecursionError):
        raise Unusable("The file is not a notebook: save it again in Jupyter.") from None
    book = book if isinstance(book, dict) else {}
    cells = book.get("cells")
    if cells is None and isinstance(book.get("worksheets"), list):  # versions 1 to 3 of the notebook format
        sheets = [sheet.get("cells") for sheet in book["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    if not isinstance(cells, list) or len(cells) > MOST_CELLS:
        raise Unusable("The file has no list of cells, or far too many: save it again in Jupyter.")
    return [cell for cell in map(_cell, cells) if cell]


def _cell(data):
    """Return a cell as a `_Cell`, or None if it can't be read."""
    if not isinstance(data, dict):
        return None
    source = data.get("source", data.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    if not isinstance(source, str) or len(source) > LONGEST_CELL:
        return None
    metadata = data.get("metadata")
    facts = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = facts.get("grade_id") if isinstance(facts, dict) else None
    name = name if isinstance(name, str) else ""
    return _Cell(data.get("cell_type"), name, source.encode(errors="replace").decode())
