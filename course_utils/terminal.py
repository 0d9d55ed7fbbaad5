"""Prepares the standard streams of the `course` command, and handles output that can't be written.

An output may be closed or full, its encoding may lack a letter, or the program that reads it may end early.
None of these causes a traceback: `course` ends with an exit status, and prints a sentence if it still can.
"""

import contextlib
import errno
import io
import os
import re
import signal
import sys
import time
from functools import cache

from course_utils import notebook

OF_OUTPUT = (
    errno.ENOSPC,
    errno.EIO,
    errno.EBADF,
)  # numbers of errors that `print` raises if its output can't be written
READER_LEFT = 141  # the exit status of a program that the signal SIGPIPE ends: 128 + 13
TERMINATED = 143  # the exit status of a program that SIGTERM ends: 128 + 15


class Terminated(KeyboardInterrupt):
    """Raised by `terminable` if SIGTERM ended the `with` block."""


def prepare() -> bool:
    """Open those standard streams that the shell has closed. Return False if it has closed stdout, else True.

    Letters that stdout can't encode are printed as question marks from now on.
    """
    # Open the null device under each closed descriptor from 0 to 2. Otherwise the next file that is opened
    # would get such a descriptor, and what is printed would go into that file.
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(number)
    closed = sys.stdout is None
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return not closed


def say(sentence):
    """Print a sentence to stderr. If stderr can't be written, do nothing.

    Control characters, for example in a file's name, could change the terminal: they become question marks.
    """
    try:
        print(re.sub(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]", "?", sentence), file=sys.stderr, flush=True)
    except OSError:
        let_go(sys.stderr)


def let_go(stream):
    """Redirect an unwritable stream to the null device, because Python flushes its streams when it exits."""
    with contextlib.suppress(OSError), open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), stream.fileno())


@contextlib.contextmanager
def terminable():
    """Let SIGTERM, which `kill` and job schedulers send, stop the `with` block as Ctrl-C does.

    This works only in the main thread. Raises Terminated if SIGTERM has stopped the block.
    """
    came = []

    def interrupt(number, frame):
        came.append(number)
        if not callable(signal.getsignal(signal.SIGINT)):  # a background job of a shell ignores SIGINT
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)  # so a handler that delays Ctrl-C delays SIGTERM, too

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        if came:
            raise Terminated from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def bars():
    """Return a class of progress bars. In a terminal or a notebook it is tqdm's, and elsewhere `Lines`."""
    from tqdm.auto import tqdm

    if getattr(notebook.shell(), "kernel", None) or sys.stderr.isatty():
        return tqdm
    return _lines()


@cache
def _lines():
    from tqdm.std import tqdm

    class Lines(tqdm):
        """Prints the progress as lines of a log: at the start, at the end, and at most every ten seconds."""

        def __init__(self, *arguments, desc=None, leave=True, **options):
            self._next, self._last = 0.0, leave  # the time of the next line; whether to print a last line
            form = "{desc}{n_fmt} of {total_fmt} {unit}{postfix} ({elapsed})"
            options["desc"] = f"{desc}: " if desc else None
            lines = {"mininterval": 10, "maxinterval": 10, "leave": False, "bar_format": form}
            super().__init__(*arguments, **(options | lines))

        def display(self, msg=None, pos=None):
            if msg is None and time.monotonic() >= self._next:  # tqdm gives a `msg` only to erase its bar
                self._next = time.monotonic() + 10
                say(str(self))

        def close(self):
            if self._last and not self.disable:
                self._next = 0.0
                self.display()
            super().close()

    return Lines
