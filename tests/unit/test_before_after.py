"""Tests the test that learners take before and after the course, and `course gain`, which compares the two.

The test has two forms with the same topics. A learner takes one form before the course and the other after
it. The second form is locked until the first is handed in and a lesson is begun. A form that is handed in
can't be changed.
"""

import csv
import json
import math
import os
import random
import re
import tomllib
from collections import Counter
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy
import pytest
from lazy import Lazy

import course_utils as course
from course_utils import CourseError, __main__, catalog, statistics
from course_utils.learning import ai_literacy, answers, before_after, class_gain, quizzes
from course_utils.learning.before_after import FORMS, HALVES, LUCK, SURE, Half, Sitting

ipywidgets = Lazy("ipywidgets")
stats = Lazy("scipy.stats")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "test.md").read_text(encoding="utf-8")
TABLES = tomllib.loads((quizzes.FOLDER / "test.toml").read_text(encoding="utf-8"))
DIFFICULTIES = ("easy", "middle", "hard")
COUNT = 15


@pytest.fixture(autouse=True)
def answers_file(tmp_path, monkeypatch):
    path = tmp_path / "answers.json"
    monkeypatch.setenv("COURSE_ANSWERS", str(path))
    return path


@pytest.fixture
def a_first(monkeypatch):
    monkeypatch.setattr(before_after, "_draw", lambda: "A")


def answer(half, right):
    """Answers one form: the first `right` questions rightly and 95% sure, the others wrongly and 25% sure."""
    asked = Half(half)
    for number, item in enumerate(asked.items):
        wrong = next(choice.text for choice in item.choices if not choice.right)
        asked.questions[number].field.value = item.right.text if number < right else wrong
        asked.questions[number].second.value = 95 if number < right else 25
    return asked


def hand_in(half, right):
    asked = answer(half, right)
    asked.button.click()
    return asked


def begin_a_lesson():
    answers.record("predict", "00-weights-file", 500)


# The questions of the two forms


def test_both_forms_ask_the_same_topics_with_other_facts():
    assert len(before_after.pairs()) == len(set(before_after.topics())) == COUNT
    assert len(before_after.written()) == 2
    for pair in before_after.pairs():
        one, other = (pair.items[form] for form in FORMS)
        assert pair.shown["A"].html != pair.shown["B"].html, pair.about
        for item in (one, other):
            assert len(item.choices) == 4, pair.about
            lengths = [len(text) for text in item.texts]
            assert max(lengths) <= 1.25 * min(lengths) + 5, (pair.about, lengths)
        # Both forms have about the same length, so that neither takes longer to read.
        lengths = [len(item.text) + len(pair.shown[form].alt) for form, item in pair.items.items()]
        assert max(lengths) / min(lengths) < 1.5, (pair.about, lengths)
    for question in before_after.written():
        assert question.texts["A"] != question.texts["B"]
        assert all(len(question.rubrics[form]) == class_gain.MOST_POINTS for form in FORMS)


def test_each_topic_belongs_to_a_competency_and_a_lesson():
    names = {name[:2]: lesson for name, lesson in catalog.lessons().items()}
    for table in [*TABLES["pairs"], *TABLES["written"]]:
        assert table["competency"] in ai_literacy.all_competencies(), table["about"]
        assert table["lesson"] in names, table["about"]
    for table in TABLES["pairs"]:
        assert table["competency"] in names[table["lesson"]].competencies, table["about"]


def test_the_documented_blueprint_is_that_of_the_questions():
    rows = {}
    for table in TABLES["pairs"]:
        cells = rows.setdefault(table["competency"], dict.fromkeys(DIFFICULTIES, ""))
        said = f"{table['about']} ({table['lesson']})"
        cells[table["difficulty"]] += ("; " if cells[table["difficulty"]] else "") + said
    names = ai_literacy.all_competencies()
    lines = [f"| Competency | {' | '.join(DIFFICULTIES)} |", "|---|---|---|---|"]
    lines += [f"| {at} {names[at].name} | {' | '.join(rows[at].values())} |" for at in sorted(rows)]
    assert "\n".join(lines) in PAGE, "\n".join(lines)
    assert Counter(table["difficulty"] for table in TABLES["pairs"]) == dict.fromkeys(DIFFICULTIES, 5)
    for table in TABLES["written"]:
        assert f"{table['about']} (competency {table['competency']}, lesson {table['lesson']})" in PAGE


