"""Reads the instructor's notebook of an assignment and splits each `course.check` into its parts.

Checks are judged outside the process that runs the student's code. That process gets only the function and
the arguments of each `course.check`, and never the expected values or the known mistakes. Of the hidden tests
it gets only the statements on which the arguments depend.
"""

import ast
import copy
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course_utils import catalog
from course_utils.errors import CourseError

SOLUTIONS = Path(__file__).parents[2] / "solutions"
_HIDDEN = re.compile(r"^### BEGIN HIDDEN TESTS$\n(.*?)^### END HIDDEN TESTS$\n?", re.S | re.M)
_SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION$.*?^[ \t]*### END SOLUTION$", re.S | re.M)
_STUB = r"\1# YOUR CODE HERE\n\1raise NotImplementedError()"
_PIP = re.compile(r"^([ \t]*)[%!]pip\b.*$", re.M)
_PARAMETERS = ("task", "function", "arguments")  # the first three parameters of course.check


@dataclass(frozen=True)
class Task:
    """One graded cell, with its name, points and checks."""

    name: str  # the grade id of the graded cell
    answer: str  # the grade id of the solution cell that is graded
    title: str
    points: float
    manual: bool  # True if a person gives the points
    checks: tuple[str, ...] = ()  # the names of the checks, in order
    hidden_checks: tuple[str, ...] = ()  # the names of those in hidden tests
    visible: str = ""  # the code of the check cell, without the hidden tests and the expected values
    hidden: str = ""  # the code of the hidden tests, which is executed after the visible checks
    whole: str = ""  # the code of all checks, with expected values, for the instructor's answers


class Assignment:
    """The instructor's notebook of an assignment.

    Attributes: `name`; `notebook`, as it was read; `tasks`, by grade id; `answers`, the stubs that students
    get, by the grade id of the solution cell; `key`, a hash of the file.
    Raises CourseError if the file can't be read as a notebook, has no graded cell, or has two solution cells
    with the same grade id; also if a graded cell has no `course.check`, or has a syntax error.
    """

    def __init__(self, path: Path):
        self.name = path.stem
        data = path.read_bytes()
        self.key = hashlib.sha256(data).hexdigest()
        try:
            self.notebook = nbformat.reads(data.decode(), as_version=4)
        except (ValueError, KeyError, AttributeError) as error:
            raise CourseError(f"{path} can't be read as a notebook: {error}") from None
        self.tasks, self.answers = {}, {}
        answer, title = "", ""
        for cell in self.notebook.cells:
            name, facts = grade_id(cell), cell.metadata.get("nbgrader", {})
            if cell.cell_type == "markdown":
                heading = re.search(r"^#+ *(.+)$", cell.source, re.M)
                title = heading[1] if heading else title
            if facts.get("solution"):
                if name in self.answers:
                    raise CourseError(f"{path}: two cells have the grade id {name!r}; give each its own.")
                self.answers[name] = _SOLUTION.sub(_STUB, cell.source)
                answer = name
            if facts.get("grade"):
                manual = bool(facts.get("solution"))
                parts = {} if manual else _split(name, cell.source)
                self.tasks[name] = Task(name, answer, title, float(facts.get("points", 0)), manual, **parts)
        if not self.tasks:
            raise CourseError(f"{path} has no graded cell: is it an nbgrader assignment with its solutions?")

    @property
    def points(self) -> float:
        """The sum of the points of all tasks."""
        return sum(task.points for task in self.tasks.values())

    @property
    def prelude(self) -> list[str]:
        """The sources of the code cells before the first answer, which are the same for every student."""
        sources = []
        for cell in self.notebook.cells:
            if grade_id(cell) in self.answers:
                break
            if cell.cell_type == "code" and grade_id(cell) not in self.tasks:
                sources.append(cell.source)
        return sources

    @property
    def solutions(self) -> dict[str, str]:
        """The instructor's own answers by grade id."""
        return {grade_id(cell): cell.source for cell in self.notebook.cells if grade_id(cell) in self.answers}

    def functions(self, answer: str) -> set[str]:
        """Return the names of the functions that a solution cell defines."""
        return set(re.findall(r"^def (\w+)\(", self.answers[answer], re.M))

    def cells(self, answers: dict[str, str], before: dict[str, list[str]], whole: bool = False) -> list[dict]:
        """Return the cells to execute after the prelude, in order, up to the last graded cell.

        Each cell is a dictionary of "name" (the cell's grade id), "source" and "role". The role is "answer"
        or "own" for the student's cells, and "given" or "check" for the instructor's. A check also has
        "has_hidden_tests", which is True if hidden tests must be executed after this cell.

        answers : the student's code by grade id
        before : the student's own cells, by the grade id of the answer that follows them
        whole : whether the checks contain the hidden tests and the expected values. Use True only to execute
            the instructor's answers
        """
        cells, begun = [], False
        last = max(i for i, cell in enumerate(self.notebook.cells) if grade_id(cell) in self.tasks)
        for cell in self.notebook.cells[: last + 1]:
            name = grade_id(cell)
            task = self.tasks.get(name)
            if cell.cell_type != "code" or task and task.manual:
                continue
            begun = begun or name in self.answers
            if name in self.answers:
                own = [("own", source) for source in before.get(name, ())]
                for role, source in (*own, ("answer", answers.get(name, self.answers[name]))):
                    source = _PIP.sub(r"\1pass", source)  # without a network, pip can't install anything
                    cells.append({"name": name, "role": role, "source": source})
            elif task:
                source = task.whole if whole else task.visible
                follows = {"has_hidden_tests": bool(task.hidden) and not whole}
                cells.append({"name": name, "role": "check", "source": source} | follows)
            elif begun:
                cells.append({"name": name, "role": "given", "source": cell.source})
        return cells


