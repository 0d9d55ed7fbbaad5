"""Chooses some of many similar test cases for `make test`, at random, with the commit as the seed.

So each commit tries other cases, and a failure can be repeated. There are two reasons to try all cases:
EVERYTHING=1 is set, as `make everything` and GitHub do; or the working copy or the last commit has changed
the files that the cases test.
"""

import os
import random
import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent


@cache
def git(*arguments):
    """Returns git's exit status in this clone, and what it prints; outside a clone, 128 and ""."""
    if not shutil.which("git"):
        return 128, ""
    result = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    return result.returncode, result.stdout


def all_due(*paths):
    """Returns whether to try all cases. paths : the files that the cases test, relative to the repository."""
    return os.environ.get("EVERYTHING") == "1" or git("diff", "--quiet", "HEAD~1", "--", *paths)[0] == 1


def some(name, cases, count):
    """Returns `count` of the cases, in their order. name : a name for these cases, part of the seed."""
    draw = random.Random(f"{name} {git('rev-parse', 'HEAD')[1]}")
    drawn = draw.sample(range(len(cases)), min(count, len(cases)))
    return [cases[place] for place in sorted(drawn)]
