"""What runs inside the sandbox: a process that has imported the libraries, and a copy of it for each student.

Four processes in a row. The server imports, and forks on request. Its copy, the keeper, makes new namespaces,
waits for the end, and kills at the time limit. Its child is the first process of them, with folders of its
own: when it ends, so does everything in them. Its child gives up all rights and runs the student's cells.

Nothing here judges, and nothing is kept from the student but what is not here: what is expected. Hidden
checks come last. A copy of the process as it was at their place has been waiting for them; by then everything
that a student is shown is with the grader.
"""

import ast
import contextlib
import ctypes
import importlib
import io
import json
import os
import platform
import random
import resource
import select
import signal
import socket
import struct
import sys
import time
import traceback

from course_utils import sources
from course_utils.grading import wire
from course_utils.grading.forked_kernels import IMPORTS
from course_utils.learning import check

HOME = "/tmp/home"
TEXT = 5_000  # characters of printed text that are kept of a cell
IMAGE = 400_000  # characters of a picture
IMAGES = 3  # of a cell
NO_PLACE = 99  # the exit status where a sandbox can't be made
NAMESPACES = 0x20000 | 0x08000000 | 0x20000000 | 0x40000000  # mounts, IPC, processes, network; of sched.h
NEW_USER = 0x10000000
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 4, 38, 22  # of prctl.h
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000  # of mount.h
# System calls that a student needs for nothing: new namespaces and mounts (a tmpfs without a limit), tracing,
# keys, and doors into the kernel. Those from 424 on have one number everywhere.
DENIED = {
    "x86_64": (0xC000003E, 56, (272, 308, 165, 166, 155, 101, 248, 249, 250, 321, 298, 323)),
    "aarch64": (0xC00000B7, 220, (97, 268, 40, 39, 41, 117, 217, 218, 219, 280, 241, 282)),
}
DENIED_EVERYWHERE = (425, 428, 429, 430, 431, 432, 433, 442)
CLONE3 = 435
_libc = ctypes.CDLL(None, use_errno=True)


def serve(control: socket.socket, isolated: bool, prelude: list[str]):
    """Import the libraries, run what is the same for all, then a student's cells for each request.

    A request is JSON, {"seconds", "memory", "user"}, with two sockets: one for the run, one for how it ended.
    Ends the process when the grader has gone.
    """
    os.makedirs(HOME, exist_ok=True)
    os.chdir(HOME)
    for name in IMPORTS:
        importlib.import_module(name)
    shell = _shell()
    for source in prelude:
        shell.run_cell(source, store_history=False).raise_error()
    if len(os.listdir("/proc/self/task")) > 1 and prelude:  # copies would lack its threads: begin anew
        os.execv(sys.executable, [*sys.orig_argv[:-1], "[]"])
    _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # where the user is the same, no student looks in here
    control.send(b"ready" if prelude else b"bare")
    while True:
        request, handles, _, _ = socket.recv_fds(control, 4096, 2)
        if not request:
            os._exit(0)  # there is nothing to put away, and Python would take a second over it
        if not os.fork():
            control.close()
            try:
                _keep(shell, *map(_socket, handles), isolated, **json.loads(request))
            except BaseException:
                traceback.print_exc()
            os._exit(0)
        for handle in handles:
            os.close(handle)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _socket(handle):
    return socket.socket(fileno=handle)


def _shell():
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    shell = InteractiveShell.instance(config=config)
    import matplotlib_inline.backend_inline as inline

    inline.configure_inline_support(shell, "module://matplotlib_inline.backend_inline")
    return shell


def _keep(shell, connection, status, isolated, seconds, memory, user):
    if isolated:
        _unshare(user)
    child = os.fork()
    if not child:
        status.close()
        _be_first(shell, connection, isolated, memory, user, seconds)
    connection.close()
    handle = os.pidfd_open(child)
    ready = select.select([handle, status], [], [], seconds)[0]
    if handle not in ready:  # time is up, or the grader has what it wants, or has gone
        if not isolated:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
        os.kill(child, signal.SIGKILL)
    _, how, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(how)
    with contextlib.suppress(OSError):
        wire.send(status, {"time": not ready, "code": code, "cpu": used.ru_utime + used.ru_stime})


