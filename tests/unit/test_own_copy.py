"""Tests the learner's own copy of the course: it has no output, and loses nothing that the learner wrote."""

import json
from pathlib import Path

import pytest
from lazy import Lazy

from course_utils import CourseError, catalog
from course_utils.__main__ import main

nbformat = Lazy("nbformat")
own_copy = Lazy("course_utils.learning.own_copy")

LESSON = "notebooks/00_open.ipynb"


def notebook(*cells):
    """Returns a notebook of code cells. Each cell is given as (id, source)."""
    made = nbformat.v4.new_notebook()
    for name, source in cells:
        output = nbformat.v4.new_output("stream", text="an answer\n")
        made.cells.append(nbformat.v4.new_code_cell(source, id=name, outputs=[output]))
    return made


def write(path, made):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(made), encoding="utf-8")


def sources(made):
    return [cell.source for cell in made.cells]


@pytest.fixture
def course(tmp_path):
    """Writes a course of one lesson and its exercises. Returns the course's folder."""
    folder = tmp_path / "course"
    write(folder / LESSON, notebook(("a", "1"), ("b", "2"), ("c", "3")))
    write(folder / "exercises" / "00_open" / "00_open.ipynb", notebook(("t", "# YOUR CODE HERE")))
    return folder


def read(folder, name=LESSON):
    return nbformat.read(folder / name, as_version=4)


def test_the_copy_has_every_notebook_and_no_output(tmp_path):
    done = own_copy.start(tmp_path / "mine")
    assert "notebooks/index.ipynb" in done.new and "exercises/09_whisper/09_whisper.ipynb" in done.new
    for name in done.new:
        cells = read(tmp_path / "mine", name).cells
        assert cells and not any(cell.get("outputs") for cell in cells)
        original = nbformat.read(catalog.course_folder() / name, as_version=4)
        assert sources(original) == [cell.source for cell in cells]


def test_a_second_start_changes_nothing(course, tmp_path):
    first = own_copy.start(tmp_path / "mine", course)
    assert len(first.new) == 2
    mine = read(tmp_path / "mine")
    mine.cells[1].source = "my own"
    write(tmp_path / "mine" / LESSON, mine)
    before = (tmp_path / "mine" / LESSON).read_bytes()
    again = own_copy.start(tmp_path / "mine", course)
    assert not (again.new or again.updated or again.merged)
    assert (tmp_path / "mine" / LESSON).read_bytes() == before


def test_a_new_version_comes_and_what_was_written_stays(course, tmp_path):
    own_copy.start(tmp_path / "mine", course)
    mine = read(tmp_path / "mine")
    mine.cells[1].source = "my own"
    mine.cells.insert(2, nbformat.v4.new_code_cell("my experiment", id="x"))
    write(tmp_path / "mine" / LESSON, mine)
    write(course / LESSON, notebook(("a", "1, better"), ("b", "2"), ("n", "new"), ("c", "3")))
    done = own_copy.start(tmp_path / "mine", course)
    assert done.merged == [LESSON] and not done.to_compare
    assert sources(read(tmp_path / "mine")) == ["1, better", "my own", "my experiment", "new", "3"]
    write(course / LESSON, notebook(("a", "1, best"), ("b", "2"), ("n", "new"), ("c", "3")))
    own_copy.start(tmp_path / "mine", course)
    assert sources(read(tmp_path / "mine")) == ["1, best", "my own", "my experiment", "new", "3"]


def test_an_untouched_notebook_is_replaced_also_after_a_run(course, tmp_path):
    own_copy.start(tmp_path / "mine", course)
    # After a run, a notebook has outputs.
    write(tmp_path / "mine" / LESSON, notebook(("a", "1"), ("b", "2"), ("c", "3")))
    write(course / LESSON, notebook(("a", "1"), ("c", "3")))
    assert own_copy.start(tmp_path / "mine", course).updated == [LESSON]
    assert sources(read(tmp_path / "mine")) == ["1", "3"]


def test_a_cell_that_both_changed_is_shown_twice():
    base = notebook(("a", "1"), ("b", "2"))
    theirs = notebook(("a", "mine"), ("b", "2"))
    merged, conflicts = own_copy.merge(base, theirs, notebook(("a", "1, better"), ("b", "2")))
    assert conflicts == 1
    assert sources(merged) == ["mine", own_copy.NOTE, "1, better", "2"]
    assert len({cell.id for cell in merged.cells}) == 4
    nbformat.validate(merged)


