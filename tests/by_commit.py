"""Chooses some of many similar test cases for `make test`, at random, with the commit as the seed.

The seed makes each commit try other cases, and lets a failure be repeated. All cases are tried if
EVERYTHING=1 is set, as `make everything` and GitHub do. All are also tried if the working copy or the last
commit has changed the code or the notebooks that the cases test. Changes of comments and text cells don't
count.
"""

import ast
import json
import os
import random
import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent


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


def some(name, cases, count):
    """Returns `count` of the cases, in their order. name : a name for these cases, as a part of the seed."""
    draw = random.Random(f"{name} {git('rev-parse', 'HEAD')[1]}")
    drawn = draw.sample(range(len(cases)), min(count, len(cases)))
    return [cases[place] for place in sorted(drawn)]
