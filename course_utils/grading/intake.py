"""Decides who handed in what, before anything is graded.

The result is a `Plan`, which mentions every file of the submissions. The students' notebooks are in its
`entries`. All other files are in its `passed`, each with the reason why the course does not grade the file.
Nothing is executed, and of each archive only the list of its files is read. "Earlier deliveries" are the
submissions that earlier runs of `course grade` have entered into the folder for the results.
"""

import hashlib
import math
import os
import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from pathlib import Path

from course_utils import units
from course_utils.errors import CourseError
from course_utils.grading import platforms, sources
from course_utils.grading.platforms import PLATFORMS, Owner
from course_utils.grading.roster import Roster, key
from course_utils.grading.sources import File, Unreadable

LARGEST = 20 * 2**20  # bytes of the largest notebook that is read
LONGEST_NAME = 300  # how many characters of a name are read or shown; a name in a zip file may have 65,535
LONGEST_ID = 120  # the most bytes of a student's id, which is part of file names
DEEPEST = 8  # the most levels of folders and archives that may enclose the work of the whole class
MOST_NAMED = 1000  # at most this many of a student's other files are listed one by one
MOST_ARCHIVES = 4  # the most archives of one student that are opened
_TOO_LARGE = f"The notebook is larger than {LARGEST // 2**20} MB: clear its outputs."
# Browsers may add .json or .txt to a notebook's name.
_NOTEBOOK = re.compile(r"(?P<stem>.*)\.ipynb(?:\.json|\.txt)?", re.I | re.S)
_COPY = re.compile(r"(?:[-_ ]?\(\d+\)|[-_ ]\d+|[-_ ]copy\d*)+$", re.I)
# A file with one of these names that lies beside the submissions is the instructor's or the platform's.
_STRAY = re.compile(r"\..*|index\.html?|read_?me(\..*)?|.*\.(csv|tsv|xlsx?|ods|md|ya?ml|toml|cfg|ini)", re.I)
_GRADES = {"results", "feedback", "autograded", "source", "students.json", "gradebook.db"}
_NBGRADER = _GRADES | {"release", "solutions", "exercises", "notebooks", "downloaded", "nbgrader_config.py"}


@dataclass
class Submission:
    """What one student handed in.

    student : a name that is safe in file names
    lms : the learning platform and the student's number in it, as in `platforms.Owner`
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
        digest = hashlib.sha256(self.data or b"")
        digest.update(self.problem.encode())
        return digest.hexdigest()


@dataclass
class Entry:
    """One student's row in a `Plan`.

    student : an id that is safe in file names, and stays the same for this student in later deliveries
    owner : the name and number as they were handed in
    file : the notebook, or None if there is a problem
    problem : a sentence that tells the student why there is no notebook to grade, or ""
    date : when the work was handed in, in local time, or None if that is not known
    late : True if the platform marked the submission as late, or `date` is after the due date
    late_days : the days after the due date, rounded up, or None if that is not known
    on_roster : the student's facts on the class list; empty if the student is not on a class list
    """

    student: str
    owner: Owner
    file: File | None = None
    problem: str = ""
    date: datetime | None = None
    late: bool = False
    late_days: int | None = None
    on_roster: dict[str, str] = field(default_factory=dict)

    def load(self) -> Submission:
        """Return the submission, with the notebook's bytes or with the problem that prevents reading them."""
        submission = Submission(self.student, (self.owner.platform, self.owner.number), problem=self.problem)
        if not self.problem:
            try:
                data = sources.read(self.file, LARGEST + 1)
            except Unreadable as error:
                return replace(submission, problem=f"The notebook can't be read: {error}. Hand it in again.")
            if len(data) > LARGEST:
                return replace(submission, problem=_TOO_LARGE)
            submission.data = data
        return submission


