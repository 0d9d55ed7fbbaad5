"""Prints docs/exercises.md: each exercise, its points, its test answers, and the messages for wrong ones.

`make exercises` writes the file.
"""

import re
import tomllib
from pathlib import Path

from lazy import Lazy

nbformat = Lazy("nbformat")
trial = Lazy("course_utils.grading.trial")

ROOT = Path(__file__).parent.parent

START = """# Every exercise, and the messages of its check

`make exercises` generates this page from `solutions/`, and `make test` compares it.

Each row says in a sentence what the task asks. The task itself, with its hints, is in the exercise's
notebook, and the solution in `solutions/`.

For each task the file `answers.toml`, next to the solution, has answers that students might give. The right
answers differ in kind: another library, another loop, another type of number. The tests run all answers: of
tasks that ask a model for long, `make test` runs some, and `make everything` the others. Each right one
passes. Each wrong one gets a message from the last column. If an entry there is `code`, it is a part of a
message of Python or of `course.check`. The unchanged stub gets the message that it is not written yet.
"""


def cells_of(folder, lesson):
    """Returns the cells of a lesson's exercises in solutions/ or exercises/, by grade id."""
    notebook = nbformat.read(ROOT / folder / lesson / f"{lesson}.ipynb", as_version=4)
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells}


def tasks_of(cells):
    """Returns the tasks that a check grades."""
    return [
        name for name, cell in cells.items() if cell.metadata.nbgrader.solution and cell.cell_type == "code"
    ]


def written_of(cells):
    """Returns the questions that are answered in words, which a person grades."""
    return [
        name for name, cell in cells.items() if cell.metadata.nbgrader.solution and cell.cell_type != "code"
    ]


def answers_of(lesson):
    """Returns the answers in answers.toml, each a dict with `task`, `code` and, if it is wrong, `says`."""
    return trial.read_answers(ROOT / "solutions" / lesson / "answers.toml")


def asks_of(lesson):
    """Reads {grade id: sentence that says what the task asks} from answers.toml."""
    text = (ROOT / "solutions" / lesson / "answers.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["asks"]


def title_above(cells, name):
    """Returns the heading of the last text cell before a cell."""
    before = list(cells)[: list(cells).index(name) + 1]
    texts = [cells[each].source for each in before if cells[each].cell_type == "markdown"]
    return texts[-1].splitlines()[0].lstrip("# ")


def question_above(cells, name):
    """Returns the last "## …" heading before a cell, which is the heading of the cell's task."""
    before = list(cells)[: list(cells).index(name)]
    headings = [cells[each].source.splitlines()[0] for each in before if cells[each].cell_type == "markdown"]
    return [heading for heading in headings if heading.startswith("## ")][-1].lstrip("# ")


def row(cells, task, asks, answers):
    """Returns a row of the table: title, what is asked, points, right answers, wrong answers, messages."""
    check = cells[f"{task}-check"]
    wrong = [answer["says"] for answer in answers if "says" in answer]
    told = dict.fromkeys(trial.message(check.source, says) or f"`` {says} ``" for says in wrong)
    told = "<br>".join(told).replace("|", r"\|")
    # Without a backslash in front, the stars in 10**9 would start bold type.
    told = re.sub(r"(`[^`]*`)|\*", lambda found: found[1] or r"\*", told)
    return (
        title_above(cells, task),
        asks,
        check.metadata.nbgrader.points,
        len(answers) - len(wrong),
        len(wrong),
        told,
    )


def table():
    """Returns the text of docs/exercises.md."""
    parts, all_rows = [], []
    for lesson in sorted(path.parent.name for path in ROOT.glob("solutions/*/answers.toml")):
        cells, answers, asks = cells_of("solutions", lesson), answers_of(lesson), asks_of(lesson)
        rows = [
            row(cells, task, asks[task], [answer for answer in answers if answer["task"] == task])
            for task in tasks_of(cells)
        ]
        all_rows += rows
        for question in written_of(cells):
            facts = cells[question].metadata.nbgrader
            title, points = question_above(cells, question), facts.points
            rows.append((title, asks[question], points, "", "", "in words: you give the points"))
        title = title_above(cells, next(iter(cells))).removeprefix("Exercises for ")
        parts.append(
            f"\n## {title}\n\n| Task | It asks | Points | Right, accepted | Wrong, rejected | Messages |\n"
        )
        parts.append("|---|---|---|---|---|---|\n")
        parts += ["| " + " | ".join(map(str, each)) + " |\n" for each in rows]
    points, right, wrong = (sum(column) for column in list(zip(*all_rows, strict=True))[2:5])
    totals = (
        f"The {len(all_rows)} tasks that have checks: {points} points, {right} right answers, "
        f"{wrong:,} wrong ones. You give the points of the others.\n"
    )
    return "\n".join([START, totals]) + "".join(parts)


if __name__ == "__main__":
    print(table(), end="")
