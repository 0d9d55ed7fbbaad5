"""Tests that an instructor can write an assignment by following docs/instructors.md to the letter."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import plain_user
import pytest
from lazy import Lazy
from programs import needs

from course_utils.__main__ import main

pytestmark = pytest.mark.usefixtures("shared_sandbox")

nbformat = Lazy("nbformat")
assignments = Lazy("course_utils.grading.assignment")
batch = Lazy("course_utils.grading.batch")
catalog = Lazy("course_utils.catalog")
loading = Lazy("course_utils.loading")
new_assignment = Lazy("course_utils.grading.new_assignment")
store = Lazy("course_utils.loading.store")

ROOT = Path(__file__).parents[2]
NAME = "week-1"


def guides_check():
    """Return the check cell of docs/instructors.md."""
    guide = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    (check,) = re.findall(r"```python\n(course\.check\(.*?)```", guide, re.S)
    return check.strip()


def test_the_new_sheet_has_the_guide_s_check(tmp_path):
    notebook = nbformat.read(new_assignment.write(NAME, tmp_path), as_version=4)
    assert guides_check().replace('"0.8"', '"1"') in [cell.source for cell in notebook.cells]


@needs("bubblewrap")
def test_a_new_sheet_works_and_a_constant_earns_nothing(tmp_path, capsys):
    assert main(["new-assignment", NAME, "--folder", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "2 right and 3 wrong answers are judged as they should be" in said
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", NAME]
    subprocess.run(command, cwd=tmp_path, env=os.environ | {"PATH": tools}, check=True, capture_output=True)
    solution = tmp_path / "solutions" / NAME / f"{NAME}.ipynb"
    handed_out = tmp_path / "exercises" / NAME / f"{NAME}.ipynb"
    text = handed_out.read_text()
    assert "bit_length" not in text and "131_072" not in text and "One bit more" not in text
    (tmp_path / "in").mkdir()
    shutil.copy(solution, tmp_path / "in" / "grace.ipynb")
    shutil.copy(handed_out, tmp_path / "in" / "ada.ipynb")
    book = nbformat.read(handed_out, as_version=4)
    answer = next(cell for cell in book.cells if assignments.grade_id(cell) == "bits-needed")
    for student, line in (("const", "return 16"), ("table", "return {49_152: 16}.get(things, 17)")):
        answer.source = f"def bits_needed(things):\n    {line}"
        nbformat.write(book, tmp_path / "in" / f"{student}.ipynb")
    results = batch.grade(str(solution), tmp_path / "in", tmp_path / "out")
    assert {each.student: each.score for each in results} == {"ada": 0, "const": 0, "grace": 2, "table": 0}
    broken = solution.with_name("answers.toml")
    broken.write_text(broken.read_text().replace("ceil", "floor"))
    assert main(["try-assignment", str(solution)]) == 1
    assert "bits-needed: a right answer lost points: that is rounded down" in capsys.readouterr().out


@needs("bubblewrap")
def test_a_plain_user_can_try_a_sheet():
    if plain_user.lack():
        pytest.skip(f"This machine can't have a user without rights: {plain_user.lack()}")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # pytest's own folders are closed to other users
        Path(folder).chmod(0o777)
        words = [sys.executable, "-m", "course_utils", "new-assignment", NAME, "--folder", f"{folder}/class"]
        words = plain_user.command(words)
        tried = subprocess.run(words, capture_output=True, text=True, env=plain_user.environment())
        assert tried.returncode == 0, tried.stderr
        assert "judged as they should be" in tried.stdout
        assert os.getuid() or Path(folder, "class").stat().st_uid == plain_user.USER


def added(book, answer):
    """Add the task of docs/instructors.md, with this answer, to the end of an assignment."""
    facts = {"schema_version": 3, "task": False, "grade": False, "locked": False, "solution": False}
    text = "## 8 · Bits\n\nReturn how many bits number `things` things."
    for name, source, more in (
        ("bits-text", text, {"locked": True}),
        ("bits", f"def bits_needed(things: int) -> int:\n{answer}", {"solution": True}),
        ("bits-check", guides_check(), {"locked": True, "grade": True, "points": 2}),
    ):
        make = nbformat.v4.new_markdown_cell if name == "bits-text" else nbformat.v4.new_code_cell
        book.cells.append(make(source, metadata={"nbgrader": facts | more | {"grade_id": name}}, id=name))


@pytest.mark.everything(reason="makes the students' version of lesson 00 and grades three, with SmolLM2")
@needs("bubblewrap")
def test_the_guide_s_task_works_in_a_copied_sheet(tmp_path):
    if not loading.is_cached(catalog.find("smollm2-135m-instruct")):
        pytest.skip("needs SmolLM2: course fetch smollm2-135m-instruct")
    name = "00_open_the_box"
    sheet = tmp_path / "solutions" / name / f"{name}.ipynb"
    shutil.copytree(ROOT / "solutions" / name, sheet.parent)
    sheet.with_name("answers.toml").unlink()  # trying these answers would take a minute
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    book = nbformat.read(sheet, as_version=4)
    added(book, "    ### BEGIN SOLUTION\n    return (things - 1).bit_length()\n    ### END SOLUTION")
    nbformat.write(book, sheet)
    assert main(["try-assignment", str(sheet)]) == 0
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", name]
    subprocess.run(command, cwd=tmp_path, env=os.environ | {"PATH": tools}, check=True, capture_output=True)
    (tmp_path / "in").mkdir()
    shutil.copy(sheet, tmp_path / "in" / "grace.ipynb")
    shutil.copy(tmp_path / "exercises" / name / f"{name}.ipynb", tmp_path / "in" / "ada.ipynb")
    book.cells[-2].source = "def bits_needed(things):\n    return 16"
    nbformat.write(book, tmp_path / "in" / "const.ipynb")
    results = batch.grade(str(sheet), tmp_path / "in", tmp_path / "out")
    last = {each.student: each.tasks[-1].score for each in results}
    assert last == {"ada": 0, "const": 0, "grace": 2}


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["new-assignment", "été 1"], "can't be an assignment's name"),
        (["new-assignment", "../up"], "can't be an assignment's name"),
        (["new-assignment", NAME, "--folder", "/dev/null"], "Nothing can be written to /dev/null"),
        (["try-assignment", "nowhere.ipynb"], "There is no assignment 'nowhere.ipynb'"),
        (["analyse", "/nowhere"], "/nowhere has no results"),
        (["read-answers", "/nowhere"], "/nowhere has no results"),
    ],
)
def test_bad_input_gets_one_sentence(arguments, sentence, capsys):
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1


def test_a_sheet_that_exists_is_not_overwritten(tmp_path, capsys):
    path = new_assignment.write(NAME, tmp_path)
    path.write_text("mine")
    assert main(["new-assignment", NAME, "--folder", str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err and path.read_text() == "mine"


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("answers = 3", "answer 1 needs task and code"),
        ("[[answers]]\ntask = 'bits-needed'", "answer 1 needs task and code"),
        ("[[answers]]\ntask = 'other'\ncode = ''", "answer 1 is for 'other', which no check grades"),
        ("[[answers", "can't be read"),
    ],
)
def test_a_broken_answers_file_gets_one_sentence(tmp_path, capsys, text, sentence):
    path = new_assignment.write(NAME, tmp_path)
    path.with_name("answers.toml").write_text(text)
    assert main(["try-assignment", str(path)]) == 1
    assert sentence in capsys.readouterr().err


def test_others_may_read_the_weights_in_the_cache(tmp_path):
    weights = tmp_path / "model" / "model.safetensors"
    weights.parent.mkdir(mode=0o700)
    weights.write_bytes(b"1")
    weights.chmod(0o600)
    store.make_readable(tmp_path)
    assert weights.stat().st_mode & 0o044 == 0o044
    assert weights.parent.stat().st_mode & 0o055 == 0o055
