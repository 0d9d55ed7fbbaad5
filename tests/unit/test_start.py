"""Tests start.py, which makes the environment: what it says before it downloads, and while it works."""

import ast
import http.server
import importlib.util
import os
import subprocess
import sys
import threading
import types
from pathlib import Path

import pytest
from programs import needs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Imports start.py anew, changes to an empty folder, and returns the module."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    for name in ("TORCH_INDEX", "CONSTRAINTS", "INSTALLER", "PYTHON"):
        monkeypatch.delenv(name, raising=False)
    return module


@pytest.fixture
def index():
    """Yields the address of a local package index that answers every request with status 200."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def bare_linux(start, monkeypatch, gpu=False):
    monkeypatch.setattr(start.platform, "system", lambda: "Linux")
    monkeypatch.setattr(start, "works", lambda *_: False)  # the environment has no torch yet
    monkeypatch.setattr(start.shutil, "which", lambda name: "/usr/bin/nvidia-smi" if gpu else None)


def test_torch_for_the_cpu_is_taken_where_it_can_be_had(start, monkeypatch, index):
    bare_linux(start, monkeypatch)
    monkeypatch.setenv("TORCH_INDEX", index)
    assert start.torch_source(".venv", {}) == (index, start.CPU_ONLY)


def test_cudas_size_is_said_before_it_is_taken_and_how_to_avoid_it(start, monkeypatch, capsys):
    bare_linux(start, monkeypatch)
    monkeypatch.setenv("TORCH_INDEX", "http://127.0.0.1:9")
    index, size = start.torch_source(".venv", {})
    said = capsys.readouterr().out
    assert index == "" and start.WITH_CUDA in size
    for words in ("no NVIDIA GPU", "http://127.0.0.1:9", start.WITH_CUDA, start.CPU_ONLY, "set TORCH_INDEX"):
        assert words in said


@pytest.mark.parametrize(("answer", "goes_on"), [("", True), ("y", True), ("n", False), ("No", False)])
def test_in_a_terminal_cuda_needs_a_yes(start, monkeypatch, answer, goes_on):
    bare_linux(start, monkeypatch)
    monkeypatch.setenv("TORCH_INDEX", "http://127.0.0.1:9")
    terminal = types.SimpleNamespace(isatty=lambda: True, write=lambda text: None, flush=lambda: None)
    monkeypatch.setattr(start.sys, "stdin", terminal)
    monkeypatch.setattr(start.sys, "stdout", terminal)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    if goes_on:
        assert start.torch_source(".venv", {})[0] == ""
    else:
        with pytest.raises(start.Failure, match="nothing was downloaded"):
            start.torch_source(".venv", {})


def test_a_machine_with_a_gpu_gets_cuda_and_its_size(start, monkeypatch, capsys):
    bare_linux(start, monkeypatch, gpu=True)
    assert start.torch_source(".venv", {}) == ("", start.WITH_CUDA)
    assert capsys.readouterr().out == ""


def test_a_log_gets_a_line_while_a_command_is_silent(start, monkeypatch, capfd):
    monkeypatch.setattr(start, "PAUSE", 0.2)
    code = "import time; print('Downloaded torch', flush=True); time.sleep(1)"
    assert start.watched([sys.executable, "-c", code], "Installing", "install.log") == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) >= 2 and "Installing" in lines[-1] and lines[-1].endswith(": Downloaded torch")
    assert start.watched([sys.executable, "-c", "raise SystemExit(3)"], "Installing") == 3


def test_uv_hears_what_pip_is_set_to(start, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PIP_CERT", "/etc/own.pem")
    monkeypatch.setattr(start, "python_of", lambda venv: sys.executable)
    told = start.for_uv(start.pip_settings(".venv"))
    assert told["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert told["SSL_CERT_FILE"] == "/etc/own.pem"
    lists = [b"user.cert='/b'", b":env:.cert='/d'", b"global.cert='/a'", b"install.cert='/e'"]
    for lines in (b"\n".join(lists), b"\n".join(reversed(lists))):
        monkeypatch.setattr(start.subprocess, "check_output", lambda command, lines=lines: lines)
        assert start.pip_settings(".venv")["cert"] == "/d"


def test_the_newest_constraints_are_taken_unless_others_are_named(start, monkeypatch, tmp_path):
    assert start.constraints() == ""
    for name in ("0.9.0.txt", "0.10.0.txt", "0.2.0.txt"):
        (tmp_path / "constraints").mkdir(exist_ok=True)
        (tmp_path / "constraints" / name).touch()
    assert start.constraints() == os.path.join("constraints", "0.10.0.txt")
    monkeypatch.setenv("CONSTRAINTS", "")
    assert start.constraints() == ""


@pytest.mark.parametrize(
    ("system", "machine", "libc", "mac", "fits"),
    [
        ("Linux", "x86_64", "glibc", "", True),
        ("Linux", "x86_64", "", "", False),  # a Linux without glibc, such as Alpine
        ("Linux", "armv7l", "glibc", "", False),
        ("Darwin", "arm64", "", "14.5", True),
        ("Darwin", "arm64", "", "13.6", False),
        ("Darwin", "x86_64", "", "15.0", False),
        ("Windows", "AMD64", "", "", True),
        ("Windows", "ARM64", "", "", False),
    ],
)
def test_a_machine_that_torch_has_no_package_for_is_told(
    start, monkeypatch, system, machine, libc, mac, fits
):
    monkeypatch.setattr(start.platform, "system", lambda: system)
    monkeypatch.setattr(start.platform, "machine", lambda: machine)
    monkeypatch.setattr(start.platform, "libc_ver", lambda: (libc, ""))
    monkeypatch.setattr(start.platform, "mac_ver", lambda: (mac, ("", "", ""), machine))
    sentence = start.not_for_this_machine()
    assert sentence == "" if fits else "torch has packages for" in sentence and "Colab" in sentence


def test_no_python_that_suits_is_one_sentence(start, monkeypatch):
    monkeypatch.setenv("PYTHON", "/nowhere/python3.8")
    with pytest.raises(start.Failure, match=r"no Python 3\.11 to 3\.14 with venv .* in the variable PYTHON"):
        start.make_environment(".venv")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has start.ps1")
def test_make_finds_no_python_either(tmp_path):
    command = ["/bin/sh", str(ROOT / ".ci" / "start")]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("Stopped: found no Python")
    assert "Traceback" not in done.stderr


def test_a_python_that_is_too_old_can_read_the_program():
    ast.parse((ROOT / "start.py").read_text(encoding="utf-8"), feature_version=(3, 7))


@needs("git", "a clone")
def test_a_clone_has_the_line_ends_that_scripts_need_whatever_git_is_set_to():
    """.gitattributes sets the line ends of each text file, so that git's `core.autocrlf` has no effect."""
    listing = subprocess.check_output(["git", "ls-files", "--eol"], cwd=ROOT, text=True)
    for line in listing.splitlines():
        facts, name = line.split("\t")
        kind, attributes = facts.split()[0], facts.split("attr/")[1].split()
        if kind in ("i/lf", "i/mixed", "i/crlf"):  # the file is text
            end = "crlf" if name.endswith(".ps1") else "lf"
            assert f"eol={end}" in attributes and kind == "i/lf", name