def _unshare(user):
    new = NAMESPACES if user else NAMESPACES | NEW_USER
    uid, gid = os.getuid(), os.getgid()
    if _libc.unshare(new):
        raise OSError(ctypes.get_errno(), "no namespaces")
    if not user:
        _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else these files are root's
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _be_first(shell, connection, isolated, memory, user, seconds):
    """The first process of the namespaces: make its folders, run the student, go."""
    code = NO_PLACE
    try:
        if isolated:
            flags = MS_NOSUID | MS_NODEV
            _mount("none", "/", None, MS_REC | MS_PRIVATE)
            below = [each for each in seen() if each.startswith("/tmp/") and os.path.isdir(each)]
            kept = {each: os.open(each, os.O_PATH) for each in below}
            _mount("tmpfs", "/tmp", "size=256m,nr_inodes=20k,mode=1777", flags)
            for folder, handle in kept.items():
                os.makedirs(folder, 0o755, exist_ok=True)
                _mount(f"/proc/self/fd/{handle}", folder, None, MS_BIND | MS_REC)
                os.close(handle)
            _mount("tmpfs", "/dev/shm", "size=64m,nr_inodes=1k,mode=1777", flags)
            _mount("proc", "/proc", None, flags | MS_NOEXEC)
        else:
            os.setsid()
        said, given_up = os.pipe()
        student = os.fork()
        if not student:
            try:
                _give_up(connection, given_up, isolated, memory, user, seconds)
                code = 1
                _run(shell, connection)
                code = 0
            except BaseException:
                traceback.print_exc()
            os._exit(code)
        connection.close()
        os.close(given_up)
        ready = os.read(said, 1)
        while True:
            ended, how = os.wait()
            if ended == student:
                code = os.waitstatus_to_exitcode(how) if ready else NO_PLACE
                code = 1 if ready and code == NO_PLACE else code
                break
    except BaseException:
        traceback.print_exc()
    os._exit(code if code >= 0 else 128 - code)


def seen():
    """The folders of Python, of this package and of the models, which students' code may read, in order."""
    package = os.path.dirname(os.path.dirname(__file__))
    return sorted({sys.prefix, sys.base_prefix, package, str(sources.cache_folder())})


def _mount(kind, place, options, flags):
    if _libc.mount(kind.encode(), place.encode(), kind.encode(), flags, options and options.encode()):
        raise OSError(ctypes.get_errno(), f"nothing could be mounted on {place}")


def _give_up(connection, given_up, isolated, memory, user, seconds):
    """From here on: one open socket, limits, no rights, and no way to new ones."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # if memory runs out, this process ends first
    for limit, value in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_NPROC, 64),
        (resource.RLIMIT_FSIZE, 100 * 2**20),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 512),
        (resource.RLIMIT_CPU, int(seconds) + 1),
    ):
        if limit != resource.RLIMIT_NPROC or isolated:  # it counts all processes of the user
            resource.setrlimit(limit, (value, value))
    if isolated:
        if user:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        else:
            _libc.capset(struct.pack("Ii", 0x20080522, 0), bytes(24))  # no capabilities, of version 3
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _deny_system_calls()
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    place = HOME if isolated else f"{HOME}-{os.getpid()}"
    os.makedirs(place, exist_ok=True)
    os.environ["HOME"] = place
    os.chdir(place)
    os.write(given_up, b"1")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    kept = connection.fileno()
    os.closerange(3, kept)
    os.closerange(kept + 1, 4096)


def _deny_system_calls():
    """A filter of system calls, in the kernel's own little language (seccomp's BPF)."""
    if platform.machine() not in DENIED:
        return
    machine, clone, denied = DENIED[platform.machine()]
    load, equal, at_least, bits, give = 0x20, 0x15, 0x35, 0x45, 0x06
    refused, missing, allowed = 0x00050001, 0x00050026, 0x7FFF0000  # EPERM, ENOSYS, go on
    program = [(load, 0, 0, 4), (equal, 1, 0, machine), (give, 0, 0, refused), (load, 0, 0, 0)]
    program += [(at_least, 0, 1, 0x40000000), (give, 0, 0, missing)]  # x86's other numbers
    for number in (*denied, *DENIED_EVERYWHERE):
        program += [(equal, 0, 1, number), (give, 0, 0, refused)]
    program += [(equal, 0, 1, CLONE3), (give, 0, 0, missing)]  # its flags can't be read; libc takes clone
    program += [(equal, 0, 3, clone), (load, 0, 0, 16), (bits, 0, 1, NEW_USER), (give, 0, 0, refused)]
    program += [(give, 0, 0, allowed)]
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code)
    filter_ = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    if _libc.prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(filter_), 0, 0):
        raise OSError(ctypes.get_errno(), "no filter of system calls")


class _Text(io.TextIOBase):
    """Printed text, of which the beginning is kept."""

    def __init__(self):
        self.text = ""

    def writable(self):
        return True

    def write(self, text):
        self.text += str(text)[: TEXT - len(self.text)]
        return len(text)


def _run(shell, connection):
    """Run the cells of one notebook and send what comes of them; then the hidden checks."""
    import numpy
    import torch

    random.seed(0)
    numpy.random.seed(0)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    job = wire.receive(connection)
    waiting = []

    def late(*_):
        raise TimeoutError(f"it took longer than {job['seconds']:g} s")

    signal.signal(signal.SIGALRM, late)
    shell.user_ns["__probe__"] = _probe(connection, job["seconds"])
    if job.get("whole"):
        shell.user_ns["__expect__"] = _expect(connection)
    for source in job["prelude"]:
        shell.run_cell(source, store_history=False).raise_error()
    for index, cell in enumerate(job["cells"]):
        wire.send(connection, {"begin": index})
        if cell["kind"] == "check":
            problem = _statements(shell, cell["source"], job["seconds"])
            if cell["waits"]:
                waiting.append((index, *_wait(shell, connection)))
            wire.send(connection, {"cell": index, "problem": problem})
        else:
            wire.send(connection, {"cell": index} | _cell(shell, cell["source"], job["seconds"]))
    wire.send(connection, {"done": "visible"})
    hidden = wire.receive(connection)["hidden"]
    for (index, pipe, child), source in zip(waiting, hidden, strict=True):
        wire.send(connection, {"begin": index})
        wire.send(pipe, {"source": source, "seconds": job["seconds"]})
        os.waitpid(child, 0)
    wire.send(connection, {"done": "hidden"})


def _wait(shell, connection):
    """A copy of the process as it is now, which waits for the hidden part of a check cell."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child:
        theirs.close()
        return ours, child
    try:
        ours.close()
        message = wire.receive(theirs)
        if message:
            _statements(shell, message["source"], message["seconds"])
    finally:
        os._exit(0)


