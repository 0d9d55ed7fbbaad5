"""The program in the sandbox. It imports the libraries, and forks a copy of its process for each student.

Four processes take part in a run, and each process is the parent of the next. The first is the server of all
runs, which imports the libraries and forks on request. The second, the supervisor, is a copy of the server.
It makes new namespaces, waits for the end of the run, and kills the run when the run has used too much time
or memory. The third is the first process inside the namespaces, and mounts the run's own folders. When this
process ends, all processes in the namespaces end, so no signal may end it. The fourth drops all rights and
executes the student's cells.

Nothing is judged here. Student code could read everything in its own process, so expected values never enter
a student's run. The hidden tests come last, after the grader has received everything that the student may
see. Each hidden test runs in a copy of the student's process, forked right after the test's check cell.
"""

import ast
import contextlib
import ctypes
import gc
import importlib
import io
import json
import os
import random
import resource
import select
import signal
import socket
import struct
import sys
import time
import traceback

from course_utils.grading import system_calls, usage, wire
from course_utils.learning import checks
from course_utils.loading import store

HOME = "/tmp/home"
# The modules that solutions import, the slowest first.
IMPORTS = ("torch", "transformers.models.auto.modeling_auto", "transformers.models.llama.modeling_llama")
IMPORTS += ("matplotlib.pyplot", "course_utils.widgets.explorer")
REPEAT = 5  # seconds until a cell that caught a TimeoutError gets the next TimeoutError

# From Linux's headers sched.h, mount.h, prctl.h and capability.h.
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x08000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x8, 0x1000, 0x4000, 0x40000
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 4, 38
CAPABILITY_VERSION_3 = 0x20080522
_libc = ctypes.CDLL(None, use_errno=True)


def serve(control: socket.socket, isolated: bool, imports: list[str], prelude: list[str]):
    """Import the libraries, execute the prelude, and then fork a copy for each request.

    A request is JSON, {"seconds", "memory", "user"}, with two sockets. The run sends its messages to the
    first socket, and the supervisor reports to the second how the run ended. This process ends when the
    grader closes `control`.
    """
    os.makedirs(HOME, exist_ok=True)
    os.chdir(HOME)
    for name in imports:
        importlib.import_module(name)
    shell = _shell()
    for source in prelude:
        shell.run_cell(source, store_history=False).raise_error()
    # A fork would lose the threads that the prelude has started, so restart without the prelude.
    if len(os.listdir("/proc/self/task")) > 1 and prelude:
        os.execv(sys.executable, [*sys.orig_argv[:-1], "[]"])
    _set_readable(False)
    # A fork shares this process's memory until one of the two writes to it. Without this call, the fork's
    # garbage collector would write to this memory, and the kernel would have to copy it.
    gc.freeze()
    control.send(b"ready" if prelude else b"bare")  # after "bare", each run executes the prelude itself
    while True:
        request, handles, _, _ = socket.recv_fds(control, 4096, 2)
        if not request:
            os._exit(0)  # nothing is left to clean up, and Python's own exit takes a second
        connection, status = map(_socket, handles)
        with _reporting(status):
            if not os.fork():
                control.close()
                try:
                    _supervise(shell, connection, status, isolated, **json.loads(request))
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(0)
        connection.close()
        status.close()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _socket(handle):
    return socket.socket(fileno=handle)


@contextlib.contextmanager
def _reporting(status):
    """If the `with` block fails, tell the grader that the sandbox could not be made for this run, and why."""
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        with contextlib.suppress(OSError):
            wire.send(status, {"setup": str(error)})


def _shell():
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    shell = InteractiveShell.instance(config=config)
    shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
    import matplotlib_inline.backend_inline as inline

    inline.configure_inline_support(shell, "module://matplotlib_inline.backend_inline")
    return shell


def _set_readable(readable):
    """Allow or forbid processes of the same user to read this process and its files in /proc."""
    _libc.prctl(PR_SET_DUMPABLE, int(readable), 0, 0, 0)


