"""Finds the models on this machine: those that came with the course, and those in the cache.

The cache is the folder COURSE_CACHE, by default ~/.cache/open-the-box. For each model it holds `NAME.lock`,
`NAME/FILE`, `NAME/FILE.part` (a download that broke off and will be resumed) and `NAME/model` (the model
converted for transformers). A file is renamed from `FILE.part` to `FILE` only after its hash was checked.
`NAME/model/ready.json` has the size and the hash of each converted file; `checked.json` is described in
`checksums`.
"""

import contextlib
import errno
import json
import os
import re
import shutil
import sys
from pathlib import Path

from course_utils import catalog, files, home, units
from course_utils.errors import CourseError
from course_utils.loading import checksums

TRAINED_HERE = Path(__file__).parents[1] / "training" / "weights"
CONVERTED_FORMAT = 1  # increase this number when every model must be converted again
MARKER = "ready.json"  # the file that is written last into a converted folder


def cache_folder() -> Path:
    """Return the folder for fetched models, which may not exist yet."""
    if chosen := os.environ.get("COURSE_CACHE"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home.folder() / "AppData" / "Local") / "open-the-box"
    return home.folder() / ".cache" / "open-the-box"


def offline():
    """Return whether HF_HUB_OFFLINE is set; the course then does not use the package index either."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def path_of(model, file) -> Path:
    """Return the path of one of the model's files in the cache."""
    return cache_folder() / model.name / file.name


def has_file(model, file):
    """Return whether a file of the model is in the cache, and sound."""
    return not _damage(cache_folder() / model.name, [file])


def has_all_files(model):
    """Return whether all files of the model are in the cache, and sound."""
    return not _damage(cache_folder() / model.name, model.files)


def converted_folder(model) -> Path:
    """Return the folder of the converted model, which may not exist yet."""
    return cache_folder() / model.name / "model"


def converted(model) -> tuple[str, str]:
    """Return the state of a converted model, and a description of the damage (or "").

    The states:
    "none": no model was converted from the files that the catalogue names now.
    "older": an earlier version of the course converted the model, and stored no hashes. If the published
        files are damaged now, the state is "none", because the conversion may have read damaged files.
    "damaged", "sound": the files were compared with their hashes.
    """
    folder = converted_folder(model)
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        if (marker["format"], marker["source_sha256"]) != (CONVERTED_FORMAT, hashes(model)):
            return "none", ""
        if "files" not in marker:
            return ("none" if damaged_files(model) else "older"), ""
        made = [catalog.File(**file) for file in marker["files"]]
    except (OSError, ValueError, KeyError, TypeError):  # the file MARKER does not exist, or it can't be read
        return "none", ""
    wrong = _damage(folder, made)
    return ("damaged" if wrong else "sound"), wrong


def damaged_files(model) -> str:
    """Check those published files of a model that are in the cache. Return what is wrong, or ""."""
    here = [file for file in model.files if path_of(model, file).exists()]
    return _damage(cache_folder() / model.name, here)


def damage(model) -> str:
    """Return what is wrong with a model's files on this machine, or ""; always "" for a hub repository."""
    if model.ours:
        return _damage(TRAINED_HERE / model.name, model.files)
    return converted(model)[1] or damaged_files(model)


def forget():
    """Forget which files were sound, so that the next check reads each of them whole."""
    checksums.forget(cache_folder() / checksums.NOTES)


def _damage(folder, expected):
    return checksums.damage(folder, expected, cache_folder() / checksums.NOTES)


def make_readable(folder: Path | None = None):
    """Let every user of this machine read a folder of models, by default the whole cache.

    safetensors writes weights that only their owner can read. But in the grader's sandbox, students' code
    runs as another user, and must read the weights, too.
    """
    top = folder or cache_folder()
    for path in [top, *top.rglob("*")] if top.is_dir() else []:
        wanted = 0o755 if path.is_dir() else 0o644
        if not path.is_symlink() and path.stat().st_mode & wanted != wanted:
            path.chmod(path.stat().st_mode | wanted)


def hashes(model) -> str:
    """Return the SHA-256 of each file of the model, joined by spaces."""
    return " ".join(file.sha256 for file in model.files)


@contextlib.contextmanager
def locked(model):
    """Hold the model's lock, so that only one notebook at a time fetches or converts the model.

    If a process dies, the operating system releases its lock.
    """
    from filelock import FileLock, Timeout

    (cache_folder() / model.name).mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache_folder() / f"{model.name}.lock", poll_interval=0.2)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"Another notebook is fetching {model.title}; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def free_bytes(folder) -> int:
    """Return the free bytes on the disk of a folder, which may not exist yet."""
    return shutil.disk_usage(files.nearest_folder(folder)).free


def disk_is_full(title, reason) -> str:
    """Return the sentence that says that the disk has too little room for a model."""
    return (
        f"The disk is too full for {title}: {reason}; make room, or set COURSE_CACHE (a hub model: HF_HOME) "
        "to a folder on another disk, and run this again."
    )


def lack_of_room(title, folder, needed) -> str:
    """Return a sentence if the disk of `folder` has fewer free bytes than needed, otherwise ""."""
    free = free_bytes(folder)
    if needed <= free:
        return ""
    return disk_is_full(title, f"{folder} needs {units.size(needed)} and {units.size(free)} are free")


def require_room(title, folder, needed):
    """Raise CourseError if the disk of `folder` has fewer free bytes than needed."""
    if sentence := lack_of_room(title, folder, needed):
        raise CourseError(sentence)


def is_full(error) -> bool:
    """Return whether an error means that the disk is full, or that the user's quota on it is used up."""
    numbers = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    # safetensors raises an exception of its own, whose text has the system's error number (on Windows 112).
    in_text = re.search(r"\(os error (28|112)\)", str(error))
    return getattr(error, "errno", None) in numbers or bool(in_text)
