"""Shows the learner's progress, from the answers on this computer, and the competencies of AI literacy."""

from dataclasses import dataclass
from functools import cache

from course_utils import catalog, views
from course_utils.errors import CourseError
from course_utils.learning import answers, quiz
from course_utils.learning.course_map import course_map
from course_utils.views.picture import Picture

PARTS = {
    "Open a model": ("00", "01", "02", "03"),
    "Its relatives": ("04", "05", "06", "07"),
    "Judge": ("08", "09", "10"),
    "Decide and share": ("11", "12", "13"),
}


def progress() -> Picture:
    """Draw the map of the course: the progress in each lesson, and the number of claims settled so far."""
    known, lessons = answers.read(), {name[:2]: lesson for name, lesson in catalog.lessons().items()}
    parts, settled = {}, set()
    for part, numbers in PARTS.items():
        parts[part] = []
        for number in filter(lessons.get, numbers):
            lesson = lessons[number]
            state, words = _of_lesson(number, known)
            if state == "quiz done":
                settled.update(lesson.claims)
            shown = f"{lesson.minutes} minutes" if state == "not begun" else words
            parts[part].append((number, lesson.title, state, shown))
    note = f"Lessons whose quiz is done settle {len(settled)} of {len(catalog.claims())} claims."
    return course_map(parts, title="The course, and where you are", note=note)


def _of_lesson(number, known):
    """Return the progress in a lesson: one of the states that `course_map` shows, and words."""
    items = quiz.load(number)
    right = sum(known.get(f"quiz {number}: {item.text}", {}).get("right") is True for item in items)
    predictions = sum(key.startswith(f"predict {number}-") for key in known)
    prefix = f"check {int(number)}."
    tasks = [entry["right"] for key, entry in known.items() if key.startswith(prefix)]
    words = f"{predictions} predictions · quiz {right} of {len(items)}"
    if tasks:
        words += f" · {sum(map(bool, tasks))} tasks solved"
    if right == len(items):
        return "quiz done", words
    return ("begun" if right or predictions or tasks else "not begun"), words


@dataclass(frozen=True)
class Competency:
    """One of the 17 competencies of AI literacy (Long and Magerko, 2020), and what serves it in this course.

    Parameters
    ----------
    name: its name in that paper.
    lesson, cell: a lesson's two digits, and words from the code of one of its cells.
    done: what the learner does in that cell.
    exercise: the task's number and title, such as "9.2 · A bootstrap interval".
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
    """Show the table of the 17 competencies, each with what the learner does in a lesson, and an exercise.

    number : show this competency alone

    Raises CourseError if there is no such competency.
    """
    found = all_competencies()
    if number is not None and number not in found:
        raise CourseError(f"There is no competency {number!r}: they have the numbers 1 to {len(found)}.")
    chosen = found if number is None else {number: found[number]}
    rows = [("", "Competency", "What you do in which lesson, and the exercise")]
    for each, facts in chosen.items():
        rows.append((str(each), facts.name, f"{facts.lesson}: {facts.done}. Exercise {facts.exercise}"))
    title = "AI literacy: 17 competencies (Long and Magerko, 2020)"
    return views.table(rows, title=title)
