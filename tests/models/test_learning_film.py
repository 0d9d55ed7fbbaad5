"""Tests what lesson 05 trains with: batches, the first slip of a text, and the film of a training."""

import math

import pytest
from lazy import Lazy

import course_utils as course

torch = Lazy("torch")
transformers = Lazy("transformers")


@pytest.fixture(scope="module")
def world():
    return course.tinyworld.World(
        words={"child": "Kim Sam", "fruit": "apple plum"},
        plots={"market": ["{child} bought {a fruit}. The {fruit} was good."]},
    )


def test_padding_is_neither_read_nor_counted(world):
    tokenizer = world.tokenizer()
    texts = ["Kim bought an apple.", "Sam bought a plum. The plum was good."]
    batch = course.opened.batch(tokenizer, texts)
    lengths = [len(tokenizer(text)["input_ids"]) + 1 for text in texts]
    assert batch["attention_mask"].sum(1).tolist() == lengths
    assert (batch["labels"] != -100).sum(1).tolist() == lengths
    assert [int(row[length - 1]) for row, length in zip(batch["input_ids"], lengths, strict=True)] == [
        tokenizer.eos_token_id
    ] * 2


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("Kim bought an apple. The apple was good.", None),
        ("Kim bought an plum. The plum was good.", 3),
        ("Kim bought a plum. The apple was good.", 6),
        ("Kim bought a plum. The plum", 7),
        ("", 0),
        ("Kim bought a plum. The plum was good. Kim", 10),
    ],
)
def test_the_first_word_that_cannot_stand_there(world, text, index):
    assert world.first_slip(text) == index


def test_a_film_keeps_the_model_of_each_step_and_the_loss_in_bits(world):
    tokenizer = world.tokenizer()
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=len(tokenizer), **shape))
    film = course.opened.Film(world, steps=[0, 10], title="a try")
    film.keep(0, model, "Kim apple <b>")
    with torch.no_grad():
        model.lm_head.weight.zero_()
    for _ in range(10):
        film.add(math.log(2))
    film.keep(10, model, "Sam bought a plum. The plum was good.")
    assert film.bits == pytest.approx([1.0] * 10)
    assert film.models[0].lm_head.weight.abs().sum() > 0 == film.models[10].lm_head.weight.abs().sum()
    alt, html = film.picture.alt, film.picture.html
    assert alt.startswith("This training: a try.") and "1.00 at 10" in alt and "\n" not in alt + html
    assert "slips at “apple”" in alt and "The plum was good. (right to its end)" in alt
    assert "&lt;" in html and "<b>" not in html.replace('<b style="', "")


def test_the_walk_of_a_weight_is_told_in_words():
    picture = course.opened.valley(lambda weight: (weight - 0.5) ** 2, [0.1, 0.3, 0.5])
    assert picture.alt == "The loss is lowest, 0.00 bits, at 0.50. The weight goes 0.10, 0.30, 0.50."
