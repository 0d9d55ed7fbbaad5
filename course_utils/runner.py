"""Runs the notebooks of the lessons from top to bottom, and measures their kernels' time and memory."""

import asyncio
import contextlib
import logging
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from course_utils import catalog, lessons
from course_utils.errors import CourseError


def notebooks(names=()):
    """Return the paths of notebooks. Each of `names` is a lesson's number or name, or a notebook's file.

    Without `names`, return the paths of all lessons.

    Raises CourseError if there is no such lesson or file.
    """
    paths = []
    for name in names or catalog.lessons():
        path = Path(name)
        if path.suffix != ".ipynb":
            path = catalog.course_folder() / "notebooks" / f"{catalog.lesson(name).name}.ipynb"
        if not path.is_file():
            raise CourseError(
                f"There is no notebook {path}: run this in the course's folder, or check the name."
            )
        paths.append(path)
    return paths


def models_of(path):
    """Return a short text that names a notebook's models, such as "TinyWorld Falcon (tiny) and 2 more"."""
    try:
        lesson = catalog.lesson(Path(path).stem)
    except CourseError:
        return "-"  # the notebook is not a lesson of the course
    if not lesson.models:
        return "-"
    first, more = lessons.model_of(lesson, lesson.models[0]), len(lesson.models) - 1
    return f"{first.title} ({first.size})" + (f" and {more} more" if more else "")


@dataclass
class Run:
    """The result of running a notebook: seconds, the kernel's peak memory in bytes, and an error or None."""

    path: Path
    seconds: float
    peak_bytes: int
    error: str | None


def run(path, write=False, on_cell=lambda done, total: None):
    """Execute a notebook from top to bottom in a new kernel, and return a `Run`.

    path : the notebook
    write : store the outputs in the file, without widget state, timestamps or anything else of this machine.
        The notebook then runs with no answers to its questions, as it does for a new learner.
    on_cell : called after each cell with (cells done, number of cells)

    If a cell fails, the run ends. The result then contains the error, and nothing is written.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    from course_utils.widgets.live_view import PHOTOGRAPHS

    path = Path(path)
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as failure:  # the errors that a broken file can cause have no common base class
        return Run(path, 0.0, 0, f"not a notebook that can be read ({type(failure).__name__})")
    language = notebook.metadata.get("kernelspec", {}).get("language", "python")
    if language.lower() != "python":
        return Run(path, 0.0, 0, f"not a notebook in Python, but in {language}")
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
            settings = {}
            if write:
                settings = {"COURSE_ANSWERS": f"{folder}/answers.json", PHOTOGRAPHS: "yes"}
                settings["COURSE_SEED"] = "1"  # the seed in tests/lessons/test_outputs.py

            # The log of the kernel process is discarded. It has no output of cells.
            client.execute(stderr=subprocess.DEVNULL, env=os.environ | settings)
    except CellExecutionError as failure:
        says = failure.evalue.strip().split("\n")[0][:160]
        error = f"cell {done}: {failure.ename}: {says}"
    except CellTimeoutError:
        error = f"cell {done + 1}: ran for more than {client.timeout} s"
    except (DeadKernelError, asyncio.CancelledError):
        # CancelledError: on a busy machine, nbclient can stop waiting before it notices that the kernel died.
        if hasattr(client, "_async_cleanup_kernel_future"):  # nbclient sets this attribute after Ctrl-C
            raise KeyboardInterrupt from None
        error = f"cell {done + 1}: the kernel died"
    except AssertionError:
        # The user pressed Ctrl-C. nbclient catches the signal and ends the kernel, and then fails because the
        # kernel is gone. A task of nbclient that polls the kernel may fail, too, and asyncio would print the
        # traceback of that task.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        raise KeyboardInterrupt from None
    if write and error is None:
        nbformat.write(clean(notebook), path)
    return Run(path, time.perf_counter() - start, peak.bytes, error)


def clean(notebook):
    """Remove from an executed notebook all that differs between runs or machines. Return the notebook.

    The views of widgets are removed, too, because a view works only with the kernel that made it. The
    pictures that are stored with the views stay.
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
    """Measures the memory of a client's kernel ten times a second in a `with` block, and keeps the peak."""

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
                # psutil raises an error if the kernel has not started yet, or has ended.
                with contextlib.suppress(psutil.Error):
                    # Count child processes, too. In a Windows virtual environment, the process that was
                    # started is only a launcher, and the Python that runs the kernel is its child.
                    kernel = psutil.Process(process.pid)
                    family = (kernel, *kernel.children(recursive=True))
                    self.bytes = max(self.bytes, sum(each.memory_info().rss for each in family))
