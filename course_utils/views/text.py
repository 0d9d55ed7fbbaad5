"""Pictures of text as a model sees it: tokens as chips, and tables of likely next tokens."""

import re
from html import escape

from course_utils.views.picture import BLUE, INK, LINE, MONO, ORANGE, QUIET, TRACK, VERMILLION, Picture, card

_INVISIBLE = {" ": "·", "\n": "↵", "\r": "␍", "\t": "⇥"}
_MOST_IN_ALT = 60

# (tint, edge) of neighbouring chips; the edge shows where a token ends, also in black and white.
_CHIP_COLOURS = (("#eaf4fb", BLUE), ("#fff5dc", "#b87f00"))

# (least probability, line below the token, tint, name). The kind of line gives the meaning, not the colour.
# Line and margin together are 5px, so that all percentages below are at the same height.
_BANDS = (
    (0.9, f"1px solid {QUIET};margin-bottom:4px", "#ffffff", "90% or more"),
    (0.5, f"3px solid {BLUE};margin-bottom:2px", "#eaf4fb", "50 to 90%"),
    (0.1, f"3px dashed {ORANGE};margin-bottom:2px", "#fff5dc", "10 to 50%"),
    (0.0, f"5px double {VERMILLION}", "#fde6d8", "under 10%"),
)


def tokens(pieces, ids=None, caption=None):
    """Draw the tokens of a text in order.

    Parameters
    ----------
    pieces: list of str, the text of each token with its spaces.
    ids: list of int, each token's number in the vocabulary, shown below it.
    caption: str above the picture.

    Returns
    -------
    Picture
    """
    picture = card(chips(pieces, ids), caption, invisible_note(pieces))
    listed = " | ".join(visible(piece) for piece in pieces[:_MOST_IN_ALT])
    if len(pieces) > _MOST_IN_ALT:
        listed += f" | and {len(pieces) - _MOST_IN_ALT} more"
    return Picture(picture, f"{_plural(len(pieces), 'token')}: {listed}")


def token_rows(rows, words=None, caption=None):
    """Draw several texts as tokens, one below the other, to compare how many tokens each of them needs.

    Parameters
    ----------
    rows: dict from a label ("Hindi") to the list of that text's token strings.
    words: dict from the same labels to the number of words in each text; if given, the
        tokens per word are shown, too.
    caption: str above the picture.

    Returns
    -------
    Picture
    """
    drawn, said = [], []
    for label, pieces in rows.items():
        count = _plural(len(pieces), "token")
        facts = f'<div style="color:{QUIET};font-size:13px">{count}</div>'
        sentence = f"{label}: {count}"
        if words:
            per_word = f"{len(pieces) / words[label]:.1f}"
            facts = (
                f'<div><span style="font-size:20px;font-weight:600">{per_word}</span> per word</div>'
                f'<div style="color:{QUIET};font-size:13px">{count}, {_plural(words[label], "word")}</div>'
            )
            sentence += f" for {_plural(words[label], 'word')}, {per_word} per word"
        drawn.append(
            f'<div style="display:flex;flex-wrap:wrap;gap:6px 16px;padding:10px 0 4px 0;'
            f'border-top:1px solid {LINE}"><div style="flex:0 0 136px"><b>{escape(label)}</b>{facts}</div>'
            f'<div style="flex:1 1 240px;min-width:0">{chips(pieces)}</div></div>'
        )
        said.append(sentence)
    everything = [piece for pieces in rows.values() for piece in pieces]
    return Picture(card("".join(drawn), caption, invisible_note(everything)), "; ".join(said))


def next_tokens(pieces, probabilities, caption=None, others=None, marks=None):
    """Draw the table of the most probable next tokens; a full bar is 100%.

    Parameters
    ----------
    pieces: list of str, most probable first.
    probabilities: list of float from 0 to 1, one for each piece.
    caption: str above the picture.
    others: probability of all other tokens together; by default 1 minus the sum of `probabilities`.
    marks: dict from an index in `pieces` to a word in that row, such as {0: "chosen"}.

    Returns
    -------
    Picture
    """
    table = next_token_table(pieces, probabilities, others, marks)
    return Picture(
        card(table, caption, invisible_note(pieces)), f"Next token: {top_five(pieces, probabilities)}"
    )


