"""Makes the learner's own copy of the course's notebooks, and updates it without losing the learner's work.

`start()` makes the folder of the copy, or updates it. The copied notebooks have no outputs. The folder
`.delivered` inside the copy stores each notebook as the learner got it, so that an update can see which cells
the learner has changed. Cells are matched by their ids.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from course_utils import catalog, files
from course_utils.errors import CourseError

DELIVERED = ".delivered"
NOTEBOOKS = ("notebooks/*.ipynb", "exercises/*/*.ipynb")
PAGES = "docs/*.md"  # pages to which cells of the notebooks link
NOTE = "The course's new version of the cell above, which you have changed:"


@dataclass
class Started:
    """What `start` did with the learner's folder.

    folder: Path, the learner's folder.
    new: list of str, the notebooks that were added, as paths relative to the folder.
    updated: list of str, the notebooks that were replaced, because the learner had not changed them.
    merged: list of str, the notebooks that now have both the learner's cells and the course's new cells.
    to_compare: list of str, the merged notebooks with a cell that both the learner and the course changed.
    broken: list of str, the learner's files that can't be read as notebooks, and were left as they are.
    """

    folder: Path
    new: list = field(default_factory=list)
    updated: list = field(default_factory=list)
    merged: list = field(default_factory=list)
    to_compare: list = field(default_factory=list)
    broken: list = field(default_factory=list)


def start(folder=None, course=None) -> Started:
    """Make the learner's own copy of the course, or update it without losing what the learner wrote.

    folder : the copy's folder; by default the folder my-course inside the clone from which the course was
        installed (git ignores it there) or, if there is no clone, inside the current folder
    course : the folder of the course, by default `catalog.course_folder()`

    Raises CourseError if the course's notebooks are missing, if the folder is the course itself or one of its
    folders of notebooks, or if a file can't be read or written.
    """
    course = Path(course or catalog.course_folder())
    folder = Path(folder or default_folder()).expanduser()
    sources = sorted(path for pattern in NOTEBOOKS for path in course.glob(pattern))
    if not sources:
        raise CourseError(f"There are no notebooks in {course}: install the course again, or use Colab.")
    own = [course.resolve(), *{(course / path.relative_to(course).parts[0]).resolve() for path in sources}]
    place = folder.resolve()
    if place == own[0] or any(each == place or each in place.parents for each in own[1:]):
        raise CourseError(
            f"{folder} is the course itself, and a copy in it would change it: name another folder."
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
    """Add a notebook to the learner's folder or, if the folder has the notebook already, update it.

    `new` is the course's notebook as text, without outputs.
    """
    path, delivered = folder / name, folder / DELIVERED / name
    before = delivered.read_text(encoding="utf-8") if delivered.exists() else None
    if not path.exists():
        _write(path, new)
        done.new.append(name)
    elif not _is_notebook(path):
        done.broken.append(name)
        return
    elif new != before:
        theirs = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
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
    """Merge two versions of a notebook. Return the result, and how many cells both versions have changed.

    base : the notebook as the learner got it
    theirs : the learner's notebook now
    new : the course's notebook now

    If only the learner or only the course changed a cell, the result has the changed version; a cell of the
    learner keeps its outputs. If both changed a cell, the learner's cell stays, and a note and the course's
    cell come below it. Cells that the learner added stay. Cells that the course deleted are deleted, unless
    the learner had changed them.
    """
    was = {cell.id: cell.source for cell in base.cells}
    mine = {cell.id: cell for cell in theirs.cells}
    cells, conflicts = [], 0
    for cell in new.cells:
        own = mine.get(cell.id)
        if own is None:
            # The learner's copy lacks this cell. If the cell is new or changed in the course, add it.
            # Otherwise the learner has deleted the cell, and it stays deleted.
            if cell.id not in was or cell.source != was[cell.id]:
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
        # This is a cell that the learner added or changed, and that the course's new version lacks. Insert it
        # below the cell that was above it in the learner's notebook.
        above = [other.id for other in theirs.cells[:index] if other.id in placed]
        position = [other.id for other in cells].index(above[-1]) + 1 if above else 0
        cells.insert(position, cell)
        placed.add(cell.id)
    merged = nbformat.from_dict({**new, "cells": cells})
    return merged, conflicts


def default_folder() -> Path:
    """Return the folder of the learner's own copy, for a learner who does not name a folder."""
    return (catalog.course_folder() if catalog.is_clone() else Path.cwd()) / "my-course"


def broken(folder: Path) -> list[str]:
    """Return the paths, relative to `folder`, of the learner's files that can't be read as notebooks.

    Only the learner's copies of the course's notebooks are checked.
    """
    names = (path.relative_to(folder / DELIVERED) for path in (folder / DELIVERED).rglob("*.ipynb"))
    return sorted(
        name.as_posix() for name in names if (folder / name).exists() and not _is_notebook(folder / name)
    )


def to_mend(path: Path) -> str:
    """Return the sentence that tells the learner about a file that can't be read as a notebook."""
    return (
        f"{path} is no valid notebook any more, and JupyterLab can't open it. Move it to another folder, and "
        "`course start` brings a fresh copy."
    )


def _is_notebook(path):
    try:
        book = json.loads(path.read_text(encoding="utf-8"))
        return isinstance(book["nbformat"], int) and all("source" in cell for cell in book["cells"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def _sources(notebook):
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def _without_outputs(path):
    """Return a notebook's text without outputs, so that learners see no answers before they have guessed."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, text)
