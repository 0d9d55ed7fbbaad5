"""Makes the grader's HTML pages from templates. Each page is one file, in which all text is escaped."""

import base64
import functools
import re
from pathlib import Path

import jinja2
import markupsafe

from course_utils.widgets.identity import identity


def render(template: str, /, fonts: bool = False, **values) -> str:
    """Return a page as HTML.

    template : the name of a template in this folder, without .html, such as "feedback"
    fonts : whether the page contains the course's fonts, which are 70 kB
    values : the variables of the template
    """
    css, mark = identity(fonts)
    return _templates().get_template(f"{template}.html").render(css=css, mark=mark, **values)


def picture(data: dict[str, str]) -> str:
    """Return the PNG picture in displayed data, in base64, or "" if the data contains no PNG."""
    text = data.get("image/png", "")
    try:
        is_png = base64.b64decode(text).startswith(b"\x89PNG")
    except ValueError:
        return ""
    return text.replace("\n", "") if is_png and re.fullmatch(r"[A-Za-z0-9+/=\n]+", text) else ""


def _printable(value):
    """Return a text in which control characters, which HTML does not allow, are replaced."""
    if isinstance(value, markupsafe.Markup):  # this is the course's CSS or logo, not a student's text
        return value
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in str(value))


@functools.cache
def _templates():
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    jinja = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_printable
    )
    jinja.filters |= {"picture": picture, "number": "{:g}".format}
    return jinja
