"""Shows tables of short texts, as aligned columns in a terminal or as a picture."""

from html import escape

from course_utils.views.picture import INK, LINE, QUIET, Picture, card, row_html, scrolled, table_html


def columns(rows, right=()):
    """Return the table as lines of text, with aligned columns and a rule below the heading.

    rows : list of tuples of str, all of the same length; the first tuple is the heading.
    right : the indices of the columns to align to the right, as is usual for numbers.
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


def table(rows, *, right=(), title=None, note=None, alt=None, folded=False) -> Picture:
    """Draw a table of short texts.

    rows, right : as in `columns`.
    title, note : str, written above and below the table.
    alt : str, the table in words; by default the rows as aligned text.
    folded : bool, whether only the title is shown until the reader presses it; needs a title.
    """
    html = ""
    for index, row in enumerate(rows):
        tag, look = ("th", f"color:{QUIET};font-weight:400") if index == 0 else ("td", f"color:{INK}")
        cells = "".join(
            f'<{tag} style="padding:4px 6px;border:none;background:#ffffff;{look};vertical-align:top;'
            f'text-align:{"right" if column in right else "left"}">{escape(cell)}</{tag}>'
            for column, cell in enumerate(row)
        )
        html += row_html(cells, f";border-top:{1 if index else 0}px solid {LINE}")
    shown = scrolled(table_html(html))
    if folded:
        shown = f"<details><summary>{escape(title)}</summary>{shown}{escape(note or '')}</details>"
        title = note = None
    return Picture(card(shown, title, note), alt or "\n".join(columns(rows, right)))
