"""Tests that intake loses or swaps no students, however the files are named and wherever they lie."""

import csv
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from lazy import Lazy

from course_utils import __main__ as command
from course_utils.errors import CourseError
from course_utils.grading import intake, platforms, roster, sources
from course_utils.grading.register import Register

record = Lazy("course_utils.grading.record")
stored = Lazy("course_utils.grading.result")
grades = Lazy("course_utils.grading.grades")
nbgrader = Lazy("nbgrader.api")
nbformat = Lazy("nbformat")
assignments = Lazy("course_utils.grading.assignment")

NAMES = [
    "अनीता शर्मा",
    "สมชาย ใจดี",
    "தமிழ் செல்வி",
    "محمد علي",
    "王小明",
    "Zoë Ünal",
    "José",
    "O'Brien",
    "O’Brien",
    "Ann (Annie) Lee",
    "Doe, Jane",
    "ann (1)",
    "ann_lee",
    "ann lee",
    "Anna-Lena v. d. Berg",
    "J. R. R. #5 & Co; 100%",
    "=cmd|calc",
    "..hidden..",
    "-rf",
    "CON",
    "two\nlines",
    "🙂",
]
TRICKY = "Eve Il_555_assignsubmission_file_x_777_assignsubmission_file_hw.ipynb"


def tree(folder, files):
    """Write files into a folder, and return the folder.

    files : {path: content}; a date as content makes a file with "{}" and this date
    """
    for path, content in files.items():
        file = Path(folder, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else "{}")
        if isinstance(content, datetime):
            os.utime(file, (content.timestamp(),) * 2)
    return Path(folder)


