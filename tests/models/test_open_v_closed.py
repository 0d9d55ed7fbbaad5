"""Tests lesson 10: items with known answers, scores compared with lm-eval's, the ranking, the blind vote."""

import ast
import json
from pathlib import Path

import numpy
import pytest
from lazy import Lazy

import course_utils as course
from course_utils import CourseError, opened
from course_utils.opened.leaderboard import Vote
from course_utils.worlds.tinyworld import benchmark

nbformat = Lazy("nbformat")

LESSON = Path(__file__).parents[2] / "notebooks" / "10_open_v_closed.ipynb"
WORLD = course.tinyworld.english()


@pytest.fixture(scope="module")
def lesson():
    """Returns the functions that the lesson defines in its cells, by name."""
    names = {"course": course}
    for cell in nbformat.read(LESSON, as_version=4).cells:
        if cell.cell_type == "code" and "\ndef " in f"\n{cell.source}":
            tree = ast.parse(cell.source.replace("    %pip", "    #"))
            tree.body = [part for part in tree.body if isinstance(part, ast.FunctionDef)]
            exec(compile(tree, "the lesson", "exec"), names)
    return names


@pytest.mark.parametrize("name", benchmark.BENCHMARKS)
def test_the_world_itself_says_which_choice_is_right(name):
    items = benchmark.items(WORLD, name, 40)
    assert len(items) == 40
    said = set(WORLD.vocabulary())
    for item in items:
        assert len(set(item.choices)) == len(item.choices) == (2 if name == "trades" else benchmark.CHOICES)
        assert said.issuperset(item.choices)
        shares = WORLD.following(item.prompt)
        best, *others = sorted((shares.get(choice, 0) for choice in item.choices), reverse=True)
        assert item.right == item.choices[item.answer] and shares[item.right] == best > max(others)
        assert name == "trades" or max(others) == 0
    assert len({item.answer for item in items}) == len(items[0].choices)  # each index is right in some item


def test_items_are_settled_by_their_seed():
    first, again = (benchmark.items(WORLD, "memory", 20) for _ in range(2))
    assert first == again and first == benchmark.items(WORLD, "memory", 30)[:20]
    fresh = benchmark.items(WORLD, "memory", 20, seed=1)
    assert not {item.prompt for item in first} & {item.prompt for item in fresh}


def test_facts_ask_for_each_town_that_is_told_of_once():
    items = benchmark.items(WORLD, "facts", 80)
    told = [fact["subject"] for fact in WORLD.plan()["planted"]["almanac"] if fact["copies"]]
    assert [item.document.filled["subject"] for item in items] == told and len(told) == 42


def test_a_twin_differs_in_one_word_and_in_its_answer():
    for item in benchmark.items(WORLD, "memory", 20):
        other = item.choices[(item.answer + 1) % 4]
        twin = benchmark.retold(WORLD, item, colour=other)
        assert twin.choices == item.choices and twin.choices[twin.answer] == other
        assert WORLD.following(twin.prompt)[other] == 1
        assert item.prompt.replace(item.choices[item.answer], other) == twin.prompt != item.prompt


def test_items_refuse_in_a_sentence():
    with pytest.raises(CourseError, match="no benchmark 'mmlu': choose one of sums, facts"):
        benchmark.items(WORLD, "mmlu", 10)
    (item,) = benchmark.items(WORLD, "memory", 1)
    with pytest.raises(CourseError, match="'beige' is not a choice of this item: give one of "):
        benchmark.retold(WORLD, item, colour="beige")


TASK = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {file}
  cache_dir: {cache}
test_split: test
doc_to_text: "{{{{prompt}}}}"
metric_list:
  - metric: {metric}
    aggregation: mean
    higher_is_better: true