@dataclass
class Plan:
    """Who handed in what.

    entries : the students' rows, sorted by id
    passed : [(path, reason)] for each file or folder that is in no row
    missing : the facts about each student of the class list who handed in nothing, by student id
    notes : sentences on what an instructor should look at
    """

    source: Path
    assignment: str
    entries: list[Entry]
    passed: list[tuple[str, str]]
    missing: dict[str, dict[str, str]]
    notes: list[str]

    def text(self, most: int | None = None) -> str:
        """Return the plan as text for a terminal.

        most : the most rows to show; rows with a remark come first. If `most` is given, at most five of the
            files that were passed over are shown for each reason. By default everything is shown.
        """
        submissions = units.counted(len(self.entries), "submission")
        lines = [f"{submissions} of {self.assignment} in {printable(self.source)}:"]
        rows = [(each.student, each.file.path if each.file else "—", _remark(each)) for each in self.entries]
        if most is not None and len(rows) > most:
            rows = sorted(rows, key=lambda row: not row[2])[:most]  # rows with a remark come first
            lines[0] = f"{lines[0][:-1]}, {most} of them here (--plan prints all):"
        width = max((len(row[0]) for row in rows), default=0)
        lines += [
            f"  {student.ljust(width)}  {printable(path)}  {remark}".rstrip()
            for student, path, remark in rows
        ]
        if self.missing:
            lines.append(f"Nothing was handed in by {len(self.missing)}: {_some(sorted(self.missing), most)}")
        if self.passed:
            lines.append("Passed over:")
            by_reason = {}
            for path, reason in self.passed:
                by_reason.setdefault(reason, []).append(path)
            lines += [
                f"  {len(paths)} × {reason}: {_some(paths, most)}" for reason, paths in by_reason.items()
            ]
        return "\n".join(lines + [f"Note: {printable(note, 3000)}" for note in self.notes])


def _remark(entry):
    parts = [entry.problem]
    if entry.late:
        days = entry.late_days
        parts.append("late" if days is None else f"{units.counted(days, 'day')} late")
    return "; ".join(filter(None, parts))


def _some(paths, most):
    shown = paths if most is None else paths[:5]
    return ", ".join(map(printable, shown)) + (
        f", … and {len(paths) - len(shown)} more" * (len(paths) > len(shown))
    )


def printable(text, longest: int = LONGEST_NAME) -> str:
    """Return at most `longest` characters of a text. A character that can't be printed becomes �."""
    text = str(text)
    text = text if len(text) <= longest else f"{text[:longest]}…"
    return "".join(char if char.isprintable() or char in "\u200c\u200d" else "�" for char in text)


@dataclass
class _Item:
    """A file, folder or archive on one level of the submissions' folders, with all files inside it.

    `_Maker._students` looks for the level on which each student has one item.
    """

    name: str
    files: list[File]  # an archive counts as one file
    depth: int  # how many parts the item's path has

    @property
    def file(self):
        """The item's file, or None if the item is a folder."""
        return next((file for file in self.files if len(file.parts) == self.depth), None)

    @property
    def is_container(self):
        return self.file is None or self.file.is_archive

    @property
    def is_stray(self):
        """Whether the item is a file of the platform or of the instructor, and no student's work."""
        alone = len(self.files) == 1 and self.file
        return bool(alone and _STRAY.fullmatch(self.name) and not _NOTEBOOK.fullmatch(self.name))


@dataclass
class _Candidate:
    """A file of one student, which may be the notebook to grade.

    name : the name that the student gave the file, before a platform renamed it
    date : when the file was handed in or last changed, in local time, or None if that is not known
    dated : False if `date` may be the date of the download
    """

    file: File
    name: str
    date: datetime | None
    dated: bool
    owner: Owner


def plan(
    source: Path,
    assignment: str,
    out: Path | None = None,
    students: dict[str, dict] | None = None,
    roster: Roster | None = None,
    due: datetime | None = None,
) -> Plan:
    """Return who handed in what.

    source : a folder that contains notebooks, a folder that contains a folder for each student, nbgrader's
        course folder, or a zip file
    assignment : the assignment's name, by which its folders and notebooks are recognised
    out : the folder for the results, which may lie among the submissions
    students : what is known about the students of earlier deliveries, in the form of
        `register.Register.students`
    due : the due date, in local time
    Raises CourseError if `source` does not exist, can't be read, or contains no submission.
    """
    return _Maker(assignment, students or {}, roster, due).plan(source, out)


