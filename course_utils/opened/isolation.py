"""Runs code in a separate process, for lesson 12, where loading a file can run code.

Lessons call this module `course.sandbox`. The grader has its own sandbox, with stricter limits.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from course_utils.errors import CourseError

# Folders that Python needs; the process may only read them. The sandbox has no home folder and no network.
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
    """Run Python code in a separate process that starts in `folder`, and return what the code prints.

    The code may use ten seconds of processor time, and write files of at most a megabyte (no limit on
    Windows). If `kind()` is "bubblewrap", the code can read Python's own files and write to `folder`, and
    has access to nothing else. If `kind()` is "a process of its own", only the limits hold. They limit the
    damage of a mistake, but do not stop an attacker.

    code : str, which can import the standard library only
    folder : str or Path of an existing folder
    seconds : how long the process may take before it is ended

    Raises CourseError if the code fails or takes too long.
    """
    folder = Path(folder).resolve()
    command = [*_isolated(folder), sys.executable, "-I", "-S", "-c", _LIMITS + code]
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
    """Return how code is isolated on this machine: by "bubblewrap" or in "a process of its own"."""
    return "bubblewrap" if _has_bubblewrap() else "a process of its own"


@cache
def _has_bubblewrap():
    """Return whether bubblewrap is installed and works: many containers do not allow it."""
    if shutil.which("bwrap") is None:
        return False
    folder = Path(__file__).resolve().parent  # not the current folder, where .venv may be a link
    command = [*_bubblewrap(folder), sys.executable, "-I", "-S", "-c", ""]
    return _process(command, None, 20).returncode == 0


def _isolated(folder):
    return _bubblewrap(folder) if _has_bubblewrap() else []


def _bubblewrap(folder):
    shown = [*_SYSTEM, sys.prefix, sys.base_prefix]
    seen = [part for path in shown for part in ("--ro-bind-try", path, path)]
    # Mount the empty /tmp first, because Python itself may be in a folder inside /tmp.
    own = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", *seen, "--bind", str(folder), str(folder)]
    rules = ["--unshare-all", "--die-with-parent", "--new-session", "--chdir", str(folder)]
    return ["bwrap", *own, *rules]


def _process(command, folder, seconds):
    environment = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
