"""Lets Jupyter's ■ stop what a view computes.

JupyterLab 4.6 lets the kernel answer views in a thread of their own (a subshell), beside the cells. ■ sends
SIGINT, which Python gives to the main thread alone, and which ipykernel ignores while no cell runs. So this
module hands it on to the threads that compute.
"""

import ctypes
import signal
import threading
from contextlib import contextmanager

from course_utils import notebook

_computing = set()  # the numbers of the threads in a `stoppable` block


def listen():
    """Let ■ reach the views while no cell runs. Call this in a cell; elsewhere it does nothing."""
    # ipykernel sets SIGINT for a cell, and puts back what it has kept here.
    kernel = getattr(notebook.shell(), "kernel", None)
    if getattr(kernel, "saved_sigint_handler", None) == signal.SIG_IGN:
        kernel.saved_sigint_handler = _hand_on


@contextmanager
def stoppable():
    """Raise KeyboardInterrupt in this block if ■ is pressed, in the main thread or in another."""
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
    """Do nothing: what was handed on to a thread is raised when it next calls a function."""
