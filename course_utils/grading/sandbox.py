"""The sandbox in which students' code is executed. Only messages leave the sandbox.

bubblewrap starts one process, which runs `student_process` and is forked for each student. The process has no
network, few rights, and its own environment variables. It can read the libraries and the models, and sees
nothing else of this machine.

Source: https://github.com/containers/bubblewrap
"""

import contextlib
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import course_utils
from course_utils.errors import CourseError
from course_utils.grading import student_process, usage, wire
from course_utils.loading import store

START = 300  # seconds within which the imports must finish
GRACE = 15  # seconds that the grader waits for the sandbox after the time limit

# The most attempts to start a run, and the seconds of the pause before the second attempt. Each later pause
# is twice as long as the one before.
ATTEMPTS, PAUSE = 5, 1
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives")
# Linux counts all processes with the same user id against the limit on a user's processes. So no two runs at
# the same time have the same user id, even if two graders work on this machine. No real user has these ids.
FIRST_USER = 1_700_000_000
# How many user ids a grader has. The first is FIRST_USER + USERS * the grader's process id. Process ids are
# below 4,194,304, so all user ids are below 2**32.
USERS = 400
# The capabilities that the sandbox's server (see `student_process`) keeps if it runs as root. It needs them
# to make namespaces, to change the user, and to ask how much memory a process shares with others.
CAPABILITIES = ("CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_SYS_PTRACE")


EXCEEDED = {
    "time": "was stopped at the time limit",
    "memory": "was stopped because its processes had more memory than they may",
}


class Ended(Exception):
    """Raised if a run ended too early. The message completes the sentence "Your notebook ..."."""


class Lost(Exception):
    """Raised if a run was lost because the server of all runs died. The run's own code did nothing wrong."""


class _NotMade(Exception):
    """Raised before any code is executed, if the sandbox can't be made. The message is the reason."""


