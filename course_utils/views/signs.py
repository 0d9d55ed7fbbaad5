"""Draws marks, such as "open" or "closed", as signs that can be read without colour."""

from html import escape

from course_utils.views.picture import LINE, TRACK, legend_html

# {mark: (sign, tint)}. Each mark has its own sign, so the mark can be read without the tint.
OPENNESS = {
    "open": ("●", "#cfe6f5"),
    "partial": ("◐", "#fff1d0"),
    "closed": ("○", "#f6d9cc"),
    "unknown": ("?", TRACK),
    "does not apply": ("–", TRACK),
}
# {answer to the question whether a licence allows a use: (sign, tint)}. Most answers have the tint of a
# similar mark in OPENNESS. For example, "yes" has the tint of "open".
ANSWERS = {
    "yes": ("✓", "#cfe6f5"),
    "yes, with conditions": ("!", "#fff1d0"),
    "ask first": ("→", "#e9e0f2"),
    "no": ("✕", "#f6d9cc"),
    "cannot know": ("–", TRACK),
    "not read": ("?", TRACK),
}


def signs_legend(marks, signs):
    """Return HTML with the sign and the name of each mark that occurs in the table `marks`."""
    used = [mark for mark in signs if any(mark in row for row in marks)]
    legend = legend_html(
        f'<span style="display:inline-block;width:22px;text-align:center;background:{signs[mark][1]};'
        f'border:1px solid {LINE};font-size:16px">{signs[mark][0]}</span> {escape(mark)}'
        for mark in used
    )
    return f'<div style="margin-bottom:8px">{legend}</div>'


def marks_in_words(marks_of, signs):
    """Return marks as text, one line for each name: "Llama 2. partial: weights, code; closed: data."

    marks_of : {name: {column: mark}}
    """
    lines = []
    for name, marks in marks_of.items():
        parts = []
        for mark in signs:
            marked = [column for column, other in marks.items() if other == mark]
            if marked:
                parts.append(f"{mark}: {', '.join(marked)}")
        lines.append(f"{name}. {'; '.join(parts)}.")
    return "\n".join(lines)
