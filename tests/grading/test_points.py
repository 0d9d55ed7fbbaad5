"""Tests that points follow from the work: a mistake costs only its task's points, and a helper cell none."""

import copy
import csv
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from lazy import Lazy
from programs import needs

from course_utils.__main__ import main
from course_utils.errors import CourseError
from course_utils.grading.output import locked
from course_utils.grading.register import Register
from course_utils.statistics import wilson

pytestmark = pytest.mark.usefixtures("shared_sandbox")

nbformat = Lazy("nbformat")
nbgrader = Lazy("nbgrader.api")
assignments = Lazy("course_utils.grading.assignment")
batch = Lazy("course_utils.grading.batch")
found = Lazy("course_utils.grading.answers")
graded_module = Lazy("course_utils.grading.graded")
judge = Lazy("course_utils.grading.judge")
similarity = Lazy("course_utils.grading.similarity")
stored = Lazy("course_utils.grading.result")

DOUBLE = "def double(x):\n    return 2 * x"
TOTAL = "def total(xs):\n    return sum(map(double, xs))"
SLIP = "def double(x):\n    return 2 * x + 1"
READS_THE_PROCESS = """
def total(xs):
    import gc
    return [str(each) for each in gc.get_objects() if isinstance(each, dict) and "4711" in str(each)]
"""


def cell(kind, name, source, **facts):
    facts = {"grade_id": name, "grade": False, "solution": False, "task": False, "schema_version": 3} | facts
    make = getattr(nbformat.v4, f"new_{kind}_cell")
    return make(source, metadata={"nbgrader": facts}, id=name)


def instructors():
    """Return an instructor's notebook: two tasks, of which one uses the other, and a task graded by hand."""
    double = "def double(x):\n    # BEGIN SOLUTION\n    return 2 * x  # 4711\n    # END SOLUTION"
    total = f"{TOTAL}  # 4711"  # this cell has no markers, so nbgrader removes all of it
    check = (
        'course.check("1", double, (2,), 4, mistakes={"you added 1.": 5})\n'
        '  ###BEGIN HIDDEN TESTS \ncourse.check("1", double, (7.5,), 15)\n# --- END HIDDEN TESTS'
    )
    further = 'course.check("2", total, ([1, 2],), 6)\n#BEGIN HIDDEN TESTS\n'
    further += 'course.check("2", total, ([1, 2, 4],), 14)\n# END HIDDEN TESTS'
    drawing = "## 3 · Draw\nDraw it.\n=== BEGIN MARK SCHEME ===\nfour for beauty\n=== END MARK SCHEME ==="
    return nbformat.v4.new_notebook(
        cells=[
            cell("code", "setup", "import course_utils as course"),
            cell("code", "double", double, solution=True),
            cell("code", "double-check", check, grade=True, points=2),
            cell("code", "total", total, solution=True),
            cell("code", "total-check", further, grade=True, points=4),
            cell("markdown", "drawing", drawing, task=True, points=4),
        ]
    )


def handed_in(assignment, answers, below):
    """Return a student's notebook as JSON.

    answers : source by grade id; None deletes the cell
    below : the sources of cells that the student added, by the grade id of the cell above
    """
    cells = []
    for given in assignment.notebook.cells:
        name = assignments.grade_id(given)
        source = assignments.without_hidden(given.source)
        source = answers.get(name, assignment.answers.get(name, source))
        if source is not None:
            cells.append(copy.deepcopy(given) | {"source": source})
        for source in below.get(name, ()):
            kind = "markdown" if name == "drawing" else "code"
            cells.append({"cell_type": kind, "source": source, "metadata": {}})
    return json.dumps(dict(assignment.notebook) | {"cells": cells})


