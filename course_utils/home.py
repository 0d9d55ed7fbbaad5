"""Finds this account's home folder, or makes a temporary one if there is none that can be written."""

import getpass
import os
import sys
import tempfile
from pathlib import Path

from course_utils import files


def folder() -> Path:
    """Return the account's home folder or, if there is none, the temporary folder that `settle` makes."""
    try:
        return Path.home()
    except RuntimeError:  # HOME is not set, and no account has this user's id
        return _instead()


def settle():
    """If the account has no home folder that can be written, set HOME to a temporary folder, and say so.

    Jupyter and the libraries need a home folder. Containers often run under a user id that belongs to no
    account, or with `/` as the home folder. If the home folder can be read but not written, the models and
    answers in it are still used.
    """
    if os.name != "posix":
        return
    if not any(os.environ.get(name) for name in ("LOGNAME", "USER", "LNAME", "USERNAME")):
        try:
            getpass.getuser()
        except (KeyError, OSError):  # libraries also need a user name, and this user has none
            os.environ["LOGNAME"] = str(os.getuid())
    old, new = folder(), _instead()
    if old != new and os.access(files.nearest_folder(old), os.W_OK):
        return
    for variable, place in (
        ("COURSE_CACHE", old / ".cache" / "open-the-box"),
        ("COURSE_ANSWERS", old / ".local" / "share" / "open-the-box" / "answers.json"),
        ("HF_HOME", old / ".cache" / "huggingface"),
    ):
        if old != new and place.exists():
            os.environ.setdefault(variable, str(place))
    new.mkdir(mode=0o700, exist_ok=True)
    if new.stat().st_uid != os.getuid():
        # The usual temporary folder belongs to another user.
        new = Path(tempfile.mkdtemp(prefix="open-the-box-"))
    os.environ["HOME"] = str(new)
    reason = "has no home folder" if old == new else f"can't write in its home folder {old}"
    print(
        f"[NOTE] This account {reason}, so {new} takes its place, which may be gone after a restart. To keep "
        "your answers and models, set HOME to a folder that you can write in.",
        file=sys.stderr,
    )


def _instead():
    user = os.getuid() if os.name == "posix" else "user"
    return Path(tempfile.gettempdir()) / f"open-the-box-{user}"
