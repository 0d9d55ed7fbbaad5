"""Draws text as tokens on coloured chips, and tables of likely next tokens."""

import re
from html import escape

from course_utils.units import counted
from course_utils.views.picture import (
    BLUE,
    INK,
    LINE,
    MARK,
    MONO,
    ORANGE,
    QUIET,
    TRACK,
    VERMILLION,
    Picture,
    card,
    legend_html,
    row_html,
    table_html,
)

_INVISIBLE = {" ": "·", "\n": "↵", "\r": "␍", "\t": "⇥"}
_MOST_IN_ALT = 60

# (tint, edge) of two neighbouring chips. The edge shows where a token ends, even to readers who see no tints.
_CHIP_COLOURS = (("#f6f7fb", MARK), ("#ffffff", MARK))

# (least probability, line below the token, tint, name). The line's style shows the band, even to readers who
# see no colours. Line and margin add up to 5px, so that all percentages below tokens are at the same height.
_BANDS = (
    (0.9, f"1px solid {QUIET};margin-bottom:4px", "#ffffff", "90% or more"),
    (0.5, f"3px solid {BLUE};margin-bottom:2px", "#ddf1f7", "50 to 90%"),
    (0.1, f"3px dashed {ORANGE};margin-bottom:2px", "#fff3e4", "10 to 50%"),
    (0.0, f"5px double {VERMILLION}", "#ffe0cb", "under 10%"),
)


def tokens(pieces, *, ids=None, title=None) -> Picture:
    """Draw the tokens of a text in order.

    pieces : list of str, the text of each token, including its spaces.
    ids : list of int, each token's number in the vocabulary, written below the token.
    title : str, written above the picture.
    """
    listed = " | ".join(visible(piece) for piece in pieces[:_MOST_IN_ALT])
    if len(pieces) > _MOST_IN_ALT:
        listed += f" | and {len(pieces) - _MOST_IN_ALT} more"
    alt = f"{counted(len(pieces), 'token')}: {listed}"
    return Picture(card(chips(pieces, ids), title, invisible_note(pieces)), alt)


def token_rows(rows, *, words=None, title=None) -> Picture:
    """Draw several texts as tokens, one text below the other, to compare how many tokens each text needs.

    rows : dict from a label ("Hindi") to the list of that text's token strings.
    words : dict from the same labels to the number of words in each text; if given, the tokens per word are
        shown, too.
    title : str, written above the picture.
    """
    html, sentences = "", []
    for label, pieces in rows.items():
        count = counted(len(pieces), "token")
        facts = f'<div style="color:{QUIET};font-size:13px">{count}</div>'
        sentence = f"{label}: {count}"
        if words:
            per_word, of_words = f"{len(pieces) / words[label]:.1f}", counted(words[label], "word")
            facts = (
                f'<div><span style="font-size:20px;font-weight:600">{per_word}</span> per word</div>'
                f'<div style="color:{QUIET};font-size:13px">{count}, {of_words}</div>'
            )
            sentence += f" for {of_words}, {per_word} per word"
        html += (
            f'<div style="display:flex;flex-wrap:wrap;gap:6px 16px;padding:10px 0 4px 0;'
            f'border-top:1px solid {LINE}"><div style="flex:0 0 136px"><b>{escape(label)}</b>{facts}</div>'
            f'<div style="flex:1 1 240px;min-width:0">{chips(pieces)}</div></div>'
        )
        sentences.append(sentence)
    everything = [piece for pieces in rows.values() for piece in pieces]
    return Picture(card(html, title, invisible_note(everything)), "; ".join(sentences))


def compare_next_tokens(columns, *, title=None) -> Picture:
    """Draw tables of next tokens side by side, or one below the other on a narrow page. A full bar is 100%.

    columns : dict, {heading: (pieces, probabilities)}. `pieces` is a list of str that begins with the most
        probable token, and `probabilities` is a list of float from 0 to 1.
    title : str, written above the picture.
    """
    tables = "".join(
        f'<div style="min-width:0"><div style="font-weight:600">{escape(heading)}</div>'
        f"{_next_tokens(pieces, probabilities)}</div>"
        for heading, (pieces, probabilities) in columns.items()
    )
    html = (
        '<div style="display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:14px 24px">'
        f"{tables}</div>"
    )
    words = "; ".join(f"{heading}: {top_five(*column)}" for heading, column in columns.items())
    everything = [piece for pieces, _ in columns.values() for piece in pieces]
    return Picture(card(html, title, invisible_note(everything)), f"Next token. {words}")


def probability_strip(pieces, probabilities, *, title=None, meaning=None) -> Picture:
    """Draw a text with a probability below each of its tokens.

    pieces : list of str, the tokens in order.
    probabilities : list of float from 0 to 1, one for each token.
    title : str, written above the picture.
    meaning : str, the legend's heading, which says what the probabilities are. The default heading says that
        a model gave these probabilities to the tokens when it wrote them.
    """
    pairs = list(zip(pieces, probabilities, strict=True))
    html = "".join(
        _above_number(underlined(piece_html(piece), probability), percent(probability, 0), "0 2px 8px 0")
        for piece, probability in pairs
    )
    heading = meaning or "The probability that the model gave to each token when it wrote it:"
    html += legend_below(heading, (underlined(name, least) for least, _, _, name in _BANDS))
    listed = " | ".join(f"{visible(piece)} {percent(probability, 0)}" for piece, probability in pairs)
    return Picture(card(html, title, invisible_note(pieces)), f"{counted(len(pieces), 'token')}: {listed}")


