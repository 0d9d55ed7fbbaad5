"""Kernels that start in a fraction of a second: copies of a process that has imported the libraries already.

`with serving():` is all that nbclient, nbval and nbgrader need: until its end, also in commands that are run
meanwhile, kernels come from `ForkedProvisioner`, a kernel provisioner that jupyter_client finds by its entry
point. It asks the server for a copy. Where that can't serve (not Linux, another Python, other settings of
those that libraries read when they are imported, threads that a fork would lose), it starts one as always.

Source: https://jupyter-client.readthedocs.io/en/stable/provisioning.html
"""

import contextlib
import ctypes
import importlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

# What the lessons import, the slowest first.
IMPORTS = ("torch", "transformers.models.auto.modeling_auto", "transformers.models.llama.modeling_llama")
IMPORTS += ("matplotlib.pyplot", "ipywidgets", "ipykernel.kernelapp", "course_utils.explorers")
# The beginnings of settings that libraries read when they are imported: a copy can't change them any more.
ADDRESS = "COURSE_KERNELS"  # the setting that says where the server is
READ_EARLY = ("HF_", "TRANSFORMERS_", "OMP_", "MKL_", "OPENBLAS_", "TORCH", "MPL", "PYTHON")
PATIENCE = 120  # seconds for an answer; the first one waits for the server's imports
SIZE = 1 << 20  # bytes of a request at most
PR_SET_PDEATHSIG = 1  # of Linux's prctl.h


@contextlib.contextmanager
def serving():
    """Until its end, kernels started here and in commands run from here are copies of one process."""
    if not hasattr(os, "pidfd_open"):
        yield
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener,
    ):
        address = str(Path(folder) / "kernels")
        listener.bind(address)
        listener.listen()
        server = subprocess.Popen(
            [sys.executable, "-m", __name__, str(listener.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            process_group=0,  # Ctrl-C in a terminal is for who started this
        )
        factory = KernelProvisionerFactory.instance()  # for this process; the environment is for others
        settings = {ADDRESS: address, factory.default_provisioner_name_env: "course-forked"}
        before = factory.default_provisioner_name, {n: os.environ[n] for n in settings if n in os.environ}
        factory.default_provisioner_name = "course-forked"
        os.environ |= settings
        try:
            yield
        finally:
            factory.default_provisioner_name = before[0]
            for name in settings:
                del os.environ[name]
            os.environ |= before[1]
            server.communicate()  # the end of its standard input ends it, and its kernels with it


class ForkedProvisioner(LocalProvisioner):
    """Starts a kernel as a copy of the server's process, or as always where that can't serve."""

    async def launch_kernel(self, cmd, **kwargs):
        """Start the kernel of the command `cmd`; the base class says what is given and returned."""
        process = _ask_for(cmd, **kwargs)
        if process is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid = process, process.pid, process.pid
        return self.connection_info


class _Forked:
    """Another process's child, with what jupyter_client uses of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid, handle):
        self.pid = pid
        self.returncode = None
        self._handle = handle  # a pidfd: readable once the process has ended, and never another process

    def poll(self):
        """0 once it has ended, None before; how it ended, its parent alone can tell."""
        if self.returncode is None and select.select([self._handle], [], [], 0)[0]:
            os.close(self._handle)
            self.returncode = 0
        return self.returncode

    def wait(self, timeout=None):
        if self.returncode is None and not select.select([self._handle], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("a forked kernel", timeout)
        return self.poll()

    def send_signal(self, number):
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def _ask_for(cmd, cwd=None, env=None, stdout=None, stderr=None, **_):
    """A kernel from the server, or None. The arguments are those of `subprocess.Popen`."""
    if cmd[:3] != [sys.executable, "-m", "ipykernel_launcher"] or subprocess.PIPE in (stdout, stderr):
        return None
    request = {"arguments": cmd[3:], "folder": cwd or os.getcwd(), "env": dict(env or os.environ)}
    try:
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection,
            open(os.devnull, "wb") as nowhere,
        ):
            out, err = (
                nowhere if stream == subprocess.DEVNULL else stream or default
                for stream, default in ((stdout, 1), (stderr, 2))
            )
            handles = [stream if isinstance(stream, int) else stream.fileno() for stream in (out, err)]
            connection.settimeout(PATIENCE)
            connection.connect(os.environ[ADDRESS])
            socket.send_fds(connection, [json.dumps(request).encode()], handles)
            answer, handles, _, _ = socket.recv_fds(connection, SIZE, 1)
    except (KeyError, OSError):
        return None
    return _Forked(json.loads(answer), *handles) if handles else None


def _serve(listener):
    """Import the libraries, then answer until standard input ends. Returns only in a copy: its request."""
    settings = _read_early(os.environ)
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # as ipykernel does
    for name in IMPORTS:
        importlib.import_module(name)
    while True:
        asked = select.select([listener, sys.stdin], [], [])[0]
        if sys.stdin in asked:  # nothing is ever written there
            return None
        with listener.accept()[0] as connection:
            message, standard, _, _ = socket.recv_fds(connection, SIZE, 2)
            request = json.loads(message or "null")
            threads = len(os.listdir("/proc/self/task"))
            if not request or _read_early(request["env"]) != settings or threads > 1:
                answer, handles = b"null", []
            elif child := os.fork():
                answer, handles = b"%d" % child, [os.pidfd_open(child)]
            else:
                for ours, handle in enumerate([os.open(os.devnull, os.O_RDONLY), *standard]):
                    os.dup2(handle, ours)
                    os.close(handle)
                return request
            with contextlib.suppress(OSError):  # who asked has gone
                socket.send_fds(connection, [answer], handles)
            for handle in (*standard, *handles):
                os.close(handle)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # let go of those that have ended
                pass


def _read_early(env):
    return {name: value for name, value in env.items() if name.startswith(READ_EARLY)}


def _be_a_kernel(request):
    """In a copy: run a kernel as if it had been started alone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    if sys.path[0] == os.getcwd():  # as ipykernel's launcher does
        del sys.path[0]
    os.chdir(request["folder"])
    backend = os.environ["MPLBACKEND"]
    os.environ.clear()
    os.environ.update({"MPLBACKEND": backend} | request["env"])
    import torch

    random.seed()
    numpy.random.seed()
    torch.seed()
    from ipykernel.kernelapp import IPKernelApp

    # ipykernel ends when its parent does, and that is the server.
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"
    IPKernelApp.launch_instance(argv=[*request["arguments"], parent])


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        asked_for = _serve(listener)
    if asked_for:
        _be_a_kernel(asked_for)
