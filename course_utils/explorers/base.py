"""What every explorer shares: controls, a picture that follows them, and the output that a notebook keeps."""

import contextlib
import traceback
from html import escape

import ipywidgets

from course_utils import lessons, preflight
from course_utils.errors import CourseError
from course_utils.views.live import for_everyone
from course_utils.views.picture import QUIET, Picture, bundle, card
from course_utils.views.text import visible

# Unseen but read aloud: the picture above says the same to the eye.
_READ_ALOUD = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"


class Explorer:
    """Controls above a picture that follows them.

    A subclass makes its controls, calls `super().__init__` with them and implements `render`.

    Parameters
    ----------
    controls: list of ipywidgets, each with a `description` in words.
    """

    def __init__(self, controls):
        for control in controls:
            if isinstance(control, ipywidgets.Button):
                continue
            # The default width clips long descriptions; the greatest one lets a control shrink on a phone.
            control.style.description_width = "initial"
            control.layout.width = "340px"
            control.layout.max_width = "97%"
        self.controls = controls
        self.picture = ipywidgets.HTML()
        self.status = ipywidgets.HTML(layout={"height": "0", "margin": "0"})
        self.status.add_class("course-status")
        row = ipywidgets.Box(controls, layout={"flex_flow": "row wrap", "align_items": "center"})
        self.box = ipywidgets.VBox([row, self.picture, self.status, for_everyone()])
        self.box.add_class("course-explorer")
        self.show(self._drawn())

    def render(self):
        """Return the `Picture` for the controls as they stand.

        Raises CourseError where the learner's input can't be drawn; its sentence is shown instead. A function
        that the notebook gave is called by `given`, so that its errors are not taken for the course's own.
        """
        raise NotImplementedError

    def still(self):
        """Return the `Picture` for a notebook that is only read: by default the present one."""
        return self._drawn()

    def _drawn(self):
        """What `render` returns, or the sentence of its CourseError. Any other error is left to the cell."""
        try:
            return self.render()
        except CourseError as error:
            return sentence(str(error))

    def update(self, change=None):
        """Draw again; also the callback of the controls, which pass the `change` they saw."""
        with self.errors_shown():
            self.show(self.render())

    @contextlib.contextmanager
    def errors_shown(self):
        """Show an error that stops a control's callback: no cell would show it.

        An interrupt is shown, too, so that no "computing…" stays behind, and goes on to the kernel.
        """
        try:
            yield
        except CourseError as error:
            self.show(sentence(str(error)))
        except Exception as error:
            self.show(_failure(error))
        except KeyboardInterrupt:
            self.show(sentence("Interrupted before the picture was drawn. Change something to draw again."))
            raise

    @contextlib.contextmanager
    def quietly(self, *controls):
        """Change these controls, which `update` observes, without a drawing for each change."""
        for control in controls:
            control.unobserve(self.update, "value")
        try:
            yield
        finally:
            for control in controls:
                control.observe(self.update, "value")

    def show(self, picture):
        """Put a `Picture` below the controls, and its words where screen readers announce them."""
        self.picture.value = picture.html
        self.status.value = f'<div style="{_READ_ALOUD}">{escape(picture.alt)}</div>'

    def _repr_mimebundle_(self, include=None, exclude=None):
        # One bundle: the live widget where a kernel runs, the picture where the notebook is only read.
        picture = self.still()
        hint = '<div style="font-size:13px">Run this cell to change it.</div>'
        return bundle(self.box, Picture(picture.html + hint, picture.alt))


class GivenFunctionError(Exception):
    """A function that a notebook gave to an explorer raised an error: this one's `__cause__`."""


def given(function, *arguments):
    """Call a function that a notebook gave to an explorer, and return what it returns.

    Raises GivenFunctionError from what the function raised; a CourseError passes unchanged.
    """
    try:
        return function(*arguments)
    except (CourseError, GivenFunctionError):
        raise
    except Exception as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise GivenFunctionError(name) from error


def _failure(error):
    """The `Picture` of an error that is not the learner's: whose it is, and its traceback, folded."""
    if isinstance(error, GivenFunctionError):
        name, error = str(error), error.__cause__
        text = f"`{name}`, a function that this notebook gave to the explorer, stopped"
        text += f" ({type(error).__name__}: {error})."
        if preflight.is_out_of_memory(error):
            text = "The memory ran out: ask for something shorter, or close other notebooks and programs."
    else:
        text = (
            f"This is a mistake in the course, not yours and not the model's ({type(error).__name__}: "
            f"{error}). Please send us the traceback: {lessons.repository()}/issues"
        )
    lines = escape("".join(traceback.format_exception(error)))
    folded = (
        f'<details style="margin-top:8px;color:{QUIET};font-size:13px"><summary>Traceback</summary>'
        f'<pre style="white-space:pre-wrap">{lines}</pre></details>'
    )
    return Picture(card(escape(text) + folded), text)


def sentence(text):
    """A `Picture` of one sentence, where there is nothing to draw."""
    return Picture(card(escape(text)), text)


def check_start(name, start, places):
    """Raise CourseError if a slider is to start where it has no place."""
    if start not in places:
        choices = ", ".join(f"{place:,}" for place in places)
        raise CourseError(f"There is no place {start!r} on the slider for {name}: choose one of {choices}.")


def token_choices(pieces):
    """The options of a slider over tokens: what it shows, and the position from 0."""
    return [(f"{position} {visible(piece)}", position) for position, piece in enumerate(pieces)]