def compare_next_tokens(columns, caption=None):
    """Draw tables of next tokens side by side, or one below the other on a narrow screen; a full bar is 100%.

    Parameters
    ----------
    columns: dict from a heading to (pieces, probabilities), as `next_tokens` takes them.
    caption: str above the picture.

    Returns
    -------
    Picture
    """
    drawn = "".join(
        f'<div style="min-width:0"><div style="font-weight:600">{escape(heading)}</div>'
        f"{next_token_table(pieces, probabilities, ranks=False)}</div>"
        for heading, (pieces, probabilities) in columns.items()
    )
    body = (
        '<div style="display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:14px 24px">'
        f"{drawn}</div>"
    )
    said = "; ".join(f"{heading}: {top_five(*column)}" for heading, column in columns.items())
    everything = [piece for pieces, _ in columns.values() for piece in pieces]
    return Picture(card(body, caption, invisible_note(everything)), f"Next token. {said}")


def probability_strip(pieces, probabilities, caption=None):
    """Draw a generated text with the probability that the model gave to each of its tokens.

    Parameters
    ----------
    pieces: list of str, the generated tokens in order.
    probabilities: list of float from 0 to 1, the probability of each token when it was chosen.
    caption: str above the picture.

    Returns
    -------
    Picture
    """
    pairs = list(zip(pieces, probabilities, strict=True))
    drawn = "".join(
        f'<span style="display:inline-block;margin:0 2px 8px 0;text-align:center;vertical-align:top">'
        f"{underlined(piece_html(piece), probability)}{below(percent(probability, 0))}</span> "
        for piece, probability in pairs
    )
    legend = "".join(
        f'<span style="display:inline-block;margin:0 14px 4px 0">{underlined(name, least)}</span> '
        for least, _, _, name in _BANDS
    )
    body = (
        f'{drawn}<div style="margin-top:4px;padding-top:8px;border-top:1px solid {LINE}">'
        f'<div style="font-size:13px;color:{QUIET};margin-bottom:4px">'
        f"The probability that the model gave to each token when it wrote it:</div>{legend}</div>"
    )
    listed = " | ".join(f"{visible(piece)} {percent(probability, 0)}" for piece, probability in pairs)
    return Picture(card(body, caption, invisible_note(pieces)), f"{_plural(len(pieces), 'token')}: {listed}")


def visible(piece):
    """Return a token's text with signs: · for a space, ↵ for a new line, ⟨byte⟩ for part of a character."""
    if not piece:
        return "⟨empty⟩"
    shown = "".join(_INVISIBLE.get(character, character) for character in piece)
    return re.sub("\ufffd+", "⟨byte⟩", shown)


def invisible_note(pieces):
    """Explain the signs for invisible characters that occur in these tokens."""
    text = "".join(pieces)
    meanings = {" ": "· is a space", "\n": "↵ is a new line", "\ufffd": "⟨byte⟩ is part of a character"}
    return ", ".join(meaning for character, meaning in meanings.items() if character in text)


def percent(probability, digits=1):
    """Format a probability as a percentage; with one digit, anything between 0 and 0.1% becomes "<0.1%"."""
    smallest = 10**-digits
    if 0 < probability * 100 < smallest:
        return f"<{smallest:g}%"
    return f"{probability:.{digits}%}"


def top_five(pieces, probabilities):
    """List the first five tokens and their percentages in words, for descriptions."""
    pairs = list(zip(pieces, probabilities, strict=True))[:5]
    return ", ".join(f"{visible(piece)} {percent(probability)}" for piece, probability in pairs)


def piece_html(piece):
    """Return a token's visible text as HTML."""
    text = escape(visible(piece)).replace("⟨byte⟩", '<i style="font-size:13px">⟨byte⟩</i>')
    # <bdi>: a right-to-left token must not change the order of its neighbours.
    return f"<bdi>{text}</bdi>"


