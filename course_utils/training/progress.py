"""Draws the page `loss.html`, which shows the losses and examples of a model's training while it runs."""

from course_utils import files, notebook, views

SECONDS = 30  # seconds between two reloads of the page
_POINTS = 40  # the approximate number of points of a curve


class LivePage:
    """The page `loss.html`. A browser reloads it every SECONDS seconds, and a notebook shows it, too."""

    def __init__(self, folder):
        self.path, self._shown = folder / "loss.html", None

    def draw(self, training):
        """Write the page: the training's examples, then a chart of losses for each stage, latest first."""
        charts = [_chart(training, run).html for run in reversed(training.runs) if run.losses]
        picture = views.Picture(training.examples() + "".join(charts), f"Losses: {self.path}")
        head = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="{SECONDS}">'
        files.write_text(self.path, head + picture.html)
        if self._shown is not None:
            self._shown.update(picture)
        elif getattr(notebook.shell(), "kernel", None):
            from IPython.display import display

            self._shown = display(picture, display_id=True)


def _chart(training, run):
    """Draw the losses of a stage, with the lowest possible loss if that loss is known."""
    span = max(1, run.done // _POINTS)
    ends = list(range(span, run.done + 1, span))
    return views.lines(
        ends,
        {"training": [sum(run.losses[end - span : end]) / span for end in ends]},
        x_label="steps",
        y_label=training.unit,
        baseline=training.floor,
        baseline_label="entropy floor",
        title=f"{training.recipe.title}, {run.stage.name}: {run.done:,} of {run.stage.steps:,} steps",
    )
