"""Runs inside the sandbox: a process that has imported the libraries, and a copy of it for each student.

Each run has four processes, each the parent of the next. The server imports the libraries and forks on
request. Its copy, the keeper, makes new namespaces, waits for the end of the run and kills it at the time
limit. The keeper's child is the first process in the namespaces and has its own folders: when it ends, all
processes in the namespaces end. Its child gives up all rights and runs the student's cells.

Nothing is judged here. Student code could read everything in its process, so the expected values never enter
a student's run. The hidden checks run last, after the grader has received everything that the student will
see. Each runs in a copy of the process that was forked right after its check cell.
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

from course_utils.grading import wire
from course_utils.learning import check
from course_utils.loading import sources

HOME = "/tmp/home"
# The modules that solutions import, the slowest first.
IMPORTS = ("torch", "transformers.models.auto.modeling_auto", "transformers.models.llama.modeling_llama")
IMPORTS += ("matplotlib.pyplot", "course_utils.widgets.explorer")
TEXT = 5_000  # characters of a cell's printed text that are kept
IMAGE = 400_000  # characters of the largest picture that is kept
IMAGES = 3  # pictures and texts that are kept of a cell
NO_PLACE = 99  # the exit status if the sandbox can't be made
NAMESPACES = 0x20000 | 0x08000000 | 0x20000000 | 0x40000000  # mounts, IPC, processes, network; from sched.h
NEW_USER = 0x10000000
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 4, 38, 22  # from prctl.h
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000  # from mount.h
# System calls that students never need: for namespaces, mounts (a new tmpfs would have no size limit),
# tracing and keys, and others through which the kernel can be attacked. From 424 on, a call has the same
# number on every processor.
DENIED = {
    "x86_64": (0xC000003E, 56, (272, 308, 165, 166, 155, 101, 248, 249, 250, 321, 298, 323)),
    "aarch64": (0xC00000B7, 220, (97, 268, 40, 39, 41, 117, 217, 218, 219, 280, 241, 282)),
}
DENIED_EVERYWHERE = (425, 428, 429, 430, 431, 432, 433, 442)
CLONE3 = 435
_libc = ctypes.CDLL(None, use_errno=True)


def serve(control: socket.socket, isolated: bool, prelude: list[str]):
    """Imports the libraries and runs the prelude, then forks a copy for each request.

    A request is JSON, {"seconds", "memory", "user"}, with two sockets: one for the messages of the run and
    one for its exit status. The process ends when the grader closes `control`.
    """
    os.makedirs(HOME, exist_ok=True)
    os.chdir(HOME)
    for name in IMPORTS:
        importlib.import_module(name)
    shell = _shell()
    for source in prelude:
        shell.run_cell(source, store_history=False).raise_error()
    # A fork would lose threads that the prelude has started. So restart without the prelude.
    if len(os.listdir("/proc/self/task")) > 1 and prelude:
        os.execv(sys.executable, [*sys.orig_argv[:-1], "[]"])
    _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)  # student code of the same user can't read this process
    control.send(b"ready" if prelude else b"bare")
    while True:
        request, handles, _, _ = socket.recv_fds(control, 4096, 2)
        if not request:
            os._exit(0)  # nothing needs cleaning up, and Python's own exit takes a second
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
    if handle not in ready:  # the time is up, or the grader has closed its socket
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
        _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # otherwise the files in /proc/self belong to root
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _be_first(shell, connection, isolated, memory, user, seconds):
    """Runs as the first process of the namespaces: mounts folders, then starts the student's process."""
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
    """Returns the sorted folders that student code may read: Python, this package and the models."""
    package = os.path.dirname(os.path.dirname(__file__))
    return sorted({sys.prefix, sys.base_prefix, package, str(sources.cache_folder())})


def _mount(kind, place, options, flags):
    if _libc.mount(kind.encode(), place.encode(), kind.encode(), flags, options and options.encode()):
        raise OSError(ctypes.get_errno(), f"nothing could be mounted on {place}")


def _give_up(connection, given_up, isolated, memory, user, seconds):
    """Gives up all rights for good, sets limits, and closes all files except the one socket."""
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
        if limit != resource.RLIMIT_NPROC or isolated:  # this limit counts all processes of the user
            resource.setrlimit(limit, (value, value))
    if isolated:
        if user:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        else:
            # Empty sets of capabilities; 0x20080522 is version 3 of this interface.
            _libc.capset(struct.pack("Ii", 0x20080522, 0), bytes(24))
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
    """Installs a filter of system calls, written in the kernel's filter language (BPF, for seccomp)."""
    if platform.machine() not in DENIED:
        return
    machine, clone, denied = DENIED[platform.machine()]
    load, equal, at_least, bits, give = 0x20, 0x15, 0x35, 0x45, 0x06
    refused, missing, allowed = 0x00050001, 0x00050026, 0x7FFF0000  # EPERM, ENOSYS, allow
    program = [(load, 0, 0, 4), (equal, 1, 0, machine), (give, 0, 0, refused), (load, 0, 0, 0)]
    program += [(at_least, 0, 1, 0x40000000), (give, 0, 0, missing)]  # the numbers of x86's x32 interface
    for number in (*denied, *DENIED_EVERYWHERE):
        program += [(equal, 0, 1, number), (give, 0, 0, refused)]
    # A filter can't read the flags of clone3. If it seems missing, libc uses clone.
    program += [(equal, 0, 1, CLONE3), (give, 0, 0, missing)]
    program += [(equal, 0, 3, clone), (load, 0, 0, 16), (bits, 0, 1, NEW_USER), (give, 0, 0, refused)]
    program += [(give, 0, 0, allowed)]
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code)
    filter_ = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    if _libc.prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(filter_), 0, 0):
        raise OSError(ctypes.get_errno(), "no filter of system calls")


class _Text(io.TextIOBase):
    """Keeps the first TEXT characters of printed text."""

    def __init__(self):
        self.text = ""

    def writable(self):
        return True

    def write(self, text):
        self.text += str(text)[: TEXT - len(self.text)]
        return len(text)


def _run(shell, connection):
    """Runs the cells of one notebook and sends their results, then runs the hidden checks."""
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
    """Forks a copy of the process that waits for the hidden tests of a check cell.

    Returns the socket to the copy and its process id.
    """
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
    """Runs one cell as a notebook does. Returns its printed text, its pictures and its error."""
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
    """Returns the first pictures and plain texts of what a cell displayed."""
    kept = []
    for output in shown[:20]:
        data = output.get("data", {}) if isinstance(output, dict) else {}
        for kind, size in (("image/png", IMAGE), ("text/plain", TEXT)):
            if isinstance(data.get(kind), str) and len(data[kind]) <= size:
                kept.append({kind: data[kind]})
                break
    return kept[:IMAGES]


def _statements(shell, source, seconds):
    """Runs a check cell statement by statement: if one fails, the others still run.

    If one takes too long, the rest is skipped, because they would probably take too long as well.
    Returns the first problem, or None.
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
    """Returns the `__expect__` for the instructor's answers: it sends the expected value and each mistake."""

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
