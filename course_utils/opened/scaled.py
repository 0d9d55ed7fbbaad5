"""Draws amounts as squares to one scale, or as numbers of dots, so that they can be compared.

For lessons 18 and 19.
"""

from html import escape

from course_utils.views.picture import BLUE, INK, LINE, QUIET, TRACK, VERMILLION, Picture, card, number

SIGNS = "\N{BLACK CIRCLE}\N{CIRCLE WITH LEFT HALF BLACK}\N{WHITE CIRCLE}"
_IN_A_ROW = 25  # dots
# In each of these fonts the three SIGNS have the same width.
_DOTS = "DejaVu Sans,Segoe UI Symbol,Apple Symbols,sans-serif"

_LARGEST = 140  # the side of the largest square, in pixels
_SMALLEST = 3  # the side of the smallest square, in pixels; a smaller square could not be seen
_NARROWEST = 92  # the least width of the words below a square, in pixels


def squares(amounts, *, unit, label="", inside=None, inside_label="", title=None) -> Picture:
    """Draw each amount as a square whose area is the amount, all to one scale, side by side.

    amounts : dict from a name to a number above zero.
    unit : str, written after each amount, such as "GB".
    label : str, what the amounts are, such as "in all"; written only with `inside`.
    inside : dict from some of the names to a part of the amount, drawn as a dark square inside.
    inside_label : str, what the parts are, such as "at work for one token"; needed with `inside`.
    title : str, written above the picture.

    Raises ValueError if an amount is not above zero, or a part is larger than its amount.
    """
    inside = inside or {}
    if min(amounts.values()) <= 0:
        raise ValueError("each amount must be above zero: a square of no size can't be drawn")
    if any(part > amounts[name] for name, part in inside.items()):
        raise ValueError("a part can't be larger than its amount")
    largest = max(amounts.values())

    def side(amount):
        return max(_SMALLEST, round(_LARGEST * (amount / largest) ** 0.5))

    height = 17 * (7 if inside else 3)  # pixels for the 7 or 3 lines of words below a square
    boxes, words = "", []
    for name, amount in amounts.items():
        words.append(f"{name}: {number(amount)} {unit}")
        bold, below, within = f"{number(amount)} {unit}", "", ""
        if name in inside:
            part = side(inside[name])
            share = 100 * inside[name] / amount
            share = f"{share:.0f}%" if share >= 1 else f"{share:.1f}%"
            whole = f"{bold} {label}".strip()
            bold = f"{number(inside[name])} {unit} {inside_label}"
            words[-1] = f"{name}: {whole}, of which {number(inside[name])} {inside_label}, {share}"
            below = f"<div>{share} of {escape(whole)}</div>"
            within = (
                f'<div style="position:absolute;left:0;bottom:0;width:{part}px;height:{part}px;'
                f'background:{BLUE}"></div>'
            )
        look = f"background:{TRACK if inside else BLUE};border:1px solid {QUIET if inside else BLUE}"
        square = (
            f'<div style="position:relative;box-sizing:border-box;width:{side(amount)}px;'
            f'height:{side(amount)}px;{look}">{within}</div>'
        )
        boxes += (
            f'<div style="display:inline-block;vertical-align:bottom;width:{max(side(amount), _NARROWEST)}px;'
            f'margin:0 10px 10px 0">{square}<div style="height:{height}px;margin-top:4px;'
            f'border-top:1px solid {LINE};font-size:13px;line-height:17px;color:{INK}">'
            f"<div>{escape(name)}</div>"
            f'<div style="font-weight:600">{escape(bold)}</div>{below}</div></div> '
        )
    note = "The areas are to one scale."
    if inside:
        note += f" Light: {label}." if label else ""
        note += f" Dark: {inside_label}."
    return Picture(card(boxes, title, note), "; ".join(words))


def dots_row(name, lines, shares, *, total) -> str:
    """Return HTML of a field of dots with its name above it and lines of text beside it.

    name : str
    lines : list of str; the first is written in bold. A sign of `SIGNS` at a line's start is coloured.
    shares : three ints, how many dots have the first, the second and the third of `SIGNS`, in this order.
    total : int, how many dots there are in all; the remaining dots are pale.
    """
    looks = [(sign, VERMILLION) for sign, share in zip(SIGNS, shares, strict=True) for _ in range(share)]
    looks += [(SIGNS[0], LINE)] * (total - len(looks))
    field = ""
    for start in range(0, total, _IN_A_ROW):
        part = looks[start : start + _IN_A_ROW]
        for sign, colour in dict.fromkeys(part):
            field += f'<span style="color:{colour}">{sign * part.count((sign, colour))}</span>'
        field += "<br>"
    said = ""
    for index, line in enumerate(lines):
        text = escape(line)
        if line[0] in SIGNS:
            text = f'<b style="color:{VERMILLION}">{line[0]}</b>{escape(line[1:])}'
        said += f'<div style="font-weight:{400 if index else 600}">{text}</div>'
    return (
        f'<div style="padding:8px 0;border-top:1px solid {LINE}"><div>{escape(name)}</div>'
        '<div style="display:flex;flex-wrap:wrap;gap:2px 16px">'
        f'<div style="white-space:nowrap;font-family:{_DOTS};font-size:11px;line-height:11px">{field}</div>'
        f'<div style="flex:1 1 190px;line-height:1.35">{said}</div></div></div>'
    )
