"""Tests that every exercise accepts right answers only, and that exercises/ matches solutions/.

The stub must fail, the solution and other right answers must pass, and wrong answers must be rejected with a
message that names the mistake. If a task runs a model for long, `make test` tries only some of its answers:
see `tried`.
"""

import contextlib
import io
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import by_commit
import pytest
import remembered
from exercise_runs import started, tables_of
from exercises_table import answers_of, cells_of, table, tasks_of, trial, written_of

from course_utils import catalog
from course_utils.learning.checks import NotYet

ROOT = Path(__file__).parents[2]
TAKE_LONG = ("00", "01", "03", "06", "07", "09", "11", "14", "16")
RARELY = pytest.mark.everything(reason="tries each constant, which takes up to a minute")
# Answers to these tasks take nearly all of the tests' time, because the answers run or train a model.
ASK_FOR_LONG = ("changed-words", "experiment", "tokens-needed", "surprise-with", "no-speech", "right-on")
ASK_FOR_LONG += ("that-measure", "audit", "without-first", "compared", "from-prompt", "teach", "sequence")
LESSONS = [name for name in catalog.lessons() if (ROOT / "solutions" / name).is_dir()]


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request):
    return request.param


@pytest.fixture(scope="module")
def begun(lesson):
    """Yields, for each task of a lesson, the names that exist when a student starts it."""
    names = started(lesson)
    with remembered.computing() if "transformers" in sys.modules else contextlib.nullcontext():
        yield names
    if "torch" in sys.modules:  # set-up cells may switch gradients off for the process
        sys.modules["torch"].set_grad_enabled(True)


@pytest.fixture(autouse=True)
def answers_file(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "answers.json"))
    monkeypatch.setenv("COURSE_SEED", "1")  # with this seed, the hidden inputs are always the same


def outcome(names, answer, check):
    """Runs an answer and its check cell. Returns the check's message, or None if the answer passes."""
    names = dict(names)
    try:
        exec(answer, names)
        exec(check, names)
    except NotYet as message:
        return str(message)
    return None


def test_every_lesson_has_exercises():
    assert list(catalog.lessons()) == LESSONS


def test_the_students_own_checks_come_before_the_hidden_ones(lesson):
    solutions, stubs = cells_of("solutions", lesson), cells_of("exercises", lesson)
    for task in tasks_of(solutions):
        own = stubs[f"{task}-check"].source.strip()
        assert own and solutions[f"{task}-check"].source.startswith(own), task


def test_solution_prints_what_is_stored_and_stub_fails(lesson, begun):
    solutions, stubs = cells_of("solutions", lesson), cells_of("exercises", lesson)
    for task in tasks_of(solutions):
        check, printed = solutions[f"{task}-check"], io.StringIO()
        with contextlib.redirect_stdout(printed):
            assert outcome(begun[task], solutions[task].source, check.source) is None
        stored = [output.text for output in check.outputs if output.output_type == "stream"]
        assert printed.getvalue() == "".join(stored)
        said = outcome(begun[task], stubs[task].source, stubs[f"{task}-check"].source)
        assert "is not written yet" in said


def tried(lesson):
    """Returns the answers to try: one right and one wrong for each task in ASK_FOR_LONG, all for other tasks.

    After a change of the lesson's exercise or solution, all its answers are tried: see by_commit.py. After a
    change of answers.toml, its new answers are tried, too. A change of `course.check` alone needs no further
    answers: more than a thousand answers to other tasks test it.
    """
    answers = answers_of(lesson)
    if by_commit.all_due(f"solutions/{lesson}/{lesson}.ipynb", f"exercises/{lesson}"):
        return answers
    kept = [answer for answer in answers if answer["task"] not in ASK_FOR_LONG]
    file = f"solutions/{lesson}/answers.toml"
    if by_commit.all_due(file):
        before = tomllib.loads(by_commit.text_before(file)).get("answers", [])
        kept += [answer for answer in answers if answer not in before]
    for task, is_wrong in itertools.product(ASK_FOR_LONG, (False, True)):
        alike = [each for each in answers if each["task"] == task and ("says" in each) == is_wrong]
        kept += by_commit.some(f"{lesson} {task} {is_wrong}", alike, 1)
    return [answer for answer in answers if answer in kept]  # each once, in the order of the file


def test_right_answers_pass_and_wrong_ones_get_their_message(lesson, begun):
    """Right answers must pass all checks. Wrong answers must already fail the checks that a student sees."""
    solutions, stubs = cells_of("solutions", lesson), cells_of("exercises", lesson)
    for answer in tried(lesson):
        task = answer["task"]
        whole, own = solutions[f"{task}-check"].source, stubs[f"{task}-check"].source
        said = outcome(begun[task], answer["code"], own if "says" in answer else whole)
        if "says" not in answer:
            assert said is None, f"{task}: a right answer was rejected: {said}\n{answer['code']}"
        else:
            says = trial.message(whole, answer["says"]) or answer["says"]
            assert said and says in said, f"{task}: {said!r} lacks {says!r}\n{answer['code']}"


