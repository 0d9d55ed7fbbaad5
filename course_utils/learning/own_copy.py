"""The learner's own copy of the course: notebooks without outputs, and updates that lose nothing.

`start()` makes the folder, or brings it up to date. It keeps each notebook as it was delivered, in
`.delivered`. So it can tell which cells the learner changed: cells have ids.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from course_utils import files
from course_utils.errors import CourseError

COURSE = Path(__file__).parents[2]
DELIVERED = ".delivered"
NOTEBOOKS = ("notebooks/*.ipynb", "exercises/*/*.ipynb")
PAGES = "docs/*.md"  # a few cells link to them
NOTE = "The course's new version of the cell above, which you have changed:"


@dataclass
class Started:
    """What `start` did.

    folder: Path, the learner's folder.
    new: list of str, the paths in the folder of notebooks that were not there.
    updated: list of str, notebooks that were replaced, because the learner had written nothing into them.
    merged: list of str, notebooks that now have the learner's cells and the new ones.
    to_compare: list of str, those of `merged` in which the learner and the course changed the same cell.
    """

    folder: Path
    new: list = field(default_factory=list)
    updated: list = field(default_factory=list)
    merged: list = field(default_factory=list)
    to_compare: list = field(default_factory=list)


def start(folder=None, course=COURSE) -> Started:
    """Make the learner's own copy of the course, or bring it up to date without losing what they wrote.

    folder : by default my-course in the course's folder, which git ignores
    course : the folder of the course

    Raises CourseError: the course's notebooks are missing, or a file in the way can't be read or written.
    """
    course, folder = Path(course), Path(folder or Path(course) / "my-course").expanduser()
    sources = sorted(path for pattern in NOTEBOOKS for path in course.glob(pattern))
    if not sources:
        raise CourseError(
            f"There are no notebooks in {course}: run this in a clone of the course, or use Colab."
        )
    done = Started(folder)
    try:
        for source in sources:
            name = source.relative_to(course).as_posix()
            _bring(name, _without_outputs(source), folder, done)
        for page in course.glob(PAGES):
            (folder / "docs").mkdir(parents=True, exist_ok=True)
            shutil.copyfile(page, folder / "docs" / page.name)
    except OSError as error:
        raise CourseError(
            f"{folder} can't be written ({error.strerror}): name another folder, as in "
            "`course start ~/course`."
        ) from error
    return done


def _bring(name, new, folder, done):
    """Bring one notebook into the folder. `new` is its text without outputs."""
    path, delivered = folder / name, folder / DELIVERED / name
    before = delivered.read_text(encoding="utf-8") if delivered.exists() else None
    if not path.exists():
        _write(path, new)
        done.new.append(name)
    elif new != before:
        try:
            theirs = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        except (ValueError, nbformat.ValidationError) as error:
            raise CourseError(
                f"{path} is not a notebook any more, so it was left as it is: move it away and run this "
                "again."
            ) from error
        base = nbformat.reads(before, as_version=4) if before else nbformat.v4.new_notebook()
        if before and _sources(theirs) == _sources(base):
            _write(path, new)
            done.updated.append(name)
        else:
            merged, both = merge(base, theirs, nbformat.reads(new, as_version=4))
            _write(path, nbformat.writes(merged) + "\n")
            done.merged.append(name)
            if both:
                done.to_compare.append(name)
    _write(delivered, new)


def merge(base, theirs, new):
    """Merge two versions of a notebook. Return it, and the number of cells that both had changed.

    base : as it was delivered to the learner
    theirs : as the learner has it now
    new : as the course has it now

    If only one side changed a cell, that side's version is taken, with the learner's outputs if it is theirs.
    If both did, the learner's stays, and the new one is put below it with a note. Cells that the learner
    added stay. Cells that the course dropped go, unless the learner had changed them.
    """
    was = {cell.id: cell.source for cell in base.cells}
    mine = {cell.id: cell for cell in theirs.cells}
    cells, conflicts = [], 0
    for cell in new.cells:
        own = mine.get(cell.id)
        if own is None:
            if cell.id not in was or cell.source != was[cell.id]:  # else the learner deleted it
                cells.append(cell)
        elif own.source in (cell.source, was.get(cell.id)):
            cells.append(own if own.source == cell.source else cell)
        elif cell.source == was.get(cell.id):
            cells.append(own)
        else:
            conflicts += 1
            note = nbformat.v4.new_markdown_cell(NOTE)
            cells += [own, note, nbformat.from_dict({**cell, "id": nbformat.v4.new_raw_cell().id})]
    placed = {cell.id for cell in cells}
    for index, cell in enumerate(theirs.cells):
        changed = cell.source != was.get(cell.id)
        if cell.id in placed or not (changed and cell.source.strip()):
            continue
        # The learner's own cell goes below the one that it stood below.
        above = [other.id for other in theirs.cells[:index] if other.id in placed]
        position = [other.id for other in cells].index(above[-1]) + 1 if above else 0
        cells.insert(position, cell)
        placed.add(cell.id)
    merged = nbformat.from_dict({**new, "cells": cells})
    return merged, conflicts


def _sources(notebook):
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def _without_outputs(path):
    """Return a notebook's text without outputs, so that no guess is answered before it is made."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, text)
