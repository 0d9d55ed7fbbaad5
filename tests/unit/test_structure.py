"""Tests that the package has the structure in docs/design.md: no part imports a part above it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "course_utils"
PARTS = {path.stem for path in PACKAGE.glob("*.py")} | {
    path.parent.name for path in PACKAGE.glob("*/__init__.py")
}


def order():
    """Return the parts in docs/design.md's picture, from its lowest line up, each line from left to right."""
    (picture,) = re.findall(r"```text\n(.*?)```", (ROOT / "docs" / "design.md").read_text("utf-8"), re.S)
    lines = [line for line in picture.splitlines() if "──" not in line]
    return [name for line in reversed(lines) for name in re.split(r"\s{2,}", line.strip())[1:]]


def imported_parts(path):
    """Return the parts of the package that a module imports, anywhere in its code."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "course_utils":
            names |= {f"course_utils.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[1] for name in names if name.startswith("course_utils.")}


def test_the_picture_shows_every_part():
    assert sorted(order()) == sorted(PARTS - {"__init__", "course_utils"})


@pytest.mark.parametrize("part", order())
def test_a_part_imports_only_what_stands_below_it_or_to_its_left(part):
    allowed = {*order()[: order().index(part)], part}
    files = (PACKAGE / part).rglob("*.py") if (PACKAGE / part).is_dir() else [PACKAGE / f"{part}.py"]
    for path in files:
        assert imported_parts(path) <= allowed, path.relative_to(ROOT)
