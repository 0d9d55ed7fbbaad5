"""What every explorer shares: its controls, its picture, and the one output that a notebook stores."""

from html import escape

import ipywidgets

from course_utils.views.picture import QUIET, SANS


class Explorer:
    """Controls above a picture that follows them.

    A subclass makes its controls, passes them to `super().__init__` and implements `render`.

    Parameters
    ----------
    controls: list of ipywidgets, each with a `description` in words: it is also the name that a screen reader says.
    follow: the traits of the controls whose change redraws the picture; by default every control's `value`.
    """

    def __init__(self, controls):
        for control in controls:
            control.style.description_width = "initial"
            control.layout.width = "320px"
            control.layout.max_width = "100%"
        self.controls = controls
        self.picture = ipywidgets.HTML()
        row = ipywidgets.Box(controls, layout={"flex_flow": "row wrap", "width": "100%"})
        self.box = ipywidgets.VBox([row, self.picture])
        self.update()

    def render(self):
        """Return the `Picture` for the controls as they stand."""
        raise NotImplementedError

    def still(self):
        """Return the `Picture` that a notebook shows where no kernel runs: by default the present one."""
        return self.render()

    def update(self, change=None):
        """Draw again. Also the callback of the controls, which pass a `change` that is not needed."""
        self.show(self.render())

    def show(self, picture):
        """Put a `Picture` below the controls; its words follow in a line that screen readers announce."""
        self.picture.value = (
            f'{picture.html}<div role="status" style="font-family:{SANS};font-size:13px;line-height:1.4;'
            f'color:{QUIET};background:#ffffff;padding:2px 6px">{escape(picture.alt)}</div>'
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        # One bundle: the live widget where a kernel runs, the picture where the notebook is only read.
        picture = self.still()
        hint = '<div style="font-size:13px">Move the sliders: run this cell.</div>'
        live = self.box._repr_mimebundle_()
        return {**live, "text/html": picture.html + hint, "text/plain": picture.alt}
