"""Lists facts of the course with the day on which each was read, the oldest first, for `course freshness`.

A table of the catalogue states the day in `read = "2026-11-27"` or in a key that ends in `_read`. In a text,
the day comes after "read", "as of", "list of", "file of", "pricing" or "price", as in "as of 31 January
2026". Facts of the catalogue without a day are only counted, because nobody can say how old they are.
"""

import json
import re
from dataclasses import dataclass
from datetime import date

from course_utils import catalog
from course_utils.errors import CourseError

_MONTHS = ["January", "February", "March", "April", "May", "June"]
_MONTHS += ["July", "August", "September", "October", "November", "December"]
_IN_WORDS = re.compile(
    r"\b(read|as of|list of|file of|prices?|pricing)\b(?P<between>[^.;\n]{0,60}?)"
    rf"\b(?P<day>\d{{1,2}}) (?P<month>{'|'.join(_MONTHS)}) (?P<year>20\d\d)\b",
    re.IGNORECASE,
)
# The first line of a table in a TOML file of the catalogue, such as [["llama-3.2-community".clauses]].
_TABLE = re.compile(r"\[\[?(?P<name>[\w\".-]+)\]\]?$")
# Patterns of the files in which `_in_texts` looks for dates, relative to the course's folder. If the course
# was installed from a wheel, only some of these files exist.
_TEXTS = (
    "notebooks/*.ipynb",
    "solutions/*/*.ipynb",
    "docs/*.md",
    "course_utils/catalog/*.toml",
    "tests/colab_versions.txt",
)
# The tables of the catalogue whose facts grow old: (file, key of the facts in the file, kind of the facts).
# The key is "" if the facts are at the top level of the file.
_TABLES = (
    ("blueprints.toml", "models", "blueprint"),
    ("openness.toml", "models", "openness"),
    ("licences.toml", "", "licence"),
    ("law.toml", "facts", "law"),
    ("trainings.toml", "", "training"),
)


@dataclass(frozen=True)
class DatedFact:
    """A fact, and the day on which it was read.

    what: the fact in a few words, such as "licence flux-dev".
    where: the path of the file that states the fact, relative to the course's folder.
    read: the day on which the fact was read.
    """

    what: str
    where: str
    read: date

    @property
    def short(self) -> str:
        """The fact or, if it has more than 60 characters, "…" and its last 59 characters."""
        return self.what if len(self.what) <= 60 else f"…{self.what[-59:]}"

    def days(self, today: date) -> int:
        """Return the fact's age in days."""
        return (today - self.read).days

    def is_older(self, months: int, today: date) -> bool:
        """Return whether more than `months` calendar months have passed since the fact was read."""
        passed = 12 * (today.year - self.read.year) + today.month - self.read.month
        return passed > months or (passed == months and today.day > self.read.day)


def facts(words=()) -> list[DatedFact]:
    """Return the dated facts of the course, the oldest first.

    words : if given, a fact is returned only if its text or the path of its file contains one of these words

    Raises CourseError if a table has a `read` that is not a day, or if no fact has one of the words.
    """
    found = {*_in_tables(), *_in_texts()}
    if words:
        found = {fact for fact in found if any(word in f"{fact.what} {fact.where}" for word in words)}
        if not found:
            named = ", ".join(repr(word) for word in words)
            raise CourseError(f"No dated fact has {named}: leave the words out to see all.")
    return sorted(found, key=lambda fact: (fact.read, fact.where, fact.what))


def by_kind() -> dict[str, tuple[int, int]]:
    """Return {kind of facts: (how many in the catalogue state a day, how many do not)}."""
    return _counted(lambda kind, entry: kind)


def by_lesson() -> dict[str, tuple[int, int]]:
    """Return {"lesson 19" or "the lessons before": (how many entries have a day, how many have none)}.

    The entries on the law and the entries that have `later = true` belong to lesson 19.
    """
    new, old = "lesson 19", "the lessons before"
    counts = _counted(lambda kind, entry: new if kind == "law" or entry.get("later") else old)
    return {new: counts[new], old: counts[old]}


def _counted(group):
    """Count the entries of the catalogue with and without a day.

    Returns {name of a group: (how many entries have a day, how many have none)}.

    group : a function that takes the kind of an entry and the entry, and returns the name of its group
    """
    counts = {}
    for file, key, kind in _TABLES:
        for entry in _entries(file, key).values():
            counts.setdefault(group(kind, entry), [0, 0])["read" not in entry] += 1
    return {name: tuple(pair) for name, pair in counts.items()}


def undated() -> dict[str, int]:
    """Return {kind of facts: how many in the catalogue have no day}."""
    return {kind: without for kind, (_, without) in by_kind().items() if without}


def _entries(file, key):
    tables = catalog.read(file)
    return tables[key] if key else tables


def _in_tables():
    for file, key, kind in _TABLES:
        where = f"course_utils/catalog/{file}"
        for name, entry in _entries(file, key).items():
            if "read" in entry:
                yield DatedFact(f"{kind} {name}", where, _day(entry["read"], f"{name} in {where}"))
        for group, entry in catalog.read(file).items():
            for field, value in entry.items() if isinstance(entry, dict) else ():
                if field.endswith("_read"):
                    yield DatedFact(f"{group} {field}", where, _day(value, f"{group} in {where}"))


def _day(text, where):
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise CourseError(f"{where} has read = {text!r}, which is not a day such as 2026-11-27.") from error


def _in_texts():
    folder = catalog.course_folder()
    for pattern in _TEXTS:
        for path in sorted(folder.glob(pattern)):
            where = path.relative_to(folder).as_posix()
            table = ""
            for line in _lines(path):
                if path.suffix == ".toml" and (opening := _TABLE.match(line)):
                    table = opening["name"].replace('"', "") + ": "
                for match in _IN_WORDS.finditer(line):
                    day, month, year = (match[part] for part in ("day", "month", "year"))
                    start = max(0, line.rfind(" ", 0, max(0, match.start() - 50)) + 1)
                    # The fact is the part of the sentence that ends with the day. It begins at most about 50
                    # characters before the match.
                    words = line[start : match.start()].split(". ")[-1] + match[0]
                    what = " ".join(words.split()).strip("\"'#*-_ ")
                    read = date(int(year), _MONTHS.index(month.title()) + 1, int(day))
                    yield DatedFact(table + what, where, read)


def _lines(path):
    """Return the lines of a text file or, for a notebook, the lines of its cells without their outputs."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text.splitlines()
    return [line for cell in json.loads(text)["cells"] for line in "".join(cell["source"]).splitlines()]
