"""Reads the instructor's notebook of an assignment and splits each `course.check` into its parts.

A check is judged outside the student's process. That process gets only the function and the arguments of each
`course.check`. It never gets the expected values and the known mistakes. Of the hidden tests it gets only the
statements that the arguments depend on.
"""

import ast
import copy
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from course_utils import catalog
from course_utils.errors import CourseError

SOLUTIONS = Path(__file__).parents[2] / "solutions"
_HIDDEN = re.compile(r"^### BEGIN HIDDEN TESTS$\n(.*?)^### END HIDDEN TESTS$\n?", re.S | re.M)
_SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION$.*?^[ \t]*### END SOLUTION$", re.S | re.M)
_STUB = r"\1# YOUR CODE HERE\n\1raise NotImplementedError()"
_PIP = re.compile(r"^([ \t]*)[%!]pip\b.*$", re.M)
_CALL = ("task", "function", "arguments")  # the first three parameters of course.check


@dataclass
class Task:
    """One graded cell: its name, its points and its checks."""

    name: str  # its grade id
    answer: str  # the grade id of the solution cell that it grades
    title: str
    points: float
    manual: bool  # whether a person gives the points
    probes: list[str] = field(default_factory=list)  # the names of its checks, in order
    visible: str = ""  # the code of the check cell, without the hidden tests and the expected values
    hidden: str = ""  # the code of the hidden tests, which runs later
    whole: str = ""  # all checks with the expected values, for the instructor's own answer


class Assignment:
    """The instructor's notebook.

    Attributes: `name`; `notebook`, as it was read; `tasks` by grade id; `answers`, the stubs that students
    get, by the grade id of the solution cell; `key`, a hash of the file.
    Raises CourseError if the file can't be read as a notebook, has no graded cell or gives two solution cells
    the same grade id, and if a graded cell has no `course.check` or a syntax error.
    """

    def __init__(self, path: Path):
        self.name = path.stem
        data = path.read_bytes()
        self.key = hashlib.sha256(data).hexdigest()
        try:
            self.notebook = nbformat.reads(data.decode(), as_version=4)
        except (ValueError, KeyError, AttributeError) as error:
            raise CourseError(f"{path} is no notebook that can be read: {error}") from None
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
                task = Task(name, answer, title, float(facts.get("points", 0)), manual)
                if not manual:
                    _take_apart(cell.source, task)
                self.tasks[name] = task
        if not self.tasks:
            raise CourseError(f"{path} has no graded cell: is it an nbgrader assignment with its solutions?")

    @property
    def points(self) -> float:
        """The sum of the points of all tasks."""
        return sum(task.points for task in self.tasks.values())

    @property
    def prelude(self) -> list[str]:
        """The source of the code cells before the first answer, which are the same for every student."""
        sources = []
        for cell in self.notebook.cells:
            if grade_id(cell) in self.answers:
                break
            if cell.cell_type == "code" and grade_id(cell) not in self.tasks:
                sources.append(cell.source)
        return sources

    def functions(self, answer: str) -> set[str]:
        """The names of the functions that a solution cell defines."""
        return set(re.findall(r"^def (\w+)\(", self.answers[answer], re.M))

    def cells(self, answers: dict[str, str], before: dict[str, list[str]], whole: bool = False) -> list[dict]:
        """Returns the cells to run after the prelude, in order, up to the last graded cell.

        Each is a dictionary of "name", "kind" and "source". A check also has "waits": whether
        hidden tests follow.

        answers : the student's code by grade id
        before : the student's own cells, by the grade id of the answer that follows them
        whole : whether checks include the expected values: only for the instructor's answers
        """
        run, begun = [], False
        last = max(i for i, cell in enumerate(self.notebook.cells) if grade_id(cell) in self.tasks)
        for cell in self.notebook.cells[: last + 1]:
            name = grade_id(cell)
            if cell.cell_type != "code" or name in self.tasks and self.tasks[name].manual:
                continue
            begun = begun or name in self.answers
            if name in self.answers:
                own = [("own", source) for source in before.get(name, ())]
                for kind, source in (*own, ("answer", answers.get(name, self.answers[name]))):
                    source = _PIP.sub(r"\1pass", source)  # there is no network
                    run.append({"name": name, "kind": kind, "source": source})
            elif name in self.tasks:
                task = self.tasks[name]
                source = task.whole if whole else task.visible
                waits = bool(task.hidden) and not whole
                run.append({"name": name, "kind": "check", "source": source, "waits": waits})
            elif begun:
                run.append({"name": name, "kind": "given", "source": cell.source})
        return run

    def solutions(self) -> dict[str, str]:
        """The instructor's own answers by grade id."""
        return {grade_id(cell): cell.source for cell in self.notebook.cells if grade_id(cell) in self.answers}


