"""Measures the time and memory that a run of a student's code uses, from Linux's /proc.

Nobody may lose points because other programs keep the processors busy. So the time limits count a run's own
time: the time that has passed, minus the time in which the run was ready to continue but had to wait for a
processor.

Source: https://docs.kernel.org/filesystems/proc.html, and sched-stats.rst for /proc/PID/schedstat
"""

import contextlib
import os
import time
from collections.abc import Iterator

# A run that often waits for a processor may last longer than its time limit, but at most LONGEST_WAIT times
# the limit.
LONGEST_WAIT = 10
PAUSE = 0.25  # seconds between two measurements of a run
_TICKS = os.sysconf("SC_CLK_TCK")


def own_time() -> float:
    """Return the time in seconds on a clock that stops while this process waits for a processor.

    Only waits of the process's first thread stop the clock. Without the kernel's CONFIG_SCHED_INFO, no wait
    stops it.
    """
    return time.monotonic() - _waited("/proc/self/schedstat")


def _waited(path):
    """Return for how many seconds a thread has waited for a processor, or 0 if the file can't be read."""
    try:
        with open(path) as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class Usage:
    """Adds up the time and memory that all processes of a run use. Create one before the run begins.

    limit : the most seconds of the run's own time, and of the processor time of all its processes together
    memory : the most bytes of memory of all its processes together, without memory shared with the server
    begin : when this object was created, in seconds of `time.monotonic`
    """

    def __init__(self, limit: float, memory: int):
        self.limit, self.memory = limit, memory
        self.begin = self._last = time.monotonic()
        self._own = self._used = 0.0
        self._cpu, self._waits = {}, {}  # {process: processor seconds}, {thread: seconds of waiting}

        # Open the file now, because the run will mount a /proc of its own, which lacks this process.
        self._mine = os.open("/proc/self/smaps_rollup", os.O_RDONLY)
        with open("/proc/self/status", "rb") as file:
            self._at_begin = _own(_sizes(file.read()))

    def exceeds(self) -> str:
        """Return which limit the run has exceeded, "time" or "memory", or "" if it has exceeded neither.

        Call this method only when /proc shows the run's processes and no others.
        """
        now = time.monotonic()
        passed, self._last = now - self._last, now
        processes = list(_processes())
        used = max(self._used, self._processor_time(processes))
        waited = min(passed, self._longest_wait(processes))
        self._own += max(passed - waited, used - self._used)
        self._used = used
        if self._own > self.limit or now - self.begin > LONGEST_WAIT * self.limit:
            return "time"
        return "memory" if self._takes_too_much(processes) else ""

    def _processor_time(self, processes):
        """Return the seconds of processor time of the run's processes, including those that have ended."""
        with_ended_children = 0.0
        for process, (user, system, *ended, started) in processes:
            self._cpu[process, started] = (user + system) / _TICKS
            with_ended_children += (user + system + sum(ended)) / _TICKS
        return max(with_ended_children, sum(self._cpu.values()))

    def _longest_wait(self, processes):
        """Return the longest time in seconds that a thread has waited for a processor since the last call."""
        waits = {}
        for process, _ in processes:
            with contextlib.suppress(OSError):
                for thread in os.listdir(f"/proc/{process}/task"):
                    waits[thread] = _waited(f"/proc/{process}/task/{thread}/schedstat")
        longest = max((wait - self._waits.get(thread, 0) for thread, wait in waits.items()), default=0)
        self._waits = waits
        return max(0, longest)

    def _takes_too_much(self, processes):
        """Return whether the processes together use more memory than they may.

        The first sum is quick to compute, but too large, because a memory page that several processes share
        counts for each of them. If this sum exceeds the limit, the kernel is asked for sizes in which a page
        counts once, divided among the processes that share it.
        """
        quick = {}
        for process, _ in processes:
            with contextlib.suppress(OSError), open(f"/proc/{process}/status", "rb") as file:
                sizes = _sizes(file.read())
                quick[process] = max(0, _own(sizes) - self._at_begin) + sizes.get("RssShmem", 0)
        if sum(quick.values()) <= self.memory:
            return False
        # The processes of the run are forks of the server, and so is this process. Forks share the server's
        # memory, and the kernel adds a share of this memory to the size of each fork. This process has almost
        # no memory of its own, so its size is about that share. Subtract it from the size of each process.
        servers = _shared_out(_sizes(os.pread(self._mine, 4096, 0)))
        total = 0
        for process, most in quick.items():
            try:
                with open(f"/proc/{process}/smaps_rollup", "rb") as file:
                    sizes = _sizes(file.read())
                total += max(0, _shared_out(sizes) - servers) + sizes.get("Pss_Shmem", 0)
            except OSError:  # the process has ended, or forbids reading its files
                total += most if os.path.exists(f"/proc/{process}") else 0
        return total > self.memory


def _processes() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield (id, times) for each process in /proc.

    The times, in clock ticks, are the user and system time of the process, the user and system time of its
    children that have ended, and when the process started.
    """
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
            yield name, (*map(int, fields[11:15]), int(fields[19]))


def _sizes(text):
    """Return {name: bytes} from lines such as b"RssAnon:   512 kB"."""
    lines = (line.split() for line in text.splitlines() if line.endswith(b" kB"))
    return {words[0].rstrip(b":").decode(): int(words[1]) * 1024 for words in lines}


def _own(sizes):
    """Return the bytes of a process's anonymous memory, in main memory and swapped out."""
    return sizes.get("RssAnon", 0) + sizes.get("VmSwap", 0)


def _shared_out(sizes):
    """Return the same bytes as `_own`, but divide each memory page among the processes that share it."""
    return sizes.get("Pss_Anon", sizes.get("Pss", 0)) + sizes.get("SwapPss", 0)