def find(name: str) -> Path:
    """Return the path of an assignment's notebook. `name` is that path, or a lesson's number or name.

    Raises CourseError if the file does not exist.
    """
    path = Path(name)
    if path.suffix != ".ipynb":
        lesson = next((lesson for lesson in catalog.lessons() if name in (lesson, lesson[:2])), name)
        path = SOLUTIONS / lesson / f"{lesson}.ipynb"
    if not path.is_file():
        raise CourseError(
            f"There is no assignment {name!r}: give a lesson such as 09, or the instructor's notebook."
        )
    return path


def grade_id(cell) -> str:
    """Return the name that nbgrader gave to a cell, or "" if the cell has none."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def without_hidden(source: str) -> str:
    """Return the source of a check cell without its hidden tests, as students get it."""
    return _HIDDEN.sub("", source)


def hidden_part(source: str) -> str:
    """Return the hidden tests of a check cell."""
    return "\n".join(_HIDDEN.findall(source))


def _split(name, source):
    """Return those fields of a `Task` that are computed from the source of its check cell."""
    seen, hidden = without_hidden(source), hidden_part(source)
    try:
        probes = _Replacement(name)
        seen_part = probes.visit(ast.parse(seen))
        count = len(probes.names)
        unseen = _without_expected(probes.visit(ast.parse(hidden)))
        whole = _Replacement(name, whole=True).visit(ast.parse(f"{seen}\n{hidden}"))
    except SyntaxError as error:
        raise CourseError(f"The check cell {name!r} has an error in line {error.lineno}.") from None
    if not probes.names:
        raise CourseError(f"The graded cell {name!r} has no course.check: nothing can be judged.")
    trees = {"visible": seen_part, "hidden": unseen, "whole": whole}
    parts = {part: ast.unparse(ast.fix_missing_locations(tree)) for part, tree in trees.items()}
    return parts | {"checks": tuple(probes.names), "hidden_checks": tuple(probes.names[count:])}


class _Replacement(ast.NodeTransformer):
    """Replaces each `course.check(...)` with `__probe__(name, function, arguments)`.

    If `whole` is True, the replacement is `__expect__(name, ...)`, with all arguments of the check.
    """

    def __init__(self, task, whole=False):
        self.task, self.whole, self.names = task, whole, []

    def visit_Call(self, node):
        self.generic_visit(node)
        if ast.unparse(node.func) != "course.check":
            return node
        name = ast.Constant(f"{self.task} {len(self.names)}")
        self.names.append(name.value)
        if self.whole:
            return ast.Call(ast.Name("__expect__", ast.Load()), [name, *node.args], node.keywords)
        given = dict(zip(_PARAMETERS, node.args, strict=False)) | {
            key.arg: key.value for key in node.keywords
        }
        if not set(_PARAMETERS) <= given.keys():
            raise CourseError(f"A course.check in {self.task!r} lacks its function or arguments.")
        # Lambdas delay the evaluation, so that the probe can report a missing name.
        parts = [ast.Lambda(copy.deepcopy(_NO_PARAMETERS), given[part]) for part in _PARAMETERS[1:]]
        return ast.Call(ast.Name("__probe__", ast.Load()), [name, *parts], [])


_NO_PARAMETERS = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
_ONLY_BIND = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.FunctionDef, ast.Import, ast.ImportFrom)


def _without_expected(tree):
    """Return the hidden tests without statements that are needed only for the expected values."""
    kept, used = [], set()
    for statement in reversed(tree.body):
        bound = _names(statement, ast.Store)
        if not isinstance(statement, _ONLY_BIND) or not bound or bound & used:
            kept.append(statement)
            used |= _names(statement, ast.Load)
    return ast.Module(kept[::-1], [])


def _names(statement, context):
    """Return the names that a statement uses (`ast.Load`) or assigns (`ast.Store`)."""
    nodes = list(ast.walk(statement))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, context)}
    if context is ast.Store:
        imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
        names |= {(alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names}
        names |= {statement.name} if isinstance(statement, ast.FunctionDef) else set()
    return names
