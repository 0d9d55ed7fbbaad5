"""Lets Jupyter's interrupt button ■ stop the computations that the kernel does for a view.

A view is an interactive picture that asks the kernel for results. In JupyterLab 4.6 the kernel answers views
in a thread of their own (a subshell). The button sends the signal SIGINT. Python handles this signal in the
main thread only, and ipykernel ignores it while no cell runs. So this module raises KeyboardInterrupt in the
threads that compute for views.
"""

import ctypes
import signal
import threading
from contextlib import contextmanager

from course_utils import notebook

_computing = set()  # the numbers of the threads in a `stoppable` block


def listen():
    """Let the button ■ stop a view's computation even while no cell runs.

    Call this while a cell runs. At other times the call has no effect.
    """
    # While a cell runs, `saved_sigint_handler` has the handler that ipykernel will restore after the cell.
    kernel = getattr(notebook.shell(), "kernel", None)
    if getattr(kernel, "saved_sigint_handler", None) == signal.SIG_IGN:
        kernel.saved_sigint_handler = _hand_on


@contextmanager
def stoppable():
    """Raise KeyboardInterrupt in this block if ■ is pressed, whichever thread the block runs in."""
    thread = threading.get_ident()
    _computing.add(thread)
    try:
        yield
    finally:
        _computing.discard(thread)
        _raise_now()


def _hand_on(number, frame):
    """Handle SIGINT, in the main thread: raise KeyboardInterrupt in each thread that computes."""
    for thread in tuple(_computing):
        interrupt = ctypes.py_object(KeyboardInterrupt)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), interrupt)


def _raise_now():
    """Do nothing. A KeyboardInterrupt that waits in this thread is raised when this function is called."""
