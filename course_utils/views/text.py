"""Pictures of text as a model sees it: tokens as chips, and the table of what comes next."""

import re
from html import escape

from .picture import BLUE, INK, LINE, MONO, ORANGE, QUIET, TRACK, VERMILLION, Picture, card

SPACE_NOTE = "· is a space"
MOST_IN_ALT = 60
_MARKS = {" ": "·", "\n": "↵", "\r": "␍", "\t": "⇥"}


def tokens(pieces, ids=None, caption=None):
    """Draw a text as the tokens it was split into, in order.

    Parameters
    ----------
    pieces: list of str, the text of each token, spaces included.
    ids: list of int, each token's number in the vocabulary, shown below it.
    caption: str above the picture.

    Returns
    -------
    Picture
    """
    below = [None] * len(pieces) if ids is None else [str(token_id) for token_id in ids]
    body = chips(pieces, below)
    return Picture(card(body, caption, _note(pieces)), _count_and_list(pieces))


def token_rows(rows, words=None, caption=None):
    """Draw several texts as tokens, one below the other, to compare how many tokens each costs.

    Parameters
    ----------
    rows: dict from a label ("Hindi") to the list of that text's token strings.
    words: dict from the same labels to the number of words in each text; adds the tokens per word.
    caption: str above the picture.

    Returns
    -------
    Picture
    """
    drawn, said = [], []
    for label, pieces in rows.items():
        facts = [_plural(len(pieces), "token")]
        if words:
            facts.append(f"{len(pieces) / words[label]:.1f} per word")
        drawn.append(
            f'<div style="display:flex;flex-wrap:wrap;gap:4px 12px;padding:8px 0;border-top:1px solid {LINE}">'
            f'<div style="flex:0 0 112px"><b>{escape(label)}</b>'
            + "".join(f'<div style="font-size:13px;color:{QUIET}">{fact}</div>' for fact in facts)
            + f'</div><div style="flex:1 1 240px;min-width:0">{chips(pieces, [None] * len(pieces))}</div></div>'
        )
        said.append(f"{label}: {', '.join(facts)}")
    pieces = [piece for row in rows.values() for piece in row]
    return Picture(card("".join(drawn), caption, _note(pieces)), "; ".join(said))


def next_tokens(pieces, probabilities, caption=None, others=None, marks=None):
    """Draw the table of the most probable next tokens.

    Parameters
    ----------
    pieces: list of str, most probable first.
    probabilities: list of float from 0 to 1, one for each piece.
    caption: str above the picture.
    others: probability of all tokens not listed; by default what the listed ones leave of 1.
    marks: dict from a position in `pieces` to a word beside it, such as {0: "chosen"}.

    Returns
    -------
    Picture
    """
    body = next_token_table(pieces, probabilities, others, marks or {})
    return Picture(card(body, caption, _note(pieces)), "Next token: " + _top_five(pieces, probabilities))


def compare_next_tokens(columns, caption=None):
    """Draw several tables of next tokens side by side, all bars on one scale.

    Parameters
    ----------
    columns: dict from a heading to (pieces, probabilities), as `next_tokens` takes them.
    caption: str above the picture.

    Returns
    -------
    Picture
    """
    drawn, said, seen = [], [], []
    for heading, (pieces, probabilities) in columns.items():
        table = next_token_table(pieces, probabilities, None, {})
        drawn.append(
            f'<div style="flex:1 1 230px;min-width:0"><div style="font-weight:600;margin-bottom:4px">'
            f"{escape(heading)}</div>{table}</div>"
        )
        said.append(f"{heading}: {_top_five(pieces, probabilities)}")
        seen.extend(pieces)
    body = f'<div style="display:flex;flex-wrap:wrap;gap:16px 24px">{"".join(drawn)}</div>'
    return Picture(card(body, caption, _note(seen)), "Next token. " + "; ".join(said))


def probability_strip(pieces, probabilities, caption=None):
    """Draw a generated text with the probability that the model gave to each of its tokens.

    Parameters
    ----------
    pieces: list of str, the generated tokens in order.
    probabilities: list of float from 0 to 1, the probability of each when it was chosen.
    caption: str above the picture.

    Returns
    -------
    Picture
    """
    drawn = []
    for piece, probability in zip(pieces, probabilities, strict=True):
        line, tint, _ = _band(probability)
        drawn.append(
            f'<span style="display:inline-block;margin:0 3px 8px 0;text-align:center;vertical-align:top">'
            f'<span style="display:block;padding:2px 5px;background:{tint};border-bottom:{line};'
            f'font-family:{MONO};font-size:15px">{_chip_text(piece)}</span>'
            f'<sub style="display:block;font-size:13px;line-height:1.4;color:{QUIET};vertical-align:baseline">'
            f"{percent(probability, 0)}</sub></span> "
        )
    note = "Below each token: the probability the model gave it. " + "; ".join(
        f"{words} {name}" for name, words in _BAND_WORDS.items()
    )
    listed = " | ".join(
        f"{visible(piece)} {percent(probability, 0)}"
        for piece, probability in zip(pieces, probabilities, strict=True)
    )
    return Picture(card("".join(drawn), caption, note), f"{_plural(len(pieces), 'token')}: {listed}")


