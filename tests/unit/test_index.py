"""Tests the front page: the test before and after, the gain, pooled results, the map, the competencies."""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lazy import Lazy

import course_utils as course
from course_utils import CourseError, __main__, catalog
from course_utils.learning import ai_literacy, answers, before_after, claims, course_map, quizzes
from course_utils.learning.before_after import HALVES, UNSURE, Half

ipywidgets = Lazy("ipywidgets")
nbformat = Lazy("nbformat")

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def answers_file(tmp_path, monkeypatch):
    path = tmp_path / "answers.json"
    monkeypatch.setenv("COURSE_ANSWERS", str(path))
    return path


def hand_in(half, right):
    """Hands in one half of the test, with the first `right` answers right and the others unsure."""
    asked = Half(half)
    for number, (item, question) in enumerate(zip(asked.items, asked.questions, strict=True)):
        question.field.value = item.right.text if number < right else UNSURE
    asked.button.click()
    return asked


# The questions


def test_ten_pairs_ask_about_the_same_ideas_with_other_facts():
    tables = catalog.tomllib.loads((quizzes.FOLDER / "test.toml").read_text(encoding="utf-8"))
    before, after = (tables[half] for half in HALVES)
    assert len(before) == len(after) == 10
    assert [item["about"] for item in before] == [item["about"] for item in after]
    assert len(set(before_after.topics())) == 10
    for one, other in zip(before, after, strict=True):
        assert one["text"] != other["text"]
        assert len(one["choices"]) == len(other["choices"]) == 3
        # Similar lengths, so that reading makes neither half harder.
        lengths = [len(item["text"]) + sum(len(c["text"]) for c in item["choices"]) for item in (one, other)]
        assert max(lengths) / min(lengths) < 1.5, one["about"]


def test_no_answer_is_given_away_before_the_second_half():
    for half in HALVES:
        stored = Half(half)._repr_mimebundle_()
        for item in quizzes.load(f"test-{half}"):
            for choice in item.choices:
                assert choice.why not in stored["text/html"]
        assert "✓" not in stored["text/html"] and "right" not in stored["text/plain"]
    first = hand_in("before", 4)
    assert "4 of 10 right" in first.result.value and not any(
        question.reply.value for question in first.questions
    )


def test_every_question_brings_the_script_for_keyboards_and_screen_readers():
    for question in Half("before").questions:
        (script,) = [part for part in question.widget.children if isinstance(part, ipywidgets.Output)]
        assert "courseForEveryone" in script.outputs[0]["data"]["application/javascript"]


def test_a_half_is_handed_in_whole_and_once():
    asked = Half("before")
    asked.questions[0].field.value = UNSURE
    asked.button.click()
    assert "Still without an answer: 2, 3, 4, 5, 6, 7, 8, 9, 10" in asked.result.value
    assert before_after.results() == {}
    hand_in("before", 3)
    again = Half("before")
    assert (
        all(question.field.disabled for question in again.questions) and again.button.layout.display == "none"
    )
    assert before_after.results() == {"before": 3 * [True] + 7 * [False]}


def test_the_second_half_explains_every_answer():
    asked = hand_in("after", 9)
    assert "✓" in asked.questions[0].reply.value and asked.items[0].choices
    assert f"The answer: {asked.items[9].right.text}." in asked.questions[9].reply.value


# The gain


def test_the_gain_of_one_learner():
    assert course.gain().alt == "Not handed in yet: the test before and the test after the course."
    hand_in("before", 4)
    assert course.gain().alt == "Not handed in yet: the test after the course."
    hand_in("after", 7)
    shown = course.gain()
    assert shown.alt.startswith("Before 4 of 10, after 7 of 10. Of 6 that were open, 50% gained.")
    assert "+3 of 10 questions" in shown.html and "one more or less may be chance" in shown.html


def test_a_loss_is_shown_as_a_loss():
    hand_in("before", 6)
    hand_in("after", 5)
    assert "−1 of 10 questions" in course.gain().html and "gained" not in course.gain().alt


@pytest.fixture
def learners(tmp_path):
    """Returns a folder with six learners' files: five with both halves, one with only the first."""
    folder = tmp_path / "class"
    for number, (before, after) in enumerate([(2, 6), (4, 4), (0, 10), (7, 6), (5, 9), (3, None)]):
        found = {}
        for half, right in (("before", before), ("after", after)):
            for at in range(10) if right is not None else ():
                found[f"test {half} {at + 1}"] = {"kind": "test", "answer": "x", "right": at < right}
        path = folder / f"anna{number}" / "answers.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(found))
    return folder


