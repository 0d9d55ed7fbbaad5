"""A process apart, for the one lesson in which a file's loading runs code of its own."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from course_utils.errors import CourseError

# What Python itself needs, read-only. Nothing else of the machine is there: no home, no network.
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/nix")
_LIMITS = """
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
except ImportError:  # Windows has no such limits
    pass
"""


def run(code, folder, seconds=20) -> str:
    """Run Python code in a process of its own that starts in `folder`, and return what it printed.

    With `kind()` "bubblewrap" it can read Python and write to `folder`, and reaches nothing else. As "a
    process of its own" it has ten seconds of processor and files of at most a megabyte: that keeps a mistake
    small, and is no wall against somebody who means harm.

    code : str, for the standard library alone
    folder : str or Path of an existing folder
    seconds : after which the process is ended

    Raises CourseError when the code fails or takes too long.
    """
    folder = Path(folder).resolve()
    command = [*_apart(folder), sys.executable, "-I", "-S", "-c", _LIMITS + code]
    try:
        done = _process(command, folder, seconds)
    except subprocess.TimeoutExpired as error:
        raise CourseError(
            f"The code ran for over {seconds} seconds and was ended: make it shorter."
        ) from error
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise CourseError(f"The code stopped with an error, {reason[0]}: correct it and run it again.")
    return done.stdout


def kind() -> str:
    """What keeps the code apart on this machine: "bubblewrap" or "a process of its own"."""
    return "bubblewrap" if _has_bubblewrap() else "a process of its own"


@cache
def _has_bubblewrap():
    """Whether bubblewrap is there and may work: inside many containers it may not."""
    if shutil.which("bwrap") is None:
        return False
    folder = Path(__file__).resolve().parent  # not the current one, in which the environment may be a link
    command = [*_bubblewrap(folder), sys.executable, "-I", "-S", "-c", ""]
    return _process(command, None, 20).returncode == 0


def _apart(folder):
    return _bubblewrap(folder) if _has_bubblewrap() else []


def _bubblewrap(folder):
    shown = [*_SYSTEM, sys.prefix, sys.base_prefix]
    seen = [part for path in shown for part in ("--ro-bind-try", path, path)]
    # The empty /tmp first: Python itself may lie below it.
    own = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", *seen, "--bind", str(folder), str(folder)]
    rules = ["--unshare-all", "--die-with-parent", "--new-session", "--chdir", str(folder)]
    return ["bwrap", *own, *rules]


def _process(command, folder, seconds):
    environment = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
