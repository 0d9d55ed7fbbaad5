"""Tests predictions, quizzes, checks and the file with the answers."""

import itertools
import json
import math
import re
import subprocess
import sys
import threading
import tomllib
from array import array
from collections import Counter, deque, namedtuple
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import numpy
import pytest
from IPython.core.interactiveshell import InteractiveShell

from course_utils import catalog, check, drawn, quiz, reveal
from course_utils.errors import CourseError
from course_utils.learning import answers, before_after, predictions, quizzes
from course_utils.learning.checks import NotYet
from course_utils.learning.predictions import Prediction, compare, read_number
from course_utils.learning.question import marked_up, without_marks

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    """Makes each test use its own answers file."""
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "kept" / "answers.json"))
    monkeypatch.setattr(answers, "_unsaved", None)
    return tmp_path / "kept" / "answers.json"


# The file of the learner's answers


def test_an_answer_is_kept_with_its_tries_and_times(file):
    assert answers.find("quiz", "02: Why?") is None
    assert answers.record("quiz", "02: Why?", "Because é", right=False) == ""
    first = answers.find("quiz", "02: Why?")
    answers.record("quiz", "02: Why?", "So", right=True)
    entry = json.loads(file.read_text(encoding="utf-8"))["quiz 02: Why?"]
    assert first["answer"] == "Because é" and first["tries"] == 1 and first["right"] is False
    assert (
        entry["kind"] == "quiz" and entry["answer"] == "So" and entry["right"] is True and entry["tries"] == 2
    )
    assert entry["first_tried"] == first["first_tried"] <= entry["last_tried"]
    answers.forget("quiz", ["02: Why?", "never asked"])
    assert answers.read() == {}


def test_reading_creates_nothing(file):
    assert answers.read() == {}
    assert not file.parent.exists()


@pytest.mark.parametrize("content", [b'{"predict a": {"ki', b"[1, 2]", b'{"predict a": 40}', b"\xff\xfe\x00"])
def test_a_damaged_file_is_renamed_and_reported_in_one_sentence(file, capsys, content):
    file.parent.mkdir()
    file.write_bytes(content)
    assert answers.read() == {}
    assert file.with_name("answers.broken.json").read_bytes() == content
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1 and "answers.broken.json" in printed
    answers.record("predict", "a", 40)
    assert answers.find("predict", "a")["answer"] == 40
    assert capsys.readouterr().out == ""


def test_a_folder_that_cannot_be_written_is_reported_once(tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "a file" / "answers.json"))
    sentence = answers.record("predict", "a", 40)
    assert "cannot be saved" in sentence and "\n" not in sentence
    assert answers.record("predict", "b", 41) == ""
    assert [answers.find("predict", key)["answer"] for key in "ab"] == [40, 41]
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "elsewhere" / "answers.json"))
    answers.record("predict", "c", 42)  # all answers are written to the new path
    assert len(json.loads((tmp_path / "elsewhere" / "answers.json").read_text())) == 3


def test_a_failed_write_leaves_only_the_old_file(file, monkeypatch):
    answers.record("predict", "a", 40)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(answers.json, "dump", full)
    assert "No space left on device" in answers.record("predict", "b", 41)
    monkeypatch.undo()
    assert list(json.loads(file.read_text())) == ["predict a"]
    assert not list(file.parent.glob(".part*"))


def test_two_kernels_at_once_lose_nothing(file):
    code = (
        "import sys; from course_utils.learning import answers\n"
        "for i in range(20): answers.record('predict', f'{sys.argv[1]}-{i}', i)"
    )
    kernels = [subprocess.Popen([sys.executable, "-c", code, name], cwd=ROOT) for name in "ab"]
    assert [kernel.wait(timeout=600) for kernel in kernels] == [0, 0]
    assert len(json.loads(file.read_text())) == 40


def test_threads_at_once_lose_nothing():
    threads = [threading.Thread(target=answers.record, args=("predict", str(i), i)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers.read()) == 8


# Making predictions, and comparing them with results


def test_a_number_is_committed_changed_and_shown_again_in_the_next_run():
    asked = Prediction("a", "How many?", unit="tokens").question
    asked.button.click()
    assert "Type a number first" in asked.reply.value and answers.read() == {}
    asked.field.value = "many"
    asked.button.click()
    assert "This is not a number" in asked.reply.value and answers.read() == {}
    asked.field.value = "1,256 tokens"
    asked.button.click()
    assert "You predicted: 1,256 tokens. Run on to see." in asked.reply.value
    assert asked.field.disabled and asked.button.description == "Change"
    asked.button.click()
    assert not asked.field.disabled and asked.button.description == "Commit"
    asked.field.value = "40"
    asked.button.click()
    again = Prediction("a", "How many?", unit="tokens").question
    assert (
        again.field.value == "40" and again.field.disabled and "You predicted: 40 tokens" in again.reply.value
    )
    assert answers.find("predict", "a")["tries"] == 2


def test_a_choice_is_committed_and_shown_again():
    choices = ["It stays `the same`.", "It changes."]
    asked = Prediction("b", "What happens?", choices).question
    asked.button.click()
    assert "Pick one" in asked.reply.value and answers.read() == {}
    asked.field.value = choices[0]
    asked.button.click()
    assert "You predicted: It stays the same. Run on" in Tags(asked.reply.value).words
    assert Prediction("b", "What happens?", choices).question.field.value == choices[0]
    reworded = Prediction("b", "What happens?", ["Nothing.", "It changes."]).question
    assert reworded.field.value is None and not reworded.field.disabled
    assert not Prediction("b", "How many now?").question.field.disabled


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"between": (0, 1)}, "Type a number from 0 to 1."),
        ({"unit": "of 36"}, "Type a number from 0 to 36."),
    ],
)
def test_a_number_outside_its_range_is_refused(asked, says):
    made = Prediction("a", "How much?", **asked).question
    for typed in ("75%", "-1"):
        made.field.value = typed
        made.button.click()
        assert says in made.reply.value and answers.read() == {}
    made.field.value = "0,75"
    made.button.click()
    assert "You predicted: 0.75" in made.reply.value
    answers.record("predict", "a", 75)  # as an older version of the course stored it
    assert not Prediction("a", "How much?", **asked).question.field.disabled


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("40", 40),
        (" 1,000 ", 1000),
        ("1 000", 1000),
        ("134,515,008", 134515008),
        ("0,5", 0.5),
        ("0,500", 0.5),
        ("-0,125", -0.125),
        ("1,00,000", 100000),
        ("12,34,567.5", 1234567.5),
        ("1\u00a0000\u202f000", 1_000_000),
        ("1,5", 1.5),
        ("1 token", 1),
        ("1,000\u00a0tokens", 1000),
        ("-2.5", -2.5),
        ("25 %", 25),
        ("134M", 134_000_000),
        ("1.5 billion", 1_500_000_000),
        ("40 Tokens", 40),
        ("1e3", 1000),
        ("", None),
        ("forty", None),
        ("1.2.3", None),
        ("1e999", None),
    ],
)
def test_numbers_are_read_as_people_write_them(typed, meant):
    assert read_number(typed, "tokens") == meant