def find(name: str) -> Path:
    """Returns the path of an assignment's notebook. `name` is a file, or a lesson's number or name.

    Raises CourseError if the file does not exist.
    """
    path = Path(name)
    if path.suffix != ".ipynb":
        full = next((each for each in catalog.lessons() if name in (each, each[:2])), name)
        path = SOLUTIONS / full / f"{full}.ipynb"
    if not path.is_file():
        raise CourseError(
            f"There is no assignment {name!r}: give a lesson such as 09, or the instructor's notebook."
        )
    return path


def grade_id(cell) -> str:
    """Returns the cell's name in nbgrader, or "" if it has none."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def without_hidden(source: str) -> str:
    """Returns the source of a check cell without its hidden tests, as students get it."""
    return _HIDDEN.sub("", source)


def _take_apart(source, task):
    hidden = "\n".join(_HIDDEN.findall(source))
    pieces = []
    try:
        for text in (without_hidden(source), hidden):
            pieces.append((ast.parse(text), _Probes(task, len(task.probes), whole=False)))
            pieces[-1] = pieces[-1][1].visit(pieces[-1][0])
        whole = _Probes(task, 0, whole=True).visit(ast.parse(without_hidden(source) + "\n" + hidden))
    except SyntaxError as error:
        raise CourseError(f"The check cell {task.name!r} has an error in line {error.lineno}.") from None
    if not task.probes:
        raise CourseError(f"The graded cell {task.name!r} has no course.check: nothing can be judged.")
    task.visible = ast.unparse(ast.fix_missing_locations(pieces[0]))
    task.hidden = ast.unparse(ast.fix_missing_locations(_needed(pieces[1])))
    task.whole = ast.unparse(ast.fix_missing_locations(whole))


class _Probes(ast.NodeTransformer):
    """Turns each course.check into a probe: a name, the function, and the arguments."""

    def __init__(self, task, first, whole):
        self.task, self.count, self.whole = task, first, whole

    def visit_Call(self, node):
        self.generic_visit(node)
        if not (isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "course.check"):
            return node
        name = ast.Constant(f"{self.task.name} {self.count}")
        self.count += 1
        if self.whole:
            node.args.insert(0, name)
            node.func = ast.Name("__expect__", ast.Load())
            return node
        self.task.probes.append(name.value)
        given = dict(zip(_CALL, node.args, strict=False)) | {each.arg: each.value for each in node.keywords}
        if not set(_CALL) <= given.keys():
            raise CourseError(f"A course.check in {self.task.name!r} lacks its function or arguments.")
        # Lambdas delay the evaluation: if a name is missing, the probe reports it.
        parts = [ast.Lambda(copy.deepcopy(_NOTHING), given[each]) for each in _CALL[1:]]
        return ast.Call(ast.Name("__probe__", ast.Load()), [name, *parts], [])


_NOTHING = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
_ONLY_BIND = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.FunctionDef, ast.Import, ast.ImportFrom)


def _needed(tree):
    """Returns the hidden tests without the statements that serve only the expected values."""
    kept, names = [], set()
    for statement in reversed(tree.body):
        bound = {
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        bound |= {
            (alias.asname or alias.name).split(".")[0]
            for node in ast.walk(statement)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        bound |= {statement.name} if isinstance(statement, ast.FunctionDef) else set()
        if isinstance(statement, _ONLY_BIND) and bound and not bound & names:
            continue
        kept.append(statement)
        names |= {
            node.id
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
    return ast.Module(kept[::-1], [])
