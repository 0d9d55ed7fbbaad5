"""The work of a lesson's first cell, and the code that runs lessons from top to bottom."""

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from course_utils import catalog
from course_utils.errors import CourseError

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def setup(name):
    """Print which models at which size this lesson will run and what they cost, before anything is fetched.

    name : the lesson, for example "00_open_the_box"

    It also sets one thread and the random seeds, and says so (see `models.prepare`).
    Raises CourseError if there is no such lesson, or if COURSE_SIZE asks for a model that it can't open.
    """
    from course_utils.loading import models

    lesson = _lesson(name)
    print(f"Lesson {lesson.name[:2]}, {lesson.title}: about {lesson.minutes} minutes.")
    for family in lesson.models:
        model = lesson_model(lesson, family)
        print(cost(model))
        if family == model.family:  # so that `load(family)` loads the model that was announced
            catalog.LESSON_SIZES[family] = model.size
    if not lesson.models:
        print("No model to fetch: this lesson reads the course's own tables.")
    if not Path("../exercises", lesson.name).exists():
        exercises, following = _elsewhere(lesson)
        print("This notebook came without the course's other files, so its links to them lead nowhere here.")
        print(f"Its exercises: {exercises}\nNext: {following}")
    threads = models.prepare()
    many = "1 thread" if threads == 1 else f"{threads} threads"
    print(f"Set for this notebook: {many}, and seed 0 for the random numbers of Python, numpy and torch.")


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


def lesson_model(lesson, family):
    """Return the model that a lesson runs for one of its `models`: at COURSE_SIZE, or at its default size.

    Raises CourseError if no model has that size, or if the lesson's cells can't open it.
    """
    asked = os.environ.get("COURSE_SIZE") if lesson.any_size else None
    model = catalog.find(family, asked or lesson.size)
    if family == lesson.models[0] and model.size in lesson.unfit:
        there = catalog.family_of(family)
        others = [size for size in catalog.SIZES if size in there and size not in lesson.unfit]
        raise CourseError(
            f"Lesson {lesson.name[:2]} does not open {model.title}, the size {model.size!r}: "
            f"{lesson.unfit[model.size]}; run `%env COURSE_SIZE={others[0]}` (or {', '.join(others[1:])}) "
            "and this cell again."
        )
    return model


def models_needed():
    """Return the models that the lessons run, each once, sorted by name."""
    needed = {
        lesson_model(lesson, family) for lesson in catalog.lessons().values() for family in lesson.models
    }
    return sorted(needed, key=lambda model: model.name)


def cost(model):
    """Return two lines on what a model needs: licence, gate, download, disk, memory, minutes."""
    from course_utils.loading import sources

    if model.ours:
        return (
            f"Model: {model.title} ({model.size}), {model.parameters:,} parameters, {model.licence}, trained "
            f"by this course.\nNeeds: no download; {megabytes(model.memory_bytes)} of memory."
        )
    gate = "gated: accept its licence on the hub first" if model.gated else "no account needed"
    if sources.is_cached(model):
        note = "already on this machine"
    else:
        minutes = max(1, round(model.download_bytes / 1e6 / 60))
        note = f"up to {minutes} min at 1 MB/s"  # as on a slow school line
    sizes = (model.download_bytes, model.disk_bytes, model.memory_bytes)
    download, disk, memory = map(megabytes, sizes)
    if model.size == "full":  # if they do not fit, `load` uses fewer bits and says so before a download
        memory += " at 16 bits"
    return (
        f"Model: {model.title} ({model.size}), {model.parameters:,} parameters, {model.licence}, {gate}.\n"
        f"Needs: a download of {download} ({note}); {disk} of disk; {memory} of memory."
    )


def notebooks(names=()):
    """Return the paths of the notebooks named by number, name or file; without names, of all lessons.

    Raises CourseError if there is no such lesson or file.
    """
    paths = []
    for name in names or catalog.lessons():
        path = Path(name)
        if path.suffix != ".ipynb":
            path = NOTEBOOKS / f"{_lesson(name).name}.ipynb"
        if not path.is_file():
            raise CourseError(
                f"There is no notebook {path}: run this in the course's folder, or check the name."
            )
        paths.append(path)
    return paths


