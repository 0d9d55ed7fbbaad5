"""Tests that no submission harms another: submissions graded beside an attack get the same results as alone.

The sandbox is made in two ways, for root and for a user without rights. `make test` tries the attacks as the
user who runs the tests, `make everything` as both users.
"""

import json
import os
import subprocess
import sys

import plain_user
import pytest
from graders import Grader
from lazy import Lazy
from programs import needs
from test_grading import answered, instructor_notebook

from course_utils.errors import CourseError
from course_utils.grading import sandbox, wire

assignments = Lazy("course_utils.grading.assignment")
intake = Lazy("course_utils.grading.intake")
judges = Lazy("course_utils.grading.judge")
nbformat = Lazy("nbformat")

RIGHT = "\ndef double(numbers): return [2 * number for number in numbers]"
NEIGHBOUR = """
import time
begin = time.process_time()
while time.process_time() - begin < 0.5: pass
"""


OTHER_USER = pytest.mark.everything(reason="tries each attack in the other of the two ways")
USERS = [
    pytest.param("root", marks=[OTHER_USER] if os.getuid() else []),
    pytest.param("a plain user", marks=[] if os.getuid() else [OTHER_USER]),
]


@pytest.fixture(scope="module", params=USERS)
def grade(request, tmp_path_factory):
    """Return a function that grades answers at the same time as two submissions of other students.

    The function asserts that these two get the same results as when graded alone. It returns the list of the
    answers' results, or the result itself if it was given a single answer.
    """
    plain = request.param != "root"
    if not plain and os.getuid():
        pytest.skip("Only root can see what the sandbox does when root starts it.")
    if plain and plain_user.lack():
        pytest.skip(f"This machine can't have a user without rights: {plain_user.lack()}")
    path = tmp_path_factory.mktemp("walls") / "small.ipynb"
    nbformat.write(instructor_notebook(), path)
    neighbour = answered(path, double=NEIGHBOUR + RIGHT)
    with Grader(json.loads(path.read_text()), plain) as opened:
        (alone,) = opened.grade(neighbour)
        assert alone["score"] == 4

        def beside_neighbours(*answers, **limits):
            books = [answered(path, double=answer) for answer in answers]
            *results, first, second = opened.grade(*books, neighbour, neighbour, **limits)
            assert [first, second] == [alone, alone]
            assert all(result["key"] for result in results)  # a result has no key if the grader failed
            return results if len(results) > 1 else results[0]

        yield beside_neighbours


def stopped(result):
    return result["tasks"][0]["stopped"]


# {name: (the signal that a cell sends, how this stops the cell; "" if the cell goes on)}
SIGNALS = {
    "SIGINT to process 1": ("os.kill(1, signal.SIGINT)", ""),
    "each signal to process 1": ("[os.kill(1, each) for each in range(1, 65)]", ""),
    "SIGKILL to the group": ("os.kill(0, signal.SIGKILL)", "ended Python itself (signal 9)"),
    "SIGKILL to all": ("os.kill(-1, signal.SIGKILL)", ""),
    "SIGSTOP to the group": ("os.kill(0, signal.SIGSTOP)", "was stopped at the time limit"),
}


@pytest.mark.parametrize("name", SIGNALS)
@needs("bubblewrap")
def test_signals_reach_the_student_s_own_processes_only(name, grade):
    sends, says = SIGNALS[name]
    result = grade(f"import os, signal\ntry: {sends}\nexcept OSError: pass{RIGHT}", seconds=2)
    assert result["score"] == (2 if says else 4) and says in stopped(result)


BOMB = """
import os, signal, time
for _ in range(60):
    if not os.fork():
        while True: pass
while True: pass
"""
# The time of these processes is not added to their parent's, because the parent ignores SIGCHLD.
UNCOUNTED = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    try:
        if not os.fork():
            while time.process_time() < 0.1: pass
            os._exit(0)
    except OSError: time.sleep(0.01)
"""


BURNS = pytest.mark.everything(reason="sixty processes keep all processors busy for half a minute")


@pytest.mark.parametrize(
    "code", [pytest.param(BOMB, id="that stay", marks=BURNS), pytest.param(UNCOUNTED, id="that end")]
)
@needs("bubblewrap")
def test_processes_of_one_student_take_no_time_from_another(code, grade):
    result = grade(code, seconds=1)
    assert result["score"] == 2
    assert "at the time limit" in stopped(result) or "longer than 1 s" in stopped(result)


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="This kernel does not count waiting.")
def test_a_clock_stands_still_while_others_have_the_processor():
    code = """
