"""Shows the AI-literacy competencies of two frameworks, with a lesson and an exercise for each competency.

17 competencies are from Long and Magerko (2020), and 19 from the AILit framework (OECD and European
Commission, 2026).
"""

from dataclasses import dataclass
from functools import cache

from course_utils import catalog, views
from course_utils.errors import CourseError
from course_utils.views.picture import Picture


@dataclass(frozen=True)
class Competency:
    """A competency, and where learners practise it: in a cell of a lesson, and in an exercise.

    name: the competency's name in the paper by Long and Magerko, or a short form of its name in AILit.
    lesson, cell: the lesson's two digits, and words from the code of the cell.
    done: what the learner does in that cell.
    exercise: the exercise's number and title, such as "11.2 · The rule, for all of them".
    missing: the part of the competency that the course does not teach.
    left_out: why the course does not teach the competency; lesson, cell, done and exercise are then empty.
    """

    name: str
    lesson: str = ""
    cell: str = ""
    done: str = ""
    exercise: str = ""
    missing: str = ""
    left_out: str = ""

    @property
    def practice(self) -> str:
        """Text for a table: how a learner practises the competency, or why the course leaves it out."""
        if self.left_out:
            return f"Left out. {self.left_out}"
        missing = f" (Not here: {self.missing}.)" if self.missing else ""
        return f"{self.lesson}: {self.done}. Exercise {self.exercise}{missing}"


@cache
def all_competencies() -> dict[int, Competency]:
    """Return the 17 competencies of Long and Magerko by number."""
    found = catalog.read("competencies.toml")
    return {int(number): Competency(**facts) for number, facts in found.items() if number != "ailit"}


@cache
def ailit() -> dict[str, Competency]:
    """Return the 19 competences of the AILit framework by letter and number, such as "E1"."""
    return {key: Competency(**facts) for key, facts in catalog.read("competencies.toml")["ailit"].items()}


def competencies(which: int | str | None = None) -> Picture:
    """Show a table of competencies, with the lesson and the exercise in which each is practised.

    which : the number of a competency of Long and Magerko, or "AILit" for all 19 of the AILit framework; by
        default all 17 of Long and Magerko are shown

    Raises CourseError if there is no such competency.
    """
    if which == "AILit":
        chosen = ailit()
        title = (
            f"AI literacy: {len(chosen)} competences (AILit framework, OECD and European Commission, 2026)"
        )
    else:
        found = all_competencies()
        if which is not None and which not in found:
            numbers = f"they have the numbers 1 to {len(found)}"
            raise CourseError(f'There is no competency {which!r}: {numbers}, and "AILit" shows another list.')
        chosen = found if which is None else {which: found[which]}
        title = "AI literacy: 17 competencies (Long and Magerko, 2020)"
    rows = [("", "Competency", "What you do in which lesson, and the exercise")]
    rows += [(str(key), facts.name, facts.practice) for key, facts in chosen.items()]
    return views.table(rows, title=title)