class _Maker:
    def __init__(self, assignment, students, roster, due):
        self.assignment, self.students, self.roster, self.due = assignment, students, roster, due
        self.passed, self.notes = [], []

    def plan(self, source, out):
        files = self._files(source, out)
        items, owner_of = self._students(files)
        by_owner: dict[Owner, list[_Candidate]] = {}
        places: dict[Owner, list[str]] = {}
        for item in items:
            for owner, candidates in owner_of(item):
                owner = Owner(owner.platform, owner.number, unicodedata.normalize("NFC", owner.name).strip())
                by_owner.setdefault(owner, []).extend(candidates)
                # If no platform chose the names, the students did. Two students may have chosen the same
                # name.
                if _notebooks(candidates) and not owner.platform:
                    places.setdefault(owner, []).append("/".join(item.files[0].parts[: item.depth]))
        for owner, several in places.items():
            if len(several) > 1:
                self.notes.append(
                    f"All of these are called {owner.name}, and only the newest notebook with the "
                    f"assignment's name counts. If they are of several students, rename them: "
                    f"{_some(list(map(repr, several)), 5)}"
                )
        in_order = sorted(by_owner, key=attrgetter("platform", "number", "name"))
        entries = [self._entry(owner, by_owner[owner]) for owner in in_order]
        if not entries:
            raise CourseError(f"Nothing was handed in for {self.assignment}: {source} contains no notebook.")
        missing = self._name(entries)
        entries.sort(key=lambda entry: entry.student)
        passed = sorted(dict.fromkeys(self.passed))  # list each file once, even if its archive was read twice
        return Plan(source, self.assignment, entries, passed, missing, self.notes)

    # ---------------------------------------------------------------- which files there are

    def _files(self, source, out):
        if source.is_dir():
            out = out.resolve() if out else None
            top = source.resolve()
            nested = (top / "submitted").is_dir()
            if out == top and not nested:
                raise CourseError(
                    f"The results would lie among the submissions in {source}: give another --out."
                )

            def skip(path):
                if path == out or path.parent == out and (path.name in _GRADES or path.suffix == ".csv"):
                    return "the folder of the results"
                return (
                    "the folder of other results"
                    if (path / ".grading.lock").is_file() and path != top
                    else ""
                )

            files, passed = sources.in_folder(top, skip)
            self.passed += passed
            return files
        if not source.exists():
            raise CourseError(f"{source} does not exist: give the folder or the zip file of the submissions.")
        if source.is_file():
            return self._without_system(sources.in_zip(source))
        raise CourseError(f"{source} is neither a folder nor a zip file: give the folder of the submissions.")

    def _without_system(self, files):
        kept = []
        for file in files:
            reason = next(filter(None, map(sources.not_handed_in, file.parts)), "")
            if reason:
                self.passed.append((file.path, reason))
            else:
                kept.append(file)
        return kept

    # ---------------------------------------------------------------- on which level the students are

    def _students(self, files):
        """Return the items of the level on which each student has one item, and a function.

        The function takes an item and yields (owner, candidates) for each student to whom it belongs.
        """
        items = _grouped(files, 0)
        for _ in range(DEEPEST):
            reader = self._reader(items)
            if reader:
                return reader
            outer = [item for item in items if not item.is_stray]
            if not outer or not all(item.is_container for item in outer):
                break
            if len(outer) == 1:
                if not self._is_wrapper(outer[0]):
                    break
                path = "/".join(outer[0].files[0].parts[: outer[0].depth])
                self.notes.append(
                    f"Everything lies in {path}, which is taken for the class and not for a student."
                )
            elif not all(self._is_download(item) for item in outer):
                break
            self.passed += [(item.file.path, "it is no notebook") for item in items if item.is_stray]
            items = [inner for item in outer for inner in self._inside(item)]
        return items, self._plain

    def _reader(self, items):
        """Return what `_students` returns if a platform or nbgrader chose these items' names, else None."""
        names = [item.name for item in items if not item.is_stray]
        metadata = next((item.file for item in items if item.name == "submission_metadata.yml"), None)
        if metadata and not metadata.problem:
            people = _submitters(metadata)
            if any(item.name in people for item in items):
                return self._gradescope(items, metadata, people)
        if platform := platforms.recognise(names, self._is_assignment):
            return self._of_platform(items, platform)
        submitted = next((item for item in items if item.name == "submitted" and not item.file), None)
        if submitted and any(
            len(f.parts) > submitted.depth + 2 and self._in_its_folder(f) for f in submitted.files
        ):
            return self._of_nbgrader(items, submitted)
        return None

    def _is_download(self, item):
        inside = self._inside(item)
        return bool(inside and self._reader(inside))

    def _is_wrapper(self, item, deep=0):
        """Return whether the only item on its level contains the files of a class, and not of one student."""
        inside = self._inside(item)
        if not inside or deep == DEEPEST or self._is_student(item.name):
            return False
        if self._reader(inside):
            return True
        # A folder with one of these names shows that the item is a student's copy of the course.
        if any(each.name in ("exercises", "notebooks") for each in inside):
            return False
        notebooks = [each for each in inside if each.file and _NOTEBOOK.fullmatch(each.name)]
        if any(self._is_assignment(each.name) for each in notebooks):
            return False
        holders = [each for each in inside if each.is_container and self._holds_notebook(each)]
        if len(notebooks) + len(holders) > 1:
            return True
        return bool(holders) and self._is_wrapper(holders[0], deep + 1)

    def _is_student(self, name):
        """Return whether a student of an earlier delivery or of the class list has this name."""
        known = name in self.students or any(each["name"] == name for each in self.students.values())
        return known or bool(self.roster and self.roster.match([Owner("", "", name)]))

    def _inside(self, item):
        if item.file is None:
            return _grouped(item.files, item.depth)
        try:
            return _grouped(self._without_system(sources.in_archive(item.file)), item.depth)
        except Unreadable:
            return []

    @staticmethod
    def _holds_notebook(item):
        return any(file.is_archive or _NOTEBOOK.fullmatch(file.parts[-1]) for file in item.files)

    def _is_assignment(self, name):
        """Return whether a file is named like the assignment, or like a copy of it."""
        match = _NOTEBOOK.fullmatch(name[:LONGEST_NAME])
        stem, wanted = match["stem"].casefold() if match else "", self.assignment.casefold()
        return stem == wanted or _COPY.sub("", stem) == wanted

    def _in_its_folder(self, file):
        return file.parts[-2] == self.assignment and bool(_NOTEBOOK.fullmatch(file.parts[-1]))

    # ---------------------------------------------------------------- to which student an item belongs

    def _plain(self, item):
        """Yield (owner, candidates) for an item that is named after its student."""
        if item.file:
            match = _NOTEBOOK.fullmatch(item.name)
            if item.is_stray:
                self.passed.append((item.file.path, "it is no notebook"))
                return
            stem = match["stem"] if match else Path(item.name).stem
            # For a file such as ann.ipynb.zip, remove .ipynb, too.
            if item.file.is_archive and (match := _NOTEBOOK.fullmatch(stem)):
                stem = match["stem"]
            owner = Owner("", "", stem or item.name)
        else:
            owner = Owner("", "", item.name)
        yield owner, [_candidate(file) for file in item.files]

    def _of_platform(self, items, platform):
        owners = {item.name: platforms.owner(platform, item.name) for item in items}
        if platform == "blackboard":
            owners = _blackboard_users(items, owners)

        def owner_of(item):
            owner = owners[item.name]
            if not owner:
                yield from self._plain(item)
                return
            dated = PLATFORMS[platform].dated
            candidates = [_candidate(file, owner, dated) for file in item.files]
            for each in candidates:
                if owner.file and len(each.file.parts) == item.depth:
                    each.name = owner.file
            yield owner, candidates

        return items, owner_of

    def _gradescope(self, items, metadata, people):
        def owner_of(item):
            if item.file is metadata:
                self.passed.append((metadata.path, "Gradescope's list of names"))
            elif item.name not in people:
                yield from self._plain(item)
            for owner in people.get(item.name, ()):
                yield owner, [_candidate(file, owner, True) for file in item.files]

        return items, owner_of

    def _of_nbgrader(self, items, submitted):
        items = [item for item in items if item is not submitted] + self._inside(submitted)

        def owner_of(item):
            if item.depth == submitted.depth:
                if item.name in _NBGRADER or not self._holds_notebook(item):
                    self.passed += [(file.path, "it lies beside nbgrader's submitted") for file in item.files]
                else:
                    yield from self._plain(item)
                return
            mine, date = [], None
            for file in item.files:
                inside = file.parts[item.depth :]
                if inside == (self.assignment, "timestamp.txt"):
                    date = _utc(_first_line(file))
                    self.passed.append((file.path, "nbgrader's date"))
                elif inside[:1] == (self.assignment,):
                    mine.append(file)
                else:
                    self.passed.append((file.path, "handed in for another assignment"))
            owner = Owner("", "", item.name, date=date)
            if mine:
                yield owner, [_candidate(file, owner) for file in mine]

        return items, owner_of

    # ---------------------------------------------------------------- which of a student's files counts

    def _entry(self, owner, candidates):
        notebooks = _notebooks(candidates)
        if not notebooks:
            candidates = self._unpacked(candidates)
            notebooks = _notebooks(candidates)
        entry = Entry("", owner, problem="" if notebooks else _no_notebook(candidates))
        chosen = max(notebooks, key=self._rank, default=None)
        if chosen:
            entry.file, entry.late = chosen.file, chosen.owner.late
            self._date(entry, chosen)
            if chosen.file.problem:
                entry.problem = f"The notebook can't be read: {chosen.file.problem}."
            elif chosen.file.size > LARGEST:
                entry.problem = _TOO_LARGE
        if owner.platform == "google" and sum(self._is_assignment(each.name) for each in notebooks) > 1:
            self.notes.append(
                f"{owner.name} has several files: if it is the name of two students, rename one."
            )
        others = [each for each in candidates if each is not chosen]
        for each in others[:MOST_NAMED]:
            kind = "an older or other notebook" if _NOTEBOOK.fullmatch(each.name) else "it is no notebook"
            self.passed.append((each.file.path, each.file.problem or kind))
        if len(others) > MOST_NAMED:
            place = "/".join(os.path.commonprefix([each.file.parts for each in others]))
            self.passed.append((place, f"it contains {len(others) - MOST_NAMED:,} more files"))
        return entry

    def _unpacked(self, candidates):
        """Return the candidates, with the files of each archive in place of the archive."""
        opened, found, queue = 0, [], list(candidates)
        while queue:
            each = queue.pop(0)
            if not each.file.is_archive or opened == MOST_ARCHIVES:
                found.append(each)
                continue
            opened += 1
            try:
                inside = self._without_system(sources.in_archive(each.file))
            except Unreadable as error:
                found.append(replace(each, file=replace(each.file, problem=str(error))))
                continue
            if not inside:
                found.append(replace(each, file=replace(each.file, problem="it is an empty archive")))
            queue += [replace(each, file=file, name=file.parts[-1]) for file in inside]
        return found

    def _rank(self, candidate):
        file = candidate.file
        return (
            not file.problem,
            self._is_assignment(candidate.name),
            # In a copy of the course, the lesson's notebook has the same name as the exercise's notebook. The
            # lesson's notebook is in notebooks/, and is not what the student should hand in.
            "notebooks" not in file.parts,
            candidate.date or datetime.min,
            candidate.owner.version,
            file.parts[-2:-1] == (self.assignment,),
            file.path,
        )

    def _date(self, entry, chosen):
        if chosen.dated:
            entry.date = chosen.date
            if self.due and entry.date:
                over = entry.date - self.due
                entry.late_days = max(0, math.ceil(over / timedelta(days=1)))
                entry.late = entry.late or entry.late_days > 0

    # ---------------------------------------------------------------- what the students are called

    def _name(self, entries):
        """Set the id of each entry, and the entry's facts from the class list.

        Returns {id: facts} for the students of the class list who handed in nothing.
        """
        listed = {each["key"]: name for name, each in self.students.items() if each.get("key")}
        known = {
            Owner(each["platform"], each["number"], each["name"]): name
            for name, each in self.students.items()
        }
        earlier = [
            each
            for each, name in known.items()
            if self.students[name]["handed in"] and name not in listed.values()
        ]
        everyone = dict.fromkeys([*(entry.owner for entry in entries), *earlier])
        matched = self.roster.match(list(everyone)) if self.roster else {}
        taken = set(self.students)
        for entry in entries:
            entry.on_roster = matched.get(entry.owner, {})
            entry.student = known.get(entry.owner, "")
        here = {entry.student for entry in entries}
        for entry in entries:
            if not entry.student:
                before = listed.get(key(entry.on_roster), "") if entry.on_roster else ""
                entry.student = before if before not in here else ""
                entry.student = entry.student or _new_id(entry.owner, taken)
            taken.add(entry.student)
        self._look_twice(entries)
        if not self.roster:
            return {}
        others = [entry.student for entry in entries if not entry.on_roster]
        if others:
            self.notes.append(f"Not on the roster, or not certainly: {_some(others, 10)}")
        missing, here = {}, {id(entry.on_roster) for entry in entries}
        before = {id(facts): known[owner] for owner, facts in matched.items() if owner in known}
        for facts in self.roster.students:
            if id(facts) not in here:
                student = before.get(id(facts)) or listed.get(key(facts))
                if not student:
                    name = facts["username"] or facts["name"] or facts["email"]
                    student = _new_id(Owner("", "", name), taken)
                    taken.add(student)
                if self.assignment not in self.students.get(student, {}).get("handed in", ()):
                    missing[student] = facts
        return missing

    def _look_twice(self, entries):
        """Add notes on the entries that the instructor should check.

        There is a note if two names have the same number on a platform, if a student is called like the
        assignment, if it is not known how late a late entry is, and if several names may be one person's.
        """
        claims = {}
        for owner in [entry.owner for entry in entries]:
            claims.setdefault((owner.platform, owner.number), set()).add(owner.name)
        for facts in self.students.values():
            if (facts["platform"], facts["number"]) in claims:
                claims[facts["platform"], facts["number"]].add(facts["name"])
        for (platform, number), names in claims.items():
            if number and len(names) > 1:
                title = PLATFORMS[platform].title
                self.notes.append(
                    f"{' and '.join(sorted(names))} have the same number in {title}, {number}: "
                    "their grades are left out of its table."
                )
        for entry in entries:
            if not entry.owner.platform and self._is_assignment(f"{entry.owner.name}.ipynb"):
                self.notes.append(f"{entry.student} is called like the assignment, and not like a student.")
        undated = [entry.student for entry in entries if entry.late and entry.late_days is None]
        if self.due and undated:
            self.notes.append(f"Late by an unknown time, which costs nothing: {_some(undated, 10)}")
        alike = {}
        for entry in entries:
            stem = re.sub(r"(?:[-_ ]?\(\d+\)|[-_ ]copy\d*)+$", "", entry.owner.name[:LONGEST_NAME].casefold())
            alike.setdefault((entry.owner.platform, entry.owner.number, stem), []).append(entry.student)
        for same in alike.values():
            if len(same) > 1:
                self.notes.append(
                    f"Each of these has a row of its own, and they may be one person: {', '.join(same)}"
                )


