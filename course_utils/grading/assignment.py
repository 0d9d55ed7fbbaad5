"""Reads the instructor's notebook of an assignment and splits each `course.check` into its parts.

Checks are judged outside the process that runs the student's code. That process gets only the function and
the arguments of each `course.check`, and never the expected values or the known mistakes. Of the hidden tests
the process gets only the statements on which the arguments depend.
"""

import ast
import copy
import hashlib
import re
import symtable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course_utils import catalog
from course_utils.errors import CourseError

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"
# nbgrader's markers: a line that contains "BEGIN SOLUTION" begins a region, and one with "END SOLUTION" ends
# it. _HOMES has the kind of cell in which each kind of region may stand.
HIDDEN, SOLUTION, SCHEME = "HIDDEN TESTS", "SOLUTION", "MARK SCHEME"
_HOMES = {HIDDEN: "an autograded test", SOLUTION: "an answer", SCHEME: "a manually graded task"}
_EDGES = {"begin", "end", "start", "stop"}
_SUBJECTS = {"hidden", "solution", "solutions", "scheme"}
_MARKER_WORDS = _EDGES | _SUBJECTS | {"test", "tests", "mark", "marking", "marks", "of", "the"}
_PIP = re.compile(r"^([ \t]*)[%!]pip\b.*$", re.M)
MOST_DOTS = 3_000  # the most dots in a cell that `parsed` accepts
_PARAMETERS = ("task", "function", "arguments")  # the first three parameters of course.check


@dataclass(frozen=True)
class Task:
    """One graded cell, with its name, points and checks."""

    name: str  # the grade id of the cell that has the points: the check cell or, if `manual`, the answer
    answer: str  # the grade id of the cell with the student's answer; if `manual`, the same as `name`
    title: str
    points: float
    manual: bool  # True if a person gives the points
    checks: tuple[str, ...] = ()  # the names of the checks, in order
    hidden_checks: tuple[str, ...] = ()  # the names of the checks that are in hidden tests
    visible: str = ""  # the code of the check cell, without the hidden tests and the expected values
    hidden: str = ""  # the code of the hidden tests, which is executed after the visible checks
    whole: str = ""  # the code of all checks, with expected values, for the instructor's answers


