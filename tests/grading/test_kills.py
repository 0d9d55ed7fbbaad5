"""Tests, as a user without rights, that `kill -9` at any moment loses no student and leaves no half file.

The program kills itself at the worst moments: when half of a file is written, before the file has its name,
and in the middle of the gradebook's transaction.
"""

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import by_commit
import plain_user
import pytest
from lazy import Lazy
from programs import needs
from test_grading import answered, instructor_notebook

nbformat = Lazy("nbformat")
stored = Lazy("course_utils.grading.result")

STUDENTS = 5
GRADE = """
import os, sys
from course_utils import files
from course_utils.__main__ import main
from course_utils.grading import gradebook, student_process
student_process.IMPORTS = ("torch",)
moment = sys.argv.pop(1)
rename, enter, rows = files._rename, gradebook._enter, []
def _rename(part, path):
    if str(path).endswith(moment):
        os.truncate(part, os.path.getsize(part) // 2)
        os.kill(os.getpid(), 9)
    rename(part, path)
def _enter(book, table, *known, **facts):
    rows.append(table)
    if moment == f"{table} {rows.count(table)}": os.kill(os.getpid(), 9)
    return enter(book, table, *known, **facts)
files._rename, gradebook._enter = _rename, _enter
main()
"""
# A run is killed at one of these moments: while the run writes a file whose path ends with the moment's text,
# or before the run enters a row in the gradebook ("grade 7" is the seventh row of the table `grade`).
MOMENTS = ["students.json", "autograded/s0/small/small.ipynb", "results/small/s1.json"]
MOMENTS += ["autograded/s3/small/small.ipynb", "results/small/s4.json", "source/small/small.ipynb"]
MOMENTS += ["gradebook.db", "grade 7", "feedback/small/s2.html", "grades.csv"]
# `make test` tries one of these two moments, chosen at random with the commit as the seed. If the grader has
# changed, `make test` tries both.
FEW = ["results/small/s1.json", "grade 7"]
FEW = by_commit.drawn("moments", FEW, 1, "course_utils/grading", "course_utils/files.py", __file__)


def unfinished(folder):
    """Return two lists of files in a grading folder: incomplete files, and the temporary .part files."""
    bad = []
    for path in filter(Path.is_file, folder.rglob("*")):
        try:
            if path.suffix in (".json", ".ipynb"):
                json.loads(path.read_text())
            elif path.name == "gradebook.db":
                with sqlite3.connect(path) as book:
                    assert book.execute("pragma integrity_check").fetchone() == ("ok",)
                    assert book.execute("select * from alembic_version").fetchone()
            elif path.suffix == ".html":
                assert path.read_text().rstrip().endswith("</html>")
            elif path.suffix == ".csv":
                assert len(path.read_text().splitlines()) == STUDENTS + 1
            elif ".part" in path.name:
                bad.append(path)
        except (ValueError, AssertionError):
            bad.append(path)
    return [path for path in bad if ".part" not in path.name], [path for path in bad if ".part" in path.name]


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param(FEW, id="a moment or two"),
        pytest.param(
            MOMENTS, id="ten moments", marks=pytest.mark.everything(reason="starts the sandbox five times")
        ),
    ],
)
@needs("bubblewrap")
def test_a_killed_run_loses_nothing_and_the_next_one_goes_on(moments):
    if plain_user.lack():
        pytest.skip(f"This machine can't have a user without rights: {plain_user.lack()}")
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    try:
        nbformat.write(instructor_notebook(), folder / "small.ipynb")
        (folder / "in").mkdir()
        for number in range(STUDENTS):
            wrong = {"double": "def double(numbers): return 3"} if number % 2 else {}
            book = answered(folder / "small.ipynb", **wrong)
            (folder / "in" / f"s{number}.ipynb").write_text(json.dumps(book))
        if not os.getuid():
            for path in (folder, *folder.rglob("*")):
                os.chown(path, plain_user.USER, plain_user.USER)
        kept = {}

        def grade(moment):
            words = [sys.executable, "-c", GRADE, moment, "grade", folder / "small.ipynb", folder / "in"]
            words += ["--out", folder / "out", "--workers", "1", "--yes"]
            words = plain_user.command([str(word) for word in words])
            done = subprocess.run(words, env=plain_user.environment(), capture_output=True, text=True)
            halves, _ = unfinished(folder / "out")
            assert not halves, (moment, halves)
            for path in (folder / "out" / "results").rglob("s*.json"):
                assert kept.setdefault(path.name, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
                assert stored.Result.from_json(path.read_text()).key
            return done

        for moment in moments:
            if moment == "gradebook.db":  # an earlier run may have made this file
                (folder / "out" / moment).unlink(missing_ok=True)
            done = grade(moment)
            assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), (moment, done)
        done = grade("never")
        assert not done.returncode and unfinished(folder / "out") == ([], []), done
        with (folder / "out" / "grades.csv").open() as file:
            scores = {row["student"]: row["score"] for row in csv.DictReader(file)}
        assert scores == {f"s{number}": "2" if number % 2 else "4" for number in range(STUDENTS)}
        with sqlite3.connect(folder / "out" / "gradebook.db") as book:
            assert book.execute("select sum(auto_score) from grade").fetchone() == (
                sum(map(int, scores.values())),
            )
    finally:
        shutil.rmtree(folder)
