"""Opens the learner's own copy of the course in JupyterLab, and says what to do first."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time

PORT = 8888  # the first port to try
FRONT_PAGE = "notebooks/index.ipynb"


def open_in_jupyter(folder):
    """Run JupyterLab on a folder until it is ended. Return its exit status."""
    port, token = _free_port(), secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.port={port}", "--ServerApp.root_dir=."]
    command += ["--ServerApp.answer_yes=True", "--Application.log_level=WARN", FRONT_PAGE]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # otherwise Jupyter refuses root, the usual user in containers

    # The token is in the environment, because other users could read it in the command line. Each copy of the
    # course has its own list of open tabs; by default JupyterLab would open the tabs of another copy.
    settings = {"JUPYTER_TOKEN": token, "JUPYTERLAB_WORKSPACES_DIR": os.path.join(folder, ".jupyterlab")}
    print("Starting JupyterLab, which takes some seconds.", flush=True)
    process = subprocess.Popen(command, cwd=folder, env=os.environ | settings)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # JupyterLab handles Ctrl-C, and ends its kernels
    while process.poll() is None and not _answers(port):
        time.sleep(0.1)
    if process.returncode is not None:
        return process.returncode  # JupyterLab has printed why it ended
    print(
        f"""
JupyterLab now opens the front page of the course in your browser. If it does not, open this link:
    http://localhost:{port}/lab/tree/{FRONT_PAGE}?token={token}
Choose lesson 00 on that page. In a lesson, Shift+Enter runs a cell: start with the first.
Your work is saved in {folder}. To end, press Ctrl-C here.
""",
        flush=True,
    )
    return process.wait()


def _free_port():
    for port in range(PORT, PORT + 50):
        if not _answers(port):
            return port
    return PORT


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
