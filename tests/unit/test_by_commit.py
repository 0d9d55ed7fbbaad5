"""Tests which changes of a file have an effect, and how `make test` chooses a few of many test cases."""

import json

import pytest
from by_commit import (
    OPENED,
    PACKAGE,
    ROOT,
    _imports,
    concerns,
    does,
    drawn,
    git,
    text_before,
    uses,
    visits_none,
)

CODE = '''
"""Adds."""


def add(one, other):
    """Return the sum."""
    return one + other  # in this order
'''


def test_comments_and_docstrings_do_nothing_and_code_does():
    reworded = CODE.replace("Adds.", "It adds.").replace("the sum", "a sum").replace("  # in this order", "")
    assert reworded != CODE and does("a.py", reworded) == does("a.py", CODE)
    for old, new in (("one + other", "other + one"), ("def add", "def plus"), ("return", "yield")):
        assert does("a.py", CODE.replace(old, new)) != does("a.py", CODE)
    told = 'def says():\n    print("one")\n'
    assert does("a.py", told) != does("a.py", told.replace("one", "two"))


def test_of_a_notebook_the_code_cells_count_and_of_other_files_every_letter():
    def notebook(text, source, output):
        code = {"cell_type": "code", "source": source, "outputs": [output]}
        return json.dumps({"cells": [{"cell_type": "markdown", "source": text}, code]})

    first = does("a.ipynb", notebook("a task", "1 + 1", "2"))
    assert does("a.ipynb", notebook("another task", "1 + 1", "2")) == first
    assert does("a.ipynb", notebook("a task", "2 + 1", "2")) != first
    assert does("a.ipynb", notebook("a task", "1 + 1", "3")) != first
    assert does("answers.toml", "# a") != does("answers.toml", "# b")


def test_some_cases_are_drawn_in_their_order_and_all_are_tried_each_week(monkeypatch):
    cases = list(range(100))
    monkeypatch.delenv("EVERYTHING", raising=False)
    place = "no/such/folder"  # a path that no commit changes
    few = drawn("numbers", cases, 7, place)
    assert len(few) == 7 and few == sorted(few) and few == drawn("numbers", cases, 7, place)
    assert few != drawn("other numbers", cases, 7, place)
    monkeypatch.setenv("EVERYTHING", "1")
    assert drawn("numbers", cases, 7, place) == cases


def test_the_text_of_the_last_commit_is_read_and_a_new_file_had_none():
    if git("rev-parse", "--verify", "--quiet", "HEAD~1")[0]:
        pytest.skip("HEAD~1 is not there: clone with a history of at least two commits")
    assert "Apache" in text_before("LICENSE") and text_before("no/such/file") == ""


def test_a_test_file_uses_what_it_imports_and_what_that_imports(tmp_path):
    file = tmp_path / "test_one.py"

    def used(text):
        file.write_text(text)
        uses.cache_clear()
        _imports.cache_clear()
        return uses(file) - {file}

    assert used("import json\n") == set()
    assert OPENED / "dial.py" not in used(
        "from course_utils.opened import (\n    patching,\n    fits as sizes,\n)\n"
    )
    assert {OPENED / "patching.py", OPENED / "fits.py", PACKAGE / "units.py"} <= used(file.read_text())
    # A name that the package imports lazily, also in the code of another process.
    for text in (
        "import course_utils as course\ncourse.load()\n",
        "CODE = 'from course_utils import load'\n",
    ):
        assert PACKAGE / "loading" / "__init__.py" in used(text) and OPENED / "patching.py" not in used(text)
    assert OPENED / "audit.py" in used("course.opened.lean(0.5)\n")
    assert PACKAGE / "terminal.py" in used('run([sys.executable, "-m", "course_utils", "models"])\n')
    assert ROOT / "tests" / "servers.py" in used("from servers import Hub\n")


def test_data_concern_the_tests_of_their_folder_and_scripts_those_that_run_node(tmp_path):
    file = tmp_path / "test_two.py"
    file.write_text('"""Reads website."""\nfrom course_utils.opened import patching\n')
    for name in (
        "course_utils/opened/patching.py",
        "course_utils/opened/patching.json",
        "website/page.html",
        "pyproject.toml",
    ):
        assert concerns(name, file), name
    for name in (
        "course_utils/worlds/words.json",
        "course_utils/opened/patching.js",
        "tests/models/test_live.py",
    ):
        assert not concerns(name, file), name
    assert concerns("course_utils/opened/patching.js", ROOT / "tests" / "models" / "test_live.py")


def _visits_two_pages(visit):
    visit("dial.html")
    visit("vote.html")


def _visits_what_it_is_given(visit, name):
    visit(f"{name}.html")


def test_a_test_of_explorables_is_left_out_if_it_visits_none_of_the_drawn_pages():
    assert visits_none(_visits_two_pages, ["heads", "fits"])
    assert not visits_none(_visits_two_pages, ["heads", "vote"])
    assert not visits_none(_visits_what_it_is_given, ["heads"])