def test_what_the_questions_compute_is_so():
    """Computes the right answers to eight questions, such as those on intervals, Brier scores and memory."""
    tables = {table["about"]: table for table in TABLES["pairs"]}
    right = {
        (pair.about, form): pair.items[form].right.text for pair in before_after.pairs() for form in FORMS
    }
    for form in FORMS:
        beyond = []
        for trade, hits, count, share in tables["an amplified bias"][form]["intervals"]:
            low, high = statistics.wilson(hits, count)
            if (low > share > 50) or (high < share < 50):
                beyond.append(trade)
        assert all(trade in right["an amplified bias", form] for trade in beyond)
        assert len(beyond) == (1 if form == "A" else 2)

        briers = {}
        for name, sure, hits in tables["confidence, scored"][form]["table"][1:]:
            sure, hits = int(sure.removesuffix("%")) / 100, int(hits.split()[0])
            briers[name] = (hits * (1 - sure) ** 2 + (20 - hits) * sure**2) / 20
        assert right["confidence, scored", form] == min(briers, key=briers.get)

        p_values = {}
        for name, _, one, other, _ in tables["a lead, or luck"][form]["table"][1:]:
            one, other = int(one), int(other)
            p_values[name] = stats.binomtest(one, one + other).pvalue
        led = [name for name, p in p_values.items() if p < 0.05]
        numbers = " and ".join(name.removeprefix("pair ") for name in led)
        said = f"in {led[0]} alone" if len(led) == 1 else f"in pairs {numbers}"
        assert 0 < len(led) < len(p_values) and right["a lead, or luck", form] == said

        rows = tables["what makes a model fast"][form]["table"][1:]
        fastest = max(rows, key=lambda row: int(row[-1].split()[0]))
        assert right["what makes a model fast", form] == f"machine {fastest[0]}"

        rows = tables["when to stop a training"][form]["table"][1:]
        assert (
            right["when to stop a training", form]
            == f"that of step {min(rows, key=lambda row: float(row[2]))[0]}"
        )

        bytes_each, experts = {"A": (2, 8), "B": (1, 4)}[form]
        (_, shared), (_, expert) = tables["a mixture of experts"][form]["table"][1:]
        shared, expert = (float(cell.removesuffix(" billion")) for cell in (shared, expert))
        needed = (shared + experts * expert) * bytes_each
        assert right["a mixture of experts", form] == f"about {needed:.0f} GB"

        (_, marked, found), (_, without, alarms) = tables["an alarm, and who caused it"][form]["table"][1:]
        rates = [
            int(hits.replace(",", "")) / int(count.replace(",", ""))
            for count, hits in ((marked, found), (without, alarms))
        ]
        of, hidden = {"A": (1000, 50), "B": (2000, 20)}[form]
        false = rates[1] * (of - hidden) / (rates[1] * (of - hidden) + rates[0] * hidden)
        part, whole = re.fullmatch(
            r"about (\d+) of (\d+)", right["an alarm, and who caused it", form]
        ).groups()
        assert abs(false - int(part) / int(whole)) < 0.06

        said, heard = (
            line.split()[1:] for line in tables["an error rate of words"][form]["output"].strip().splitlines()
        )
        assert right["an error rate of words", form].startswith(f"{distance(said, heard)} of {len(said)},")


def distance(one, other):
    """Returns how many words must at least be replaced, left out or added to turn one text into the other."""
    row = list(range(len(other) + 1))
    for at, word in enumerate(one, start=1):
        new = [at]
        for place, heard in enumerate(other):
            new.append(min(row[place] + (word != heard), row[place + 1] + 1, new[-1] + 1))
        row = new
    return row[-1]


