"""Tests the reasoner, a tiny model that adds numbers step by step: its texts, its training and its card."""

import dataclasses
import json

import pytest
from lazy import Lazy

import course_utils as course
from course_utils import CourseError, loading
from course_utils.opened import thinking
from course_utils.opened.completing import completions
from course_utils.training.card import remarks
from course_utils.training.recipes import RECIPES
from course_utils.worlds import sums

torch = Lazy("torch")
text_trainer = Lazy("course_utils.training.text_trainer")
stages = Lazy("course_utils.training.stages")

NAME = "tinyworld-reasoner"
AGAIN = pytest.mark.everything(reason="measures weights again that have not changed")


@pytest.fixture(scope="module")
def reasoner():
    return course.load(NAME)


@pytest.fixture(scope="module")
def card():
    return json.loads((loading.folder(NAME) / "measured.json").read_text("utf-8"))


def test_steps_lead_to_the_sum():
    assert sums.question([25, 31, 40]) == "25+31+40="
    assert sums.steps([25, 31, 40]) == ["25+31=56;", "56+40=96;"]
    for number in range(500):
        question, written, answer = sums.example(number)
        numbers = [int(term) for term in question.removesuffix("=").split("+")]
        assert int(answer) == sum(numbers) and len(numbers) in sums.TERMS
        inner = written.removeprefix("<think>").removesuffix("</think>")
        assert "".join(sums.steps(numbers)).startswith(inner) and inner[-1:] in ("", ";")
        for step in inner.split(";")[:-1]:
            left, result = step.split("=")
            assert sum(map(int, left.split("+"))) == int(result)


def test_texts_are_drawn_as_the_card_says():
    steps = {"none": 0, "all": 0}
    for number in range(4_000):
        question, written, _ = sums.example(number)
        steps["none"] += written == "<think></think>"
        steps["all"] += written.count(";") == question.count("+")
    # 40% of the texts answer at once, 40% have all steps, and 20% stop at random, some after all steps.
    assert 0.37 < steps["none"] / 4_000 < 0.43
    assert 0.40 + 0.2 * 0.35 < steps["all"] / 4_000 < 0.40 + 0.2 * 0.6


def test_no_sum_is_in_training_and_test():
    tests = {terms: sums.test_sums(terms, 200) for terms in (2, 4, 6)}
    assert all(sums.in_test(numbers) for found in tests.values() for numbers in found)
    assert len({tuple(numbers) for numbers in tests[2]}) == 200
    for number in range(2_000):
        question = sums.example(number)[0]
        assert not sums.in_test([int(term) for term in question.removesuffix("=").split("+")])


def test_only_what_follows_from_the_sum_counts_in_the_loss():
    examples = [
        ("25+31+40=", "<think></think>", "96"),
        ("25+31+40=", "<think>25+31=56;</think>", "96"),
        ("25+31=", "<think>25+31=56;</think>", "56"),
    ]
    ids, labels = text_trainer.batch(sums.VOCABULARY, [sums.counted(*example) for example in examples])
    counted = []
    for row, marks in zip(ids, labels, strict=True):
        after = row.tolist()[1:] + [0]
        assert all(
            mark in (next_one, text_trainer.IGNORED)
            for mark, next_one in zip(marks.tolist(), after, strict=True)
        )
        counted.append([sums.VOCABULARY[mark] for mark in marks.tolist() if mark != text_trainer.IGNORED])
    assert counted == [
        [*"96", "</s>"],
        [*"25+31=56;", *"96", "</s>"],  # this </think> comes before all steps, so it is no target
        [*"25+31=56;", "</think>", *"56", "</s>"],
    ]


def test_the_tokenizer_reads_what_the_training_wrote(reasoner):
    _, tokenizer = reasoner
    for number in range(50):
        text = "".join(sums.example(number))
        ids = tokenizer(text).input_ids
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert tokenizer("25 + 31 =").input_ids == tokenizer("25+31=").input_ids


def test_it_learns_from_its_first_steps_and_the_same_each_time(tmp_path):
    recipe = dataclasses.replace(RECIPES[NAME], batch=16, steps=4, warmup=1)
    losses = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        training = recipe.training(tmp_path / folder)
        run = stages.Run(training.stages[0], tmp_path / folder)
        for _ in range(4):
            run.step(*training.loss(range(16)))  # the same texts each time
        losses.append(run.losses)
    assert losses[0] == losses[1] == sorted(losses[0], reverse=True)


