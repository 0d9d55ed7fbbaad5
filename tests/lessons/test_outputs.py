"""Tests that running each lesson and each solution again gives the stored outputs.

Lesson 14 trains for minutes. Its numbers may differ from machine to machine. `make everything` compares the
lesson's other outputs, and `make test` runs the lesson's cells on a part of the model.

For each solution, `make test` compares what the checks print (in tests/exercises). It compares the outputs of
all cells only for solutions that the last commit has changed, and for two others. The two are drawn at
random, with the commit as the seed. `make everything` compares all outputs.
"""

import os
from pathlib import Path

import pytest
from by_commit import all_due, some
from lazy import Lazy

nbclient = Lazy("nbclient")
nbformat = Lazy("nbformat")

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.ipynb"))
# The numbers of the solutions that run a model for seconds or more. Of the other solutions, `make test` runs
# two, chosen at random.
LONG_SOLUTIONS = ("00", "02", "04", "05", "06", "07", "08", "09", "10", "11", "12", "14")
DRAWN = some("solutions", [path.stem for path in SOLUTIONS if path.stem[:2] not in LONG_SOLUTIONS], 2)

# {lesson: code to run before its first cell}. The code makes a lesson that takes minutes compute less.
LESS = {
    "14": """
# SmolLM2 has three of its thirty layers, and a training step reads one line of each kind.
import course_utils

def load(*arguments, plain=course_utils.load, **options):
    model, tokenizer = plain(*arguments, **options)
    model.model.layers = model.model.layers[:3]
    model.config.num_hidden_layers = 3
    return model, tokenizer

def some_lines(lines, step, count=1, plain=course_utils.opened.some_lines):
    return plain(lines, step, count=1)

course_utils.opened.some_lines = some_lines
course_utils.load = load
""",
}


def _which(path):
    return f"{'lesson' if path.parent.name == 'notebooks' else 'solution'}-{path.stem[:2]}"


def _notebooks():
    """Returns all lessons and solutions as parameters of a test."""
    lesson = pytest.mark.everything(reason="takes minutes; `make test` runs its cells with less to compute")
    solution = pytest.mark.everything(reason="`make test` compares what its checks print")
    for path in LESSONS:
        yield pytest.param(path, id=_which(path), marks=[lesson] if path.stem[:2] in LESS else [])
    for path in SOLUTIONS:
        left = path.stem not in DRAWN and not all_due(f"solutions/{path.stem}")
        yield pytest.param(path, id=_which(path), marks=[solution] if left else [])


@pytest.mark.parametrize("path", list(_notebooks()))
def test_outputs_are_reproduced(path, tmp_path, monkeypatch, quick_kernels):
    """nbval compares a run's outputs with the stored outputs. The sanitizer file lists what may differ."""
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "answers.json"))
    monkeypatch.setenv("COURSE_SEED", "1")  # the seed of the hidden checks when the outputs were stored
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # no plugin but nbval, which `options` names
    monkeypatch.chdir(tmp_path)
    passed = []

    class Count:
        def pytest_runtest_logreport(self, report):
            if report.when == "call" and report.passed:
                passed.append(report.nodeid)

    # Run pytest in this process, because a new process would spend three seconds on imports.
    sanitizer = f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval_sanitize.cfg'}"
    options = ["-c", os.devnull, "-p", "nbval", "-p", "no:cacheprovider", "--nbval", sanitizer]
    assert pytest.main([*options, str(path)], [Count()]) == pytest.ExitCode.OK
    cells = nbformat.read(path, as_version=4).cells
    assert len(passed) == sum(cell.cell_type == "code" for cell in cells)


@pytest.mark.parametrize("lesson", LESS, ids="less-{}".format)
def test_a_long_lesson_runs_with_less_to_compute(lesson, tmp_path, monkeypatch, quick_kernels):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "answers.json"))
    (path,) = (path for path in LESSONS if path.stem.startswith(lesson))
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(LESS[lesson]))
    folder = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=3_600, resources=folder).execute()
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
