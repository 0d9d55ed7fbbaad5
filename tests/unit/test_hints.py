"""Tests the sentences that say how a wrong result is related to the expected one."""

import math

import pytest

from course_utils.learning import hints


@pytest.mark.parametrize(
    ("value", "wanted", "says"),
    [
        (62.0, 0.62, "100 times as much, as percent are"),
        (0.0124, 1.24, "a hundredth of it"),
        (-2.5, 2.5, "the sign is not"),
        (2 * math.log(2), 2.0, "as a bit has nats"),
        (4.5, 9.0, "half as much"),
        (7, 6, "one too many"),
        (0, 1, "one too few"),
        (0.33, 1 / 3, "rounded"),
        (0.7, 0.3, "leaves of 1"),
        (1 / 1.7, 1.7, "1 divided by the expected"),
        (1.7**2, 1.7, "the square of"),
        (1.7**0.5, 1.7, "the root of"),
        ([1.5, 2.0], 3.5, "Their sum"),
        ([1.0, 2.0], 1.5, "Their mean"),
        (["a", "b", "c"], 3, "by `len`"),
        ({"a": 1.5, "b": 2.0}, 3.5, "Their sum"),
        ([3, 2, 1], [1, 2, 3], "The order is reversed."),
        ([2, 1], [1, 2], "Those are the two, the other way round."),
        ([2, 3, 1], [1, 2, 3], "in another order"),
        ([[2, 0], [1, 2]], [[0, 2], [2, 1]], "Each pair is the other way round."),
        ([2, 4, 5], [1, 3, 4], "Each is one too large."),
        ([0, 1], [1, 2], "Each is one too small."),
        ([6, 4], [0.6, 0.4], "Their proportions are right"),
        ([60.0, 20.0], [0.6, 0.2], "Each is 100 times as much"),
        ([3, 7], [3 / 13, 7 / 13], "Each is 13 times as much"),
        ([-1.0, 2.0], [1.0, -2.0], "the signs are not"),
        ([1, 5, 9], [1, 2, 9], "right but number 1, counting from 0"),
        ([1, 2, 8], [1, 2, 9], "right but the last"),
        ([1, 8, 8], [1, 2, 9], "The first item is right, and no other one."),
        ([1, 8], [1, 9], "The first is right, and the second is not."),
        ([8, 2], [1, 2], "The second is right, and the first is not."),
        ([["a", "b"], [1]], [["a"], [1]], "the first is not. In it: all that is expected is there"),
        ([1, 2, 4], [1, 2, 3], "right but the last. That is one too many."),
        ([], ["a"], "It is empty, and an item belongs into it"),
        (["a", "b"], ["a", "b", "c"], "the end is missing"),
        (["b", "c"], ["a", "b", "c"], "the beginning is missing"),
        (["a", "c"], ["a", "b", "c"], "something is missing"),
        (["a", "b", "c"], ["a", "b"], "too much at the end"),
        (["a", "b", "c"], ["b", "c"], "too much at the beginning"),
        (["a", "x", "b"], ["a", "b"], "something too much."),
        ("a", ["a", "b"], "the first item alone"),
        ("b", ["a", "b"], "the last item alone"),
        (3, ["a", "b", "c"], "as many"),
        ({"a": 1}, ["a"], "in the dictionary"),
        (["a", "b"], "ab", '"".join'),
        ("Yes", "yes", "Only capital and small letters differ."),
        ("a b", "a\nb", "Only spaces and line ends differ."),
        ("an answer", "answer", "with more around it"),
        ("answ", "answer", "a part of the expected text"),
        ([1, 2], {"a": 1, "b": 2}, "its values alone"),
        (["a", "b"], {"a": 1, "b": 2}, "its keys alone"),
        ({1: 0.3, 2: 0.7}, {1: 0.7, 2: 0.3}, "at other keys"),
        ({1: 30.0, 2: 70.0}, {1: 0.3, 2: 0.7}, "100 times"),
        ({"1": 3}, {1: 3}, "of another kind"),
        ({"a": 1}, {"a": 1, "b": 2}, "some are missing"),
        ({"a": 1, "c": 1}, {"a": 1}, "and others, too"),
    ],
)
def test_a_hint_says_how_two_values_are_related(value, wanted, says):
    assert says in hints.on_value(value, wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0.31, 0.6205),  # nearly, but not exactly half of the expected value
        (3.0, 2.0),
        (0, 0.33),
        (True, 1),
        (math.nan, 0.5),
        (math.inf, 0.5),
        (0.5, 10**400),
        ([0.50001, 0.5], [0.5, 0.5]),
        ([1, 0, 1, 0], [0, 1, 1, 0]),
        ([0.4, 0.1], [0.5, 0.3]),
        ([[1], [2, 3]], [[1, 2], [3]]),
        (["x"], []),
        ({}, {"a": 1}),
        ("x", "answer"),
        ([None], [1]),
        (list(range(400)), list(range(400, 0, -1))),
    ],
)
def test_no_hint_where_nothing_is_known(value, wanted):
    assert hints.on_value(value, wanted) == ""


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("1 / 0", "divides by 0"),
        ("[1][1]", "no such place"),
        ("[].pop()", "empty"),
        ("__import__('numpy').ones(2)[0, 0]", "dimensions"),
        ("{}['a']", "no such key"),
        ("set().pop()", "empty"),
        ("{}.popitem()", "empty"),
        ("(lambda: (sum := 1) if False else sum)()", "hides Python's `sum`"),
        ("b'\\xff'.decode('utf-8')", "no text"),
        ("unheard_of", "Nothing that has run made this name."),
        ("__import__('math').log(0)", "no logarithm"),
        ("__import__('math').log2(-1)", "no logarithm"),
        ("(lambda: None)() + 1", "Something is None"),
        ("(lambda x: x)()", "fewer values"),
        ("(lambda x: x)(1, 2)", "more values"),
        ("'a'.right", "texts have no such part."),
        ("'a'.append", "no such part: lists have it."),
        ("[].lower()", "no such part: texts have it."),
        ("[].lenght", "lists have no such part."),
        ("print().text", "Something is None"),
        ("list({}.items)", "without a call"),
        ("len('a b'.split)", "without a call"),
        ("(lambda f: f[0])(lambda: 1)", "without a call"),
        ("list(3)", "no list to go through"),
        ("int(3)[0]", "no places"),
        ("list('ab')['a']", "whole number"),
        ("str('ab')['a']", "A text stands before"),
        ("set([1])[0]", "no places"),
        ("sum()", "fewer values"),
        ("[1] * 1.5", "it is repeated then"),
        ("[1] - 1", "two kinds"),
        ("[1] < 1", "two kinds"),
    ],
)
def test_a_hint_on_an_error_says_what_python_means(code, says):
    with pytest.raises(Exception) as raised:
        eval(code)
    assert says in hints.on_error(f"{type(raised.value).__name__}: {raised.value}")