def _cell(shell, source, seconds):
    """Run one cell as a notebook does: what it put out, and the error that ended it."""
    from IPython.core.displayhook import CapturingDisplayHook
    from IPython.core.displaypub import CapturingDisplayPublisher

    text, problem = _Text(), None
    publisher, hook = shell.display_pub, sys.displayhook
    shell.display_pub = CapturingDisplayPublisher()
    shown = shell.display_pub.outputs
    sys.displayhook = CapturingDisplayHook(shell=shell, outputs=shown)
    shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
    try:
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(io.StringIO()), _alarm(seconds):
            result = shell.run_cell(source, store_history=False)
        if result.error_before_exec or result.error_in_exec:
            problem = check.stopped(result.error_before_exec or result.error_in_exec)
    except BaseException as error:
        problem = check.stopped(error)
    shell.display_pub, sys.displayhook = publisher, hook
    return {"text": text.text, "shown": _pictures(shown), "problem": problem}


def _pictures(shown):
    """Of what was displayed, the pictures and plain texts."""
    kept = []
    for output in shown[:20]:
        data = output.get("data", {}) if isinstance(output, dict) else {}
        for kind, size in (("image/png", IMAGE), ("text/plain", TEXT)):
            if isinstance(data.get(kind), str) and len(data[kind]) <= size:
                kept.append({kind: data[kind]})
                break
    return kept[:IMAGES]


def _statements(shell, source, seconds):
    """Run a check cell statement by statement, so that one that fails keeps no other from running.

    Where one takes too long, so would others: the rest is not run.
    """
    problem = None
    with contextlib.redirect_stdout(_Text()), contextlib.redirect_stderr(io.StringIO()):
        for statement in ast.parse(source).body:
            try:
                with _alarm(seconds):
                    exec(compile(ast.Module([statement], []), "<check>", "exec"), shell.user_ns)
            except BaseException as error:
                problem = problem or check.stopped(error)
                if isinstance(error, TimeoutError):
                    break
    return problem


@contextlib.contextmanager
def _alarm(seconds):
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _probe(connection, seconds):
    def probe(name, function, arguments):
        begin = time.monotonic()
        try:
            try:
                called = function()
            except NameError:
                called = None
            outcome = check.attempt(called, arguments())
        except BaseException as error:
            outcome = check.stopped(error)
        _send_outcome(connection, {"probe": name}, outcome)
        if time.monotonic() - begin > seconds:
            raise TimeoutError

    return probe


def _send_outcome(connection, message, outcome):
    if "value" in outcome:
        outcome = outcome | {"value": wire.encode(outcome["value"])}
    try:
        wire.send(connection, message | {"outcome": outcome})
    except ValueError:
        wire.send(connection, message | {"outcome": {"unreadable": "returned more than can be read here."}})


def _expect(connection):
    """For the instructor's answers: what a check expects, and the name of each mistake."""

    def expect(name, task, function, arguments, expected, mistakes=None, tolerance=check.ROUNDING, about=""):
        call = f"{check._name(function)}({', '.join(map(check.show, arguments))})"
        mistakes = [[says, wire.encode(check.plain(wrong))] for says, wrong in (mistakes or {}).items()]
        message = {"probe": name, "task": task, "call": call, "about": about, "tolerance": tolerance}
        message |= {"expected": wire.encode(check.plain(expected)), "mistakes": mistakes}
        _send_outcome(connection, message, check.attempt(function, arguments))

    return expect


if __name__ == "__main__":
    with _socket(int(sys.argv[1])) as asked:
        serve(asked, sys.argv[2] == "isolated", json.loads(sys.argv[3]))
