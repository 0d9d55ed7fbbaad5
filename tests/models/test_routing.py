"""Tests windows and experts: the pictures, and the explorers on the tiny Mistral and Mixtral."""

import re

import numpy
import pytest
from pages import Page, Pictures

import course_utils as course
from course_utils import CourseError, opened
from course_utils.opened.router import Router
from course_utils.opened.window import SlidingWindow, reach_html, reach_in_words, steps
from course_utils.views import Picture

SHARES = numpy.array(
    [[0.1, 0.6, 0.1, 0.2], [0.05, 0.05, 0.6, 0.3], [0.6, 0.2, 0.15, 0.05], [0.2, 0.2, 0.35, 0.25]]
)
TEXTS = {3: (["<s>", "red", "a", "b"], 1), 5: (["<s>", "red", "a", "b", "c", "the"], 1)}
REACH = ["A", "<b>", "\n", "c", "d", "e"], 3, 2, 1  # window 3, 2 layers, token 1 outlined
PICTURES = Pictures(
    {
        "reach": lambda: Picture(reach_html(*REACH), reach_in_words(*REACH)),
        "routing": lambda: opened.routing(["A", "<b>", "\n", "c"], SHARES, title="Layer 1"),
        "SlidingWindow": lambda: SlidingWindow(lambda *_: 0.25, TEXTS, 2, 4, 5, 1 / 13).still(),
    }
)


@pytest.mark.parametrize("name", PICTURES)
def test_html_survives_the_sanitiser_and_reads_when_narrow(name):
    page = Page(PICTURES[name].html)
    page.assert_survives_the_sanitiser()
    page.assert_reads_when_narrow(widest=100)


@pytest.mark.parametrize("window", [2, 3, 5, 16])
def test_steps_are_those_of_masks_one_upon_the_other(window):
    tokens = 40
    row, column = numpy.indices((tokens, tokens))
    mask = (column <= row) & (row - column < window)
    reached, layers = numpy.eye(tokens, dtype=bool), 0
    needed = numpy.zeros((tokens, tokens), dtype=int)
    while (needed[-1] == 0).any():
        layers += 1
        reached = mask @ reached
        needed[reached & (needed == 0)] = layers
    assert [steps(place, tokens - 1, window) for place in range(tokens)] == needed[-1].tolist()


def test_reach_counts_layers_below_each_token():
    text = Page(PICTURES["reach"].html).text
    assert "A–" in text and "<b>2" in text and "↵2" in text and "c1" in text and "e1" in text
    assert PICTURES["reach"].alt == (
        "Of 6 tokens, the last, “e”, sees 3 directly, 2 through several layers, and 1 not at all; "
        "“<b>”, 4 tokens back, can arrive through 2 layers."
    )
    assert len(re.findall("border:2px solid", PICTURES["reach"].html)) == 1  # the described one


def test_routing_says_the_two_experts_of_each_token_and_the_load():
    alt = PICTURES["routing"].alt
    assert alt.startswith("A 1 75% and 3 25%; <b> 2 67% and 3 33%; ↵ 0 75% and 1 25%; c 2 58% and 3 42%.")
    assert alt.endswith("expert 0 12%, expert 1 25%, expert 2 25%, expert 3 38%; even would be 25%")
    one = opened.routing(["A"], SHARES[:1], active=1)
    assert one.alt.startswith("A 1 100%. Load: expert 0 0%, expert 1 100%")


def test_a_window_asks_the_model_once_for_each_place():
    calls = []
    explorer = SlidingWindow(lambda *place: calls.append(place) or 0.5, TEXTS, 2, 4, 3, 0.1)
    for window in (2, 4, 2, 4):
        explorer.window.value = window
    assert calls == [(3, 4), (3, 2)]
    explorer.layers.value = 1
    assert calls == [(3, 4), (3, 2)]
    assert "To ask the model, set the layers to 2: it has so many." in explorer.picture.value


def test_a_window_says_how_the_word_arrives():
    explorer = SlidingWindow(lambda *_: 0.5, TEXTS, 2, 4, 3, 0.1, "Our model")
    assert "The last token sees the framed word, “red”, directly. Our model gives the right word 50.0%" in (
        explorer.render().alt
    )
    explorer.distance.value = 5
    assert "The framed word, “red”, can reach the last token through 2 layers." in explorer.render().alt
    explorer.window.value = 2
    assert "Nothing of the framed word, “red”, can reach the last token." in explorer.render().alt
    assert "Our model gives the right word 50.0%; chance is 10.0%." in explorer.render().alt
    assert explorer.render().alt.startswith("2 layers that each see 2 tokens: at most 2 back in all.")


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        ((2, 5, 3), "no window 5: choose one of 2, 4, 8"),
        ((2, 4, 9), "no distance 9: choose one of 3, 5"),
        ((30, 4, 3), "no number of layers 30: choose one from 1 to 8"),
    ],
)
def test_a_window_refuses_a_start_that_its_sliders_lack(places, sentence):
    with pytest.raises(CourseError, match=sentence):
        SlidingWindow(lambda *_: 0.5, TEXTS, *places, 0.1)


