"""What is open about each model: marks in 14 dimensions, each with its source.

The dimensions and most marks of the language models are those of Liesenfeld and Dingemanse (2024),
"Rethinking open source generative AI", FAccT, and of the index at https://opening-up-chatgpt.github.io.
"""

from dataclasses import dataclass
from functools import cache

from course_utils import catalog
from course_utils.errors import CourseError

# Points for a mark, as in the index; "unknown" and "does not apply" give none.
POINTS = {"open": 1.0, "partial": 0.5, "closed": 0.0, "unknown": 0.0, "does not apply": 0.0}
MARKS = tuple(POINTS)


@dataclass(frozen=True)
class Mark:
    """How open a model is in one dimension.

    Parameters
    ----------
    mark: one of MARKS.
    note: the reason, in a sentence.
    source: where it can be read; empty when the basis is "unsourced".
    basis: one of catalog.BASES.
    index: the index's own mark, which is ours unless the note says why not; None where it has no entry.
    """

    mark: str
    note: str
    source: str
    basis: str
    index: str | None


@dataclass(frozen=True)
class OpenModel:
    """A published model, and what is open about it.

    Parameters
    ----------
    name, title: its key here ("llama-2") and its name in print.
    kind: "text", "picture" or "sound".
    hub_ids: its repositories on the hub.
    gated: whether the hub asks for an agreement before it gives the weights.
    licence: the licence's name in `course_utils.licences`.
    released: the date, year-month-day or as much of it as the source gives; with its source and basis.
    marks: dict from each of DIMENSIONS to a Mark.
    index_entry, index_score: its file in the index and the points published there; None where it has none.
    """

    name: str
    title: str
    kind: str
    hub_ids: tuple[str, ...]
    gated: bool
    licence: str
    released: str
    released_source: str
    released_basis: str
    marks: dict[str, Mark]
    index_entry: str | None = None
    index_score: float | None = None


@dataclass(frozen=True)
class Statement:
    """What one document says about a model's licence, in its own words."""

    model: str
    where: str
    says: str
    source: str
    basis: str


@dataclass(frozen=True)
class Definition:
    """The Open Source AI Definition: what it asks for, and what its own reviewers found.

    Parameters
    ----------
    version, date, source, basis: which text, of when, and where it can be read.
    freedoms, elements: dicts from a name to what the definition asks for.
    passed, would_pass_with_other_terms, failed: names of the systems reviewed by the Open Source Initiative.
    """

    version: str
    date: str
    source: str
    basis: str
    freedoms: dict[str, str]
    elements: dict[str, str]
    passed: tuple[str, ...]
    would_pass_with_other_terms: tuple[str, ...]
    failed: tuple[str, ...]


@cache
def _tables():
    return catalog.read("openness.toml")


# From a heading to its dimensions, and from each dimension to the question that it asks.
GROUPS = {group: tuple(asked) for group, asked in _tables()["dimensions"].items()}
QUESTIONS = {name: text for asked in _tables()["dimensions"].values() for name, text in asked.items()}
DIMENSIONS = tuple(QUESTIONS)


@cache
def models() -> dict[str, OpenModel]:
    """Every model by name."""
    found = {}
    for name, facts in _tables()["models"].items():
        facts = dict(facts)
        given, source, basis = facts.pop("marks"), facts.pop("source"), facts.pop("basis")
        in_index = "index_entry" in facts
        marks = {
            dimension: Mark(
                mark=given[dimension]["mark"],
                note=given[dimension]["note"],
                source=given[dimension].get("source", source),
                basis=given[dimension].get("basis", basis),
                index=given[dimension].get("index", given[dimension]["mark"]) if in_index else None,
            )
            for dimension in DIMENSIONS
        }
        found[name] = OpenModel(name=name, **(facts | {"hub_ids": tuple(facts["hub_ids"]), "marks": marks}))
    return found


def find(name: str) -> OpenModel:
    """One model by its name, such as "llama-2". Raises CourseError, with the names there are."""
    if name not in models():
        raise CourseError(f"There is no model {name!r} in the openness table: it has {', '.join(models())}.")
    return models()[name]


def score(model: OpenModel | str, index: bool = False) -> float:
    """The points of a model: 1 for each open mark, 0.5 for each partial one.

    model : an OpenModel, or its name
    index : whether to count the index's marks instead of ours

    Raises CourseError for a name that is not there, or when the index has no entry for the model.
    """
    model = find(model) if isinstance(model, str) else model
    if index and model.index_entry is None:
        raise CourseError(f"The index has no entry for {model.title}: leave out index=True.")
    return sum(POINTS[mark.index if index else mark.mark] for mark in model.marks.values())


@cache
def statements() -> tuple[Statement, ...]:
    """What documents say about the models' licences, where they disagree."""
    return tuple(Statement(**facts) for facts in _tables()["statements"])


@cache
def definition() -> Definition:
    """The Open Source AI Definition 1.0 of the Open Source Initiative."""
    facts = _tables()["osaid"]
    lists = ("passed", "would_pass_with_other_terms", "failed")
    return Definition(**(facts | {key: tuple(facts[key]) for key in lists}))