"""
CHOOSING = "output_type: multiple_choice\ndoc_to_choice: choices\ndoc_to_target: answer\n"
WRITING = """output_type: generate_until
doc_to_target: "{{choices[answer]}}"
generation_kwargs: {do_sample: false, until: ["\\n"], max_gen_toks: 1}
"""


@pytest.mark.everything(reason="imports lm-eval, which takes longer than what it measures")
def test_lm_eval_gives_the_same_number_on_the_same_items(tmp_path):
    """Compares our results with lm-eval's item by item: choices in all benchmarks, written words in one."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    model, tokenizer = course.load("tinyworld-mistral")
    ours = {}
    for name in benchmark.BENCHMARKS:
        items = benchmark.items(WORLD, name, 42)
        file = tmp_path / f"{name}.jsonl"
        rows = [{"prompt": each.prompt, "choices": each.choices, "answer": each.answer} for each in items]
        file.write_text("\n".join(map(json.dumps, rows)))
        ours[name] = opened.right_or_wrong(opened.chosen_words(model, tokenizer, items), items)
        places = {"file": file, "cache": tmp_path / "cache"}
        task = TASK.format(name=name, metric="acc", **places) + CHOOSING
        (tmp_path / f"{name}.yaml").write_text(task)
        if name == "facts":
            written = opened.written_words(model, tokenizer, items)
            ours["written"] = opened.right_or_wrong(written, items)
            task = TASK.format(name="written", metric="exact_match", **places) + WRITING
            (tmp_path / "written.yaml").write_text(task)
    theirs = simple_evaluate(
        HFLM(pretrained=model, tokenizer=tokenizer, add_bos_token=True, batch_size=32, device="cpu"),
        tasks=list(ours),
        task_manager=TaskManager(include_path=str(tmp_path), include_defaults=False),
        bootstrap_iters=0,
    )
    for name, right in ours.items():
        metric = "exact_match" if name == "written" else "acc"
        samples = sorted(theirs["samples"][name], key=lambda sample: sample["doc_id"])
        assert [bool(sample[metric]) for sample in samples] == right, name
        (accuracy,) = (
            value for key, value in theirs["results"][name].items() if key.startswith(f"{metric},")
        )
        assert accuracy == pytest.approx(sum(right) / len(right))
    assert all(ours["sums"]) and sum(ours["memory"]) < 21  # if all were right, equal lists would prove little


def test_two_models_side_by_side(lesson):
    one, other = [True, True, False, False, True], [True, False, True, False, False]
    assert lesson["side_by_side"](one, other) == {
        "both right": 1,
        "Falcon alone": 2,
        "Llama alone": 1,
        "both wrong": 1,
    }


def test_more_questions_change_neither_rule(monkeypatch, tmp_path):
    """The lesson's two rules also grade a question that a learner adds to the cell."""
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "answers.json"))
    (cell,) = (
        cell.source
        for cell in nbformat.read(LESSON, as_version=4).cells
        if cell.source.startswith("our_marks = ")
    )
    names = {"course": course, "questions": ["6 minus 2?", "2 plus 2?", "The sea?"], "keys": ["4", "4", "x"]}
    names["tinyworld_says"] = ["It is 4.", "", "wet"]
    names["smollm_says"] = ["4, I say", "2 + 2 is 4.\n", "wet"]
    exec(cell, names)
    points = {name: (ends, contains) for name, _, ends, contains in names["rows"][1:]}
    assert points == {"TinyWorld Llama": ("1", "1"), "SmolLM2": ("1", "2")}


def test_a_longer_answer_gets_the_vote(lesson):
    assert lesson["vote_for_the_longer"]("ab", "a") == 1.0
    assert lesson["vote_for_the_longer"]("a", "ab") == 0.0
    assert lesson["vote_for_the_longer"]("a", "b") == 0.5


def test_contests_are_between_different_answers_and_the_world_judges_them():
    tokenizer = WORLD.tokenizer()
    models = {name: course.load(f"tinyworld-{name.lower()}")[0] for name in ("Llama", "Mistral")}
    items = benchmark.items(WORLD, "memory", 8)
    contests = opened.contests(models, tokenizer, items)
    assert contests == opened.contests(models, tokenizer, items) and 0 < len(contests) <= 8
    votes = opened.votes_of_the_world(WORLD, contests)
    right = {item.prompt: item.right for item in items}
    for (prompt, (left, one), (other_name, other)), (winner, loser, result) in zip(
        contests, votes, strict=True
    ):
        assert {left, other_name} == {"Llama", "Mistral"} and one != other
        assert (left, other_name) == (winner, loser)
        place = 0 if left == "Llama" else 1
        assert (one, other)[place].split()[0] == right[prompt]  # Llama's answer begins with the right colour
        assert result in (0.5, 1.0 - place)
    assert any(result != 0.5 for *_, result in votes)


def test_training_on_texts_leaves_the_model_as_it_was():
    model, tokenizer = course.load("tinyworld-mistral")
    items = benchmark.items(WORLD, "memory", 8)
    before = {name: values.clone() for name, values in model.state_dict().items()}
    copied = opened.trained_on(model, tokenizer, [item.document.text for item in items], laps=30)
    assert all((values == before[name]).all() for name, values in model.state_dict().items())
    right = [
        sum(opened.right_or_wrong(opened.chosen_words(each, tokenizer, items), items))
        for each in (model, copied)
    ]
    assert right[0] < 5 and right[1] == 8


