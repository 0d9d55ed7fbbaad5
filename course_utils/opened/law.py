"""Draws facts on the law as cards. A card shows a fact, its date, where to check it, and when we read it.

For lesson 19.
"""

from html import escape
from urllib.parse import urlparse

from course_utils.views.picture import INK, LINE, QUIET, TRACK, Picture, card


def law_cards(facts, *, title=None) -> Picture:
    """Draw facts as cards below each other, in the order given.

    facts : list of `law.Fact`
    title : str, written above the cards

    Raises ValueError if there is no fact to draw.
    """
    facts = list(facts)
    if not facts:
        raise ValueError("there is no fact to draw")
    cards, words = "", [] if title is None else [f"{title}."]
    for fact in facts:
        host = urlparse(fact.source).netloc.removeprefix("www.")
        cards += (
            '<div style="display:flex;flex-wrap:wrap;gap:2px 14px;padding:8px 0;'
            f'border-top:1px solid {LINE}">'
            f'<div style="flex:0 0 92px;font-weight:600;color:{INK}"><span style="background:{TRACK};'
            f'padding:1px 6px;white-space:nowrap">{escape(fact.since)}</span></div>'
            f'<div style="flex:1 1 240px;min-width:0;overflow-wrap:break-word">{escape(fact.text)}'
            f'<div style="margin-top:2px;font-size:13px;color:{QUIET}">{escape(fact.basis)} on '
            f'<b style="color:{INK}">{escape(fact.read)}</b> · check it at '
            f'<a href="{escape(fact.source)}" style="color:{QUIET}">{escape(host)}</a></div></div></div>'
        )
        words.append(f"{fact.since}: {fact.text} Check it at {fact.source} ({fact.basis}, {fact.read}).")
    note = "The date before a fact: since when it holds, or when it happened. A reading, not legal advice."
    return Picture(card(cards, title, note), "\n".join([*words, note]))