import os, time
from course_utils.grading import usage
os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
other = os.fork()
if not other:
    while os.getppid() > 1: pass
    os._exit(0)
begin, own = time.monotonic(), usage.own_time()
while time.process_time() < 0.5: pass
own, passed = usage.own_time() - own, time.monotonic() - begin
os.kill(other, 9)
print(own < passed)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "True\n", done


# Ways to use memory that RLIMIT_DATA does not count.
MEMORY = {
    "shared": "mmap.mmap(-1, 2**31)",
    "of a device": "mmap.mmap(os.open('/dev/zero', os.O_RDWR), 2**31)",
    "of a file without a name": "mmap.mmap(sized(os.memfd_create('x')), 2**31)",
    "of System V": "attached(libc.shmget(0, ctypes.c_size_t(2**31), 0o1600))",
}
TAKE = """
import ctypes, mmap, os, time
libc = ctypes.CDLL(None, use_errno=True)
def sized(file):
    os.ftruncate(file, 2**31)
    return file
def attached(segment):
    if segment < 0: raise OSError(ctypes.get_errno(), "no segment")
    libc.shmat.restype = ctypes.c_void_p
    return (ctypes.c_char * 2**31).from_address(libc.shmat(segment, None, 0))
memory = HOW
os.fork()
for start in range(0, 2**31, 2**24): memory[start : start + 2**24] = bytes(2**24)
while True: time.sleep(1)
"""


@pytest.mark.parametrize("name", MEMORY)
@needs("bubblewrap")
def test_memory_is_counted_however_it_is_taken(name, grade):
    result = grade(TAKE.replace("HOW", MEMORY[name]), memory=2**29, seconds=30)
    assert result["score"] == 2
    assert "more memory than they may" in stopped(result) or "PermissionError" in stopped(result)


@needs("bubblewrap")
def test_memory_that_copies_share_is_counted_once(grade):
    code = """
import os, time
kept = bytearray(b"x") * (400 * 2**20)
for _ in range(5):
    if not os.fork(): time.sleep(3); os._exit(0)
time.sleep(2)
"""
    assert grade(code + RIGHT, memory=3 * 2**29)["score"] == 4


SEND = """
import json, os, socket, struct
def push(data):
    for handle in range(3, 64):
        try: socket.socket(fileno=os.dup(handle)).sendall(data)
        except OSError: pass
def send(data):
    push(struct.pack("!I", len(data)) + data)
def send_value(value):
    send(json.dumps({"check": "double-check 0", "outcome": {"value": value, "changed": False}}).encode())
alike = [number * (2**61 - 1) for number in range(60_000)]
"""
# {name: (what the student's code sends to the grader, words of the feedback)}
VALUES = {
    "a set of equal hashes": ("send_value({'set': alike})", "60,000 members have the same hash"),
    "keys of equal hashes": ("send_value({'dict': [[x, 0] for x in alike]})", "have the same hash"),
    "tuples of equal hashes": ("send_value({'set': [{'tuple': [x]} for x in alike]})", "the same hash"),
    "brackets": ("send(b'[' * 15_000_000)", "a message of 15,000,000 parts"),
    "braces": ("send(b'{\"a\":' * 3_000_000)", "a message of 3,000,000 parts"),
    "empty lists": ("send(b'[' + b'[],' * 5_000_000 + b'0]')", "a message of 10,000,001 parts"),
    "lists in lists": ("send_value(json.loads('[' * 500 + ']' * 500))", "lists in lists, too deep"),
    "long numbers": ("send(b'{\"a\": ' + b'1' * 15_000_000 + b'}')", "a message that is not JSON"),
    "a long string": ("send_value('x' * 15_000_000)", "gave a string, 'xxx"),
    "many messages": ("push(b'\\0\\0\\0\\2{}' * 100_000)", "more than can be read"),
    "many long messages": ("[send_value([0] * 400_000) for _ in range(4)]", "more than can be read"),
}


@needs("bubblewrap")
def test_values_that_take_long_to_read_are_refused(grade):
    results = grade(*(SEND + sends + RIGHT for sends, _ in VALUES.values()))
    for (name, (_, says)), result in zip(VALUES.items(), results, strict=True):
        assert says in stopped(result) + " ".join(result["tasks"][0]["says"]), name


