"""Licences of models, divided into clauses, each with its section and the licence's own words.

This is one reading of the texts, in the versions that `Licence.version` and `Licence.date` state. It is not
legal advice: before you depend on an answer, read the sections that it cites, and ask someone who is allowed
to advise you. Most definitions are left out, and so are provisions that neither grant, require, forbid nor
end anything. The data is in catalog/licences.toml.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from course_utils import catalog
from course_utils.errors import CourseError

KINDS = ("permission", "condition", "prohibition", "termination", "disclaimer", "definition")
TOPICS = (
    "use and share",
    "commercial use",
    "hosting",
    "users cap",
    "where you are",
    "revenue cap",
    "use restrictions",
    "policy may change",
    "improve other models",
    "outputs",
    "your own versions",
    "licence text",
    "notices",
    "naming",
    "pass restrictions on",
    "patents",
    "trademarks",
    "contributions",
    "updates",
    "warranty",
    "accountability",
    "liability",
    "indemnity",
    "termination",
    "governing law",
)
USES = (
    "study and modify it",
    "sell a product built on it",
    "serve it to a billion monthly users",
    "offer it to others as a hosted service",
    "train another large model of its kind on its outputs",
    "ship it without naming it",
    "use it for medical advice",
    "have a revenue of over a million dollars a year",
    "build on it in the European Union",
)
ANSWERS = ("yes", "yes, with conditions", "ask first", "no", "cannot know")

# If a licence's clauses on a topic are of several kinds, `Licence.mark` returns the kind that comes first in
# this list. "permission" comes before "termination". Otherwise the mark of the Apache licence on patents,
# which it grants and may also end, would be "termination".
_RANKS = ("prohibition", "condition", "disclaimer", "permission", "termination", "definition")
SILENT, UNREAD = "says nothing", "not read"


@dataclass(frozen=True)
class Clause:
    """One clause of a licence.

    Parameters
    ----------
    section: the clause's section, numbered as in the text; no two clauses of a licence have the same section.
    kind: one of KINDS.
    topic: one of TOPICS, so that licences can be compared.
    summary: the clause in our words.
    quote: the clause's operative words, verbatim except for line breaks.
    """

    section: str
    kind: str
    topic: str
    summary: str
    quote: str

    def __str__(self):
        return f"{self.section}: {self.summary} “{self.quote}”"


class Verdict(NamedTuple):
    """The answer to the question whether a licence allows a use.

    Parameters
    ----------
    answer: one of ANSWERS.
    why: the reason in a sentence.
    clauses: the clauses that support the answer.
    word: what decides the answer, in two or three words, such as "use policy"; empty for a plain yes.
    """

    answer: str
    why: str
    clauses: tuple[Clause, ...]
    word: str = ""


@dataclass(frozen=True)
class Licence:
    """A licence, as the course read it.

    Parameters
    ----------
    name: the licence's key, such as "llama-3-community".
    title, author, version: as in the text; `short` is a shorter name for the head of a column.
    date: the text's date, such as "2024-04-18" or "2004-01", or empty if it has none.
    osi_approved: True if the Open Source Initiative lists the licence as approved; `osi_source` has the
        address of that list.
    url: the address of the text.
    basis: one of catalog.BASES.
    note: what was read, and how sections without a number are named.
    whole: False if a part, such as a use policy, could not be read; a missing clause then proves nothing.
    clauses: tuple of Clause, in the order of the text.
    uses: dict from each of USES to its Verdict.
    later: True if the course has this licence only for models that came out after those in "the article", the
        magazine article whose claims the course checks.
    read: the day on which the text was read, year-month-day; empty if it was not noted.
    """

    name: str
    title: str
    short: str
    author: str
    version: str
    date: str
    osi_approved: bool
    osi_source: str
    url: str
    basis: str
    note: str
    whole: bool
    clauses: tuple[Clause, ...]
    uses: dict[str, Verdict]
    later: bool = False
    read: str = ""

    def about(self, topic: str) -> tuple[Clause, ...]:
        """Return the clauses on one of TOPICS. Raises CourseError for another topic."""
        if topic not in TOPICS:
            raise CourseError(f"There is no topic {topic!r}: choose one of {'; '.join(TOPICS)}.")
        return tuple(clause for clause in self.clauses if clause.topic == topic)

    def section(self, name: str) -> Clause:
        """Return the clause of a section. Raises CourseError if no clause has that section."""
        for clause in self.clauses:
            if clause.section == name:
                return clause
        sections = "; ".join(clause.section for clause in self.clauses)
        raise CourseError(f"{self.title} has no section {name!r} here: its sections are {sections}.")

    def mark(self, topic: str) -> str:
        """Return which kind of clause the licence has on a topic: of several kinds, the first in _RANKS.

        Without a clause on the topic, return SILENT, or UNREAD if a part of the licence could not be read.
        """
        kinds = {clause.kind for clause in self.about(topic)}
        return next((kind for kind in _RANKS if kind in kinds), SILENT if self.whole else UNREAD)


@cache
def _every():
    return {name: _licence(name, facts) for name, facts in catalog.read("licences.toml").items()}


def all() -> dict[str, Licence]:
    """Return by name the licences that lesson 01 compares. `later` returns the licences of later models."""
    return {name: licence for name, licence in _every().items() if not licence.later}


def later() -> dict[str, Licence]:
    """Return by name the licences that the course has only for later models (see `Licence.later`)."""
    return {name: licence for name, licence in _every().items() if licence.later}


def find(name: str) -> Licence:
    """Return the licence with this name. Raises CourseError if there is none."""
    if name not in _every():
        raise CourseError(f"There is no licence named {name!r}: choose one of {', '.join(_every())}.")
    return _every()[name]


def may(licence: Licence | str, use: str) -> Verdict:
    """Look up whether a licence allows a use.

    licence : a Licence or its name
    use : one of USES

    Returns a Verdict: the answer, the reason in a sentence, the clauses that support the answer, and what
    decides it. Raises CourseError for an unknown name or use.

    Example
    -------
    >>> may("llama-4-community", "build on it in the European Union").answer
    'no'
    """
    licence = licence if isinstance(licence, Licence) else find(licence)
    if use not in licence.uses:
        raise CourseError(f"There is no use {use!r}: choose one of {'; '.join(USES)}.")
    return licence.uses[use]


def _licence(name, facts):
    clauses = {clause["section"]: Clause(**clause) for clause in facts["clauses"]}
    uses = {
        use["use"]: Verdict(
            use["answer"],
            use["why"],
            tuple(clauses[section] for section in use["sections"]),
            use.get("word", ""),
        )
        for use in facts["uses"]
    }
    return Licence(name=name, **(facts | {"clauses": tuple(clauses.values()), "uses": uses}))
