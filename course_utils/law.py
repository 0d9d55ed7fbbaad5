"""Reads the course's facts on the law on open models, and the list of what the course did not read.

Each fact has the day on which it was read, and says whom it concerns and where a reader can check it.

The facts in catalog/law.toml are on the European Union's AI Act, licences that leave Europe out, court cases,
definitions of "open", and makers that changed whether they publish their weights. None of this is legal
advice: before you depend on a fact, read it where it can be checked, and ask someone who is allowed to advise
you.
"""

from dataclasses import dataclass
from functools import cache

from course_utils import catalog
from course_utils.errors import CourseError


@dataclass(frozen=True)
class Fact:
    """One fact on the law, a licence, a court case or a definition.

    Parameters
    ----------
    name: the fact's key in law.toml, such as "gpai-open".
    group: a key of `groups()`.
    who: the readers whom the fact concerns, as keys of `readers()`.
    since: when the fact began to hold, or when it happened, as year-month-day, year-month or year.
    text: the fact.
    source: where it can be checked.
    copy: where the course read the fact, if not at `source`.
    basis: one of catalog.BASES.
    read: the day on which the course read the fact, as year-month-day.
    """

    name: str
    group: str
    who: tuple[str, ...]
    since: str
    text: str
    source: str
    copy: str
    basis: str
    read: str


@dataclass(frozen=True)
class NotRead:
    """Something that the course did not read: what it is, where it can be read, and why it was not read."""

    what: str
    where: str
    why: str


@cache
def _tables():
    return catalog.read("law.toml")


def readers() -> dict[str, str]:
    """Return {key: description} for the kinds of readers, such as "you share a model, …"."""
    return dict(_tables()["readers"])


def groups() -> dict[str, str]:
    """Return {key: heading} for the groups of facts."""
    return dict(_tables()["groups"])


@cache
def _every() -> dict[str, Fact]:
    return {
        name: Fact(name=name, **(facts | {"who": tuple(facts["who"])}))
        for name, facts in _tables()["facts"].items()
    }


def facts(who: str | None = None, group: str | None = None) -> dict[str, Fact]:
    """Return facts by name, in the order of the groups.

    who : a key of `readers()`; if given, only facts that concern this kind of reader are returned
    group : a key of `groups()`; if given, only facts of this group are returned

    Raises CourseError for another key.

    Example
    -------
    >>> list(facts(who="work", group="act"))
    ['deepfakes', 'literacy']
    """
    for given, known in ((who, readers()), (group, groups())):
        if given is not None and given not in known:
            names = ", ".join(known)
            raise CourseError(f"There is no {given!r} in the table of the law: choose one of {names}.")
    return {
        name: fact
        for name, fact in _every().items()
        if (who is None or who in fact.who) and (group is None or group == fact.group)
    }


def not_read() -> tuple[NotRead, ...]:
    """Return what the course did not read, in no particular order."""
    return tuple(NotRead(**entry) for entry in _tables()["not_read"])