def test_the_temperatures_are_computed():
    for form, power in (("A", 1 / 2), ("B", 2)):
        pair = next(pair for pair in before_after.pairs() if pair.about == "the temperature")
        rows = [line.split() for line in pair.shown[form].alt.splitlines()[2:]]
        column = {"W": 2, "X": 3, "Y": 4, "Z": 5}[pair.items[form].right.text[-1]]
        at_one = [int(row[1].removesuffix("%")) / 100 for row in rows]
        weights = [share**power for share in at_one]
        shown = [int(row[column].removesuffix("%")) for row in rows]
        assert shown == [round(100 * weight / sum(weights)) for weight in weights]


# Asking the questions of a form


def test_the_questions_appear_when_the_learner_begins(a_first):
    asked = Half("before")
    assert len(asked.widget.children) == 2 and asked.begin.description == "Begin the test"
    asked.begin.click()
    (questions,) = asked.widget.children
    assert asked.questions[0].widget in questions.children
    asked.questions[0].field.index = 0
    assert Half("before").begin.description == "Continue"


def test_nothing_stored_shows_a_question(a_first):
    hand_in("before", 4)
    begin_a_lesson()
    for half in HALVES:
        stored = Half(half)._repr_mimebundle_()
        for pair in before_after.pairs():
            for item in pair.items.values():
                for text in (item.text, item.right.text):
                    assert text not in stored["text/html"] and text not in stored["text/plain"]


def test_no_answer_is_given_away_before_the_second_form(a_first):
    first = hand_in("before", 4)
    assert "4 of 15 right" in first.result.value
    assert not any(question.reply.value for question in first.questions)


def test_every_question_brings_the_script_for_keyboards_and_screen_readers(a_first):
    for question in Half("before").questions:
        (script,) = [part for part in question.widget.children if isinstance(part, ipywidgets.Output)]
        assert "courseForEveryone" in script.outputs[0]["data"]["application/javascript"]
        assert question.field.description and question.field.description_allow_html


def test_a_form_is_handed_in_whole_and_once(a_first):
    asked = Half("before")
    for question in asked.questions[2:COUNT]:
        question.field.index = 0
    asked.questions[2].second.value = 50
    asked.button.click()
    assert "Still without an answer: 1, 2. If you have none, pick any choice" in asked.result.value
    assert "Still to say how sure you are: 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15." in asked.result.value
    assert before_after.results() == {}
    hand_in("before", 3)
    again = Half("before")
    assert all(question.field.disabled for question in again.questions)
    assert again.button.layout.display == "none"
    assert before_after.results() == {"before": 3 * [True] + 12 * [False]}
    asked.questions[0].field.index = 1  # `asked` is still open from before the form was handed in
    asked.button.click()
    assert before_after.results() == {"before": 3 * [True] + 12 * [False]}


def test_what_was_answered_is_there_after_a_restart(a_first):
    asked = answer("before", 5)
    asked.questions[-1].field.value = "Both facts break, so …"
    again = Half("before")
    assert [question.field.value for question in again.questions] == [
        question.field.value for question in asked.questions
    ]
    assert again.questions[0].second.value == 95 and again.button.layout.display is None


def test_each_form_comes_first_for_about_half_and_the_draw_stays(answers_file):
    drawn = []
    for _ in range(40):
        answers_file.unlink(missing_ok=True)
        drawn.append(Half("before").taken.form)
        assert Half("before").taken.form == drawn[-1]
    # Of a million runs of 40 tosses, a fair coin gives 6 heads or fewer in about 4 runs, and 34 or more in 4.
    assert 6 < drawn.count("A") < 34
    hand_in("before", 1)
    assert {drawn[-1], Half("after").taken.form} == set(FORMS)


def test_the_second_form_is_locked_until_the_first_is_in_and_a_lesson_begun(a_first, capsys):
    both = "hand in the first form (its cell is further up) and begin a lesson (a prediction is enough)"
    course.test("after")
    assert both in capsys.readouterr().out
    Half("before")
    begin_a_lesson()
    course.test("after")
    out = capsys.readouterr().out
    assert "this: hand in the first form (its cell is further up)." in out and "begin" not in out
    hand_in("before", 2)
    answers.forget("predict", ["00-weights-file"])
    course.test("after")
    assert "this: begin a lesson (a prediction is enough)." in capsys.readouterr().out
    begin_a_lesson()
    course.test("after")
    assert "opens when" not in capsys.readouterr().out


