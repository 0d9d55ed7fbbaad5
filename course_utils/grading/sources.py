"""Lists the files in a folder or a zip file, and opens one at a time.

The names, sizes and contents of submitted files can't be trusted. So nothing is unpacked next to these files,
no link is followed, and no more of a file is read than the caller asks for. To read a file from an archive
that lies in another archive, this module copies the inner archive to a temporary file of limited size.
"""

import contextlib
import functools
import os
import re
import stat
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from course_utils.errors import CourseError

MOST_FILES = 200_000
LARGEST_ARCHIVE = 64 * 2**20  # bytes of the largest archive that is opened inside another archive
LARGEST_LIST = 2**20  # the most bytes that the list of files in a student's archive may have
LONGEST_LINE = 2000  # bytes; a longer line is cut
_CHUNK = 2**20  # bytes that are copied at a time
_SYSTEM = {".ipynb_checkpoints": "copies that Jupyter keeps", ".git": "the files of git"}
_SYSTEM |= dict.fromkeys(
    ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"), "made by the operating system"
)
_SYSTEM |= dict.fromkeys(
    (".venv", "venv", "node_modules", "site-packages", "__pycache__"), "installed software"
)


class Unreadable(Exception):
    """Raised if a file or an archive can't be read. The message says why, as the end of a sentence."""


@dataclass(frozen=True)
class File:
    """A file that has not been read yet.

    parts : the parts of the file's path in the source; an archive around the file is one of these parts
    size : the file's size in bytes, as its folder or archive states it
    date : when the file was last changed, in local time, or None if that is not known
    problem : why the file must not be read, as the end of a sentence, or ""
    open : a function that opens the file for reading, and raises Unreadable if that fails
    """

    parts: tuple[str, ...]
    size: int
    date: datetime | None
    problem: str
    open: Callable[[], AbstractContextManager[BinaryIO]]

    @property
    def path(self) -> str:
        return "/".join(self.parts)

    @property
    def is_archive(self) -> bool:
        return self.parts[-1].lower().endswith(".zip") and not self.problem


def not_handed_in(part: str) -> str:
    """Return why a file or folder with this name can't be a student's work, or "" if it can."""
    return "made by the operating system" if part.startswith("._") else _SYSTEM.get(part, "")


def in_folder(top: Path, skip: Callable[[Path], str]) -> tuple[list[File], list[tuple[str, str]]]:
    """Return the files in a folder and its subfolders, and [(path, reason)] for what was passed over.

    skip : a function that takes the path of a folder or file, and returns the reason to pass it over, or ""
    Raises CourseError if there are more than MOST_FILES files.
    """
    files, passed = [], []

    def unreadable(error):
        passed.append((_relative(error.filename, top), f"it can't be opened: {error.strerror}"))

    for folder, folders, names in os.walk(top, onerror=unreadable):
        inside = []
        for name in sorted((*folders, *names)):
            path = Path(folder, name)
            if reason := not_handed_in(name) or skip(path):
                passed.append((_relative(path, top), reason))
                continue
            facts = path.lstat()
            if stat.S_ISDIR(facts.st_mode):
                inside.append(name)
                continue
            problem = (
                "" if stat.S_ISREG(facts.st_mode) else "it is a link or something else that is not a file"
            )
            date = datetime.fromtimestamp(facts.st_mtime)
            parts = PurePosixPath(_relative(path, top)).parts
            files.append(File(parts, facts.st_size, date, problem, functools.partial(_open, path)))
        folders[:] = inside
        if not folders and not names and Path(folder) != top:
            passed.append((_relative(folder, top), "an empty folder"))
        if len(files) > MOST_FILES:
            raise CourseError(f"{top} contains more than {MOST_FILES:,} files: is it the right folder?")
    return files, passed


def _relative(path, top):
    return Path(path).relative_to(top).as_posix()


@contextlib.contextmanager
def _open(path):
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise Unreadable(error.strerror) from None
    with os.fdopen(handle, "rb") as file:
        yield file


