"""Tells how much memory is free, and whether an error means that memory ran out."""

import contextlib
import errno
import re
import sys
from pathlib import Path

from course_utils import units

CONTAINER = Path("/sys/fs/cgroup")


def free() -> tuple[int, int]:
    """Return the free bytes of the GPU (0 if there is none) and of main memory."""
    import torch

    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else 0, main()[0]


def main() -> tuple[int, int]:
    """Return the free and the total bytes of main memory, within the limit of a container."""
    import psutil

    memory = psutil.virtual_memory()
    with contextlib.suppress(OSError, ValueError):  # without a limit, the file says "max", not a number
        limit, used = (int((CONTAINER / f"memory.{name}").read_text()) for name in ("max", "current"))
        counts = dict(line.split() for line in (CONTAINER / "memory.stat").read_text().splitlines())
        used -= int(counts["active_file"]) + int(counts["inactive_file"])  # file caches can be freed
        return min(memory.available, limit - used), min(memory.total, limit)
    return memory.available, memory.total


def in_words(gpu_bytes, main_bytes) -> str:
    """Return the free memory as a clause: "there are 8.0 GB of main memory and 6.0 GB of the GPU"."""
    gpu = f" and {units.size(gpu_bytes, 'MB')} of the GPU" if gpu_bytes else ""
    return f"there are {units.size(main_bytes, 'MB')} of main memory{gpu}"


def is_out_of_memory(error) -> bool:
    """Return whether an exception of Python, torch (GPU or CPU) or the system means that memory ran out."""
    torch = sys.modules.get("torch")  # if torch is not imported, it did not raise the error
    if isinstance(error, MemoryError) or (torch and isinstance(error, torch.OutOfMemoryError)):
        return True
    if getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return bool(re.search(r"(can't|[Cc]annot) allocate memory|os error 12\b", str(error)))
