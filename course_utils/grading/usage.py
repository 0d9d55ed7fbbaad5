"""What a run of a student's code uses: time, processors and memory, as Linux's /proc tells it.

A program is not slow because others have the processors. So the time limits count a run's own time: the time
that has passed, less the time in which the run was ready to go on and had no processor.

Source: https://docs.kernel.org/filesystems/proc.html, and sched-stats.rst for /proc/PID/schedstat
"""

import contextlib
import os
import time
from collections.abc import Iterator

# A run ends after so many times its time limit, even if other programs had the processors.
LONGEST_WAIT = 10
PAUSE = 0.25  # seconds between two looks at a run
_TICKS = os.sysconf("SC_CLK_TCK")


def own_time() -> float:
    """Return a clock in seconds that stands still while this process waits for a processor.

    It counts the process's first thread. Where the kernel does not tell (no CONFIG_SCHED_INFO), it never
    stands still.
    """
    return time.monotonic() - _waited("/proc/self/schedstat")


def _waited(path):
    """Return the seconds for which a thread was ready and had no processor, or 0 if this can't be read."""
    try:
        with open(path) as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class Usage:
    """Adds up what all processes of a run use. Make it before the run begins.

    limit : seconds of the run's own time, and of processor time of all its processes together
    memory : bytes of memory of all its processes together; what they share with the server does not count

    `begin` is the time at which it was made, by `time.monotonic`.
    """

    def __init__(self, limit: float, memory: int):
        self.limit, self.memory = limit, memory
        self.begin = self._last = time.monotonic()
        self._own = self._used = 0.0
        self._cpu, self._waits = {}, {}  # seconds: by process, by thread
        # Opened here because the run has a /proc of its own, in which this process is missing.
        self._mine = os.open("/proc/self/smaps_rollup", os.O_RDONLY)
        with open("/proc/self/status", "rb") as file:
            self._at_begin = _own(_sizes(file.read()))

    def exceeds(self) -> str:
        """Return "time" or "memory" if the run has had more than it may, otherwise "".

        Call it only if /proc shows the run's processes and no others.
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
        """Return the seconds that the run's processes have used, with those that have ended."""
        with_ended_children = 0.0
        for process, (user, system, *ended, started) in processes:
            self._cpu[process, started] = (user + system) / _TICKS
            with_ended_children += (user + system + sum(ended)) / _TICKS
        return max(with_ended_children, sum(self._cpu.values()))

    def _longest_wait(self, processes):
        """Return the longest time that one thread has waited since the last call."""
        waits = {}
        for process, _ in processes:
            with contextlib.suppress(OSError):
                for thread in os.listdir(f"/proc/{process}/task"):
                    waits[thread] = _waited(f"/proc/{process}/task/{thread}/schedstat")
        longest = max((wait - self._waits.get(thread, 0) for thread, wait in waits.items()), default=0)
        self._waits = waits
        return max(0, longest)

    def _takes_too_much(self, processes):
        """Return whether the processes have more memory than they may, with what they share among them.

        A quick look counts too much: pages that a process shares with the server or with its own children.
        Only if this is above the limit, the kernel is asked to divide each page by those who share it.
        """
        quick = {}
        for process, _ in processes:
            with contextlib.suppress(OSError), open(f"/proc/{process}/status", "rb") as file:
                sizes = _sizes(file.read())
                quick[process] = max(0, _own(sizes) - self._at_begin) + sizes.get("RssShmem", 0)
        if sum(quick.values()) <= self.memory:
            return False
        # This process has nothing but what it shares with the server and its other copies.
        servers = _shared_out(_sizes(os.pread(self._mine, 4096, 0)))
        total = 0
        for process, most in quick.items():
            try:
                with open(f"/proc/{process}/smaps_rollup", "rb") as file:
                    sizes = _sizes(file.read())
                total += max(0, _shared_out(sizes) - servers) + sizes.get("Pss_Shmem", 0)
            except OSError:  # it has ended, or lets nobody read this
                total += most if os.path.exists(f"/proc/{process}") else 0
        return total > self.memory


def _processes() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield each process in /proc: its id, and its times in ticks.

    The times are those of the process (user, system), of its children that have ended (the same), and its
    start.
    """
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
            yield name, (*map(int, fields[11:15]), int(fields[19]))


def _sizes(text):
    """Return the sizes in lines such as b"RssAnon:   512 kB", in bytes by name."""
    lines = (line.split() for line in text.splitlines() if line.endswith(b" kB"))
    return {words[0].rstrip(b":").decode(): int(words[1]) * 1024 for words in lines}


def _own(sizes):
    """Return the bytes of a process in main memory and swapped out, with those that it shares with copies."""
    return sizes.get("RssAnon", 0) + sizes.get("VmSwap", 0)


def _shared_out(sizes):
    """Return the same, but each page divided by the number of processes that share it."""
    return sizes.get("Pss_Anon", sizes.get("Pss", 0)) + sizes.get("SwapPss", 0)
