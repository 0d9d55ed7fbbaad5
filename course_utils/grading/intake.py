"""Reads submissions from a folder, an LMS's zip file or nbgrader's folders, and finds the answers in them.

Names, sizes and contents can't be trusted. So nothing is unpacked onto the disk, no link is followed, and no
notebook is executed. If something is wrong with a submission, that student's result says so in a sentence.
"""

import ast
import hashlib
import json
import os
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from course_utils.errors import CourseError
from course_utils.grading.assignment import Assignment

LARGEST = 20 * 2**20  # bytes of the largest notebook that is read
MOST_FILES = 50_000
MOST_CELLS = 2_000
LONGEST = 200_000  # characters of the longest cell that is read
_MOODLE = re.compile(r"^(.+)_(\d+)_assignsubmission_[a-z]+(?:_(.*))?$")
_CANVAS = re.compile(r"^([^_]+?)(?:_LATE)?_(\d+)_(\d+)_(.+)$")
_NAME = re.compile(r"^\w[\w.@+-]{0,99}$")
_IGNORED = re.compile(r"^(\.ipynb_checkpoints|\.DS_Store|\._.*|__MACOSX|__pycache__|Thumbs\.db)$")


@dataclass
class Submission:
    """What one student handed in.

    student : a name that is safe in file names
    lms : what the LMS calls the student: "canvas" or "moodle" and the student's number there, else ("", "")
    data : the notebook's bytes, or None if there is a problem
    problem : a sentence for the student: why there is no notebook to grade
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
    """A file in a folder or in a zip file that has not been read yet."""

    path: PurePosixPath
    size: int
    changed: float
    problem: str
    read: Callable[[], bytes]


def collect(place: Path, assignment: str) -> list[Submission]:
    """Returns each student's submission, in the order of their names.

    place : a folder of notebooks or of folders by student, a course folder of nbgrader, or a zip file
    assignment : its name, by which its folders and notebooks are recognized
    Raises CourseError if `place` does not exist or contains no submission.
    """
    if place.is_dir():
        submitted = place / "submitted"
        files = _in_folder(submitted if submitted.is_dir() else place)
    elif place.is_file() and zipfile.is_zipfile(place):
        files = _in_zip(place)
    else:
        raise CourseError(f"{place} is neither a folder nor a zip file: give the folder of the submissions.")
    found: dict[tuple, list[_File]] = {}
    nested = any(_by_nbgrader(file.path, assignment) for file in files)
    for file in files:
        whose = _whose(file.path, assignment, nested)
        if whose:
            found.setdefault(whose, []).append(file)
    submissions: dict[str, Submission] = {}
    for (raw, lms), theirs in sorted(found.items()):
        submission = _choose(raw, lms, theirs, assignment)
        if submission is None:
            continue
        if submission.student in submissions:  # two names became the same when spaces were replaced
            submission.student = _other_name(f"{raw} {lms}")
        submissions[submission.student] = submission
    if not submissions:
        raise CourseError(f"Nothing was handed in for {assignment} at {place}: no notebook is in it.")
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
                problem = "it is a link or another thing that is no file"
            files.append(
                _File(
                    PurePosixPath(path.relative_to(top).as_posix()),
                    facts.st_size,
                    facts.st_mtime,
                    problem,
                    lambda path=path: _read(path),
                )
            )
        if len(files) > MOST_FILES:
            raise CourseError(f"{top} holds more than {MOST_FILES:,} files: is it the right folder?")
        folders[:] = [each for each in folders if not os.path.islink(Path(folder, each))]
    return files


def _read(path):
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        return file.read(LARGEST + 1)


def _in_zip(place):
    files = []
    archive = zipfile.ZipFile(place)
    if len(archive.infolist()) > MOST_FILES:
        raise CourseError(f"{place} holds more than {MOST_FILES:,} files: is it the right one?")

    def read(entry):
        with archive.open(entry) as file:
            return file.read(LARGEST + 1)

    for entry in archive.infolist():
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        problem = ""
        if path.is_absolute() or ".." in path.parts:
            problem = "its name leads out of the archive"
            path = PurePosixPath(*(part for part in path.parts if part.strip("/.")))
        elif stat.S_ISLNK(entry.external_attr >> 16):
            problem = "it is a link"
        if not entry.is_dir() and path.parts:
            files.append(
                _File(path, entry.file_size, str(entry.date_time), problem, lambda entry=entry: read(entry))
            )
    return files


def _by_nbgrader(path, assignment):
    return len(path.parts) >= 3 and path.parts[-2] == assignment and path.suffix == ".ipynb"


def _whose(path, assignment, nested):
    """Returns the student who owns a file, as (name, (LMS, number)), or None if it belongs to no student."""
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
        submission.problem = "The name that this came under can't be used: rename the file or folder."
    elif chosen is None:
        kinds = ", ".join(sorted({file.path.suffix or "no ending" for file in files}))
        kinds = re.sub(r"[^\w., ]", "?", kinds[:100])
        submission.problem = f"There is no notebook (.ipynb) in it, only files with: {kinds}."
    elif chosen.problem:
        submission.problem = f"The notebook can't be taken: {chosen.problem}."
    elif chosen.size > LARGEST:
        submission.problem = f"The notebook has more than {LARGEST // 2**20} MB: clear its outputs."
    else:
        try:
            data = chosen.read()
        except Exception as error:  # damaged or encrypted; each compression method raises its own errors
            submission.problem = f"The file can't be read ({type(error).__name__}): hand it in again."
        else:
            submission.data = data if len(data) <= LARGEST else None
            submission.problem = "" if submission.data is not None else "The notebook is too large."
    return submission


def _other_name(raw):
    return "unnamed-" + hashlib.sha256(raw.encode(errors="surrogateescape")).hexdigest()[:10]


class Unusable(Exception):
    """Raised if no answer can be read from a notebook; the message says why."""


@dataclass
class Answers:
    """The answers and other cells from a student's notebook.

    code : the source of each solution cell by grade id
    texts : the source of each cell that a person grades, by grade id
    before : the student's own code cells, by the grade id of the answer that follows them
    notes : sentences for the feedback on what was missing or had to be repaired
    """

    code: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    before: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def answers(data: bytes, assignment: Assignment) -> Answers:
    """Finds the student's answers by their grade ids, or else by the functions that they should define.

    Raises Unusable if the data can't be read as a notebook, or has no cell of this assignment.
    """
    cells = _cells(data)
    taken = Answers()
    manual = {name for name, task in assignment.tasks.items() if task.manual}
    owner = {}  # grade id of an answer -> index of its cell
    for index, (_, name, source) in enumerate(cells):
        if name in assignment.answers:
            before = owner.get(name)
            if before is not None:
                taken.notes.append(f"There were two cells {name!r}: the last one with an answer counts.")
                if _blank(source, assignment.answers[name]):
                    continue
            owner[name] = index
    for name in assignment.answers:
        if name in owner or name in manual:
            continue
        functions = assignment.functions(name)
        for index, (kind, _, source) in enumerate(cells):
            if kind == "code" and index not in owner.values() and functions & _defined(source):
                owner[name] = index
        if name in owner:
            taken.notes.append(f"The cell {name!r} had lost its name: its function was found.")
        else:
            taken.notes.append(f"The cell {name!r} is missing: hand in a copy with all cells.")
    if not owner:
        raise Unusable("It has none of the cells of this assignment: was another notebook handed in?")
    for name, index in owner.items():
        (taken.texts if name in manual else taken.code)[name] = cells[index][2]
    given = {cell.source.strip() for cell in assignment.notebook.cells}
    known = {cell.metadata.get("nbgrader", {}).get("grade_id") for cell in assignment.notebook.cells}
    own: list[str] = []
    places = {index: name for name, index in owner.items()}
    for index, (kind, name, source) in enumerate(cells):
        if index in places:
            if own and places[index] in taken.code:
                taken.before[places[index]] = own
                own = []
        elif (
            kind == "code"
            and name not in known
            and source.strip()
            and source.strip() not in given
            and "course.check(" not in source
        ):
            own.append(source)
    return taken


def _blank(source, stub):
    return not source.strip() or source.strip() == stub.strip()


def _defined(source):
    try:
        return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(r"^def (\w+)\(", source, re.M))


def _cells(data):
    """Returns (kind, grade id, source) of each cell, for every version of the notebook format."""
    if not data.strip():
        raise Unusable("The file is empty: save the notebook and hand it in again.")
    try:
        book = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unusable("The file is not in UTF-8: save it again in Jupyter.") from None
    except (ValueError, RecursionError):
        raise Unusable("The file is no notebook: save it again in Jupyter.") from None
    cells = book.get("cells") if isinstance(book, dict) else None
    if cells is None and isinstance(book, dict) and isinstance(book.get("worksheets"), list):
        sheets = [sheet for sheet in book["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets if isinstance(sheet.get("cells"), list) for cell in sheet["cells"]]
    if not isinstance(cells, list) or len(cells) > MOST_CELLS:
        raise Unusable("The file has no list of cells, or far too many: save it again in Jupyter.")
    read = []
    for cell in cells:
        if not isinstance(cell, dict):
            continue
        source = cell.get("source", cell.get("input", ""))
        if isinstance(source, list):
            source = "".join(part for part in source if isinstance(part, str))
        facts = cell.get("metadata")
        facts = facts.get("nbgrader") if isinstance(facts, dict) else None
        name = facts.get("grade_id") if isinstance(facts, dict) else None
        if isinstance(source, str) and len(source) <= LONGEST:
            source = source.encode(errors="replace").decode()
            read.append((cell.get("cell_type"), name if isinstance(name, str) else "", source))
    return read