@pytest.mark.parametrize(
    ("predicted", "actual", "sentence"),
    [
        (40, 256, "You predicted 40; measured 256 tokens: 6.4 times your guess."),
        (400, 256, "You predicted 400; measured 256 tokens: your guess was 1.6 times that."),
        (250, 256, "You predicted 250; measured 256 tokens: close, within 2%."),
        (256, 256, "You predicted 256; measured 256 tokens: exactly right."),
        (2, 33, "You predicted 2; measured 33 tokens: 17 times your guess."),
        (4, 5, "You predicted 4; measured 5 tokens: 1.3 times your guess."),
        (3, 134515008, "You predicted 3; measured 134,515,008 tokens: 44,838,336 times your guess."),
        (5, 0, "You predicted 5; measured 0 tokens: 5 less than your guess."),
        (1, numpy.float32(0.5), "You predicted 1; measured 0.5 tokens: your guess was 2.0 times that."),
        (
            None,
            256,
            "Measured: 256 tokens. (No prediction from you yet.)",
        ),
        (
            None,
            "Paris.",
            "It turned out: Paris. (No prediction from you yet.)",
        ),
        (40, "Paris.", "It turned out: Paris. (Your earlier guess answered another question.)"),
        (40, math.inf, "You predicted 40; measured inf tokens."),
        (40, -math.inf, "You predicted 40; measured -inf tokens."),
        (40, math.nan, "You predicted 40; measured nan tokens."),
        (None, math.nan, "Measured: nan tokens. (No prediction from you yet.)"),
        ("256", math.inf, "You predicted: 256; measured: inf tokens."),
        ("Paris.", "Paris.", "You predicted: Paris. And so it is."),
        ("Lyon", "Paris", "You predicted: Lyon; it turned out: Paris."),
        ("I don't know .", "Paris .", "You predicted: I don't know; it turned out: Paris."),
        ("256", 256, "You predicted: 256. And so it is."),
        ("128", 256, "You predicted: 128; measured: 256 tokens."),
    ],
)
def test_a_prediction_is_compared_with_the_result(predicted, actual, sentence):
    assert compare(predicted, actual, "tokens") == sentence


def test_a_number_from_a_formula_is_not_called_measured():
    assert (
        compare(40, 16.8, "MB", "computed")
        == "You predicted 40; computed 16.8 MB: your guess was 2.4 times that."
    )
    assert compare(None, 16.8, "MB", "computed") == "Computed: 16.8 MB. (No prediction from you yet.)"


@pytest.mark.parametrize(
    ("predicted", "actual", "unit", "says"),
    [
        (4, 3, "marks", "measured 3 marks: 1 less than your guess."),
        (10, 14, "of 36", "measured 14 of 36: 4 more than your guess."),
        (2, 33, "of 100 in this training", "measured 33 of 100 in this training: 31 more than your guess."),
        (12, 11.9, "points", "measured 11.9 points: 0.1 less than your guess."),
        (5, 46.3, "%", "measured 46.3%: 41.3 percentage points more than your guess."),
        (25, 25, "%", "measured 25%: exactly right."),
    ],
)
def test_on_a_scale_with_an_end_the_difference_is_named(predicted, actual, unit, says):
    assert compare(predicted, actual, unit) == f"You predicted {predicted}; {says}"


def test_reveal_shows_the_comparison_and_its_explanation(monkeypatch):
    shown = []
    monkeypatch.setattr(predictions, "display", shown.append)
    answers.record("predict", "a", 40)
    reveal("a", 256, unit="tokens", says="Rare `words` fall apart.")
    assert (
        shown[0].alt == "You predicted 40; measured 256 tokens: 6.4 times your guess. Rare words fall apart."
    )
    assert ">words</span>" in shown[0].html