def chips(pieces, ids=None):
    """Return HTML for tokens as chips that wrap, with their numbers below if `ids` are given."""
    drawn = []
    for position, piece in enumerate(pieces):
        tint, edge = _CHIP_COLOURS[position % 2]
        number_below = below(str(ids[position])) if ids is not None else ""
        drawn.append(
            '<span style="display:inline-block;margin:0 2px 6px 0;text-align:center;vertical-align:top">'
            f'<span style="display:inline-block;padding:1px 5px;background:{tint};border:1px solid {edge};'
            f'border-radius:4px;font-family:{MONO};font-size:15px;line-height:22px;color:{INK}">{piece_html(piece)}</span>'
            f"{number_below}</span> "
        )
    return "".join(drawn)


def next_token_table(pieces, probabilities, others=None, marks=None, cut=(), others_cut=False, ranks=True):
    """Return an HTML table with a row for each token: rank, token, bar, percentage, mark.

    Parameters
    ----------
    pieces, probabilities, others, marks: as in `next_tokens`.
    cut: indices of tokens that can no longer be sampled: they are struck through, with a hollow bar and the
        word "cut".
    others_cut: bool, whether all tokens that are not listed are cut, too.
    ranks: bool, whether to number the rows.
    """
    if others is None:
        others = max(0.0, 1 - sum(probabilities))
    rows = [
        (
            str(position + 1),
            f'<span style="font-family:{MONO};font-size:15px;white-space:nowrap">{piece_html(piece)}</span>',
            probability,
            "cut" if position in cut else (marks or {}).get(position, ""),
            position in cut,
        )
        for position, (piece, probability) in enumerate(zip(pieces, probabilities, strict=True))
    ]
    rows.append(("", "all other tokens", others, "cut" if others_cut else "", others_cut))
    marked = any(mark for *_, mark, _ in rows)
    cell = f"padding:3px 5px;border:none;background:#ffffff;color:{INK};vertical-align:middle"
    body = ""
    for rank, token, probability, mark, is_cut in rows:
        body += '<tr style="background:#ffffff">'
        if ranks:
            body += f'<td style="{cell};text-align:right;padding-left:0;color:{QUIET}">{rank}</td>'
        body += (
            f'<td style="{cell};text-align:left{"" if ranks else ";padding-left:0"}">'
            f"{f'<s>{token}</s>' if is_cut else token}</td>"
            f'<td style="{cell};width:66%">{bar(probability, is_cut, BLUE if rank else QUIET)}</td>'
            f'<td style="{cell};text-align:right;white-space:nowrap">{percent(probability)}</td>'
        )
        if marked:
            body += f'<td style="{cell};text-align:left;color:{QUIET}">{escape(mark)}</td>'
        body += "</tr>"
    return (
        '<table style="width:100%;margin:0;border:none;border-collapse:collapse;table-layout:auto;'
        f'font-size:14px"><tbody>{body}</tbody></table>'
    )


def bar(probability, hollow=False, colour=BLUE):
    """Return HTML for a bar on a track; a full bar is 100%."""
    fill = f"border:1px dashed {INK};background:#ffffff" if hollow else f"background:{colour}"
    return (
        f'<div style="background:{TRACK};border-radius:3px"><div style="box-sizing:border-box;height:14px;'
        f'min-width:2px;width:{round(100 * probability)}%;border-radius:3px;{fill}"></div></div>'
    )


def underlined(html, probability):
    """Return HTML above a line; the kind of line shows in which band the probability is."""
    line, tint = next((line, tint) for least, line, tint, _ in _BANDS if probability >= least)
    return (
        f'<span style="display:block;padding:1px 5px;background:{tint};border-bottom:{line};'
        f'font-family:{MONO};font-size:15px;color:{INK}">{html}</span>'
    )


def below(text):
    # <sub> keeps the number separate from the token if a page removes all styles.
    return (
        f'<sub style="display:block;position:static;vertical-align:baseline;font-size:13px;line-height:18px;'
        f'color:{QUIET}">{escape(text)}</sub>'
    )


def _plural(count, noun):
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
