"""A table of models and benchmarks, with scores, intervals and ranks, to show where the order changes."""

from html import escape

from .picture import BLUE, INK, LINE, QUIET, TRACK, VERMILLION, Picture, card

_FIRST = "#fbe3c0"


def ranking(scores, chance=None, title=None, note=None, alt=None):
    """Draw a row for each model and a column for each benchmark: rank, score, interval and chance level.

    Models with the same score share a rank, which has an equals sign: 1= if two or more share the first rank.

    Parameters
    ----------
    scores: dict from a model's name to a dict from a benchmark to (score in percent, (low, high)); all models
        have the same benchmarks.
    chance: dict from a benchmark to the percentage that guessing gives, drawn as an upright line; some
        benchmarks may be missing.
    title: str above the picture.
    note: str below the picture, before the text that explains the marks.
    alt: str, the description; by default every rank and score in words.

    Returns
    -------
    Picture
    """
    chance = chance or {}
    benchmarks = list(next(iter(scores.values())))
    ranks = {each: _ranks({model: row[each][0] for model, row in scores.items()}) for each in benchmarks}
    heading = "".join(
        f'<th style="padding:4px 6px;border:none;background:#ffffff;color:{QUIET};font-weight:400;'
        f'text-align:left">{escape(each)}</th>'
        for each in ("", *benchmarks)
    )
    body, words = "", []
    for model, row in scores.items():
        cells = "".join(_cell(*row[each], ranks[each][model], chance.get(each)) for each in benchmarks)
        body += (
            f'<tr style="background:#ffffff;border-top:1px solid {LINE}"><td style="padding:4px 6px 4px 0;'
            f'border:none;background:#ffffff;color:{INK};text-align:left;line-height:1.15">{escape(model)}</td>'
            f"{cells}</tr>"
        )
        said = ", ".join(f"{each} {ranks[each][model]} ({row[each][0]:.0f}%)" for each in benchmarks)
        words.append(f"{model}: {said}")
    inner = (
        '<div tabindex="0" style="overflow-x:auto"><table style="width:100%;margin:0;border:none;'
        f'border-collapse:collapse;table-layout:auto;font-size:14px"><tbody><tr '
        f'style="background:#ffffff">{heading}</tr>{body}'
        "</tbody></table></div>"
    )
    reading = "Bold: the rank, = if shared, shaded if first. Dot: percent right, 0 to 100; line: interval."
    if chance:
        reading += " Upright line: chance."
    return Picture(card(inner, title, " ".join(filter(None, (note, reading)))), alt or "; ".join(words))


def _ranks(values):
    """Return the rank of each name, with 1 for the highest value; names with the same value share a rank."""
    found = {}
    for name, value in values.items():
        rank = 1 + sum(other > value for other in values.values())
        shared = sum(other == value for other in values.values()) > 1
        found[name] = f"{rank}=" if shared else f"{rank}"
    return found


def _cell(value, span, rank, guess):
    marks = ""
    if guess is not None:
        marks += (
            f'<div style="position:absolute;top:0;bottom:0;left:{guess:.1f}%;width:3px;margin-left:-1px;'
            f'background:{VERMILLION}"></div>'
        )
    low, high = span
    marks += (
        f'<div style="position:absolute;top:5px;height:4px;left:{low:.1f}%;width:{max(high - low, 0.5):.1f}%;'
        f'background:{BLUE}"></div><div style="position:absolute;top:2px;left:{value:.1f}%;width:10px;'
        f'height:10px;margin-left:-5px;border-radius:5px;background:{BLUE}"></div>'
    )
    shade = _FIRST if rank.rstrip("=") == "1" else "#ffffff"
    return (
        f'<td style="padding:4px 5px;border:none;background:{shade};color:{INK};text-align:left;'
        f'min-width:38px"><div style="line-height:1.3"><b>{rank}</b> '
        f'<span style="color:{QUIET}">{value:.0f}%</span></div>'
        f'<div style="position:relative;height:14px;margin:0 5px;background:{TRACK}">{marks}</div></td>'
    )