def test_a_number_is_revealed_as_the_choice_that_it_falls_into(monkeypatch):
    shown = []
    monkeypatch.setattr(predictions, "display", shown.append)
    choices = ["fewer than 15", "15 to 25", "26 or more"]
    for measured, choice in ((14, choices[0]), (15, choices[1]), (25, choices[1]), (26, choices[2])):
        reveal("b", measured, choices=choices, bounds=[15, 26])
        assert shown[-1].alt.startswith(f"It turned out: {choice}.")
    with pytest.raises(CourseError, match="3 choices need 2 bounds"):
        reveal("b", 15, choices=choices, bounds=[15])


# Asking the questions of a quiz

QUESTIONS = """
[[recall]]
text = "What does `1 + 1` make?"
choices = [
  { text = "2", right = true, why = "One and one." },
  { text = "11", why = "Only for strings." },
]
[[quiz]]
text = "Is 0 < 1?"
choices = [
  { text = "Yes", right = true, why = "By <one>." },
  { text = "No", why = "Look again." },
  { text = "Sometimes", why = "Always." },
]
[[quiz]]
text = "Which is `code`?"
choices = [
  { text = "`print`", right = true, why = "A function." },
  { text = "hello", why = "A word." },
]
"""


@pytest.fixture
def questions(tmp_path, monkeypatch):
    """Makes QUESTIONS the questions of lesson 02. Returns a function that replaces them with another text."""
    monkeypatch.setattr(quizzes, "FOLDER", tmp_path)

    def write(text):
        (tmp_path / "02.toml").write_text(text, encoding="utf-8")

    write(QUESTIONS)
    return write


def press(asked, choice):
    asked.field.value = choice
    asked.button.click()


def test_wrong_answers_explain_themselves_and_may_be_tried_again(questions):
    made = quizzes.Quiz("02")
    first, second = made.questions
    first.button.click()
    assert "Pick one" in first.reply.value and answers.read() == {}
    press(first, "No")
    assert "✗ Not this one. Look again. Try again." in first.reply.value and not first.field.disabled
    press(first, "Yes")
    assert "✓ Right. By &lt;one&gt;." in first.reply.value and first.field.disabled
    assert made.result.value == "" and made.button.layout.display == "none"
    press(second, "`print`")
    assert "1 of 2 right at the first try." in made.result.value
    entry = answers.find("quiz", "02: Is 0 < 1?")
    assert entry["answer"] == "Yes" and entry["right"] and entry["tries"] == 2


def test_a_quiz_shows_earlier_answers_until_it_is_started_again(questions):
    press(quizzes.Quiz("02").questions[0], "No")
    press(quizzes.Quiz("02").questions[1], "`print`")
    made = quizzes.Quiz("02")
    assert [asked.field.value for asked in made.questions] == ["No", "`print`"]
    assert [asked.field.disabled for asked in made.questions] == [False, True]
    press(made.questions[0], "Yes")
    made.button.click()
    assert [asked.field.value for asked in made.questions] == [None, None]
    assert not any(asked.field.disabled or asked.reply.value for asked in made.questions)
    assert answers.read() == {} and made.result.value == ""


def test_a_reworded_choice_opens_its_question_and_removes_the_score(questions):
    press(quizzes.Quiz("02").questions[0], "Yes")
    press(quizzes.Quiz("02").questions[1], "`print`")
    questions(QUESTIONS.replace('text = "Yes"', 'text = "Yes, it is"'))
    made = quizzes.Quiz("02")
    assert not made.questions[0].field.disabled
    assert made.result.value == "" and made.button.layout.display == "none"
    press(made.questions[0], "Yes, it is")
    assert "right at the first try" in made.result.value


def test_recall_and_quiz_are_asked_separately(questions):
    assert [item.text for item in quizzes.load("02-recall")] == ["What does `1 + 1` make?"]
    assert [item.text for item in quizzes.load("02")] == ["Is 0 < 1?", "Which is `code`?"]


def test_the_order_of_choices_does_not_depend_on_the_file(questions):
    letters = "abcde"
    table = {"text": "Which?", "choices": [{"text": x, "why": x, "right": x == "a"} for x in letters]}
    orders = {
        "".join(choice.text for choice in quizzes.read("here", table | {"choices": listed}).choices)
        for listed in (table["choices"], table["choices"][::-1])
    }
    other = "".join(choice.text for choice in quizzes.read("here", table | {"text": "What?"}).choices)
    assert len(orders) == 1 and other not in orders and sorted(other) == list(letters)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('text = "No", why', 'text = "No", right = true, why', "02.toml, quiz 1 has 2 right choices"),
        ('"Yes", right = true', '"Yes"', "has 0 right choices"),
        (', why = "Look again."', "", "without text or why"),
        ('why = "Always."', 'why = "Look again."', "two explanations are the same"),
        ('text = "No"', 'text = "Yes"', "two choices are the same"),
        ('text = "Which is `code`?"', 'text = "Is 0 < 1?"', "two questions are the same"),
        ('  { text = "hello", why = "A word." },\n', "", "quiz 2 has 1 choices"),
        ('text = "Is 0 < 1?"', "", "quiz 1 has no text"),
        ("[[quiz]]", "[[quiz", "not valid TOML"),
        ("[[quiz]]", "[[recall]]", "has no [[quiz]] questions"),
    ],
)
def test_a_mistake_in_a_file_of_questions_is_named(questions, old, new, says):
    assert old in QUESTIONS
    questions(QUESTIONS.replace(old, new))
    with pytest.raises(CourseError) as caught:
        quiz("02")
    assert says in str(caught.value)


def test_a_lesson_without_questions_names_those_that_have_some(questions):
    with pytest.raises(CourseError, match="no questions for lesson '99'; lessons that have some: 02"):
        quiz("99")


