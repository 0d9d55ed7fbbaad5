"""Runs Python code in a sandbox. For lesson 12, which loads a file that runs code.

The program bubblewrap makes the sandbox. The lesson calls the sandbox a wall. In the
lesson's code, this module is `course.sandbox`. The grader has its own sandbox, with stricter limits.
"""

import atexit
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from course_utils.errors import CourseError

# Folders that Python needs. Code in the sandbox may read these folders, but not write to them.
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/nix")
_LIMITS = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
"""
# The output of lesson 12's rigged file in the sandbox, on Linux in November 2026.
RECORDED = """before loading: ['model.bin']
Run by the file itself.
loaded: [0.5, 0.25]
after loading: ['model.bin', 'proof.txt']
"""
_RIGGED = "print('Run by the file itself.'); open('proof.txt', 'w').close()"
_NO_WALL = (
    "This machine has no wall (the program bubblewrap), so nothing was run. To get one, run sudo apt install "
    "bubblewrap: on Linux itself, on Windows inside WSL, on a Mac in a virtual machine with Linux."
)


def rigged_file() -> Path:
    """Write into a new folder a pickle that runs code when it is loaded, and return the pickle's path.

    The code prints a sentence and makes an empty file, `proof.txt`. The folder is removed when Python ends.
    """
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "model.bin"
    path.write_bytes(pickle.dumps({"weight": [0.5, 0.25], "extra": _Surprise()}, protocol=2))
    return path


class _Surprise:
    """An object whose pickle runs the code `_RIGGED` when the pickle is loaded."""

    def __reduce__(self):
        return exec, (_RIGGED,)


def run(code, folder, *, seconds=20, recorded=None) -> str:
    """Run Python code in the sandbox, in a process that starts in `folder`, and return what the code prints.

    The code can read Python's own files and write to `folder`, and has access to nothing else: no other file
    and no network. It may use ten seconds of processor time, and write files of at most a megabyte.

    code : str, which can import the standard library only
    folder : str or Path of an existing folder
    seconds : how long the process may take before it is ended
    recorded : str, what the code printed on another machine. If this machine has no sandbox, the code is not
        run, and a sentence that says so is returned with this text below it.

    Raises CourseError if the code fails or takes too long, or if there is neither a sandbox nor `recorded`.
    """
    if not has_wall():
        if recorded is None:
            raise CourseError(_NO_WALL)
        return f"{_NO_WALL} A recorded run:\n{recorded}"
    folder = Path(folder).resolve()
    command = [*_bubblewrap(folder), sys.executable, "-I", "-S", "-c", _LIMITS + code]
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


@cache
def has_wall() -> bool:
    """Return whether bubblewrap is installed and may run, which many containers do not allow."""
    if shutil.which("bwrap") is None:
        return False
    folder = Path(__file__).resolve().parent  # not the current folder, because it may contain .venv as a link
    command = [*_bubblewrap(folder), sys.executable, "-I", "-S", "-c", ""]
    return _process(command, None, 20).returncode == 0


def _bubblewrap(folder):
    shown = [*_SYSTEM, sys.prefix, sys.base_prefix]
    seen = [part for path in shown for part in ("--ro-bind-try", path, path)]
    # Mount the empty /tmp first, because Python itself may be in a folder inside /tmp.
    own = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", *seen, "--bind", str(folder), str(folder)]
    rules = ["--unshare-all", "--die-with-parent", "--new-session", "--chdir", str(folder)]
    return ["bwrap", *own, *rules]


def _process(command, folder, seconds):
    environment = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
