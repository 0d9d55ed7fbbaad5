"""Functions that check an explorable's choices, and report errors of the course's or the notebook's code."""

import traceback
from html import escape

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.loading import memory
from course_utils.views.picture import QUIET, Picture, card


class GivenFunctionError(Exception):
    """Raised if a function that a notebook gave to an explorer fails. `__cause__` is the function's error."""


def given(function, *arguments):
    """Call a function that a notebook gave to an explorer, and return what it returns.

    If the function raises CourseError or GivenFunctionError, raise it unchanged. If it raises any other
    error, raise GivenFunctionError from that error.
    """
    try:
        return function(*arguments)
    except (CourseError, GivenFunctionError):
        raise
    except Exception as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise GivenFunctionError(name) from error


def failure(error):
    """Return a `Picture` that says where an unexpected error comes from, with a folded traceback."""
    if isinstance(error, GivenFunctionError):
        name, error = str(error), error.__cause__
        text = f"`{name}`, a function that this notebook gave to the explorer, stopped"
        text += f" ({type(error).__name__}: {error})."
        if memory.is_out_of_memory(error):
            text = "The memory ran out: ask for something shorter, or close other notebooks and programs."
    else:
        text = (
            f"This is a mistake in the course, not yours and not the model's ({type(error).__name__}: "
            f"{error}). Please send us the traceback: {catalog.repository()}/issues"
        )
    lines = escape("".join(traceback.format_exception(error)))
    folded = (
        f'<details style="margin-top:8px;color:{QUIET};font-size:13px"><summary>Traceback</summary>'
        f'<pre style="white-space:pre-wrap">{lines}</pre></details>'
    )
    return Picture(card(escape(text) + folded), text)


def check_choice(name, value, choices):
    """Raise CourseError if `value` is not one of a control's choices, given as a range or a list."""
    if value in choices:
        return
    listed = [str(choice) for choice in choices]
    if isinstance(choices, range):
        listed = f"from {choices[0]} to {choices[-1]}"
    elif len(listed) > 24:
        listed = f"of {', '.join(listed[:3])}, … {listed[-1]}"
    else:
        listed = f"of {', '.join(listed)}"
    raise CourseError(f"There is no {name} {value!r}: choose one {listed}.")