def _supervise(shell, connection, status, isolated, seconds, memory, user):
    """Start a run, and report how it ended.

    Kill the run when it has used too much time or memory, or when the grader closes `status`.
    """
    child = None
    with _reporting(status):
        if isolated:
            _enter_namespaces(user)
        used = usage.Usage(seconds, memory)
        child = os.fork()
        if not child:
            _be_first_process(shell, connection, status, isolated, memory, user, seconds)
    connection.close()
    if child is None:
        return
    exceeded = ""
    try:
        handle, ready, pause = os.pidfd_open(child), [], usage.PAUSE
        while not ready and not exceeded:
            ready = select.select([handle, status], [], [], pause)[0]
            begin = time.monotonic()
            if not isolated:
                exceeded = "" if begin - used.begin < seconds else "time"
            elif not os.path.exists("/proc/self"):  # the run has its own /proc now, which lacks this process
                exceeded = used.exceeds()
            pause = max(usage.PAUSE, 10 * (time.monotonic() - begin))
        if handle not in ready and not isolated:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
    finally:
        os.kill(child, signal.SIGKILL)  # this has no effect if the child has ended
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(OSError):
        wire.send(status, {"exceeded": exceeded, "code": code if code >= 0 else 128 - code})


def _enter_namespaces(user):
    """Move this process into new namespaces; its children will also be in a new process namespace.

    user : the user that the student's process will have, or 0 if this process may not change its user and so
        needs a new user namespace
    """
    namespaces = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
    uid, gid = os.getuid(), os.getgid()
    if _libc.unshare(namespaces if user else namespaces | system_calls.CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "the kernel refused new namespaces")
    if not user:
        _set_readable(True)  # otherwise the files in /proc/self would belong to root
        maps = {"setgroups": "deny", "uid_map": f"{uid} {uid} 1", "gid_map": f"{gid} {gid} 1"}
        for name, text in maps.items():
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        _set_readable(False)


def _be_first_process(shell, connection, status, isolated, memory, user, seconds):
    """Mount the folders, start the student's process, and exit with that process's status. Never returns."""
    code = 1
    try:
        with _reporting(status):
            if isolated:
                _mount_folders()
            os.setsid()
            # Signals that the student's process sends to this process have no effect. All signals but SIGKILL
            # are blocked, and a SIGKILL from inside a namespace does not end the namespace's first process.
            signals = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            student = os.fork()
            if not student:
                _be_student(shell, connection, status, isolated, memory, user, seconds, signals)
            connection.close()
            ended = None
            while ended != student:  # os.wait also returns for orphans of the student's process
                ended, how = os.wait()
            code = os.waitstatus_to_exitcode(how)
    finally:
        os._exit(code if code >= 0 else 128 - code)


def _be_student(shell, connection, status, isolated, memory, user, seconds, signals):
    """Drop all rights, and execute the student's cells. Never returns."""
    code = 1
    try:
        dropped = False
        with _reporting(status):
            # Without isolation, this process must stay in the process group that the supervisor kills.
            if isolated:
                os.setsid()
            signal.pthread_sigmask(signal.SIG_SETMASK, signals)
            _drop_rights(isolated, memory, user, seconds)
            dropped = True
        if dropped:
            _close_files_but(connection)
            _execute_notebook(shell, connection)
            code = 0
    except BaseException:
        traceback.print_exc()
    finally:  # exit even if student code has closed stderr, so that print_exc fails
        os._exit(code)


def readable_folders() -> list[str]:
    """Return the sorted folders that student code may read: Python, this package and the models."""
    package = os.path.dirname(os.path.dirname(__file__))
    return sorted({sys.prefix, sys.base_prefix, package, str(store.cache_folder())})


def _mount_folders():
    """Mount new folders of limited size on /tmp and /dev/shm, new terminals, and a new /proc.

    The readable folders that lie in /tmp are mounted again in the new /tmp.
    """
    flags = MS_NOSUID | MS_NODEV
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    in_tmp = [folder for folder in readable_folders() if folder.startswith("/tmp/") and os.path.isdir(folder)]
    handles = {folder: os.open(folder, os.O_PATH) for folder in in_tmp}
    _mount("tmpfs", "/tmp", "size=256m,nr_inodes=20k,mode=1777", flags)
    for folder, handle in handles.items():
        os.makedirs(folder, 0o755, exist_ok=True)
        _mount(f"/proc/self/fd/{handle}", folder, None, MS_BIND | MS_REC)
        os.close(handle)
    _mount("tmpfs", "/dev/shm", "size=64m,nr_inodes=1k,mode=1777", flags)
    terminals = "newinstance,max=16,ptmxmode=0666,mode=0620"  # without max, a run could use up all terminals
    _mount("devpts", "/dev/pts", terminals, MS_NOSUID | MS_NOEXEC)
    _mount("proc", "/proc", None, flags | MS_NOEXEC)


