"""Tests that a copied kernel behaves like any other, and that kernels can still start without a copy.

A copied kernel is a fork of a process that has already imported the libraries: see forked_kernels.py.
"""

import importlib
import os
import re
import subprocess
import sys

import forked_kernels
import pytest
from jupyter_client import KernelManager
from lazy import Lazy
from waiting import within

nbclient = Lazy("nbclient")
nbformat = Lazy("nbformat")

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="copies are made on Linux alone")

CELLS = [
    "import os, sys, numpy, torch, transformers\nimport matplotlib.pyplot as plt",
    "print(numpy.random.get_state()[0], os.getcwd(), sys.path)",
    "plt.plot([1, 2]);",
    "print({name: os.environ.get(name) for name in ('OMP_NUM_THREADS', 'MPLBACKEND', 'SAID')}, __name__)",
    "import multiprocessing\nprint(multiprocessing.Pool(1).map(abs, [-1]))",
    "import warnings\nwarnings.warn('as always')\n1 / 0",
]


@pytest.fixture(scope="module", autouse=True)
def served(quick_kernels):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAID", "by the test")
        yield


@pytest.fixture
def kernel():
    """Yield the manager and the client of a running kernel."""
    manager = KernelManager()
    manager.start_kernel()
    assert isinstance(manager.provisioner.process, forked_kernels._Forked)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=1200)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def executed():
    """Run CELLS in a new kernel. Return whether this kernel was copied, and the outputs of the cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    # A busy kernel may send one line in two parts, which `coalesce_streams` joins.
    options = {"kernel_name": "python3", "allow_errors": True, "coalesce_streams": True}
    client = nbclient.NotebookClient(notebook, **options)
    with client.setup_kernel():
        copied = isinstance(client.km.provisioner.process, forked_kernels._Forked)
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
    # Warnings and errors contain a file name with the process id.
    return copied, re.sub(r"ipykernel_\d+", "ipykernel", str([cell.outputs for cell in notebook.cells]))


def test_a_copy_gives_what_a_kernel_started_alone_gives(monkeypatch):
    copied, outputs = executed()
    monkeypatch.delenv(forked_kernels.ADDRESS)
    alone, expected = executed()
    assert copied and not alone
    assert outputs == expected
    assert "image/png" in outputs and "by the test" in outputs and "ZeroDivisionError" in outputs


def test_commands_get_copies_too():
    code = "from jupyter_client import KernelManager; manager = KernelManager(); manager.start_kernel(); "
    code += "print(type(manager.provisioner.process).__name__); manager.shutdown_kernel(now=True)"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "_Forked\n"


def test_no_two_copies_draw_the_same_numbers(kernel):
    manager, client = kernel
    draw = "import random, numpy, torch; print(random.random(), numpy.random.rand(), torch.rand(1).item())"
    draws = {ask(client, draw)}
    other = KernelManager()
    other.start_kernel()
    asking = other.client()
    asking.start_channels()
    asking.wait_for_ready(timeout=1200)
    draws.add(ask(asking, draw))
    asking.stop_channels()
    other.shutdown_kernel(now=True)
    assert len({number for draw in draws for number in draw.split()}) == 6


def ask(client, code):
    """Return what a kernel prints when it runs the code."""
    said = []
    reply = client.execute_interactive(code, timeout=600, output_hook=said.append)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(message["content"].get("text", "") for message in said)


def test_a_copy_can_be_interrupted(kernel):
    manager, client = kernel
    # For a moment after an error, a kernel refuses requests unless stop_on_error is False.
    cell = "import time\nprint('begun', flush=True)\ntime.sleep(7200)"
    request = client.execute(cell, stop_on_error=False)
    assert within(600, lambda: "begun" in str(client.get_iopub_msg(timeout=600)["content"]))
    manager.interrupt_kernel()
    while (reply := client.get_shell_msg(timeout=600))["parent_header"]["msg_id"] != request:
        pass
    assert reply["content"]["status"] == "error" and reply["content"]["ename"] == "KeyboardInterrupt"
    assert ask(client, "print('going on')") == "going on\n"


def test_the_end_of_a_copy_is_noticed(kernel):
    manager, client = kernel
    assert manager.is_alive()
    client.execute("import os; os._exit(1)")
    assert within(600, lambda: not manager.is_alive())


def test_a_copy_can_be_shut_down_and_started_again(kernel):
    manager, client = kernel
    first = manager.provisioner.pid
    manager.restart_kernel(now=True)
    client.wait_for_ready(timeout=600)
    assert ask(client, "import os; print(os.getpid())") == f"{manager.provisioner.pid}\n"
    assert manager.provisioner.pid != first


@pytest.mark.parametrize("setting", ["HF_HUB_OFFLINE", "OMP_NUM_THREADS"])
def test_other_settings_than_the_server_s_need_a_kernel_of_their_own(setting):
    manager = KernelManager()
    manager.start_kernel(env=os.environ | {setting: "7"})
    process = manager.provisioner.process
    manager.shutdown_kernel(now=True)
    assert isinstance(process, subprocess.Popen)


def test_a_copy_is_made_after_torch_has_written_a_setting(monkeypatch):
    """When a model is loaded, torch sets TORCHINDUCTOR_CACHE_DIR for this whole process.

    This variable counts as no difference from the server's environment: kernels still start as copies.
    """
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    importlib.import_module("torch._inductor.runtime.cache_dir_utils").cache_dir()
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"]
    manager = KernelManager()
    manager.start_kernel()
    process = manager.provisioner.process
    manager.shutdown_kernel(now=True)
    assert isinstance(process, forked_kernels._Forked)


@pytest.mark.everything(reason="a server of its own imports the libraries again")
def test_copies_end_with_their_server():
    with forked_kernels.serving():
        manager = KernelManager()
        manager.start_kernel()
        assert manager.is_alive()
    assert within(600, lambda: not manager.is_alive())
    manager.cleanup_resources()