class Assignment:
    """The instructor's notebook of an assignment.

    name : the name of the file, without ".ipynb"
    notebook : the notebook as nbformat has read it
    tasks : the tasks by grade id
    answers : the stubs that students get, by the grade id of the solution cell
    solutions : the instructor's own answers, by the same grade ids
    shows : the sources of those cells of the instructor's that only print or draw something. The method
        `cells` may leave them out
    key : a hash of the file
    Raises CourseError if the file can't be read as a notebook, has no graded cell, has two cells with the
    same grade id, or has a marker that nbgrader would not understand; also if a check cell has no
    `course.check`, or has a syntax error.
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
        self.solutions: dict[str, str] = {}
        title = ""
        for index, cell in enumerate(self.notebook.cells):
            name, facts = grade_id(cell), cell.metadata.get("nbgrader", {})
            where = f"{path}: the cell {name!r}" if name else f"{path}: cell {index + 1}"
            _check_markers(cell, facts, where)
            if cell.cell_type == "markdown":
                heading = re.search(r"^#+ *(.+)$", cell.source, re.M)
                title = heading[1] if heading else title
            if (facts.get("solution") or _is_graded(facts)) and (name in self.tasks or name in self.answers):
                raise CourseError(f"{path}: two cells have the grade id {name!r}; give each its own.")
            if facts.get("solution"):
                self.solutions[name] = cell.source
                self.answers[name] = _as_stub(cell)
            if _is_graded(facts):
                manual = bool(facts.get("solution") or facts.get("task"))
                answer = name if manual else self._answer_of(cell.source)
                parts = {} if manual else _split(name, cell.source, where)
                self.tasks[name] = Task(name, answer, title, _points(facts, where), manual, **parts)
        code = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        self.shows = {cell.source for cell in code if _only_shows(cell.source)}
        if not self.tasks:
            raise CourseError(f"{path} has no graded cell: is it an nbgrader assignment with its solutions?")

    def _answer_of(self, check):
        """Return the grade id of the answer that a check tests.

        This is the last answer above the check that defines a function which the check uses or, if there is
        none, the last answer above the check.
        """
        read = names(check)[1]
        fitting = (name for name in reversed(self.solutions) if read & self.functions(name))
        return next(fitting, next(reversed(self.solutions), ""))

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

    def functions(self, answer: str) -> set[str]:
        """Return the names of the functions that a solution cell defines."""
        return set(re.findall(r"^def (\w+)\(", self.solutions.get(answer, ""), re.M))

    def cells(self, answers: dict[str, str], before: dict[str, list[str]], whole: bool = False) -> list[dict]:
        """Return the cells to execute after the prelude, in order, up to the last check.

        Each cell is a dictionary of "name" (the cell's grade id), "source" and "role". The role is "answer"
        for a solution cell, "own" for a cell that the student added, and "given" or "check" for the
        instructor's. A check also has "has_hidden_tests": whether its hidden tests must be executed later.
        A cell of the instructor's that only shows something is left out if no code that follows, and none of
        the instructor's answers, reads a name that the cell makes.

        answers : the student's code by grade id
        before : the sources of the cells that the student added, by the grade id of the answer or check that
            follows them
        whole : whether the checks contain the hidden tests and the expected values. Use True only to execute
            the instructor's answers
        """
        cells, begun = [], False
        checks = {name for name, task in self.tasks.items() if not task.manual}
        last = max((i for i, cell in enumerate(self.notebook.cells) if grade_id(cell) in checks), default=-1)
        for cell in self.notebook.cells[: last + 1]:
            name = grade_id(cell)
            task = self.tasks.get(name)
            if cell.cell_type != "code" or task and task.manual:
                continue
            begun = begun or name in self.answers
            if name in self.answers or task:
                cells += [_students(name, "own", source) for source in before.get(name, ())]
            if name in self.answers:
                cells.append(_students(name, "answer", answers.get(name, self.answers[name])))
            elif task:
                source = task.whole if whole else task.visible
                follows = {"has_hidden_tests": bool(task.hidden) and not whole}
                cells.append({"name": name, "role": "check", "source": source} | follows)
            elif begun:
                cells.append({"name": name, "role": "given", "source": cell.source})
        return self._without_shows(cells)

    def _without_shows(self, cells):
        """Return the cells without those that only show something and make no name that is read later."""
        # Names that the instructor's answers read are needed, too, because these answers may take the place
        # of a student's answers: see `cells_with_instructors`.
        own = [self.solutions[cell["name"]] for cell in cells if cell["role"] == "answer"]
        needed, kept = set().union(*map(_outer_names, own)), []
        for cell in reversed(cells):
            shows = cell["role"] == "given" and cell["source"] in self.shows
            if not shows or needed & (names(cell["source"])[0] | _READ_ANY):
                is_check = cell["role"] == "check"
                needed |= _outer_names(self.tasks[cell["name"]].whole if is_check else cell["source"])
                kept.append(cell)
        return kept[::-1]

    def cells_with_instructors(self, cells: list[dict], task: Task, mended: set[str]) -> list[dict]:
        """Return the cells that judge one task with the instructor's answers to earlier tasks.

        For each answer in `mended`, the instructor's answer is executed in place of the answer's check, and
        so overrides the student's answer. The only check that is executed is the check of `task`, which is
        the last cell. So the instructor's answer to `task`, or to a later task, never enters the student's
        process.

        cells : what `cells` returned
        task : the task to judge
        mended : the grade ids of the earlier answers to replace
        """
        kept = []
        for cell in cells:
            if cell["role"] == "check" and cell["name"] == task.name:
                return [*kept, cell]
            answer = self.tasks[cell["name"]].answer if cell["role"] == "check" else ""
            if answer in mended:
                replacement = {"name": answer, "role": "given", "source": self.solutions[answer]}
                # If an answer has two checks, the replacement is kept only in the place of the second check.
                kept = [*(each for each in kept if each != replacement), replacement]
            elif cell["role"] != "check":
                kept.append(cell)
        return kept

    def earlier_answers(self, cells: list[dict], task: Task) -> set[str]:
        """Return the grade ids of the earlier answers that a task's code uses, directly or indirectly.

        A task uses an answer if the task's code reads a name that the answer defines.

        cells : what `cells` returned, with the student's code
        """
        found, needed = set(), set()
        check = next(
            i for i, cell in enumerate(cells) if (cell["role"], cell["name"]) == ("check", task.name)
        )
        for cell in reversed(cells[: check + 1]):
            made, read = names(cell["source"])
            if cell["name"] in (task.name, task.answer):
                needed |= read
            elif cell["role"] == "answer" and needed & (made | self.functions(cell["name"])):
                found.add(cell["name"])
                needed |= read
            elif cell["role"] in ("own", "given") and needed & made:
                needed |= read
        return found


def find(name: str) -> Path:
    """Return the path of an assignment's notebook. `name` is that path, or a lesson's number or name.

    Raises CourseError if the file does not exist.
    """
    path = Path(name)
    if path.suffix != ".ipynb":
        lesson = next((lesson for lesson in catalog.lessons() if name in (lesson, lesson[:2])), name)
        path = catalog.course_folder() / "solutions" / lesson / f"{lesson}.ipynb"
    if not path.is_file():
        raise CourseError(
            f"There is no assignment {name!r}: give a lesson such as 09, or the instructor's notebook."
        )
    return path


def grade_id(cell) -> str:
    """Return the name that nbgrader gave to a cell, or "" if the cell has none."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def without_hidden(source: str) -> str:
    """Return the source of a cell as students get it: without hidden tests and without a mark scheme."""
    for marker in (HIDDEN, SCHEME):
        source = "\n".join(line for line, inside in _regions(source, marker) if inside is False)
    return source


def region(source: str, marker: str) -> str:
    """Return the lines of a cell between the markers of one kind, such as its hidden tests.

    marker : HIDDEN, SOLUTION or SCHEME
    """
    return "\n".join(line for line, inside in _regions(source, marker) if inside)


class Unparsed(Exception):
    """Raised if the source of a cell can't be parsed, or if parsing it would take too long."""


def parsed(source: str) -> ast.Module:
    """Parse the source of a student's cell. Raises Unparsed if that fails or would take too long."""
    # The parser's time for `import a.a.a…` grows with the square of the statement's length. For 190,000
    # characters the parser took 12 s, and no other submission is graded during this time.
    if source.count(".") > MOST_DOTS:
        raise Unparsed
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Unparsed from None


def names(source: str) -> tuple[set[str], set[str]]:
    """Return two sets: the names that a cell defines for later cells, and the names that it reads."""
    try:
        tree = parsed(_PIP.sub(r"\1pass", source))
    except Unparsed:
        return set(re.findall(r"^def (\w+)\(", source, re.M)), set(re.findall(r"\w+", source))
    made, left = set(), list(tree.body)
    while left:
        node = left.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            made.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            made |= _names(node, ast.Store)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            made.add(node.id)
        elif not isinstance(node, ast.Lambda):
            left += ast.iter_child_nodes(node)
    return made, _names(tree, ast.Load)


def _outer_names(source: str) -> set[str]:
    """Return the names that a cell may read from earlier cells.

    If it is not clear whether the cell reads a name, the name is included.
    """
    if len(source) > _LONGEST:
        return _READ_ANY
    source = _PIP.sub(r"\1pass", source)
    try:
        tree = parsed(source)
        tables = [symtable.symtable(source, "<cell>", "exec")]
    except (Unparsed, SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(r"\w+", source))
    changed = [node.target for node in ast.walk(tree) if isinstance(node, ast.AugAssign)]
    found = {target.id for target in changed if isinstance(target, ast.Name)} | _names(tree, ast.Del)
    while tables:
        table = tables.pop()
        is_cell = table.get_type() == "module"
        symbols = [each for each in table.get_symbols() if each.is_referenced() or each.is_imported()]
        found |= {each.get_name() for each in symbols if is_cell or each.is_global()}
        tables += table.get_children()
    return found


# A cell that uses one of these names could read any other name, or the result of any earlier cell.
_READ_ANY = {"eval", "exec", "globals", "locals", "vars", "dir", "get_ipython", "__main__", "_", "Out"}
_LONGEST = 100_000  # in characters; to look for names in a longer cell would take too long
_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.If, ast.Try, ast.FunctionDef, ast.Return)
_SIMPLE += (ast.Expr, ast.Pass, ast.Break, ast.Continue)


