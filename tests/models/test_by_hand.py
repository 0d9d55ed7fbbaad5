"""Tests what lesson 03 says of SmolLM2's heads, and its pictures of attention by hand."""

import json
import re
from pathlib import Path

import pytest

from course_utils.opened import by_hand, real_heads

ROOT = Path(__file__).parents[2]
TEXT = "The capital of France is"


@pytest.fixture(scope="module")
def maps():
    return real_heads.attention_maps(TEXT)[1]


def mean(shares):
    return sum(shares) / len(shares)


def test_the_heads_that_the_lesson_names_are_what_it_says(maps):
    for layer, head in [(16, 0), (1, 2), (2, 1), (11, 1)]:
        assert mean([row[-2] for row in maps[layer][head][2:]]) > 0.6
    for layer, head in [(10, 8), (11, 4), (11, 6)]:
        assert mean([row[-1] for row in maps[layer][head][1:]]) > 0.5
    assert min(row[0] for row in maps[18][8]) > 0.99
    assert round(100 * maps[23][4][4][3]) == 90


def test_what_the_lesson_says_of_other_verbs():
    pieces, probabilities = real_heads.next_words("She walked at the bank and came home with a lot of")
    assert pieces[0] == " money" and round(100 * probabilities[0]) == 30


def test_a_sink_comes_with_the_first_token_that_differs_from_those_after_it():
    assert real_heads.average_shares(" cat dog cat dog cat")[0] > 60
    assert max(real_heads.average_shares(" cat" * 5)) < 22


def last_row(text, layer, head):
    words, maps = real_heads.attention_maps(text)
    return {
        word.strip(): round(100 * share) for word, share in zip(words, maps[layer][head][-1], strict=True)
    }


def test_the_hint_and_the_model_answer_of_the_written_task_have_the_heads_numbers():
    path = ROOT / "solutions/03_attention_by_hand/03_attention_by_hand.ipynb"
    cells = {cell["id"]: "".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]}
    friend = "My friend lives in France and his city is"
    assert last_row(friend, 16, 0)["city"] == 77 and last_row(friend, 16, 0)["France"] < 1
    said = re.findall(r"(\d+)% to (\w+)", cells["france-head"])
    measured = [
        ("Peru", last_row("The capital of Peru is", 23, 4)),
        ("bread", last_row("The capital of bread is", 23, 4)),
        ("The", last_row("The capital of bread is", 23, 4)),
        ("France", last_row("In France the capital is", 23, 4)),
        ("France", last_row(friend, 23, 4)),
    ]
    assert said == [(str(row[word]), word) for word, row in measured]


def test_a_head_that_is_named_is_switched_off_for_one_run():
    before = real_heads.probability_of(" Paris", TEXT)
    assert real_heads.probability_of(" Paris", TEXT, layer=23, head=4) < before / 2
    assert real_heads.probability_of(" Paris", TEXT) == before


def test_a_token_that_may_not_look_learns_nothing():
    fished = "She fished at the bank and came home with a lot of"
    free = real_heads.probability_of(" fish", fished)
    assert real_heads.probability_if_blind(" fish", fished, looking=[], at=[]) == free
    # If nobody can look at a token, what it is makes no difference: one verb of two tokens is like another.
    rowed = "She rowed at the bank and came home with a lot of"
    assert len(real_heads.split(rowed)) == len(real_heads.split(fished)) == 13
    blind = {"looking": list(range(3, 13)), "at": [1, 2]}
    left = real_heads.probability_if_blind(" money", fished, **blind)
    assert left == real_heads.probability_if_blind(" money", rowed, **blind)
    assert left > 2 * real_heads.probability_of(" money", fished)


def test_what_is_needed_leaves_less_than_half():
    assert real_heads.needed(80, {"a": 39, "b": 41}) == "only a"
    assert real_heads.needed(80, {"a": 1, "b": 2}) == "both"
    assert real_heads.needed(80, {"a": 79, "b": 90}) == "neither"


# The pictures


def test_the_pictures_say_what_they_show():
    tokens, names, axes = [[0.0, 0.0], [2.0, 0.0], [1.0, -1.0]], ["a", "b", "c"], ["water", "money"]
    assert by_hand.plane(tokens, names, axes).alt.startswith("Arrows: a [0, 0], b [2, 0], c [1, −1].")
    assert by_hand.matches([1.0, -1.0], tokens, names).alt == (
        "a: 1×0 + (−1)×0 = 0; b: 1×2 + (−1)×0 = 2; c: 1×1 + (−1)×(−1) = 2"
    )
    assert by_hand.shares([0.1, 0.3, 0.6], names).alt == "a 10%, b 30%, c 60%"
    assert "[1.2, −0.6]" in by_hand.mixture([0.1, 0.3, 0.6], tokens, names, axes).alt
    three = by_hand.three_steps([1.0, 1.0], tokens, tokens, [0.1, 0.3, 0.6], names, axes)
    assert three.alt == "Shares: a 10%, b 30%, c 60%. c takes home [1.2, −0.6]"
    two = by_hand.two_steps([1.0, 1.0], tokens[:2], [0.1, 0.9], names[:2])
    assert two.alt == "a: 1×0 + 1×0 = 0; b: 1×2 + 1×0 = 2. Shares: a 10%, b 90%"
    assert by_hand.dials([[1.0, 0.0]], ["position 0"]).alt == "position 0: [1, 0]"
    assert by_hand.head_map(["a", " b"], [[1.0], [0.25, 0.75]]).alt == "b looks at: a 25%, b 75%"


def test_two_orders_of_the_same_pieces_end_at_the_same_point():
    one, other = [[2.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [2.0, 0.0]]
    picture = by_hand.two_orders(["a b", "b a"], [[0.5, 0.5], [0.5, 0.5]], [one, other], ["x", "y"])
    assert picture.alt == "a b: [1, 0.5]; b a: [1, 0.5]"


def test_two_mixtures_are_compared_by_their_distance_to_a_word():
    words = {"first": "man", "last": "dog", "at": [[2.0, 0.0], [0.0, 0.0]]}
    assert by_hand.compared([1.0, 0.1 + 0.2], [1.0, 0.3], **words) == "at the same point"
    assert by_hand.compared([1.5, 0.0], [0.5, 0.0], **words) == "nearer to man, its first word"
    assert by_hand.compared([0.5, 0.0], [1.5, 0.0], **words) == "nearer to dog, its last word"
