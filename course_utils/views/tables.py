"""Tables of short texts, as aligned columns for a terminal and as a picture."""

from html import escape

from course_utils.views.picture import INK, LINE, QUIET, Picture, card


def columns(rows, right=()):
    """Return lines of text with the cells in aligned columns and a rule under the heading.

    Parameters
    ----------
    rows: list of tuples of str, all of one length; the first is the heading.
    right: the indices of the columns that are aligned to the right, as numbers usually are.

    Returns
    -------
    list of str, without trailing spaces.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def table(rows, right=(), title=None, note=None, alt=None):
    """Draw a table of short texts.

    Parameters
    ----------
    rows, right: as in `columns`.
    title: str above the table.
    note: str below the table.
    alt: str, the description; by default the rows as aligned text.

    Returns
    -------
    Picture
    """
    drawn = ""
    for index, row in enumerate(rows):
        tag, look = ("th", f"color:{QUIET};font-weight:400") if index == 0 else ("td", f"color:{INK}")
        cells = "".join(
            f'<{tag} style="padding:4px 6px;border:none;background:#ffffff;{look};vertical-align:top;'
            f'text-align:{"right" if column in right else "left"}">{escape(cell)}</{tag}>'
            for column, cell in enumerate(row)
        )
        drawn += f'<tr style="background:#ffffff;border-top:{1 if index else 0}px solid {LINE}">{cells}</tr>'
    inner = (
        '<div tabindex="0" style="overflow-x:auto"><table style="width:100%;margin:0;border:none;'
        f'border-collapse:collapse;table-layout:auto;font-size:14px"><tbody>{drawn}</tbody></table></div>'
    )
    return Picture(card(inner, title, note), alt or "\n".join(columns(rows, right)))
