"""How learning platforms name the files of a download, and which table of grades each of them imports.

docs/grading.md has the sources. Each pattern reads a file's name from the left, because the platform wrote
the beginning. The student chose the end of the file's name, and could write another student's name there.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Owner:
    """The student to whom a file belongs, as the file's name says.

    platform, number : the platform and the student's number or user name in it; "" if there is none
    name : the student's name as it is written in the file's name
    file : the name that the student gave the file, or ""
    date : when the file was handed in, in local time, or None if the name has no date
    late : True if the platform marked the file as late
    version : the number of the version, higher for a later version; 0 if the file's name has no such number
    """

    platform: str
    number: str
    name: str
    file: str = ""
    date: datetime | None = None
    late: bool = False
    version: int = 0


@dataclass(frozen=True)
class Platform:
    """A learning platform.

    title : the platform's name
    pattern : matches the name of a file or folder in its download; the groups are fields of `Owner`
    dated : False if each file in a download has the date of the download, not the date when it was handed in
    needs : names of facts about a student; a row of the platform's table of grades needs at least one of them
    columns : the columns of that table, as (heading, content); both are templates of `str.format`
    """

    title: str
    pattern: re.Pattern | None
    dated: bool
    needs: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]


PLATFORMS = {
    "moodle": Platform(
        "Moodle",
        # The student's name contains no "_", because Moodle replaces each "_" in it by a space.
        re.compile(r"(?P<name>[^_]+)_(?P<number>\d+)_assignsubmission_[a-z]+(?:_(?P<file>.*))?", re.S),
        False,
        ("number",),
        (
            ("Identifier", "Participant {number}"),
            ("Full name", "{name}"),
            ("Grade", "{grade}"),
            ("Last modified (grade)", "{now}"),
            ("Feedback comments", "{comment}"),
        ),
    ),
    "canvas": Platform(
        "Canvas",
        re.compile(
            r"(?:(?!LATE_|anon_)(?P<name>\S+?)_)?(?:(?P<late>LATE)_)?(?P<number>\d+|anon_\w{5})_"
            r"(?:(?P<version>\d+)_(?P<file>.+)|(?:text|link)\.html)"
        ),
        False,
        ("number",),
        (
            ("Student", "{name}"),
            ("ID", "{number}"),
            ("SIS User ID", "{id}"),
            ("SIS Login ID", "{username}"),
            ("Section", ""),
            ("{column}", "{grade}"),
        ),
    ),
    "brightspace": Platform(
        "Brightspace",
        re.compile(
            r"(?P<number>\d+)-\d+ - (?P<name>.+?) - (?P<date>\w+\.? \d{1,2}, \d{4} \d{1,4} [AP]M)"
            r"(?: - (?P<file>.+))?"
        ),
        True,
        ("username", "id"),
        (
            ("OrgDefinedId", "{hash_id}"),
            ("Username", "{username}"),
            ("{column} Points Grade <Numeric MaxPoints:{max}>", "{grade}"),
            ("End-of-Line Indicator", "#"),
        ),
    ),
    "blackboard": Platform(
        "Blackboard",
        # `name` is the assignment's name, "_", and the user name: see `intake._blackboard_users`.
        re.compile(r"(?P<name>.+?)_attempt_(?P<date>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)"),
        True,
        ("username",),
        (
            ("Last Name", "{last}"),
            ("First Name", "{first}"),
            ("Username", "{username}"),
            ("Student ID", "{id}"),
            ("{column} [Total Pts: {max} Score]", "{grade}"),
        ),
    ),
    "google": Platform(
        "Google Classroom",
        re.compile(r"(?P<name>.+?) - (?P<file>.+)"),
        False,
        ("name",),
        (
            ("Last Name", "{last}"),
            ("First Name", "{first}"),
            ("Name", "{name}"),
            ("Email Address", "{email}"),
            ("{column}", "{grade}"),
        ),
    ),
    "gradescope": Platform(
        "Gradescope",
        None,  # `intake._submitters` reads the names in submission_metadata.yml
        True,
        ("id", "email", "name"),
        (
            ("Name", "{name}"),
            ("SID", "{id}"),
            ("Email", "{email}"),
            ("Total Score", "{grade}"),
            ("Max Points", "{max}"),
        ),
    ),
}


def owner(platform: str, name: str) -> Owner | None:
    """Return the owner of a file or folder, or None if the name is not in the platform's form."""
    pattern = PLATFORMS[platform].pattern
    match = pattern.fullmatch(name) if pattern else None
    if not match:
        return None
    found = {key: value for key, value in match.groupdict().items() if value}
    number = found.get("number", "")
    return Owner(
        platform,
        number,
        found.get("name") or number,
        found.get("file", ""),
        _date(found.get("date", "")),
        "late" in found,
        int(found.get("version", 0)),
    )


def recognise(names: Sequence[str], is_assignment) -> str:
    """Return the platform that named most of these files and folders, or "".

    is_assignment : tells whether a file is named like the assignment
    """
    for platform in PLATFORMS:
        owners = [each for each in (owner(platform, name) for name in names) if each]
        versions = [each.version for each in owners if each.version]
        # In Canvas no two files have the same version, so hw_1_2_ann and hw_1_2_bob are not from Canvas.
        if len(versions) > len(set(versions)):
            continue
        if platform == "google":  # names that Google did not make may also contain " - "
            owners = [each for each in owners if is_assignment(each.file)]
        if 2 * len(owners) > len(names):
            return platform
    return ""


def _date(text):
    """Return the date of a text like "2026-10-09-23-59-00" or "Oct 9, 2026 1159 PM"; None for other texts."""
    with contextlib.suppress(ValueError):
        return datetime.strptime(text, "%Y-%m-%d-%H-%M-%S")
    if match := re.fullmatch(r"(\w{3})\w*\.? (\d+), (\d+) (\d+) ([AP]M)", text):
        month, day, year, time, half = match.groups()
        time = time.zfill(2) + "00" if len(time) <= 2 else time.zfill(4)
        with contextlib.suppress(ValueError):
            return datetime.strptime(f"{month} {day} {year} {time} {half}", "%b %d %Y %I%M %p")
    return None