def test_the_second_form_explains_both(a_first):
    hand_in("before", 4)
    begin_a_lesson()
    asked = hand_in("after", 9)
    assert "✓" in asked.questions[0].reply.value
    assert f"The answer: {asked.items[9].right.text}." in asked.questions[9].reply.value.replace("&amp;", "&")
    assert "What a full answer says: (1) " in asked.questions[-1].reply.value
    first = Half("before")
    assert "✗" in first.questions[4].reply.value and first.taken.form == "A" and asked.taken.form == "B"


def test_there_are_two_halves():
    with pytest.raises(CourseError, match="The test has no half 'during': ask for 'before' or 'after'"):
        course.test("during")


# One learner's gain


def test_the_gain_of_one_learner(a_first):
    assert course.gain().alt == "Not handed in yet: the test before and the test after the course."
    hand_in("before", 4)
    assert course.gain().alt == "Not handed in yet: the test after the course."
    hand_in("after", 7)
    shown = course.gain()
    assert shown.alt.startswith("Before 4 of 15, after 7 of 15.")
    assert "+3 of 15 questions" in shown.html and f"5 gain {LUCK} or more by luck alone" in shown.html
    line = next(line for line in shown.alt.splitlines() if line.startswith("sure"))
    assert re.split(r"  +", line)[2:] == ["4 of 4, 100%", "7 of 7, 100%"]
    brier = (4 * 0.05**2 + 11 * 0.25**2) / 15
    assert f"{brier:.2f}" in shown.alt


def test_a_loss_is_shown_as_a_loss(a_first):
    hand_in("before", 6)
    hand_in("after", 5)
    assert "−1 of 15 questions" in course.gain().html


def test_luck_is_as_large_as_it_says():
    """If coins decided all answers, the gain would be LUCK questions or more in about 5% of cases."""
    chances = [math.comb(2 * COUNT, COUNT + ahead) / 4**COUNT for ahead in range(COUNT + 1)]
    assert 4.5 < 100 * sum(chances[LUCK:]) < 5.5


def earlier_version():
    entry = {"kind": "test", "answer": "x", "right": True, "tries": 1, "first_tried": "2026-01-01"}
    return {f"test {half} {number}": entry for half in HALVES for number in range(1, 11)}


def test_answers_to_an_earlier_version_are_kept_and_explained(answers_file, a_first, capsys):
    answers_file.write_text(json.dumps(earlier_version()))
    assert "earlier version of this test are kept" in course.gain().alt
    course.test("after")
    assert "earlier version of this test are kept" in capsys.readouterr().out
    asked = Half("before")
    assert "earlier version of this test are kept" in asked.result.value
    assert answers.read().keys() >= earlier_version().keys()


@pytest.mark.parametrize(
    "damaged",
    [
        '{"form": "A", "sure": {"the temperature": 7}}',
        "x",
        "7",
        "[]",
        '{"form": "C"}',
        '{"form": "A", "sure": 3}',
        '{"form": "A", "handed_in": true}',
        '{"form": "A", "more": 1}',
    ],
)
def test_a_damaged_entry_is_as_none(damaged, a_first):
    answers.record("test", "before", damaged)
    assert before_after.sitting("before") is None
    assert before_after.results() == {} and "Not handed in yet" in course.gain().alt
    assert not Half("before").taken.handed_in


# The gain and the statistics of a class


def taken(form, right, rng, texts=("", "")):
    """Returns the stored answers to a form. Each is right with probability `right`."""
    found = Sitting(form, handed_in=True, lessons=3)
    for topic in before_after.topics():
        found.right[topic] = rng.random() < right
        found.chosen[topic] = "x"
        found.sure[topic] = rng.choice(list(SURE.values()))
    found.written = {
        question.about: text for question, text in zip(before_after.written(), texts, strict=True)
    }
    answer = json.dumps(asdict(found))
    return {"kind": "test", "answer": answer, "right": None, "tries": 1, "first_tried": "2026-11-27"}


