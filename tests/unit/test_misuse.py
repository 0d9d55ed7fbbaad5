"""Tests lesson 12: how it isolates programs, its holiday notes, and how it shows watermarked texts."""

import pickletools
import re

import numpy
import pytest
from programs import needs

from course_utils import CourseError, opened
from course_utils.opened import isolation
from course_utils.opened.watermark import Watermark

PIECES = ["the", "cat", "sat", "down"]
GREEN = numpy.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]], bool)
SURE = numpy.array([0, 1, 2] * 20)  # each token is on the green list of the token before it
NEVER = numpy.array([0, 2, 1] * 20)


needs_wall = needs("bubblewrap")
PROGRAM = """
import os, pickle
print("before loading:", os.listdir())
model = pickle.load(open("model.bin", "rb"))
print("loaded:", model["weight"])
print("after loading:", sorted(os.listdir()))
"""


@pytest.fixture
def no_wall(monkeypatch):
    monkeypatch.setattr(isolation, "has_wall", lambda: False)


@needs_wall
def test_a_rigged_file_does_behind_the_wall_what_was_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rigged = isolation.rigged_file()
    assert isolation.run(PROGRAM, rigged.parent, recorded="another") == isolation.RECORDED
    assert (rigged.parent / "proof.txt").exists()
    assert not any(tmp_path.iterdir())


def test_the_rigged_file_asks_for_exec_and_is_made_anew():
    one, other = isolation.rigged_file(), isolation.rigged_file()
    asked = [step[1] for step in pickletools.genops(one.read_bytes()) if step[0].name == "GLOBAL"]
    assert asked == ["__builtin__ exec"]
    assert one.parent != other.parent and one.read_bytes() == other.read_bytes()


