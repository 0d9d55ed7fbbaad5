"""The folder of a training: written in whole files, true to its settings, its faults told in a sentence; with
a page on how it goes, and what AdamW needs to go on."""

import contextlib
import json
import os

import torch

from course_utils.errors import CourseError


def replace(path, write):
    """Let `write` make a file under a name of this process, then give it its own in one move."""
    part = path.with_name(f"part-{os.getpid()}-{path.name}")
    write(part)
    os.replace(part, path)


def same_settings(folder, settings):
    """Keep the settings of a folder, or refuse a folder that was begun with others."""
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
    """Turn what the disk refuses into a sentence; `megabytes` are what the training needs."""
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
    """AdamW's running averages for weights by name, as tensors that a checkpoint keeps."""
    tensors = {}
    for name, weight in weights.items():
        state = optimizer.state[weight]
        tensors |= {f"mean {name}": state["exp_avg"], f"square {name}": state["exp_avg_sq"]}
    return tensors


def load_optimizer(optimizer, weights, file, steps):
    """Give AdamW what `optimizer_tensors` kept in an opened safetensors file, after so many steps."""
    for name, weight in weights.items():
        optimizer.state[weight] = {
            "step": torch.tensor(float(steps)),
            "exp_avg": file.get_tensor(f"mean {name}"),
            "exp_avg_sq": file.get_tensor(f"square {name}"),
        }


def mean_losses(losses, points):
    """Losses as about so many means of equally many steps: after which step each ends, and the means."""
    span = max(1, len(losses) // points)
    edges = range(span, len(losses) + 1, span)
    return list(edges), [sum(losses[edge - span : edge]) / span for edge in edges]


class LivePage:
    """`loss.html` in a folder, which renews itself in a browser, and the same picture in a notebook."""

    def __init__(self, folder, seconds):
        self.path, self.seconds, self._shown = folder / "loss.html", seconds, None

    def draw(self, picture):
        """Put a `views.Picture` in the place of the last one."""
        start = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="{self.seconds}">'
        replace(self.path, lambda part: part.write_text(start + picture.html, encoding="utf-8"))
        if self._shown is not None:
            self._shown.update(picture)
        elif _in_notebook():
            from IPython.display import display

            self._shown = display(picture, display_id=True)


def _in_notebook():
    """Whether a kernel of Jupyter runs this, so that there is an output to draw into."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None
