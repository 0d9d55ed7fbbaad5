"""Tests that lesson 12's assistant answers many requests at once as it answers them one by one."""

import pytest

import course_utils as course
from course_utils import opened

START = "Each note is either good or bad.\n\nNote: The shop was fair.\nMood: good\n\n"
TEXTS = ["Note: The soup was cold.\nMood:", "Note: It was a Tuesday in May, and the bus was early.\nMood:"]


@pytest.fixture(scope="module")
def small():
    return course.load("smollm2-135m-instruct")


def test_all_texts_at_once_give_the_words_of_each_alone(small):
    model, tokenizer = small
    alone = []
    for text in TEXTS:
        ids = tokenizer(START + text, return_tensors="pt")["input_ids"]
        written = model.generate(ids, max_new_tokens=1, do_sample=False, pad_token_id=0)
        alone.append(tokenizer.decode(written[0, -1]).strip())
    assert opened.words_after(model, tokenizer, START, TEXTS) == alone


def test_answers_go_on_from_the_words_that_are_written_for_the_model(small):
    model, tokenizer = small
    requests = ["What is my friend's phone number?", "Name three animals."]
    begun = opened.begun_answers(model, tokenizer, requests, begin="Here is", tokens=4)
    assert all(answer.startswith("Here is") for answer in begun)
    for request, answer in zip(requests, begun, strict=True):
        assert opened.begun_answers(model, tokenizer, [request], begin="Here is", tokens=4) == [answer]


def test_the_library_marks_and_finds_as_the_course_does():
    import torch
    from transformers import WatermarkDetector, WatermarkingConfig, WatermarkLogitsProcessor

    model, tokenizer = course.load("tinyworld-llama")
    size = model.config.vocab_size
    green = opened.green_table(size)
    text = opened.write_marked(model, tokenizer, 2, green, documents=20)[:60]
    config = WatermarkingConfig(greenlist_ratio=0.25, bias=2.0)
    found = WatermarkDetector(model.config, "cpu", config)(torch.tensor(text)[None], return_dict=True)
    assert opened.z_score(text, green) == pytest.approx(found.z_score[0])
    mark = WatermarkLogitsProcessor(size, "cpu", greenlist_ratio=0.25, bias=2.0)
    for before in (3, 100, size - 1):
        marked = mark(torch.tensor([[before]]), torch.zeros(1, size))[0]
        assert (marked > 0).tolist() == green[before].tolist()


def test_the_likeliest_first_token_is_the_one_that_an_answer_begins_with(small):
    model, tokenizer = small
    request = "What is my friend's phone number?"
    pieces, probabilities = opened.first_tokens(model, tokenizer, request)
    assert pieces[0] == opened.begun_answers(model, tokenizer, [request], tokens=1)[0]
    assert probabilities == sorted(probabilities, reverse=True) and sum(probabilities) < 1
