"""Pictures of what a token can see through sliding windows, and of which experts take which token."""

from html import escape

from .charts import bar_table
from .picture import BLUE, INK, LINE, MONO, ORANGE, QUIET, TRACK, Picture, array, card
from .text import invisible_note, percent, piece_html, visible

# How a token can be seen: (line below it, tint, legend). The line and the number below give the meaning.
_SEEN = {
    "directly": (f"3px solid {BLUE};margin-bottom:2px", "#eaf4fb", "directly: below it stands 1"),
    "through": (f"3px dashed {ORANGE};margin-bottom:2px", "#fff5dc", "handed on: through so many layers"),
    "not": (f"1px solid {TRACK};margin-bottom:4px", "#ffffff", "–: not at all"),
}
# One tint for each of eight experts; the ninth gets the first tint again. The expert's number is below
# each token.
_TINTS = ("#cfe6f5", "#ffe3b3", "#cdeee2", "#f7d9e8", "#fbf6bf", "#f8d3bd", "#e2e5ea", "#d9d2ee")


def steps(position, last, window):
    """Return the least number of layers after which information from `position` can reach the token `last`.

    Parameters
    ----------
    position, last: int, indices of tokens, counted from 0; `position` is at most `last`.
    window: int, how many tokens a token sees in one layer, including itself; at least 2, or None for all.

    Returns
    -------
    int: 1 if `last` sees the token directly.
    """
    if window is None:
        return 1
    return max(1, -(-(last - position) // (window - 1)))


def reach(pieces, window, layers, told=None, caption=None):
    """Draw which tokens the last token can see: directly, passed on from layer to layer, or not at all.

    Parameters
    ----------
    pieces: list of str, the tokens; the last one is the token that looks.
    window: int, how many tokens a token sees in one layer, including itself; None for all.
    layers: int, the number of layers of the model.
    told: position of a token to outline.
    caption: str above the picture.

    Returns
    -------
    Picture
    """
    return Picture(
        card(reach_html(pieces, window, layers, told), caption, invisible_note(pieces)),
        reach_words(pieces, window, layers, told),
    )


def reach_html(pieces, window, layers, told=None):
    """Return HTML of the tokens, with the layers that each needs below it. Parameters as in `reach`."""
    drawn = ""
    for position, piece in enumerate(pieces):
        needed = steps(position, len(pieces) - 1, window)
        seen = "directly" if needed == 1 else "through" if needed <= layers else "not"
        line, tint, _ = _SEEN[seen]
        line = f"2px solid {INK};font-weight:700" if position == told else line
        sides = f"border:2px solid {INK};" if position == told else ""
        drawn += (
            '<span style="display:inline-block;margin:0 3px 7px 0;text-align:center;vertical-align:top">'
            f'<span style="display:block;padding:0 3px;background:{tint};{sides}border-bottom:{line};'
            f'font-family:{MONO};font-size:14px;color:{INK if seen != "not" else QUIET}">'
            f"{piece_html(piece)}</span>{_below('–' if seen == 'not' else str(needed))}</span> "
        )
    legend = "".join(
        f'<span style="display:inline-block;margin:0 14px 4px 0"><span style="display:inline-block;'
        f'padding:0 6px;background:{tint};border-bottom:{line};font-size:13px">{name}</span></span> '
        for line, tint, name in _SEEN.values()
    )
    return (
        f'{drawn}<div style="margin-top:4px;padding-top:8px;border-top:1px solid {LINE}">'
        f'<div style="font-size:13px;color:{QUIET};margin-bottom:4px">'
        f"What the last token, “{piece_html(pieces[-1])}”, sees of each:</div>{legend}</div>"
    )


def reach_words(pieces, window, layers, told=None):
    """Say in words how many tokens are seen directly, through several layers, or not at all."""
    last = len(pieces) - 1
    needed = [steps(position, last, window) for position in range(len(pieces))]
    directly = needed.count(1)
    through = sum(1 < each <= layers for each in needed)
    said = (
        f"Of {len(pieces)} tokens, the last, “{visible(pieces[-1])}”, sees {directly} directly, {through} "
        f"through several layers, and {len(pieces) - directly - through} not at all"
    )
    if told is not None:
        way = f"can arrive through {needed[told]} layers" if needed[told] <= layers else "cannot arrive"
        way = "is seen directly" if needed[told] == 1 else way
        said += f"; “{visible(pieces[told])}”, {last - told} tokens back, {way}"
    return f"{said}."


def routing(pieces, shares, active=2, caption=None):
    """Draw which experts take each token of a text, and how the tokens are distributed over the experts.

    Parameters
    ----------
    pieces: list of str, the tokens.
    shares: (tokens, experts), the share that the router gives to each expert; each row adds up to 1.
    active: int, the number of experts that take each token.
    caption: str above the picture.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if the shares have another shape or another number of tokens.
    """
    shares = array(shares)
    if shares.ndim != 2 or len(shares) != len(pieces):
        raise ValueError(f"shares of shape {shares.shape} are not those of {len(pieces)} tokens")
    chosen = (-shares).argsort(axis=1, kind="stable")[:, :active]  # (tokens, active), the first choice first
    drawn, said = "", []
    for piece, row, experts in zip(pieces, shares, chosen, strict=True):
        weights = row[experts] / row[experts].sum()
        listed = [f"{expert} {percent(weight, 0)}" for expert, weight in zip(experts, weights, strict=True)]
        said.append(f"{visible(piece)} {' and '.join(listed)}")
        first, others = listed[0].split(" ")[0], "".join(_below(each) for each in listed[1:])
        drawn += (
            '<span style="display:inline-block;margin:0 3px 7px 0;text-align:center;vertical-align:top">'
            f'<span style="display:block;padding:0 4px;background:{_TINTS[int(first) % len(_TINTS)]};'
            f'border-bottom:1px solid {QUIET};font-family:{MONO};font-size:14px;color:{INK}">'
            f'{piece_html(piece)}</span><sub style="display:block;position:static;vertical-align:baseline;'
            f'font-size:13px;line-height:18px;color:{INK}"><b>{first}</b> {listed[0].split(" ")[1]}</sub>'
            f"{others}</span> "
        )
    experts = shares.shape[1]
    load = [100 * (chosen == expert).sum() / chosen.size for expert in range(experts)]
    labels = [f"expert\N{NO-BREAK SPACE}{expert}" for expert in range(experts)]
    even = 100 / experts
    bars = bar_table(labels, [round(each, 1) for each in load], "%", [even] * experts)
    body = (
        f'{drawn}<div style="margin-top:6px;padding-top:8px;border-top:1px solid {LINE}">'
        f"Who takes how much of this text</div>{bars}"
    )
    note = (
        "Below each token: the experts that take it, the first choice in bold, and the weight of each. Bars: "
        f"share of all places; dashed line: an even share, {even:.3g}%"
    )
    note = ". ".join(filter(None, [note, invisible_note(pieces)]))
    loads = ", ".join(f"expert {expert} {share:.0f}%" for expert, share in enumerate(load))
    return Picture(card(body, caption, note), f"{'; '.join(said)}. Load: {loads}; even would be {even:.3g}%")


def _below(text):
    return (
        f'<sub style="display:block;position:static;vertical-align:baseline;font-size:13px;line-height:18px;'
        f'color:{QUIET}">{escape(text)}</sub>'
    )