@needs_wall
def test_the_wall_shows_neither_files_nor_network(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.txt").write_text("mine")
    code = """
import os, socket
print(os.path.exists("../secret.txt"), os.path.exists(os.path.expanduser("~/.bashrc")))
print(len(socket.if_nameindex()), [n for n in os.environ if n not in ("PATH", "PWD", "LC_CTYPE")])
"""
    # The only network interface is the process's own loopback.
    assert isolation.run(code, tmp_path / "inside") == "False False\n1 []\n"


def test_without_a_wall_nothing_is_run(no_wall, tmp_path):
    code = "open('proof.txt', 'w').close()"
    said = isolation.run(code, tmp_path, recorded="as recorded")
    assert "sudo apt install bubblewrap" in said and said.endswith("A recorded run:\nas recorded")
    with pytest.raises(CourseError, match="This machine has no wall"):
        isolation.run(code, tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_bubblewrap_that_may_not_work_is_no_wall(tmp_path, monkeypatch):
    """An installed bubblewrap fails in containers that forbid namespaces. Then `has_wall` must be false."""
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    isolation.has_wall.cache_clear()
    try:
        assert not isolation.has_wall()
    finally:
        isolation.has_wall.cache_clear()


@needs_wall
@pytest.mark.parametrize(
    ("code", "seconds", "says"),
    [
        ("1 / 0", 600, "stopped with an error, ZeroDivisionError: division by zero"),
        ("open('big', 'w').write('a' * 2_000_000)", 600, "stopped with an error, OSError"),
        ("import time; time.sleep(3600)", 1, "ran for over 1 seconds and was ended"),
    ],
)
def test_what_goes_wrong_inside_is_one_sentence(tmp_path, code, seconds, says):
    with pytest.raises(CourseError, match=says):
        isolation.run(code, tmp_path, seconds=seconds)


def test_the_notes_of_the_assistant_are_twelve_of_each_mood():
    notes = opened.holiday_notes()
    assert list(notes.values()) == ["good"] * 12 + ["bad"] * 12
    assert list(notes)[12] == "The soup was cold and the waiter was rude."


def test_z_of_a_row_and_of_its_pieces():
    assert opened.z_score(SURE, GREEN) == pytest.approx((59 - 59 / 4) / (59 * 3 / 16) ** 0.5)
    assert opened.z_score(NEVER, GREEN) < 0
    # The 60 tokens make two pieces of 25 tokens each. The last 10 tokens are left out.
    pieces = opened.z_scores(SURE, 25, GREEN)
    assert pieces == pytest.approx([18 / 4.5**0.5] * 2)


def marked(**starts):
    texts = {(0, 0): NEVER, (0, 0.5): NEVER, (2, 0): SURE, (2, 0.5): numpy.array([0, 1, 2, 3, 1, 2] * 10)}
    return Watermark(texts, PIECES, GREEN, ratio=0.25, threshold=4, **starts)


def z_of(view):
    z, verdict = re.search(r"z = (−?[\d.]+), ((?:not )?over) 4", view.alt).groups()
    return float(z.replace("−", "-")), verdict


def test_z_is_that_of_the_text_at_the_start():
    all_green = (59 - 59 / 4) / (59 * 3 / 16) ** 0.5
    assert z_of(marked()) == (pytest.approx(all_green, abs=0.005), "over")
    assert "59 of 59 green; without a mark about 15." in marked().alt
    assert z_of(marked(length=25)) == (pytest.approx(18 / 4.5**0.5, abs=0.005), "over")
    swapped = numpy.array([0, 1, 2, 3, 1, 2] * 10)[:25]
    green = GREEN[swapped[:-1], swapped[1:]].sum()
    assert z_of(marked(swapped=0.5, length=25))[0] == pytest.approx((green - 6) / 4.5**0.5, abs=0.005)
    assert z_of(marked(bonus=0, length=25)) == (pytest.approx(-6 / 4.5**0.5, abs=0.005), "not over")
    assert "Bonus 0, 50% of the words" in marked(bonus=0, swapped=0.5).alt


def test_the_view_gets_the_marks_of_each_text_and_of_the_learner_s():
    view = marked(bonus=2, length=40)
    widget = view.widget
    assert (widget.text, widget.swapped, widget.length) == ("2", 0, 40)
    greens = {(text["bonus"], text["swapped"]): text["green"] for text in widget.data["texts"]}
    assert greens[2, 0] == "1" * 59 and greens[0, 0] == "0" * 59
    widget.want = {"ids": [0, 1, -1, 1, 2, 3]}  # -1 stands for a token outside the vocabulary
    assert widget.said["green"] == "1--10"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: marked(bonus=3), "no bonus 3: choose one of 0, 2"),
        (lambda: marked(length=61), "no length 61: choose one from 25 to 60"),
        (
            lambda: Watermark({(0, 0): SURE, (2, 0.5): SURE}, PIECES, GREEN, ratio=0.25, threshold=4),
            "no text for bonus 0 with 50% swapped: give one",
        ),
    ],
)
def test_watermark_refuses_in_a_sentence(make, says):
    with pytest.raises(CourseError, match=says):
        make()


def test_a_marked_text_says_how_many_of_its_tokens_are_green():
    class Reader:
        @staticmethod
        def convert_ids_to_tokens(tokens):
            return [["a<b", "cat", "sat"][token] for token in tokens]

    picture = opened.marked_text(numpy.array([0, 1, 2, 1]), GREEN, Reader, title="No mark")
    assert "No mark: 2 of 3 tokens green" in picture.html
    assert picture.alt == "2 of 3 tokens green: a<b cat sat cat"
    assert re.findall(r"border-bottom:3px solid[^>]*>(\w+)<", picture.html) == ["cat", "sat"]
    assert "a&lt;b" in picture.html


def test_wrong_answers_stand_sentence_by_sentence():
    wrong = {"good last": {"Tuesday": 0, "order": 3}, "bad last": {"Tuesday": 5, "order": 12}}
    picture = opened.wrong_by_prompt(wrong, notes=12)
    assert picture.alt.split("; ") == [
        "Tuesday, good last: 0 of 12", "Tuesday, bad last: 5 of 12",
        "order, good last: 3 of 12", "order, bad last: 12 of 12",
    ]  # fmt: skip
