"""Tests that a wheel holds the whole course. The wheel is built once, and used where there is no clone."""

import shutil
import subprocess
import sys
from pathlib import Path

import forked_kernels
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("course_utils", "notebooks", "exercises", "solutions", "docs")
SETTINGS = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "LICENSE-lessons")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Returns a function that runs an installed wheel's command in an empty folder and returns the output."""
    top = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        unwanted = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "pictures")
        shutil.copytree(ROOT / name, top / "source" / name, ignore=unwanted)
    for name in SETTINGS:
        shutil.copy(ROOT / name, top / "source" / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", top, top / "source"]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = top.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", top / "installed", wheel], check=True)
    shutil.rmtree(top / "source")
    (top / "empty").mkdir()

    def run(*arguments):
        environment = forked_kernels.ordinary() | {"PYTHONPATH": str(top / "installed")}
        command = [sys.executable, "-m", "course_utils", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=top / "empty", env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.folder = top / "empty"
    return run


def test_a_copy_from_the_wheel_has_every_lesson_and_exercise(course):
    assert "my-course" in course("start")
    mine = course.folder / "my-course"
    for pattern in ("notebooks/*.ipynb", "exercises/*/*.ipynb", "docs/*.md"):
        names = {path.relative_to(ROOT) for path in ROOT.glob(pattern)}
        assert len(names) > 10 and {path.relative_to(mine) for path in mine.glob(pattern)} == names


def test_a_lesson_of_the_copy_runs_and_so_does_the_wheels_own(course):
    course("start", "mine")
    lesson = course.folder / "mine" / "notebooks" / "01_what_open_means.ipynb"
    probe = nbformat.read(lesson, as_version=4)
    probe.cells.append(nbformat.v4.new_code_cell("assert 'installed' in course.__file__"))
    nbformat.write(probe, lesson)
    assert "ok" in course("run", lesson).split()
    assert "ok" in course("run", "01").split()


def test_the_checks_for_graders_come_with_the_wheel(course, tmp_path):
    name = "01_what_open_means"
    shutil.copy(ROOT / "solutions" / name / f"{name}.ipynb", tmp_path / "Ada.ipynb")
    plan = course("grade", "01", tmp_path, "--out", tmp_path / "out", "--plan")
    assert "Ada" in plan
