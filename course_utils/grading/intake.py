"""Reads submissions from a folder, an LMS's zip file or nbgrader's folders.

The names, sizes and contents of submitted files can't be trusted. So nothing is unpacked onto the disk, no
link is followed, and no notebook is executed. If something is wrong with a submission, the student's result
says so in a sentence.
"""

import functools
import hashlib
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from course_utils.errors import CourseError

LARGEST = 20 * 2**20  # bytes of the largest notebook that is read
MOST_FILES = 50_000
_MOODLE = re.compile(r"^(.+)_(\d+)_assignsubmission_[a-z]+(?:_(.*))?$")
_CANVAS = re.compile(r"^([^_]+?)(?:_LATE)?_(\d+)_(\d+)_(.+)$")
_NAME = re.compile(r"^\w[\w.@+-]{0,99}$")
_IGNORED = re.compile(r"^(\.ipynb_checkpoints|\.DS_Store|\._.*|__MACOSX|__pycache__|Thumbs\.db)$")


@dataclass
class Submission:
    """What one student handed in.

    student : a name that is safe in file names
    lms : the LMS, "canvas" or "moodle", and the student's number in it; ("", "") if there is no LMS
    data : the notebook's bytes, or None if there is a problem
    problem : a sentence that tells the student why there is no notebook to grade, or ""
    """

    student: str
    lms: tuple[str, str] = ("", "")
    data: bytes | None = None
    problem: str = ""

    @property
    def key(self) -> str:
        """A hash of what was handed in."""
        return hashlib.sha256((self.data or b"") + self.problem.encode()).hexdigest()


@dataclass
class _File:
    """A file in a folder or in a zip file, which has not been read yet."""

    path: PurePosixPath
    size: int
    changed: float
    problem: str
    read: Callable[[], bytes]


def collect(source: Path, assignment: str) -> list[Submission]:
    """Return each student's submission, sorted by name.

    source : a folder with notebooks or with a folder for each student, a course folder of nbgrader, or a
        zip file
    assignment : the assignment's name, by which its folders and notebooks are recognised
    Raises CourseError if `source` does not exist or contains no submission.
    """
    if source.is_dir():
        submitted = source / "submitted"
        files = _in_folder(submitted if submitted.is_dir() else source)
    elif source.is_file() and zipfile.is_zipfile(source):
        files = _in_zip(source)
    else:
        raise CourseError(f"{source} is neither a folder nor a zip file: give the folder of the submissions.")
    by_student: dict[tuple, list[_File]] = {}
    nested = any(_by_nbgrader(file.path, assignment) for file in files)
    for file in files:
        student = _student(file.path, assignment, nested)
        if student:
            by_student.setdefault(student, []).append(file)
    submissions: dict[str, Submission] = {}
    for (raw, lms), theirs in sorted(by_student.items()):
        submission = _choose(raw, lms, theirs, assignment)
        if submission.student in submissions:  # two names are equal once spaces are replaced
            submission.student = _other_name(f"{raw} {lms}")
        submissions[submission.student] = submission
    if not submissions:
        raise CourseError(f"Nothing was handed in for {assignment}: {source} contains no notebook.")
    return [submissions[name] for name in sorted(submissions)]


def _in_folder(top):
    files = []
    for folder, folders, names in os.walk(top):
        for name in (*folders, *names):
            path = Path(folder, name)
            facts = path.lstat()
            problem = ""
            if not stat.S_ISREG(facts.st_mode):
                if stat.S_ISDIR(facts.st_mode):
                    continue
                problem = "it is a link or something else that is not a file"
            relative = PurePosixPath(path.relative_to(top).as_posix())
            read = functools.partial(_read, path)
            files.append(_File(relative, facts.st_size, facts.st_mtime, problem, read))
        if len(files) > MOST_FILES:
            raise CourseError(f"{top} contains more than {MOST_FILES:,} files: is it the right folder?")
        folders[:] = [name for name in folders if not os.path.islink(Path(folder, name))]
    return files


def _read(path):
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        return file.read(LARGEST + 1)


def _in_zip(path):
    files = []
    archive = zipfile.ZipFile(path)
    if len(archive.infolist()) > MOST_FILES:
        raise CourseError(f"{path} contains more than {MOST_FILES:,} files: is it the right one?")
    for entry in archive.infolist():
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        problem = ""
        if name.is_absolute() or ".." in name.parts:
            problem = "its path leads out of the archive"
            name = PurePosixPath(*(part for part in name.parts if part.strip("/.")))
        elif stat.S_ISLNK(entry.external_attr >> 16):
            problem = "it is a link"
        if not entry.is_dir() and name.parts:
            read = functools.partial(_read_entry, archive, entry)
            files.append(_File(name, entry.file_size, str(entry.date_time), problem, read))
    return files


def _read_entry(archive, entry):
    with archive.open(entry) as file:
        return file.read(LARGEST + 1)


def _by_nbgrader(path, assignment):
    return len(path.parts) >= 3 and path.parts[-2] == assignment and path.suffix == ".ipynb"


def _student(path, assignment, nested):
    """Return the student who owns a file, as (name, (LMS, number)), or None if the file belongs to nobody."""
    parts = [part for part in path.parts if not _IGNORED.match(part)]
    if len(parts) < len(path.parts) or not parts:
        return None
    for part in parts:
        if match := _MOODLE.match(part):
            return f"{match[1]}_{match[2]}", ("moodle", match[2])
    if match := _CANVAS.match(parts[-1]):
        return f"{match[1]}_{match[2]}", ("canvas", match[2])
    if nested:
        return (parts[-3], ("", "")) if len(parts) >= 3 and parts[-2] == assignment else None
    if len(parts) > 1:
        return parts[-2] if parts[-2] != assignment else parts[-3] if len(parts) > 2 else parts[0], ("", "")
    return (path.stem, ("", "")) if path.suffix == ".ipynb" else None


def _choose(raw, lms, files, assignment):
    name = re.sub(r"\s+", "_", unicodedata.normalize("NFC", raw).strip())
    submission = Submission(name, lms)
    notebooks = [file for file in files if file.path.suffix.lower() == ".ipynb"]
    named = [file for file in notebooks if file.path.stem == assignment]
    chosen = max(named or notebooks, key=lambda file: (file.changed, str(file.path)), default=None)
    if not _NAME.fullmatch(name):
        submission.student = _other_name(raw)
        submission.problem = "The student's name can't be used: rename the file or folder."
    elif chosen is None:
        types = ", ".join(sorted({file.path.suffix or "no extension" for file in files}))
        types = re.sub(r"[^\w., ]", "?", types[:100])
        submission.problem = f"There is no notebook (.ipynb) in it, only files of these types: {types}."
    elif chosen.problem:
        submission.problem = f"The notebook can't be read: {chosen.problem}."
    elif chosen.size > LARGEST:
        submission.problem = f"The notebook is larger than {LARGEST // 2**20} MB: clear its outputs."
    else:
        try:
            data = chosen.read()
        except Exception as error:  # damaged or encrypted; each compression method has its own errors
            submission.problem = f"The file can't be read ({type(error).__name__}): hand it in again."
        else:
            submission.data = data if len(data) <= LARGEST else None
            submission.problem = "" if submission.data is not None else "The notebook is too large."
    return submission


def _other_name(raw):
    return "unnamed-" + hashlib.sha256(raw.encode(errors="surrogateescape")).hexdigest()[:10]