def zipped(path, files):
    """Write files, as in `tree`, into a zip file. Content in bytes is an inner zip file. Return the path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2026, 10, 1, 12, 0, 0))
            if isinstance(content, datetime):
                entry.date_time = content.timetuple()[:6]
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content if isinstance(content, str | bytes) else "{}")
    return path


def inner(files):
    """Return a zip file of empty files with these names, as bytes."""
    archive = io.BytesIO()
    zipped(archive, dict.fromkeys(files, ""))
    return archive.getvalue()


def planned(source, **options):
    return intake.plan(source, "small", **options)


def rows(plan):
    return {entry.student: entry.file.path if entry.file else None for entry in plan.entries}


def reasons(plan):
    return dict(plan.passed)


@pytest.mark.parametrize(
    "paths",
    [
        ("ann.ipynb", "ann .ipynb"),
        ("ann.ipynb", "ann.ipynb.txt"),
        ("ann.ipynb", "ann/small.ipynb"),
        ("Jos\u00e9.ipynb", "Jose\u0301.ipynb"),  # é as one character, or as e and an accent
        ("ann.ipynb", "submitted/ann/small/small.ipynb"),
    ],
)
def test_who_takes_another_s_name_is_pointed_out(paths, tmp_path):
    files = {path: datetime(2026, 10, day) for day, path in enumerate(paths, 1)}
    plan = planned(tree(tmp_path / "in", files | {"bob.ipynb": ""}))
    assert len(plan.entries) == 2 and paths[1] in {entry.file.path for entry in plan.entries}
    (note,) = plan.notes
    assert note.startswith("All of these are called ") and repr(paths[0]) in note


def test_only_gradescope_s_own_folders_get_names_from_its_list(tmp_path):
    people = ":submitters:\n  - :name: Eve\n    :sid: 1\n"
    for name, text in (("list", f"ann.ipynb:\n  {people}"), ("no folder", f"  {people}")):
        files = {"ann.ipynb": "", "bob.ipynb": "", "submission_metadata.yml": text}
        plan = planned(tree(tmp_path / name, files))
        assert rows(plan) == {"ann": "ann.ipynb", "bob": "bob.ipynb"}


@pytest.mark.parametrize("kind", ["file", "folder", "zip", "Moodle"])
def test_every_name_has_a_row_of_its_own_and_is_graded(kind, tmp_path):
    paths = {"file": "{}.ipynb", "folder": "{}/hw.ipynb", "zip": "{}/small/small.ipynb"}
    form = paths.get(kind, "{}_{}_assignsubmission_file/hw.ipynb")
    names = [*NAMES, "王" * 70] if kind in ("file", "folder") else [*NAMES, "王" * 100]
    names = [name.replace("_", " ") for name in names] if kind == "Moodle" else names
    files = {form.format(name, number): json.dumps(name) for number, name in enumerate(names)}
    source = (
        tree(tmp_path / "in", files) if kind in paths and kind != "zip" else zipped(tmp_path / "z.zip", files)
    )
    plan = planned(source)
    read = {json.loads(entry.load().data): entry.student for entry in plan.entries}
    assert set(read) == set(names) and len(set(read.values())) == len(set(names))
    for student in read.values():
        (tmp_path / f"{student}.json").write_text("")  # this fails if the name is unsafe or too long
        assert "/" not in student and not student.startswith((".", "-", "="))
    assert not any(entry.problem for entry in plan.entries)


LAYOUTS = {
    "flat": ({"ann.ipynb": 0, "bob.ipynb": 0}, {"ann": "ann.ipynb", "bob": "bob.ipynb"}),
    "one folder each": ({"ann/x.ipynb": 0, "bob/y.ipynb": 0}, {"ann": "ann/x.ipynb", "bob": "bob/y.ipynb"}),
    "a folder in each folder": (
        {"ann/hw/x.ipynb": 0, "bob/hw/x.ipynb": 0},
        {"ann": "ann/hw/x.ipynb", "bob": "bob/hw/x.ipynb"},
    ),
    "one student alone": ({"ann/hw/x.ipynb": 0}, {"ann": "ann/hw/x.ipynb"}),
    "the course's folders, among flat files": (
        {"ann/small/small.ipynb": 0, "bob.ipynb": 0, "carl/x.ipynb": 0},
        {"ann": "ann/small/small.ipynb", "bob": "bob.ipynb", "carl": "carl/x.ipynb"},
    ),
    "clones of GitHub Classroom": (
        {
            "small-ann/exercises/small/small.ipynb": 0,
            "small-ann/notebooks/small.ipynb": 0,
            "small-ann/.git/config": 0,
            "small-bob/exercises/small/small.ipynb": 0,
        },
        {
            "small-ann": "small-ann/exercises/small/small.ipynb",
            "small-bob": "small-bob/exercises/small/small.ipynb",
        },
    ),
    "a copy of the course alone": (
        {"ann/exercises/small/small.ipynb": 0, "ann/notebooks/small.ipynb": 0},
        {"ann": "ann/exercises/small/small.ipynb"},
    ),
    "everything in one folder": (
        {"Assignment 1/ann.ipynb": 0, "Assignment 1/bob.ipynb": 0, "__MACOSX/._x": 0},
        {"ann": "Assignment 1/ann.ipynb", "bob": "Assignment 1/bob.ipynb"},
    ),
    "everything in one folder, beside a list": (
        {"Assignment 1/ann/x.ipynb": 0, "Assignment 1/bob/x.ipynb": 0, "grades.csv": 0, "README.md": 0},
        {"ann": "Assignment 1/ann/x.ipynb", "bob": "Assignment 1/bob/x.ipynb"},
    ),
    "everything in two folders": (
        {"D/Assignment 1/ann/x.ipynb": 0, "D/Assignment 1/bob/y.ipynb": 0},
        {"ann": "D/Assignment 1/ann/x.ipynb", "bob": "D/Assignment 1/bob/y.ipynb"},
    ),
    "capitals, and what browsers add": (
        {"BOB.IPYNB": 0, "carl.ipynb.json": 0, "dora.ipynb.txt": 0, "eve.py": 0},
        {"BOB": "BOB.IPYNB", "carl": "carl.ipynb.json", "dora": "dora.ipynb.txt", "eve": None},
    ),
    "a neighbour's name in a folder": (
        {"ann/small.ipynb": 0, "eve/ann/small.ipynb": 0, "eve/Ann_1_assignsubmission_file/x.ipynb": 0},
        {"ann": "ann/small.ipynb", "eve": "eve/ann/small.ipynb"},
    ),
    "a folder called submitted": (
        {"submitted/eve.ipynb": 0, "ann.ipynb": 0},
        {"submitted": "submitted/eve.ipynb", "ann": "ann.ipynb"},
    ),
    "a folder called submitted in nbgrader's form": (
        {"submitted/eve/small/small.ipynb": 0, "ann.ipynb": 0, "bob/small.ipynb": 0},
        {"eve": "submitted/eve/small/small.ipynb", "ann": "ann.ipynb", "bob": "bob/small.ipynb"},
    ),
    "nbgrader's course folder": (
        {
            "submitted/ann/small/small.ipynb": 0,
            "submitted/ann/other/other.ipynb": 0,
            "submitted/ann/small/timestamp.txt": "2026-10-09 12:00:00.000000 UTC",
            "source/small/small.ipynb": 0,
            "nbgrader_config.py": 0,
        },
        {"ann": "submitted/ann/small/small.ipynb"},
    ),
    "numbers as in Canvas": (
        {"hw_3_2_ann.ipynb": 0, "hw_3_2_bob.ipynb": 0},
        {"hw_3_2_ann": "hw_3_2_ann.ipynb", "hw_3_2_bob": "hw_3_2_bob.ipynb"},
    ),
    "a dash as in Google Classroom": (
        {"hw - ann.ipynb": 0, "hw - bob.ipynb": 0},
        {"hw_-_ann": "hw - ann.ipynb", "hw_-_bob": "hw - bob.ipynb"},
    ),
    "a number in the name of one": (
        {"x_555_777_hw.ipynb": 0, "ann.ipynb": 0, "bob.ipynb": 0},
        {"x_555_777_hw": "x_555_777_hw.ipynb", "ann": "ann.ipynb", "bob": "bob.ipynb"},
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, tmp_path):
    files, expected = LAYOUTS[layout]
    for source in (tree(tmp_path / "in", files), zipped(tmp_path / "in.zip", files)):
        plan = planned(source)
        assert rows(plan) == expected
        assert all(handled(path, plan) for path in files), plan.text()


def handled(path, plan):
    """Return whether a plan names the file `path`, a folder or archive that contains it, or a file inside it.

    A plan names the files of its entries, and the files that were passed over for a reason.
    """
    rest = [path for path, reason in plan.passed if reason]
    named = [*(entry.file.path for entry in plan.entries if entry.file), *rest]
    return any(path == name or path.startswith(f"{name}/") or name.startswith(f"{path}/") for name in named)


def test_archives_in_archives(tmp_path):
    notebook = inner(["hw/small.ipynb", "notes.txt"])
    files = {
        "ann.ipynb.zip": notebook,
        "bob/work.zip": notebook,
        "carl/x.ipynb": "",
        "dora.zip": b"no archive",
    }
    for source in (tmp_path / "in", tmp_path / "in.zip"):
        if source.suffix:
            zipped(source, files)
        else:
            for name, content in files.items():
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                (source / name).write_bytes(content or b"{}")
        plan = planned(source)
        assert rows(plan) == {
            "ann": "ann.ipynb.zip/hw/small.ipynb",
            "bob": "bob/work.zip/hw/small.ipynb",
            "carl": "carl/x.ipynb",
            "dora": None,
        }
        assert (
            reasons(plan)["ann.ipynb.zip/notes.txt"]
            and reasons(plan)["dora.zip"] == "it is a damaged archive"
        )
        assert [entry.load().data is not None for entry in plan.entries] == [True, True, True, False]
    canvas = io.BytesIO()
    zipped(canvas, dict.fromkeys(CANVAS, ""))
    plan = planned(zipped(tmp_path / "out.zip", {"Downloads/canvas.zip": canvas.getvalue()}))
    assert len(plan.entries) == 3 and {entry.owner.platform for entry in plan.entries} == {"canvas"}


def test_a_path_that_an_archive_has_twice_loses_nothing(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        for day, data in ((9, "old"), (10, "new"), (8, "oldest")):
            archive.writestr(zipfile.ZipInfo("ann.ipynb", (2026, 10, day, 0, 0, 0)), data)
        archive.writestr("bob", "a file")
        archive.writestr("bob/x.ipynb", "in a folder of the same name")
    plan = planned(tmp_path / "twice.zip")
    assert [entry.load().data for entry in plan.entries] == [b"new", b"in a folder of the same name"]
    assert reasons(plan) == {"ann.ipynb": "an older or other notebook", "bob": "it is no notebook"}


def test_a_name_that_is_no_text_has_a_row(tmp_path):
    (tmp_path / "in").mkdir()
    try:
        Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/b\xe9a.ipynb")).write_text("{}")
    except OSError:
        pytest.skip("this file system takes no such name")
    plan = planned(tmp_path / "in")
    (entry,) = plan.entries
    assert entry.student == "b_a" and entry.load().data == b"{}" and "b�a.ipynb" in plan.text()
    register = Register(tmp_path)
    register.enter(plan, None, None, [])
    register.save()
    assert planned(tmp_path / "in", students=Register(tmp_path).students).entries[0].student == "b_a"


def test_a_link_is_never_followed(tmp_path):
    outside = tree(tmp_path / "outside", {"ann.ipynb": "secret", "small/small.ipynb": "secret"})
    folder = tree(tmp_path / "in", {"bob.ipynb": ""})
    (folder / "submitted").symlink_to(outside)
    (folder / "eve.ipynb").symlink_to(outside / "ann.ipynb")
    (folder / "carl").mkdir()
    (folder / "carl" / "small.ipynb").symlink_to(folder / "bob.ipynb")
    os.mkfifo(folder / "dora.ipynb")
    plan = planned(folder)
    assert {entry.student: bool(entry.problem) for entry in plan.entries} == {
        "bob": False,
        "carl": True,
        "dora": True,
        "eve": True,
        "submitted": True,
    }
    assert all(entry.load().data is None for entry in plan.entries if entry.student != "bob")


def test_traps_in_archives_are_refused(tmp_path):
    link = zipfile.ZipInfo("linked.ipynb")
    link.external_attr = 0o120777 << 16
    trap = tmp_path / "trap.zip"
    with zipfile.ZipFile(trap, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../../up.ipynb", "{}")
        archive.writestr("/abs.ipynb", "{}")
        archive.writestr("good.ipynb", "{}")
        archive.writestr("packed.ipynb", "{}", zipfile.ZIP_LZMA)
        archive.writestr("bomb.ipynb", bytes(200 * 2**20))
    got = {each.student: each.load() for each in planned(trap).entries}
    assert set(got) == {"linked", "up", "abs", "good", "packed", "bomb"}
    assert [name for name, each in got.items() if not each.problem] == ["good"]
    assert not list(tmp_path.parent.glob("up.ipynb"))


def test_a_name_that_macos_wrote_is_read(tmp_path):
    data = inner(["José.ipynb"])
    plain = data.replace("José".encode(), b"Jos\xc3\xa9")
    flags = plain.find(b"PK\1\2") + 8
    plain = plain[:6] + b"\0\0" + plain[8:flags] + b"\0\0" + plain[flags + 2 :]  # this clears the UTF-8 flags
    (tmp_path / "mac.zip").write_bytes(plain)
    assert [entry.student for entry in planned(tmp_path / "mac.zip").entries] == ["José"]


def test_of_two_notebooks_the_newer_counts_by_date(tmp_path):
    old, new = datetime(2026, 10, 9, 23, 0), datetime(2026, 10, 10, 1, 0)
    for number, (first, second) in enumerate([(old, new), (new, old)]):
        files = {"ann/small.ipynb": first, "ann/small-1.ipynb": second, "bob.ipynb": old}
        newer = "ann/small-1.ipynb" if second == new else "ann/small.ipynb"
        for source in (tree(tmp_path / f"{number}", files), zipped(tmp_path / f"{number}.zip", files)):
            plan = planned(source)
            assert rows(plan) == {"ann": newer, "bob": "bob.ipynb"}
            assert list(reasons(plan).values()) == ["an older or other notebook"]
    canvas = {"doejane_123_4567_small.ipynb": old, "doejane_123_4568_small-1.ipynb": new}
    assert rows(planned(zipped(tmp_path / "c.zip", canvas))) == {
        "doejane_123": "doejane_123_4568_small-1.ipynb"
    }
    same = {"doejane_123_999_small.ipynb": old, "doejane_123_1000_small-1.ipynb": old}
    assert rows(planned(zipped(tmp_path / "d.zip", same))) == {
        "doejane_123": "doejane_123_1000_small-1.ipynb"
    }


def test_two_names_that_become_one_are_never_exchanged(tmp_path):
    for order in (
        ["ann lee", "ann_lee"],
        ["ann_lee", "ann lee"],
        ["ann lee", "ann_lee", "Ann (Lee)", "Ann Lee"],
    ):
        out = tmp_path / "-".join(order)
        first = deliver(out, tmp_path, order[:1])
        both = deliver(out, tmp_path, order)
        last = deliver(out, tmp_path, order[::-1])
        assert first[order[0]] == both[order[0]] and both == last
        assert len(set(both.values())) == len(order)
        assert deliver(out, tmp_path, order[1:]) == {name: both[name] for name in order[1:]}


def deliver(out, folder, names, **options):
    """Plan and register a delivery: a zip file with the notebook of each student. Return {name: id}."""
    source = zipped(folder / "delivery.zip", {f"{name}.ipynb": "" for name in names})
    register = Register(out)
    out.mkdir(exist_ok=True)
    plan = planned(source, students=register.students, **options)
    register.enter(plan, None, None, [])
    register.save()
    return {entry.owner.name: entry.student for entry in plan.entries}


def test_the_results_among_the_submissions_are_no_students(tmp_path):
    folder = tree(tmp_path / "in", {"ann.ipynb": "", "bob/x.ipynb": ""})
    tree(folder / "grades", {"source/small/small.ipynb": "", "autograded/ann/small/small.ipynb": ""})
    tree(folder / "older", {".grading.lock": "", "source/small/small.ipynb": ""})
    plan = planned(folder, out=folder / "grades")
    assert set(rows(plan)) == {"ann", "bob"}
    assert reasons(plan) == {"grades": "the folder of the results", "older": "the folder of other results"}
    with pytest.raises(CourseError, match="among the submissions"):
        planned(folder, out=folder)


def test_every_file_of_a_random_tree_is_in_a_row_or_has_a_reason(tmp_path):
    chance = random.Random(5)
    words = [
        "ann",
        "bob",
        "small",
        "submitted",
        "exercises",
        "Doe, Jane",
        "ann lee",
        "ann_lee",
        "x",
        "source",
    ]
    words += [
        "ann_1_2_x",
        "Ann_7_assignsubmission_file",
        "1-2 - Ann - Oct 9, 2026 1159 PM",
        ".git",
        "notebooks",
    ]
    ends = [".ipynb", ".IPYNB", ".ipynb.txt", ".py", "", ".zip", ".csv", "_7_8_small.ipynb"]
    for round_ in range(150):
        files = {}
        for _ in range(chance.randint(1, 9)):
            parts = [chance.choice(words) for _ in range(chance.randint(1, 4))]
            path = "/".join(parts) + chance.choice(ends)
            if not any(
                path.startswith(f"{other}/") or other.startswith(f"{path}/") or other == path
                for other in files
            ):
                files[path] = inner([f"{chance.choice(words)}.ipynb"]) if path.endswith(".zip") else b"{}"
        archive = zipped(tmp_path / f"{round_}.zip", files)
        folder = tmp_path / f"{round_}"
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        for source in (archive, folder):
            try:
                plan = planned(source)
            except CourseError:
                assert not any(
                    path.lower().endswith((".ipynb", ".zip")) and ".git" not in path for path in files
                )
                continue
            assert all(handled(path, plan) for path in files), (files, plan.text())
            assert all(entry.file or entry.problem for entry in plan.entries)
            taken = [entry.file.path for entry in plan.entries if entry.file]
            assert (
                len(taken) == len(set(taken))
                and not set(taken) & set(reasons(plan))
                or any(entry.file and entry.file.problem for entry in plan.entries)
            )
            assert len({entry.student for entry in plan.entries}) == len(plan.entries)


CANVAS = {"doejane_123_4567_small.ipynb": 0, "रायमीरा_LATE_124_4568_small-1.ipynb": 0, "poe_125_text.html": 0}
GRADESCOPE = """\
submission_11:
  :submitters:
  - :name: Jane "J" Doe
    :sid: '123'
    :email: jane@example.org
  :created_at: 2026-10-09 20:00:00.861687000 Z
  :results:
    output: |-
      - :name: Nobody
