"""Starts kernels in a fraction of a second, as copies of a process that has already imported the libraries.

nbclient, nbval and nbgrader need only `with serving():`. Inside the block, and in commands that run from it,
kernels come from `ForkedProvisioner`, a kernel provisioner that jupyter_client finds by its entry point.
The provisioner asks a server process for a copy. The kernel starts in the usual way if a copy would not do:
if the system is not Linux, if the kernel needs another Python, if environment variables that libraries read
while they are imported differ from the server's, or if the server has threads that a fork would lose.

Source: https://jupyter-client.readthedocs.io/en/stable/provisioning.html
"""

import contextlib
import ctypes
import gc
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
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

# The modules that lessons import, the slowest first.
IMPORTS = ("torch", "transformers.models.auto.modeling_auto", "transformers.models.llama.modeling_llama")
IMPORTS += ("matplotlib.pyplot", "ipywidgets", "ipykernel.kernelapp", "course_utils.widgets.explorer")
NAME, CLASS = "forked-kernels", "forked_kernels:ForkedProvisioner"  # name and value of the entry point
ADDRESS = "COURSE_KERNELS"  # the environment variable with the path of the server's socket

# Prefixes of environment variables that libraries read only once, when they are imported. In a forked process
# the libraries are already imported, so a new value of such a variable would have no effect there.
READ_EARLY = ("HF_", "TRANSFORMERS_", "OMP_", "MKL_", "OPENBLAS_", "TORCH", "MPL", "PYTHON")
# torch itself sets this variable when it loads its compiler. No lesson uses the compiler.
WRITTEN_BY_TORCH = "TORCHINDUCTOR_CACHE_DIR"
PATIENCE = 120  # seconds to wait for an answer; the first answer comes after the server's imports
SIZE = 1 << 20  # the most bytes of a request
PR_SET_PDEATHSIG = 1  # from Linux's prctl.h


@contextlib.contextmanager
def serving():
    """In the block, let this process and the commands that it runs start kernels as copies of one server."""
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
        # This process finds the provisioner in the factory. The commands that this process runs find the
        # provisioner by the environment variables in `settings`.
        factory = KernelProvisionerFactory.instance()
        factory.provisioners[NAME] = EntryPoint(NAME, CLASS, factory.GROUP_NAME)
        settings = {ADDRESS: address, factory.default_provisioner_name_env: NAME}
        settings["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        _install(Path(folder), factory.GROUP_NAME)
        before = factory.default_provisioner_name, {n: os.environ[n] for n in settings if n in os.environ}
        factory.default_provisioner_name = NAME
        os.environ |= settings
        server = subprocess.Popen(
            [sys.executable, "-m", "forked_kernels", str(listener.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            process_group=0,  # a Ctrl-C in the terminal must not reach the server
        )
        try:
            yield
        finally:
            factory.default_provisioner_name = before[0]
            for name in settings:
                del os.environ[name]
            os.environ |= before[1]
            server.communicate()  # this closes standard input, so the server and its kernels end


def ordinary() -> dict:
    """Return this process's environment variables, without those that make kernels start as copies."""
    own = (ADDRESS, KernelProvisionerFactory.instance().default_provisioner_name_env)
    return {name: value for name, value in os.environ.items() if name not in own}


def _install(folder, group):
    """Make a folder on Python's path look like an installed package with this module and entry point."""
    (folder / "forked_kernels.py").symlink_to(__file__)
    facts = folder / "forked_kernels-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: forked-kernels\nVersion: 1\n")
    (facts / "entry_points.txt").write_text(f"[{group}]\n{NAME} = {CLASS}\n")


class ForkedProvisioner(LocalProvisioner):
    """Starts a kernel as a copy of the server's process, or in the usual way if the server can't."""

    async def launch_kernel(self, cmd, **kwargs):
        """Start the kernel of the command `cmd`. The base class documents arguments and result."""
        process = _ask_for(cmd, **kwargs)
        if process is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid = process, process.pid, process.pid
        return self.connection_info


class _Forked:
    """A child of the server, with the methods of `subprocess.Popen` that jupyter_client uses."""

    stdin = stdout = stderr = None

    def __init__(self, pid, handle):
        self.pid = pid
        self.returncode = None
        self._handle = handle  # a pidfd, which becomes readable when the child ends

    def poll(self):
        """Return None while the child runs, and 0 after its end: only the server can read the real status."""
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
    """Return a kernel that the server has made as a copy of itself, or None if it can't be asked or refuses.

    The arguments are those of `subprocess.Popen`.
    """
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
    """Answer requests until standard input ends. Import the libraries at the first request.

    In the server, this function returns None when standard input ends. In each copy, this function returns
    the request for which the copy was made.
    """
    settings = _read_early(os.environ)
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")  # ipykernel's default
    has_imported = False
    while True:
        asked = select.select([listener, sys.stdin], [], [])[0]
        if sys.stdin in asked:  # standard input, to which nobody writes, was closed
            return None
        if not has_imported:
            for name in IMPORTS:
                importlib.import_module(name)
            gc.freeze()  # a copy's garbage collector then writes nothing into memory shared with the server
            has_imported = True
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
            with contextlib.suppress(OSError):  # the client may have closed the connection
                socket.send_fds(connection, [answer], handles)
            for handle in (*standard, *handles):
                os.close(handle)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # reap the children that have ended
                pass


def _read_early(env):
    read = {name: value for name, value in env.items() if name.startswith(READ_EARLY)}
    read.pop(WRITTEN_BY_TORCH, None)
    return read


def _be_a_kernel(request):
    """Run a kernel in this forked process as if it had been started on its own."""
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

    # ipykernel ends when its parent ends. The parent of a copy is the server.
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"
    IPKernelApp.launch_instance(argv=[*request["arguments"], parent])


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        asked_for = _serve(listener)
    if asked_for:
        _be_a_kernel(asked_for)
