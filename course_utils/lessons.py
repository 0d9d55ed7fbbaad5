"""Defines `course.setup`. A lesson's first cell calls it to print the lesson's models and what they need."""

import os
import sys
from importlib import metadata
from itertools import groupby
from pathlib import Path

from course_utils import catalog, loading, seeds, units
from course_utils.errors import CourseError


def setup(name):
    """Before any model is fetched, print which models the lesson will run, their sizes, and what they need.

    name : the lesson, for example "00_open_the_box"

    This function also sets the number of threads and the random seeds (see `seeds.prepare`), and prints them.
    Raises CourseError if there is no such lesson, or if COURSE_SIZE asks for a model that the lesson can't
    open.
    """
    lesson = catalog.lesson(name)
    print(f"Lesson {lesson.name[:2]}, {lesson.title}: about {lesson.duration}.")
    models = {family: model_of(lesson, family) for family in lesson.models}
    for needed, alike in groupby(models.values(), key=needs):
        lines = [about(model) for model in alike]
        print(*lines, f"{'Needs' if len(lines) == 1 else 'Each needs'}: {needed}.", sep="\n")
    for family, model in models.items():
        if family == model.family:
            catalog.set_default(model)
    if not lesson.models:
        print("No model to fetch: all that this lesson opens comes with the course.")
    # Lessons are in notebooks/, and translated lessons in translations/LANGUAGE/.
    if not any(Path(up, "exercises", lesson.name).exists() for up in ("..", "../..")):
        exercises, following = _elsewhere(lesson)
        print("This notebook came without the course's other files, so its links to them lead nowhere here.")
        print(f"Its exercises: {exercises}\nNext: {following}")
    threads = units.counted(seeds.prepare(), "thread")
    print(f"Set for this notebook: {threads}, and seed 0 for the random numbers of Python, numpy and torch.")


def _elsewhere(lesson):
    """Return the addresses of a lesson's exercises and of the next lesson, in Colab or in the repository."""
    start = catalog.repository()
    if "google.colab" in sys.modules:
        start = start.replace("https://github.com/", "https://colab.research.google.com/github/")
    version = metadata.version("open-the-box")
    branch_or_tag = "main" if ".dev" in version else f"v{version}"
    names = [*catalog.lessons(), "index"]
    following = names[names.index(lesson.name) + 1]
    exercises = f"exercises/{lesson.name}/{lesson.name}.ipynb"
    files = f"{start}/blob/{branch_or_tag}"
    return f"{files}/{exercises}", f"{files}/notebooks/{following}.ipynb"


def model_of(lesson, family):
    """Return the model that a lesson runs for `family`, one of the names in `lesson.models`.

    The model has the size in COURSE_SIZE, if that is set and the lesson allows any size. Otherwise it has the
    lesson's default size.

    Raises CourseError if no model has that size, or if the lesson's cells can't open the model.
    """
    asked = os.environ.get("COURSE_SIZE") if lesson.any_size else None
    model = catalog.find(family, asked or lesson.size)
    if family == lesson.models[0] and model.size in lesson.unfit:
        family_sizes = catalog.family_of(family)
        others = [size for size in catalog.SIZES if size in family_sizes and size not in lesson.unfit]
        raise CourseError(
            f"Lesson {lesson.name[:2]} does not open {model.title}, the size {model.size!r}: "
            f"{lesson.unfit[model.size]}; run `%env COURSE_SIZE={others[0]}` (or {', '.join(others[1:])}) "
            "and this cell again."
        )
    return model


def models_needed():
    """Return the models that the lessons run, each once, sorted by name."""
    needed = {model_of(lesson, family) for lesson in catalog.lessons().values() for family in lesson.models}
    return sorted(needed, key=lambda model: model.name)


def about(model):
    """Return a line on a model: its name, size and licence, and whether it has a gate.

    A model with a gate can be downloaded only after its conditions were accepted on the hub.
    """
    gate = "gated: accept its conditions on the hub first" if model.gated else "no account needed"
    origin = "trained by this course" if model.ours else gate
    return f"Model: {model.title} ({model.size}), {model.parameters:,} parameters, {model.licence}, {origin}."


def needs(model):
    """Return the download, disk and memory that a model needs."""
    memory = units.size(model.memory_bytes, "MB")
    if model.ours:
        return f"no download; {memory} of memory"
    note = "already on this machine"
    if not loading.is_cached(model):
        minutes = max(1, round(model.download_bytes / 1e6 / 60))
        note = f"up to {minutes} min at 1 MB/s"  # 1 MB/s is the speed of a slow school network
    if model.size == "full":  # if 16 bits don't fit, `load` uses fewer bits, and first says so
        memory += " at 16 bits"
    download, disk = units.size(model.download_bytes, "MB"), units.size(model.disk_bytes, "MB")
    return f"a download of {download} ({note}); {disk} of disk; {memory} of memory"
