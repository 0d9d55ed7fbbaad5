"""The base of all explorers: controls, a picture that depends on them, and the output that is stored."""

import contextlib
import traceback
from html import escape

import ipywidgets

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.loading import memory
from course_utils.views.picture import QUIET, Picture, bundle, card
from course_utils.widgets.live import for_everyone

# Text that only screen readers get: others see the same in the picture.
_READ_ALOUD = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"


class Explorer:
    """Shows controls above a picture that changes with them.

    A subclass makes its controls, calls `super().__init__` with them and implements `render`.

    controls : list of ipywidgets, each with a `description` in words.
    handlers : dict from a control to the function to call when the control changes or, if it is a button, is
        pressed. Controls that are not in the dict call `update`.
    """

    def __init__(self, controls, handlers=None):
        self.controls = controls
        self.picture = ipywidgets.HTML()
        self.status = ipywidgets.HTML(layout={"height": "0", "margin": "0"})
        self.status.add_class("course-status")
        row = ipywidgets.Box(controls, layout={"flex_flow": "row wrap", "align_items": "center"})
        self.box = ipywidgets.VBox([row, self.picture, self.status, for_everyone()])
        self.box.add_class("course-explorer")
        self.show(self._drawn())
        for control in controls:
            handler = (handlers or {}).get(control, self.update)
            if isinstance(control, ipywidgets.Button):
                control.on_click(handler)
                continue
            # The default width cuts off long descriptions. The maximum width lets controls shrink on a phone.
            control.style.description_width = "initial"
            control.layout.width = "340px"
            control.layout.max_width = "97%"
            control.observe(handler, "value")

    def render(self):
        """Return the `Picture` for the present values of the controls.

        If the learner's input can't be drawn, raise CourseError; its message is shown in place of the
        picture. Call functions that come from the notebook through `given`, so that their errors are not
        mistaken for errors of the course.
        """
        raise NotImplementedError

    def still(self):
        """Return the `Picture` for a notebook that is read without a kernel: by default the current one."""
        return self._drawn()

    def _drawn(self):
        """Return what `render` returns, or a picture of its CourseError. Let other errors pass."""
        try:
            return self.render()
        except CourseError as error:
            return sentence(str(error))

    def update(self, change=None):
        """Draw the picture again. A control that calls this passes a `change`, which is not used."""
        with self.errors_shown():
            self.show(self.render())

    @contextlib.contextmanager
    def errors_shown(self):
        """Show an error raised inside a control's callback. Without this, no cell would show the error.

        An interrupt is shown, too, so that "computing…" does not stay on the screen, and then raised again.
        """
        try:
            yield
        except CourseError as error:
            self.show(sentence(str(error)))
        except Exception as error:
            self.show(failure(error))
        except KeyboardInterrupt:
            self.show(sentence("Interrupted before the picture was drawn. Change something to draw again."))
            raise

    @contextlib.contextmanager
    def quietly(self, *controls):
        """Let the caller change these controls in a `with` block without drawing the picture each time."""
        for control in controls:
            control.unobserve(self.update, "value")
        try:
            yield
        finally:
            for control in controls:
                control.observe(self.update, "value")

    def show(self, picture):
        """Show a `Picture` below the controls, and give its description to screen readers."""
        self.picture.value = picture.html
        self.status.value = f'<div style="{_READ_ALOUD}">{escape(picture.alt)}</div>'

    def _repr_mimebundle_(self, include=None, exclude=None):
        # One bundle holds the live widget, for a running kernel, and the picture, for a reader without one.
        picture = self.still()
        hint = '<div style="font-size:13px">Run this cell to change it.</div>'
        return bundle(self.box, Picture(picture.html + hint, picture.alt))


class GivenFunctionError(Exception):
    """Raised if a function that a notebook gave to an explorer fails. `__cause__` is the function's error."""


def given(function, *arguments):
    """Call a function that a notebook gave to an explorer, and return what it returns.

    If the function raises an error, raise GivenFunctionError from that error; let a CourseError pass.
    """
    try:
        return function(*arguments)
    except (CourseError, GivenFunctionError):
        raise
    except Exception as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise GivenFunctionError(name) from error


def failure(error):
    """Return a `Picture` of an unexpected error: where the error comes from, and a folded traceback."""
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


def sentence(text):
    """Return a `Picture` of one sentence, for use when there is nothing else to draw."""
    return Picture(card(escape(text)), text)


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


def labelled(values):
    """Return a slider's options for numbers: pairs of the number as text, such as "2,048", and the number."""
    return [(f"{value:,}", value) for value in values]