def in_zip(path: Path) -> list[File]:
    """Return the files in a zip file, which stays open.

    Raises CourseError if the zip file can't be read, or contains more than MOST_FILES files.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise CourseError(
            f"{path} can't be read as a zip file ({error}): give the folder or zip file of the submissions."
        ) from None
    if len(archive.infolist()) > MOST_FILES:
        raise CourseError(f"{path} contains more than {MOST_FILES:,} files: is it the right one?")
    return [
        _entry(entry, (), functools.partial(_open_entry, archive, entry))
        for entry in archive.infolist()
        if not entry.is_dir()
    ]


def in_archive(file: File) -> list[File]:
    """Return the files in an archive that lies in a folder or in another archive.

    Raises Unreadable if the archive can't be read or is too large.
    """
    with _copied(file) as archive:
        return [
            _entry(entry, file.parts, functools.partial(_open_inside, file, number))
            for number, entry in enumerate(archive.infolist())
            if not entry.is_dir()
        ]


@contextlib.contextmanager
def _copied(file):
    """Yield an archive as a ZipFile: the file itself, or a temporary copy if it lies in another archive."""
    with file.open() as source, tempfile.TemporaryFile() as copy:
        if hasattr(source, "raw"):  # the archive is a file on the disk
            copy = source
        else:
            size = 0
            for chunk in _chunks(source):
                size += len(chunk)
                if size > LARGEST_ARCHIVE:
                    raise Unreadable(f"it is an archive of more than {LARGEST_ARCHIVE // 2**20} MB")
                copy.write(chunk)
        if _length_of_list(copy) > LARGEST_LIST:
            raise Unreadable("it is an archive of far too many files")
        try:
            archive = zipfile.ZipFile(copy)
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
            raise Unreadable("it is a damaged archive") from None
        with archive:
            yield archive


def _chunks(source) -> Iterator[bytes]:
    try:
        while chunk := source.read(_CHUNK):
            yield chunk
    except Unreadable:
        raise
    except Exception as error:  # the file is damaged or encrypted; each compression method has its own errors
        raise Unreadable(f"it can't be unpacked: {type(error).__name__}") from None


def _length_of_list(file):
    """Return how many bytes a zip file's list of files has, before zipfile reads the list into memory.

    The size is in the file's last bytes, in a record that begins with "PK\\5\\6". A student could add false
    records, so the largest size in such a record is returned. A record that begins with "PK\\6\\7" belongs to
    an archive of more than 4 GB. For such an archive, a size above the limit LARGEST_LIST is returned.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2**16 - 42))
    end = file.read()
    if b"PK\6\7" in end:
        return LARGEST_LIST + 1
    records = [found.start() for found in re.finditer(rb"PK\x05\x06", end)]
    sizes = [struct.unpack_from("<L", end, at + 12)[0] for at in records if at + 16 <= len(end)]
    return max(sizes, default=0)


def _entry(entry, outside, opened):
    name = PurePosixPath(_name(entry).replace("\\", "/"))
    problem = ""
    if name.is_absolute() or ".." in name.parts:
        problem = "its path leads out of the archive"
        name = PurePosixPath(*(part for part in name.parts if part.strip("/.")))
    elif stat.S_ISLNK(entry.external_attr >> 16):
        problem = "it is a link"
    elif entry.flag_bits & 1:
        problem = "it is encrypted"
    elif entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        problem = "it is compressed in an unusual way"  # such a file can't be read in small pieces
    try:
        date = datetime(*entry.date_time)
    except ValueError:
        date = None
    return File((*outside, *(name.parts or ("unnamed",))), entry.file_size, date, problem, opened)


def _name(entry):
    """Return the name of a zip file's entry.

    macOS writes names in UTF-8 but does not mark them as UTF-8, so zipfile decodes them as cp437. Undo that.
    """
    if not entry.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            return entry.filename.encode("cp437").decode("utf-8")
    return entry.filename


@contextlib.contextmanager
def _open_entry(archive, entry):
    try:
        file = archive.open(entry)
    except Exception as error:  # the file is damaged or encrypted (see `_chunks`)
        raise Unreadable(f"it can't be unpacked: {type(error).__name__}") from None
    with file:
        yield file


@contextlib.contextmanager
def _open_inside(file, number):
    with _copied(file) as archive, _open_entry(archive, archive.infolist()[number]) as inner:
        yield inner


def read(file: File, most: int) -> bytes:
    """Return the first `most` bytes of a file, or all if it has fewer.

    Raises Unreadable if the file can't be read.
    """
    with file.open() as source:
        return b"".join(_chunks(_Limited(source, most)))


class _Limited:
    """A file of which only the first `most` bytes can be read."""

    def __init__(self, file, most):
        self.file, self.left = file, most

    def read(self, size):
        chunk = self.file.read(min(size, self.left))
        self.left -= len(chunk)
        return chunk


def lines(file: File) -> Iterator[str]:
    """Yield the lines of a text file one by one, each cut after LONGEST_LINE bytes.

    Raises Unreadable if the file can't be read.
    """
    with file.open() as source:
        rest = b""
        for chunk in _chunks(source):
            *whole, rest = (rest + chunk).split(b"\n")
            rest = rest[:LONGEST_LINE]
            yield from (re.sub(r"\r$", "", line[:LONGEST_LINE].decode(errors="replace")) for line in whole)
        if rest:
            yield rest.decode(errors="replace")