def _only_shows(source):
    """Return whether a cell of the instructor's only makes new objects and prints or draws something.

    A function that the cell calls for its result is assumed to change nothing.
    """
    try:
        tree = parsed(source)
    except Unparsed:
        return False
    made = _names(tree, ast.Store)
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not isinstance(node, _SIMPLE):
            return False
        is_part = isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store)
        if is_part and _root(node) not in made:
            return False  # the cell changes an object that the cell did not make
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
            called = node.value.func if isinstance(node.value, ast.Call) else None
            prints = isinstance(called, ast.Name) and called.id in ("print", "display")
            draws = called is not None and ast.unparse(called).startswith("course.views.")
            if not (prints or draws or isinstance(called, ast.Attribute) and _root(called) in made):
                return False
    return True


def _root(node):
    """Return the name with which an expression such as `a.b[0]` begins, or "" if it has none."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_graded(facts):
    """Return whether a cell has points.

    Such a cell is a check, an answer that a person grades, or a task of nbgrader.
    """
    return bool(facts.get("grade") or facts.get("task"))


def _points(facts, where):
    try:
        points = float(facts.get("points", 0))
    except (TypeError, ValueError):
        points = -1.0
    if not 0 <= points < float("inf"):
        raise CourseError(f"{where}: its points, {facts.get('points')!r}, are not a number from 0 up.")
    return points


def _students(name, role, source):
    # The sandbox has no network, so `pass` replaces the commands %pip and !pip.
    return {"name": name, "role": role, "source": _PIP.sub(r"\1pass", source)}


def _regions(source, marker, where="a cell"):
    """Yield (line, inside) for each line of a cell.

    inside : True for a line between BEGIN and END, None for the lines with BEGIN and END, otherwise False
    Raises CourseError if a region begins inside another or does not end.
    """
    begun = 0
    for number, line in enumerate(source.split("\n"), 1):
        if f"BEGIN {marker}" in line:
            if begun:
                raise CourseError(f"{where}, line {number}: {marker} begins again before it has ended.")
            begun = number
            yield line, None
        elif f"END {marker}" in line:
            begun = 0
            yield line, None
        else:
            yield line, bool(begun)
    if begun:
        raise CourseError(f"{where}, line {begun}: a line with END {marker} is missing after it.")


def _check_markers(cell, facts, where):
    """Raise CourseError if a line looks like a marker but is none, or if a marker is in a wrong cell."""
    home = {HIDDEN: bool(facts.get("grade")), SOLUTION: bool(facts.get("solution"))}
    home[SCHEME] = bool(facts.get("task"))
    for marker in _HOMES:
        for number, (_, inside) in enumerate(_regions(cell.source, marker, where), 1):
            if inside is None and not home[marker]:
                raise CourseError(
                    f"{where}, line {number}: {marker} can stand only in {_HOMES[marker]}. Create "
                    "Assignment, in JupyterLab's right sidebar, sets what a cell is."
                )
    for number, line in enumerate(cell.source.split("\n"), 1):
        words = set(re.findall(r"[^\W_]+", line.lower()))
        known = any(f"{edge} {marker}" in line for edge in ("BEGIN", "END") for marker in _HOMES)
        looks = line.lstrip().startswith("#") and words <= _MARKER_WORDS and words & _SUBJECTS
        # In a text cell, a line such as "## Hidden tests" may be a heading. In a code cell, it is probably
        # meant as a marker.
        if looks and not known and (words & _EDGES or cell.cell_type == "code" and "hidden" in words):
            raise CourseError(
                f"{where}, line {number}: {line.strip()!r} looks like a marker, but nbgrader would leave it "
                "and what follows in the students' version. Its markers are "
                + ", ".join(f"BEGIN {marker} and END {marker}" for marker in _HOMES)
                + ", in capitals."
            )


def _as_stub(cell):
    """Return the source that students get for a solution cell.

    A stub replaces each solution region, or the whole cell if it has none.
    """
    stub = STUB if cell.cell_type == "code" else TEXT_STUB
    lines, replaced = [], False
    for line, inside in _regions(cell.source, SOLUTION):
        if inside is None and f"BEGIN {SOLUTION}" in line:
            indent = re.match(r"\s*", line)[0]
            lines += [indent + part for part in stub.split("\n")]
            replaced = True
        elif inside is False:
            lines.append(line)
    return "\n".join(lines) if replaced else stub


def _split(name, source, where):
    """Return those fields of a `Task` that are computed from the source of its check cell."""
    regions = list(_regions(source, HIDDEN, where))
    # Lines that are left out become blank, so that the line numbers in messages stay right.
    seen = "\n".join(line if inside is False else "" for line, inside in regions)
    hidden = "\n".join(line if inside else "" for line, inside in regions)
    if any(line[:1].isspace() for line in _first_lines(regions)):
        raise CourseError(f"{where}: its hidden tests stand inside a block; begin them at the left edge.")
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


def _first_lines(regions):
    """Yield the first line of code in each hidden region."""
    waiting = False
    for line, inside in regions:
        if inside is None:
            waiting = "BEGIN" in line
        elif inside and waiting and line.strip():
            waiting = False
            yield line


class _Replacement(ast.NodeTransformer):
    """Replaces each `course.check(...)` with `__probe__(name, function, arguments, also)`.

    The name is the task's name and a number. If `whole` is True, the replacement is `__expect__(name, ...)`,
    with all arguments of the check, such as the expected value.
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
        # Lambdas delay the evaluation of the arguments, so that `__probe__` can report a missing name.
        given.setdefault("also", ast.Tuple([], ast.Load()))
        parts = (*_PARAMETERS[1:], "also")
        delayed = [ast.Lambda(copy.deepcopy(_NO_PARAMETERS), given[part]) for part in parts]
        return ast.Call(ast.Name("__probe__", ast.Load()), [name, *delayed], [])


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
    """Return the names that a statement reads, assigns or deletes.

    context : ast.Load for the names that are read, ast.Store for assigned names, ast.Del for deleted names
    """
    nodes = list(ast.walk(statement))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, context)}
    if context is ast.Store:
        imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
        names |= {(alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names}
        names |= {statement.name} if isinstance(statement, ast.FunctionDef) else set()
    return names
