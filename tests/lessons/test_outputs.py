"""Tests that running each lesson and each solution again gives the stored outputs."""

import os
from pathlib import Path

import pytest
from lazy import Lazy

nbformat = Lazy("nbformat")

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.ipynb"))


def _which(path):
    return f"{'lesson' if path.parent.name == 'notebooks' else 'solution'}-{path.stem[:2]}"


@pytest.mark.parametrize("path", [*LESSONS, *SOLUTIONS], ids=_which)
def test_outputs_are_reproduced(path, tmp_path, monkeypatch, quick_kernels):
    """nbval compares a run's outputs with the stored ones. The sanitizer file lists what may differ."""
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "answers.json"))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # nbval's are imported, and no others
    monkeypatch.chdir(tmp_path)
    passed = []

    class Count:
        def pytest_runtest_logreport(self, report):
            if report.when == "call" and report.passed:
                passed.append(report.nodeid)

    # In this process: a new one would spend three seconds on imports.
    sanitizer = f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval_sanitize.cfg'}"
    options = ["-c", os.devnull, "-p", "nbval", "-p", "no:cacheprovider", "--nbval", sanitizer]
    assert pytest.main([*options, str(path)], [Count()]) == pytest.ExitCode.OK
    cells = nbformat.read(path, as_version=4).cells
    assert len(passed) == sum(cell.cell_type == "code" for cell in cells)