def _grouped(files, depth):
    groups = {}
    for file in files:
        groups.setdefault(file.parts[depth], []).append(file)
    return [_Item(name, groups[name], depth + 1) for name in sorted(groups)]


def _candidate(file, owner=None, dated=True):
    owner = owner or Owner("", "", "")
    return _Candidate(file, file.parts[-1], owner.date or file.date, dated or bool(owner.date), owner)


def _notebooks(candidates):
    return [each for each in candidates if _NOTEBOOK.fullmatch(each.name)]


def _no_notebook(candidates):
    broken = next((each.file.problem for each in candidates if each.file.problem), "")
    types = sorted({Path(each.name).suffix.lower() or "no extension" for each in candidates})
    types = re.sub(r"[^\w., ]", "?", ", ".join(types)[:100])
    if broken:
        return f"There is no notebook (.ipynb) in it, and this is why a file can't be read: {broken}."
    return f"There is no notebook (.ipynb) in it, only files of these types: {types}."


def _new_id(owner, taken):
    """Return a new id: the student's name and number, in characters that are safe in file names.

    If the id is in `taken`, a hash of the name and number is added. If the id is too long, it is cut off, and
    the hash is added.
    """
    whole = f"{owner.name}_{owner.number}" if owner.number and owner.number != owner.name else owner.name
    safe = "".join(
        char if unicodedata.category(char)[0] in "LMN" or char in "._@+-" else " " for char in whole
    )
    student = re.sub(r"\s+", "_", safe.strip()).lstrip("._@+-") or "unnamed"
    mark = hashlib.sha256(
        f"{owner.platform} {owner.number} {owner.name}".encode(errors="surrogatepass")
    ).hexdigest()[:8]
    if len(student.encode()) > LONGEST_ID:
        student = f"{student.encode()[:LONGEST_ID].decode(errors='ignore')}-{mark}"
    return f"{student}-{mark}" if student in taken else student


