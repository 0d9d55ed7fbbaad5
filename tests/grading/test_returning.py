"""Tests that Moodle and Canvas find each student's page in the zip files of feedback."""

import re
import zipfile

import pytest
from lazy import Lazy

returning = Lazy("course_utils.grading.returning")
register = Lazy("course_utils.grading.register")


def moodle(name):
    """Return what Moodle's importziplib.php reads from a path: the participant, the plugin and the file."""
    parts = name.split("/")
    while parts:
        info = parts.pop(0).split("_", 4)
        if len(info) >= 4 and info[1].isdigit():
            return info[1], info[2:4], "/".join([*info[4:], *parts])
    return None


def canvas(name):
    """Return what Canvas's infer_comment_context_from_filename reads: the user and the attachment."""
    split = name.split("/")[-1].split("_")
    numbers = [part for part in split if re.fullmatch(r"\d+", part)][:2]
    return None if split[-1].startswith("link") else tuple(numbers)


@pytest.mark.parametrize("name", ["Jane Doe", "Doe, Jane", "O’Brien", "अनीता शर्मा", "a_b/c\\d"])
def test_moodle_finds_the_participant(name):
    handed_in = f"{name}_77_assignsubmission_file/hw.ipynb"
    given = returning.name_for("moodle", name, "77", handed_in, "week_1")
    assert moodle(given) == ("77", ["assignfeedback", "file"], "week_1.html")


@pytest.mark.parametrize(
    "file", ["doejane_123_4567_hw.ipynb", "doejane_LATE_123_4567_a_9_hw-1.ipynb", "123_4567_x"]
)
def test_canvas_finds_user_and_attachment(file):
    assert canvas(returning.name_for("canvas", "doejane", "123", file, "week_1")) == ("123", "4567")


def test_what_no_platform_finds_is_left_out():
    assert returning.name_for("canvas", "", "anon_x1y2z", "anon_x1y2z_4567_hw.ipynb", "hw") == ""
    assert returning.name_for("", "ann", "", "ann.ipynb", "hw") == ""
    assert returning.name_for("google", "Jane Doe", "", "Jane Doe - hw.ipynb", "hw") == ""


def test_brightspace_gets_its_own_folder_back():
    folder = "152711-351765 - Jane Doe - Oct 9, 2026 1159 PM"
    for handed_in in (f"{folder}/hw.ipynb", f"{folder} - hw.ipynb"):
        assert returning.name_for("brightspace", "Jane Doe", "152711", handed_in, "hw") == f"{folder}/hw.html"


def test_each_platform_gets_a_zip_file_with_its_students_pages(tmp_path):
    pages = tmp_path / "feedback" / "hw"
    pages.mkdir(parents=True)
    known = register.Register(tmp_path)
    for student, platform, number, file in (
        ("Ann", "moodle", "7", "Ann_7_assignsubmission_file/hw.ipynb"),
        ("Bob", "moodle", "8", "Bob_8_assignsubmission_file/hw.ipynb"),
        ("cy", "canvas", "9", "cy_9_12_hw.ipynb"),
        ("dan", "", "", "dan.ipynb"),
    ):
        (pages / f"{student}.html").write_text(f"for {student}")
        facts = {"name": student, "platform": platform, "number": number, "handed in": {"hw": {"file": file}}}
        known.students[student] = facts
    known.students["Eve"] = known.students["Bob"] | {"handed in": {}}  # no submission, so no page
    paths = returning.write(tmp_path, "hw", known)
    assert sorted(path.name for path in paths) == ["feedback-canvas.zip", "feedback-moodle.zip"]
    with zipfile.ZipFile(tmp_path / "feedback-moodle.zip") as archive:
        found = {moodle(name)[0]: archive.read(name).decode() for name in archive.namelist()}
    assert found == {"7": "for Ann", "8": "for Bob"}
