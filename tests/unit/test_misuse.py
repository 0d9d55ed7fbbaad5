"""Tests lesson 12's sandbox, its picture of a watermarked text, and its explorer."""

import pickle
import re

import numpy
import pytest

from course_utils import CourseError, opened
from course_utils.opened import isolation
from course_utils.opened.watermark import Watermark

PIECES = ["the", "cat", "sat", "down"]
GREEN = numpy.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]], bool)
SURE = numpy.array([0, 1, 2] * 20)  # each token is green after the token before it
NEVER = numpy.array([0, 2, 1] * 20)


@pytest.fixture(params=["the best there is", "a process of its own"])
def apart(request, monkeypatch):
    """Runs a test with both kinds of isolation; without bubblewrap, both are the same."""
    if request.param == "a process of its own":
        monkeypatch.setattr(isolation, "_has_bubblewrap", lambda: False)
    return isolation.kind()


class Rigged:
    def __reduce__(self):
        return exec, ("print('ran'); open('proof.txt', 'w').write('here')",)


def test_a_rigged_file_runs_in_the_sandbox_and_writes_to_its_folder_alone(apart, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "model.bin").write_bytes(pickle.dumps({"weight": [1.0], "extra": Rigged()}))
    said = isolation.run("import pickle; print(pickle.load(open('model.bin', 'rb'))['weight'])", folder)
    assert said == "ran\n[1.0]\n"
    assert (folder / "proof.txt").read_text() == "here"
    assert not any(elsewhere.iterdir())


def test_bubblewrap_shows_neither_files_nor_network(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.txt").write_text("mine")
    code = """
import os, socket
print(os.path.exists("../secret.txt"), os.path.exists(os.path.expanduser("~/.bashrc")))
print(len(socket.if_nameindex()), [n for n in os.environ if n not in ("PATH", "PWD", "LC_CTYPE")])
"""
    shown = isolation.run(code, tmp_path / "inside")
    if isolation.kind() == "bubblewrap":
        assert shown == "False False\n1 []\n"  # the only network interface is the process's own loopback
    else:
        assert shown.endswith("[]\n")


def test_a_bubblewrap_that_may_not_work_is_not_used(tmp_path, monkeypatch):
    """Inside containers that forbid namespaces, bubblewrap is installed but fails."""
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    isolation._has_bubblewrap.cache_clear()
    try:
        assert isolation.kind() == "a process of its own"
        assert isolation.run("print('still')", tmp_path) == "still\n"
    finally:
        isolation._has_bubblewrap.cache_clear()


@pytest.mark.parametrize(
    ("code", "seconds", "says"),
    [
        ("1 / 0", 600, "stopped with an error, ZeroDivisionError: division by zero"),
        ("open('big', 'w').write('a' * 2_000_000)", 600, "stopped with an error, OSError"),
        ("import time; time.sleep(3600)", 1, "ran for over 1 seconds and was ended"),
    ],
)
def test_what_goes_wrong_inside_is_one_sentence(apart, tmp_path, code, seconds, says):
    with pytest.raises(CourseError, match=says):
        isolation.run(code, tmp_path, seconds)


def test_green_tokens_are_marked_and_counted():
    picture = opened.green_tokens(
        ["a<b", "cat", "sat", "x"], [None, True, False, True], title="Title", note="Note."
    )
    assert picture.alt == "2 of 3 tokens green: a<b cat sat x"
    assert len(re.findall(r"border-bottom:3px solid[^>]*>(?:cat|x)<", picture.html)) == 2
    assert "a&lt;b" in picture.html and "Note." in picture.html
    for stripped in ("<script", "<style", "<svg", "role="):
        assert stripped not in picture.html
    with pytest.raises(ValueError):
        opened.green_tokens(["a"], [])


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
    widget.want = {"ids": [0, 1, -1, 1, 2, 3]}  # the third one is not in the vocabulary
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