def _blackboard_users(items: list[_Item], owners: dict[str, Owner | None]) -> dict[str, Owner | None]:
    """Return {file name: `Owner`} for Blackboard's files. The user name is both the `number` and the `name`.

    A file's name begins with the assignment's name, "_", and the user name; both names may contain "_".
    Blackboard adds a text file to each attempt. The first line of this text file, such as "Name: Jane Doe
    (jane_doe)", has the user name. If some files lack that text file, their user names are what follows the
    last "_", provided that all these files have the same text before the last "_".
    """
    users = {}
    for item in items:
        owner = owners[item.name]
        if owner and not owner.file and item.file:
            match = re.fullmatch(r"Name: .* \((\S+)\)\s*", _first_line(item.file))
            if match and owner.name.endswith(f"_{match[1]}"):
                users[owner.name] = match[1]
    wholes = {owner.name for owner in owners.values() if owner} - users.keys()
    # If the texts before the last "_" differ, some user names may contain "_", and nothing says which.
    if len({whole.rpartition("_")[0] for whole in wholes}) == 1:
        users |= {whole: whole.rpartition("_")[2] for whole in wholes}
    found = dict(owners)
    for name, owner in owners.items():
        if owner and owner.name in users:
            found[name] = replace(owner, number=users[owner.name], name=users[owner.name])
    return found


