"""Runs each lesson alone in an empty folder, in environments like those in which learners open it.

    python tests/places.py colab oldest newest            prints a table of lessons by environment
    python tests/places.py newest --lessons 00 07
    python tests/places.py oldest --instead torch==2.13.0  installs this version of torch

colab   the packages of Colab (colab_versions.txt), and a stand-in for Colab's kernel
oldest  the lowest versions that pyproject.toml allows, on the lowest Python
newest  only ipykernel, which VS Code installs, and a kernel with VS Code's variables; pip installs the rest

The set-up cell of the first lesson installs the course and must say so. A git setting redirects the address
in that cell to the local folder of the course. nbval compares the outputs with the stored ones.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import nbformat
from packaging.requirements import Requirement

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT["urls"]["Repository"]
NOTE = "Note: you may need to restart the kernel to use updated packages.\n"  # each %pip prints this
MAIN = ("torch", "numpy", "transformers", "diffusers", "huggingface_hub", "peft", "matplotlib", "ipywidgets")
# Variables that the Makefile sets, and that a learner's kernel lacks.
OURS = ("OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM", "COURSE_SIZE")


def lowest():
    """Yields the lowest version of each package that the course accepts, as `name==version`."""
    for requirement in map(Requirement, PROJECT["dependencies"]):
        bound = next(each.version for each in requirement.specifier if each.operator == ">=")
        yield f"{requirement.name}=={bound}"


def colab_versions():
    lines = (TESTS / "colab_versions.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


# {environment: (Python, packages before the first cell, kernel arguments, kernel variables)}
SETS = {
    "colab": (
        "3.13",
        colab_versions,
        ["--IPKernelApp.kernel_class=google.colab._kernel.Kernel"],
        {"PYTHONPATH": str(TESTS / "colab"), "COLAB_RELEASE_TAG": "a stand-in"},
    ),
    "oldest": ("3.11", lowest, [], {}),
    "newest": ("3.13", lambda: ["ipykernel"], [], {"VSCODE_PID": str(os.getpid()), "VSCODE_CWD": "/"}),
}


def repository(folder):
    """Makes a git repository of the course as it is now, without ignored files. Returns its address."""
    git = ["git", f"--git-dir={folder}", f"--work-tree={ROOT}", "-c", "user.name=-", "-c", "user.email=-"]
    commit = ["commit", "--quiet", "--message=as it is"]
    tag = ["tag", f"v{PROJECT['version']}"]  # a release's set-up cells install this tag
    for command in (["init", "--quiet"], ["add", "--all"], commit, tag):
        subprocess.run([*git, *command], cwd=ROOT, check=True)
    return f"file://{folder}"


def find_python(version):
    """Returns the path of the first Python of this version that runs.

    The first on the PATH may be a script of pyenv that fails.
    """
    for folder in os.get_exec_path():
        program = Path(folder) / f"python{version}"
        if program.exists() and not subprocess.run([program, "--version"], capture_output=True).returncode:
            return str(program)
    sys.exit(f"There is no python{version} on the PATH: install it, or give another program with --python.")


def environment(folder, program, requirements):
    """Makes an environment with these packages, or reuses one from an earlier run. Returns its Python."""
    python, made = folder / "bin" / "python", folder / "made"
    if not made.exists() or made.read_text() != "\n".join(requirements):
        subprocess.run([program, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        made.write_text("\n".join(requirements))
    return python


def installed(python):
    listing = subprocess.check_output([python, "-m", "pip", "list", "--format=json"])
    return {each["name"].lower().replace("-", "_"): each["version"] for each in json.loads(listing)}


def replaced(python, variables):
    """Returns the packages that pip would replace to install the course. The list must be empty."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [python, "-m", "pip", "install", "--quiet", "--dry-run", f"--report={report.name}"]
        command += [f"open-the-box @ git+{ADDRESS}"]
        subprocess.run(command, check=True, env=os.environ | variables)
        new = {each["metadata"]["name"]: each["metadata"]["version"] for each in json.load(report)["install"]}
    here = installed(python)
    keys = {name: name.lower().replace("-", "_") for name in new}
    # pip may replace setuptools, because no kernel imports it.
    others = here.keys() - {"open_the_box", "setuptools"}
    return [f"{n} {here[k]} by {new[n]}: WRONG" for n, k in keys.items() if k in others]