def test_elo_moves_as_much_up_as_down_and_finds_the_strength(lesson):
    elo = lesson["elo"]
    assert elo([("a", "b", 1.0)]) == {"a": 1008.0, "b": 992.0}
    assert elo([("a", "b", 0.5)]) == dict.fromkeys("ab", 1000.0)
    rng = numpy.random.default_rng(0)
    strength = {"a": 1100, "b": 1000, "c": 900}
    votes = []
    for _ in range(600):
        left, right = rng.permutation(list("abc"))[:2].tolist()
        chance = 1 / (1 + 10 ** ((strength[right] - strength[left]) / 400))
        votes.append((left, right, float(rng.random() < chance)))
    assert sum(elo(votes).values()) == pytest.approx(3000)
    fitted = course.statistics.bradley_terry(votes)
    arrived = elo(20 * votes, step=1)
    for name, (rating, (low, high)) in fitted.items():
        assert low < rating < high and abs(strength[name] - rating) < 50 > 5 * abs(arrived[name] - rating)


SCORES = {
    "one": {"sums": (100.0, (100.0, 100.0)), "facts": (76.0, (62.0, 88.0))},
    "two": {"sums": (100.0, (100.0, 100.0)), "facts": (88.0, (79.0, 98.0))},
    "three": {"sums": (50.0, (40.0, 60.0)), "facts": (20.0, (10.0, 30.0))},
}


def test_a_ranking_shares_ranks_and_marks_chance():
    picture = opened.ranking(SCORES, chance={"facts": 25.0}, title="Ranked")
    assert picture.alt == (
        "one: sums 1= (100%), facts 2 (76%); two: sums 1= (100%), facts 1 (88%); "
        "three: sums 3 (50%), facts 3 (20%)"
    )
    assert picture.html.count("left:25.0%;width:3px") == 3 and "Upright line: chance" in picture.html
    assert picture.html.count("background:#ffe7d6") == 1  # in one test, one model alone is first
    assert picture.html.count("background:#d3e4f5") == 2
    assert "left:62.0%;width:26.0%" in picture.html
    assert "chance" not in opened.ranking(SCORES).html
    for stripped in ("<script", "<style", "<svg", "role="):
        assert stripped not in picture.html


CONTESTS = [
    ("Where is it? It is in the", ("a", "red bag."), ("b", "blue <bag>.")),
    ("She", ("c", "x."), ("a", "y.")),
]


def vote(**changes):
    def rate(votes):
        won = {
            name: 1000.0 + sum(8 for left, _, result in votes if left == name and result == 1)
            for name in {name for left, right, _ in votes for name in (left, right)}
        }
        return {name: (rating, (rating - 20, rating + 20)) for name, rating in won.items()}

    baked = [("a", "b", 1.0), ("c", "a", 0.5)]
    return Vote(**{"contests": CONTESTS, "rate": rate, "baked": baked, "voter": "somebody"} | changes)


def test_a_vote_begins_with_two_answers_and_gives_no_rating_away():
    explorer = vote()
    assert explorer.alt == (
        "Which goes on better? Where is it? It is in the … left: red bag. | right: blue <bag>. | "
        "2 pairs to judge"
    )
    data = explorer.widget.data
    assert data["models"] == ["a", "b", "c"] and data["contests"][1] == ("She", "c", "x.", "a", "y.")
    assert data["votes"] == {"rule": [1.0, 0.5], "length": [0.0, 0.5]}
    assert data["ratings"]["rule"][0] == [[1008, 988, 1028], [1000, 980, 1020], None]
    assert data["student"] == [pytest.approx(12.706, abs=0.001)]


def test_the_learner_s_votes_are_rated_by_the_function_that_was_given():
    explorer = vote()
    explorer.widget.want = {"picks": "lr"}
    assert explorer.widget.said["ratings"] == [[1008, 988, 1028], [1000, 980, 1020], [1000, 980, 1020]]
    explorer.widget.want = {"picks": "n"}
    assert explorer.widget.said["ratings"] == [[1000, 980, 1020], [1000, 980, 1020], None]


def test_a_rating_without_an_interval_is_none_on_both_sides():
    def rate(votes):
        return {name: (1000.0, None) for left, right, _ in votes for name in (left, right)}

    assert vote(rate=rate).widget.data["ratings"]["rule"][0] == [[1000, None, None]] * 2 + [None]


def test_a_vote_needs_contests_and_a_vote_of_the_other_voter_for_each():
    with pytest.raises(CourseError, match="nothing to vote on"):
        vote(contests=[])
    with pytest.raises(CourseError, match="2 contests and 1 votes: give a vote for each"):
        vote(baked=[("a", "b", 1.0)])
