"""Tests that running each lesson and each solution again gives the stored outputs."""

import subprocess
import sys
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
    sanitizer = ROOT / "tests" / "nbval_sanitize.cfg"
    command = [sys.executable, "-m", "pytest", "-p", "nbval", "--nbval", f"--nbval-sanitize-with={sanitizer}"]
    command += ["-p", "no:cacheprovider", str(path)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-5000:]
    cells = nbformat.read(path, as_version=4).cells
    assert f"{sum(cell.cell_type == 'code' for cell in cells)} passed" in result.stdout