def run(notebook, installs, kernels):
    """Runs one lesson in an empty folder. Returns the lesson's table entry, and the first failure or "".

    installs : whether the set-up cell has to install the course, and must say so
    kernels : the folder for JUPYTER_PATH
    """
    content = nbformat.read(notebook, as_version=4)
    cells = [cell for cell in content.cells if cell.cell_type == "code"]
    if installs:
        message = re.search(r'print\("(.+)"\)', cells[0].source)[1]
        cells[0].outputs.insert(0, nbformat.v4.new_output("stream", text=f"{message}\n{NOTE}"))
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "empty" / notebook.name
        alone.parent.mkdir()
        nbformat.write(content, alone)
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval", alone.name]
        command += [f"--nbval-sanitize-with={TESTS / 'nbval_sanitize.cfg'}", "--nbval-kernel-name=place"]
        command += [f"--junitxml={report}"]
        settings = {"JUPYTER_PATH": str(kernels), "COURSE_ANSWERS": f"{folder}/answers.json"}
        variables = {name: value for name, value in os.environ.items() if name not in OURS}
        start = time.perf_counter()
        subprocess.run(command, cwd=alone.parent, env=variables | settings, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        results = ElementTree.parse(report).findall(".//testcase")
    wrong = [each for each in results if each.find("failure") is not None or each.find("error") is not None]
    if wrong:
        return f"{len(wrong)} of {len(cells)} cells WRONG", shortened("".join(wrong[0].itertext()))
    if len(results) != len(cells):
        return f"{len(results)} of {len(cells)} cells ran: WRONG", ""
    return f"{len(cells)} cells, {seconds:.0f} s", ""


def shortened(text):
    """Shortens nbval's report of a cell to its last 30 lines, each cut to 300 characters, without colours."""
    text = re.sub(r"(\x1b|#x1B)\[[\d;]*m", "", text)
    return "\n".join([line[:300] for line in text.split("\n") if line.strip()][-30:])


def run_environment(name, options, folder, address):
    """Runs the lessons in one environment. Returns {row of the table: this environment's entry}."""
    version, requirements, arguments, variables = SETS[name]
    instead = {Requirement(each).name: each for each in options.instead}
    wanted = [instead.get(Requirement(each).name, each) for each in requirements()]
    variables = variables | {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{address}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    python = environment(options.folder / name, options.python or find_python(version), wanted)
    table = {"replaced packages": ", ".join(replaced(python, variables)) or "nothing"}
    print(f"{name}: installing the course replaces {table['replaced packages']}", flush=True)
    spec = folder / name / "kernels" / "place" / "kernel.json"
    spec.parent.mkdir(parents=True)
    start = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}", *arguments]
    spec.write_text(json.dumps({"argv": start, "display_name": name, "language": "python", "env": variables}))
    subprocess.run([python, "-m", "pip", "uninstall", "--yes", "-qq", "open-the-box"], check=True)
    for lesson in options.lessons:
        (notebook,) = (ROOT / "notebooks").glob(f"{lesson}*.ipynb")
        table[notebook.stem], wrong = run(notebook, lesson == options.lessons[0], folder / name)
        print(f"{name}: {notebook.stem}: {table[notebook.stem]}\n{wrong}".rstrip(), flush=True)
    here = installed(python)
    running = subprocess.check_output([python, "--version"], text=True).split()[1]
    table["versions"] = ", ".join([f"Python {running}"] + [f"{each} {here[each]}" for each in MAIN])
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="+", choices=SETS)
    every = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    parser.add_argument("--lessons", nargs="+", default=every, help="numbers, or index; by default all")
    parser.add_argument("--python", help="a Python program, if the environment's version is not on the PATH")
    parser.add_argument("--instead", nargs="+", default=[], help="name==version, to replace a version")
    kept = Path(tempfile.gettempdir()) / "open-the-box-places"
    parser.add_argument("--folder", type=Path, default=kept, help="the folder for environments, for reuse")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        address = repository(Path(folder) / "course.git")
        tables = {name: run_environment(name, options, Path(folder), address) for name in options.sets}
    print("\n| | " + " | ".join(tables) + " |\n|---" + "|---" * len(tables) + "|")
    for row in tables[options.sets[0]]:
        print(f"| {row} | " + " | ".join(table[row] for table in tables.values()) + " |")
    cells = [cell for table in tables.values() for cell in table.values()]
    sys.exit(any("WRONG" in cell for cell in cells))


if __name__ == "__main__":
    main()
