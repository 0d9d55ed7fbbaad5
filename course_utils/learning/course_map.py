"""Draws the map of the course. It shows the progress in each lesson, computed from the stored answers."""

from html import escape

from course_utils import catalog
from course_utils.learning import answers, quizzes
from course_utils.views.picture import BLUE, INK, LINE, QUIET, Picture, card

PARTS = {
    "Open a model": ("00", "01", "02", "03", "04", "05"),
    "Its relatives": ("06", "07", "08", "09"),
    "Judge": ("10", "11", "12"),
    "Decide and share": ("13", "14", "15", "16"),
}
# The filled share of a lesson's station, in percent. It shows the state without colours.
STATES = {"not begun": 0, "begun": 50, "quiz done": 100}


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


def draw(parts, title=None, note=None):
    """Draw the lessons as stations, on one line for each part of the course. The filling shows the state.

    Parameters
    ----------
    parts: dict from a part of the course to its stations: (number, title, state, details).
    title: str, written above the picture.
    note: str, written below the picture.

    Returns
    -------
    Picture

    Raises
    ------
    KeyError: if a state is not one of STATES.
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
    return Picture(card(body, title, note), "\n".join(lines + ([note] if note else [])))


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
