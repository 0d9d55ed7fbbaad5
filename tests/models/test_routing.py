"""Tests the views `SlidingWindow` and `Router`.

Also tests the functions with which lessons study attention windows and routers in the tiny models.
"""

import numpy
import pytest

import course_utils as course
from course_utils import CourseError
from course_utils.opened.router import Router
from course_utils.opened.window import SlidingWindow

TEXTS = {3: (["<s>", "red", ",", "b"], 1), 5: (["<s>", "red", "a", "b", "c", "the"], 1)}


def test_a_window_is_asked_for_at_the_start_and_for_what_the_view_wants():
    calls = []
    view = SlidingWindow(lambda *place: calls.append(place) or [("red", 0.5)], TEXTS, 2, 3, 5, "Our model")
    assert calls == [(5, 6), (5, 5), (5, 4), (5, 3), (5, 2)]
    data = view.widget.data
    assert data["offers"] == ["3", "5"] and data["texts"]["3"]["pieces"] == [" <s>", " red", ",", " b"]
    assert [said["want"] for said in data["answers"]] == [
        {"text": "5", "size": size} for size in (6, 5, 4, 3, 2)
    ]
    assert (view.widget.text, view.widget.size) == ("5", 3)
    view.widget.want = {"text": "3", "size": 2}
    assert calls[-1] == (3, 2)
    assert view.widget.said["top"] == [[" red", 0.5]]


@pytest.mark.parametrize(
    ("window", "layers", "way"),
    [(6, 2, "is in sight"), (3, 2, "can arrive through 2 layers"), (2, 2, "cannot arrive")],
)
def test_a_window_says_how_the_word_arrives(window, layers, way):
    view = SlidingWindow(lambda *_: [("blue", 0.5), ("red", 0.2)], TEXTS, layers, window, 5, "Our model")
    assert view.alt == (
        f"Each of 2 layers sees {window} tokens. “red”, 4 tokens back, {way}. "
        "Our model answers “blue”, 50.0%."
    )


def test_a_window_refuses_a_start_that_cannot_be():
    with pytest.raises(CourseError, match="no distance 9: choose one of 3, 5"):
        SlidingWindow(lambda *_: [("red", 0.5)], TEXTS, 2, 4, 9)
    with pytest.raises(CourseError, match="A window of 1 shows the last token itself at most"):
        SlidingWindow(lambda *_: [("red", 0.5)], TEXTS, 2, 1, 5)


def test_llama_s_weights_give_the_same_scores_in_mistral_s_class_until_it_gets_a_window():
    import torch

    llama, tokenizer = course.load("tinyworld-llama")
    twin = course.opened.as_mistral(llama)
    inputs = tokenizer("Val put the cup in the pink case. Where is the cup?", return_tensors="pt")
    with torch.no_grad():
        before, same = llama(**inputs).logits, twin(**inputs).logits
        twin.config.sliding_window = 4
        moved = (before - twin(**inputs).logits).abs().amax((0, 2))
    assert torch.equal(before, same)
    assert (moved[:4] == 0).all() and (moved[4:] > 0).all()


def test_a_window_over_stories_finds_the_colour_only_in_sight():
    world = course.tinyworld.english(size=240_000)
    documents = world.documents(60, seed="window", register="memory")
    document = next(each for each in documents if each.distance("colour") == 31)
    llama, tokenizer = course.load("tinyworld-llama")
    twin = course.opened.as_mistral(llama)
    assert list(course.opened.stories_by_distance([document])) == [30]
    assert not course.opened.story_beginning(document).endswith(document.filled["colour"])
    view = course.opened.window_over_stories(
        twin, tokenizer, {30: [document]}, back=30, window=16, name="Llama"
    )
    colour = document.filled["colour"]
    said = {answer["want"]["size"]: answer["top"][0] for answer in view.widget.data["answers"]}
    assert said[31][0] == f" {colour}" and said[31][1] > 0.9
    assert said[30][0] != f" {colour}" and f"“{colour}”" in view.alt


def test_next_words_and_the_largest_move_are_those_of_the_scores():
    import torch

    model, tokenizer = course.load("tinyworld-llama")
    text = "Val put the cup in the pink case. Where is the cup? The cup is in the"
    changed = text.replace("pink", "blue")
    with torch.no_grad():
        scores, others = (
            model(**tokenizer(each, return_tensors="pt")).logits[0, -1] for each in (text, changed)
        )
    words, probabilities = course.opened.next_words(model, tokenizer, text)
    assert len(words) == 3 and words[0] == "pink"
    assert probabilities == scores.softmax(-1).sort(descending=True).values[:3].tolist()
    move = course.opened.largest_move(model, tokenizer, text, changed)
    assert move == (scores - others).abs().max().item() > 5
    assert course.opened.largest_move(model, tokenizer, text, text) == 0


def test_the_bars_of_routers_show_the_mean_and_the_range_of_random_ones():
    picture = course.opened.trained_and_random({"same word": 56.2}, {"same word": [48.6, 43.8, 45.0]})
    assert picture.alt.startswith(
        "same word: trained: 56 % of pairs; same word: random (44 to 49): 46 % of pairs; luck alone"
    )
    assert "mean of 3 random routers" in picture.html


