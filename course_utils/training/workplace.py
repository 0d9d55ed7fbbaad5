"""Manages the folder of a training: complete files, unchanged settings, readable errors and a live page.

It also saves and restores the state that AdamW needs to resume.
"""

import contextlib
import json
import os

import torch

from course_utils.errors import CourseError


def replace(path, write):
    """Lets `write` create a temporary file, then renames it to `path` in one step.

    The temporary name contains the process id, so that two processes never write to the same file.
    """
    part = path.with_name(f"part-{os.getpid()}-{path.name}")
    write(part)
    os.replace(part, path)


def same_settings(folder, settings):
    """Stores the settings in a new folder; raises CourseError if the folder was begun with other settings."""
    path = folder / "settings.json"
    if not path.exists():
        replace(path, lambda part: part.write_text(json.dumps(settings, indent=2), encoding="utf-8"))
    kept = json.loads(path.read_text(encoding="utf-8"))
    if other := [name for name in settings if kept.get(name) != settings[name]]:
        name = other[0]
        raise CourseError(
            f"{folder} holds a training with {name} {kept.get(name)}, and this one has {settings[name]}: "
            "name another folder, or delete that one."
        )


@contextlib.contextmanager
def writing(folder, megabytes=100):
    """Turns an error of the disk into a CourseError; `megabytes` is the space that the training needs."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, SafetensorError) as error:
        why = getattr(error, "strerror", None) or error
        raise CourseError(
            f"The training can't write to {folder} ({why}): it needs about {megabytes} MB; make room or "
            "name another folder, and run this again: it goes on from its last checkpoint."
        ) from error


def optimizer_tensors(optimizer, weights):
    """Returns AdamW's two running averages of each weight, named, for a checkpoint."""
    tensors = {}
    for name, weight in weights.items():
        state = optimizer.state[weight]
        tensors |= {f"mean {name}": state["exp_avg"], f"square {name}": state["exp_avg_sq"]}
    return tensors


def load_optimizer(optimizer, weights, file, steps):
    """Restores in AdamW what `optimizer_tensors` saved in an opened safetensors file after `steps` steps."""
    for name, weight in weights.items():
        optimizer.state[weight] = {
            "step": torch.tensor(float(steps)),
            "exp_avg": file.get_tensor(f"mean {name}"),
            "exp_avg_sq": file.get_tensor(f"square {name}"),
        }


def mean_losses(losses, points):
    """Averages the losses over about `points` stretches of equal length.

    Returns two lists: the step after which each stretch ends, and its mean loss.
    """
    span = max(1, len(losses) // points)
    edges = range(span, len(losses) + 1, span)
    return list(edges), [sum(losses[edge - span : edge]) / span for edge in edges]


class LivePage:
    """`loss.html` in a folder, which a browser reloads every `seconds` seconds; also shown in a notebook."""

    def __init__(self, folder, seconds):
        self.path, self.seconds, self._shown = folder / "loss.html", seconds, None

    def draw(self, picture):
        """Replaces the last picture with this `views.Picture`."""
        start = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="{self.seconds}">'
        replace(self.path, lambda part: part.write_text(start + picture.html, encoding="utf-8"))
        if self._shown is not None:
            self._shown.update(picture)
        elif _in_notebook():
            from IPython.display import display

            self._shown = display(picture, display_id=True)


def _in_notebook():
    """Returns whether a Jupyter kernel runs this code, so that there is an output to draw into."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None