def _mount(source, folder, options, flags):
    if _libc.mount(source.encode(), folder.encode(), source.encode(), flags, options and options.encode()):
        raise OSError(ctypes.get_errno(), f"nothing could be mounted on {folder}")


def _drop_rights(isolated, memory, user, seconds):
    """Set limits, and change to an empty home folder. If `isolated`, also give up all rights permanently."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")  # if memory runs out, the kernel kills this process first
    limits = {
        resource.RLIMIT_DATA: memory,
        resource.RLIMIT_FSIZE: 100 * 2**20,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CPU: int(seconds) + 1,
    }
    if isolated:  # without isolation, RLIMIT_NPROC would also count the user's other processes
        limits[resource.RLIMIT_NPROC] = 64
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    if isolated:
        if user:
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        else:
            no_capabilities = bytes(24)
            _libc.capset(struct.pack("Ii", CAPABILITY_VERSION_3, 0), no_capabilities)
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        system_calls.install_filter(_libc)
    _set_readable(True)
    home = HOME if isolated else f"{HOME}-{os.getpid()}"
    os.makedirs(home, exist_ok=True)
    os.environ["HOME"] = home
    os.chdir(home)


def _close_files_but(connection):
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    os.closerange(3, connection.fileno())
    os.closerange(connection.fileno() + 1, 4096)


def _execute_notebook(shell, connection):
    """Execute the cells of one notebook and send their results, then execute the hidden tests."""
    import numpy
    import torch

    random.seed(0)
    numpy.random.seed(0)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    job = wire.receive(connection)
    seconds, waiting = job["seconds"], []

    shell.user_ns["__probe__"] = _probe(connection, seconds)
    if job.get("whole"):
        os.environ["COURSE_SEED"] = str(job["seed"])
        shell.user_ns["__expect__"] = _expect(connection)
    for source in job["prelude"]:
        shell.run_cell(source, store_history=False).raise_error()
    for index, cell in enumerate(job["cells"]):
        wire.send(connection, {"begin": index})
        if cell["role"] == "check":
            message = {"problem": _execute_check(shell, cell["source"], seconds)}
            if cell["has_hidden_tests"]:
                waiting.append((index, *_fork_for_hidden_tests(shell, connection)))
        else:
            message = _execute_cell(shell, cell["source"], seconds)
        wire.send(connection, {"cell": index} | message)
    wire.send(connection, {"done": "visible"})
    answer = wire.receive(connection)
    for (index, pipe, child), source in zip(waiting, answer["hidden"], strict=True):
        wire.send(connection, {"begin": index})
        wire.send(pipe, {"source": source, "seconds": seconds, "seed": answer["seed"]})
        os.waitpid(child, 0)
    wire.send(connection, {"done": "hidden"})


def _fork_for_hidden_tests(shell, connection):
    """Fork a copy of this process, which waits for the hidden tests of a check cell and executes them.

    Returns the socket that is connected to the copy, and the copy's process id.
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
            os.environ["COURSE_SEED"] = str(message["seed"])
            _execute_check(shell, message["source"], message["seconds"])
    finally:
        os._exit(0)


class _FirstText(io.TextIOBase):
    """A stream that keeps the first `wire.LONGEST_TEXT` characters of printed text."""

    def __init__(self):
        self.text = ""

    def writable(self):
        return True

    def write(self, text):
        self.text += str(text)[: wire.LONGEST_TEXT - len(self.text)]
        return len(text)


@contextlib.contextmanager
def _captured():
    """Capture printed text, and yield it as a `_FirstText`. Discard what is written to stderr."""
    text = _FirstText()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(_FirstText()):
        yield text


