"""Changes each solution in many small ways and counts what the checks catch: `python tests/mutants.py 03 04`.

A mutant is a solution with one change. It is caught if a check rejects it. The program measures the
assignments whose numbers are its arguments, and writes their sections of docs/mutants.md anew.
`make mutants` measures all assignments. tests/mutants.toml lists changes that the checks rightly let pass,
and says for each change why the function still returns the same values. The exit status is 1 if an unlisted
change passes, or if a listed change is caught. `--diagnoses` writes no page. It prints each change that gets
the message of a known mistake, although the changed function returns other values than this mistake would.
"""

import ast
import contextlib
import copy
import io
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from exercise_runs import Calls, started, tables_of
from exercises_table import ROOT, answers_of, cells_of, question_above, tasks_of, title_above, trial

from course_utils import catalog
from course_utils.learning.checks import NotYet, agrees

KNOWN = Path(__file__).with_suffix(".toml")
PAGE = ROOT / "docs" / "mutants.md"
SEED = "1"  # the seed of the hidden inputs, so that each run makes the same page

# A mutant's time limit is LEAST_SECONDS plus TIMES the time of the solution.
LEAST_SECONDS, TIMES = 10, 20
MEMORY = 6 * 2**30
SWAPPED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq}
SWAPPED |= {ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is}
SWAPPED |= {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div}
SWAPPED |= {ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.And: ast.Or, ast.Or: ast.And}
SWAPPED |= {ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
OTHER_NAME = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "sum": "max",
    "log2": "log",
    "sqrt": "exp",
}

START = """# What the checks of the exercises catch

`make mutants` generates this page. It changes each solution in every way that
[mutants.py](../tests/mutants.py) knows, one change at a time: another comparison, another operator, a
constant one larger or smaller, a condition turned round, a statement or a step left out, two arguments
exchanged. Each changed function goes through the check cell, hidden inputs included. A change that passes
either gives the same as before, as far as the task asks, and stands with the reason in
[mutants.toml](../tests/mutants.toml), or it shows a gap in the checks.

The last two columns play a student who has a table of the inputs and values that a check cell shows, and
returns one constant for every other input, the best there is: the points that this earns, and the share of
the hidden checks that it passes.
"""
HEAD = """
| Task | Changes | Caught | Pass and give the same | Points of the table | Hidden checks it passes |
|---|---|---|---|---|---|
"""
ROW = re.compile(r"\| (.+) \| (\d+) \| (\d+) \| (\d+) \| ([\d.]+) of (\d+) \| \d+% \|")


@dataclass(frozen=True)
class Mutant:
    """A solution with one change."""

    change: str  # the changed statement before and after
    code: str


def mutants_of(source):
    """Returns every mutant of a solution cell, each of them once."""
    tree, found = ast.parse(source), {}
    nodes = list(ast.walk(tree))
    docstrings = {id(node.body[0]) for node in nodes if _has_docstring(node)}
    for index, node in enumerate(nodes):
        if id(node) in docstrings or isinstance(node, ast.Constant) and _is_annotation(nodes, node):
            continue
        for number in range(len(list(_ways(tree, node)))):
            changed = copy.deepcopy(tree)
            list(_ways(changed, list(ast.walk(changed))[index]))[number]()
            code = ast.unparse(ast.fix_missing_locations(changed))
            if code != ast.unparse(tree):
                found.setdefault(code, Mutant(_difference(ast.unparse(tree), code), code))
    return list(found.values())


def _has_docstring(node):
    return isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None


def _is_annotation(nodes, constant):
    """Returns whether a constant is the text of a docstring or a part of a type annotation."""
    for node in nodes:
        if isinstance(node, ast.arg | ast.FunctionDef | ast.AnnAssign):
            for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
                if part is not None and any(each is constant for each in ast.walk(part)):
                    return True
        if _has_docstring(node) and node.body[0].value is constant:
            return True
    return False


