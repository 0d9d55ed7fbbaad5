"""A map of the course: a line whose stations show which lessons somebody has begun or done."""

from html import escape

from course_utils.views.picture import BLUE, INK, LINE, QUIET, Picture, card

# The percentage of a station's width that is filled: this shows the state, not a colour.
STATES = {"not begun": 0, "begun": 50, "quiz done": 100}


def course_map(parts, title=None, note=None):
    """Draw the lessons as stations on a line for each part of the course; the filling shows the state.

    Parameters
    ----------
    parts: dict from a part of the course to its stations: (number, title, state, words below it).
    title: str above the picture.
    note: str below the picture.

    Returns
    -------
    Picture

    Raises
    ------
    KeyError: if a state is not one of STATES.
    """
    drawn, said = "", []
    legend = " ".join(
        '<span style="display:inline-block;margin-right:18px">'
        f"{_station(filled, 'display:inline-block;vertical-align:-4px;margin-right:6px')}{name}</span>"
        for name, filled in STATES.items()
    )
    for part, stations in parts.items():
        line = ""
        for number, name, state, words in stations:
            station = _station(STATES[state], "position:absolute;left:7px;top:9px")
            line += (
                '<div style="display:flex;align-items:stretch">'
                '<div style="flex:0 0 34px;position:relative">'
                f'<div style="position:absolute;left:15px;top:0;bottom:0;width:4px;background:{BLUE}"></div>'
                f"{station}</div>"
                f'<div style="flex:1 1 auto;min-width:0;padding:7px 0 7px 10px"><b>{escape(number)} · '
                f'{escape(name)}</b><div style="font-size:13px;color:{QUIET}">{escape(words)}</div></div>'
                "</div>"
            )
            said.append(f"{number} {name}: {state}. {words}")
        drawn += (
            '<div style="flex:1 1 300px;min-width:0;margin-bottom:8px">'
            f'<div style="font-weight:600;color:{INK};border-bottom:1px solid {LINE};margin-bottom:4px">'
            f"{escape(part)}</div>{line}</div>"
        )
    body = (
        f'<div style="margin-bottom:10px">{legend}</div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:0 28px">{drawn}</div>'
    )
    return Picture(card(body, title, note), "\n".join([*said, *filter(None, [note])]))


def _station(filled, placed):
    return (
        f'<span style="{placed};width:20px;height:20px;box-sizing:border-box;border:3px solid {BLUE};'
        f'border-radius:10px;background:#ffffff;overflow:hidden"><span style="display:block;height:100%;'
        f'width:{filled}%;background:{BLUE}"></span></span>'
    )