@pytest.mark.parametrize(
    ("theirs", "new", "wanted"),
    [
        # The learner deleted a cell.
        ([("b", "2")], [("a", "1"), ("b", "2")], ["2"]),
        # The course removed a cell.
        ([("a", "1"), ("b", "2")], [("b", "2")], ["2"]),
        # The course removed a cell that the learner had changed.
        ([("a", "mine"), ("b", "2")], [("b", "2")], ["mine", "2"]),
        ([("z", "first"), ("a", "1"), ("b", "2")], [("a", "1"), ("b", "3")], ["first", "1", "3"]),
        # The learner and the course made the same change.
        ([("a", "same"), ("b", "2")], [("a", "same"), ("b", "2")], ["same", "2"]),
        # The learner added an empty cell.
        ([("a", "1"), ("b", "2"), ("e", "  ")], [("a", "0"), ("b", "2")], ["0", "2"]),
    ],
)
def test_cells_are_merged_one_by_one(theirs, new, wanted):
    merged, conflicts = own_copy.merge(notebook(("a", "1"), ("b", "2")), notebook(*theirs), notebook(*new))
    assert (sources(merged), conflicts) == (wanted, 0)


def test_the_learners_outputs_stay_with_their_cells():
    base = notebook(("a", "1"), ("b", "2"))
    merged, _ = own_copy.merge(base, notebook(("a", "mine"), ("b", "2")), notebook(("a", "1"), ("b", "3")))
    assert merged.cells[0].outputs and merged.cells[0].source == "mine"


def test_what_is_in_the_way_is_named(course, tmp_path, capsys):
    with pytest.raises(CourseError, match="no notebooks"):
        own_copy.start(tmp_path / "mine", tmp_path / "empty")
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["start", str(tmp_path / "file")]) == 1
    assert "name another folder" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["not a notebook", "[]", '{"nbformat": 4, "cells": [1]}', "", "\x00"])
@pytest.mark.parametrize("is_new", [False, True])
def test_a_file_that_is_no_notebook_any_more_is_named_and_a_fresh_copy_comes(text, is_new, course, tmp_path):
    mine, other = tmp_path / "mine", "exercises/00_open/00_open.ipynb"
    own_copy.start(mine, course)
    (mine / LESSON).write_text(text, encoding="utf-8")
    if is_new:
        write(course / LESSON, notebook(("a", "other")))
        write(course / other, notebook(("t", "a new task")))
    done = own_copy.start(mine, course)
    assert done.broken == own_copy.broken(mine) == [LESSON]
    assert done.updated == ([other] if is_new else [])  # other notebooks are handled as usual
    assert (mine / LESSON).read_text(encoding="utf-8") == text
    (mine / LESSON).rename(tmp_path / "moved")
    assert own_copy.start(mine, course).new == [LESSON] and not own_copy.broken(mine)
    assert sources(read(mine)) == sources(nbformat.read(course / LESSON, as_version=4))


def test_start_and_doctor_say_how_to_get_a_fresh_copy(tmp_path, monkeypatch, capsys):
    mine = tmp_path / "mine"
    monkeypatch.setattr(own_copy, "default_folder", lambda: mine)
    main(["start"])
    main(["doctor"])
    assert "no valid notebook" not in capsys.readouterr().out
    path = mine / "notebooks" / "index.ipynb"
    path.write_text('{"cells": [', encoding="utf-8")
    for command in ("start", "doctor"):
        main([command])
        (said,) = (line for line in capsys.readouterr().out.split("\n") if "no valid notebook" in line)
        assert f"{path} is no valid notebook" in said and "Move it to another folder" in said


def test_the_course_itself_is_no_place_for_a_copy(course):
    before = {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}
    for place in (course, course / "notebooks", course / "notebooks" / "mine"):
        with pytest.raises(CourseError, match="is the course itself"):
            own_copy.start(place, course)
    assert {path: path.read_bytes() for path in course.rglob("*") if path.is_file()} == before


def test_the_command_says_what_it_did_and_what_to_open(tmp_path, capsys):
    assert main(["start", str(tmp_path / "mine")]) == 0
    printed = capsys.readouterr().out
    assert "notebooks/index.ipynb" in printed and str(tmp_path / "mine") in printed
    assert main(["start", str(tmp_path / "mine")]) == 0
    assert "is up to date" in capsys.readouterr().out
    kept = Path(tmp_path / "mine" / ".delivered" / "notebooks" / "index.ipynb")
    assert json.loads(kept.read_text(encoding="utf-8"))["nbformat"] == 4
