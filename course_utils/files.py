"""Writes files and folders that appear whole or not at all, even if the program is stopped meanwhile.

Also reads text files and CSV files that other programs wrote.
"""

import contextlib
import csv
import io
import os
import shutil
import threading
import time
from pathlib import Path

from course_utils.errors import CourseError

# Windows can't replace a file while a program reads it. If a rename fails, it is tried again after the first
# of these pauses, and then after the second. Both are in seconds.
_PAUSES = (0.02, 0.1)


@contextlib.contextmanager
def replacing(path, temporary=None):
    """Provide a path at which to write a file or folder; when the block ends, rename the result to `path`.

    The content is on the disk (fsync) before the rename, so the file is whole even after a power cut.

        with files.replacing(folder / "page.html") as part:
            part.write_text(text, encoding="utf-8")

    If the block raises an error, what it wrote is removed, and an older file at `path` stays as it was.

    temporary : the name of the file or folder until it is renamed; by default a name that no other process or
        thread uses. If the process is killed, the file or folder stays under this name. So if the content is
        large, and a lock keeps other processes away, give a fixed name. The next call then removes what was
        left.
    """
    path = Path(path)
    part = path.with_name(temporary or f".part-{os.getpid()}-{threading.get_ident()}-{path.name}")
    remove(part)
    try:
        yield part
        for written in filter(Path.is_file, part.rglob("*")) if part.is_dir() else [part]:
            _settle(written)
        if part.is_dir():
            remove(path)  # a folder can be renamed only to a path that does not exist
        _rename(part, path)
    finally:
        remove(part)


def put(part, path):
    """Wait until all of the file `part` is on the disk, and then rename it to `path`."""
    _settle(part)
    _rename(part, path)


def read_text(path, errors="strict"):
    """Return the text of a file in UTF-8 or UTF-16, without a byte order mark at its start.

    errors : what to do with bytes that are not valid text, as in `bytes.decode`

    Raises OSError, or UnicodeDecodeError if `errors` is "strict".
    """
    data = Path(path).read_bytes()
    return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", errors)


def read_csv(path, errors="strict"):
    """Return the headings of a CSV file, and its rows: [(line number, {heading: cell}), ...].

    The separator is the comma, the semicolon or the tab, whichever is most frequent in the first line. A
    missing cell is "".

    errors : as in `read_text`

    Raises CourseError if the file can't be read.
    """
    try:
        text = read_text(path, errors)
        separator = max(",;\t", key=text.split("\n", 1)[0].count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        (_, headings), *rows = [(reader.line_num, row) for row in reader if row] or [(1, [])]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "save it as CSV in UTF-8"
        raise CourseError(f"{path} can't be read: {reason}.") from None
    blank = dict.fromkeys(headings, "")
    return headings, [(line, blank | dict(zip(headings, row, strict=False))) for line, row in rows]


def write_text(path, text):
    """Write a text file as UTF-8, whole or not at all."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def remove(path):
    """Remove a file or a folder with all that it contains, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def nearest_folder(folder: Path) -> Path:
    """Return the folder if it exists, otherwise its nearest parent that exists.

    If the folder's drive is missing, return the root of that drive.
    """
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _settle(path):
    """Wait until all of a file is on the disk (fsync)."""
    # On Windows, fsync needs a file that is open for writing.
    number = os.open(path, os.O_RDWR | os.O_BINARY if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _rename(part, path):
    for pause in _PAUSES:
        try:
            return os.replace(part, path)
        except PermissionError:
            time.sleep(pause)
    return os.replace(part, path)
