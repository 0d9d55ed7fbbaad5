"""Tests lesson 03: what it says of SmolLM2's heads, and its pictures of attention computed by hand."""

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
    assert mean([row[-2] for row in maps[16][0][2:]]) > 0.6
    assert min(row[0] for row in maps[18][8]) > 0.99
    assert round(100 * maps[23][4][4][3]) == 90


def test_the_largest_corners_are_those_of_the_hunt(maps):
    shares = sorted(head[4][3] for layer in maps for head in layer)
    assert shares[-2] > 0.75 and shares[-3] < 0.65
    assert maps[16][0][4][3] == shares[-2] and maps[23][4][4][3] == shares[-1]


def test_the_sink_holds_in_the_texts_that_the_lesson_names():
    for text, first in [
        ("The capital of France is", 67),
        ("is the capital of Paris", 63),
        ("cat dog cat dog cat", 63),
    ]:
        assert round(real_heads.average_shares(text)[0]) == first
    assert max(real_heads.average_shares(" cat" * 5)) < 22


def test_another_word_one_token_back_tells_a_place_from_a_word():
    today = "The capital of France today is"
    assert last_row(today, 16, 0)["today"] == 78 and last_row(today, 16, 0)["France"] == 5
    assert last_row(today, 23, 4)["France"] == 91


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
    # Tokens that no other token attends to don't affect the answer, so both verbs get the same answer.
    rowed = "She rowed at the bank and came home with a lot of"
    assert len(real_heads.split(rowed)) == len(real_heads.split(fished)) == 13
    blind = {"looking": list(range(3, 13)), "at": [1, 2]}
    left = real_heads.probability_if_blind(" money", fished, **blind)
    assert left == real_heads.probability_if_blind(" money", rowed, **blind)
    assert left > 2 * real_heads.probability_of(" money", fished)


def test_what_comes_instead_tells_two_hidden_pairs_apart():
    fished = "She fished at the bank and came home with a lot of"
    fish, money = [
        [
            round(real_heads.probability_if_blind(word, fished, looking=[12], at=at))
            for at in ([], [1, 2], [10, 11], [5])
        ]
        for word in (" fish", " money")
    ]
    assert fish == [24, 3, 1, 26] and money == [6, 23, 1, 3]
    without_a_lot = {"looking": [12], "at": [10, 11]}
    assert round(real_heads.probability_if_blind(" of", fished, **without_a_lot)) == 20
    assert round(real_heads.probability_if_blind(" the", fished, **without_a_lot)) == 11


def test_which_of_two_parts_are_needed():
    assert real_heads.which({"a": False, "b": True}) == "only b"
    assert real_heads.which({"a": True, "b": True}) == "both"
    assert real_heads.which({"a": False, "b": False}) == "neither"


# The texts of the pictures that show attention computed by hand


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
    words = {"man": [2.0, 0.0], "dog": [0.0, 0.0]}
    assert by_hand.nearer([1.0, 0.1 + 0.2], than=[1.0, 0.3], to=words) == "at the same point"
    assert by_hand.nearer([1.5, 0.0], than=[0.5, 0.0], to=words) == "nearer to man"
    assert by_hand.nearer([0.5, 0.0], than=[1.5, 0.0], to=words) == "nearer to dog"
