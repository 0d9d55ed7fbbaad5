"""Waits until another process has done something."""

import time


def within(seconds, holds):
    """Waits until `holds()` is true. Returns False if that takes more than `seconds`.

    Choose so many `seconds` that even a busy machine needs fewer, unless `holds()` never becomes true.
    """
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()
