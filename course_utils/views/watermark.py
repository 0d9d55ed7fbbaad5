"""A picture of a text with the tokens that a watermark counts as green."""

from html import escape

from .picture import GREEN, INK, MONO, QUIET, Picture, card


def green_tokens(pieces, green, title=None, note=None, alt=None):
    """Draw a text whose green tokens have a tint and a thick line below; the other tokens have neither.

    Parameters
    ----------
    pieces: list of str, the text of each token.
    green: list with, for each piece, True or False, or None if the token is not counted.
    title: str above the text.
    note: str below the text, before the legend.
    alt: str, the description; by default how many of the counted tokens are green, and the text.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if `green` and `pieces` have different lengths.
    """
    drawn = []
    for piece, mark in zip(pieces, green, strict=True):
        look = f"border-bottom:3px solid {GREEN};background:#dff3ea" if mark else f"color:{INK}"
        drawn.append(f'<span style="display:inline-block;padding:0 2px;{look}">{escape(piece)}</span>')
    body = (
        f'<div style="font-family:{MONO};font-size:14px;line-height:1.9;color:{INK}">{" ".join(drawn)}</div>'
    )
    counted = [mark for mark in green if mark is not None]
    says = f"{sum(counted)} of {len(counted)} tokens green"
    legend = f'<div style="margin-top:6px;font-size:13px;color:{QUIET}">{_legend(note)}</div>'
    return Picture(card(body + legend, title), alt or f"{says}: {' '.join(pieces)}")


def _legend(note):
    key = (
        f'<span style="padding:0 2px;border-bottom:3px solid {GREEN};background:#dff3ea;color:{INK}">Tint and'
        " line</span>: green after the token before it. Bare: not green."
    )
    return f"{escape(note)} {key}" if note else key
