"""Tests the functions of lesson 05: batches, the first impossible word of a text, and the film."""

import math

import pytest
from lazy import Lazy

import course_utils as course
from course_utils.opened import learning

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


@pytest.fixture
def model(world):
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    tokenizer = world.tokenizer()
    ends = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(vocab_size=len(tokenizer), **shape, **ends)
    ).eval()


def without_preference(model):
    """Changes the model so that all next tokens are always equally likely."""
    with torch.no_grad():
        model.lm_head.weight.zero_()
    return model


def test_a_film_keeps_the_model_of_each_step_and_the_loss_in_bits(world, model, monkeypatch):
    texts = iter(
        [
            "Kim apple <b>",
            "Kim bought a plum. The apple was good.",
            "Sam bought a plum. The plum was good.",
        ]
    )
    monkeypatch.setattr(learning, "write", lambda model, tokenizer: [next(texts)])
    film = course.opened.Film(world, steps=[0, 10], title="a try")
    film.look(0, model)
    film.look(5, model)
    without_preference(model)
    for _ in range(20):
        film.add(math.log(2))
    film.look(10, model)
    film.keep(20, model)
    assert film.bits == pytest.approx([1.0] * 20) and list(film.models) == [0, 10, 20]
    assert film.models[0].lm_head.weight.abs().sum() > 0 == film.models[10].lm_head.weight.abs().sum()
    assert film._firsts() == {10: "a whole sentence", 20: "a whole story"}
    alt, html = film.picture.alt, film.picture.html
    assert (
        alt.startswith("This training: a try.") and "1.00 at 5, 1.00 at 15" in alt and "\n" not in alt + html
    )
    assert "slips at “apple”" in alt and "The plum was good. (right to its end)" in alt
    assert "&lt;" in html and "<b>" not in html.replace('<b style="', "")
    chart = film.chart({"one": [0.125, 1, 2]}, y_label="share", title="a measure")
    assert chart.alt == "This training: a measure. share at steps [0, 10, 20]: {'one': [0.12, 1, 2]}"


def test_a_film_draws_an_earlier_one_in_grey_and_a_chart_ends_where_it_is_told(world, model):
    earlier = course.opened.Film(world, steps=[0, 10])
    for step in range(10):
        earlier.look(step, model)
        earlier.add(2 * math.log(2))
    film = course.opened.Film(world, steps=[], beside={"the one before": earlier})
    for _ in range(10):
        film.add(math.log(2))
    assert (
        "1.00 at 5." in film.picture.alt and "In grey: the one before, 2.00 at the end." in film.picture.alt
    )
    earlier.keep(10, model)
    chart = earlier.chart({"one": [1, 2]}, y_label="share", title="a measure", until=0)
    assert chart.alt == "This training: a measure. share at steps [0]: {'one': [1]}"


def test_a_training_reads_its_list_to_the_end_and_then_from_the_first():
    texts = [f"text {number}" for number in range(80)]
    assert course.opened.next_texts(texts, 0) == texts[:32]
    assert course.opened.next_texts(texts, 2) == texts[64:]
    assert course.opened.next_texts(texts, 5) == texts[:32]


def test_what_the_first_kept_text_has_is_not_said_to_come_first(world, model, monkeypatch):
    texts = iter(
        ["Sam bought a plum. Sam", "Kim bought a plum. Kim", "Sam bought a plum. The plum was good."]
    )
    monkeypatch.setattr(learning, "write", lambda *_: [next(texts)])
    film = course.opened.Film(world, steps=[10, 20, 30])
    for step in film.steps:
        film.look(step, model)
    assert film._firsts() == {30: "a whole story"}


def test_texts_begin_alike_and_the_same_seed_gives_the_same_luck(world, model):
    tokenizer = world.tokenizer()
    texts = course.opened.write(model, tokenizer, "Kim bought a", count=5, seed=1)
    assert len(set(texts)) > 1 and all(text.startswith("Kim bought a") for text in texts)
    assert texts == course.opened.write(model, tokenizer, "Kim bought a", count=5, seed=1)
    assert texts != course.opened.write(model, tokenizer, "Kim bought a", count=5, seed=2)


def test_a_model_without_preference_is_equally_surprised_by_every_token(world, model):
    tokenizer, documents = world.tokenizer(), list(world.documents(5))
    without_preference(model)
    share = course.opened.probability_after(model, tokenizer, "Kim bought a", "plum")
    assert share == round(100 / len(tokenizer), 1)
    assert course.opened.loss_in_bits(model, tokenizer, documents) == pytest.approx(math.log2(len(tokenizer)))


def test_the_floor_of_documents_is_the_chance_in_them_for_each_token(world):
    documents = list(world.documents(20))
    # Two choices (Kim or Sam, apple or plum) make two bits in ten tokens and the end token.
    assert course.opened.floor_of(documents) == pytest.approx(2 / 11)
    assert world.floor().bits_per_token == pytest.approx(2 / 11)


def test_the_walk_of_a_weight_is_told_in_words():
    picture = course.opened.valley(lambda weight: (weight - 0.5) ** 2, [0.1, 0.3, 0.5])
    assert picture.alt == "The loss is lowest, 0.00 bits, at 0.50. The weight goes 0.10, 0.30, 0.50."
