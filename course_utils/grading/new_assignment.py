"""Writes a small complete assignment that an instructor then changes, for `course new-assignment NAME`."""

import re
import tomllib
from pathlib import Path

import nbformat

from course_utils import files
from course_utils.errors import CourseError

TEMPLATE = Path(__file__).parent / "template"
CONFIG = """# nbgrader's settings for this folder: solutions/ is its source, exercises/ what students get.
c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "open-the-box"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "answers.toml"]
"""


def write(name: str, folder: Path) -> Path:
    """Write an assignment into a folder, and return the notebook's path.

    The files are `solutions/NAME/NAME.ipynb` and `solutions/NAME/answers.toml`. nbgrader_config.py is
    written, too, if the folder has none.
    Raises CourseError if the name can't be used, if the assignment exists, or if nothing can be written.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", name):
        raise CourseError(
            f"{name!r} can't be an assignment's name: take letters without accents, digits, - and _, at most "
            "60 of them, such as week-3."
        )
    notebook = folder / "solutions" / name / f"{name}.ipynb"
    if notebook.parent.exists():
        raise CourseError(f"{notebook.parent} exists already: take another name, or delete that folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "nbgrader_config.py").exists():
            files.write_text(folder / "nbgrader_config.py", CONFIG)
        notebook.parent.parent.mkdir(exist_ok=True)
        with files.replacing(notebook.parent) as part:
            part.mkdir()
            nbformat.write(_notebook(name), part / notebook.name)
            files.write_text(part / "answers.toml", (TEMPLATE / "answers.toml").read_text(encoding="utf-8"))
    except OSError as error:
        raise CourseError(f"Nothing can be written to {folder}: {error.strerror or error}.") from None
    return notebook


def _notebook(name):
    cells = []
    for each in tomllib.loads((TEMPLATE / "cells.toml").read_text(encoding="utf-8"))["cells"]:
        solution, points = each.get("solution", False), each.get("points")
        facts = {"grade_id": each["id"], "schema_version": 3, "task": False, "solution": solution}
        facts |= {"grade": points is not None, "locked": not solution}
        facts |= {} if points is None else {"points": points}
        make = getattr(nbformat.v4, f"new_{each.get('kind', 'code')}_cell")
        source = each["source"].strip().replace("NAME", name)
        cells.append(make(source, metadata={"nbgrader": facts}, id=each["id"]))
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
