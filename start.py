#!/usr/bin/env python3
"""Starts the course: makes its environment, fetches its models, checks this machine and opens JupyterLab.

    python3 start.py                             does all of that, as `make lab` and start.ps1 do
    python3 start.py models                      only makes the environment and fetches the models
    python3 start.py install VENV REQUIREMENT    only makes an environment, such as: install .venv ".[dev]"

It needs only Python's standard library. Before each download it says how many bytes will be downloaded, and
how many will be on the disk. Variables:

PYTHON=/path/to/python3.12   the Python for the environment. By default it is the Python that runs this
                             program, or if the course can't use that version, another on the PATH.
INSTALLER=pip                pip in place of uv. Without it uv installs, and pip brings uv if there is none.
CONSTRAINTS=FILE             the versions to install, by default those in constraints/; empty for the newest
TORCH_INDEX=URL              the index with torch for the CPU, by default PyTorch's own
"""

import ast
import contextlib
import glob
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.dirname(os.path.abspath(__file__))
OLDEST, NEWEST = (3, 11), (3, 14)
VERSIONS = [f"3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
WINDOWS = os.name == "nt"
PAUSE = 10  # seconds between two lines that `watched` prints
PIP_SECTIONS = ["global", "user", "site", ":env:"]  # a later section overrides an earlier one
GB = 1e9
# Measured on Linux in November 2026, with the versions in constraints/0.2.0.txt.
CPU_ONLY = "375 MB to download, 1.6 GB on the disk"
WITH_CUDA = "2.9 GB to download, 5.7 GB on the disk"
MORE = "; what only tests and the website need takes up to 1.3 GB more"
MODELS = "164 MB to download, 870 MB on the disk"

# The modules that lessons import. Importing them once writes their bytecode, so that later imports take less
# than half the time, even if PYTHONDONTWRITEBYTECODE is set by then. This compiles a quarter of the
# installed files; the others are compiled when they are needed.
USED = """torch torch._dynamo transformers.generation.utils transformers.pipelines gguf jiwer soundfile soxr
transformers.models.llama.modeling_llama transformers.models.falcon.modeling_falcon scipy.stats
transformers.models.mistral.modeling_mistral transformers.models.mixtral.modeling_mixtral
transformers.models.whisper.modeling_whisper diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion
matplotlib.pyplot ipywidgets ipykernel.kernelapp jupyterlab jupyter_server.serverapp nbclient"""

# Settings of JupyterLab, so that its first start does not ask whether it may fetch news from the network.
NO_NEWS = """{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}
"""


class Failure(Exception):
    """What went wrong, in a sentence for the learner."""


def main(arguments):
    os.chdir(ROOT)
    # The lessons use one thread, and so do the programs that are started here.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if arguments in ([], ["models"]):
        prepare(".venv")
        return 0 if arguments else course(".venv", "doctor") or course(".venv", "lab")
    if arguments[0] == "install" and len(arguments) == 3:
        install(*arguments[1:])
        return 0
    print(__doc__)
    return 2


def prepare(venv):
    """Make the environment if there is none, or if pyproject.toml or start.py is newer. Fetch the models."""
    stamp = os.path.join(venv, ".core")
    sources = [os.path.getmtime(name) for name in ("pyproject.toml", "start.py")]
    if not works(python_of(venv)) or not os.path.exists(stamp) or os.path.getmtime(stamp) < max(sources):
        say(f"First the course's libraries, into {os.path.abspath(venv)}; then its models: {MODELS}.")
        install(venv, ".")
        with open(stamp, "w") as file:
            file.write("\n")
    command = [python_of(venv), "-m", "course_utils", "fetch"]
    if watched(command, "Fetching the models"):
        raise Failure("the line above says why the models are not here. Start again when that is mended.")


def course(venv, command):
    process = subprocess.Popen([python_of(venv), "-m", "course_utils", command])
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # Ctrl-C also reaches the command: wait until the command ends
            pass


# Finding a Python that works, and making the environment


def python_of(venv):
    return os.path.join(venv, "Scripts", "python.exe") if WINDOWS else os.path.join(venv, "bin", "python")


def works(python, code=""):
    try:
        command = [python] if isinstance(python, str) else list(python)
        return not subprocess.call(
            [*command, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError:
        return False


def candidates():
    """Yield commands that may start a Python that the course can use, as lists of arguments.

    If the variable PYTHON is set, yield its value alone. Otherwise yield this Python first.
    """
    if os.environ.get("PYTHON"):
        yield [os.environ["PYTHON"]]
        return
    yield [sys.executable]
    for version in VERSIONS:
        yield ["py", f"-{version}"] if WINDOWS else [f"python{version}"]


def make_environment(venv):
    suits = f"import sys, ensurepip, venv; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    for python in candidates():
        if works(python, suits):
            version = subprocess.check_output([*python, "--version"]).decode().strip()
            say(f"Making the environment {venv} with {version}")
            # If the folder exists but has no Python, an earlier attempt was cut off: --clear empties it.
            return run([*python, "-m", "venv", "--clear", venv], "the environment could not be made")
    if not os.environ.get("PYTHON") and shutil.which("uv"):
        say(f"Making the environment {venv} with a Python that uv finds or downloads")
        wanted = f">={VERSIONS[-1]},<3.{NEWEST[1] + 1}"
        command = ["uv", "venv", "--quiet", "--clear", "--seed", "--python", wanted, venv]
        return run(command, "uv could not make the environment")
    how = (
        "from python.org or the Microsoft Store"
        if WINDOWS
        else ("on a Mac from python.org, on Debian and Ubuntu with: sudo apt install python3 python3-venv")
    )
    raise Failure(
        f"found no Python {VERSIONS[-1]} to {VERSIONS[0]} with venv (this is {platform.python_version()}). "
        f"Install one, {how}; or name it in the variable PYTHON."
    )


# Installing the course and the packages that it needs


def install(venv, requirement):
    """Install the course into an environment, which is made if it is missing. Raises Failure."""
    started = time.monotonic()
    if not works(python_of(venv)):
        make_environment(venv)
    chosen = constraints()
    versions = f" in the versions of {chosen}" if chosen else ", the newest versions"
    settings = pip_settings(venv)
    cpu_index, size = torch_source(venv, settings)
    more = "" if requirement == "." else MORE
    say(f"Installing {requirement}{versions}: the first time {size}, one to ten minutes{more}")
    log = None
    if not sys.stdout.isatty():  # in a terminal uv and pip draw their own progress
        log = os.path.join(venv, "install.log")
        open(log, "w").close()
    if with_uv(venv, requirement, chosen, cpu_index, settings, log) and with_pip(
        venv, requirement, chosen, cpu_index, log
    ):
        if log:
            with open(log, encoding="utf-8", errors="replace") as file:
                print("".join(file.readlines()[-20:]), file=sys.stderr)
            print(f"(The whole log is {log}.)", file=sys.stderr)
        raise Failure(
            "the packages could not be installed. If the index could not be reached, check the network, its "
            "proxy (HTTPS_PROXY) or its mirror (PIP_INDEX_URL); then run the same again: what has arrived is "
            f"kept. {not_for_this_machine()}".rstrip()
        )
    jupyter = os.path.join(venv, "etc", "jupyter", "labconfig")
    os.makedirs(jupyter, exist_ok=True)
    with open(os.path.join(jupyter, "default_setting_overrides.json"), "w", encoding="utf-8") as file:
        file.write(NO_NEWS)
    say("Compiling what the lessons import")
    compile_used(venv)
    say(f"Installed in {venv}, in {time.monotonic() - started:.0f} s")


def not_for_this_machine():
    """Return a sentence if torch has no package for this machine, otherwise ""."""
    fitting = {"Linux": ("x86_64", "aarch64"), "Windows": ("AMD64",), "Darwin": ("arm64",)}
    fits = platform.machine() in fitting.get(platform.system(), ())
    if platform.system() == "Linux":
        fits = fits and platform.libc_ver()[0] == "glibc"
    if platform.system() == "Darwin":
        fits = fits and int(platform.mac_ver()[0].split(".")[0]) >= 14
    if fits:
        return ""
    return (
        f"This is {platform.platform()}, and torch has packages for Linux with glibc, Windows on x64, and "
        "macOS from 14 on Apple silicon. In Colab the lessons run on any machine."
    )


def constraints():
    """Return the file with the versions to install, or "" for the newest versions."""
    if "CONSTRAINTS" in os.environ:
        return os.environ["CONSTRAINTS"]
    files = glob.glob(os.path.join("constraints", "*.txt"))
    return max(files, key=lambda name: [int(number) for number in re.findall(r"\d+", name)], default="")


def pip_settings(venv):
    """Return pip's settings, from its variables or its configuration, as a dictionary of strings."""
    command = [python_of(venv), "-m", "pip", "config", "list"]
    lines = subprocess.check_output(command).decode(errors="replace").splitlines()
    found = []
    for line in lines:  # such as global.index-url='https://...'; pip's version determines their order
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        weight = PIP_SECTIONS.index(section) if section in PIP_SECTIONS else -1
        found.append((weight, key, " ".join(ast.literal_eval(value).split())))
    return {key: value for _, key, value in sorted(found)}


def torch_source(venv, settings):
    """Return the index from which to install torch ("" is the usual index), and the size of the installation.

    On Linux, torch from the usual index comes with NVIDIA's libraries. If a machine without an NVIDIA GPU
    can't reach the index of torch for the CPU, tell the learner, and in a terminal ask whether to go on.
    """
    has_torch = "import importlib.util, sys; sys.exit(not importlib.util.find_spec('torch'))"
    if platform.system() != "Linux" or works(python_of(venv), has_torch):
        return "", CPU_ONLY
    if shutil.which("nvidia-smi"):
        return "", WITH_CUDA
    index = os.environ.get("TORCH_INDEX", "https://download.pytorch.org/whl/cpu")
    if answers(index, settings):
        return index, CPU_ONLY
    say(
        f"This machine has no NVIDIA GPU, and {index}, which has torch for the CPU\nalone, can't be reached. "
        f"The usual index has torch with NVIDIA's libraries: {WITH_CUDA},\ninstead of {CPU_ONLY}. That "
        "works, too. To avoid it, use a network that reaches\nthat address, or set TORCH_INDEX to a mirror "
        "of it."
    )
    if sys.stdin.isatty() and sys.stdout.isatty() and input("Go on? [Y/n] ").strip().lower()[:1] == "n":
        raise Failure("nothing was downloaded.")
    return "", f"up to {WITH_CUDA}"


def answers(index, settings):
    """Return whether a package index answers one of two requests.

    settings : pip's settings, whose certificate and proxy are used for the requests
    """
    try:
        handlers = []
        if settings.get("cert"):
            trusted = ssl.create_default_context(cafile=os.path.expanduser(settings["cert"]))
            handlers.append(urllib.request.HTTPSHandler(context=trusted))
        if settings.get("proxy"):
            proxy = settings["proxy"]
            handlers.append(urllib.request.ProxyHandler({"http": proxy, "https": proxy}))
        opener = urllib.request.build_opener(*handlers)
        for _ in range(2):
            with contextlib.suppress(OSError):
                opener.open(index + "/", timeout=5).close()
                return True
    except (OSError, ValueError):  # the certificate can't be read, or the address is not valid
        pass
    return False


def with_uv(venv, requirement, chosen, cpu_index, settings, log):
    """Install with uv, which downloads several packages at once. Return 0 if it succeeded."""
    if os.environ.get("INSTALLER", "uv") != "uv":
        return 1
    uv = shutil.which("uv") or os.path.join(venv, "Scripts" if WINDOWS else "bin", "uv")
    if not os.path.exists(uv) and not os.path.exists(uv + ".exe"):
        pip = [python_of(venv), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "uv"]
        if watched(pip, "Installing uv", log):
            return 1
    command = [uv, "pip", "install", "--python", python_of(venv), "--upgrade-package", "pip", "pip"]
    if cpu_index:
        mirror = "TORCH_INDEX" in os.environ
        command += ["--extra-index-url", cpu_index] if mirror else ["--torch-backend", "cpu"]
    command += ["--constraints", chosen] if chosen else []
    environment = {**for_uv(settings), **os.environ}
    return watched([*command, "--editable", requirement], "Installing with uv", log, environment)


def for_uv(settings):
    """Return variables {name: value} that hand pip's settings on to uv, which does not read them itself."""
    names = {
        "index-url": "UV_DEFAULT_INDEX",
        "extra-index-url": "UV_INDEX",
        "find-links": "UV_FIND_LINKS",
        "constraint": "UV_CONSTRAINT",
        "trusted-host": "UV_INSECURE_HOST",
        "cert": "SSL_CERT_FILE",
        "proxy": "ALL_PROXY",
    }
    return {
        "UV_INDEX_STRATEGY": "unsafe-best-match",  # take the newest version from all indexes, as pip does
        "UV_SYSTEM_CERTS": "true",
        "UV_HTTP_TIMEOUT": "180",
        "UV_HTTP_RETRIES": "6",
        **{names[name]: value for name, value in settings.items() if name in names},
    }


def with_pip(venv, requirement, chosen, cpu_index, log):
    """Install with pip. Return 0 if it succeeded."""
    pip = [python_of(venv), "-m", "pip", "--disable-pip-version-check", "install", "--retries", "6"]
    limits = ["--constraint", chosen] if chosen else []
    if watched([*pip, "--upgrade", "pip"], "Bringing pip up to date", log):
        return 1
    pip.append("--no-compile")
    if cpu_index and watched([*pip, "--index-url", cpu_index, *limits, "torch"], "Installing torch", log):
        say(f"{cpu_index} has no torch for this machine: taking it from the usual index, {WITH_CUDA}")
    return watched([*pip, *limits, "--editable", requirement], "Installing with pip", log)


def compile_used(venv):
    """Import the modules that lessons import, so that Python writes their bytecode."""
    code = "import contextlib\n"
    code += "".join(f"with contextlib.suppress(Exception): import {name}\n" for name in USED.split())
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for arguments in (["-c", code], ["-m", "compileall", "-q", "course_utils"]):
        watched([python_of(venv), *arguments], "Compiling", os.devnull, environment)


# Running commands


def say(sentence):
    print(sentence, flush=True)


def run(command, failure):
    if subprocess.call(command):
        raise Failure(f"{failure}: {' '.join(command)}")


def watched(command, doing, log=None, environment=None):
    """Run a command and return its exit status. Print a line every 10 seconds, except in a terminal.

    doing : what is done, for the printed line, such as "Installing with uv"
    log : a file that gets what the command prints. Each line that is printed here ends with the latest line
        of this file
    environment : the command's variables, by default this program's
    """
    started, free = time.monotonic(), shutil.disk_usage(".").free
    with open(log, "ab") if log else contextlib.nullcontext() as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        while True:
            try:
                return process.wait(None if sys.stdout.isatty() else PAUSE)
            except KeyboardInterrupt:  # the command gets Ctrl-C, too: wait until it ends
                process.wait()
                raise
            except subprocess.TimeoutExpired:
                taken = max(0, free - shutil.disk_usage(".").free) / GB
                disk = f", {taken:.1f} GB of the disk taken" if taken >= 0.05 else ""
                last = f": {last_line(log)}" if log not in (None, os.devnull) else ""
                say(f"{time.monotonic() - started:5.0f} s  {doing}{disk}{last}")


def last_line(log):
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = file.read()[-4000:].replace("\r", "\n").split("\n")
    return next((line.strip()[:100] for line in reversed(lines) if line.strip()), "nothing yet")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failure as failure:
        print(f"Stopped: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        sys.exit(130)
