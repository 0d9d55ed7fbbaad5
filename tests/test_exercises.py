"""Every exercise tells right from wrong, and exercises/ is what solutions/ makes.

The stub fails, the solution and other right answers pass, and wrong ones are rejected with a message that
names the mistake.
"""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

from course_utils import catalog
from course_utils.learning.check import NotYet

ROOT = Path(__file__).parent.parent
LESSONS = [name for name in catalog.lessons() if (ROOT / "solutions" / name).is_dir()]


def cells_of(folder, lesson):
    notebook = nbformat.read(ROOT / folder / lesson / f"{lesson}.ipynb", as_version=4)
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells}


def answers_of(lesson):
    return tomllib.loads((ROOT / "solutions" / lesson / "answers.toml").read_text(encoding="utf-8"))[
        "answers"
    ]


def tasks_of(cells):
    return [grade_id for grade_id, cell in cells.items() if cell.metadata.nbgrader.solution]


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request):
    return request.param


@pytest.fixture(scope="module")
def started(lesson):
    """For each task of a lesson, the names that exist when a student starts it."""
    cells = cells_of("solutions", lesson)
    names, begun = {}, {}
    for grade_id, cell in cells.items():
        if cell.cell_type != "code":
            continue
        if cell.metadata.nbgrader.solution:
            begun[grade_id] = dict(names)
        if not cell.metadata.nbgrader.grade and grade_id != "together":
            exec(cell.source.replace("    %pip", "    #"), names)
    return begun


@pytest.fixture(autouse=True)
def answers_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "answers.json"))


def outcome(names, answer, check):
    """Run a student's answer and the check cell below it; the check's message, or None when it passed."""
    names = dict(names)
    try:
        exec(answer, names)
        exec(check, names)
    except NotYet as message:
        return str(message)
    return None


def test_every_lesson_has_exercises():
    assert list(catalog.lessons()) == LESSONS


def test_solution_passes_and_stub_fails(lesson, started):
    solutions, stubs = cells_of("solutions", lesson), cells_of("exercises", lesson)
    for task in tasks_of(solutions):
        check = solutions[f"{task}-check"].source
        assert outcome(started[task], solutions[task].source, check) is None
        assert "is not written yet" in outcome(
            started[task], stubs[task].source, stubs[f"{task}-check"].source
        )


def test_right_answers_pass_and_wrong_ones_hear_why(lesson, started):
    solutions, stubs = cells_of("solutions", lesson), cells_of("exercises", lesson)
    for answer in answers_of(lesson):
        task = answer["task"]
        said = outcome(started[task], answer["code"], solutions[f"{task}-check"].source)
        if "says" not in answer:
            assert said is None, f"{task}: a right answer was rejected: {said}\n{answer['code']}"
        else:
            assert said and answer["says"] in said, (
                f"{task}: {said!r} lacks {answer['says']!r}\n{answer['code']}"
            )
            visible = outcome(started[task], answer["code"], stubs[f"{task}-check"].source)
            assert visible == said, f"{task}: the student's own checks say {visible!r}"


def test_every_task_has_three_wrong_answers_and_a_right_one(lesson):
    answers = answers_of(lesson)
    for task in tasks_of(cells_of("solutions", lesson)):
        mine = [answer for answer in answers if answer["task"] == task]
        assert sum("says" in answer for answer in mine) >= 3, task
        assert any("says" not in answer for answer in mine), task


def test_every_task_says_how_hard_it_is_and_folds_two_hints(lesson):
    cells = list(cells_of("exercises", lesson).values())
    for index, cell in enumerate(cells):
        grade_id = cell.metadata.nbgrader.grade_id
        if not cell.metadata.nbgrader.solution:
            continue
        text = next(above for above in reversed(cells[:index]) if above.cell_type == "markdown").source
        for part in ("Difficulty ", "importance ", " minutes", " point"):
            assert part in text, f"{grade_id}: {part}"
        assert text.count("<details><summary>Hint") == 2, grade_id
        assert "->" in cell.source.split('"""')[0], f"{grade_id}: no types on the stub"
        assert "SOLUTION" not in cell.source and "HIDDEN" not in cells[index + 1].source


def test_points_add_up_to_what_the_first_cell_says(lesson):
    cells = cells_of("exercises", lesson).values()
    points = sum(cell.metadata.nbgrader.get("points", 0) for cell in cells)
    assert f"{points} points" in next(iter(cells)).source


def test_exercises_are_what_the_solutions_make(tmp_path):
    for name in ("solutions", "nbgrader_config.py"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "--assignment=*", "--no-db"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    made = {
        p.relative_to(tmp_path): p.read_bytes() for p in (tmp_path / "exercises").rglob("*") if p.is_file()
    }
    kept = {
        p.relative_to(ROOT): p.read_bytes()
        for p in (ROOT / "exercises").rglob("*.ipynb")
        if ".ipynb_checkpoints" not in p.parts
    }
    assert made == kept, "run `make exercises`: exercises/ is out of step with solutions/"
