"""Tests what lesson 13 measures: the memory of a training step, guessed words, and rounded weights."""

import copy
import math
from pathlib import Path

import pytest
from lazy import Lazy

import course_utils as course
from course_utils.opened import fits, hardware, quantising, speculating

torch = Lazy("torch")


@pytest.fixture(scope="module")
def llama():
    return course.load("tinyworld-llama")


@pytest.fixture(scope="module")
def texts():
    world = course.tinyworld.english(size=240_000)
    return [document.text for document in world.documents(200, seed="speed")]


def test_activations_are_counted_once_and_grow_with_the_texts(llama, texts):
    model, tokenizer = llama
    kept = {}
    for count in (1, 2):
        batch = course.opened.batch(tokenizer, [texts[0]] * count)
        with hardware.kept_for_backward(model) as counted:
            assert counted.nbytes == 0
            model(**batch)
        kept[count] = counted.nbytes
    assert 1.8 * kept[1] < kept[2] < 2 * kept[1]  # less than twice: a few tables don't grow with the texts
    layer = torch.nn.Linear(8, 4, bias=False)
    given = torch.ones(5, 8)
    with hardware.kept_for_backward(layer) as counted:
        layer(given)
    assert counted.nbytes == given.nbytes  # the layer keeps its input for the slopes; weights don't count


def test_a_step_keeps_four_numbers_for_each_weight(llama, texts):
    model, tokenizer = llama
    before = {name: weights.clone() for name, weights in model.named_parameters()}
    found = hardware.memory_of_a_step(model, course.opened.batch(tokenizer, texts[:32]))
    own = round(4 * model.num_parameters() / 1e6, 1)
    assert list(found) == ["weights", "slopes", "two means", "activations"]
    assert found["weights"] == found["slopes"] == own and abs(found["two means"] - 2 * own) <= 0.1
    assert found["activations"] > 100  # MB, for over 2,000 tokens
    assert all(torch.equal(weights, before[name]) for name, weights in model.named_parameters())
    assert all(weights.grad is None for weights in model.parameters())


def test_a_machine_delivers_bytes(monkeypatch):
    monkeypatch.setattr(hardware, "_NUMBERS", 1000)
    assert 0 < hardware.bytes_per_second(repeat=1) < math.inf


def test_copies_of_a_file_are_there_inside_the_block_alone(monkeypatch):
    def write(name, folder, size):
        (path := Path(folder) / f"{name}-{size}").write_text("4 bits")
        return {4: path}

    monkeypatch.setattr(fits, "gguf_copies", write)
    with hardware.copies_for_a_while("llama", size="small") as files:
        assert files[4].name == "llama-small" and files[4].read_text() == "4 bits"
    assert not files[4].parent.exists()


def test_followers_go_by_the_longest_beginning_that_they_know(llama):
    tokenizer = llama[1]
    table = speculating.Followers(["The cat liked the fish.", "The dog liked the mouse."], tokenizer)
    assert table.after(["The", "cat", "liked"]) == "the"
    assert table.after(["cat", "liked", "the"]) == "fish"
    assert table.after(["dog", "liked", "the"]) == "mouse"
    assert table.after(["nobody", "met", "dog"]) == "liked"
    assert table.after(["nobody"]) is None
    assert table.guess(["The", "cat"], count=2) == ["liked", "the"]
    # A guess ends before the end token.
    assert table.guess(["The", "cat"], count=9) == ["liked", "the", "fish", "."]
    assert table.guess(["nobody"]) == []
    # Three words and the end token give 3 rows with one word before, 2 rows with two words, 1 row with three.
    assert len(speculating.Followers(["The cat."], tokenizer)) == 6


def test_own_words_are_those_of_the_library(llama):
    model, tokenizer = llama
    beginning = ["Dear", "Kai", ",", "thank", "you", "for"]
    inputs = tokenizer("Dear Kai, thank you for", return_tensors="pt")
    numbers = model.generate(**inputs, do_sample=False, max_new_tokens=5)[0].tolist()
    written = tokenizer.convert_ids_to_tokens(numbers)[7:]  # without the start token and the given text
    alone = []
    while len(alone) < 5:
        alone += speculating.own_words(model, tokenizer, beginning + alone)
    assert alone == written
    assert speculating.own_words(model, tokenizer, beginning, written[:4]) == written
    misled = speculating.own_words(model, tokenizer, beginning, ["snow", *written[1:4]])
    assert len(misled) == 5 and misled[0] == written[0]  # the model's own word replaces "snow"


def test_passes_are_told_in_words():
    picture = speculating.passes({"alone": [["a"], ["</s>"]], "helped": [["a", "</s>"]]}, title="Twice")
    assert picture.alt == "alone, 2 passes: a | </s>. helped, 1 passes: a </s>"
    assert "(end)" in picture.html


@pytest.mark.parametrize("bits", [8, 4, 3, 2])
def test_rounded_weights_stay_within_a_step(bits):
    weights = torch.randn(4, 64, generator=torch.Generator().manual_seed(0))
    found = quantising.round_to(weights, bits)
    steps = weights.abs().reshape(-1, 32).amax(1) / 2 ** (bits - 1)
    off = (found - weights).abs().reshape(-1, 32).amax(1)
    # The error is at most half a step, or a whole step at the end of the range, where one level is missing.
    assert (off <= 1.01 * steps).all()
    for block in found.reshape(-1, 32).tolist():
        assert 1 < len(set(block)) <= 2**bits
    assert (quantising.round_to(torch.zeros(1, 32), bits) == 0).all()


def test_rounding_chooses_matrices_and_is_undone(llama):
    model = llama[0]
    before = {name: weights.clone() for name, weights in model.named_parameters()}
    with pytest.raises(KeyError), quantising.rounded(model, bits=3, only="mlp"):
        for name, weights in model.named_parameters():
            same = torch.equal(weights, before[name])
            assert same != ("mlp" in name), name
        raise KeyError
    with quantising.rounded(model, bits=32):
        assert all(torch.equal(weights, before[name]) for name, weights in model.named_parameters())
    with quantising.rounded(model, bits=16):
        matrix = model.lm_head.weight
        assert torch.equal(matrix, matrix.half().float())
    assert all(torch.equal(weights, before[name]) for name, weights in model.named_parameters())


def test_rulers_are_told_in_words():
    picture = quantising.rulers([-0.8, 0.31], {2: (0.4, [-0.8, 0.4])})
    assert picture.alt == (
        "2 weights, each moved to the nearest tick of a ruler. 2 bits, 4 ticks: a weight moves by up to 0.09."
    )


def test_a_model_without_knowledge_is_unsure_among_its_whole_vocabulary(llama):
    model, tokenizer = llama
    text = "Dear Kai, thank you for the white button."
    numbers = tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        shares = model(numbers).logits[0, :-1].softmax(-1)
    came = shares.gather(1, numbers[0, 1:, None])
    expected = math.exp(-came.log().mean().item())
    assert quantising.unsure_among(model, tokenizer, text) == pytest.approx(expected, rel=1e-3)
    assert quantising.unsure_among(model, tokenizer, [text, text]) == pytest.approx(expected, rel=1e-3)
    blind = copy.deepcopy(model)
    torch.nn.init.zeros_(blind.lm_head.weight)
    found = quantising.unsure_among(blind, tokenizer, text)
    assert found == pytest.approx(model.config.vocab_size, rel=1e-3)
