"""The course as a line with stations, and how far somebody has come."""

from html import escape

from .picture import BLUE, INK, LINE, QUIET, Picture, card

# How much of the station is filled carries the meaning, as in the matrices.
STATES = {"not begun": ("○", "#ffffff"), "begun": ("◐", "#fff1d0"), "quiz done": ("●", "#cfe6f5")}


def course_map(parts, title=None, note=None):
    """Draw the lessons as stations on one line, in parts, each with a sign for how far it is.

    Parameters
    ----------
    parts: dict from a part of the course to its stations: (number, title, state, words below it).
    title: str above the picture.
    note: str below it.

    Returns
    -------
    Picture

    Raises
    ------
    KeyError: for a state that is not one of STATES.
    """
    drawn, said = "", []
    legend = " ".join(
        f'<span style="display:inline-block;margin-right:14px"><span style="display:inline-block;width:22px;'
        f'text-align:center;background:{tint};border:1px solid {LINE}">{sign}</span> {name}</span>'
        for name, (sign, tint) in STATES.items()
    )
    for part, stations in parts.items():
        line = ""
        for number, name, state, words in stations:
            sign, tint = STATES[state]
            line += (
                '<div style="display:flex;align-items:stretch">'
                '<div style="flex:0 0 34px;position:relative">'
                f'<div style="position:absolute;left:15px;top:0;bottom:0;width:4px;background:{BLUE}"></div>'
                '<div style="position:absolute;left:4px;top:7px;width:26px;height:26px;line-height:25px;'
                f"box-sizing:border-box;border:2px solid {BLUE};border-radius:13px;background:{tint};"
                f'text-align:center;font-size:15px">{sign}</div></div>'
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