def test_the_card_is_what_was_measured(reasoner, card):
    text = (loading.folder(NAME) / "README.md").read_text("utf-8")
    assert text == text_trainer.card_text(reasoner[0], card, remarks(loading.folder(NAME)))
    assert f"`course train {NAME}`" in text


@pytest.mark.parametrize("terms", [6, *(pytest.param(terms, marks=AGAIN) for terms in (2, 3, 4, 5, 7, 8))])
def test_the_card_s_figures_come_out_again(reasoner, card, terms):
    model, tokenizer = reasoner
    row = card["right"][str(terms)]
    tests = sums.test_sums(terms, row["count"])
    assert thinking.right_answers(model, tokenizer, tests, "<think></think>") == row["at once"]
    assert thinking.right_answers(model, tokenizer, tests, "<think>") == row["after all steps"]
    questions = [sums.question(numbers) + "<think>" for numbers in tests]
    written = completions(model, tokenizer, questions)
    budgets = range(1, terms) if terms != 6 else (4,)
    for budget in budgets:
        found = thinking.after_steps(model, tokenizer, tests, written, budget)
        assert found == row["budget"][budget - 1]


def test_completions_are_those_of_generate_one_by_one(reasoner):
    model, tokenizer = reasoner
    texts = ["25+31=<think>", "25+31+40=<think></think>", "37+48+12+60=<think>", "25+31=<think>"]
    together = completions(model, tokenizer, texts)
    for text, found in zip(texts, together, strict=True):
        inputs = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
        ids = model.generate(**inputs, max_new_tokens=thinking.MOST_TOKENS, do_sample=False)
        written = ids[0, inputs["input_ids"].shape[1] :]
        assert tokenizer.decode(written, skip_special_tokens=True) == found


def test_tries_are_drawn_by_a_seed_and_leave_other_draws_alone(reasoner):
    text = "83+17+87=<think></think>"
    torch.manual_seed(3)
    expected = torch.rand(2).tolist()
    torch.manual_seed(3)
    first = thinking.tries(*reasoner, text, count=10)
    assert torch.rand(2).tolist() == expected
    assert len(first) == 10 and len(set(first)) > 1
    assert thinking.tries(*reasoner, text, count=10) == first
    assert thinking.tries(*reasoner, text, count=10, seed=1) != first


def test_the_vote_takes_what_comes_up_most_and_of_several_the_first():
    assert thinking.most_frequent([3, 1, 2, 1]) == 1
    assert thinking.most_frequent([2, None, None, 2]) == 2


def test_a_changed_step_is_carried_on_in_the_view(reasoner):
    view = thinking.EditedSteps(*reasoner, [58, 26, 47, 39], step=1, result=94)
    assert "58+26=94;94+47=141;141+39=180;</think>180" in view.alt and "Right is 170" in view.alt
    assert view.widget.edits == {"0": "94"} and view.widget.sum == "58+26+47+39"
    (said,) = view.replies({"text": "58+26+47+39=<think></think>"})
    assert said["written"].isdecimal()
    whole = thinking.EditedSteps(*reasoner, [25, 31])
    assert whole.widget.edits == {} and "25+31=<think>25+31=56;</think>56. Right is 56." in whole.alt


def test_a_view_of_what_it_never_learned_is_refused(reasoner):
    for numbers in ([25], [25, 7], [25, 131], [11] * 9):
        with pytest.raises(CourseError, match="two to eight numbers from 10 to 99"):
            thinking.EditedSteps(*reasoner, numbers)
    with pytest.raises(CourseError, match="writes 1 steps for this sum, and no step 2"):
        thinking.EditedSteps(*reasoner, [25, 31], step=2, result=56)


def test_steps_add_up_or_not():
    assert thinking.steps_add_up("25+31=56;56+40=96;</think>96")
    assert thinking.steps_add_up("25+31=56;</think>0") and thinking.steps_add_up("</think>56")
    assert not thinking.steps_add_up("25+31=56;56+40=97;</think>97")
    assert not thinking.steps_add_up("25+31=66;66+40=106;</think>106")


def test_an_answer_that_is_no_number_is_none():
    assert thinking.final_answer("25+31=56;</think>56") == 56
    assert thinking.final_answer("96") == 96
    assert thinking.final_answer("25+31=") is None and thinking.final_answer("</think>") is None
