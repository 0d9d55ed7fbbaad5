"""`course doctor`: one line for each thing that the course needs, and whether it is there."""

import os
import platform
import sys
from importlib import metadata

from course_utils import downloads, sources
from course_utils.learning import answers
from course_utils.lessons import megabytes, models_needed

PACKAGES = (
    "torch",
    "transformers",
    "diffusers",
    "huggingface_hub",
    "jupyterlab",
    "ipywidgets",
    "matplotlib",
    "numpy",
)


def report():
    """Print the lines; returns 1 when the lessons can't run here, else 0."""
    needed = models_needed()
    missing = [model for model in needed if not sources.is_cached(model)]
    session, indexes = downloads.package_indexes()
    index_there, index_line = _reach("package index", session, indexes[0])
    hub_there, hub_line = _reach(
        "model hub", session, os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    )
    can_run = all(
        [
            _line(*_python()),
            *(_line(*_package(name)) for name in PACKAGES),
            _line(*_disk(missing)),
            _line(*_memory(needed)),
            _line(*_models(needed, missing)) or index_there or hub_there,
        ]
    )
    _line(True, _gpu())
    _line(True, f"your answers: {answers.path()}")
    _line(index_there, index_line)
    _line(hub_there, hub_line)
    if not can_run:
        print("The lessons can't run here yet: the [FAIL] lines say why.")
    elif not hub_there:
        print("Ready. Without the model hub the lessons run at their default sizes; the full size needs it.")
    else:
        print("Ready.")
    return 0 if can_run else 1


def _line(good, text):
    print(f"[{'OK' if good else 'FAIL'}] {text}")
    return good


def _python():
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return good, f"Python {platform.python_version()} on {platform.platform()}" + (
        "" if good else ": needs 3.11 to 3.13"
    )


def _package(name):
    try:
        return True, f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return False, f"{name} is not installed: run make lab, or pip install -e ."


def _disk(missing):
    import shutil

    folder = sources.cache_folder()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    needed = sum(model.disk_bytes + model.download_bytes for model in missing)
    place = sources.cache_folder()
    words = f"disk: {megabytes(free)} free for models in {place}, {megabytes(needed)} still needed"
    return free >= needed, words + (
        "" if free >= needed else ": free some, or set COURSE_CACHE to another disk"
    )


def _memory(needed):
    import psutil

    there = psutil.virtual_memory().total
    most = max(model.memory_bytes for model in needed)
    return there >= most, f"memory: {there / 1e9:.1f} GB, the largest default model needs {most / 1e9:.1f} GB"


def _models(needed, missing):
    if not missing:
        return True, "models of the lessons: all here (" + ", ".join(model.title for model in needed) + ")"
    return False, "models of the lessons: not here yet: " + ", ".join(
        m.title for m in missing
    ) + " (course fetch)"


def _gpu():
    try:
        import torch

        if torch.cuda.is_available():
            total = torch.cuda.get_device_properties(0).total_memory
            return f"GPU: {torch.cuda.get_device_name(0)}, {total / 1e9:.0f} GB"
        return f"GPU: none that torch {torch.__version__} can use; the default sizes need none"
    except Exception as error:  # a broken torch must not hide the other lines from a bug report
        return f"GPU: torch does not import here ({type(error).__name__}: {error})"


def _reach(what, session, url):
    """Whether anything answers at a URL, and the line that says so, without a login that the URL may hold."""
    import requests

    host = downloads.place(url)
    try:
        session.head(url, timeout=5)
        return True, f"{what}: {host} answers"
    except requests.RequestException as error:
        return False, f"{what}: {host} does not answer ({type(error).__name__})"
