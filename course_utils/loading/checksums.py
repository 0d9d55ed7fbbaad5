"""Compares files with their recorded sizes and SHA-256, to find those that are damaged.

Each file is read whole at its first check in a process. Large files take long to read. So `checked.json` in
the cache lists the large files that were sound, each with its inode and times. Such a file is read again only
if its size, inode or times have changed; a program that writes to a file changes the file's times. A failing
disk changes none of the three, so `course fetch --check` reads every byte.
"""

import contextlib
import hashlib
import json
from pathlib import Path

from course_utils import catalog, files

LARGE = 32_000_000  # bytes; `checked.json` lists no smaller files, because reading one takes at most 25 ms
NOTES = "checked.json"
_sound = {}  # {path: [SHA-256, stamp]} of the files that this process has found sound; see `_wrong`


def record(folder) -> list[catalog.File]:
    """Return the size and the SHA-256 of each file in a folder, as they are now."""
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return [
        catalog.File(path.relative_to(folder).as_posix(), path.stat().st_size, sha256(path)) for path in paths
    ]


def damage(folder, expected, notes) -> str:
    """Return what is wrong with a folder's files, such as "config.json is missing"; "" if they are sound.

    expected : list of `catalog.File`, with names relative to the folder
    notes : the path of `checked.json`. If this file can't be written, each later process reads the large
        files again
    """
    for file in expected:
        path = Path(folder, file.name)
        try:
            if wrong := _wrong(path, file, notes):
                return f"{file.name} {wrong}"
        except FileNotFoundError:
            return f"{file.name} is missing"
        except OSError as error:
            return f"{file.name} can't be read ({error.strerror})"
    return ""


def forget(notes):
    """Forget which files were sound, so that the next check reads each of them whole."""
    _sound.clear()
    with contextlib.suppress(OSError):
        notes.unlink()


def _wrong(path, file, notes):
    """Return what is wrong with a file, such as "has 5 bytes instead of 7", or "" if the file is sound."""
    found = path.stat()
    if found.st_size != file.bytes:
        return f"has {found.st_size:,} bytes instead of {file.bytes:,}"
    stamp = [found.st_ino, found.st_mtime_ns, found.st_ctime_ns]
    known, large = [file.sha256, stamp], file.bytes >= LARGE
    if _sound.get(path) == known or (large and _kept(notes).get(str(path)) == known):
        return ""
    if sha256(path) != file.sha256:
        return "no longer has the content that it had"
    _sound[path] = known
    if large:
        with contextlib.suppress(OSError):  # this user may have no right to write into the cache
            files.write_text(notes, json.dumps(_kept(notes) | {str(path): known}, indent=1))
            notes.chmod(0o644)  # all users of a shared cache may read it
    return ""


def _kept(notes):
    """Return the content of `checked.json`, {path: [SHA-256, stamp]}, or {} if the file can't be read."""
    try:
        kept = json.loads(notes.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def sha256(path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
