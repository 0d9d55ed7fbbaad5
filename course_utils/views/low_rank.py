"""A picture of a matrix and of the two narrow matrices that LoRA trains, drawn to scale."""

from .picture import BLUE, INK, QUIET, TRACK, VERMILLION, Picture, card

_SIDE = 200  # pixels of the longer side of the matrix


def low_rank(outputs, inputs, rank, name="W", title=None, alt=None):
    """Draw a matrix W and LoRA's A and B; the area of each is proportional to how many numbers it has.

    Parameters
    ----------
    outputs, inputs: int, rows and columns of the matrix.
    rank: int, rows of A and columns of B.
    name: str, the name of the matrix, such as "queries, layer 0".
    title: str above the picture.
    alt: str, the description; by default the shape of each matrix and how many numbers it has.

    Returns
    -------
    Picture

    Source: Hu et al. (2021), arXiv:2106.09685.
    """
    scale = _SIDE / max(outputs, inputs)
    parts = (
        (f"{name}: frozen", outputs, inputs, f"background:{TRACK};border:1px solid {QUIET}"),
        ("B: trained", outputs, rank, f"background:{VERMILLION}"),
        ("A: trained", rank, inputs, f"background:{BLUE}"),
    )
    signs, drawn, words = ("", "+", "·"), "", []
    for sign, (label, rows, columns, look) in zip(signs, parts, strict=True):
        height, width = (max(2, round(each * scale)) for each in (rows, columns))
        count = rows * columns
        if sign:
            drawn += f'<div style="flex:0 0 auto;font-size:22px;color:{INK}">{sign}</div>'
        drawn += (
            '<div style="flex:0 0 auto">'
            f'<div style="box-sizing:border-box;width:{width}px;height:{height}px;{look}"></div>'
            f'<div style="font-size:13px;color:{INK};margin-top:4px">{label}</div>'
            f'<div style="font-size:13px;color:{QUIET}">{rows:,} × {columns:,} = {count:,}</div></div>'
        )
        words.append(f"{label}, {rows:,} by {columns:,}, {count:,} numbers")
    share = rank * (outputs + inputs) / (outputs * inputs)
    body = f'<div style="display:flex;flex-wrap:wrap;align-items:center;gap:14px 18px">{drawn}</div>'
    note = f"To scale. A and B together: {share:.1%} of the numbers of {name}."
    return Picture(card(body, title, note), alt or f"{'; '.join(words)}. {note}")