submission_12:
  :submitters:
  - :name: 'O''Brien: Tim'
    :email: tim@example.org
  - :name: Mira
    :sid: '125'
  :created_at: 2026-10-10 20:00:00.861687000 Z
"""
# {platform: (the files that it exports, the class list that it exports, the headings of the table of grades
# that it imports, the table's rows by student)}
TRIPS = {
    "moodle": (
        {
            "Jane Doe_77_assignsubmission_file/small.ipynb": 0,
            "मीरा राय_78_assignsubmission_file/hw/other.ipynb": 0,
            "मीरा राय_78_assignsubmission_onlinetext/onlinetext.html": 0,
        },
        "",
        ["Identifier", "Full name", "Grade", "Last modified (grade)"],
        {"Jane Doe": ["Participant 77", "Jane Doe", "3"], "मीरा राय": ["Participant 78", "मीरा राय", "3"]},
    ),
    "moodle, flat": (
        {
            TRICKY: 0,
            "Ann Lee_777_assignsubmission_file_hw.ipynb": 0,
            "Bob_778_assignsubmission_file_hw.py": 0,
        },
        "",
        ["Identifier", "Full name", "Grade", "Last modified (grade)", "Feedback comments"],
        {
            "Eve Il": ["Participant 555", "Eve Il", "3"],
            "Ann Lee": ["Participant 777", "Ann Lee", "3"],
            "Bob": ["Participant 778", "Bob", ""],
        },
    ),
    "canvas": (
        CANVAS,
        "Student,ID,SIS User ID,SIS Login ID,Section,small (99)\n    Points Possible,,,,,5\n"
        '"Doe, Jane",123,s1,jdoe,A,\n',
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "small (99)"],
        {
            "doejane": ["Doe, Jane", "123", "s1", "jdoe", "", "3"],
            "रायमीरा": ["रायमीरा", "124", "", "", "", "3"],
            "poe": ["poe", "125", "", "", "", ""],
        },
    ),
    "brightspace": (
        {
            "index.html": 0,
            "152711-351765 - Jane Doe - Oct 9, 2026 1159 PM/small.ipynb": 0,
            "152712-351765 - Tim O'Brien - Oct 10, 2026 930 AM/small.ipynb": 0,
        },
        "OrgDefinedId,Username,Last Name,First Name,End-of-Line Indicator\n"
        "#31,#jdoe,Doe,Jane,#\n#32,tim,O'Brien,Tim,#\n",
        ["OrgDefinedId", "Username", "small Points Grade <Numeric MaxPoints:5>", "End-of-Line Indicator"],
        {"Jane Doe": ["#31", "jdoe", "3", "#"], "Tim O'Brien": ["#32", "tim", "3", "#"]},
    ),
    "blackboard": (
        {
            "Lab_1_jdoe_attempt_2026-10-09-23-59-00_small.ipynb": 0,
            "Lab_1_jdoe_attempt_2026-10-09-23-59-00.txt": "Name: Jane Doe (jdoe)\nAssignment: Lab_1\n",
            "Lab_1_t_obrien_attempt_2026-10-09-20-59-00_jdoe_attempt_2026-10-10-23-59-00_x.ipynb": 0,
            "Lab_1_t_obrien_attempt_2026-10-09-20-59-00.txt": "Name: Tim O'Brien (t_obrien)\n",
        },
        "",
        ["Last Name", "First Name", "Username", "Student ID", "small [Total Pts: 5 Score]"],
        {"jdoe": ["", "jdoe", "jdoe", "", "3"], "t_obrien": ["", "t_obrien", "t_obrien", "", "3"]},
    ),
    "google": (
        {"Jane Doe - small.ipynb": 0, "Tim O’Brien - small (1).ipynb": 0},
        "First Name,Last Name,Email Address\nJane,Doe,jane@example.org\n",
        ["Last Name", "First Name", "Name", "Email Address", "small"],
        {
            "Jane Doe": ["Doe", "Jane", "Jane Doe", "jane@example.org", "3"],
            "Tim O’Brien": ["", "Tim O’Brien", "Tim O’Brien", "", "3"],
        },
    ),
    "gradescope": (
        {
            "assignment_1_export/submission_metadata.yml": GRADESCOPE,
            "assignment_1_export/submission_11/small.ipynb": 0,
            "assignment_1_export/submission_12/hw.ipynb": 0,
        },
        "",
        ["Name", "SID", "Email", "Total Score", "Max Points"],
        {
            'Jane "J" Doe': ['Jane "J" Doe', "123", "", "3", "5"],
            "O'Brien: Tim": ["O'Brien: Tim", "", "tim@example.org", "3", "5"],
            "Mira": ["Mira", "125", "", "3", "5"],
        },
    ),
}


def result_of(entry, score=3.0, manual=None):
    """Return a result with `score` of 5 points.

    manual : None, or whether a second answer, which a person grades, still waits for its grade
    """
    tasks = [stored.TaskResult("task", "Task", 5.0 if manual is None else 3.0, score=score)]
    if manual is not None:
        tasks.append(stored.TaskResult("essay", "Essay", 2.0, manual=True, waits=manual))
    lms = (entry.owner.platform, entry.owner.number)
    score = replace_score(tasks, entry.problem)
    return stored.Result(entry.student, lms, entry.problem, (), tuple(score), 0.1, key="k")


def replace_score(tasks, problem):
    return (
        [stored.TaskResult(task.task, task.title, task.points, manual=task.manual) for task in tasks]
        if problem
        else tasks
    )


@pytest.mark.parametrize("trip", TRIPS)
def test_grades_go_back_to_the_platform_they_came_from(trip, tmp_path):
    files, class_list, headings, expected = TRIPS[trip]
    source = zipped(tmp_path / "download.zip", {name: content or "{}" for name, content in files.items()})
    (tmp_path / "class.csv").write_text(class_list or "Name\nSomebody Else\n")
    listed = roster.read(tmp_path / "class.csv")
    plan = planned(source, roster=listed)
    assert {entry.owner.name for entry in plan.entries} == set(expected), plan.text()
    register = Register(tmp_path)
    register.enter(plan, None, None, listed.headings)
    results = [result_of(entry) for entry in plan.entries]
    grades.write(tmp_path, "small", results, ["task"], register)
    platform = trip.partition(",")[0]
    with (tmp_path / f"{platform}.csv").open(encoding="utf-8", newline="") as file:
        first, *table = csv.reader(file)
    assert first == headings
    key = headings.index({"blackboard": "Username", "canvas": "ID"}.get(platform, headings[0]))
    wanted = {row[key]: row for row in expected.values()}
    assert {row[key]: row[: len(wanted[row[key]])] for row in table} == wanted
    if platform == "moodle":  # Moodle also needs each row's number and date
        for row in table:
            assert row[0].removeprefix("Participant ").isdigit()
            assert datetime.fromisoformat(row[headings.index("Last modified (grade)")]).tzinfo
    with (tmp_path / "grades.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(expected) + len(plan.missing)


def test_dates_in_names_say_how_late_each_was(tmp_path):
    due = datetime(2026, 10, 9, 12, 0)
    for platform, name in (
        ("brightspace", "1-2 - Ann Lee - Oct 9, 2026 1201 PM/small.ipynb"),
        ("blackboard", "Lab_ann_attempt_2026-10-09-12-01-00_small.ipynb"),
    ):
        (entry,) = planned(zipped(tmp_path / "z.zip", {name: ""}), due=due).entries
        assert entry.owner.platform == platform and entry.late and entry.late_days == 1
    (moodle,) = planned(zipped(tmp_path / "z.zip", {TRICKY: datetime(2026, 12, 1)}), due=due).entries
    assert not moodle.late and moodle.late_days is None  # Moodle's files have the date of the download
    folder = tree(
        tmp_path / "in", {"ann.ipynb": datetime(2026, 10, 11, 12, 1), "bob.ipynb": datetime(2026, 10, 9)}
    )
    assert [entry.late_days for entry in planned(folder, due=due).entries] == [3, 0]


def test_a_number_that_two_names_claim_is_left_out_of_the_table(tmp_path):
    files = {"annlee_555_1_small.ipynb": "", "x_555_777_2_hw.ipynb": "", "bob_556_3_small.ipynb": ""}
    plan = planned(zipped(tmp_path / "c.zip", files))
    assert len(plan.entries) == 3 and any("same number in Canvas, 555" in note for note in plan.notes)
    register = Register(tmp_path)
    register.enter(plan, None, None, [])
    notes = grades.write(tmp_path, "small", [result_of(entry) for entry in plan.entries], ["task"], register)
    with (tmp_path / "canvas.csv").open() as file:
        assert [row["ID"] for row in csv.DictReader(file)] == ["556"]
    assert "canvas.csv lacks 2 students" in notes[0]


def test_who_handed_in_nothing_has_a_row(tmp_path):
    (tmp_path / "class.csv").write_text("Name;Username\nAnn Lee;ann\nCarl Poe;carl\nDora;dora\n")
    listed = roster.read(tmp_path / "class.csv")
    first = planned(
        zipped(tmp_path / "1.zip", {"x-ann.ipynb": "", "Poe, Carl.ipynb": "", "eve.ipynb": ""}), roster=listed
    )
    assert {entry.student: entry.on_roster.get("name") for entry in first.entries} == {
        "x-ann": "Ann Lee",
        "Poe_Carl": "Carl Poe",
        "eve": None,
    }
    assert list(first.missing) == ["dora"] and "eve" in "".join(first.notes)
    register = Register(tmp_path)
    register.enter(first, None, None, listed.headings)
    grades.write(tmp_path, "small", [result_of(entry) for entry in first.entries], ["task"], register)
    with (tmp_path / "grades.csv").open() as file:
        rows_ = {row["student"]: row for row in csv.DictReader(file)}
    assert rows_["dora"]["problem"] == "Nothing was handed in." and rows_["dora"]["score"] == ""
    # In a later delivery Dora has her full name, and the other students hand in nothing.
    second = planned(
        zipped(tmp_path / "2.zip", {"Dora.ipynb": ""}), roster=listed, students=register.students
    )
    assert list(rows(second)) == ["dora"] and not second.missing


def test_an_impostor_takes_no_place_on_the_list(tmp_path):
    (tmp_path / "class.csv").write_text("Name,Username\nAnn Lee,ann\n")
    listed = roster.read(tmp_path / "class.csv")
    plan = planned(
        zipped(tmp_path / "1.zip", {"ann.ipynb": "", "x-ann.ipynb": "", "y-ann/z.ipynb": ""}), roster=listed
    )
    assert [entry.student for entry in plan.entries if entry.on_roster] == ["ann"]


def test_late_days_cost_what_the_policy_says_and_unread_answers_are_no_zero(tmp_path):
    due = datetime(2026, 10, 9, 12, 0)
    files = {"ann.ipynb": datetime(2026, 10, 11, 11, 0), "bob.ipynb": datetime(2026, 10, 9), "carl.py": due}
    plan = planned(tree(tmp_path / "in", files), due=due)
    register = Register(tmp_path)
    register.enter(plan, due, 10, [])
    register.save()
    again = Register(tmp_path)
    assert (again.due("small"), again.late_policy("small"), again.late_days("ann", "small")) == (due, 10, 2)
    results = [result_of(entry, manual=entry.student == "bob") for entry in plan.entries]
    grades.write(tmp_path, "small", results, ["task", "essay"], again)
    with (tmp_path / "grades.csv").open() as file:
        ann, bob, carl = csv.DictReader(file)
    assert (ann["score"], ann["late days"], ann["counts"], ann["percent"]) == ("3", "2", "2.4", "48.0")
    assert (bob["essay"], bob["by hand"], bob["counts"], bob["percent"]) == ("", "1", "", "")
    assert carl["counts"] == "" and "only files of these types: .py" in carl["problem"]
    assert grades.late_sentence(results[0], 2, 10).endswith("20% of the points: 2.4 of 5 count.")


def test_the_gradebook_has_names_dates_and_what_being_late_costs(tmp_path):
    due = datetime(2026, 10, 9, 12, 0)
    folder = tree(tmp_path / "in", {"ann.ipynb": datetime(2026, 10, 11, 11, 0)})
    (tmp_path / "class.csv").write_text("First Name,Last Name,Username\nAnn,Lee,ann\n")
    listed = roster.read(tmp_path / "class.csv")
    plan = planned(folder, due=due, roster=listed)
    register = Register(tmp_path)
    register.enter(plan, due, 10, listed.headings)
    cell = nbformat.v4.new_code_cell("course.check(1, abs, -1, equals=1)")
    facts = {
        "schema_version": 3,
        "grade": True,
        "points": 5,
        "locked": True,
        "solution": False,
        "task": False,
    }
    cell.metadata["nbgrader"] = facts | {"grade_id": "task"}
    answer = nbformat.v4.new_code_cell(
        "x = 1", metadata={"nbgrader": facts | {"grade": False, "solution": True}}
    )
    answer.metadata["nbgrader"]["grade_id"] = "answer"
    nbformat.write(nbformat.v4.new_notebook(cells=[answer, cell]), tmp_path / "small.ipynb")
    records = record.Records(tmp_path / "out", assignments.Assignment(tmp_path / "small.ipynb"), register)
    (tmp_path / "out").mkdir()
    register.path = tmp_path / "out" / "students.json"
    records.keep(result_of(plan.entries[0]))
    records.finish(["ann"])
    page = (tmp_path / "out" / "feedback" / "small" / "ann.html").read_text()
    assert "It came 2 days late, which costs 20% of the points: 2.4 of 5 count." in page
    with nbgrader.Gradebook(f"sqlite:///{tmp_path / 'out' / 'gradebook.db'}") as book:
        (submission,) = book.find_assignment("small").submissions
        assert submission.student.last_name == "Lee" and submission.total_seconds_late == 47 * 3600
        assert submission.notebooks[0].late_submission_penalty == pytest.approx(0.6)


def test_planning_reads_no_notebook_and_grading_reads_no_more_than_it_may(tmp_path, monkeypatch):
    counted, read = [], zipfile.ZipExtFile.read

    def counting(self, n=-1):
        data = read(self, n)
        counted.append(len(data))
        return data

    source = zipped(
        tmp_path / "many.zip", {f"s{n}.ipynb": " " * 2**20 for n in range(40)} | {"b.ipynb": " " * 2**26}
    )
    monkeypatch.setattr(zipfile.ZipExtFile, "read", counting)
    plan = planned(source)
    assert not counted
    bomb, *others = plan.entries
    assert "larger than 20 MB" in bomb.load().problem and not counted
    assert others[0].load().data == b" " * 2**20 and sum(counted) == 2**20
    counted.clear()
    bomb.problem = ""  # as if the archive did not state the size
    assert "larger than 20 MB" in bomb.load().problem and sum(counted) == intake.LARGEST + 1
    monkeypatch.setattr(sources, "LARGEST_ARCHIVE", 2**16)
    bombs = io.BytesIO()
    zipped(bombs, {"small.ipynb": os.urandom(2**18)})
    outer = zipped(tmp_path / "outer.zip", {"ann/a.zip": bombs.getvalue(), "bob/x.ipynb": ""})
    counted.clear()
    plan = planned(outer)
    assert "an archive of more than" in reasons(plan)["ann/a.zip"] and max(counted) <= sources._CHUNK
    assert sum(counted) <= 2 * (sources.LARGEST_ARCHIVE + sources._CHUNK)


def test_an_archive_with_a_list_without_end_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "LARGEST_LIST", 1000)
    many = inner([f"{number}.ipynb" for number in range(100)])
    (tmp_path / "ann.zip").write_bytes(many)
    (tmp_path / "bob.ipynb").write_text("{}")
    (tmp_path / "eve.zip").write_bytes(many[:-6] + b"PK\5\6\0\0")
    plan = planned(tmp_path)
    assert rows(plan) == {"ann": None, "bob": "bob.ipynb", "eve": None}
    assert reasons(plan)["ann.zip"] == reasons(plan)["eve.zip"] == "it is an archive of far too many files"


BAD = {
    "nowhere": "does not exist",
    "empty": "contains no notebook",
    "text.txt": "can't be read as a zip file",
    "broken.zip": "can't be read as a zip file",
}


@pytest.mark.parametrize("bad", [*BAD, "roster", "headings", "out", "date", "lock"])
def test_bad_input_ends_in_a_sentence_and_leaves_nothing(bad, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    tree(
        tmp_path, {"text.txt": "x", "broken.zip": "PK\3\4", "in/ann.ipynb": "", "headings.csv": "a,b\n1,2\n"}
    )
    (tmp_path / "roster.csv").write_bytes(b"\xff\0\xff")
    (tmp_path / "file").write_text("")
    out = tmp_path / ("file" if bad == "out" else "out")
    extra = {
        "roster": ["--roster", f"{tmp_path}/roster.csv"],
        "headings": ["--roster", f"{tmp_path}/headings.csv"],
    }
    extra |= {"date": ["--due", "tomorrow"]}
    if bad == "lock":
        out.mkdir()
        (out / "students.json").write_text("{")
    source = tmp_path / (bad if bad in BAD else "in")
    before = sorted(tmp_path.rglob("*"))
    arguments = ["grade", "00", str(source), "--out", str(out), *extra.get(bad, [])]
    if bad == "date":
        with pytest.raises(SystemExit) as ended:
            command.main(arguments)
        assert ended.value.code == 2
    else:
        assert command.main(arguments) == 1
        said = capsys.readouterr().err.strip()
        assert said.startswith("course grade: ") and "\n" not in said and said.endswith(".")
        assert BAD.get(bad, "") in said
    assert sorted(tmp_path.rglob("*")) == before


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("answer", ["n\n", "", "y\n", "\n"])
def test_at_a_terminal_the_plan_is_shown_and_asked_about(answer, tmp_path, monkeypatch):
    tree(tmp_path, {"in/ann.ipynb": "", "in/bob.py": ""})
    started = []
    monkeypatch.setattr(
        "course_utils.grading.batch._grade_changed", lambda entries, *_: started.append(entries) or []
    )
    screen = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", screen)
    status = command.main(["grade", "00", str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    assert "ann.ipynb" in screen.getvalue() and "only files of these types: .py" in screen.getvalue()
    wanted = answer in ("y\n", "\n")
    assert (status == 0) == bool(started) == (tmp_path / "out").exists() == wanted
    assert ("Nothing was graded." in screen.getvalue()) != wanted


def test_scripts_are_not_asked_and_plan_prints_all_and_changes_nothing(tmp_path):
    tree(tmp_path, {f"in/s{number:03}.ipynb": "" for number in range(50)})
    run = [
        sys.executable,
        "-m",
        "course_utils",
        "grade",
        "00",
        tmp_path / "in",
        "--out",
        tmp_path / "out",
        "--plan",
    ]
    done = subprocess.run(run, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and done.stdout.count(".ipynb") == 50 and not (tmp_path / "out").exists()
    assert planned(tmp_path / "in").text(most=30).count(".ipynb") == 30


def test_what_a_terminal_is_shown_can_not_move_its_cursor(tmp_path):
    plan = planned(zipped(tmp_path / "z.zip", {"\x1b[2Jann\u202e.ipynb": "", "bob/\x07.txt": ""}))
    assert plan.text().replace("\n", "").isprintable()


def test_dates_of_platforms():
    assert platforms._date("Oct 9, 2026 1159 PM") == datetime(2026, 10, 9, 23, 59)
    assert platforms._date("September 9, 2026 930 AM") == datetime(2026, 9, 9, 9, 30)
    assert platforms._date("2026-02-30-10-00-00") is None and platforms._date("Okt 9, 2026 930 AM") is None
