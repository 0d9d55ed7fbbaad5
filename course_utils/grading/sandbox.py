"""The sandbox: students' code runs in it, and only messages come out.

bubblewrap starts one process without network, without rights and with its own environment. The process can
read the libraries and the models and sees nothing else of this machine; `inside` is its program. It is
started once and forked for each student.

Source: https://github.com/containers/bubblewrap
"""

import contextlib
import json
import os
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
from course_utils.grading import student_process as inside
from course_utils.grading import wire
from course_utils.loading import sources

START = 300  # seconds that the imports may take
GRACE = 15  # seconds after the time limit, until the grader stops waiting for the sandbox
MOST = 64 * 2**20  # characters of messages that one run may send
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives")
# Numbers of users that don't exist. Runs at the same time, also those of other graders on this machine, have
# different users, because the kernel counts the limits by user.
FIRST_USER = 1_700_000_000
USERS = 400  # for each grader; process ids are below 4,194,304, so users stay below 2**32
# Capabilities that the server keeps if it runs as root, to make namespaces and to change the user.
RIGHTS = ("CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID")


class Ended(Exception):
    """Raised if a run ended too early. The message continues the sentence "Your notebook ..."."""


class Sandbox:
    """Starts the process in the sandbox that is forked for each run. Use it in a `with` block.

    prelude : cells that are the same for every run; they run once, before the first fork
    isolated : False runs the code without a sandbox: only for code that you trust
    cold : whether each run gets its own new process: slow, but needed if forking a warm one is not safe
    memory : bytes of memory for each process of a run
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

    def __enter__(self):
        if not self.cold:
            self._server, self._control = self._start()
        return self

    def __exit__(self, *_):
        self._stop(self._server, self._control)
        self._server = self._control = None

    def _start(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-s", "-m", inside.__name__, str(theirs.fileno())]
        command += ["isolated" if self.isolated else "open", json.dumps(self.prelude)]
        process = subprocess.Popen(
            _wrapped(command) if self.isolated else command,
            env=_environment(),
            cwd="/",
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        said = []
        threading.Thread(target=lambda: said.extend(process.stderr), daemon=True).start()
        ours.settimeout(START)
        ready, late = b"", ""
        try:
            ready = ours.recv(10)
        except TimeoutError:
            late = f"after {START} s it is not ready"
        except OSError:
            pass
        self._bare = ready == b"bare"
        if ready not in (b"ready", b"bare"):
            self._stop(process, ours)
            why = late or b"".join(said[-3:]).decode(errors="replace").strip().split("\n")[-1]
            raise CourseError(
                f"The sandbox does not start ({why or 'no reason given'}): see docs/grading.md, or grade "
                "code that you trust with --no-sandbox."
            )
        ours.settimeout(None)
        return process, ours

    @staticmethod
    def _stop(process, control):
        if process:
            control.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def run(self, job: dict, seconds: float) -> Iterator[dict]:
        """Runs a notebook's cells and yields the messages as they arrive.

        job : a dictionary with "cells" (see `Assignment.cells`), "seconds" (the limit for one cell), "hidden"
            (the hidden tests of each check cell that has any) and "whole" (True for the instructor's answers)
        seconds : the limit for the whole run
        Raises Ended if the run was stopped or stopped itself, wire.Garbled if a message can't be read.
        """
        server, control = self._start() if self.cold else (None, None)
        ours, theirs = socket.socketpair()
        status, kept = socket.socketpair()
        with self._lock:
            user = self._users.pop()
        try:
            # Without root, a user namespace has only one user: 0 tells `inside` to make one.
            request = {"seconds": seconds, "memory": self.memory, "user": user if os.getuid() == 0 else 0}
            handles = [theirs.fileno(), kept.fileno()]
            with self._lock:
                try:
                    socket.send_fds(control or self._control, [json.dumps(request).encode()], handles)
                except OSError:  # the server has died: start a new one
                    self._stop(self._server, self._control)
                    self._server, self._control = self._start()
                    socket.send_fds(self._control, [json.dumps(request).encode()], handles)
            theirs.close()
            kept.close()
            job |= {"prelude": self.prelude if self._bare else []}
            yield from _talk(ours, status, job, time.monotonic() + seconds + GRACE)
        except TimeoutError:  # in the middle of a message
            raise Ended("was stopped at the time limit") from None
        finally:
            for each in (ours, theirs, status, kept):
                each.close()
            with self._lock:
                self._users.append(user)
            if self.cold:
                self._stop(server, control)


def _talk(connection, status, job, until):
    hidden = job.pop("hidden", [])
    with contextlib.suppress(OSError):
        wire.send(connection, job)
    total, phase = 0, "visible"
    while True:
        ready = select.select([connection, status], [], [], max(0, until - time.monotonic()))[0]
        if connection in ready:
            message = wire.receive(connection, until)
            if message is not None:
                total += len(str(message))
                if total > MOST:
                    raise Ended("sent more than can be read")
                if message.get("done") != phase:
                    yield message
                elif phase == "visible":
                    yield message
                    phase = "hidden"
                    with contextlib.suppress(OSError):
                        wire.send(connection, {"hidden": hidden})
                else:
                    return
                continue
        if status in ready or connection in ready:
            end = wire.receive(status, until)
            if end is None or end["code"] == inside.NO_PLACE:
                raise CourseError("The sandbox could not be made for this run: see docs/grading.md.")
            if end["time"]:
                raise Ended("was stopped at the time limit")
            raise Ended(f"ended Python itself ({_how(end['code'])})")
        raise Ended("was stopped at the time limit")


def _how(code):
    return f"signal {code - 128}" if code > 128 else f"exit status {code}"


def _environment():
    """Returns all environment variables of the sandbox."""
    env = {"PATH": "/usr/bin:/bin", "HOME": inside.HOME, "LANG": "C.UTF-8", "TMPDIR": "/tmp"}
    for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        env[name] = "1"  # a forked process loses its threads
    env |= {"TOKENIZERS_PARALLELISM": "false", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    env |= {"HF_HUB_OFFLINE": "1", "PIP_NO_INDEX": "1", "IPYTHONDIR": f"{inside.HOME}/ipython"}
    env |= {"COURSE_CACHE": str(sources.cache_folder()), "COURSE_ANSWERS": f"{inside.HOME}/answers.json"}
    env["PYTHONPATH"] = str(Path(course_utils.__file__).parents[1])
    return env


def _wrapped(command):
    """Returns the command line that runs `command` in bubblewrap."""
    wrapped = ["bwrap", "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net"]
    wrapped += [
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--hostname",
        "sandbox",
        "--cap-drop",
        "ALL",
    ]
    if os.getuid() == 0:
        wrapped += [part for right in RIGHTS for part in ("--cap-add", right)]
    else:
        wrapped += ["--unshare-user"]
    wrapped += ["--perms", "0755", "--dir", "/etc"]
    for folder in SYSTEM:
        if os.path.islink(folder):
            wrapped += ["--symlink", os.readlink(folder), folder]
        else:
            wrapped += ["--ro-bind-try", folder, folder]
    wrapped += ["--tmpfs", "/tmp"]  # comes first: visible folders may lie in /tmp
    for folder in inside.seen():
        if not folder.startswith("/usr/"):
            for parent in reversed(Path(folder).parents[:-1]):  # otherwise it gets other permissions
                wrapped += ["--perms", "0755", "--dir", str(parent)]
            wrapped += ["--ro-bind-try", folder, folder]
    wrapped += ["--dev", "/dev", "--proc", "/proc", "--chdir", "/"]
    return [*wrapped, "--remount-ro", "/dev", "--remount-ro", "/", *command]
