"""Tests that the grader gives right answers their points, whatever other students hand in.

hostile/ contains submissions that try to cheat, to escape from the sandbox or to exhaust the machine,
and some that are broken.
"""

import contextlib
import copy
import csv
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import tomllib
import zipfile
from pathlib import Path

import by_commit
import pytest
from lazy import Lazy
from programs import needs
from waiting import within

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.grading import system_calls, wire
from course_utils.grading.sandbox import Ended, Sandbox

pytestmark = pytest.mark.usefixtures("shared_sandbox")

nbformat = Lazy("nbformat")
nbgrader = Lazy("nbgrader.api")
answers = Lazy("course_utils.grading.answers")
assignments = Lazy("course_utils.grading.assignment")
batch = Lazy("course_utils.grading.batch")
cluster = Lazy("course_utils.grading.cluster")
intake = Lazy("course_utils.grading.intake")
drawn = Lazy("course_utils.learning.drawn")
judge = Lazy("course_utils.grading.judge")
record = Lazy("course_utils.grading.record")
stored = Lazy("course_utils.grading.result")

HERE = Path(__file__).parent / "hostile"
ALL_HOSTILE = tomllib.loads((HERE / "submissions.toml").read_text(encoding="utf-8"))["submissions"]
KINDS = sorted({each["kind"] for each in ALL_HOSTILE})
HOSTILE = ALL_HOSTILE
if not by_commit.all_due("course_utils/grading", "course_utils/learning/checks.py", __file__, str(HERE)):
    HOSTILE = []  # the loop adds a quarter of the submissions of each kind
    for kind in KINDS:
        alike = [each for each in ALL_HOSTILE if each["kind"] == kind]
        HOSTILE += by_commit.some(kind, alike, (len(alike) + 3) // 4)
# Submissions that run until their time limit, because they wait for the grader or make the grader wait.
LONGEST = ("messages without an end", "hidden code asked for early, and shown")
PLACEHOLDERS = "PORT|SECRET|CANARY|PID"  # in submissions, the test replaces these words by values
NEVER_SHOWN = (
    "48611",
    "90173",
    "97222",
    "the instructor's secret",
    "a secret of the environment",
    "private words",
)


EARLIER_RESULT = {
    "key": "0123",
    "student": "ann",
    "lms": ["canvas", "12"],
    "problem": "",
    "notes": ["The cell 'longest' is missing: hand in a copy with all cells."],
    "score": 1.5,
    "max": 5.0,
    "tasks": [
        {
            "task": "double-check",
            "title": "Double",
            "points": 2.0,
            "score": 1.5,
            "manual": False,
            "stopped": "",
            "checks": [{"passed": False, "hidden": False, "says": "double([1]) gave 3, expected 2."}],
            "source": "def double(numbers): ...",
            "text": "printed",
            "shown": [{"text/plain": "7"}],
        },
        {
            "task": "essay",
            "title": "Essay",
            "points": 3.0,
            "score": 0.0,
            "manual": True,
            "stopped": "",
            "checks": [],
            "source": "words",
            "text": "",
            "shown": [],
        },
    ],
    "seconds": 0.21,
}


def instructor_notebook():
    """Return the notebook of hostile/assignment.toml, with solutions and hidden checks."""
    cells = []
    for each in tomllib.loads((HERE / "assignment.toml").read_text(encoding="utf-8"))["cells"]:
        facts = {"grade_id": each["id"], "schema_version": 3, "task": False, "locked": "solution" not in each}
        facts |= {"grade": "points" in each, "solution": each.get("solution", False)}
        facts |= {"points": each["points"]} if "points" in each else {}
        make = getattr(nbformat.v4, f"new_{each.get('kind', 'code')}_cell")
        cells.append(make(each["source"].strip(), metadata={"nbgrader": facts}, id=each["id"]))
    return nbformat.v4.new_notebook(cells=cells)


def cell_of(book, name):
    return next(
        cell for cell in book["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == name
    )


def answered(path, **answers):
    """Return a student's notebook as a dictionary. The given answers replace the instructor's solutions."""
    assignment = assignments.Assignment(path)
    book = json.loads(json.dumps(assignment.notebook))
    for cell in book["cells"]:
        cell["source"] = assignments.without_hidden(cell["source"])
        name = cell["metadata"]["nbgrader"]["grade_id"]
        cell["source"] = answers.get(name, cell["source"])
    return book


# Each of these functions changes a notebook, which is a dictionary. In hostile/submissions.toml, `change`
# names the function for a submission.
def points(book):
    cell_of(book, "double-check")["metadata"]["nbgrader"]["points"] = 100


def check_emptied(book):
    cell_of(book, "double-check")["source"] = "print('1 ✓')"


def duplicate(book):
    book["cells"] += [copy.deepcopy(cell_of(book, name)) for name in ("double", "double-check")]


def no_metadata(book):
    for cell in book["cells"]:
        cell["metadata"] = {}


def deleted(book):
    book["cells"].remove(cell_of(book, "double"))


def nbformat_3(book):
    cells = book.pop("cells")
    for cell in cells:
        if cell["cell_type"] == "code":
            cell |= {"input": cell.pop("source"), "language": "python"}
    book |= {"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells, "metadata": {}}]}


def nbformat_99(book):
    book["nbformat"] = 99


def old_schema(book):
    for cell in book["cells"]:
        cell["metadata"]["nbgrader"] |= {"schema_version": 1}


def no_cells(book):
    book["cells"] += [
        None,
        7,
        {"cell_type": "code", "source": {"a": 1}},
        {"metadata": "x", "source": ["1", 2]},
    ]


def reversed_cells(book):
    book["cells"] = [cell for cell in book["cells"][::-1] if cell["id"] != "setup"]


def kernel(book):
    book["metadata"]["kernelspec"] = {"name": "no-such-kernel", "display_name": "?", "language": "brainfuck"}


def another(book):
    for cell in book["cells"]:
        cell["metadata"] = {"nbgrader": {"grade_id": f"other-{cell['id']}"}}
        cell["source"] = cell["source"].replace("def double", "def other").replace("def longest", "def that")


def too_many_parts(book):
    book["metadata"]["lists"] = [0] * (answers.MOST_PARTS + 1)


def too_much_code(book):
    cells = [nbformat.v4.new_code_cell("x = 1\n" * 20_000) for _ in range(5)]
    book["cells"] += cells


def dots(book):
    """Answer with a line that is slow to parse: the parser's time grows with the square of its length."""
    cell_of(book, "double")["source"] = "import a" + ".a" * 90_000


def one_id(book):
    for cell in book["cells"]:
        cell["id"] = "the-same"


def odd_grade_ids(book):
    for number, cell in enumerate(book["cells"]):
        odd = ([1], {"a": 1}, None, 10**30, "../../double", "\ud800")
        cell["metadata"]["nbgrader"]["grade_id"] = odd[number % len(odd)]


def nested(book):
    book["metadata"]["deep"] = json.loads("[" * 900 + "]" * 900)
    for cell in book["cells"]:
        cell["source"] = [cell["source"][:9], cell["source"][9:], ["not", ["a", "line"]]]


CHANGES = (points, check_emptied, duplicate, no_metadata, deleted, nbformat_3, nbformat_99, old_schema)
CHANGES += (too_many_parts, too_much_code, dots, one_id, odd_grade_ids, nested)
CHANGES = {change.__name__.replace("_", " "): change for change in CHANGES}
CHANGES |= {"no cells": no_cells, "reversed": reversed_cells, "kernel": kernel, "another": another}


def write_submission(each, path, folder, values):
    """Write a hostile submission. `values` maps the placeholders to the test's own values."""

    def filled(text):
        for name, value in values.items():
            text = text.replace(name, str(value))
        return text

    answers = {name: filled(each[name]) for name in ("double", "longest", "essay") if name in each}
    book, change = answered(path, **answers), each.get("change")
    file = folder / f"{each['student']}.ipynb"
    if "own" in each:
        own = nbformat.v4.new_code_cell(each["own"])
        book["cells"].insert(book["cells"].index(cell_of(book, "double")), own)
    if change in CHANGES:
        CHANGES[change](book)
    text = json.dumps(book)
    if "raw" in each:
        text = each["raw"]
    elif change == "too deep":
        text = "[" * 100_000
    elif change == "too large":
        text = text + " " * 21 * 2**20
    if change == "link":
        file.symlink_to(path)
    elif change == "folder":
        file.mkdir()
        (file / "notes.txt").write_text("no notebook")
    elif change == "impostor":
        file.with_suffix("").mkdir()
        (file.with_suffix("") / "honest-patient000.ipynb").write_text(text)
    elif change == "byte":
        file.with_name(f"{file.stem}\udcff.ipynb").write_text(text)
    elif change == "pipe":
        os.mkfifo(file)
    elif change == "socket":
        # A socket's path may have 107 bytes at most, so give only the file's name.
        with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(folder):
            made.bind(file.name)
    elif change == "checkpoint":
        (file.with_suffix("") / ".ipynb_checkpoints").mkdir(parents=True)
        (file.with_suffix("") / ".ipynb_checkpoints" / "small-checkpoint.ipynb").write_text(text)
        (file.with_suffix("") / "small.py").write_text("")
    elif change == "archive":
        with zipfile.ZipFile(file.with_suffix(".zip"), "w") as archive:
            archive.writestr("../../honest-patient000.ipynb", "{}")
            archive.writestr("/small.ipynb", "{}")
            archive.writestr("small/small.ipynb", text)
    elif change == "latin":
        file.write_bytes(json.dumps(book | {"é": "é"}, ensure_ascii=False).encode("latin-1"))
    else:
        file.write_text(("\ufeff" if change == "mark" else "") + text, encoding="utf-8")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Return the path of the instructor's notebook, alone in its folder."""
    folder = tmp_path_factory.mktemp("course")
    path = folder / "small.ipynb"
    nbformat.write(instructor_notebook(), path)
    return path


@pytest.fixture(scope="module")
def graded(course, tmp_path_factory):
    """Grade the hostile submissions, with honest ones among them.

    There are two runs. The first grades the submissions that end by themselves, with a long time limit for
    each task. The second grades the endless submissions, with a short limit: some of them use all the time
    that grading may take (five times a task's limit), and the grader then grades them twice more. Time in
    which a submission waits for a processor does not count, so a busy machine shortens no limit.

    Returns the results, the folders, the addresses that called the test's server, and the path of a file that
    no submission may write.
    """
    secret, canary = tmp_path_factory.mktemp("secret") / "secret", tmp_path_factory.mktemp("out") / "escaped"
    secret.write_text("the instructor's secret")
    called, results, folders = [], {}, []

    class Server(http.server.BaseHTTPRequestHandler):
        def handle(self):
            called.append(self.client_address)

    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        patch.setenv("GRADER_SECRET", "a secret of the environment")
        values = {"SECRET": secret, "CANARY": canary, "PORT": server.server_port, "PID": os.getpid()}
        for go, seconds in (("patient", 120), ("quick", 1)):
            folder, out = tmp_path_factory.mktemp(go), tmp_path_factory.mktemp(f"{go}-out")
            mine = [each for each in HOSTILE if is_endless(each) == (go == "quick")]
            mine.sort(key=lambda each: each["what"] not in LONGEST)  # start the longest first
            for number, each in enumerate(mine):
                each["student"] = each.get("name", f"{go}{number:03}")
                write_submission(each, course, folder, values)
                if number % 10 == 0:
                    book = answered(course, essay=f"private words of {go}{number:03}")
                    (folder / f"honest-{go}{number:03}.ipynb").write_text(json.dumps(book))
            graded = batch.grade(str(course), folder, out, workers=8, seconds=seconds, memory=2**30)
            assert len(graded) == len(mine) + (len(mine) + 9) // 10
            results |= {result.student: (result, out) for result in graded}
            folders.append(out)
        server.shutdown()
    return results, folders, called, canary


def is_endless(submission):
    return submission["kind"] == "exhausting" or submission.get("endless", False)


def points_of(result):
    return [task.score for task in result.tasks]


def result_of(results, each):
    """Return the result of a submission, even if the grader had to replace the student's name."""
    name = re.sub(r"[^\w.@+-]+", "_", each["student"]).strip("_").lstrip(".")
    return next(results[found] for found in (name, f"{name}.ipynb") if found in results)


@pytest.mark.parametrize("kind", KINDS)
@needs("bubblewrap")
def test_hostile_submissions(kind, graded):
    results, _, called, canary = graded
    for each in (each for each in HOSTILE if each["kind"] == kind):
        result, out = result_of(results, each)
        page = (out / "feedback" / "small" / f"{result.student}.html").read_text()
        double, longest, essay = points_of(result)
        assert double == each.get("double_points", 2 if kind == "path" and not result.problem else 0), each
        wanted = each.get("longest_points", 0 if result.problem else 2)
        assert wanted == "any" or kind == "exhausting" or longest == wanted, (each["what"], result)
        assert essay == 0
        assert kind == "path" or bool(result.problem) == (kind == "broken"), (each["what"], result)
        assert "<script" not in page and "<img src=x" not in page, each["what"]
        assert each.get("shown", "") in page
    assert not called and not canary.exists()


@needs("bubblewrap")
def test_no_student_is_lost(graded):
    results, folders, _, _ = graded
    for out in folders:
        mine = {name: result for name, (result, folder) in results.items() if folder == out}
        with (out / "grades.csv").open() as file:
            assert len(list(csv.DictReader(file))) == len(mine)
        with nbgrader.Gradebook(f"sqlite:///{out / 'gradebook.db'}") as book:
            assert {each.student.id: each.score for each in book.find_assignment("small").submissions} == {
                name: result.score for name, result in mine.items()
            }


@needs("bubblewrap")
def test_nothing_hidden_or_private_is_shown(graded):
    results, folders, _, _ = graded
    patterns = ("feedback/**/*.html", "autograded/**/*.ipynb", "results/**/*.json")
    # Leave folders out: one student's name ends in .ipynb, and this student's folder has the same name.
    files = [file for out in folders for each in patterns for file in out.glob(each) if file.is_file()]
    assert len(files) == 3 * len(results)
    for file in files:
        text = file.read_text()
        leaked = [each for each in NEVER_SHOWN if each in text]
        assert leaked == (["private words"] if "honest" in str(file) else []), file


@needs("bubblewrap")
def test_honest_submissions_get_all_points_among_hostile_ones_alone_and_cold(
    course, graded, tmp_path, all_imports, monkeypatch
):
    honest = {name: result for name, (result, _) in graded[0].items() if name.startswith("honest")}
    assert len(honest) > 4 and all(points_of(result) == [2, 2, 0] for result in honest.values())
    (tmp_path / "in").mkdir()
    book = answered(course, essay="private words of patient000")
    (tmp_path / "in" / "honest-patient000.ipynb").write_text(json.dumps(book))
    monkeypatch.setattr("course_utils.grading.student_process.IMPORTS", all_imports)
    (alone,) = batch.grade(str(course), tmp_path / "in", tmp_path / "out", seconds=600, cold=True)
    assert alone.tasks == honest["honest-patient000"].tasks


DRAWN = """
course.check("1", double, ([1, 2],), [2, 4])
### BEGIN HIDDEN TESTS
def numbers(random):
    return ([random.randrange(10**9)],)


for arguments in course.drawn("1", numbers, edges=[([],)]):
    course.check("1", double, arguments, [2 * number for number in arguments[0]])
### END HIDDEN TESTS
"""
# This answer looks the visible input up in a table. For any other input, the answer returns [], which is
# right in one of the nine hidden checks.
TABLE = "def double(numbers):\n    return {(1, 2): [2, 4]}.get(tuple(numbers), [])"
PRINTS = "def double(numbers):\n    print(numbers)\n    return [2 * number for number in numbers]"


@needs("bubblewrap")
def test_hidden_inputs_are_drawn_anew_from_a_seed_that_the_result_keeps(tmp_path):
    book = instructor_notebook()
    cell_of(book, "double-check")["source"] = DRAWN
    nbformat.write(book, tmp_path / "small.ipynb")
    (tmp_path / "in").mkdir()
    for student, answer in (("ann", PRINTS), ("bob", TABLE)):
        made = answered(tmp_path / "small.ipynb", double=answer)
        (tmp_path / "in" / f"{student}.ipynb").write_text(json.dumps(made))

    def grade(seed=None):
        paths = tmp_path / "small.ipynb", tmp_path / "in", tmp_path / "out"
        return batch.grade(*map(str, paths), seconds=600, seed=seed)

    ann, bob = grade()
    assert (ann.tasks[0].score, bob.tasks[0].score) == (2, 0)
    assert len(ann.tasks[0].checks) == 10 and sum(check.passed for check in bob.tasks[0].checks) == 2
    assert ann.seed == bob.seed is not None
    assert [each.key for each in grade(ann.seed)] == [ann.key, bob.key]
    other = (ann.seed + 1) % drawn.SEEDS
    assert [(each.seed, each.score) for each in grade(other)] == [(other, ann.score), (other, bob.score)]


def test_a_constant_earns_nothing():
    def share(visible, *hidden):
        return judge.share_earned(visible, [({"value": v} if v == w else {}, w, 1e-6) for v, w in hidden])

    assert share([True, True, False]) == 2 / 3
    assert share([True, True], (1, 1), (2, 2)) == 1
    assert share([True, True], (1, 1), (1, 2)) == 0  # the answer returns 1 for both hidden inputs
    assert share([True, True], (1, 2), (1, 3)) == 0  # the answer is wrong for both hidden inputs
    assert share([True, True], ("yes", "yes"), ("yes", "yes")) == 1  # "yes" is right for both
    assert share([True], (1, 1), (2, 2), (0, 3)) == 3 / 4


@pytest.mark.everything(reason="kills a run of twelve submissions, and grades them again")
@needs("bubblewrap")
def test_the_run_after_a_killed_one_grades_only_what_is_missing_or_has_changed(course, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(12):
        wrong = {"double": "def double(numbers): return 3"} if number % 2 else {}
        (folder / f"s{number:02}.ipynb").write_text(json.dumps(answered(course, **wrong)))
    command = [sys.executable, "-m", "course_utils", "grade", course, folder, "--out", out, "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    kept = out / "results" / "small"
    assert within(1800, lambda: len(list(kept.glob("*.json"))) >= 3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = {file: file.stat().st_mtime_ns for file in kept.glob("*.json")}
    assert 3 <= len(before) < 12
    (folder / "s00.ipynb").write_text(json.dumps(answered(course, double="def double(numbers): return 4")))
    results = batch.grade(str(course), folder, out)
    assert [points_of(each)[0] for each in results] == [0, 0] + 5 * [2, 0]
    assert {file.stem for file in before if file.stat().st_mtime_ns != before[file]} <= {"s00"}
    with nbgrader.Gradebook(f"sqlite:///{out / 'gradebook.db'}") as book:
        grade = book.find_grade("essay", "small", "small", "s00")
        assert grade.needs_manual_grade
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        book.find_comment("essay", "small", "small", "s00").manual_comment = "well <b>seen"
        book.db.commit()
    (folder / "s11.ipynb").unlink()
    assert len(batch.grade(str(course), folder, out)) == 12  # s11 has no notebook, but a stored result
    with (out / "grades.csv").open() as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert [rows["s00"][name] for name in ("essay", "by hand", "score", "handed in")] == [
        "2.5",
        "0",
        "4.5",
        "now",
    ]
    assert [rows["s11"][name] for name in ("essay", "by hand", "score", "handed in")] == [
        "",
        "1",
        "2",
        "earlier",
    ]
    page = (out / "feedback" / "small" / "s00.html").read_text()
    assert "2.5 of 3 points" in page and "well &lt;b&gt;seen" in page
    with nbgrader.Gradebook(f"sqlite:///{out / 'gradebook.db'}") as book:
        grade = book.find_grade("essay", "small", "small", "s00")
        assert grade.score == 2.5 and not grade.needs_manual_grade
        assert len(book.find_assignment("small").submissions) == 12


def needs_dask():
    pytest.importorskip("distributed", reason='needs Dask: pip install -e ".[cluster]"')


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """Yield a function that starts a Dask scheduler and returns (address, function that starts a worker)."""
    needs_dask()
    started = []

    def run(folder, command, *options, **settings):
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", command, "--no-dashboard", *options],
            cwd=folder,
            stderr=subprocess.DEVNULL,
            env=os.environ | settings,
        )
        started.append(process)
        return process

    def start(allowed_failures=3):
        folder = tmp_path_factory.mktemp("dask")
        file = folder / "scheduler.json"
        failures = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures)}
        run(folder, "scheduler", "--port", "0", "--scheduler-file", file, **failures)
        assert within(600, lambda: file.exists() and file.stat().st_size)
        address = json.loads(file.read_text())["address"]
        return address, lambda *options: run(folder, "worker", address, "--nthreads", "1", *options)

    yield start
    for process in started:
        process.terminate()  # this process, Dask's nanny, also ends its worker
    for process in started:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        process.wait()


@pytest.mark.everything(reason="grades all submissions on two workers, and starts one of them again")
@needs("bubblewrap")
def test_a_cluster_gives_the_same_grades_even_if_a_worker_dies(course, graded, tmp_path, dask, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 600)
    monkeypatch.setattr(cluster, "PATIENCE", 600)
    (tmp_path / "in").mkdir()
    honest = answered(course, essay="private words of patient000")
    (tmp_path / "in" / "honest-patient000.ipynb").write_text(json.dumps(honest))
    mine = []
    # Take the two quickest submissions of each kind, but none that exhaust the machine or have odd paths.
    for kind in (kind for kind in KINDS if kind not in ("exhausting", "path")):
        whole = [each for each in HOSTILE if each["kind"] == kind and not re.search(PLACEHOLDERS, str(each))]
        mine += sorted(whole, key=lambda each: result_of(graded[0], each)[0].seconds)[:2]
    for each in mine:
        write_submission(each, course, tmp_path / "in", {})
    address, worker = dask()
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "PATIENCE", 0)
        with pytest.raises(CourseError, match="has no worker"):
            batch.grade(str(course), tmp_path / "in", tmp_path / "out", dask=address)
    workers = [worker("--no-nanny"), worker("--no-nanny")]
    kept = tmp_path / "out" / "results" / "small"

    def kill_one():
        assert within(1800, lambda: len(list(kept.glob("*.json"))) > 1)
        workers[0].kill()

    killer = threading.Thread(target=kill_one, daemon=True)  # a failed test does not wait for a daemon
    killer.start()
    results = batch.grade(str(course), tmp_path / "in", tmp_path / "out", seconds=600, dask=address)
    killer.join()
    assert workers[0].wait() == -signal.SIGKILL and workers[1].poll() is None
    assert len(results) == len(mine) + 1
    for result in results:
        here = graded[0][result.student][0]
        for name in ("problem", "notes", "score"):
            assert getattr(result, name) == getattr(here, name), result.student
        verdicts = [(task.checks, task.stopped) for task in result.tasks]
        assert verdicts == [(task.checks, task.stopped) for task in here.tasks], result.student


# Because of Dask's --preload, each worker executes this code twice.
KILLER = """import os, signal
from course_utils.grading.judge import Judge

if Judge.grade.__name__ == "grade":
    grade = Judge.grade

    def killing(self, submission):
        if submission.student == "poison":
            os.kill(os.getpid(), signal.SIGKILL)
        if submission.student == "broken":
            return killing(self, submission)
        return grade(self, submission)

    Judge.grade = killing
"""


@pytest.mark.everything(reason="starts two workers, and a killed one again, four times or more")
@needs("bubblewrap")
def test_a_submission_that_kills_its_workers_is_named_and_no_other_is_lost(tmp_path, dask, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 600)
    monkeypatch.setattr(cluster, "PATIENCE", 600)
    book = instructor_notebook()
    cell_of(book, "setup")["source"] = "import course_utils as course"
    nbformat.write(book, tmp_path / "small.ipynb")
    sheet, handed_in = tmp_path / "small.ipynb", tmp_path / "in"
    handed_in.mkdir()
    (handed_in / "broken.ipynb").write_text(json.dumps(answered(sheet)))
    names = [f"s{number:02}" for number in range(11)]
    for number, name in enumerate(["poison", *names]):
        wrong = {"double": f"def double(numbers): return {number}"} if number % 3 == 0 else {}
        (handed_in / f"{name}.ipynb").write_text(json.dumps(answered(sheet, **wrong)))
    (tmp_path / "killer.py").write_text(KILLER)
    address, worker = dask(allowed_failures=1)
    for _ in range(2):
        worker("--preload", str(tmp_path / "killer.py"))
    here, there = tmp_path / "here", tmp_path / "there"
    # An error on a worker ends the run with one sentence, although the traceback is too long to be sent.
    with pytest.raises(CourseError, match=r"Worker \d+ on .*RecursionError"):
        batch.grade(str(sheet), handed_in, there, seconds=600, dask=address, seed=1, only=["broken"])
    (handed_in / "broken.ipynb").unlink()
    found = batch.grade(str(sheet), handed_in, there, seconds=600, dask=address, seed=1)
    problems = {result.student: result.problem for result in found if result.problem}
    assert problems.keys() == {"poison"} and "was killed" in problems["poison"]
    assert sorted(result.student for result in found) == ["poison", *names]
    batch.grade(str(sheet), handed_in, here, seconds=600, seed=1)

    def rows(folder):
        with (folder / "grades.csv").open() as file:
            return [row for row in csv.DictReader(file) if row["student"] != "poison"]

    assert rows(there) == rows(here) and len(rows(there)) == len(names)
    # A submission whose workers were killed has no grade, and the next run grades it again.
    kept = there / "results" / "small"
    before = {file.stem: file.stat().st_mtime_ns for file in kept.glob("*.json")}
    again = batch.grade(str(sheet), handed_in, there, seconds=600, seed=1)
    assert {file.stem for file in kept.glob("*.json") if before[file.stem] != file.stat().st_mtime_ns} == {
        "poison"
    }
    assert not any(result.problem for result in again)


@needs("bubblewrap")
def test_a_cluster_that_can_t_grade_says_why(course, tmp_path, monkeypatch):
    needs_dask()
    (tmp_path / "s.ipynb").write_text(json.dumps(answered(course)))

    def says(sentence, address):
        with pytest.raises(CourseError, match=sentence):
            batch.grade(str(course), tmp_path, tmp_path / "out", dask=address)

    monkeypatch.setattr(cluster, "CONNECT", 1)
    says("No Dask scheduler answers at tcp://127.0.0.1:9", "tcp://127.0.0.1:9")
    says("No Dask scheduler answers at nowhere", "nowhere")
    with pytest.raises(CourseError, match=r"Worker \d+ on .*another version here"):
        cluster.grade_one("other code", assignments.Assignment(course), {}, None, 1, intake.Submission("s"))
    with monkeypatch.context() as patch, pytest.raises(CourseError, match=r"Worker \d+ .*bubblewrap"):
        patch.setenv("PATH", "/nowhere")
        cluster.grade_one(judge.CODE, assignments.Assignment(course), {}, None, 1, intake.Submission("s"))
    monkeypatch.setitem(sys.modules, "distributed", None)
    says("pip install distributed", "tcp://127.0.0.1:9")


def imported_by(path):
    """Return the names of the grading modules that a module imports."""
    found = re.findall(
        r"^from course_utils\.grading(?:\.(\w+) import|) ?(?:import (.+)|)", path.read_text(), re.M
    )
    return {name for one, several in found for name in [one, *re.findall(r"\w+", several)] if name}


def test_only_a_change_to_what_decides_a_grade_regrades_a_class(tmp_path):
    own = Path(judge.__file__).parents[1]
    for part in ("grading", "learning"):
        shutil.copytree(own / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    before, deciding = judge.hash_of_code(tmp_path), set()
    assert before == judge.CODE
    for path in sorted(tmp_path.rglob("*.*")):
        text = path.read_bytes()
        path.write_bytes(text + b"#")
        deciding |= {path.stem} if judge.hash_of_code(tmp_path) != before else set()
        path.write_bytes(text)
    needed, left = set(), {"judge"}
    while left:
        needed |= left
        left = set().union(*(imported_by(own / "grading" / f"{name}.py") for name in left))
        # `hash_of_code` leaves intake.py out, because a result's key also depends on the notebook itself.
        left -= needed | {"intake"}
    assert deciding == needed | {"checks", "drawn", "hints"}


class RunsOf:
    """Stands in for a sandbox. Each run sends its prepared messages, and all but the last then end early."""

    def __init__(self, *runs):
        self.runs = list(runs)

    def messages(self, job, seconds):
        yield from self.runs.pop(0)
        if len(self.runs):
            raise Ended("ended Python itself (exit status 3)")


def test_nothing_is_shown_of_a_run_after_one_that_had_the_hidden_inputs(course):
    assignment = assignments.Assignment(course)
    names = [cell["name"] for cell in assignment.cells({}, {})]
    checks = [name for task in assignment.tasks.values() for name in task.checks]

    def run(says, *more):
        check, cell = names.index("double-check"), names.index("longest")
        yield from ({"begin": check}, {"check": checks[0], "outcome": {"value": says}})
        yield from ({"begin": cell}, {"cell": cell, "text": says, "problem": {"stopped": says}})
        yield from ({"done": "visible"}, *more)

    ends = {"begin": names.index("double-check")}
    hidden = {"check": checks[-1], "outcome": {"value": "b", "changed": False}}
    grader = judge.Judge(assignment, RunsOf(run("one", ends), run("fourteen", hidden)), 9, 1)
    expected = {"call": "f(1)", "about": "", "value": "b", "mistakes": {}, "tolerance": 0}
    grader._expected = {name: [judge._Expected(**expected)] for name in checks}
    result = grader.grade(intake.Submission("s", data=json.dumps(answered(course)).encode()))
    assert "f(1) gave" in result.tasks[0].checks[0].says and "fourteen" not in str(result)
    assert result.tasks[1].text == "one" and result.tasks[1].checks[-1].passed
    assert "ended in a check that is not shown" in result.tasks[0].stopped


def test_stored_earlier_versions_load():
    text = json.dumps(EARLIER_RESULT)
    result = stored.Result.from_json(text)
    assert (result.student, result.score, result.points) == ("ann", 1.5, 5)
    assert [check.says for check in result.tasks[0].checks] == ["double([1]) gave 3, expected 2."]
    assert stored.Result.from_json(result.to_json()) == result
    again = json.loads(result.to_json())
    assert again | {"tasks": 0} == EARLIER_RESULT | {"tasks": 0, "seed": None}
    for task, earlier in zip(again["tasks"], EARLIER_RESULT["tasks"], strict=True):
        checks = [{name: check[name] for name in ("passed", "hidden", "says")} for check in task["checks"]]
        assert task | {"checks": checks} | earlier == task | {"checks": checks}


@pytest.mark.parametrize(
    "machine, header, pattern",
    [
        ("x86_64", "x86_64-linux-gnu/asm/unistd_64.h", r"#define __NR_(\w+)\s+(\d+)"),
        ("aarch64", "asm-generic/unistd.h", r"#define __NR(?:3264)?_(\w+)\s+(\d+)"),
    ],
)
def test_refused_system_calls_have_the_numbers_of_the_kernel_s_headers(machine, header, pattern):
    path = Path("/usr/include", header)
    if not path.is_file():
        pytest.skip(f"needs {path}: sudo apt install linux-libc-dev")
    numbers = dict(re.findall(pattern, path.read_text()))
    column = list(system_calls.AUDIT_ARCH).index(machine)
    others = ("clone", "clone3", "flock", "fcntl", "socket", "fadvise64", "preadv2", "madvise")
    calls = system_calls.REFUSED | {name: getattr(system_calls, name.upper()) for name in others}
    for name, call in calls.items():
        assert call[column] == int(numbers[name]), name


def test_hidden_tests_enter_the_sandbox_without_the_expected_values():
    for path in catalog.course_folder().glob("solutions/*/*.ipynb"):
        assignment = assignments.Assignment(path)
        for task in (task for task in assignment.tasks.values() if not task.manual):
            assert task.checks and "course.check" not in task.visible + task.hidden
            assert "mistakes=" not in task.hidden
    task = assignments.Assignment(assignments.find("08")).tasks["denoise-check"]
    assert "scheduler.set_timesteps" in task.hidden and "stepped" not in task.hidden


def test_long_lines_of_a_text_are_broken_for_formgrader():
    text = "    as it stands " + "word " * 60 + "\n\n" + "x" * 200 + "\n~~~~"
    first, *lines, last = record._as_text(text).split("\n")
    assert first == "~~~~~text" and last == "~~~~~" and max(map(len, lines)) <= 96
    assert "".join(lines) == text.replace("\n", "") and "" in lines


def test_values_from_the_sandbox_are_plain_or_refused():
    value = {"a": [1, 2.5, float("inf"), None, True], ("b", 2): {"x", "y"}, "long": 3**1000}
    assert wire.decode(json.loads(json.dumps(wire.encode(value)))) == value
    for bad in ({"int": "zz"}, {"set": [[1]]}, {"dict": [[1]]}, {"a": 1, "b": 2}, {"int": "1" * 10**6}):
        with pytest.raises(wire.Garbled):
            wire.decode(bad)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="grading needs Linux")
def test_without_a_sandbox_nothing_is_graded(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CourseError, match="--no-sandbox"):
        Sandbox()
    Sandbox(isolated=False)


def test_what_can_t_be_graded_says_why(tmp_path):
    book = instructor_notebook()
    cell_of(book, "double-check")["source"] = "assert double([1]) == [2]"
    nbformat.write(book, tmp_path / "asserts.ipynb")
    with pytest.raises(CourseError, match="has no course.check"):
        assignments.Assignment(tmp_path / "asserts.ipynb")
    with pytest.raises(CourseError, match="There is no assignment"):
        assignments.find("99")
