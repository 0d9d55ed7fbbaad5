"""Runs a command as a user without rights, from tests that root runs.

    python tests/plain_user.py FOLDER ... -- COMMAND ...

The user's id belongs to no account. Python or this repository may lie in a folder of root's that this user
can't enter. So the command gets a mount namespace of its own. In it, this user can enter root's folders, but
sees only the FOLDERs in them.
"""

import ctypes
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import course_utils

USER = 1_600_000_000
# The values of these constants in Linux's sched.h and mount.h.
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000

# The folders that each command needs: those of Python and this repository.
FOLDERS = (sys.prefix, sys.base_prefix, str(Path(course_utils.__file__).parents[1]))


def command(words: list) -> list:
    """Return a command that runs `words` as the current user, or as `USER` if the current user is root."""
    return words if os.getuid() else [sys.executable, __file__, *FOLDERS, "--", *words]


def environment() -> dict:
    """Return environment variables with which Python imports this repository, and writes nothing into it."""
    import forked_kernels

    root = FOLDERS[-1]
    return forked_kernels.ordinary() | {
        "PYTHONPATH": f"{root}:{root}/tests",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/tmp",
    }


@cache
def lack() -> str:
    """Return why no command can be run without rights on this machine, or "" if one can."""
    if os.getuid():
        return ""
    done = subprocess.run(
        command([sys.executable, "-c", "import course_utils"]), capture_output=True, text=True
    )
    return "" if not done.returncode else (done.stderr.strip().split("\n")[-1] or "no reason given")


def main(folders, words):
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(source, target, kind, flags, options=None):
        if libc.mount(source.encode(), str(target).encode(), kind, flags, options):
            raise OSError(ctypes.get_errno(), f"nothing could be mounted on {target}")

    if libc.unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "the kernel refused a mount namespace")
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    hidden = {}
    for folder in map(Path, map(os.path.realpath, folders)):
        closed = [each for each in reversed(folder.parents) if not each.stat().st_mode & 0o001]
        if closed:
            hidden.setdefault(closed[0], {})[folder] = os.open(folder, os.O_PATH)
    for closed, inside in hidden.items():
        mount("tmpfs", closed, b"tmpfs", 0, b"mode=755")
        for folder, handle in inside.items():
            folder.mkdir(parents=True, exist_ok=True)
            mount(f"/proc/self/fd/{handle}", folder, None, MS_BIND | MS_REC)
            os.close(handle)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    os.execvp(words[0], words)


if __name__ == "__main__":
    end = sys.argv.index("--")
    main(sys.argv[1:end], sys.argv[end + 1 :])