def test_values_are_read_in_linear_time():
    alike = [number * (2**61 - 1) for number in range(10**6)]
    for tag, items in {"set": alike, "dict": [[each, 0] for each in alike]}.items():
        with pytest.raises(wire.Garbled, match="1,000,000 members have the same hash"):
            wire.decode({tag: items})
    assert wire.decode({"set": [-1, -2, 0.5, "a"]}) == {-1, -2, 0.5, "a"}


TERMINALS = """
import os, time
for _ in range(40):
    if not os.fork():
        try:
            while True: os.openpty()
        except OSError: time.sleep(8); os._exit(0)
time.sleep(6)
"""


@needs("bubblewrap")
def test_one_student_leaves_terminals_for_the_others(grade):
    results = grade(TERMINALS + RIGHT, f"import os, time\ntime.sleep(4)\nos.openpty(){RIGHT}")
    assert [result["score"] for result in results] == [4, 4]


# {name: (code that gives a signal, code that notices the signal)}. Two students could agree on such a signal,
# for example a lock on a file that both may read. For ten seconds, one student gives the signals again and
# again, and the other looks for them.
SIGNS = {
    "flock": ("fcntl.flock(file, fcntl.LOCK_SH)", "refused(fcntl.flock)"),
    "lockf": (
        "fcntl.lockf(file, fcntl.LOCK_SH)",
        "fcntl.fcntl(file, fcntl.F_GETLK, b'\\1' + bytes(31))[0] == fcntl.F_RDLCK",
    ),
    "a lease": ("fcntl.fcntl(file, 1024, fcntl.F_RDLCK)", "fcntl.fcntl(file, 1025) != fcntl.F_UNLCK"),
    "a hint": ("fcntl.fcntl(file, 1036, b'\\4' + bytes(7))", "fcntl.fcntl(file, 1035, bytes(8))[0] == 4"),
    "a watcher": ("open(fcntl.__file__).read(1)", "bool(os.read(watcher, 64))"),
    "a terminal": ("os.openpty()", "any(map(str.isdigit, os.listdir('/dev/pts')))"),
}
GIVES = """
import fcntl, os, time
file = open(os.__file__)
end = time.monotonic() + 10
while time.monotonic() < end:
    for way in WAYS:
        try: eval(way)
        except OSError: pass
    time.sleep(0.02)
"""
LOOKS = """
import ctypes, fcntl, os, time
file = open(os.__file__)
watcher = ctypes.CDLL(None).inotify_init1(os.O_NONBLOCK)
ctypes.CDLL(None).inotify_add_watch(watcher, fcntl.__file__.encode(), 0x21)
def refused(lock):
    try: lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError: return True
    return False
end, seen = time.monotonic() + 10, set()
while time.monotonic() < end:
    for way in WAYS:
        try: seen.update([way] * eval(way))
        except OSError: pass
    time.sleep(0.02)
print("seen", seen)
"""


@needs("bubblewrap")
def test_no_sign_passes_from_one_student_to_another(grade):
    gives, looks = zip(*SIGNS.values(), strict=True)
    _, result = grade(GIVES.replace("WAYS", repr(gives)) + RIGHT, LOOKS.replace("WAYS", repr(looks)) + RIGHT)
    assert result["score"] == 4 and result["tasks"][0]["text"] == "seen set()\n"


@needs("bubblewrap")
def test_a_large_value_gets_a_sentence(grade):
    result = grade("def double(numbers): return [0] * 10**6")
    assert "returned more than can be read here" in result["tasks"][0]["says"][0]


@needs("bubblewrap")
def test_what_libraries_need_still_works(grade):
    code = """
import fcntl, os, pty, socket, sqlite3, subprocess
from multiprocessing import Lock, Pool, shared_memory
with sqlite3.connect("a.db") as base: base.executescript("create table a (b); insert into a values (7)")
assert sqlite3.connect("a.db").execute("select b from a").fetchall() == [(7,)]
with open("lock", "w") as file: fcntl.lockf(file, fcntl.LOCK_EX); fcntl.flock(file, fcntl.LOCK_SH)
with Pool(2) as pool, Lock(): assert pool.map(abs, [-1, -2]) == [1, 2]
block = shared_memory.SharedMemory(create=True, size=1000); block.close(); block.unlink()
assert subprocess.check_output("echo a | cat", shell=True) == b"a\\n"
os.close(pty.openpty()[0])
for family in (socket.AF_INET, socket.AF_UNIX): socket.socket(family).close()
for family in (socket.AF_VSOCK, socket.AF_ALG, socket.AF_PACKET):
    try: print("got", socket.socket(family, socket.SOCK_SEQPACKET))
    except OSError as error: assert error.errno in (1, 97), error
"""
    result = grade(code + RIGHT)
    assert result["score"] == 4 and not result["tasks"][0]["text"], result


