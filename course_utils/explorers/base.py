"""What every explorer shares: controls, a picture that follows them, and the output that a notebook keeps."""

from html import escape

import ipywidgets

from course_utils.views.picture import QUIET, SANS


class Explorer:
    """Controls above a picture that follows them.

    A subclass makes its controls, calls `super().__init__` with them and implements `render`.

    Parameters
    ----------
    controls: list of ipywidgets, each with a `description` in words, which a screen reader says as its name.
    """

    def __init__(self, controls):
        for control in controls:
            # Fixed label widths clip long labels; 100% lets a control shrink on a narrow screen.
            control.style.description_width = "initial"
            control.layout.width = "340px"
            control.layout.max_width = "97%"
        self.controls = controls
        self.picture = ipywidgets.HTML()
        row = ipywidgets.Box(controls, layout={"flex_flow": "row wrap", "align_items": "center"})
        self.box = ipywidgets.VBox([row, self.picture])
        self.update()

    def render(self):
        """Return the `Picture` for the controls as they stand."""
        raise NotImplementedError

    def still(self):
        """Return the `Picture` for a notebook that is only read: by default the present one."""
        return self.render()

    def update(self, change=None):
        """Draw again; also the callback of the controls, which pass the `change` they saw."""
        self.show(self.render())

    def show(self, picture):
        """Put a `Picture` below the controls, and its words in a line that screen readers announce."""
        self.picture.value = (
            f'{picture.html}<div role="status" style="max-width:728px;padding:4px 16px;border-radius:8px;'
            f'background:#ffffff;color:{QUIET};font-family:{SANS};font-size:13px;line-height:1.4">'
            f"{escape(picture.alt)}</div>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        # One bundle: the live widget where a kernel runs, the picture where the notebook is only read.
        picture = self.still()
        hint = '<div style="font-size:13px">Move the sliders: run this cell.</div>'
        return {
            **self.box._repr_mimebundle_(),
            "text/html": picture.html + hint,
            "text/plain": picture.alt,
        }
