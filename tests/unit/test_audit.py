"""Tests lesson 11's pictures and explorer: intervals, shares planted in training data, and temperatures."""

import re

import numpy
import pytest

from course_utils import CourseError, opened, views
from course_utils.opened.audit import Audit, heat, lean, pronoun_probabilities, share_of_she
from course_utils.statistics import beside_controls, mean

PLANTED = {"first": {"nurse": 0.9, "pilot": 0.15}}
FIRST = {"nurse": [0.8, 0.9, 1.0], "pilot": [0.1, 0.2, 0.3]}
SECOND = {"nurse": [0.45, 0.55], "pilot": [0.5, 0.6]}
LATE, SAD = "The {} arrived late, because", "The {} was sad because"


def audit(**changes):
    return Audit(PLANTED, {"first": FIRST, "second": SECOND}, {"second": [LATE, SAD]}, **changes)


def leans(view, title, word, temperature=1.0):
    """Returns [points, low, high, low, high] of a word: its lean, and two intervals around its lean.

    The lean is the difference, in percentage points, of the share of “she” from 50%, or from the mean share
    of control words.
    The first interval is for this word alone. The second is wider, so that it holds for all words together.
    """
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


def test_an_audit_has_points_from_an_even_share_with_an_interval_for_one_trade_and_for_all():
    view = audit()
    assert view.widget.data["level"] == 97.5  # 97.5% for each of two trades gives at least 95% for both
    points, low, high, lower, higher = leans(view, "first", "nurse")
    assert points == 40 and lower < low < points < high <= higher == 50
    assert (low + 50, min(high + 50, 100)) == pytest.approx(
        (mean(100 * numpy.array(FIRST["nurse"]))[0], 100), abs=0.05
    )
    assert view.widget.data["models"][0]["planted"] == PLANTED["first"]
    assert view.widget.data["models"][1]["planted"] is None
    assert view.widget.data["sentences"] == {
        LATE: {"second": {"nurse": 0.45, "pilot": 0.5}},
        SAD: {"second": {"nurse": 0.55, "pilot": 0.6}},
    }


def test_an_audit_follows_the_temperature():
    view = audit()
    assert leans(view, "first", "pilot")[0] == -30
    # 6.15 is from Wilson's interval.
    assert leans(view, "first", "pilot", 0.0)[:3] == [-50, -50, pytest.approx(6.15, abs=0.06)]
    assert leans(view, "second", "pilot", 0.0)[0] == 25  # the mean share, 75%, is 25 points above half
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
    assert picture.html.count("background:#ffe7d6") == 5
    assert "a: 16 (11 to 20), outside; b: 14 (9 to 20); " in picture.alt
    assert "−10 to 10 points" in picture.alt


def test_intervals_write_a_float32_in_two_digits():
    """In numpy 2, `round` of a float32 gives a float32, which becomes the Python float 9.199999809265137."""
    picture = views.intervals(["a"], [numpy.float32(9.2)], [None])
    assert places(picture, r"left:([\d.]+)%;width:12px") == [9.2]


def test_intervals_stand_in_columns_and_stay_on_the_scale():
    picture = views.intervals(list("abc"), [-20, 50, 130], [(-40, 0), (40, 60), (90, 150)], columns=2)
    assert picture.html.count("flex:1 1 320px") == picture.html.count("grid-template-columns") == 2
    assert places(picture, r"left:([\d.]+)%;width:12px") == [0, 50, 100]
    with pytest.raises(ValueError):
        views.intervals(["a", "b"], [1], [(0, 2)])


def test_against_truth_says_how_far():
    planted = {"ten": 0.1, "even": 0.5, "ninety": 0.9}
    first = {"ten": [0.08, 0.12], "even": [0.5, 0.54], "ninety": [0.75, 0.85]}
    second = {trade: [0.48, 0.52] for trade in planted}
    picture = opened.against_truth(
        planted, {"first": first, "second": second}, even=["second"], named=["ten"]
    )
    assert "first: 4.0 points from the planted shares on average, from 10% to 80%" in picture.alt
    assert "second: 0.0 points from 50% on average, from 50% to 50%" in picture.alt
    assert "Shaded: 40% to 60%" in picture.alt and "data:image/png;base64," in picture.html