@pytest.fixture(scope="module")
def mixtral():
    model, tokenizer = course.load("tinyworld-mixtral")
    import torch

    def route(text):
        with torch.no_grad():
            logits = model(**tokenizer(text, return_tensors="pt"), output_router_logits=True).router_logits
        return torch.stack(logits).softmax(-1)

    return route, tokenizer


EXAMPLES = {"sums": "14 + 15 = 29.", "questions": "What does a nurse use? A nurse uses a thermometer."}


@pytest.fixture
def router(mixtral):
    return Router(*mixtral, EXAMPLES, layer=1)


def test_a_router_shows_what_the_model_s_own_gate_picks(router):
    model, tokenizer = course.load("tinyworld-mixtral")
    picked = []
    gate = model.model.layers[1].mlp.gate
    hook = gate.register_forward_hook(lambda module, given, made: picked.append(made[1:]))
    model(**tokenizer(EXAMPLES["sums"], return_tensors="pt"))
    hook.remove()
    weights, experts = (each.tolist() for each in picked[0])
    said = [
        f"{piece} {first} {high:.0%} and {second} {low:.0%}"
        for piece, (first, second), (high, low) in zip(
            ["<s>", "14", "+", "15", "=", "29", "."], experts, weights, strict=True
        )
    ]
    assert router.render().alt.startswith("; ".join(said) + ". Load: ")


def test_a_move_of_the_router_runs_no_model_and_a_register_runs_it_once(mixtral):
    route, tokenizer = mixtral
    calls = []
    explorer = Router(lambda text: calls.append(text) or route(text), tokenizer, EXAMPLES)
    for explorer.layer.value in (3, 0, 2):
        pass
    assert calls == [EXAMPLES["sums"]]
    explorer.register.value = "questions"
    assert explorer.text.value == EXAMPLES["questions"] and calls == [*EXAMPLES.values()]
    assert "thermometer" in explorer.picture.value and "Layer 2:" in explorer.picture.value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("The elephant liked 7 trumpets and the zebra.", "no token for “elephant”, “zebra”: use words of"),
        ("  ", "There is no text: type a sentence"),
        ("sums " * 101, "no token for “sums”: use words"),
        ("14 " * 101, "102 tokens are too many: shorten the text to 100."),
    ],
)
def test_the_router_says_in_one_sentence_what_it_cannot_read(router, text, sentence):
    router.text.value = text
    assert sentence in router.picture.value
    router.text.value = "14 - 3 = 11."
    assert "Layer 1: which expert takes which token" in router.picture.value


def test_the_router_refuses_other_shares_and_layers(mixtral):
    route, tokenizer = mixtral
    with pytest.raises(CourseError, match=r"shape \(7, 8\), and 7 tokens need \(layers, 7, experts\)"):
        Router(lambda text: route(text)[0], tokenizer, EXAMPLES)
    with pytest.raises(CourseError, match="no layer 4: choose one from 0 to 3"):
        Router(route, tokenizer, EXAMPLES, layer=4)


def test_explorers_lie_still_without_scripts(router):
    window = SlidingWindow(lambda *_: 0.25, TEXTS, 2, 4, 5, 1 / 13)
    for explorer in (router, window):
        html = explorer._repr_mimebundle_()["text/html"]
        assert not any(tag in html for tag in ("<script", "<style", "<svg", "role="))
        assert all(control.description for control in explorer.controls)


def test_mistral_s_mask_lets_nothing_through_beyond_its_reach():
    import torch

    model, tokenizer = course.load("tinyworld-mistral")
    reach = model.config.num_hidden_layers * (model.config.sliding_window - 1)
    ids = torch.randint(3, 1000, (1, 90), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = model(ids).logits[0, -1]
        for back, moves in ((reach + 1, False), (reach, True)):
            other = ids.clone()
            other[0, 89 - back] = 1001
            assert bool((model(other).logits[0, -1] != before).any()) is moves
