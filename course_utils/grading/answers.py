"""Finds a student's answers in a submitted notebook, without running anything.

The contents of a submitted notebook can't be trusted. If a notebook can't be used, the exception `Unusable`
says why in a sentence.
"""

import ast
import json
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from course_utils.grading import wire
from course_utils.grading.assignment import Assignment, Unparsed, grade_id, parsed, without_hidden

MOST_CELLS = 2_000
LONGEST_CELL = 200_000  # in characters; a longer cell is not read
MOST_CODE = 500_000  # in characters, for all code cells of a notebook together

# The most lists, dictionaries and items in a file's JSON, as `wire.parts` counts them. It counts commas, so a
# comma inside a text counts as an item, too.
MOST_PARTS = 2_000_000


class Unusable(Exception):
    """Raised if no answer can be read from a notebook. The message says why."""


@dataclass
class Answers:
    """The answers in a student's notebook, and the code cells that the student added.

    code : the source of each solution cell by grade id
    texts : the source of each cell that a person grades, by grade id
    before : the sources of the added code cells, by the grade id of the answer or check that follows them
    notes : sentences for the feedback; they say what the notebook lacked, or what had to be repaired in it
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
    """Find the student's answers by their grade ids or, if these are missing, by their functions' names.

    Raises Unusable if the data can't be read as a notebook, or has no cell of this assignment.
    """
    cells = _cells(data)
    taken = Answers()
    manual = {name for name, task in assignment.tasks.items() if task.manual}
    found = _by_grade_id(cells, assignment, taken.notes)
    for name in assignment.answers:
        if name not in found and name in manual:
            taken.notes.append(f"The cell of your answer {name!r} is missing: hand in all cells.")
        elif name not in found:
            index = _by_function(cells, assignment.functions(name), found)
            if index is None:
                taken.notes.append(f"The cell {name!r} is missing: hand in a copy with all cells.")
            else:
                found[name] = index
                taken.notes.append(f"The cell {name!r} had lost its name: its function was found.")
    own, below = _own_cells(cells, assignment, {index: name for name, index in found.items()})
    if not found and not any(below.values()):
        raise Unusable("It has none of the cells of this assignment: was another notebook handed in?")
    for name, index in found.items():
        (taken.texts if name in manual else taken.code)[name] = cells[index].source
    for name, sources in below.items():
        text = taken.texts.get(name, "")
        kept = [] if text.strip() == assignment.answers.get(name, "").strip() else [text]
        taken.texts[name] = "\n\n".join([*kept, *sources])[:LONGEST_CELL] if sources else text
    taken.before = {name: sources for name, sources in own.items() if name}
    taken.notes += _too_late(assignment, taken, own.get("", []))
    return taken


def _by_grade_id(cells, assignment, notes):
    """Return {grade id: index of the answer's cell}.

    If several cells have the same id, the last of them that is neither empty nor the unchanged stub counts.
    If there is no such cell, the first of them counts.
    """
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


def _own_cells(cells, assignment, found):
    """Return the cells that the student added, as two dictionaries of lists of sources.

    The first dictionary has the code cells. Its keys are the grade ids of the answers and checks before which
    the cells are executed, or "" for cells after the last check. The second dictionary has the cells that
    continue an answer that a person grades. Its keys are the grade ids of these answers. A text cell
    continues the answer below which the student added it. nbgrader's task cells have no answer cell, so both
    the text cells and the code cells that the student added below a task cell are the answer.

    found : dict from the index of each answer's cell to the answer's grade id
    """
    given = {cell.source.strip() for cell in assignment.notebook.cells}
    given |= {without_hidden(source) for source in given}
    given |= {stub.strip() for stub in assignment.answers.values()} | {""}
    known = {grade_id(cell) for cell in assignment.notebook.cells} - {""}
    checks = {task.answer: name for name, task in assignment.tasks.items() if not task.manual}
    manual = {name for name, task in assignment.tasks.items() if task.manual}
    below = {name: [] for name in manual}
    kept = {cell.name for cell in cells}
    before, own, check, task = {}, [], "", ""
    for index, cell in enumerate(cells):
        answer, is_own = found.get(index, ""), cell.source.strip() not in given
        if answer and answer not in manual or cell.name in checks.values():
            # If the student's notebook lacks an answer's check, the cells below the answer are executed
            # before the instructor's check.
            before.setdefault(check or answer or cell.name, []).extend(own)
            own, check = [], checks.get(answer, "")
            check = "" if check in kept else check
        elif cell.type == "code" and is_own and not (cell.name in known or "course.check(" in cell.source):
            own.append(cell.source)
        if cell.name in known:
            task = cell.name if cell.name in below else ""
        elif task and is_own and (cell.type != "code" or task not in assignment.answers):
            below[task].append(cell.source)
    before.setdefault(check, []).extend(own)
    return before, below


def _too_late(assignment, taken, last):
    """Yield a sentence for each task whose function the student defined only below the task's check.

    A task is left out if the student changed the cell of its answer.

    last : the sources of the cells that the student added after the last answer and check
    """
    order = [grade_id(cell) for cell in assignment.notebook.cells]
    for task in (task for task in assignment.tasks.values() if not task.manual):
        functions = assignment.functions(task.answer)
        untouched = taken.code.get(task.answer, "").strip() == assignment.answers[task.answer].strip()
        later = set(order[order.index(task.name) + 1 :])
        places = {name: taken.before.get(name, []) for name in order}
        late = [source for name in later for source in places.get(name, ())] + last
        early = [source for name in order if name not in later for source in places[name]]
        defined = [set().union(*map(_defined, sources)) for sources in (early, late)]
        if untouched and functions & defined[1] - defined[0]:
            yield (
                f"You wrote {task.answer!r} in a cell below its check. Cells are executed from the top down, "
                "so the check did not see it. Move your code into the cell of the task, restart the kernel, "
                "run all cells, and hand in again."
            )


def _defined(source):
    """Return the names of the functions that the source of a cell defines."""
    try:
        return {node.name for node in parsed(source).body if isinstance(node, ast.FunctionDef)}
    except Unparsed:
        return set(re.findall(r"^def (\w+)\(", source, re.M))


def _cells(data):
    """Return the cells of a notebook, in any version of the notebook format."""
    if not data.strip():
        raise Unusable("The file is empty: save the notebook and hand it in again.")
    if wire.parts(data) > MOST_PARTS:  # decoding so many parts would take too much memory
        raise Unusable("The file has far too many parts: clear its outputs, and hand it in again.")
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
    cells = [cell for cell in map(_cell, cells) if cell]
    if sum(len(cell.source) for cell in cells if cell.type == "code") > MOST_CODE:
        raise Unusable(f"It has more than {MOST_CODE:,} characters of code: hand in only what is asked for.")
    return cells


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