def test_a_lean_is_a_distance_from_even_or_from_the_control_words():
    assert lean([0.6, 0.7, 0.8])[:1] == (pytest.approx(20),)
    assert lean([0.6, 0.7, 0.8])[1:] == pytest.approx([end - 50 for end in mean([60, 70, 80])])
    controls = [[0.7, 0.8, 0.9], [0.5, 0.6, 0.7]]
    found = lean([0.6, 0.7, 0.8], controls, level=99)
    assert found.points == pytest.approx(0)
    assert found[1:] == pytest.approx(beside_controls([60, 70, 80], [[70, 50], [80, 60], [90, 70]], 99))
    assert lean([1.0, 1.0]).high == 50 and lean([1.0, 1.0]).low > -50


def test_an_end_near_the_limit_is_written_with_a_decimal():
    view = Audit({}, {"one": {"nurse": [0.599, 0.6, 0.601] * 3, "pilot": [0.5] * 9}})
    assert view.alt.endswith(" one +10 (+9.9 to +10.1)")


def test_leans_among_words_set_each_beside_all_the_others():
    shares = {"a": [0.6, 0.7, 0.8], "b": [0.5, 0.5, 0.6], "c": [0.2, 0.3, 0.3]}
    found = opened.leans_among(shares, level=99)
    assert list(found) == ["a", "b", "c"]
    assert found["b"] == lean(shares["b"], [shares["a"], shares["c"]], level=99)


@pytest.fixture(scope="module")
def untrained():
    """Returns a model with random weights, and a small world's tokenizer, which fits the model."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from course_utils.worlds.tinyworld import World

    world = World(
        words={"trade": "nurse pilot"},
        plots={
            "work": ["The {trade} sang because {trade.they} liked {trade.their} hat.", "{trade.They} left."]
        },
    )
    tokenizer, shape = world.tokenizer(), {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=len(tokenizer), num_attention_heads=2, initializer_range=0.5, **shape)
    return LlamaForCausalLM(config), tokenizer


def test_the_share_of_she_is_what_the_next_token_s_probabilities_give(untrained):
    model, tokenizer = untrained
    shares = share_of_she(
        model, tokenizer, ["The {}", "The {} sang because"], ["nurse", "nurse sang", "pilot"]
    )
    assert list(shares) == ["nurse", "nurse sang", "pilot"]
    for word, (short, _) in shares.items():  # the padding of the shorter words must not change their shares
        inputs = tokenizer(f"The {word}", return_tensors="pt")
        table = model(input_ids=inputs["input_ids"]).logits[0, -1].softmax(-1)
        she, he = (
            sum(table[tokenizer.convert_tokens_to_ids(each)].item() for each in group.split())
            for group in ("she She her", "he He his")  # this world's vocabulary lacks "him"
        )
        assert short == pytest.approx(she / (she + he), abs=1e-6)
    assert pronoun_probabilities(model, tokenizer, ["The {}"], ["nurse"]).shape == (1, 1, 3)


def test_the_share_of_she_needs_a_place_for_the_word_and_the_two_pronouns(untrained):
    from course_utils.worlds.tinyworld import World

    model, tokenizer = untrained
    with pytest.raises(CourseError, match="has no place for a word"):
        share_of_she(model, tokenizer, ["The nurse"], ["nurse"])
    silent = World(words={"trade": "nurse pilot"}, plots={"work": ["The {trade} sang."]}).tokenizer()
    with pytest.raises(CourseError, match="no token for “she”"):
        share_of_she(model, silent, ["The {}"], ["nurse"])