def visible(piece):
    """Return a token's text with visible signs, such as · for a space and ⟨byte⟩ for part of a character."""
    if not piece:
        return "⟨empty⟩"
    shown = "".join(_INVISIBLE.get(character, character) for character in piece)
    return re.sub("\ufffd+", "⟨byte⟩", shown)


def invisible_note(pieces):
    """Return a text that explains the signs for the invisible characters in these tokens."""
    text = "".join(pieces)
    meanings = {" ": "· is a space", "\n": "↵ is a new line", "\ufffd": "⟨byte⟩ is part of a character"}
    return ", ".join(meaning for character, meaning in meanings.items() if character in text)


def percent(probability, digits=1):
    """Format a probability as a percentage. If it is above 0 but too small for the digits, write "<0.1%"."""
    smallest = 10**-digits
    if 0 < probability * 100 < smallest:
        return f"<{smallest:g}%"
    return f"{probability:.{digits}%}"


def top_five(pieces, probabilities):
    """Return the first five tokens with their percentages, in words, for use in a description."""
    pairs = list(zip(pieces, probabilities, strict=True))[:5]
    return ", ".join(f"{visible(piece)} {percent(probability)}" for piece, probability in pairs)


def piece_html(piece):
    """Return a token's visible text as HTML."""
    text = escape(visible(piece)).replace("⟨byte⟩", '<i style="font-size:13px">⟨byte⟩</i>')
    # Without <bdi>, a right-to-left token would change the order of its neighbours.
    return f"<bdi>{text}</bdi>"


def token_html(piece):
    """Return a token's visible text as HTML in a font for code, without line breaks."""
    return f'<span style="font-family:{MONO};color:{INK};white-space:nowrap">{piece_html(piece)}</span>'


def chips(pieces, ids=None):
    """Return HTML of tokens as chips that wrap at the page's edge. `ids`, if given, are below the chips."""
    html = ""
    for index, piece in enumerate(pieces):
        tint, edge = _CHIP_COLOURS[index % 2]
        chip = (
            f'<span style="display:inline-block;padding:1px 5px;background:{tint};border:1px solid {edge};'
            f'border-radius:4px;font-family:{MONO};font-size:15px;line-height:22px;color:{INK}">'
            f"{piece_html(piece)}</span>"
        )
        html += _above_number(chip, "" if ids is None else str(ids[index]), "0 2px 6px 0")
    return html


def _above_number(html, number, margin):
    """Return a token's HTML with a number (str) added below the token. If the number is "", add nothing."""
    if number:  # <sub> makes the number look different from the token even if the styles are removed
        html += (
            '<sub style="display:block;position:static;vertical-align:baseline;font-size:13px;'
            f'line-height:18px;color:{QUIET}">{escape(number)}</sub>'
        )
    look = f"display:inline-block;margin:{margin};text-align:center;vertical-align:top"
    return f'<span style="{look}">{html}</span> '


def legend_below(heading, entries):
    """Return HTML of a legend to place below tokens: a heading (HTML) and the legend's entries (HTML)."""
    return (
        f'<div style="margin-top:4px;padding-top:8px;border-top:1px solid {LINE}">'
        f'<div style="font-size:13px;color:{QUIET};margin-bottom:4px">{heading}</div>'
        f"{legend_html(entries)}</div>"
    )


def _next_tokens(pieces, probabilities):
    """Return an HTML table with a row for each token: the token, a bar and the percentage.

    pieces : list of str, the tokens, most probable first.
    probabilities : list of float from 0 to 1, one for each token. The table's last row is for all other
        tokens.
    """
    rows = [
        (
            f'<span style="font-family:{MONO};font-size:15px;white-space:nowrap">{piece_html(piece)}</span>',
            probability,
            BLUE,
        )
        for piece, probability in zip(pieces, probabilities, strict=True)
    ]
    rows.append(("all other tokens", max(0.0, 1 - sum(probabilities)), QUIET))
    cell = f"padding:3px 5px;border:none;background:#ffffff;color:{INK};vertical-align:middle"
    html = ""
    for token, probability, colour in rows:
        html += row_html(
            f'<td style="{cell};text-align:left;padding-left:0">{token}</td>'
            f'<td style="{cell};width:66%">{bar(probability, colour)}</td>'
            f'<td style="{cell};text-align:right;white-space:nowrap">{percent(probability)}</td>'
        )
    return table_html(html)


def bar(probability, colour=BLUE):
    """Return HTML of a bar on a track. The bar fills the track if the probability is 100%."""
    return (
        f'<div style="background:{TRACK};border-radius:3px"><div style="box-sizing:border-box;height:14px;'
        f'min-width:2px;width:{round(100 * probability)}%;border-radius:3px;background:{colour}"></div></div>'
    )


def underlined(html, probability):
    """Return the HTML with a line below it, whose style shows in which of _BANDS the probability is."""
    rounded = round(probability, 2)
    line, tint = next((line, tint) for least, line, tint, _ in _BANDS if rounded >= least)
    return (
        f'<span style="display:block;padding:1px 5px;background:{tint};border-bottom:{line};'
        f'font-family:{MONO};font-size:15px;color:{INK}">{html}</span>'
    )