def _ways(tree, node):
    """Yields functions, each of which changes the node in one way."""

    def put(field, value):
        return lambda: setattr(node, field, value)

    def replace(new):
        return lambda: _replace(tree, node, new)

    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield put("ops", [SWAPPED[type(node.ops[0])]()])
    elif isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            yield put("ops", [*node.ops[:index], SWAPPED[type(op)](), *node.ops[index + 1 :]])
    elif isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in SWAPPED:
        yield put("op", SWAPPED[type(node.op)]())
    elif isinstance(node, ast.UnaryOp):
        yield replace(node.operand)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield put("value", not node.value)
        elif isinstance(node.value, int | float):
            yield put("value", node.value + 1)
            yield put("value", node.value - 1)
        elif isinstance(node.value, str):
            yield put("value", f"{node.value}x")
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        yield put("test", ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield put("ifs", [])
    elif isinstance(node, ast.Break):
        yield replace(ast.Continue())
    elif isinstance(node, ast.Continue):
        yield replace(ast.Break())
    elif isinstance(node, ast.Slice):
        for end in ("lower", "upper", "step"):
            # Constants are left out here, because the branch for ast.Constant changes them.
            if not isinstance(getattr(node, end), ast.Constant | None):
                yield put(end, None)
    elif isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
        yield put("value", None)
    elif isinstance(node, ast.Call):
        if len(node.args) > 1:
            yield put("args", [node.args[1], node.args[0], *node.args[2:]])
        if isinstance(node.func, ast.Name) and node.func.id in OTHER_NAME:
            yield put("func", ast.Name(OTHER_NAME[node.func.id], ast.Load()))
        if node.keywords:
            yield put("keywords", node.keywords[1:])
        if isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
            yield replace(node.func.value)
        elif isinstance(node.func, ast.Name) and len(node.args) == 1:
            yield replace(node.args[0])
    if isinstance(node, ast.Expr | ast.Assign | ast.AugAssign | ast.If | ast.For) and _in_function(
        tree, node
    ):
        yield replace(ast.Pass())


def _in_function(tree, node):
    return any(each is not node and node in ast.walk(each) for each in tree.body)


def _replace(tree, old, new):
    class Replace(ast.NodeTransformer):
        def visit(self, node):
            return new if node is old else super().visit(node)

    Replace().visit(tree)


def _difference(before, after):
    """Returns the lines that differ between two pieces of code, as the text "old → new"."""
    before, after = before.splitlines(), after.splitlines()
    while before and after and before[0] == after[0]:
        before, after = before[1:], after[1:]
    while before and after and before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    old, new = ("; ".join(line.strip() for line in lines) for lines in (before, after))
    return f"{old} → {new}" if new else f"{old} → (left out)"


def judged(names, code, check, seconds):
    """Runs an answer and its check cell in a copy of this process. Returns None if the answer passes.

    If the answer is caught, this returns a sentence: what the check says, or how the answer was stopped.
    """

    def judge():
        mine = dict(names)
        try:
            exec(code, mine)
            exec(check, mine)
        except NotYet as problem:
            return str(problem)
        except BaseException as error:
            return f"stopped with {type(error).__name__}"
        return None

    return _in_copy(judge, seconds, "stopped at a limit")


def _in_copy(function, seconds, otherwise):
    """Returns what a function returns in a copy of this process, or `otherwise` if the copy fails."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds)
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                result = function()
            os.write(writer, json.dumps(result).encode()[:60_000])
        finally:
            os._exit(0)
    os.close(writer)
    data, until = b"", time.monotonic() + 2 * seconds + 5  # longer than the child's `seconds`
    while select.select([reader], [], [], max(0, until - time.monotonic()))[0]:
        part = os.read(reader, 65536)
        if not part:
            break
        data += part
    else:
        os.kill(child, signal.SIGKILL)
    os.close(reader)
    os.waitpid(child, 0)
    try:
        return json.loads(data)
    except ValueError:
        return otherwise


def outcomes(names, code, check):
    """Returns (outcome of an answer, tolerance) for each visible or hidden input of the check cell."""
    names = dict(names)
    exec(code, names)
    calls = Calls().run(names, check)
    return [(outcome, tolerance) for _, outcome, _, tolerance in calls.visible + calls.hidden]


def is_another_mistake(names, code, check, wrongs):
    """Returns whether an answer differs from each of the wrong answers for at least one input."""
    mine = outcomes(names, code, check)
    for wrong in wrongs:
        theirs = outcomes(names, wrong, check)
        if len(mine) == len(theirs) and all(
            agrees(one, other["value"], tolerance) if "value" in other else "stopped" in one
            for (one, tolerance), (other, _) in zip(mine, theirs, strict=True)
        ):
            return False
    return True


def measure(lesson, diagnoses=False):
    """Returns, for each task of a lesson, the task's row in docs/mutants.md and the mutants that passed."""
    with contextlib.redirect_stdout(io.StringIO()):
        begun = started(lesson)
        tables = tables_of(lesson, begun)
    cells, found = cells_of("solutions", lesson), []
    for task in tasks_of(cells):
        check, solution = cells[f"{task}-check"], cells[task].source
        begin = time.monotonic()
        assert judged(begun[task], solution, check.source, 600) is None, f"{lesson}: {task}"
        seconds = LEAST_SECONDS + TIMES * (time.monotonic() - begin)
        said = {}
        for mutant in mutants_of(solution):
            said[mutant] = judged(begun[task], mutant.code, check.source, seconds)
            if diagnoses and said[mutant] is not None:
                _doubt(lesson, task, begun[task], mutant, said[mutant], check.source, seconds)
        points, guess = tables[task]
        found.append(
            {
                "task": task,
                "title": question_above(cells, task),
                "mutants": len(said),
                "passed": [mutant.change for mutant, says in said.items() if says is None],
                "points": points,
                "guessed": points * guess.share,
                "hidden": guess.hidden,
            }
        )
    return found


def _doubt(lesson, task, names, mutant, says, check, seconds):
    """Prints a mutant if it gets the message of a mistake that it does not make."""
    named = says.partition(": ")[2] and trial.message(check, says.partition(": ")[2])
    wrongs = [
        each["code"]
        for each in answers_of(lesson)
        if each["task"] == task and "says" in each and trial.message(check, each["says"]) == named
    ]
    if (
        named
        and wrongs
        and _in_copy(lambda: is_another_mistake(names, mutant.code, check, wrongs), seconds, 0)
    ):
        print(f"{lesson[:2]} {task}: {mutant.change}\n    {named}", flush=True)


def section(lesson, rows):
    """Returns a lesson's section of docs/mutants.md."""
    known, cells = known_by_task(), cells_of("solutions", lesson)
    title = title_above(cells, next(iter(cells))).removeprefix("Exercises for ")
    text = f"\n## {title}\n{HEAD}"
    for row in rows:
        same = len(known.get((lesson[:2], row["task"]), {}).keys() & set(row["passed"]))
        text += f"| {row['title']} | {row['mutants']} | {row['mutants'] - len(row['passed'])} | {same} | "
        text += f"{row['guessed']:.2f} of {row['points']} | {row['hidden']:.0%} |\n"
    return text


def sections_of(page):
    """Returns {lesson's number: section} of the page."""
    return {part[4:6]: part for part in re.split(r"(?=\n## )", page)[1:]}


def page_of(sections):
    """Returns the text of docs/mutants.md, with the sum of its rows."""
    whole = "".join(text for _, text in sorted(sections.items()))
    rows = [list(map(float, found.groups()[1:])) for found in ROW.finditer(whole)]
    changes, caught, same, guessed, points = map(sum, zip(*rows, strict=True))
    says = f"Of {changes:,.0f} changes {caught:,.0f} are caught, {caught / changes:.1%}. Of those that pass "
    says += f"{same:.0f} give the same as before. So of the changes that matter "
    says += f"{caught / (changes - same):.1%} are caught. "
    return f"{START}\n{says}The table earns {guessed:.1f} of {points:.0f} points.\n{whole}"


def known_by_task():
    """Returns {(lesson, task): {change: why it changes no result}}."""
    known = {}
    for each in tomllib.loads(KNOWN.read_text(encoding="utf-8")).get("same", []):
        known.setdefault((each["lesson"], each["task"]), {})[each["change"]] = each["why"]
    return known


def main(arguments):
    os.environ |= {"COURSE_SEED": SEED, "COURSE_ANSWERS": os.path.join(tempfile.mkdtemp(), "answers.json")}
    lessons = [
        name
        for name in catalog.lessons()
        if not set(arguments) - {"--json", "--diagnoses"} or name[:2] in arguments
    ]
    if "--json" in arguments:  # a process for one lesson, because its end frees the models
        print(json.dumps(measure(lessons[0])))
        return 0
    if "--diagnoses" in arguments:
        for lesson in lessons:
            measure(lesson, diagnoses=True)
        return 0
    measured, known, status = {}, known_by_task(), 0
    for lesson in lessons:
        command = [sys.executable, __file__, "--json", lesson[:2]]
        measured[lesson] = json.loads(
            subprocess.run(command, capture_output=True, check=True, text=True).stdout
        )
        for row in measured[lesson]:
            listed, passed = known.get((lesson[:2], row["task"]), {}), row["passed"]
            for change in passed:
                if change not in listed:
                    print(f"{lesson[:2]} {row['task']}: passes: {change}", file=sys.stderr, flush=True)
            for change in listed.keys() - set(passed):
                print(f"{lesson[:2]} {row['task']}: is caught now: {change}", file=sys.stderr, flush=True)
            status |= listed.keys() != set(passed)
    sections = sections_of(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    sections |= {lesson[:2]: section(lesson, rows) for lesson, rows in measured.items()}
    PAGE.write_text(page_of(sections), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
