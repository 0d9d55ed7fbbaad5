"""Tests the front page, index.ipynb: its map of the lessons, its table of competencies, and its imports.

test_before_after.py tests the questions of the test on this page.
"""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lazy import Lazy

import course_utils as course
from course_utils import CourseError, catalog
from course_utils.learning import ai_literacy, answers, claims, course_map, quizzes

nbformat = Lazy("nbformat")

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def answers_file(tmp_path, monkeypatch):
    path = tmp_path / "answers.json"
    monkeypatch.setenv("COURSE_ANSWERS", str(path))
    return path


# The map of the lessons


def test_the_map_follows_the_answers():
    assert "00 Open the box: not begun. 35 + 25 minutes" in course.progress().alt
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
    assert numbers == [name[:2] for name in catalog.lessons()], "see PARTS in course_map.py"
    for name, lesson in catalog.lessons().items():
        assert f"{name[:2]} {lesson.title}: not begun." in course.progress().alt


def test_states_differ_without_colour():
    assert len(set(course_map.STATES.values())) == len(course_map.STATES)
    drawn = course_map.draw({"Part": [("00", "A <b>", "begun", "5 & 6")]}, "Map", "A note")
    assert "A &lt;b&gt;" in drawn.html and drawn.alt == "00 A <b>: begun. 5 & 6\nA note"
    with pytest.raises(KeyError):
        course_map.draw({"Part": [("00", "A", "lost", "")]}, "Map", "A note")


# The competencies, and where the course teaches them


def test_all_17_competencies_have_a_cell_and_an_exercise():
    found = ai_literacy.all_competencies()
    assert list(found) == list(range(1, 18))
    names = {name[:2]: name for name in catalog.lessons()}
    for number, facts in found.items():
        assert number in catalog.lessons()[names[facts.lesson]].competencies, (number, facts.lesson)
        look_up(number, facts)
    assert len({facts.cell for facts in found.values()}) == 17
    assert len({facts.exercise for facts in found.values()}) == 17


def test_each_of_the_19_competences_has_a_cell_and_an_exercise_or_a_reason():
    found = ai_literacy.ailit()
    domains = {"E": 7, "C": 4, "M": 4, "S": 4}
    assert list(found) == [f"{letter}{number + 1}" for letter in domains for number in range(domains[letter])]
    met = {key: facts for key, facts in found.items() if not facts.left_out}
    for key, facts in met.items():
        look_up(key, facts)
    assert len({facts.cell for facts in met.values()}) == len(met)
    assert len({facts.exercise for facts in met.values()}) == len(met)
    shown = course.competencies("AILit")
    page = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    for key, facts in found.items():
        assert facts.name in shown.alt
        if facts.left_out:
            assert not (facts.lesson or facts.cell or facts.done or facts.exercise or facts.missing)
            assert f"- {key} ({facts.name}): {facts.left_out}\n" in page, key


def look_up(key, facts):
    """Assert that a competency has one cell, and an exercise in which the learner writes something."""
    names = {name[:2]: name for name in catalog.lessons()}
    notebook = nbformat.read(ROOT / "notebooks" / f"{names[facts.lesson]}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and facts.cell in cell.source]
    assert len(cells) == 1, (key, facts.cell)
    name = names[f"{int(facts.exercise.partition('.')[0]):02}"]
    solution = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
    headings = [cell.source.partition("\n")[0] for cell in solution.cells]
    below = solution.cells[headings.index(f"## {facts.exercise}") + 1 :]
    task = list(itertools.takewhile(lambda cell: cell.cell_type == "code", below))
    in_words = not below[0].metadata.nbgrader.locked  # the learner writes words here
    assert in_words or any(cell.metadata.nbgrader.solution for cell in task), (key, facts.exercise)


def test_the_table_has_the_competencies_of_every_lesson():
    named = {number for lesson in catalog.lessons().values() for number in lesson.competencies}
    assert named == set(ai_literacy.all_competencies())
    assert "6" in course.competencies(6).alt and "imagine future AI" in course.competencies().html
    with pytest.raises(CourseError, match="There is no competency 18"):
        course.competencies(18)


# The front page, index.ipynb


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
