"""What the `course` command owes the program or the person that reads its output.

A closed or full output, a reader that leaves early and a letter that the terminal lacks are usual: each has
an exit status, and a sentence if somebody can still read one.
"""

import contextlib
import errno
import io
import os
import re
import sys
import time
from functools import cache

from course_utils import notebook

OF_OUTPUT = (errno.ENOSPC, errno.EIO, errno.EBADF)  # errors of printing, which name no file
READER_LEFT = 141  # the exit status of a program that the signal SIGPIPE ends: 128 + 13


def prepare() -> bool:
    """Open what the shell closed, and let no letter stop the output. Return False if the output is closed."""
    # A closed descriptor would be given to the next file that is opened, and prints would go into that file.
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
    """Print a sentence for the person, not into the output. If it can't be printed, that is no fault.

    A name in it that holds codes of a terminal would change the terminal: they become question marks.
    """
    try:
        print(re.sub(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]", "?", sentence), file=sys.stderr, flush=True)
    except OSError:
        let_go(sys.stderr)


def let_go(stream):
    """Lead a stream that can't be written to nowhere, because Python itself tries again at its end."""
    with contextlib.suppress(OSError), open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), stream.fileno())


def bars():
    """Return the class of progress bars: tqdm's own in a terminal and in a notebook, elsewhere `Lines`."""
    from tqdm.auto import tqdm

    if getattr(notebook.shell(), "kernel", None) or sys.stderr.isatty():
        return tqdm
    return _lines()


@cache
def _lines():
    from tqdm.std import tqdm

    class Lines(tqdm):
        """Says how far it is in lines, for a log: at the start, at the end, every ten seconds or later."""

        def __init__(self, *arguments, desc=None, leave=True, **options):
            self._next, self._last = 0.0, leave  # when the next line is due; whether there is one at the end
            form = "{desc}{n_fmt} of {total_fmt} {unit}{postfix} ({elapsed})"
            options["desc"] = f"{desc}: " if desc else None
            lines = {"mininterval": 10, "maxinterval": 10, "leave": False, "bar_format": form}
            super().__init__(*arguments, **(options | lines))

        def display(self, msg=None, pos=None):
            if msg is None and time.monotonic() >= self._next:  # a message is there to wipe a bar out
                self._next = time.monotonic() + 10
                say(str(self))

        def close(self):
            if self._last and not self.disable:
                self._next = 0.0
                self.display()
            super().close()

    return Lines