@contextlib.contextmanager
def _alarm(seconds):
    """Raise TimeoutError in the `with` block after `seconds`, then every REPEAT seconds until the block ends.

    The time in which this process waits for a processor does not count.
    """
    end = usage.own_time() + seconds

    def time_is_up(*_):
        left = end - usage.own_time()
        if left > 0.01:  # the process had to wait for a processor, so set a new alarm
            signal.setitimer(signal.ITIMER_REAL, left, REPEAT)
        else:
            raise TimeoutError(f"it took longer than {seconds:g} s")

    signal.signal(signal.SIGALRM, time_is_up)
    signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _execute_cell(shell, source, seconds):
    """Execute one cell as a notebook would. Return what it printed, what it displayed, and its error."""
    from IPython.utils.capture import capture_output

    with _captured() as text, capture_output(stdout=False, stderr=False) as displays:
        try:
            with _alarm(seconds):
                result = shell.run_cell(source, store_history=False)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as caught:
            error = caught
    displayed = [output.data for output in displays.outputs]
    problem = checks.stopped(error) if error else None
    return {"text": text.text, "shown": wire.shown(displayed), "problem": problem}


def _execute_check(shell, source, seconds):
    """Execute a check cell statement by statement. If a statement fails, the next ones still run.

    If a statement takes too long, the next ones are skipped, because they would probably also take too long.
    Returns the first problem, or None.
    """
    problem = None
    with _captured():
        for statement in ast.parse(source).body:
            try:
                with _alarm(seconds):
                    exec(compile(ast.Module([statement], []), "<check>", "exec"), shell.user_ns)
            except BaseException as error:
                problem = problem or checks.stopped(error)
                if isinstance(error, TimeoutError):
                    break
    return problem


def _probe(connection, seconds):
    """Return the function that replaces `course.check` in a student's run.

    The function sends the outcome of each call to the grader.
    """

    def probe(name, function, arguments, also):
        begin = usage.own_time()
        try:
            try:
                called = function()
            except NameError:
                called = None
            outcome = checks.attempt(called, arguments())
            if "value" in outcome:
                outcome["further"] = [checks.attempt(called, more) for more in also()]
        except BaseException as error:
            outcome = checks.stopped(error)
        _send_outcome(connection, {"check": name}, outcome)
        if usage.own_time() - begin > seconds:
            raise TimeoutError

    return probe


def _expect(connection):
    """Return the function that replaces `course.check` in the run of the instructor's answers.

    The function sends the outcome of each call to the grader, with the expected value and the wrong values
    that each known mistake gives. A mistake that is a function gives one value for `arguments`, and one for
    each tuple of arguments in `also`.
    """

    def expect(
        name, task, function, arguments, expected, mistakes=None, tolerance=checks.ROUNDING, about="", also=()
    ):
        known = checks.wrong_values(mistakes or {}, arguments, also)
        mistakes = [[says, [wire.encode(wrong) for wrong in values]] for says, values in known.items()]
        message = {"check": name, "task": task, "call": checks.call_as_text(function, arguments)}
        message |= {"about": about, "tolerance": tolerance, "mistakes": mistakes}
        message |= {"expected": wire.encode(checks.plain(expected))}
        _send_outcome(connection, message, checks.attempt(function, arguments))

    return expect


def _encoded(outcome):
    """Return an outcome with its values as `wire.encode` returns them."""
    encoded = dict(outcome)
    if "value" in outcome:
        encoded["value"] = wire.encode(outcome["value"])
    if "others" in outcome:
        encoded["others"] = [wire.encode(other) for other in outcome["others"]]
    if "further" in outcome:
        encoded["further"] = [_encoded(further) for further in outcome["further"]]
    return encoded


def _send_outcome(connection, message, outcome):
    try:
        wire.send(connection, message | {"outcome": _encoded(outcome)}, wire.MOST_PARTS)
    except ValueError:
        wire.send(connection, message | {"outcome": {"unreadable": "returned more than can be read here."}})


if __name__ == "__main__":
    with _socket(int(sys.argv[1])) as requests:
        serve(requests, sys.argv[2] == "isolated", *map(json.loads, sys.argv[3:]))