def test_a_class_is_pooled_without_names(learners, capsys):
    assert __main__.main(["gain", str(learners)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "about,learners,right before,right after,gained,lost"
    assert lines[1] == "what open means,5,4,5,1,0"  # only learner 3 had it wrong before
    assert lines[-1] == "all questions,50,18,35,18,1" and len(lines) == 12
    assert "anna" not in "".join(lines) and str(learners) not in "".join(lines)


def test_few_learners_are_not_pooled(learners, capsys):
    one = learners / "anna0" / "answers.json"
    assert __main__.main(["gain", str(one)]) == 1
    assert "Both halves of the test are in 1 of the files, and a table needs 5" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(CourseError, match=r"broken\.json can't be read \(it is not JSON\)"):
        before_after.pool([broken])
    with pytest.raises(CourseError, match="No such file"):
        before_after.pool([tmp_path / "none.json"])
    odd = tmp_path / "odd.json"
    odd.write_text(json.dumps([1, 2]))
    with pytest.raises(CourseError, match="in 0 of the files"):
        before_after.pool([odd])


def test_there_are_two_halves():
    with pytest.raises(CourseError, match="The test has no half 'during': ask for 'before' or 'after'"):
        course.test("during")


# The map


def test_the_map_follows_the_answers():
    assert "00 Open the box: not begun. 30 minutes" in course.progress().alt
    answers.record("predict", "00-weights-file", 500)
    answers.record("check", "0.1", "4", right=True)
    assert "00 Open the box: begun. 1 predictions · quiz 0 of " in course.progress().alt
    assert "1 tasks solved" in course.progress().alt
    for item in quizzes.load("00"):
        answers.record("quiz", f"00: {item.text}", "x", right=True)
    shown = course.progress()
    assert "00 Open the box: quiz done." in shown.alt
    settled = len(catalog.lessons()["00_open_the_box"].claims)
    assert f"Lessons whose quiz is done settle {settled} of {len(catalog.claims())} claims." in shown.alt


def test_every_lesson_is_a_station():
    numbers = [number for part in course_map.PARTS.values() for number in part]
    assert numbers == [f"{number:02}" for number in range(17)]
    for name, lesson in catalog.lessons().items():
        assert f"{name[:2]} {lesson.title}: not begun." in course.progress().alt


def test_states_differ_without_colour():
    assert len(set(course_map.STATES.values())) == len(course_map.STATES)
    drawn = course_map.draw({"Part": [("00", "A <b>", "begun", "5 & 6")]}, title="Map")
    assert "A &lt;b&gt;" in drawn.html and drawn.alt == "00 A <b>: begun. 5 & 6"
    with pytest.raises(KeyError):
        course_map.draw({"Part": [("00", "A", "lost", "")]})


# The competencies


def test_all_17_competencies_have_a_cell_and_an_exercise():
    found = ai_literacy.all_competencies()
    assert list(found) == list(range(1, 18))
    names = {name[:2]: name for name in catalog.lessons()}
    for number, facts in found.items():
        lesson = catalog.lessons()[names[facts.lesson]]
        assert number in lesson.competencies, (number, facts.lesson)
        notebook = nbformat.read(ROOT / "notebooks" / f"{lesson.name}.ipynb", as_version=4)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code" and facts.cell in cell.source]
        assert len(cells) == 1, (number, facts.cell)
        name = names[f"{int(facts.exercise.partition('.')[0]):02}"]
        solution = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
        headings = [cell.source.partition("\n")[0] for cell in solution.cells]
        below = solution.cells[headings.index(f"## {facts.exercise}") + 1 :]
        task = list(itertools.takewhile(lambda cell: cell.cell_type == "code", below))
        in_words = not below[0].metadata.nbgrader.locked  # the learner writes into this cell
        assert in_words or any(cell.metadata.nbgrader.solution for cell in task), (number, facts.exercise)
    assert len({facts.cell for facts in found.values()}) == 17
    assert len({facts.exercise for facts in found.values()}) == 17


def test_the_table_has_the_competencies_of_every_lesson():
    named = {number for lesson in catalog.lessons().values() for number in lesson.competencies}
    assert named == set(ai_literacy.all_competencies())
    assert "6" in course.competencies(6).alt and "imagine future AI" in course.competencies().html
    with pytest.raises(CourseError, match="There is no competency 18"):
        course.competencies(18)


# The page


def test_the_front_page_is_light():
    """The front page opens at once, because it imports neither torch nor transformers."""
    notebook = nbformat.read(ROOT / "notebooks" / "index.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    code = re.sub(r"    %pip.*", "", code)
    heavy = "'torch', 'transformers', 'matplotlib'"
    program = f"{code}\nimport sys\nprint(sorted({{{heavy}}} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "[]"


def test_the_stored_front_page_is_up_to_date():
    notebook = nbformat.read(ROOT / "notebooks" / "index.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and not cell.source.startswith("course.test("):
            name = re.findall(r"^course\.(\w+)\(\)$", cell.source, re.M)[0]
            assert cell.outputs[0].data["text/html"] == getattr(course, name)().html, (
                f"store it again: {name}"
            )


def test_the_front_page_links_to_the_article():
    notebook = nbformat.read(ROOT / "notebooks" / "index.ipynb", as_version=4)
    assert f"[{claims.ARTICLE}]({claims.ARTICLE_ADDRESS}) ({claims.ARTICLE_FROM})" in notebook.cells[0].source


def test_a_route_states_its_hours(monkeypatch):
    known = {name[:2] for name in catalog.lessons()}
    for route in course_map.ROUTES:
        assert set(route.lessons) <= known, route.title
    assert set(course_map.ROUTES[0].lessons) == known
    for minutes, hours in ((30, "about ½ hour"), (60, "about 1 hour"), (100, "about 1½ hours")):
        route = course_map.Route("", "", ("00",), minutes=minutes)
        assert route.hours == hours
