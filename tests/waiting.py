"""Waits until another process has done something."""

import time


def within(seconds, holds):
    """Waits until `holds()` is true. Returns False if that takes more than `seconds`.

    Choose a limit that is reached only if `holds()` never becomes true, even on a busy machine.
    """
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()