@pytest.mark.parametrize(
    "lesson",
    [pytest.param(name, marks=RARELY if name[:2] in TAKE_LONG else ()) for name in LESSONS],
    indirect=True,
)
def test_a_table_of_the_shown_inputs_and_a_constant_earn_next_to_nothing(lesson, begun):
    guesses = tables_of(lesson, begun)
    earned = {task: points * guess.share for task, (points, guess) in guesses.items()}
    assert sum(earned.values()) <= 0.02 * sum(points for points, _ in guesses.values()), earned
    for task, (_, guess) in guesses.items():
        assert guess.hidden <= 0.5, f"{task}: the constant {guess.constant!r} passes {guess.hidden:.0%}"


def test_every_task_has_three_right_answers_and_five_named_mistakes(lesson):
    cells, answers = cells_of("solutions", lesson), answers_of(lesson)
    for task in tasks_of(cells):
        mine = [answer for answer in answers if answer["task"] == task]
        assert len({answer["code"] for answer in mine if "says" not in answer}) >= 3, task
        check = cells[f"{task}-check"].source
        named = {trial.message(check, answer["says"]) for answer in mine if "says" in answer} - {None}
        assert len(named) >= 5, f"{task}: only {sorted(named)}"


def test_every_task_has_its_difficulty_and_two_folded_hints(lesson):
    cells = list(cells_of("exercises", lesson).values())
    for index, cell in enumerate(cells):
        grade_id = cell.metadata.nbgrader.grade_id
        if not cell.metadata.nbgrader.solution:
            continue
        text = next(above for above in reversed(cells[:index]) if above.cell_type == "markdown").source
        for part in ("Difficulty ", "importance ", " minutes", " point"):
            assert part in text, f"{grade_id}: {part}"
        # Without the empty line, the hint would be HTML, which shows backticks unchanged.
        assert len(re.findall(r"<details><summary>Hint \d</summary>\n\n", text)) == 2, grade_id
        assert "SOLUTION" not in cell.source
        if cell.cell_type == "code":
            assert "->" in cell.source.split('"""')[0], f"{grade_id}: no types on the stub"
            assert "HIDDEN" not in cells[index + 1].source
        else:
            assert cell.source == "YOUR ANSWER HERE" and "<summary>How it is marked</summary>" in text, (
                grade_id
            )


def test_points_add_up_to_what_the_first_cell_says(lesson):
    cells = cells_of("exercises", lesson).values()
    points = sum(cell.metadata.nbgrader.get("points", 0) for cell in cells)
    assert f"{points} points" in next(iter(cells)).source


def test_the_table_of_exercises_is_up_to_date():
    kept = (ROOT / "docs" / "exercises.md").read_text(encoding="utf-8")
    assert kept == table(), "run `make exercises`: docs/exercises.md is out of step with solutions/"


def nbgrader(folder, *arguments):
    """Runs one of nbgrader's commands, with the programs of this Python on the PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "nbgrader", *arguments]
    result = subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.fixture(scope="module")
def course_folder(tmp_path_factory):
    """Returns a folder with a copy of solutions/, and with nbgrader's student versions and gradebook."""
    folder = tmp_path_factory.mktemp("course")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copytree(
        ROOT / "solutions", folder / "solutions", ignore=shutil.ignore_patterns(".ipynb_checkpoints")
    )
    nbgrader(folder, "generate_assignment", "--assignment=*")
    return folder


def test_the_exercises_are_up_to_date(course_folder):
    made, kept = (
        {
            path.relative_to(top): path.read_bytes()
            for path in (top / "exercises").rglob("*")
            if path.is_file()
        }
        for top in (course_folder, ROOT)
    )
    kept = {path: text for path, text in kept.items() if ".ipynb_checkpoints" not in path.parts}
    assert made == kept, "run `make exercises`: exercises/ is out of step with solutions/"


@pytest.mark.everything(reason="runs each solution again, through nbgrader")
def test_nbgrader_gives_the_solution_all_points_and_the_stub_none(lesson, course_folder, quick_kernels):
    from nbgrader.api import Gradebook

    for student, folder in (("solved", "solutions"), ("untouched", "exercises")):
        submitted = course_folder / "submitted" / student / lesson
        submitted.mkdir(parents=True)
        shutil.copy(course_folder / folder / lesson / f"{lesson}.ipynb", submitted)
    nbgrader(course_folder, "autograde", lesson)
    with Gradebook(f"sqlite:///{course_folder / 'gradebook.db'}") as gradebook:
        solved, untouched = (gradebook.find_submission(lesson, who) for who in ("solved", "untouched"))
        cells = cells_of("solutions", lesson)
        by_hand = sum(cells[question].metadata.nbgrader.points for question in written_of(cells))
        assert solved.score == solved.max_score - by_hand > 0
        assert untouched.score == 0
