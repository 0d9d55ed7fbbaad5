"""Of many cases that are alike, `make test` tries some, which the commit draws.

So each commit tries others, and a failure can be repeated. All are tried with EVERYTHING=1, which
`make everything` and GitHub set, and once the working copy or the last commit has changed what the cases
test.
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
    """Returns whether all cases are to be tried. paths : what they test, relative to the repository."""
    return os.environ.get("EVERYTHING") == "1" or git("diff", "--quiet", "HEAD~1", "--", *paths)[0] == 1


def some(name, cases, count):
    """Returns so many of the cases, in their order. name : says which cases these are."""
    draw = random.Random(f"{name} {git('rev-parse', 'HEAD')[1]}")
    drawn = draw.sample(range(len(cases)), min(count, len(cases)))
    return [cases[place] for place in sorted(drawn)]