LESSONS_QUESTIONS = sorted((ROOT / "course_utils/learning/questions").glob("[0-9]*.toml"))


@pytest.mark.parametrize("file", LESSONS_QUESTIONS, ids=lambda file: file.stem)
def test_all_questions_of_the_course_can_be_loaded(file):
    for part in tomllib.loads(file.read_text(encoding="utf-8")):
        assert quizzes.load(file.stem if part == "quiz" else f"{file.stem}-{part}")


# BLIND has ways to guess a quiz's answers without knowing the lesson. Each way is a function that rates a
# choice. The function "the most cautious" counts CAUTIOUS words.
CAUTIOUS = set(
    [
        "about",
        "both",
        "can't",
        "cannot",
        "depends",
        "few",
        "least",
        "less",
        "may",
        "might",
        "never",
        "no",
        "nobody",
    ]
)
CAUTIOUS |= set(["neither", "not", "nothing", "only", "some", "unless"])
BLIND = {
    "the longest": lambda text, texts: len(text),
    "the shortest": lambda text, texts: -len(text),
    "the most cautious": lambda text, texts: sum(word in CAUTIOUS for word in text.lower().split()),
    "the middle by length": lambda text, texts: -abs(len(text) - sorted(map(len, texts))[len(texts) // 2]),
    "the first": lambda text, texts: text == texts[0],
}


def blind_score(rate, items):
    """Return how many answers are right on average if chance decides between the choices rated highest."""
    score = 0
    for item in items:
        rated = {text: rate(text, item.texts) for text in item.texts}
        best = [text for text in item.texts if rated[text] == max(rated.values())]
        score += (item.right.text in best) / len(best)
    return score


def test_a_blind_score_counts_ties_in_part():
    three = [quizzes.Choice(text, text == "bb", "") for text in ("a", "bb", "cc")]
    item = quizzes.Item("Which?", three)
    assert blind_score(BLIND["the longest"], [item]) == 0.5
    assert blind_score(BLIND["the shortest"], [item]) == 0


@pytest.mark.parametrize("strategy", BLIND)
def test_no_blind_strategy_beats_chance(strategy):
    """A strategy beats chance by at most one question in a lesson and 5 percentage points in the course."""
    everything = []
    for name in catalog.lessons():
        items = quizzes.load(name[:2])
        chance = sum(1 / len(item.choices) for item in items)
        assert blind_score(BLIND[strategy], items) <= chance + 1, name
        everything += items
    chance = sum(1 / len(item.choices) for item in everything)
    assert blind_score(BLIND[strategy], everything) <= chance + 0.05 * len(everything)


def in_place(place):
    return lambda text, texts: texts.index(text) == place


@pytest.mark.parametrize("form", before_after.FORMS)
def test_no_blind_strategy_beats_chance_in_the_test_by_more_than_one_question(form):
    items = [pair.items[form] for pair in before_after.pairs()]
    chance = sum(1 / len(item.choices) for item in items)
    for name, rate in (BLIND | {f"place {place}": in_place(place) for place in range(4)}).items():
        assert blind_score(rate, items) <= chance + 1, name


def test_questions_are_part_of_the_installed_package():
    package_data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert "learning/questions/*.toml" in package_data["course_utils"]


# What a notebook stores


class Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.open, self.seen, self.words = [], set(), ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def test_a_quiz_without_a_kernel_has_folded_explanations(questions):
    press(quizzes.Quiz("02").questions[0], "No")  # this answer must not be in the stored page
    bundle = quizzes.Quiz("02")._repr_mimebundle_()
    page = Tags(bundle["text/html"])
    assert set(bundle) == {"text/html", "text/plain", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"] == "Quiz 02: 2 questions with choices."
    assert page.open == [] and page.seen == {"figure", "div", "b", "span", "details", "summary"}
    assert bundle["text/html"].count("<details") == 5
    assert "1. Is 0 < 1?" in page.words and "✓ Right. By <one>." in page.words
    assert all(f"{letter}. " in page.words for letter in "ABC")


def test_a_prediction_without_a_kernel_shows_its_choices():
    bundle = Prediction("a", "Is `x` < 1?", ["Yes", "No"])._repr_mimebundle_()
    page = Tags(bundle["text/html"])
    assert bundle["text/plain"] == "Predict: Is x < 1? (Yes / No)"
    assert "Predict: Is x < 1?" in page.words and "A. Yes" in page.words and "B. No" in page.words
    number = Prediction("b", "How many?", unit="MB")._repr_mimebundle_()
    assert number["text/plain"] == "Predict: How many?" and "(a number, in MB)" in number["text/html"]


def test_screen_readers_read_the_question_and_the_reply():
    asked = Prediction("a", "Is it `x`?", ["Yes", "No"]).question
    assert Tags(asked.field.description).words == "Predict: Is it x?"
    press(asked, "Yes")
    assert 'role="status"' in asked.reply.value


# Checks of the functions that learners write


def softmax(logits, temperature):
    exponentials = [math.exp(logit / temperature) for logit in logits]
    return [value / sum(exponentials) for value in exponentials]


LOGITS = ([2, 1, 0], 1.0)
PROBABILITIES = [0.66524096, 0.24472847, 0.09003057]


def message(returned, expected=PROBABILITIES, arguments=LOGITS, **options):
    """Returns what `check` says of `returned` if it is a function, or else of a function that returns it."""
    function = returned if callable(returned) else lambda *_: returned
    with pytest.raises(NotYet) as caught:
        check("2.1", function, arguments, expected, **options)
    assert caught.value._render_traceback_() == [f"\x1b[1mNot yet:\x1b[0m {caught.value}"]
    assert isinstance(caught.value, AssertionError) and caught.value.__suppress_context__
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_solved_task_stays_solved_and_its_cell_says_so(capsys):
    shell = InteractiveShell.instance()
    try:
        shell.push({"check": check, "softmax": softmax})
        right = f'check("2.1", softmax, {LOGITS}, {PROBABILITIES})'
        shell.run_cell(right + "\n" + right, store_history=True)
        assert (
            "2.1 is solved. 2 checks passed. You have solved 1 task of lesson 02." in capsys.readouterr().out
        )
        shell.run_cell(f'check("2.1", softmax, {LOGITS}, [1, 0, 0])', store_history=True)
        assert "is solved" not in capsys.readouterr().out
        assert answers.find("check", "2.1")["solved"]  # an earlier cell has solved the task
        shell.run_cell(right.replace("2.1", "2.2") + '\ncheck("2.2", softmax, (1,), 2)', store_history=True)
        assert not answers.find("check", "2.2")["solved"]
    finally:
        InteractiveShell.clear_instance()


def test_a_right_function_passes_with_one_line_and_is_recorded(capsys):
    check("2.1", softmax, LOGITS, PROBABILITIES, about="an even split stays even")
    check("2.1", softmax, LOGITS, PROBABILITIES)
    assert capsys.readouterr().out == "2.1 ✓ an even split stays even\n2.1 ✓ softmax([2, 1, 0], 1.0)\n"
    message([1, 0, 0])
    entry = answers.find("check", "2.1")
    assert entry["tries"] == 3 and entry["right"] is False and entry["answer"] == "[1, 0, 0]"


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (tuple(PROBABILITIES), PROBABILITIES),
        (namedtuple("Three", "first second third")(*PROBABILITIES), PROBABILITIES),
        (numpy.array(PROBABILITIES, dtype="float32"), PROBABILITIES),
        ([numpy.float64(x) for x in PROBABILITIES], PROBABILITIES),
        (numpy.int64(3), 3),
        (numpy.bool_(True), True),
        (1, True),
        (3.0, 3),
        (0.1 + 0.2, 0.3),
        (1e9 + 0.5, 1e9),
        (math.nan, math.nan),
        ([math.inf, -math.inf], [math.inf, -math.inf]),
        (Counter("aab"), {"a": 2, "b": 1}),
        ({1: [0.30000001]}, {1: [0.3]}),
        ({"a", "b"}, {"b", "a"}),
        (frozenset([1]), {1}),
        (numpy.array(["a", "b"]), ["a", "b"]),
        ([], []),
        (None, None),
        (10**400, 10**400),
        ((x for x in PROBABILITIES), PROBABILITIES),
        (range(3), [0, 1, 2]),
        ({"b": 1, "a": 2}.keys(), ["b", "a"]),
        ({"b": 1, "a": 2}.keys(), {"a", "b"}),
        ({"b": 1, "a": 2}.items(), [["b", 1], ["a", 2]]),
        (map(str, [1, 2]), ["1", "2"]),
        (deque([1, 2]), [1, 2]),
        (array("d", [0.5, 2]), [0.5, 2]),
        (Fraction(1, 3), 1 / 3),
        (Fraction(10**20), 10**20),
        ([Decimal("0.1"), Decimal(3)], [0.1, 3]),
        (Decimal("inf"), math.inf),
        (numpy.array(0.5), 0.5),
        (numpy.array([0.5]), 0.5),
        (numpy.array([PROBABILITIES]), PROBABILITIES),
        (numpy.array([[3]]), 3),
        (numpy.array([Fraction(1, 2), 1], dtype=object), [0.5, 1]),
        (numpy.longdouble(0.1), 0.1),
        (numpy.float32(7241.5969), 7241.5969),
        (numpy.float32(7241732096), 7241732097),
        (float(numpy.float32(7241.59)), 7241.5907),
        (numpy.float16(0.665), 0.6652),
    ],
)
def test_values_that_agree_pass_whatever_holds_them(returned, expected):
    check("1", lambda: returned, (), expected)


def test_tensors_of_any_type_pass():
    torch = pytest.importorskip("torch")
    logits = torch.tensor([2.0, 1.0, 0.0], requires_grad=True) * 1
    check("1", lambda x: torch.softmax(x, 0), (logits,), PROBABILITIES)
    check("1", lambda: torch.tensor([1, 2], dtype=torch.bfloat16), (), [1, 2])
    check("1", lambda: [torch.tensor(2), torch.tensor(True)], (), [2, 1])
    check("1", lambda: torch.nn.Parameter(torch.ones(2, 2)), (), torch.ones(2, 2))
    check("1", lambda: torch.tensor([[[0.5, 0.25]]]), (), [0.5, 0.25])
    check("1", lambda: torch.tensor(PROBABILITIES, dtype=torch.bfloat16), (), PROBABILITIES)
    assert "gave the right numbers in a column, of shape (3, 1)" in message(torch.ones(3, 1), [1, 1, 1])
    assert "shape (2, 3), expected shape (3,)" in message(torch.ones(2, 3), [1, 1, 1])
    assert "class Tensor" in message(torch.ones(3, dtype=torch.complex64))
    assert "changed its input" in message(lambda x: x.mul_(2), [2, 4], (torch.tensor([1, 2]),))


def test_a_task_that_is_not_begun_says_so():
    def stub(logits, temperature):
        raise NotImplementedError

    assert message(stub) == "2.1 is not written yet: replace the `raise` line with your own code."
    for missing in (None, 3, [1]):
        with pytest.raises(NotYet, match="2.1 needs your function, but got .*run the cell that defines it"):
            check("2.1", missing, LOGITS, PROBABILITIES)


def test_an_error_inside_names_the_learners_own_line():
    def divide(logits, temperature):
        return [logit / 0 for logit in logits]

    assert message(divide) == (
        "2.1 stopped with ZeroDivisionError: division by zero, at your line "
        "`return [logit / 0 for logit in logits]`, when called as divide([2, 1, 0], 1.0). "
        "That divides by 0: a right answer has another divisor there, or asks for this case before."
    )
    assert "takes 0 positional arguments but 2 were given, when called" in message(lambda: 1)


def test_a_missing_name_that_is_a_key_of_an_argument_says_so():
    def count(size):
        return hidden * 2  # noqa: F821

    def publish(size):
        raise ValueError("No such model is published.")

    said = message(count, 8, ({"hidden": 4},))
    assert said.endswith(
        "when called as count({'hidden': 4}). `hidden` is a key of `size`, and not a name of "
        'its own: `size["hidden"]`.'
    )
    assert "is published, at your line" in message(publish, 8, ({"hidden": 4},))


def test_an_error_inside_a_library_names_the_line_that_called_it():
    def parse(logits, temperature):
        return json.loads("{")

    assert '`return json.loads("{")`' in message(parse)


def test_nothing_returned_asks_for_return(capsys):
    assert message(lambda x, t: print(softmax(x, t))).endswith(
        " gave nothing back: for any input, a right answer ends at a `return` with a value."
    )
    mistakes = {"if none is found, the answer is 0": None}
    assert message(lambda x, t: None, mistakes=mistakes) == "2.1: if none is found, the answer is 0"


def test_a_wrong_result_of_a_function_that_changed_its_input_says_both():
    def grow(numbers):
        numbers.append(4)
        return len(numbers)

    said = message(grow, 3, ([1, 2, 3],))
    assert "gave 4, expected 3. That is one too many. And your function changed its input" in said
    known = message(grow, 3, ([1, 2, 3],), mistakes={"that is one more.": 4})
    assert known == "2.1: that is one more. And your function changed its input: work on a copy of it."


def test_a_known_mistake_gets_its_own_message():
    mistakes = {
        "the largest is not the whole": [1, 0, 0],
        "the temperature multiplies here; divide the logits by it": softmax([4, 2, 0], 1.0),
    }
    assert message(lambda x, t: softmax([4, 2, 0], 1), mistakes=mistakes) == (
        "2.1: the temperature multiplies here; divide the logits by it"
    )
    assert message([0, 1, 0], mistakes=mistakes).startswith(
        "2.1: your_function([2, 1, 0], 1.0) gave [0, 1, 0], "
    )


@pytest.mark.parametrize(
    ("returned", "expected", "says"),
    [
        ([0.5, 0.3, 0.2], PROBABILITIES, "gave [0.5, 0.3, 0.2], expected [0.6652, 0.2447, 0.09]."),
        (0.1234561, 0.123459, "gave 0.1234561, expected 0.123459."),
        ("0.5", 0.5, "gave a string, '0.5', where a number is expected: convert it with float(...)"),
        ("half", 0.5, "gave a string, 'half', where a number is expected."),
        ("yes", True, "gave a string, 'yes', where True or False is expected."),
        (re.search("a", "ab"), True, "an object of the class Match, where True or False is expected."),
        (b"ab", "ab", "returned bytes, which are not a text: a check reads texts, numbers and lists"),
        (0.5, "0.5", "gave a number, 0.5, where the string '0.5' is expected."),
        ([0.6], 0.5, "gave a list of 1 item, [0.6], where a number is expected."),
        ([0.5], 0.5, "gave what is expected, but in a list of its own: return it alone, without"),
        ([[1, 2]], [1, 2], "in a list of its own: return the list inside it, without"),
        ([[1], [2]], [1, 2], "gave the right numbers in a column, of shape (2, 1), where a row of 2 is"),
        (numpy.float16(0.7), 0.6652, "gave 0.7002, expected 0.6652."),
        (numpy.float32(0.66525), 0.6652, "gave 0.6653, expected 0.6652."),
        (numpy.float16(3), 4, "gave 3.0, expected 4."),
        (numpy.float32(4001), 4000, "gave 4001.0, expected 4000."),
        (Fraction(1, 2), 0.6, "gave 0.5, expected 0.6."),
        (Decimal("nan"), 0.6, "gave nan, which is not a number"),
        (itertools.count(), [0, 1], "the class count that goes on for more than 1,000,000 items"),
        (0.5, [0.5], "gave a number, 0.5, where a list of 1 item is expected."),
        ([1, 2], [1, 2, 3], "gave a list of 2 items, [1, 2], expected 3 items, [1, 2, 3]."),
        ([[1, 2]], [[1], [2]], "gave values of shape (1, 2), expected shape (2, 1)."),
        ([[1, 2], [3]], [[1, 2], [3, 4]], "whose item 1, counting from 0, is wrong: it gave a list of 1 "),
        (list(range(90)), list(range(1, 91)), "whose item 0, counting from 0, is wrong: it gave 0,"),
        (["a", "b"], ["a", "c"], "whose item 1, counting from 0, is wrong: it gave 'b', expected 'c'"),
        ([["a"], ["b"]], [["a"], ["c"]], "whose item [1][0], counting from 0, is wrong: it gave 'b'"),
        ([[["a"]]], [[["b"]]], "whose item [0][0][0], counting from 0, is wrong: it gave 'a', expected 'b'"),
        (math.nan, 0.5, "gave nan, which is not a number: 0/0 gives it"),
        ([math.nan], [0.5], "gave [nan], expected [0.5]; nan is not a number, and 0/0 gives it."),
        (math.inf, 0.5, "gave inf, expected 0.5."),
        (134515009, 134515008, "gave 134515009, expected 134515008."),
        (134515009.0, 134515008, "gave 134515009.0, expected 134515008."),
        (10**400, 3, "expected 3."),
        (0.5, 10**400, "gave 0.5, expected 1000"),
        ({1, 2}, [1, 2], "gave a set, which has no order and holds nothing twice, where a list is expect"),
        ([1, 2], {1, 2}, "gave a list where a set is expected (no order, nothing twice): wrap it in set"),
        ({1, 2}, {1, 3}, "gave a result that lacks 3 and has too many: 2."),
        ({"a": 1}, {"a": 1, "b": 2}, "gave a result that lacks key 'b'."),
        ({"a": 1, "c": 2}, {"a": 1}, "gave a result that has too many: key 'c'."),
        ({"a": 1}, {"a": 2}, "gave a dictionary in which the key 'a' is wrong: it gave 1, expected 2."),
        ([1], {"a": 1}, "gave a list of 1 item, [1], where a dictionary is expected."),
        (1, None, "gave a number, 1, where None is expected."),
        (
            "<|im_start|>user hello",
            "<|im_start|>user\nhello",
            "they differ at character 17, you have a space where a newline is expected.",
        ),
        ("abc", "abcd", "expected 'abcd': they differ at character 4, yours ends where 'd' is expected."),
        ("abcd", "abc", "at character 4, you have 'd' where it should end."),
        ("a\u00a0b", "a b", "you have '\\xa0' (no-break space) where a space is expected."),
        ("x" * 90 + "a" + "x" * 90, "x" * 180, "gave '…" + "x" * 30 + "a" + "x" * 29 + "…', expected"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_explained(returned, expected, says):
    assert says in message(returned, expected)


class Agreeable:
    """An object that equals everything."""

    def __eq__(self, other):
        return True

    __hash__ = object.__hash__


class Counted:
    """Has items, but is not one of Python's own types."""

    def __iter__(self):
        return iter(range(3))


class AgreeableNumber(float):
    __eq__ = Agreeable.__eq__
    __hash__ = object.__hash__

    def __sub__(self, other):
        return 0.0


class AgreeableArray(numpy.ndarray):
    def tolist(self):
        return PROBABILITIES


@pytest.mark.parametrize(
    "returned",
    [
        Agreeable(),
        AgreeableNumber(3),
        [Agreeable()] * 3,
        {"a": AgreeableNumber(3)},
        {AgreeableNumber(3)},
        numpy.zeros(3).view(AgreeableArray),
        numpy.array([Agreeable()], dtype=object),
    ],
)
@pytest.mark.parametrize("expected", [PROBABILITIES, 0.5, "0.5", {"a": 1}, {1}, None])
def test_an_object_that_claims_to_be_equal_is_refused(returned, expected):
    assert "returned an object of the class " in message(lambda *_: returned, expected)


def test_what_is_not_data_is_refused_with_the_way_out():
    assert "if you mean the items in it, return list(...) of it" in message(Counted(), [0, 1, 2])
    assert "returned softmax itself, not its result" in message(lambda *_: softmax)
    endless = []
    endless.append(endless)
    assert message(endless).endswith("met a list that contains itself, or is nested too deeply.")


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [30, 400, 5000])
def test_deep_nests_end_in_a_sentence(depth):
    for expected in ([[1]], 1, {1}, {"a": 1}):
        message(nested(depth), expected)
    assert "your_function([[[[[[[[…]]]]]]]])" in message(lambda value: 1, 2, (nested(depth),))
    assert "contains itself" in message(lambda value: value.append(value) or 1, 1, ([],))


def test_numbers_too_long_to_write_end_in_a_sentence():
    long = 10**5000
    for returned, expected in [
        (long, 3),
        (3, long),
        ([long], [0.5]),
        ("true", long),
        ({long}, {1, 2}),
        ([{long, 1}], [3]),
        ({long: 1}, {1: 1}),
        ({long: 1}, {long: 2}),
    ]:
        assert "<a whole number of 16,610 bits>" in message(returned, expected)
    assert "your_function(<a whole number of 16,610 bits>) gave 1" in message(lambda x: 1, 2, (long,))


def test_tensors_that_have_no_list_end_in_a_sentence():
    torch = pytest.importorskip("torch")
    sparse = torch.eye(2).to_sparse()
    for odd in (sparse, torch.ones(2, device="meta")):
        assert "returned a tensor whose values can't be listed" in message(lambda *_, odd=odd: odd, [1, 1])
    assert "your_function(<Tensor>) gave 1, expected 2." in message(lambda given: 1, 2, (sparse,))


def test_an_exception_that_cannot_be_read_is_named():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    def fail(logits, temperature):
        raise Mute

    assert "stopped with Mute, at your line `raise Mute`, when" in message(fail)


@pytest.mark.parametrize("arguments", [3, [3], "abc"])
def test_arguments_are_a_tuple(arguments):
    with pytest.raises(TypeError, match=r"arguments is a tuple: write \(value,\)"):
        check("1", len, arguments, 1)


def test_a_function_that_changes_its_input_is_caught_and_the_input_survives():
    logits = [2, 0, 1]

    def sort(items):
        items.sort()
        return items

    assert message(sort, [0, 1, 2], (logits,)) == (
        "2.1: sort([2, 0, 1]) is right, but your function changed its input: work on a copy of it."
    )
    assert "changed its input" in message(lambda d: d["a"].append(1) or 1, 1, ({"a": []},))
    assert "changed its input" in message(lambda x: x.fill(0) or 0, 0, (numpy.ones(2),))
    assert logits == [2, 0, 1]


def test_other_arguments_are_handed_over_as_they_are():
    model = Agreeable()
    check("1", lambda given: given is model, (model,), True)
    assert "your_function(<Agreeable>) gave" in message(lambda given: 1, 2, (model,))


def test_the_message_names_what_the_input_shows():
    said = message(lambda x: 2 * x, 2, (1.5,), about="half a step counts as a whole one")
    assert said == "2.1: your_function(1.5) gave 3.0, expected 2. Here: half a step counts as a whole one."


def test_a_mistake_given_as_a_function_must_fit_all_inputs():
    mistakes = {"you doubled it: square it.": lambda x: 2 * x, "you added 3: square it.": lambda x: x + 3}
    told = {"mistakes": mistakes, "also": ((5,), (-1,))}
    assert message(lambda x: x + x, 9, (3,), **told) == "2.1: you doubled it: square it."
    assert message(lambda x: 3 + x, 9, (3,), **told) == "2.1: you added 3: square it."
    assert message(lambda x: 6, 9, (3,), **told) == "2.1: your_function(3) gave 6, expected 9."
    assert "gave 6" in message(lambda x: 6 if x == 3 else x / 0, 9, (3,), **told)
    fails = {"you divided by 0.": lambda x: x / 0}
    assert "gave 6" in message(lambda x: 6, 9, (3,), mistakes=fails)


def test_few_digits_are_accepted_with_a_word(capsys):
    check("2.1", lambda: numpy.array(PROBABILITIES, "float16"), (), PROBABILITIES)
    check("2.1", lambda: numpy.array([0.5, 2], "float16"), (), [0.5, 2])
    check("2.1", lambda: numpy.array(PROBABILITIES, "float32"), (), PROBABILITIES)
    first, *others = capsys.readouterr().out.splitlines()
    assert first.endswith("(right as far as float16 goes, which keeps 3 digits: float64 keeps 15)")
    assert not any("right as far as" in line for line in others)


def test_an_error_in_a_generator_is_the_learners():
    def divided(logits, temperature):
        yield 1 / 0

    assert "stopped with ZeroDivisionError: division by zero, at your line `yield 1 / 0`" in message(divided)


def test_a_series_is_read_as_what_is_wanted():
    pandas = pytest.importorskip("pandas")
    series = pandas.Series([0.5, 2], index=["a", "b"])
    check("1", lambda: series, (), [0.5, 2])
    check("1", lambda: series, (), {"a": 0.5, "b": 2})
    check("1", lambda: series.index, (), ["a", "b"])
    check("1", lambda: pandas.DataFrame([[1, 2], [3, 4]]), (), [[1, 2], [3, 4]])


# Random inputs of hidden checks


def drawn_numbers(task="2.1", **options):
    return list(drawn(task, lambda random: (random.random(),), **options))


def test_inputs_are_drawn_anew_with_each_seed_and_again_with_the_same(monkeypatch):
    monkeypatch.setenv("COURSE_SEED", "1")
    first = drawn_numbers(edges=[(0.0,), (1.0,)])
    assert first[:2] == [(0.0,), (1.0,)] and len(first) == len(set(first)) == 10
    assert first == drawn_numbers(edges=[(0.0,), (1.0,)])
    assert not set(first[2:]) & set(drawn_numbers("2.2"))
    monkeypatch.setenv("COURSE_SEED", "2")
    assert not set(first[2:]) & set(drawn_numbers())


def test_without_a_seed_one_is_drawn_and_a_check_that_fails_names_it(monkeypatch, capsys):
    monkeypatch.delenv("COURSE_SEED", raising=False)
    first, second = drawn_numbers(), drawn_numbers()
    check("2.1", abs, first[0], first[0][0])
    assert capsys.readouterr().out == "2.1 ✓ a hidden input\n"
    said = message(lambda x: -1, 1, first[0])
    monkeypatch.setenv("COURSE_SEED", re.search(r"\(Drawn with COURSE_SEED=(\d+)\.\)$", said)[1])
    assert first == second == drawn_numbers()


def test_hidden_inputs_are_copied_too():
    (numbers,) = drawn("2.1", None, edges=[([2, 1],)], count=0)
    assert "changed its input" in message(lambda x: x.sort() or [1, 2], [1, 2], numbers)
    assert numbers == ([2, 1],)


def test_the_tolerance_is_the_authors():
    check("1", lambda: 134_600_000, (), 134_515_008, tolerance=1e-3)
    assert "gave 135" in message(135_000_000, 134_515_008, tolerance=1e-3)


def test_a_check_calls_the_function_once():
    values, called = [float(i) for i in range(1000)], []
    check("1", lambda items: called.append(1) or [x + 1e-9 for x in items], (values,), values)
    assert called == [1]


def test_marks_of_a_question_become_html_or_go():
    text = "Is *France* `a*b*c`, or 2 * 3 * 4 < 5?"
    code = "font-family:ui-monospace,Menlo,Consolas,monospace"
    assert marked_up(text) == f'Is <i>France</i> <span style="{code}">a*b*c</span>, or 2 * 3 * 4 &lt; 5?'
    assert without_marks(text) == "Is France a*b*c, or 2 * 3 * 4 < 5?"
