"""Tests lesson 11's pictures and explorer: intervals, planted values, and shares at a temperature."""

import re
from pathlib import Path

import numpy
import pytest

from course_utils import CourseError, opened, views
from course_utils.opened.audit import Audit, heat
from course_utils.statistics import beside_controls, mean

PLANTED = {"first": {"nurse": 0.9, "pilot": 0.15}}
FIRST = {"nurse": [0.8, 0.9, 1.0], "pilot": [0.1, 0.2, 0.3]}
SECOND = {"nurse": [0.45, 0.55], "pilot": [0.5, 0.6]}
LATE = "The {} arrived late, because"


def audit(**changes):
    sentences = {LATE: {"second": {"nurse": 0.6, "pilot": 0.4}}}
    return Audit(PLANTED, {"first": FIRST, "second": SECOND}, sentences, **changes)


def leans(view, title, word, temperature=1.0):
    """Returns a word's points, and the ends of its two intervals."""
    data = view.widget.data
    model = next(model for model in data["models"] if model["title"] == title)
    return model["words"][word][data["temperatures"].index(temperature)]


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0, 2.0, 3.0])
def test_heat_is_what_dividing_two_logits_gives(temperature):
    import torch

    shares = numpy.array([0.01, 0.2, 0.5, 0.6, 0.97])
    logits = torch.tensor(numpy.log([shares, 1 - shares])) / temperature
    assert numpy.allclose(heat(shares, temperature), logits.softmax(0)[0].numpy(), atol=1e-12)


def test_heat_at_its_ends():
    assert heat([0.0, 0.3, 0.5, 0.51, 1.0], 0).tolist() == [0, 0, 0.5, 1, 1]
    assert heat([0.0, 1.0], 0.5).tolist() == [0, 1]
    assert heat([0.5001], 0.001)[0] == pytest.approx(0.6, abs=0.01)


def test_a_bootstrap_of_few_values_holds_the_mean_as_seldom_as_exercise_9_2_says():
    text = (Path(__file__).parents[2] / "solutions/11_bias_audit/11_bias_audit.ipynb").read_text("utf-8")
    rng = numpy.random.default_rng(0)
    for count, said in ((16, "92 times in 100 for 16 values"), (8, "88 for 8"), (5, "84 for 5")):
        values = rng.normal(size=(3_000, count))
        picks = rng.integers(count, size=(1_000, count))
        means = numpy.array([each[picks].mean(1) for each in values])
        low, high = numpy.quantile(means, [0.025, 0.975], axis=1)
        held = 100 * ((low < 0) & (high > 0)).mean()
        assert said in text and abs(held - int(said.split()[0])) < 1.5


def test_an_audit_has_points_from_an_even_share_with_an_interval_for_one_trade_and_for_all():
    view = audit()
    assert view.widget.data["level"] == 97.5  # two trades are tested at once
    points, low, high, lower, higher = leans(view, "first", "nurse")
    assert points == 40 and lower < low < points < high <= higher == 50
    assert (low + 50, min(high + 50, 100)) == pytest.approx(
        (mean(100 * numpy.array(FIRST["nurse"]))[0], 100), abs=0.05
    )
    assert view.widget.data["models"][0]["planted"] == PLANTED["first"]
    assert view.widget.data["models"][1]["planted"] is None
    assert view.widget.data["sentences"] == {LATE: {"second": {"nurse": 0.6, "pilot": 0.4}}}


def test_an_audit_follows_the_temperature():
    view = audit()
    assert leans(view, "first", "pilot")[0] == -30
    assert leans(view, "first", "pilot", 0.0)[:3] == [
        -50,
        -50,
        pytest.approx(6.15, abs=0.06),
    ]  # Wilson's interval
    assert leans(view, "second", "pilot", 0.0)[0] == 25  # one sentence is undecided, the other says "she"
    assert leans(view, "first", "pilot", 0.5)[0] == round(100 * heat(FIRST["pilot"], 0.5).mean() - 50, 1)
    assert audit(trade="pilot", temperature=0.0).alt.startswith("pilot, greedy, points of “she”")