def write_class(folder, learners, before=0.4, after=0.7, texts=("", "")):
    rng = random.Random(1)
    for number in range(learners):
        forms = FORMS if number % 2 else FORMS[::-1]
        entries = {
            f"test {half}": taken(form, right, rng, texts)
            for half, form, right in zip(HALVES, forms, (before, after), strict=True)
        }
        path = folder / f"anna{number}" / "answers.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(entries))
    return folder


def test_a_class_gets_its_gain_and_statistics_without_names(tmp_path, capsys):
    folder = write_class(tmp_path / "class", 30)
    assert __main__.main(["gain", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "30 learners handed in both forms; 15 had form A first." in out and "anna" not in out
    gained, low, high = map(
        float, re.search(r"Gain: (\S+) questions of 15 \(95% interval (\S+) to (\S+)\)", out).groups()
    )
    assert low < 4.5 < high and low < gained < high  # the true gain is 15 x 0.3 = 4.5 questions
    assert re.search(r"Forms: [AB] gives \d\.\d more than [AB] \(90% interval", out)
    rows = [line for line in out.splitlines() if re.match("[AB]  ", line)]
    assert len(rows) == 2 * COUNT and all("% of 15 (" in row for row in rows)
    assert "I have no answer, I guessed, 25%" in out and "Brier score, mean" in out


def test_few_learners_are_refused_with_a_sentence(tmp_path, capsys):
    folder = write_class(tmp_path / "class", 9)
    (folder / "old.json").write_text(json.dumps(earlier_version()))
    (folder / "half.json").write_text(json.dumps({"test before": taken("A", 0.5, random.Random(2))}))
    assert __main__.main(["gain", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "Both forms of the test are in 9 of the files, and a result needs 10" in said
    assert "an earlier version of the test: 1." in said and "not handed in both forms: 1." in said
    assert "Traceback" not in said


def test_between_10_and_29_learners_have_a_gain_and_no_statistics_of_questions(tmp_path):
    folder = write_class(tmp_path / "class", 12)
    shown = class_gain.report([folder, folder])  # a folder that is given twice counts once
    assert "12 learners handed in both" in shown and "given more than once: 12" in shown
    assert "Statistics of the questions begin at 30 learners" in shown


def test_both_orders_are_needed(tmp_path):
    rng = random.Random(3)
    for number in range(12):
        entries = {"test before": taken("A", 0.4, rng), "test after": taken("B", 0.7, rng)}
        (tmp_path / f"{number}.json").write_text(json.dumps(entries))
    with pytest.raises(CourseError, match=r"Form B came first for 0 of the learners. A result needs 3"):
        class_gain.report([tmp_path])


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(CourseError, match=r"broken\.json can't be read \(it holds no answers as JSON\)"):
        class_gain.report([broken])
    with pytest.raises(CourseError, match="No such file"):
        class_gain.report([tmp_path / "none.json"])
    broken.write_text(json.dumps({"test before": 3, "test after": {"answer": 4}}))
    with pytest.raises(CourseError, match="in 0 of the files"):
        class_gain.report([broken])


def test_files_of_windows_count_and_one_that_is_damaged_stops_no_other(tmp_path, capsys):
    folder = write_class(tmp_path / "class", 10)
    one, other, *_ = folder.rglob("*.json")
    one.write_text(one.read_text(), encoding="utf-8-sig")
    other.write_text(other.read_text(), encoding="utf-16")
    assert __main__.main(["gain", str(folder)]) == 0
    whole = capsys.readouterr().out
    (folder / "cut.json").write_text(one.read_text()[:100])
    (folder / "list.json").write_text("[1, 2]")
    for more in ([], ["--write-answers", str(tmp_path / "sheet.csv")]):
        assert __main__.main(["gain", str(folder), str(tmp_path / "none.json"), *more]) == 1
        out, said = capsys.readouterr()
        named = re.findall(r"^course gain: passed over: (\S+) can't be read \((.+?)\)", said, re.M)
        assert [(Path(file).name, why) for file, why in named] == [
            ("cut.json", "it holds no answers as JSON"),
            ("list.json", "it holds no answers as JSON"),
            ("none.json", "No such file or directory"),
        ]
        assert more or out == whole


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipe.")
def test_a_pipe_that_nobody_writes_is_passed_over(tmp_path):
    os.mkfifo(tmp_path / "answers.json")
    with pytest.raises(CourseError, match="is no file"):
        class_gain.report([tmp_path])


def test_without_files_a_sentence_asks_for_them(capsys):
    assert __main__.main(["gain"]) == 1
    assert "Name the learners' answers files" in capsys.readouterr().err


def test_written_answers_are_scored_blind_and_give_a_gain(tmp_path, capsys):
    folder = write_class(tmp_path / "class", 10, texts=("=1+1 all break", ""))
    sheet = tmp_path / "sheet.csv"
    assert __main__.main(["gain", str(folder), "--write-answers", str(sheet)]) == 0
    assert __main__.main(["gain", str(folder), "--write-answers", str(sheet)]) == 1
    assert "is there already, perhaps with your points" in capsys.readouterr().err
    with sheet.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20 and list(rows[0]) == ["id", "question", "rubric", "answer", "points"]
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert all(row["answer"] == " =1+1 all break" for row in rows)
    assert not any("anna" in value or value in HALVES for row in rows for value in row.values())
    with pytest.raises(CourseError, match="No written answer is in these files"):
        class_gain.to_score([])
    with pytest.raises(CourseError, match="20 of 20 answers without points"):
        class_gain.report([folder], sheet)

    learners, _ = class_gain._learners([folder], None)
    points = {key: 3 if half == "after" else 1 for each in learners for (half, _), key in each.ids.items()}
    # A spreadsheet with German settings writes rows such as "a1b2;3,5", with a semicolon and a decimal comma.
    lines = ["id;points", *(f"{key};{value},5" for key, value in points.items())]
    sheet.write_text("\n".join(lines), encoding="utf-8-sig")
    assert "Gain: 2.0 points of 8 (95% interval 2.0 to 2.0)." in class_gain.report([folder], sheet)
    sheet.write_text("\n".join(lines).replace(";", "\t"), encoding="utf-16")
    assert "Gain: 2.0 points of 8 (95% interval 2.0 to 2.0)." in class_gain.report([folder], sheet)
    for text, says in (
        ("id;points\n", "lacks 20 of 20 answers"),
        ("name,mark\n", "lacks the columns id and points"),
        (
            "\n".join([*lines[:-1], lines[-1].replace("3,5", "5").replace("1,5", "many")]),
            "is no number of points",
        ),
    ):
        sheet.write_text(text)
        with pytest.raises(CourseError, match=says):
            class_gain.report([folder], sheet)
    with pytest.raises(CourseError, match="can't be read"):
        class_gain.report([folder], tmp_path / "none.csv")


# Simulated classes


def test_the_page_shows_what_30_learners_can_detect(capsys):
    assert __main__.main(["gain", "--simulate", "30"]) == 0
    shown = capsys.readouterr().out
    assert shown.strip() in PAGE
    found = [float(share) for share in re.findall(r"(\d+)%", shown)]
    assert found[0] < 5 and all(one <= other for one, other in pairwise(found[:6]))
    assert all(one >= other for one, other in pairwise(found[6:]))


def test_the_simulation_needs_a_class_that_can_be_halved(capsys):
    for number in (9, 31, 402):
        assert __main__.main(["gain", "--simulate", str(number)]) == 1
        assert "give an even number, 10 to 400" in capsys.readouterr().err


def test_the_thresholds_are_as_the_reasons_say():
    assert 80 < statistics.detectable(class_gain.FEWEST, 3).gained < 86
    assert 75 < statistics.detectable(30, class_gain.MARGIN).gained < 86
    low, high = statistics.wilson(class_gain.FEWEST_FOR_QUESTIONS / 2, class_gain.FEWEST_FOR_QUESTIONS)
    assert 33 < high - low < 34
    assert numpy.tanh(numpy.arctanh(0.3) - 1.96 / 27**0.5) == pytest.approx(-0.07, abs=0.01)
    assert numpy.tanh(numpy.arctanh(0.3) + 1.96 / 27**0.5) == pytest.approx(0.60, abs=0.01)
