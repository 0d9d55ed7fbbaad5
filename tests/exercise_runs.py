"""Runs the cells of an exercise in this process: the set-up, an answer, and the check of that answer."""

import ast
import functools
import inspect
from dataclasses import dataclass, field

from exercises_table import answers_of, cells_of, tasks_of

import course_utils
from course_utils.grading.assignment import HIDDEN, region, without_hidden
from course_utils.grading.judge import share_earned
from course_utils.learning import checks


def names_in(code):
    """Returns two sets of names: those that some code makes, and those that the code only reads."""
    made, read = set(), set()
    for node in ast.walk(ast.parse(without_pip(code))):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(each.asname or each.name).partition(".")[0] for each in node.names}
    return made, read - made


def without_pip(code):
    return code.replace("    %pip", "    #")


def needed(lesson, cells):
    """Returns the grade ids of the tasks' cells, and of the cells that define what the tasks need.

    Cells that only show something are left out. The tests of outputs run them with the rest of a solution.
    """
    found, wanted = set(), set()
    for answer in answers_of(lesson):
        wanted |= names_in(answer["code"])[1]
    for grade_id, cell in reversed(cells.items()):
        if cell.cell_type == "code" and not grade_id.startswith("together"):
            made, read = names_in(cell.source)
            if cell.metadata.nbgrader.solution or cell.metadata.nbgrader.grade or made & wanted:
                found.add(grade_id)
                wanted |= read
    return found


def started(lesson):
    """Runs a lesson's solution. Returns, for each task, the names that exist when a student starts it."""
    cells = cells_of("solutions", lesson)
    names, begun, wanted = {}, {}, needed(lesson, cells)
    for grade_id, cell in cells.items():
        if cell.cell_type != "code":
            continue
        if cell.metadata.nbgrader.solution:
            begun[grade_id] = dict(names)
        if grade_id in wanted and not cell.metadata.nbgrader.grade:
            exec(without_pip(cell.source), names)
    return begun


@dataclass
class Calls:
    """Stands in for `course` in a check cell: stores the result of each check, and goes on if one fails."""

    is_hidden: bool = False
    visible: list = field(default_factory=list)  # (what is wrong or None, outcome, expected, tolerance)
    hidden: list = field(default_factory=list)
    checked: set = field(default_factory=set)  # the functions that are passed to visible checks

    def __getattr__(self, name):
        return getattr(course_utils, name)

    def check(
        self,
        task,
        function,
        arguments,
        expected,
        mistakes=None,
        tolerance=checks.ROUNDING,
        about="",
        also=(),
    ):
        outcome, wanted = checks.attempt(function, arguments), checks.plain(expected)
        problem = checks.problem_of(outcome, wanted, (), tolerance, "")
        calls = self.hidden if self.is_hidden else self.visible
        calls.append((problem, outcome, wanted, tolerance))
        if not self.is_hidden:
            self.checked.add(function)

    def run(self, names, check):
        """Run a check cell with these names: first the visible checks, then the hidden tests."""
        names["course"] = self
        exec(without_hidden(check), names)
        self.is_hidden = True
        exec(region(check, HIDDEN), names)
        return self

    def share(self):
        """Return the share of the task's points that is earned, as the grader computes it."""
        passed = [problem is None for problem, *_ in self.visible]
        return share_earned(passed, [({} if wrong else given, *rest) for wrong, given, *rest in self.hidden])


def functions_in(code):
    """Returns the names of the functions that an answer defines at its top level."""
    return [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]


def _key(arguments):
    def one(value):
        try:
            return repr(checks.plain(value))
        except (checks.Unreadable, RecursionError):
            return f"{type(value).__name__} {id(value)}"

    return tuple(map(one, arguments))


@dataclass
class Guess:
    """What a learner earns in a task with nothing but a table of the shown inputs and their values.

    For all other inputs, the learner returns the one constant that earns most.
    """

    share: float  # the share of the task's points
    hidden: float  # the share of hidden checks that the table passes
    constant: object


# Constants that are tried in every task.
PLAIN = [0, 1, -1, 0.5, True, False, "", [], {}, None]


def best_table(names, answer, check):
    """Plays the strategy "a table of the shown inputs, a constant for the rest" on one task.

    The table has the solution's value for each input of the visible checks. The constants to try are those in
    PLAIN and all values of the solution for hidden inputs, which no student knows.
    """
    names = dict(names)
    exec(answer, names)
    tables, constants, wrapped = {}, {}, {}
    calls = Calls()
    for name in functions_in(answer):
        wrapped[name] = names[name] = _recorded(names[name], name, calls, tables, constants)
    calls.run(names, check)
    checked = {name for name in wrapped if wrapped[name] in calls.checked}
    best = Guess(0.0, 0.0, None)
    for name in wrapped:
        takes_nothing = not inspect.signature(wrapped[name]).parameters
        if takes_nothing and name not in checked:
            tables[name] = {}  # no visible check shows the function's value
            constants[name] = []
    tried = {repr(constant): constant for name in wrapped for constant in constants.get(name, [])}
    for constant in [*tried.values(), *PLAIN]:
        names = dict(names)
        for name in wrapped:
            names[name] = _table(tables.get(name, {}), constant)
        played = Calls().run(names, check)
        passed = sum(problem is None for problem, *_ in played.hidden) / max(1, len(played.hidden))
        guess = Guess(played.share(), passed, constant)
        best = max(best, guess, key=lambda each: (each.share, each.hidden))
    return best


def _recorded(function, name, calls, tables, constants):
    @functools.wraps(function)
    def recorded(*arguments, **named):
        key = _key([*arguments, *named.values()])
        result = function(*arguments, **named)
        if calls.is_hidden:
            constants.setdefault(name, []).append(result)
        else:
            tables.setdefault(name, {})[key] = result
        return result

    return recorded


def _table(table, constant):
    def guess(*arguments, **named):
        return table.get(_key([*arguments, *named.values()]), constant)

    return guess


def tables_of(lesson, names):
    """Returns {task: (points, best guess)} of a lesson; `names` is what `started` returned."""
    cells, found = cells_of("solutions", lesson), {}
    for task in tasks_of(cells):
        check = cells[f"{task}-check"]
        guess = best_table(names[task], cells[task].source, check.source)
        found[task] = check.metadata.nbgrader.points, guess
    return found