def _submitters(metadata: File) -> dict[str, list[Owner]]:
    """Return {folder: owners} for Gradescope's download, from its submission_metadata.yml.

    The file is read line by line, because it also contains what students' programs printed, with a deeper
    indent than the lines that are needed. Only folders with Gradescope's own names count, because a student
    could hand in another file called submission_metadata.yml, which says who owns the other students'
    folders.
    """
    people, folder, part, person = {}, "", "", {}
    try:
        for line in sources.lines(metadata):
            if match := re.fullmatch(r"(\S[^:]*):\s*", line):
                folder, part = match[1], ""
                if re.fullmatch(r"submission_\d+", folder):
                    people[folder] = []
            elif match := re.fullmatch(r"  :(\w+):(.*)", line):
                part = match[1]
                if part == "created_at":
                    for each in people.get(folder, ()):
                        each["date"] = _utc(match[2])
            elif (
                folder in people
                and part == "submitters"
                and (match := re.fullmatch(r"  ([- ]) :(name|sid|email): (.*)", line))
            ):
                if match[1] == "-":
                    person = {}
                    people[folder].append(person)
                person[match[2]] = _scalar(match[3])
    except Unreadable as error:
        raise CourseError(f"{metadata.path} can't be read: {error}.") from None
    return {
        folder: [
            Owner(
                "gradescope",
                each.get("sid") or each.get("email") or folder,
                each.get("name") or each.get("email") or folder,
                date=each.get("date"),
            )
            for each in persons
        ]
        for folder, persons in people.items()
    }


def _scalar(text):
    """Return a YAML value that is written on one line, as text, without the quotes around it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _first_line(file):
    """Return the first line of a file that a platform wrote, or "" if it can't be read."""
    try:
        data = b"" if file.problem else sources.read(file, 1000)
    except Unreadable:
        return ""
    return data.decode(errors="replace").partition("\n")[0]


def _utc(text):
    """Return the local time of a text such as "2026-10-09 21:59:00.000000 UTC", or None if it is no date."""
    match = re.match(r"\s*(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", text)
    try:
        date = datetime.fromisoformat(match[1]).replace(tzinfo=UTC) if match else None
    except ValueError:
        return None
    return date.astimezone().replace(tzinfo=None) if date else None
