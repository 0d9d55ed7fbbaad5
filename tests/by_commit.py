"""Chooses some of many similar test cases for `make test`, at random, with the commit as the seed.

The seed makes each commit try other cases, and lets a failure be repeated. All cases are tried if
EVERYTHING=1 is set, as `make everything` and GitHub do. All are also tried if the working copy or the last
commit has changed the code or the notebooks that the cases test. Changes of comments and text cells don't
count. Whole test files can be cases, too: then the code that they test is what they import (`uses`).
"""

import ast
import inspect
import json
import os
import random
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import course_utils
from course_utils import opened

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "course_utils"
OPENED = PACKAGE / "opened"
# How code names a part of the package: in an import, as an attribute, or as a command, also within a string.
IMPORT = re.compile(r"from course_utils((?:\.\w+)*) import (?:\(([^)]*)\)|([\w, ]+))")
ATTRIBUTE = re.compile(r"\b(course|course_utils|opened)\b((?:\.\w+)*)")
COMMAND = re.compile(r"\"-m\", \"course_utils\"|-m course_utils")


@cache
def git(*arguments):
    """Runs git. Returns its exit status and its output. Without git or a clone, these are 128 and ""."""
    if not shutil.which("git"):
        return 128, ""
    result = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    return result.returncode, result.stdout


def all_due(*paths):
    """Returns whether to try all cases. paths : the files that the cases test, relative to the repository."""
    if os.environ.get("EVERYTHING") == "1":
        return True
    _, names = git("diff", "--name-only", "--no-renames", "HEAD~1", "--", *paths)
    return any(map(_is_changed, names.splitlines()))


def text_before(name):
    """Returns the text that a file had in HEAD~1, or "" if it was not there."""
    status, text = git("show", f"HEAD~1:{name}")
    return text if status == 0 else ""


@cache
def _is_changed(name):
    """Returns whether `does` returns something else for a file than for its version in HEAD~1."""
    try:
        before = text_before(name)
        return before == "" or does(name, before) != does(name, (ROOT / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):  # the file is gone, or it is not text, JSON or Python
        return True


def due(file):
    """Returns whether the last commit or the working copy has changed something that a test file uses."""
    if os.environ.get("EVERYTHING") == "1":
        return True
    _, names = git("diff", "--name-only", "--no-renames", "HEAD~1")
    return any(concerns(name, file) for name in names.splitlines() if _is_changed(name))


def concerns(name, file):
    """Returns whether a test file uses a file of the repository. name : its path, relative to the repository

    Code is used by the test files that import it; a script or a style sheet, by those that run node; data of
    the package, by those that import code of the same folder; any other code, by those that name it; any
    other file, by those that name it or its folder.
    """
    path, text = ROOT / name, file.read_text(encoding="utf-8")
    if path in uses(file) or name == "pyproject.toml":
        return True
    if path.suffix in (".js", ".css", ".mjs"):
        return bool(re.search(r"\bnode\b", text))
    if path.is_relative_to(PACKAGE):
        folders = {one.parent for one in uses(file)} - {PACKAGE}
        return path.suffix != ".py" and any(map(path.is_relative_to, folders))
    if path.is_relative_to(ROOT / "tests"):
        return path.suffix != ".py" and path.name in text
    named = {path.name, path.stem} if path.suffix == ".py" else {path.name, path.stem, path.parent.name}
    return any(re.search(rf"\b{re.escape(word)}\b", text) for word in named)


@cache
def uses(file):
    """Returns a Python file and all files of the package and of `tests` that it imports, at any depth."""
    found, new = set(), {file}
    while new:
        found |= new
        new = set().union(*map(_imports, new)) - found
    return found


@cache
def _imports(file):
    """Returns the files of the package and of `tests` that a Python file imports itself."""
    if file.parent in (PACKAGE, OPENED) and file.stem == "__init__":
        return set()  # these two import a module only when one of its names is used
    text, names = file.read_text(encoding="utf-8"), set()
    for part, many, few in IMPORT.findall(text):
        imported = re.sub(r" as \w+|#.*", "", many or few)
        names |= {f"{part}.{name}" for name in re.findall(r"\w+", imported)}
    for first, rest in ATTRIBUTE.findall(text):
        names.add(f".opened{rest}" if first == "opened" else rest)
    if COMMAND.search(text):
        names.add(".__main__")
    others = {ROOT / "tests" / f"{name}.py" for name in re.findall(r"^(?:import|from) (\w+)", text, re.M)}
    return {path for name in names for path in _files(name)} | set(filter(Path.is_file, others))


def _files(name):
    """Returns the files of a part of the package. name : its name after `course_utils`, such as ".law"

    For a folder, these are all its files.
    """
    folder, parts = PACKAGE, name.split(".")[1:]
    for part in parts:
        if (folder / f"{part}.py").is_file():
            return {folder / f"{part}.py"}
        if not (folder / part).is_dir():
            home = _homes().get((folder, part))
            return _files(f".{home}") if home else set()
        folder /= part
    return set() if folder in (PACKAGE, OPENED) else set(folder.rglob("*.py"))


@cache
def _homes():
    """Returns {(folder, name): the module that defines the name} for names that two folders import lazily."""
    package = course_utils._HOME_OF | course_utils._MODULE_OF
    return {(PACKAGE, name): home for name, home in package.items()} | {
        (OPENED, name): f"opened.{home}" for name, home in opened._ROOM_OF.items()
    }


def does(name, text):
    """Returns the part of a file that has an effect.

    Of a Python file, this is the code without comments and docstrings; of a notebook, the code cells; of any
    other file, the whole text.
    """
    if name.endswith(".py"):
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = ""  # a docstring, or another value that nothing uses
        return ast.dump(tree)
    if name.endswith(".ipynb"):
        return [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    return text


def drawn(name, cases, count, *paths):
    """Returns all cases if `all_due(*paths)` is true, otherwise `some` of the cases."""
    return cases if all_due(*paths) else some(name, cases, count)


def visits_none(test, pages):
    """Returns whether a test names pages of explorables that it visits, and none of them is in `pages`."""
    visited = re.findall(r"visit\(\"(\w+)\.html", inspect.getsource(test))
    return bool(visited) and set(visited).isdisjoint(pages)


def some(name, cases, count):
    """Returns `count` of the cases, in their order. name : a name for these cases, as a part of the seed."""
    draw = random.Random(f"{name} {git('rev-parse', 'HEAD')[1]}")
    drawn = draw.sample(range(len(cases)), min(count, len(cases)))
    return [cases[place] for place in sorted(drawn)]
