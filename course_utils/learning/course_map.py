"""Draws the map of the course, with the learner's progress in each lesson, and lists routes through it.

The progress is computed from the learner's stored answers.
"""

from dataclasses import dataclass
from html import escape

from course_utils import catalog
from course_utils.learning import answers, quizzes
from course_utils.views.picture import BLUE, INK, LINE, QUIET, Picture, card
from course_utils.views.tables import table

PARTS = {
    "Open a model": ("00", "01", "02", "03", "04", "05"),
    "Its relatives": ("06", "07", "08", "09"),
    "Judge": ("10", "11", "12"),
    "Decide and share": ("13", "14", "15", "16"),
    "Since the article": ("17", "18", "19"),
}
# {state of a lesson: how much of its circle on the map is filled, in percent}. So the state can be seen
# without colours.
STATES = {"not begun": 0, "begun": 50, "quiz done": 100}


@dataclass(frozen=True)
class Route:
    """A selection of the course's lessons for one kind of visitor.

    title, words : the route's name, and a sentence about it
    lessons : the two-digit numbers of the lessons, such as "02"
    minutes : how long each lesson takes on this route, or None if each takes the time in catalog/lessons.toml
    """

    title: str
    words: str
    lessons: tuple[str, ...]
    minutes: int | None = None

    @property
    def hours(self) -> str:
        """How long the route takes without the exercises, rounded to half an hour: "about 5½ hours"."""
        stated = {name[:2]: lesson.minutes for name, lesson in catalog.lessons().items()}
        minutes = sum(self.minutes or stated[number] for number in self.lessons)
        whole, half = divmod(round(minutes / 30), 2)
        return f"about {whole or ''}{'½' if half else ''} hour{'' if whole + half / 2 <= 1 else 's'}"


ROUTES = (
    Route("The whole course", "Every lesson, in order.", tuple(n for part in PARTS.values() for n in part)),
    Route(
        "One hour, nothing to install",
        "On the course's web page: guess, touch, look.",
        ("00", "02", "08"),
        minutes=20,
    ),
    Route(
        "A school day", "In class, with votes.", ("00", "02", "01", "09", "11", "16"), minutes=45
    ),  # docs/timetables.md has the timetable of this day
    Route(
        "Policy and press, without code",
        "Explorables and findings; the code stays folded.",
        ("00", "01", "10", "11", "12", "13", "15", "16", "19"),
    ),
    Route(
        "Developers",
        "How it works, what it costs, how to change it.",
        ("02", "03", "04", "05", "06", "07", "13", "14", "17", "18"),
    ),
)


def routes() -> Picture:
    """Show the routes through the course as a table, with their lessons and hours."""
    everything = len(ROUTES[0].lessons)
    rows = [("Route", "Lessons", "Time, without exercises")]
    for route in ROUTES:
        all_of_them = len(route.lessons) == everything
        rows.append((route.title, "all" if all_of_them else " ".join(route.lessons), route.hours))
    return table(rows, title="Which lessons are for you?")


def progress() -> Picture:
    """Draw the map of the course: the progress in each lesson, and the number of claims settled so far."""
    stored, settled, parts = answers.read(), set(), {}
    lessons = {name[:2]: lesson for name, lesson in catalog.lessons().items()}
    for part, numbers in PARTS.items():
        parts[part] = []
        for number in filter(lessons.get, numbers):
            state, details = _progress_in(number, stored)
            if state == "quiz done":
                settled.update(lessons[number].claims)
            elif state == "not begun":
                details = lessons[number].duration
            parts[part].append((number, lessons[number].title, state, details))
    note = f"Lessons whose quiz is done settle {len(settled)} of {len(catalog.claims())} claims."
    return draw(parts, title="The course, and where you are", note=note)


def begun(stored: dict[str, dict]) -> int:
    """Return how many lessons are begun: those with a prediction, a right quiz answer or a tried task.

    stored : the answers, as `answers.read` returns them
    """
    return sum(_progress_in(name[:2], stored)[0] != "not begun" for name in catalog.lessons())


def _progress_in(number, stored):
    """Return the state of a lesson, one of STATES, and the details in words."""
    items = quizzes.load(number)
    right = sum(stored.get(f"quiz {number}: {item.text}", {}).get("right") is True for item in items)
    predictions = sum(key.startswith(f"predict {number}-") for key in stored)
    tasks = answers.solved_tasks(int(number), stored)
    details = f"{predictions} predictions · quiz {right} of {len(items)}"
    if tasks:
        details += f" · {sum(tasks)} tasks solved"
    if right == len(items):
        return "quiz done", details
    return ("begun" if right or predictions or tasks else "not begun"), details


def draw(parts, title, note):
    """Draw each part of the course as a line with its lessons as stations, like the map of a railway.

    A station is a circle, and its filling shows the state of the lesson.

    parts : dict from a part of the course to its stations: (number, title, state, details)
    title, note : texts above and below the picture
    """
    legend = " ".join(
        '<span style="display:inline-block;margin-right:18px">'
        f"{_circle(filled, 'display:inline-block;vertical-align:-4px;margin-right:6px')}{state}</span>"
        for state, filled in STATES.items()
    )
    columns = "".join(
        '<div style="flex:1 1 300px;min-width:0;margin-bottom:8px">'
        f'<div style="font-weight:600;color:{INK};border-bottom:1px solid {LINE};margin-bottom:4px">'
        f"{escape(part)}</div>{''.join(_station(*station) for station in stations)}</div>"
        for part, stations in parts.items()
    )
    body = (
        f'<div style="margin-bottom:10px">{legend}</div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:0 28px">{columns}</div>'
    )
    lines = [
        f"{number} {name}: {state}. {details}"
        for stations in parts.values()
        for number, name, state, details in stations
    ]
    return Picture(card(body, title, note), "\n".join([*lines, note]))


def _station(number, name, state, details):
    circle = _circle(STATES[state], "position:absolute;left:7px;top:9px")
    return (
        '<div style="display:flex;align-items:stretch">'
        '<div style="flex:0 0 34px;position:relative">'
        f'<div style="position:absolute;left:15px;top:0;bottom:0;width:4px;background:{BLUE}"></div>'
        f"{circle}</div>"
        f'<div style="flex:1 1 auto;min-width:0;padding:7px 0 7px 10px"><b>{escape(number)} · '
        f'{escape(name)}</b><div style="font-size:13px;color:{QUIET}">{escape(details)}</div></div>'
        "</div>"
    )


def _circle(filled, style):
    return (
        f'<span style="{style};width:20px;height:20px;box-sizing:border-box;border:3px solid {BLUE};'
        f'border-radius:10px;background:#ffffff;overflow:hidden"><span style="display:block;height:100%;'
        f'width:{filled}%;background:{BLUE}"></span></span>'
    )