def test_routings_are_those_of_the_model_and_pairs_are_what_they_say():
    import torch

    model, tokenizer = course.load("tinyworld-mixtral")
    documents = list(course.tinyworld.english(size=240_000).documents(60, seed="pairs"))
    tables = torch.randn(2, 8, model.config.hidden_size, generator=torch.Generator().manual_seed(0))
    routers = course.opened.routings(model, tokenizer, documents, tables)
    assert len(routers) == 3
    with torch.no_grad():
        inputs = tokenizer(documents[7].text, return_tensors="pt")
        logits = torch.stack(model(**inputs, output_router_logits=True).router_logits)
    assert torch.equal(routers[0].chosen[7], logits.topk(2).indices[:, 1:])  # without the start token
    shares = course.opened.router_shares(model, tokenizer, documents[7].text)
    assert torch.equal(shares, logits.softmax(-1))
    by_lot = course.opened.router_shares(model, tokenizer, documents[7].text, tables)
    assert by_lot.shape == (2, *shares.shape)
    assert torch.equal(routers[2].chosen[7], by_lot[1].topk(2).indices[:, 1:])
    assert len(course.opened.routings(model, tokenizer, documents[:2])) == 1
    assert sum(routers[2].load(3)) == pytest.approx(100)
    first = torch.cat([each[3, :, 0] for each in routers[2].chosen])
    share = 100 * (first == 5).float().mean().item()
    assert routers[2].load(first=True)[5] == pytest.approx(share, rel=1e-5)
    sorts = course.opened.word_pairs(documents, tokenizer)
    for (same_word, same_kind), pairs in zip(
        ((True, True), (True, False), (False, None)), sorts.values(), strict=True
    ):
        texts = [place.text for pair in pairs for place in pair]
        assert pairs and len(set(texts)) == len(texts)
        for pair in pairs:
            for place in pair:
                token = tokenizer(documents[place.text].text)["input_ids"][1:][place.position]
                assert tokenizer.decode([token]).strip() == place.word
                assert documents[place.text].register == place.kind
            assert (pair[0].word == pair[1].word) == same_word
            if same_kind is not None:
                assert (pair[0].kind == pair[1].kind) == same_kind


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


def test_a_router_gets_what_random_numbers_would_choose(mixtral):
    route, tokenizer = mixtral
    by_lot = numpy.tile(route(EXAMPLES["sums"]).flip(-1), (3, 1, 1, 1))  # for 3 random routers
    view = Router(route, tokenizer, EXAMPLES, layer=1, by_lot=lambda text: by_lot, sender="random")
    (said,) = view.widget.data["answers"]
    assert len(said["random"]) == 3 and len(said["random"][0]) == len(said["pieces"])
    first, second, share = said["random"][2][0][1]
    route_1 = said["routes"][0][1]
    assert [7 - first, 7 - second] == route_1["experts"] and share == pytest.approx(route_1["shares"][0])
    assert view.widget.sender == "random"
    piece, shown = said["pieces"][0].strip(), said["random"][0][0][1]
    assert "chosen by random numbers" in view.alt
    assert f"{piece} {shown[0]} {100 * shown[2]:.0f}% and {shown[1]} " in view.alt
    by_dice = Router(route, tokenizer, EXAMPLES, layer=1, by_lot=lambda text: by_lot, sender="dice")
    assert by_dice.alt == "Layer 1: dice send each token to experts."
    with pytest.raises(CourseError, match="random"):
        Router(route, tokenizer, EXAMPLES, sender="random")


def test_a_router_shows_what_the_model_s_own_gate_picks(router):
    model, tokenizer = course.load("tinyworld-mixtral")
    picked = []
    gate = model.model.layers[1].mlp.gate
    hook = gate.register_forward_hook(lambda module, given, made: picked.append(made[1:]))
    model(**tokenizer(EXAMPLES["sums"], return_tensors="pt"))
    hook.remove()
    weights, experts = (each[1:].tolist() for each in picked[0])  # without the start token
    data = router.widget.data
    (said,) = data["answers"]
    assert said["pieces"] == ["14", " +", " 15", " =", " 29", "."]
    assert [layers[1]["experts"] for layers in said["routes"]] == experts
    shares = [layers[1]["shares"] for layers in said["routes"]]
    assert numpy.abs(numpy.array(shares) - weights).max() < 1e-6
    assert data["experts"] == 8 and data["offers"] == [list(pair) for pair in EXAMPLES.items()]
    (first, second), (high, low) = experts[0], weights[0]
    assert f"14 {first} {high:.0%} and {second} {low:.0%}; ·+ " in router.alt


def test_a_text_runs_the_model_once(mixtral):
    route, tokenizer = mixtral
    calls = []
    view = Router(lambda text: calls.append(text) or route(text), tokenizer, EXAMPLES)
    view.widget.want = {"text": EXAMPLES["questions"]}
    assert calls == [*EXAMPLES.values()]
    assert " thermometer" in view.widget.said["pieces"]


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
    router.widget.want = {"text": text}
    assert sentence in router.widget.said["error"]
    router.widget.want = {"text": "14 - 3 = 11."}
    assert "error" not in router.widget.said


def test_the_router_refuses_other_shares_and_layers(mixtral):
    route, tokenizer = mixtral
    with pytest.raises(CourseError, match=r"shape \(7, 8\), and 7 tokens need \(layers, 7, experts\)"):
        Router(lambda text: route(text)[0], tokenizer, EXAMPLES)
    with pytest.raises(CourseError, match="no layer 4: choose one from 0 to 3"):
        Router(route, tokenizer, EXAMPLES, layer=4)


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