RIGHT = {"double": DOUBLE, "total": TOTAL}
HELPER = {"double": "def double(x):\n    return 2 * one(x)"}
# {student: (answers, added cells by the id of the cell above, points of the first two tasks)}
STUDENTS = {
    "right": (RIGHT, {}, (2, 4)),
    "untouched": ({}, {}, (0, 0)),
    "slip": (RIGHT | {"double": SLIP}, {}, (0, 4)),
    "slip_in_a_helper": (RIGHT | HELPER, {"double": ["def one(x):\n    return x + 1"]}, (0, 4)),
    "one_value": (RIGHT | {"double": "def double(x):\n    return 4"}, {}, (0, 4)),
    "slip_twice": ({"double": SLIP, "total": TOTAL + " + 1"}, {}, (0, 0)),
    "earlier_ends_python": (RIGHT | {"double": "import os; os._exit(3)"}, {}, (0, 4)),
    "reads_the_process": ({"double": SLIP, "total": READS_THE_PROCESS}, {}, (0, 0)),
    "deleted": (RIGHT | {"double": None}, {}, (0, 4)),
    "deleted_the_second": (RIGHT | {"total": None}, {}, (2, 0)),
    "emptied": (RIGHT | {"total": ""}, {}, (2, 0)),
    "below_the_stub": ({"total": TOTAL}, {"double": [DOUBLE]}, (2, 4)),
    "helper_between": (RIGHT | HELPER, {"double": ["def one(x):\n    return x"]}, (2, 4)),
    "check_deleted": ({"double": DOUBLE, "total-check": None}, {"total": [TOTAL]}, (2, 4)),
    "below_its_check": ({"double": DOUBLE}, {"total-check": [TOTAL]}, (2, 0)),
    "drew": (RIGHT, {"drawing": ["my <b>drawing</b>", "and more"]}, (2, 4)),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Return {student: result}, and the folder of the grades."""
    folder = tmp_path_factory.mktemp("points")
    path, out = folder / "two.ipynb", folder / "out"
    nbformat.write(instructors(), path)
    assignment = assignments.Assignment(path)
    (folder / "in").mkdir()
    for name, (answers, below, _) in STUDENTS.items():
        (folder / "in" / f"{name}.ipynb").write_text(handed_in(assignment, answers, below))
    return {each.student: each for each in batch.grade(str(path), folder / "in", out, seconds=60)}, out


@needs("bubblewrap")
def test_a_mistake_is_named_only_if_it_explains_the_further_inputs_too(tmp_path):
    check = (
        'course.check("1", double, (2,), 4, mistakes={"you added 1.": lambda x: x + 1}, also=((5,), (0,)))'
    )
    book = nbformat.v4.new_notebook(
        cells=[
            cell("code", "setup", "import course_utils as course"),
            cell("code", "double", DOUBLE, solution=True),
            cell("code", "double-check", check, grade=True, points=2),
        ]
    )
    nbformat.write(book, tmp_path / "one.ipynb")
    assignment = assignments.Assignment(tmp_path / "one.ipynb")
    (tmp_path / "in").mkdir()
    written = {"adds": "x + 1", "constant": "3", "first_only": "x + 1 if x < 5 else 1 / 0", "right": "x + x"}
    for name, value in written.items():
        answers = {"double": f"def double(x):\n    return {value}"}
        (tmp_path / "in" / f"{name}.ipynb").write_text(handed_in(assignment, answers, {}))
    results = batch.grade(str(tmp_path / "one.ipynb"), tmp_path / "in", tmp_path / "out", seconds=60)
    verdicts = {each.student: each.tasks[0].checks[0] for each in results}
    assert {name: each.mistake for name, each in verdicts.items()} == dict.fromkeys(written, "") | {
        "adds": "you added 1."
    }
    assert [name for name, each in verdicts.items() if each.passed] == ["right"]
    assert "3" in verdicts["constant"].says and "4" in verdicts["constant"].says


def test_a_mistake_is_counted_under_its_own_message_if_the_input_changed_too():
    expected = judge._Expected("grow([1])", "", 1, {"that is one more.": [2]}, 1e-6)
    verdict = judge._verdict(False, {"value": 2, "changed": True}, expected, set())
    assert verdict.mistake == "that is one more."
    assert verdict.says == "that is one more. And your function changed its input: work on a copy of it."


@needs("bubblewrap")
def test_one_slip_costs_one_task_and_honest_habits_cost_nothing(graded):
    results, _ = graded
    points = {name: tuple(task.score for task in result.tasks[:2]) for name, result in results.items()}
    assert points == {name: wanted for name, (_, _, wanted) in STUDENTS.items()}
    again = {name for name, result in results.items() if result.tasks[1].again}
    assert again == {"slip", "one_value", "slip_in_a_helper", "earlier_ends_python", "deleted"}
    assert "in a cell below its check" in results["below_its_check"].notes[0]
    assert not any(result.notes for name, result in results.items() if name in ("right", "helper_between"))


@needs("bubblewrap")
def test_right_earlier_answers_are_never_shown(graded):
    files = [file for file in graded[1].rglob("*") if file.suffix in (".html", ".json", ".csv")]
    assert len(files) > 2 * len(STUDENTS)
    assert [file.name for file in files if "# 4711" in file.read_text()] == []


@needs("bubblewrap")
def test_the_page_says_what_to_do_next(graded):
    def steps(name):
        page = (graded[1] / "feedback" / "two" / f"{name}.html").read_text()
        assert "{" in page.split("</style>")[0] and "&lt;svg" not in page
        return re.findall(
            r"<li>(?:<a href=.#task(\d)...+?</a>: )?([A-Z].+?)</li>", page.split("</section>")[0]
        )

    again = ("", "Then restart the kernel, run all cells from the top, save, and hand in again.")
    missing = ("3", "Write your answer: there is none yet.")
    code = "Write your code in place of the line raise NotImplementedError()."
    assert steps("drew") == []
    assert steps("right") == [missing, again]
    assert steps("untouched") == [("1", code), ("2", code), missing, again]
    (number, change), *others = steps("slip")
    assert number == "1" and change.startswith("Change your answer") and others == [missing, again]
    assert [step for number, step in steps("one_value") if number == "1"][0].startswith(
        "Every check that you can"
    )
    drew = (graded[1] / "feedback" / "two" / "drew.html").read_text()
    assert "Every check passes. Your instructor still reads" in drew


@needs("bubblewrap")
def test_a_task_of_nbgrader_counts_and_a_person_gives_its_points(graded):
    results, out = graded
    assert {result.points for result in results.values()} == {10}
    assert results["drew"].tasks[2].waits
    page = (out / "feedback" / "two" / "drew.html").read_text()
    assert "my &lt;b&gt;drawing" in page and "and more" in page and "beauty" not in page
    book = nbformat.read(out / "autograded" / "drew" / "two" / "two.ipynb", as_version=4)
    assert "my <b>drawing</b>" in book.cells[-1].source and book.cells[-1].source.startswith("~~~~")
    with nbgrader.Gradebook(f"sqlite:///{out / 'gradebook.db'}") as gradebook:
        assert gradebook.find_assignment("two").max_score == 10
        grade = gradebook.find_grade("drawing", "two", "two", "drew")
        assert grade.needs_manual_grade and grade.max_score == 4


def test_an_answer_in_words_may_go_on_in_cells_below(tmp_path):
    book = instructors()
    book.cells.insert(3, cell("markdown", "why", "Because.", solution=True, grade=True, points=2))
    nbformat.write(book, tmp_path / "two.ipynb")
    assignment = assignments.Assignment(tmp_path / "two.ipynb")
    assert assignment.answers["why"] == "YOUR ANSWER HERE" and assignment.points == 12

    def text(answer, *sources):
        notebook = json.loads(handed_in(assignment, RIGHT | {"why": answer}, {}))
        at = next(i for i, each in enumerate(notebook["cells"]) if each["id"] == "double-check")
        at += answer is not None
        added = [{"cell_type": "markdown", "source": source, "metadata": {}} for source in sources]
        code = {"cell_type": "code", "source": "print(1)", "metadata": {}}
        notebook["cells"][at + 1 : at + 1] = [*added, code]
        return found.find(json.dumps(notebook).encode(), assignment)

    assert text("YOUR ANSWER HERE", "It doubles.", "Twice.").texts["why"] == "It doubles.\n\nTwice."
    assert text("It doubles.", "Twice.").texts["why"] == "It doubles.\n\nTwice."
    assert text("YOUR ANSWER HERE").texts["why"] == "YOUR ANSWER HERE"
    assert text("It doubles.", "Twice.").before["total"] == ["print(1)"]
    lost = text(None)
    assert lost.texts["why"] == "" and any("'why' is missing" in note for note in lost.notes)


LOOP = "tried = [1, 2]\nfor x in tried:\n    print(x, double(x))"


@pytest.mark.parametrize(
    ("shows", "total", "executed"),
    [
        (LOOP, TOTAL, False),
        ("def twice(x):\n    return double(double(x))\n\n\n" + LOOP, TOTAL, False),
        ("rows = {}\nrows['a'] = double(1)\ncourse.views.table([rows])", TOTAL, False),
        (LOOP, TOTAL + "\n\nprint([x for x in range(3)])", False),
        (LOOP, "def total(tried):\n    return sum(2 * x for x in tried)", False),
        (LOOP, "def total(xs):\n    return sum(map(double, xs)) + len(tried)", True),
        (LOOP, "tried += [3]\n" + TOTAL, True),
        (LOOP, "del tried\n" + TOTAL, True),
        (LOOP, TOTAL + "\n\nglobals()['tri' + 'ed']", True),
        (LOOP, TOTAL + "\n\nprint(Out)", True),
        (LOOP, "not Python: tried", True),
        (LOOP, TOTAL + "\n" + "x = 1\n" * 20_000, True),
        ("import random\nprint(random.random())", TOTAL, True),
        ("course.shared = 1\nprint(1)", TOTAL, True),
        ("course.setup()", TOTAL, True),
        ("rows = []\ncourse.rows.append(rows)", TOTAL, True),
        ("for x in [1]:\n    global y", TOTAL, True),
    ],
)
def test_a_cell_that_only_shows_something_is_executed_only_if_its_names_are_used(
    shows, total, executed, tmp_path
):
    book = instructors()
    book.cells.insert(3, cell("code", "shows", shows))
    nbformat.write(book, tmp_path / "two.ipynb")
    assignment = assignments.Assignment(tmp_path / "two.ipynb")
    cells = assignment.cells(RIGHT | {"total": total}, {})
    assert ("shows" in [each["name"] for each in cells]) is executed
    assert [each["name"] for each in cells if each["role"] != "given"] == [
        "double",
        "double-check",
        "total",
        "total-check",
    ]
    own = assignment.cells(RIGHT, {"total-check": [total]})
    assert ("shows" in [each["name"] for each in own]) is executed


def test_a_cell_that_an_instructors_answer_or_a_hidden_check_uses_is_executed(tmp_path):
    for name, source in (("total", f"{TOTAL} + len(tried[2:])"), ("total-check", "")):
        book = instructors()
        book.cells.insert(3, cell("code", "shows", LOOP))
        at = next(each for each in book.cells if each.id == name)
        at.source = source or at.source.replace("([1, 2, 4],)", "([*tried, 4],)")
        nbformat.write(book, tmp_path / "two.ipynb")
        cells = assignments.Assignment(tmp_path / "two.ipynb").cells(RIGHT, {})
        assert "shows" in [each["name"] for each in cells]


@needs("bubblewrap")
def test_if_the_notebook_needs_a_cell_that_seemed_to_show_something_all_are_executed(tmp_path):
    book = instructors()
    check = 'course.check("2", total, (box,), 10)'
    next(each for each in book.cells if each.id == "total-check").source = check
    book.cells.insert(3, cell("code", "box", "box = []"))
    book.cells.insert(4, cell("code", "fills", "nothing = box.append(5)\nprint(box)"))
    nbformat.write(book, tmp_path / "two.ipynb")
    assignment = assignments.Assignment(tmp_path / "two.ipynb")
    assert "fills" not in [each["name"] for each in assignment.cells(RIGHT, {})]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ann.ipynb").write_text(handed_in(assignment, RIGHT, {}))
    (result,) = batch.grade(str(tmp_path / "two.ipynb"), tmp_path / "in", tmp_path / "out", seconds=60)
    assert [task.score for task in result.tasks[:2]] == [2, 4]


def read(tmp_path, **sources):
    book = instructors()
    for each in book.cells:
        each.source = sources.get(each.id.replace("-", "_"), each.source)
    nbformat.write(book, tmp_path / "two.ipynb")
    return assignments.Assignment(tmp_path / "two.ipynb")


@pytest.mark.parametrize(
    "begin", ["# BEGIN HIDDEN TESTS", "###BEGIN HIDDEN TESTS", "\t## -- BEGIN HIDDEN TESTS  "]
)
@pytest.mark.parametrize("end", ["#END HIDDEN TESTS", "  # END HIDDEN TESTS #"])
def test_markers_are_read_in_every_spelling_of_nbgrader(begin, end, tmp_path):
    from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearSolutions

    hidden = f'course.check("1", double, (2,), 4)\n{begin}\ncourse.check("1", double, (48,), 96)\n{end}\n'
    solution = begin.replace("HIDDEN TESTS", "SOLUTION"), end.replace("HIDDEN TESTS", "SOLUTION")
    double = f"def double(x):\n{solution[0]}\n    return 2 * x\n{solution[1]}"
    assignment = read(tmp_path, double_check=hidden, double=double)
    task = assignment.tasks["double-check"]
    assert len(task.checks) == 2 and len(task.hidden_checks) == 1
    assert "48" in task.hidden and "48" not in task.visible
    book = copy.deepcopy(assignment.notebook)
    for preprocessor in (ClearSolutions(), ClearHiddenTests(), ClearMarkScheme()):
        preprocessor.preprocess(book, {})
    for each in book.cells:
        stub = assignments.without_hidden(each.source)
        assert each.source == assignment.answers.get(each.id, stub)


@needs("bubblewrap")
def test_the_analysis_counts_failures_and_known_mistakes(graded, capsys):
    _, out = graded
    assert main(["analyse", str(out)]) == 0
    assert str(out / "analysis" / "two.html") in capsys.readouterr().out
    with (out / "analysis" / "two.csv").open() as file:
        rows = list(csv.DictReader(file))
    first, _, total = rows[0], rows[1], rows[2]
    failed = {name for name, (answers, below, points) in STUDENTS.items() if points[0] < 2}
    written = {
        name for name, (answers, below, _) in STUDENTS.items() if answers.get("double") or below.get("double")
    }
    assert first["task"] == "double-check" and int(first["wrote an answer"]) == len(written)
    assert set(first["failed for"].split()) == failed & written - {"one_value"}
    assert int(first["failed"]) == len(failed & written) - 1
    low, high = wilson(int(first["failed"]), len(written))
    assert (first["95% from"], first["95% to"]) == (f"{low:.1f}", f"{high:.1f}")
    slips = [name for name in STUDENTS if "slip" in name or name == "reads_the_process"]
    assert first["most frequent mistake"] == "you added 1." and int(first["made it"]) >= len(slips) - 1
    assert total["task"] == "total-check" and float(total["discrimination"]) <= 1
    page = (out / "analysis" / "two.html").read_text()
    assert "<script" not in page and "judged with right earlier answers" in page
    assert "you added 1." in page and "one_value" in page


@needs("bubblewrap")
def test_points_for_written_answers_come_back_from_a_spreadsheet(graded, capsys, tmp_path):
    results, out = graded
    assert main(["read-answers", str(out), "two"]) == 0
    page, table = map(Path, capsys.readouterr().out.split())
    assert "four for beauty" in page.read_text() and "my &lt;b&gt;drawing" in page.read_text()
    assert not any(name in page.read_text() for name in STUDENTS if len(name) > 8)
    with table.open() as file:
        (row,) = csv.DictReader(file)
    assert row["answer"].startswith("my <b>drawing") and row["points"] == ""
    # An answer's id is made with the folder's secret. Otherwise anyone with the class list could compute all
    # ids.
    folder, elsewhere = Register(out), Register(tmp_path)
    assert row["id"] == folder.pseudonym("drew", "drawing") != elsewhere.pseudonym("drew", "drawing")
    assert hashlib.sha256(b"drawing drew").hexdigest()[:10] != row["id"]

    def entered(points, id_=row["id"]):
        (tmp_path / "p.csv").write_text(
            f"id;points;comment\n{id_};{points};'=well seen\n", encoding="utf-8-sig"
        )
        return main(["read-answers", str(out), "two", "--enter", str(tmp_path / "p.csv")])

    for points, id_, sentence in (
        ("5", row["id"], "from 0 to 4"),
        ("nan", row["id"], "from 0 to 4"),
        ("1", "x", "no answer"),
        ("1", elsewhere.pseudonym("drew", "drawing"), "copy your points"),
    ):
        assert entered(points, id_) == 1
        assert sentence in capsys.readouterr().err
    assert entered("3,5") == 0
    again = batch.grade(str(out.parent / "two.ipynb"), out.parent / "in", out, seconds=60)
    drew = next(result for result in again if result.student == "drew")
    assert drew.tasks[2].score == 3.5 and not drew.tasks[2].waits and drew.tasks[2].comment == "=well seen"
    assert "=well seen" in (out / "feedback" / "two" / "drew.html").read_text()


@needs("bubblewrap")
def test_a_result_from_before_a_task_was_added_or_removed_stops_no_page(graded, tmp_path, capsys):
    pytest.importorskip("copydetect")
    out = tmp_path / "out"
    shutil.copytree(graded[1], out)
    path = out / "results" / "two" / "right.json"
    result = json.loads(path.read_text())
    result["tasks"] = [result["tasks"][0], result["tasks"][1] | {"task": "removed since"}]
    path.write_text(json.dumps(result))
    for command in ("analyse", "similar", "read-answers"):
        assert main([command, str(out)]) == 0, capsys.readouterr().err
    with (out / "analysis" / "two.csv").open() as file:
        assert {row["task"] for row in csv.DictReader(file)} == {"double-check", "total-check"}


@needs("bubblewrap")
@pytest.mark.parametrize("command", ["analyse", "similar", "read-answers"])
def test_nothing_is_written_while_another_command_writes(command, graded, capsys):
    _, out = graded
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    with locked(out):
        assert main([command, str(out)]) == 1
    assert "is at work in" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


@needs("bubblewrap")
def test_a_plan_that_is_no_longer_true_is_not_carried_out(graded):
    _, out = graded

    def another_run_ends_first(plan):
        register = Register(out)
        register.students["new"] = register.students["drew"]
        register.save()
        return True

    before = (out / "students.json").read_text()
    with pytest.raises(CourseError, match="has changed since the plan was made"):
        batch.grade(str(out.parent / "two.ipynb"), out.parent / "in", out, confirm=another_run_ends_first)
    (out / "students.json").write_text(before)


@needs("bubblewrap")
def test_one_student_or_one_task_is_graded_again(graded):
    results, out = graded
    sheet, handed = str(out.parent / "two.ipynb"), out.parent / "in"
    stored = out / "results" / "two"
    before = {file.stem: file.stat().st_mtime_ns for file in stored.glob("*.json")}
    batch.grade(sheet, handed, out, seconds=60, only=["slip"])
    after = {file.stem: file.stat().st_mtime_ns for file in stored.glob("*.json")}
    assert {name for name in before if before[name] != after[name]} == {"slip"}
    changed = json.loads((stored / "slip.json").read_text())
    for task in changed["tasks"][:2]:
        task["score"] = 1
    (stored / "slip.json").write_text(json.dumps(changed))
    batch.grade(sheet, handed, out, seconds=60, only=["slip", "total-check"])
    tasks = json.loads((stored / "slip.json").read_text())["tasks"]
    assert [task["score"] for task in tasks] == [1, 4, 0]
    with pytest.raises(CourseError, match="no student and no task is called nobody"):
        batch.grade(sheet, handed, out, seconds=60, only=["nobody"])
    batch.grade(sheet, handed, out, seconds=60, only=["slip"])


COPIED = """def total(xs):
    {0} = []
    for place in range(len(xs) - 1, -1, -1):
        {0}.insert(0, double(xs[place]) * 1.0)
    return sum({0}[::-1]) if len({0}) > 0 else 0"""


def test_a_copy_with_other_names_is_found_and_what_many_have_is_not(tmp_path):
    pytest.importorskip("copydetect")
    assignment = read(tmp_path)
    results = []
    for number in range(12):
        loop = (
            "def total(xs):\n    t = 0\n    for x in xs:\n        t += double(x)\n    return t + 0 * len(xs)"
        )
        source = (
            COPIED.format("out") if number == 3 else COPIED.format("result_list") if number == 8 else loop
        )
        task = stored.TaskResult("total-check", "2", 4.0, source=source)
        results.append(stored.Result(f"s{number}", ("", ""), "", (), (task,), 0.1))
    opened = graded_module.Graded(tmp_path, assignment, results)
    (pair,) = similarity.pairs(opened)
    assert pair.students == ("s3", "s8") and min(pair.shares) > 80 and "<mark>" in pair.marked[0]


ODD = {
    "script": "def total(xs):\n    '</pre><script>alert(1)</script>'\n" + COPIED.format("out"),
    "surrogate": "word = '\ud800'",
    "zeros": "x\0 = 1\n" * 50,
    "brackets": "[" * 5_000 + "1",
    "quotes": "'\\'" * 5_000,
    "empty": "   ",
    "no_python": "def def def ('",
}


def test_odd_code_neither_stops_the_comparison_nor_takes_its_time(tmp_path):
    pytest.importorskip("copydetect")
    long = "\n".join(f"x{number} = {number} * (7 + {number})" for number in range(10_000))
    sources = {"ann": COPIED.format("out"), "bob": COPIED.format("all_of_them")} | ODD
    sources |= {"eve": long, "mallory": long}
    results = []
    for student, source in sources.items():
        task = stored.TaskResult("total-check", "2", 4.0, source=source)
        results.append(stored.Result(student, ("", ""), "", (), (task,), 0.1))
    opened = graded_module.Graded(tmp_path, read(tmp_path), results)
    page, table, found = similarity.write(opened)
    assert ("ann", "bob") in [pair.students for pair in found]
    assert not {"eve", "mallory"} & {student for pair in found for student in pair.students}
    assert "than 100,000 characters: eve, mallory." in page.read_text()
    assert "&lt;script&gt;" in page.read_text() and "<script" not in page.read_text()


CHECK = 'course.check("1", double, (2,), 4)\n'


@pytest.mark.parametrize(
    "line, wrong",
    [
        ("2: '### BEGIN HIDDEN TEST'", {"double_check": f"{CHECK}### BEGIN HIDDEN TEST\n{CHECK}"}),
        ("2: '# Begin Hidden Tests'", {"double_check": f"{CHECK}# Begin Hidden Tests\n{CHECK}"}),
        ("2: '### HIDDEN TESTS'", {"double_check": f"{CHECK}### HIDDEN TESTS\n{CHECK}"}),
        (
            "3: '# start of the solution'",
            {"double": "def double(x):\n    y = x\n    # start of the solution"},
        ),
        ("2: a line with END HIDDEN TESTS", {"double_check": f"{CHECK}# BEGIN HIDDEN TESTS\n{CHECK}"}),
        ("2: SOLUTION can stand only in", {"setup": "import math\n# BEGIN SOLUTION\n# END SOLUTION"}),
        ("1: HIDDEN TESTS can stand only in", {"total": "# BEGIN HIDDEN TESTS\n# END HIDDEN TESTS"}),
        ("1: MARK SCHEME can stand only in", {"total": "# BEGIN MARK SCHEME\n# END MARK SCHEME"}),
        (
            "2: SOLUTION begins again",
            {"double": "# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION"},
        ),
    ],
)
def test_a_marker_that_nbgrader_would_not_take_is_refused_with_its_line(line, wrong, tmp_path):
    with pytest.raises(CourseError) as error:
        read(tmp_path, **wrong)
    (name,) = wrong
    assert f"the cell {name.replace('_', '-')!r}, line {line}" in str(error.value)


def test_words_that_are_no_markers_are_left_alone(tmp_path):
    double = "def double(x):\n    # The solution: begin with x, end with two of it.\n    return 2 * x"
    read(tmp_path, double=double, drawing="## Hidden tests\nTests end here.")


def test_hidden_tests_inside_a_block_are_refused(tmp_path):
    hidden = f"for x in (1, 2):\n    {CHECK}    # BEGIN HIDDEN TESTS\n    {CHECK}    # END HIDDEN TESTS"
    with pytest.raises(CourseError, match="inside a block"):
        read(tmp_path, double_check=hidden)