class Sandbox:
    """Starts a process in the sandbox, and forks it for each run. Use it in a `with` block.

    prelude : cells that are the same for every run; they are executed once, before the first fork
    isolated : False executes the code without a sandbox; use this only for code that you trust
    cold : True starts a new process for each run in place of a fork; this is slow, but needed if a fork would
        not be safe
    memory : bytes of memory for each process of a run, and for all its processes together
    Raises CourseError if this machine can't make a sandbox.
    """

    def __init__(
        self,
        prelude: list[str] | None = None,
        isolated: bool = True,
        cold: bool = False,
        memory: int = 4 * 2**30,
    ):
        if not hasattr(os, "pidfd_open"):
            raise CourseError(
                "Grading needs Linux, for its sandbox: use a Linux machine, WSL 2 or a container."
            )
        if isolated and not shutil.which("bwrap"):
            raise CourseError(
                "No sandbox: students' code would run with your rights. Install bubblewrap (on Debian and "
                "Ubuntu: sudo apt install bubblewrap), or grade code that you trust with --no-sandbox."
            )
        self.prelude, self.isolated, self.cold, self.memory = prelude or [], isolated, cold, memory
        self._lock = threading.Lock()
        self._server = self._control = None
        first = FIRST_USER + USERS * os.getpid()
        self._users = list(range(first, first + USERS))
        if isolated and os.getuid() == 0:
            store.make_readable()  # another user will execute the students' code
            _require_readable()

    def __enter__(self):
        if not self.cold:
            self._server, self._control = self._start()
        return self

    def __exit__(self, *_):
        _stop(self._server, self._control)
        self._server = self._control = None

    def _start(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-s", "-m", student_process.__name__, str(theirs.fileno())]
        command += ["isolated" if self.isolated else "open"]
        # The prelude must be the last argument, because `student_process.serve` may replace that argument.
        command += [json.dumps(student_process.IMPORTS), json.dumps(self.prelude)]
        process = subprocess.Popen(
            [*_bubblewrap(), *command] if self.isolated else command,
            env=_environment(),
            cwd="/",
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        log = []
        reading = threading.Thread(target=lambda: log.extend(process.stderr), daemon=True)
        reading.start()
        ours.settimeout(START)
        answer, reason = b"", ""
        try:
            answer = ours.recv(10)
        except TimeoutError:
            reason = f"after {START} s it is not ready"
        except OSError:
            pass
        if answer not in (b"ready", b"bare"):
            _stop(process, ours)
            reading.join(5)
            reason = reason or b"".join(log[-3:]).decode(errors="replace").strip().split("\n")[-1]
            raise CourseError(_no_sandbox("The sandbox does not start", reason))
        self._lacks_prelude = answer == b"bare"
        ours.settimeout(None)
        return process, ours

    def messages(self, job: dict, seconds: float) -> Iterator[dict]:
        """Execute a notebook's cells, and yield the sandbox's messages as they arrive.

        job : a dictionary with "cells" (see `Assignment.cells`), "seconds" (the time limit for one cell),
            "hidden" (the hidden tests of each check cell that has any), "whole" (True for the instructor's
            answers) and "seed" (with which the hidden tests draw their inputs)
        seconds : the time limit for the whole run, in the run's own time (see `usage`)
        Raises Ended if the run was stopped or stopped itself, Lost if the server of all runs died and the
        caller can repeat the run, wire.Garbled if a message can't be read, and CourseError if no run can be
        started.
        """
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE * 2 ** (attempt - 1))
            try:
                yield from self._messages_of_one_run(job, seconds)
                return
            except _NotMade as error:
                reason = str(error)
            except Lost:
                time.sleep(PAUSE)  # wait until the dying server has ended
                raise
        raise CourseError(_no_sandbox("The sandbox could not be made for a run", reason))

    def _messages_of_one_run(self, job, seconds):
        own_server, own_control = self._start() if self.cold else (None, None)
        ours, theirs = socket.socketpair()
        status, their_status = socket.socketpair()
        with self._lock:
            user = self._users.pop()
        try:
            # "user": 0 asks for a user namespace, which has only one user. If the grader is not root, each
            # run needs such a namespace.
            request = {"seconds": seconds, "memory": self.memory, "user": user if os.getuid() == 0 else 0}
            packet = [json.dumps(request).encode()], [theirs.fileno(), their_status.fileno()]
            with self._lock:
                try:
                    if self._server and self._server.poll() is not None:
                        raise ChildProcessError
                    socket.send_fds(own_control or self._control, *packet)
                except OSError:  # the server has died, so start a new one
                    _stop(self._server, self._control)
                    self._server, self._control = self._start()
                    socket.send_fds(self._control, *packet)
            theirs.close()
            their_status.close()
            job = job | {"prelude": self.prelude if self._lacks_prelude else []}
            until = time.monotonic() + usage.LONGEST_WAIT * seconds + GRACE
            yield from _messages(ours, status, job, until)
        except TimeoutError:  # the time was up in the middle of a message
            raise Ended("was stopped at the time limit") from None
        finally:
            for connection in (ours, theirs, status, their_status):
                connection.close()
            with self._lock:
                self._users.append(user)
            _stop(own_server, own_control)


def _stop(process, control):
    if process:
        control.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _messages(connection, status, job, until):
    hidden = {"hidden": job.pop("hidden", []), "seed": job.get("seed")}
    if not job.get("whole"):  # student code must not get the seed before the hidden tests
        job.pop("seed", None)
    try:
        wire.send(connection, job)
    except ValueError:
        raise Ended("is longer than can be executed") from None
    except OSError:  # the reason why the run has ended is read below
        pass
    reader, phase = wire.Reader(connection), "visible"
    while True:
        ready = select.select([connection, status], [], [], max(0, until - time.monotonic()))[0]
        if not ready:
            raise Ended("was stopped at the time limit")
        message = reader.receive(until) if connection in ready else None
        if message is None:
            raise _reason_of_end(wire.receive(status, until))
        if message.get("done") != phase:
            yield message
        elif phase == "visible":
            yield message
            phase = "hidden"
            with contextlib.suppress(OSError):
                wire.send(connection, hidden)
        else:
            return


def _reason_of_end(end):
    """Return the exception for a run that ended too early. `end` is the supervisor's message, or None."""
    if end is None:
        return Lost("the sandbox's server has died")
    if "setup" in end:
        return _NotMade(end["setup"])
    if end["exceeded"]:
        return Ended(EXCEEDED[end["exceeded"]])
    code = end["code"]
    how = f"signal {code - 128}" if code > 128 else f"exit status {code}"
    return Ended(f"ended Python itself ({how})")


def _require_readable():
    """Raise CourseError if users other than root may not read the folders that students' code needs."""
    for folder in filter(os.path.isdir, student_process.readable_folders()):
        if os.stat(folder).st_mode & 0o005 != 0o005:
            raise CourseError(
                f"Students' code runs as a user who may not read {folder}: let all users read it "
                f"(chmod -R a+rX {folder}), or run course grade as another user than root."
            )


def _no_sandbox(what, reason):
    """Return a sentence that tells the instructor what failed, why, and how to solve the problem."""
    helps = "see docs/grading.md, or grade code that you trust with --no-sandbox."
    if re.search(r"ENOSPC|Errno 28\b|No space left", reason):
        helps = (
            "this machine limits how many namespaces there may be. Raise the limit, "
            "sudo sysctl -w user.max_user_namespaces=10000, or give fewer --workers."
        )
    return f"{what} ({reason or 'no reason given'}): {helps}"


def _environment():
    """Return all environment variables of the process in the sandbox."""
    threads = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {
        **{name: "1" for name in threads},  # a forked process has only one thread
        "COURSE_ANSWERS": f"{student_process.HOME}/answers.json",
        "COURSE_CACHE": str(store.cache_folder()),
        "HF_HUB_OFFLINE": "1",
        "HOME": student_process.HOME,
        "IPYTHONDIR": f"{student_process.HOME}/ipython",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PATH": "/usr/bin:/bin",
        "PIP_NO_INDEX": "1",
        "PYTHONPATH": str(Path(course_utils.__file__).parents[1]),
        "TMPDIR": "/tmp",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _bubblewrap():
    """Return the beginning of the command line that starts a program in bubblewrap."""
    options = ["--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    options += ["--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox", "--cap-drop", "ALL"]
    if os.getuid() == 0:
        options += [part for capability in CAPABILITIES for part in ("--cap-add", capability)]
    else:
        options += ["--unshare-user"]
    options += ["--perms", "0755", "--dir", "/etc"]
    for folder in SYSTEM:
        if os.path.islink(folder):
            options += ["--symlink", os.readlink(folder), folder]
        else:
            options += ["--ro-bind-try", folder, folder]
    options += ["--tmpfs", "/tmp"]  # this must come before the readable folders, some of which may be in /tmp
    for folder in student_process.readable_folders():
        if not folder.startswith("/usr/"):
            for parent in reversed(Path(folder).parents[:-1]):  # by default bubblewrap uses other permissions
                options += ["--perms", "0755", "--dir", str(parent)]
            options += ["--ro-bind-try", folder, folder]
    options += ["--dev", "/dev", "--proc", "/proc", "--chdir", "/"]
    return ["bwrap", *options, "--remount-ro", "/dev", "--remount-ro", "/"]