def models_of(path):
    """Return which models a notebook runs, in few words: "TinyWorld Falcon (tiny) and 2 more"."""
    try:
        lesson = _lesson(Path(path).stem)
    except CourseError:
        return "-"  # the notebook is not one of the course
    if not lesson.models:
        return "-"
    first, more = lesson_model(lesson, lesson.models[0]), len(lesson.models) - 1
    return f"{first.title} ({first.size})" + (f" and {more} more" if more else "")


def megabytes(count):
    """Return a number of bytes as text: "93 MB", "16.1 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _lesson(name):
    lessons = catalog.lessons()
    for lesson in lessons.values():
        if name.zfill(2) in (lesson.name, lesson.name[:2]):
            return lesson
    raise CourseError(f"There is no lesson {name!r}: the lessons are {', '.join(lessons)}.")


@dataclass
class Run:
    """The result of running a notebook: seconds, the kernel's peak memory in bytes, and the error or None."""

    path: Path
    seconds: float
    peak_bytes: int
    error: str | None


def run(path, write=False, on_cell=lambda done, total: None):
    """Execute a notebook from top to bottom in a new kernel, and return a `Run`.

    path : the notebook
    write : store the outputs in the file, without widget state, timestamps or anything else of this machine;
        the notebook then runs with no answers, as a new learner's does
    on_cell : called after each cell with (cells done, number of cells)

    A cell that fails ends the run. Then its error is in the result, and nothing is written.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    path = Path(path)
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as failure:  # the errors that a broken file can raise have no common base
        return Run(path, 0.0, 0, f"not a notebook that can be read ({type(failure).__name__})")
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    client = NotebookClient(
        notebook,
        timeout=3_600,
        kernel_name="python3",
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    done = 0

    def count(**_):
        nonlocal done
        done += 1
        on_cell(done, total)

    client.on_cell_executed = count
    start = time.perf_counter()
    error = None
    peak = _PeakMemory(client)
    try:
        with peak, tempfile.TemporaryDirectory() as folder:
            unanswered = {"COURSE_ANSWERS": f"{folder}/answers.json"} if write else {}
            # Discard the log of the kernel process. The outputs of the cells do not come through it.
            client.execute(stderr=subprocess.DEVNULL, env=os.environ | unanswered)
    except CellExecutionError as failure:
        says = failure.evalue.strip().split("\n")[0][:160]
        error = f"cell {done}: {failure.ename}: {says}"
    except CellTimeoutError:
        error = f"cell {done + 1}: ran for more than {client.timeout} s"
    except DeadKernelError:
        error = f"cell {done + 1}: the kernel died"
    except AssertionError:
        # Ctrl-C: nbclient catches the signal and ends the kernel, and then fails because the kernel is gone.
        # Its task that polls the kernel may fail in the same way; asyncio would print that traceback later.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        raise KeyboardInterrupt from None
    if write and error is None:
        nbformat.write(clean(notebook), path)
    return Run(path, time.perf_counter() - start, peak.bytes, error)


def clean(notebook):
    """Remove from an executed notebook everything that differs by run or machine; return the notebook.

    Widget views need the kernel that made them, so they are removed, and the picture stored with them stays.
    """
    notebook.metadata.pop("widgets", None)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if "data" in output:
                output.data.pop("application/vnd.jupyter.widget-view+json", None)
    return notebook


class _PeakMemory:
    """Measures the memory of a client's kernel ten times a second in the `with` block, and keeps the peak."""

    def __init__(self, client):
        self.client = client
        self.bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _watch(self):
        import psutil

        while not self._stop.wait(0.1):
            provisioner = getattr(self.client.km, "provisioner", None)
            process = getattr(provisioner, "process", None)
            if process is not None:
                with contextlib.suppress(psutil.Error):  # the kernel has not started yet, or has ended
                    # Count children, too: in a virtual environment on Windows, this only starts Python.
                    kernel = psutil.Process(process.pid)
                    family = (kernel, *kernel.children(recursive=True))
                    self.bytes = max(self.bytes, sum(each.memory_info().rss for each in family))
