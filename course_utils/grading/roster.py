"""Reads a class list, and finds the student to whom a submission belongs.

The list is a CSV file, which a platform exported from a gradebook or a list of participants, or which the
instructor wrote. The columns are recognised by their headings.
"""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from course_utils import files
from course_utils.errors import CourseError
from course_utils.grading.platforms import Owner

_HEADINGS = {
    "name": ("name", "full name", "student", "student name", "display name"),
    "first": ("first name", "given name", "firstname"),
    "last": ("last name", "family name", "surname", "lastname"),
    "username": ("username", "user name", "sis login id", "login id", "login", "github_username"),
    "email": ("email address", "email", "e-mail"),
    "id": ("orgdefinedid", "sis user id", "student id", "id number", "sid"),
    "number": ("id", "identifier"),  # Canvas has the heading "id", and Moodle has "identifier"
}
_NOBODY = ("points possible", "student, test")  # Canvas's rows with these names are not students


@dataclass
class Roster:
    """A class list.

    students : for each student a dict with the keys of _HEADINGS; a fact that is not known is ""
    headings : the headings of the file, in order
    """

    students: list[dict[str, str]]
    headings: list[str]

    def match(self, owners: list[Owner]) -> dict[Owner, dict[str, str]]:
        """Return {owner: student of the list} for the submissions whose owners are certainly on the list.

        A name or user name identifies a student if nobody else on the list, and no other submission, has it.
        If two students have the same name, their numbers in the platform identify them.
        """
        found, taken = {}, set()
        for kind in ("number", "username", "name", "ending"):
            mine = _by_word((owner, _words(kind, owner)) for owner in owners if owner not in found)
            students = enumerate(self.students)
            theirs = _by_word(
                (index, _own_words(kind, each)) for index, each in students if index not in taken
            )
            for word in sorted(mine.keys() & theirs.keys()):
                if len(mine[word]) == len(theirs[word]) == 1:
                    (owner,), (index,) = mine[word], theirs[word]
                    if index not in taken and owner not in found:
                        found[owner] = self.students[index]
                        taken.add(index)
        return found


def _by_word(pairs):
    by_word = {}
    for thing, words in pairs:
        for word in words - {""}:
            by_word.setdefault(word, set()).add(thing)
    return by_word


def read(path: Path) -> Roster:
    """Read a class list. Raises CourseError if the file can't be read, or has no names."""
    headings, rows = files.read_csv(path)
    columns = {fact: _column(headings, names) for fact, names in _HEADINGS.items()}
    if all(columns[fact] is None for fact in ("name", "last", "username", "email")):
        raise CourseError(
            f"The roster {path} has no column Name, Last Name, Username or Email: add a first line."
        )
    students = []
    for _, row in rows:
        student = {fact: row.get(column, "").strip() for fact, column in columns.items()}
        for fact in ("id", "username"):
            student[fact] = student[fact].removeprefix("#")  # Brightspace begins ids with #
        student["number"] = re.sub(r"^\D+(?=\d+$)", "", student["number"])
        if not student["name"]:
            student["name"] = " ".join(filter(None, (student["first"], student["last"])))
        if any(student.values()) and not student["name"].lower().startswith(_NOBODY):
            students.append(student)
    if not students:
        raise CourseError(f"The roster {path} names nobody.")
    return Roster(students, headings)


def _column(headings, names):
    plain = {heading.strip().lower(): heading for heading in reversed(headings)}
    return next((plain[name] for name in names if name in plain), None)


def key(student: dict[str, str]) -> str:
    """Return an identifier of a student on a list, such as "id:4711", which stays the same in later lists."""
    return next(
        (f"{fact}:{student[fact]}" for fact in ("id", "username", "email", "name") if student[fact]), ""
    )


def plain(text: str) -> str:
    """Return a name's letters and digits in lower case, because Canvas writes "Doe, Jane" as "doejane"."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in text if unicodedata.category(char)[0] in "LMN")


def _words(kind, owner):
    """Return the names or numbers of a submission's owner that `Roster.match` looks for on the class list.

    kind : what to compare: "number" (together with the name), "username", "name", or "ending" (what follows a
        hyphen in the name)
    """
    if kind == "number":
        return {f"{owner.number} {plain(owner.name)}" if owner.number else ""}
    if kind == "ending":  # GitHub Classroom names a clone "assignment-user", such as tokens-ann
        return (
            set()
            if owner.platform
            else {plain(owner.name[at.end() :]) for at in re.finditer("-", owner.name)}
        )
    return {plain(owner.name), plain(owner.number) if owner.platform == "gradescope" else ""}


def _own_words(kind, student):
    """Return the names or numbers of a student on the class list that `Roster.match` compares with `_words`.

    kind : as in `_words`
    """
    email, name = student["email"], student["name"]
    if kind in ("username", "ending"):
        return {plain(word) for word in (student["username"], email, email.partition("@")[0], student["id"])}
    names = {name, student["first"] + student["last"], student["last"] + student["first"]}
    if "," in name:  # such as "Doe, Jane"
        names.add("".join(reversed(name.split(",", 1))))
    elif " " in name:  # the folder of "Jane Doe" may be called "Doe, Jane"
        names.add("".join(reversed(name.rsplit(" ", 1))))
    names = {plain(each) for each in names}
    return {f"{student['number']} {each}" for each in names} if kind == "number" else names