# (at least this probability, underline, tint, name): the line, not the tint, carries the meaning
_BANDS = [
    (0.9, f"2px solid {LINE}", "#ffffff", "90% or more"),
    (0.5, f"3px solid {BLUE}", "#eaf4fb", "50 to 90%"),
    (0.1, f"3px dashed {ORANGE}", "#fff3d6", "10 to 50%"),
    (0.0, f"5px double {VERMILLION}", "#fde6d8", "under 10%"),
]
_BAND_WORDS = {
    "90% or more": "grey line",
    "50 to 90%": "solid line",
    "10 to 50%": "dashed line",
    "under 10%": "double line",
}


def _band(probability):
    for least, line, tint, name in _BANDS:
        if probability >= least:
            return line, tint, name
    raise ValueError(f"{probability} is not a probability")


def visible(piece):
    """A token's text with its invisible characters shown: spaces as ·, newlines as ↵, broken characters as ⟨byte⟩."""
    if not piece:
        return "⟨empty⟩"
    shown = "".join(_MARKS.get(character, character) for character in piece)
    return re.sub("\ufffd+", "⟨byte⟩", shown)


def percent(probability, digits=1):
    """A probability as a percentage; one that would round to zero is "<0.1%"."""
    smallest = 10**-digits
    if 0 < probability * 100 < smallest:
        return f"<{smallest:g}%"
    return f"{probability:.{digits}%}"


def chips(pieces, below):
    """HTML for tokens as chips that wrap; `below` is a text under each, or None."""
    drawn = []
    for position, (piece, text) in enumerate(zip(pieces, below, strict=True)):
        tint, edge = (("#eaf4fb", BLUE), ("#fff3d6", "#b87f00"))[position % 2]
        under = ""
        if text is not None:
            under = (
                f'<sub style="display:block;font-size:13px;line-height:1.4;color:{QUIET};'
                f'vertical-align:baseline">{escape(text)}</sub>'
            )
        drawn.append(
            '<span style="display:inline-block;margin:0 2px 6px 0;text-align:center;vertical-align:top">'
            f'<span style="display:inline-block;padding:1px 5px;background:{tint};border:1px solid {edge};'
            f'border-radius:4px;font-family:{MONO};font-size:15px;color:{INK}">{_chip_text(piece)}</span>'
            f"{under}</span> "
        )
    return "".join(drawn)


def next_token_table(pieces, probabilities, others, marks, cut=(), full=1.0):
    """HTML table: rank, token, bar, percentage. Positions in `cut` are struck through, their bars hollow."""
    if others is None:
        others = max(0.0, 1 - sum(probabilities))
    rows = []
    for position, (piece, probability) in enumerate(zip(pieces, probabilities, strict=True)):
        is_cut = position in cut
        token = f'<span style="font-family:{MONO};font-size:15px">{_chip_text(piece)}</span>'
        if is_cut:
            token = f"<s>{token}</s>"
        mark = marks.get(position, "cut" if is_cut else "")
        rows.append(_row(str(position + 1), token, probability, full, mark, is_cut))
    rest = f'<span style="color:{QUIET}">all other tokens</span>'
    rows.append(_row("", rest, others, full, "", False))
    return (
        '<table style="width:100%;margin:0;border-collapse:collapse;table-layout:auto;font-size:14px">'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(rank, token, probability, full, mark, hollow):
    width = round(100 * min(probability / full, 1))
    fill = (
        f"border:1px dashed {QUIET};background:#ffffff" if hollow else f"background:{BLUE if rank else QUIET}"
    )
    bar = (
        f'<div style="background:{TRACK};border-radius:3px"><div style="box-sizing:border-box;height:14px;'
        f'min-width:2px;width:{width}%;border-radius:3px;{fill}"></div></div>'
    )
    cell = f"padding:3px 6px;border:none;color:{INK};background:#ffffff;vertical-align:middle"
    return (
        f'<tr style="background:#ffffff"><td style="{cell};text-align:right;color:{QUIET}">{rank}</td>'
        f'<td style="{cell};text-align:left;white-space:nowrap">{token}</td>'
        f'<td style="{cell};width:70%">{bar}</td>'
        f'<td style="{cell};text-align:right;white-space:nowrap">{percent(probability)}</td>'
        f'<td style="{cell};text-align:left;color:{QUIET}">{escape(mark)}</td></tr>'
    )


def _chip_text(piece):
    # <bdi>: a right-to-left token must not turn its neighbours around.
    return f"<bdi>{escape(visible(piece))}</bdi>"


def _count_and_list(pieces):
    listed = " | ".join(visible(piece) for piece in pieces[:MOST_IN_ALT])
    more = f" | and {len(pieces) - MOST_IN_ALT} more" if len(pieces) > MOST_IN_ALT else ""
    return f"{_plural(len(pieces), 'token')}: {listed}{more}"


def _top_five(pieces, probabilities):
    pairs = list(zip(pieces, probabilities, strict=True))[:5]
    return ", ".join(f"{visible(piece)} {percent(probability)}" for piece, probability in pairs)


def _note(pieces):
    text = "".join(pieces)
    notes = []
    if " " in text:
        notes.append(SPACE_NOTE)
    if "\n" in text:
        notes.append("↵ is a new line")
    if "\ufffd" in text:
        notes.append("⟨byte⟩ is part of a character")
    return ", ".join(notes)


def _plural(count, noun):
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