def test_an_audit_measures_from_control_words_where_it_has_some():
    control = {"guest": [0.5, 0.6], "child": [0.3, 0.35], "person": [0.4, 0.55]}
    view = audit(controls={"second": control})
    assert view.widget.data["controls"] == ["guest", "child", "person"]
    assert view.widget.data["models"][1]["zero"][10] == 45 and view.widget.data["models"][0]["zero"][10] == 50
    points, *ends = leans(view, "second", "nurse")
    assert points == 5
    table = 100 * numpy.array(list(control.values())).T
    for (low, high), level in ((ends[:2], 95), (ends[2:], 97.5)):
        expected = beside_controls(100 * numpy.array(SECOND["nurse"]), table, level)
        assert (low, high) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: audit(controls={"second": {"guest": [0.5, 0.6]}}),
            "has 1 control words: give at least three",
        ),
        (lambda: audit(trade="queen"), "no trade 'queen': choose one of nurse, pilot"),
        (lambda: audit(temperature=0.55), "no temperature 0.55: choose one of 0.0, 0.1, 0.2, 0.3"),
        (lambda: Audit({}, {"all": FIRST, "half": {"nurse": [0.5]}}), "half has no share for 'pilot'"),
        (lambda: Audit({"all": {"nurse": 0.9}}, {"all": FIRST}), "all has no share for 'pilot'"),
    ],
)
def test_audit_refuses_in_a_sentence(make, says):
    with pytest.raises(CourseError, match=says):
        make()


def places(picture, pattern):
    return [float(each) for each in re.findall(pattern, picture.html)]


def test_intervals_place_dots_lines_and_marks():
    picture = views.intervals(["a", "b"], [25, 75], [(20, 30), None], marks=[50, None], marks_label="planted")
    assert places(picture, r"left:([\d.]+)%;width:12px") == [25, 75]
    assert places(picture, r"height:4px;left:([\d.]+)%") == [20]
    assert places(picture, r"left:([\d.]+)%;width:4px") == [50]
    assert picture.alt == "a: 25 (20 to 30), planted 50; b: 75%"


def test_intervals_fill_a_dot_only_where_the_whole_interval_is_outside_the_band():
    spans = [(11, 20), (9, 20), (-30, -11), (-30, -9), (-5, 5)]
    values = [(low + high) / 2 for low, high in spans]
    picture = views.intervals(list("abcde"), values, spans, unit="points", limits=(-50, 50), band=(-10, 10))
    filled = re.findall(r"border-radius:6px;background:(#\w+)", picture.html)
    assert [fill != "#ffffff" for fill in filled] == [True, False, True, False, False]
    assert picture.html.count("background:#fbe3c0") == 5
    assert "a: 16 (11 to 20), outside; b: 14 (9 to 20); " in picture.alt
    assert "−10 to 10 points" in picture.alt


def test_intervals_write_a_float32_in_two_digits():
    """Numpy 2 rounds a float32 to a float32. Python then prints it as a float: 9.199999809265137."""
    picture = views.intervals(["a"], [numpy.float32(9.2)], [None])
    assert places(picture, r"left:([\d.]+)%;width:12px") == [9.2]


def test_intervals_stand_in_columns_and_stay_on_the_scale():
    picture = views.intervals(list("abc"), [-20, 50, 130], [(-40, 0), (40, 60), (90, 150)], columns=2)
    assert picture.html.count("flex:1 1 320px") == 2
    assert places(picture, r"left:([\d.]+)%;width:12px") == [0, 50, 100]
    with pytest.raises(ValueError):
        views.intervals(["a", "b"], [1], [(0, 2)])


def test_against_truth_says_how_far_and_how_many():
    groups = {
        "first": ([10, 52, 80], [(8, 12), (50, 54), (75, 85)]),
        "second": ([50, 50, 50], [(48, 52)] * 3),
    }
    picture = opened.against_truth([10, 50, 90], groups, band=5, levels={"second": 48}, named={0: "ten"})
    assert "first: 4.0 points from the line on average, 2 of 3 within 5" in picture.alt
    assert "second: 2.0 points from 48% on average, all from 50% to 50%" in picture.alt
    assert "data:image/png;base64," in picture.html