def test_a_dimension_that_a_table_lacks_is_no_place():
    says = "IndexError: Dimension out of range (expected to be in range of [-1, 0], but got 1)"
    assert "no such dimension" in hints.on_error(says)


def test_an_error_that_is_not_known_gets_no_hint():
    assert hints.on_error("Mute") == "" and hints.on_error("OSError: no space left") == ""


def test_a_hint_on_none_names_the_argument_that_is_none():
    config = {"heads": 2, "window": None}
    assert hints.on_none({"config": config, "tokens": 3}) == '`config["window"]` is None in this call.'
    assert hints.on_none({"tokens": None}) == "`tokens` is None in this call."
    assert hints.on_none({"config": {"heads": 2}, "tokens": 3}) == ""


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        (
            "hidden",
            {"size": {"hidden": 4}},
            '`hidden` is a key of `size`, and not a name of its own: `size["h',
        ),
        ("kind", {"clauses": [{"kind": "a"}], "n": 1}, "a key of the dictionaries in `clauses`"),
        ("math", {}, "`import math` makes this name."),
        ("Total", {}, "`total` is a name like it."),
        ("totel", {"numbers": []}, "Nothing that has run made this name; `total` is a name like it."),
        ("wish", {"plan": ["a"]}, ""),
    ],
)
def test_a_hint_on_a_missing_name_knows_keys_and_names_like_it(name, given, says):
    found = hints.on_name(name, given, ["total", "_wish", "len"])
    assert says in found and bool(says) == bool(found)
