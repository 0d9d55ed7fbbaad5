"""The folder of a training: written in whole files, true to its settings, its faults told in a sentence."""

import contextlib
import json
import os

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


def in_notebook():
    """Whether a kernel of Jupyter runs this, so that there is an output to draw into."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None
