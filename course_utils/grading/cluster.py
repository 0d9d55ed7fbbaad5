"""Grades on the workers of a Dask cluster. Each worker has its own sandbox and sends back its results.

Source: https://distributed.dask.org/en/stable/client.html
"""

import contextlib
import logging
import os
import re
import socket
import threading
import time
from concurrent.futures import CancelledError
from dataclasses import dataclass

from course_utils.errors import CourseError
from course_utils.grading import intake
from course_utils.grading.assignment import Assignment
from course_utils.grading.judge import CODE, Judge
from course_utils.grading.result import Result
from course_utils.grading.sandbox import Sandbox

# How many submissions the cluster has at the same time, for each of its threads. With fewer, a cluster that
# adapts its size to the work would not start more workers.
BACKLOG = 20
CONNECT = 10  # seconds to wait until the scheduler answers
PATIENCE = 120  # seconds to wait while the cluster has no worker
_ADDRESS = re.compile(r"((tcp|tls)://)?[\w.:\[\]-]+:\d+")


@dataclass
class _Kept:
    """A judge that a worker keeps for its next submissions, and how many submissions the judge grades now."""

    judge: Judge
    users: int = 0


_kept: dict[tuple, _Kept] = {}
_lock = threading.RLock()


@contextlib.contextmanager
def on_cluster(address: str, assignment: Assignment, sandbox: dict, seconds: float | None, seed: int):
    """Connect to the cluster, and yield two functions, `start` and `most`, and an exception, `Killed`.

    `start(submission)` starts the grading of one submission and returns its future. `most()` returns how many
    submissions may be on the cluster at the same time. A future raises `Killed` if several workers in turn
    had this submission, and each of these workers was killed.

    address : the scheduler's address, such as "tcp://10.0.0.1:8786"
    sandbox : the keyword arguments with which each worker makes its `Sandbox`
    seconds : the time limit for one task, or None for the default
    seed : the seed with which all workers draw the hidden inputs
    Raises CourseError if the cluster does not answer, has no worker, or stops working.
    """
    client = _connect(address)
    last_seen = time.monotonic()

    def most():
        nonlocal last_seen
        threads = sum(client.nthreads().values())
        if threads:
            last_seen = time.monotonic()
        elif time.monotonic() - last_seen > PATIENCE:
            raise CourseError(
                f"The cluster at {address} has no worker: start some with `dask worker {address}`. The same "
                "command then goes on from here."
            )
        return BACKLOG * threads

    from dask import config
    from distributed import KilledWorker

    # Raise the size at which Dask warns of large arguments, because one large notebook exceeds the default.
    quiet = config.set({"distributed.admin.large-graph-warning-threshold": "1 GB"})
    with client, quiet, _in_sentences(address):
        arguments = (CODE, assignment, sandbox, seconds, seed)
        executor = client.get_executor(pure=False)  # by default Dask runs equal calls only once
        yield lambda submission: executor.submit(grade_one, *arguments, submission), most, KilledWorker
        with contextlib.suppress(OSError):
            client.run(_close_idle)


def _connect(address):
    try:
        from distributed import Client
    except ImportError:
        raise CourseError("A cluster needs Dask: pip install distributed, here and on its workers.") from None
    # Silence Dask's logs, because the CourseErrors below say what went wrong.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        if not _ADDRESS.fullmatch(address):  # a Client would need 20 seconds to refuse the address
            raise OSError
        return Client(address, timeout=CONNECT, set_as_default=False)
    except OSError:
        raise CourseError(
            f"No Dask scheduler answers at {address}: give the address that `dask scheduler` prints."
        ) from None


@contextlib.contextmanager
def _in_sentences(address):
    """Turn an error of Dask in the `with` block into a CourseError."""
    try:
        yield
    except (OSError, CancelledError):
        raise CourseError(
            f"The Dask scheduler at {address} has stopped: start it again. The same command then goes on "
            "from here."
        ) from None
    except (ImportError, AttributeError) as error:  # the worker lacks a module or a name
        raise CourseError(
            f"A worker can't grade ({error}): install the same version of the course on all of them."
        ) from None


def grade_one(
    code: str,
    assignment: Assignment,
    sandbox: dict,
    seconds: float | None,
    seed: int,
    submission: intake.Submission,
) -> Result:
    """Grade a submission on a worker, and return the result. The sandbox stays open for the next submission.

    code : the hash of the grading code on the machine that sends the submissions
    Raises CourseError, which names this worker, if the worker has another version of the course or can't
    grade.
    """
    try:
        return _grade(code, assignment, sandbox, seconds, seed, submission)
    except Exception as error:
        reason = str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}."
    # If the new error were raised inside the block above, it would contain the first error's traceback.
    # Dask's client can't read a very long traceback, and would wait for ever.
    raise CourseError(f"{_here()}: {reason[:1000]}")


def _here():
    """Return which machine and process this is, for a person at another machine."""
    return f"Worker {os.getpid()} on {socket.gethostname()}"


def _grade(code, assignment, sandbox, seconds, seed, submission):
    if code != CODE:
        raise CourseError("the course has another version here: install the same one on all workers.")
    key = (assignment.key, seconds, seed, *sandbox.items())
    with _lock:
        if key not in _kept:
            _close_idle()
            opened = Sandbox(assignment.prelude, **sandbox).__enter__()
            _kept[key] = _Kept(Judge(assignment, opened, seconds, seed))
        kept = _kept[key]
        kept.users += 1
    try:
        return kept.judge.grade(submission)
    finally:
        with _lock:
            kept.users -= 1


def _close_idle():
    """Close those sandboxes of this worker in which nothing is being graded."""
    with _lock:
        for key in [key for key, kept in _kept.items() if not kept.users]:
            _kept.pop(key).judge.sandbox.__exit__()