@needs("bubblewrap")
def test_a_run_that_is_too_long_is_refused_and_a_lost_one_repeated(tmp_path, monkeypatch):
    path = tmp_path / "small.ipynb"
    nbformat.write(instructor_notebook(), path)
    assignment, killed = assignments.Assignment(path), []
    with sandbox.Sandbox(assignment.prelude) as opened:
        judge, messages = judges.Judge(assignment, opened, 60), opened.messages
        judge.prepare()
        long = {"role": "own", "name": "", "source": "#" * wire.LONGEST_MESSAGE}
        with pytest.raises(sandbox.Ended, match="longer than can be executed"):
            list(opened.messages({"cells": [long], "seconds": 60}, 60))

        def until_killed(job, seconds):
            for message in messages(job, seconds):
                yield message
                if len(killed) < times and opened._server.poll() is None:
                    opened._server.kill()
                    killed.append(opened._server.wait())

        monkeypatch.setattr(opened, "messages", until_killed)
        submission = intake.Submission("s", data=json.dumps(answered(path)).encode())
        times = 1
        monkeypatch.setattr(judges, "MOST_LOST", 1)
        result = judge.grade(submission)
        assert len(killed) == 1 and result.score == 4 and result.key
        times = 2
        monkeypatch.setattr(judges, "MOST_LOST", 0)  # don't repeat a lost run
        result = judge.grade(submission)
        assert len(killed) == 2 and "failed (Lost)" in result.problem and not result.key


# Opens a sandbox as a user who may make only 0 or 2 user namespaces. bubblewrap needs 2 for itself.
FEW = """
import ctypes, os, sys
user, group = os.getuid(), os.getgid()
assert not ctypes.CDLL(None).unshare(0x10000000)
for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
    with open(f"/proc/self/{name}", "w") as file: file.write(text)
with open("/proc/sys/user/max_user_namespaces", "w") as file: file.write(sys.argv[1])
from course_utils.errors import CourseError
from course_utils.grading import sandbox
sandbox.PAUSE, sandbox.student_process.IMPORTS = 0, ("torch",)
try:
    with sandbox.Sandbox() as opened: list(opened.messages({"cells": [], "seconds": 9}, 9))
except CourseError as error: print(error)
"""


@pytest.mark.parametrize(
    "most, says", [(0, "The sandbox does not start (bwrap: "), (2, "could not be made for a run (")]
)
@needs("bubblewrap")
def test_a_limit_on_namespaces_is_named(most, says):
    if plain_user.lack():
        pytest.skip(f"This machine can't have a user without rights: {plain_user.lack()}")
    words = plain_user.command([sys.executable, "-c", FEW, str(most)])
    done = subprocess.run(words, capture_output=True, text=True, env=plain_user.environment())
    assert says in done.stdout and "user.max_user_namespaces" in done.stdout, done


@pytest.mark.skipif(os.getuid() != 0, reason="Only root starts students' code as another user.")
@needs("bubblewrap")
def test_root_lets_students_read_the_models(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "cache" / "llama" / "model" / "model.safetensors"
    file.parent.mkdir(parents=True, mode=0o700)
    file.write_text("weights")
    for path, mode in ((file, 0o600), (tmp_path / "cache", 0o700)):
        path.chmod(mode)
    code = f"print(open({str(file)!r}).read())"
    job = {"cells": [{"role": "own", "name": "a", "source": code}], "seconds": 60}
    with sandbox.Sandbox() as opened:
        texts = [message["text"] for message in opened.messages(job, 60) if "text" in message]
    assert texts == ["weights\n"]
    monkeypatch.setattr(sandbox.student_process, "readable_folders", lambda: [str(tmp_path / "closed")])
    (tmp_path / "closed").mkdir(mode=0o700)
    with pytest.raises(CourseError, match="may not read .*closed"):
        sandbox.Sandbox()
