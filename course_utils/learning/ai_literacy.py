"""Shows the competencies of AI literacy (Long and Magerko, 2020), with a lesson and an exercise for each."""

from dataclasses import dataclass
from functools import cache

from course_utils import catalog, views
from course_utils.errors import CourseError
from course_utils.views.picture import Picture


@dataclass(frozen=True)
class Competency:
    """One of the 17 competencies, with the cell of a lesson and the exercise in which learners practise it.

    name: the competency's name in the paper by Long and Magerko.
    lesson, cell: the lesson's two digits, and words from the code of the cell.
    done: what the learner does in that cell.
    exercise: the exercise's number and title, such as "11.2 · A bootstrap interval".
    """

    name: str
    lesson: str
    cell: str
    done: str
    exercise: str


@cache
def all_competencies() -> dict[int, Competency]:
    """Return the competencies by number."""
    found = catalog.read("competencies.toml")
    return {int(number): Competency(**facts) for number, facts in found.items()}


def competencies(number: int | None = None) -> Picture:
    """Show a table of the 17 competencies, with the lesson and the exercise in which each is practised.

    number : show only this competency

    Raises CourseError if there is no such competency.
    """
    found = all_competencies()
    if number is not None and number not in found:
        raise CourseError(f"There is no competency {number!r}: they have the numbers 1 to {len(found)}.")
    chosen = found if number is None else {number: found[number]}
    rows = [("", "Competency", "What you do in which lesson, and the exercise")]
    for key, facts in chosen.items():
        rows.append((str(key), facts.name, f"{facts.lesson}: {facts.done}. Exercise {facts.exercise}"))
    return views.table(rows, title="AI literacy: 17 competencies (Long and Magerko, 2020)")
