"""Tells how open published models are, by marks in 14 dimensions, each mark with its source.

The dimensions, and most marks of the language models, come from Liesenfeld and Dingemanse (2024),
"Rethinking open source generative AI", FAccT, and from the index at https://opening-up-chatgpt.github.io.
"""

from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

from course_utils import catalog
from course_utils.errors import CourseError

# Points for each mark, as the opening-up-chatgpt index counts them.
POINTS = {"open": 1.0, "partial": 0.5, "closed": 0.0, "unknown": 0.0, "does not apply": 0.0}
MARKS = tuple(POINTS)
# The files of the opening-up-chatgpt index, in the version that we read.
_INDEX = "https://github.com/opening-up-chatgpt/opening-up-chatgpt.github.io/blob/801f68773ae7f7d9e527afb7bbaf3e9d8d29f2fb"
# The files of the European Open Source AI Index, in the version that we read.
_EUROPEAN = (
    "https://github.com/Language-Technology-Assessment/main-database/blob/"
    "5a388e871b88735e7ab7e6fb230b76c9d460d99a"
)


@dataclass(frozen=True)
class Mark:
    """How open a model is in one dimension.

    Parameters
    ----------
    mark: one of MARKS.
    note: the reason for the mark, in a sentence.
    source: where the facts can be read; empty if the basis is "unsourced".
    basis: one of catalog.BASES.
    index: the mark in the opening-up-chatgpt index, or None if the index has no entry for the model. If
        `mark` differs from the mark in the index, `note` says why.
    """

    mark: str
    note: str
    source: str
    basis: str
    index: str | None


@dataclass(frozen=True)
class OpenModel:
    """A published model, and how open the model is.

    Parameters
    ----------
    name, title: the model's key in this module ("llama-2") and its name for readers.
    kind: "text", "picture" or "sound".
    hub_ids: the model's repositories on the hub.
    gated: True if a source says that the hub asks for an agreement before a download of the weights.
    licence: the licence's name in `course_utils.licences`, or "" if its text could not be read.
    released: the date, as year-month-day, or the part of it that the source gives.
    released_source, released_basis: where the date can be read, and one of catalog.BASES.
    marks: dict from each of DIMENSIONS to a Mark.
    index_entry, index_score: the model's file and points in the opening-up-chatgpt index; None if the index
        has no entry for the model.
    later: True if the model came out after the models in "the article", the magazine article whose claims the
        course checks. Only then are `maker`, `read`, `blueprints` and `not_read` filled.
    maker: who made it.
    read: the day on which the sources of the marks were read, year-month-day.
    blueprints: names that `course.blueprint` takes, of models in this model's family.
    not_read: what was looked for and could not be read, as sentences.
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
    later: bool = False
    maker: str = ""
    read: str = ""
    blueprints: tuple[str, ...] = ()
    not_read: tuple[str, ...] = ()


@dataclass(frozen=True)
class Statement:
    """What one document says about a model's licence, in the document's own words."""

    model: str
    where: str
    says: str
    source: str
    basis: str


@dataclass(frozen=True)
class Definition:
    """The Open Source AI Definition: what it asks of a system, and which systems its authors found to comply.

    Parameters
    ----------
    version, date, source, basis: the version and date of the text, where it can be read, and one of BASES.
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


# GROUPS maps each heading to its dimensions, and QUESTIONS maps each dimension to its question.
GROUPS = {group: tuple(asked) for group, asked in _tables()["dimensions"].items()}
QUESTIONS = {name: text for asked in _tables()["dimensions"].values() for name, text in asked.items()}
DIMENSIONS = tuple(QUESTIONS)


def models() -> dict[str, OpenModel]:
    """Return by name the models that lesson 01 compares. `later` returns the models that are newer."""
    return {name: model for name, model in _every().items() if not model.later}


def later() -> dict[str, OpenModel]:
    """Return by name the models that came out after the models in "the article", see `OpenModel`."""
    return {name: model for name, model in _every().items() if model.later}


@cache
def _every():
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
        lists = {key: tuple(facts[key]) for key in ("hub_ids", "blueprints", "not_read") if key in facts}
        found[name] = OpenModel(name=name, **(facts | lists | {"marks": marks}))
    return found


def find(name: str) -> OpenModel:
    """Return a model by its name, such as "llama-2". Raises CourseError if there is none."""
    if name not in _every():
        raise CourseError(f"There is no model {name!r} in the openness table: it has {', '.join(_every())}.")
    return _every()[name]


def score(model: OpenModel | str, index: bool = False) -> float:
    """Return the points of a model: 1 for each open mark, 0.5 for each partial one.

    model : an OpenModel, or its name
    index : True to count the marks of the opening-up-chatgpt index in place of the course's marks

    Raises CourseError for an unknown name, or if `index` is True and the index has no entry for the model.
    """
    model = find(model) if isinstance(model, str) else model
    if index and model.index_entry is None:
        raise CourseError(f"The index has no entry for {model.title}: leave out index=True.")
    return sum(POINTS[mark.index if index else mark.mark] for mark in model.marks.values())


def address(source: str) -> str:
    """Return the web address of a mark's source, or "" if the source has none.

    source : one address, several addresses with ";" between them (then the first is returned), a file of the
        opening-up-chatgpt index or of the European Open Source AI Index, or a file of transformers or
        diffusers
    """
    if source.startswith("osai-index, "):
        return f"{_EUROPEAN}/{quote(source.removeprefix('osai-index, '))}"
    if source.startswith("opening-up-chatgpt, "):
        return f"{_INDEX}/{source.removeprefix('opening-up-chatgpt, ')}"
    library = source.partition("/")[0]
    if library in ("transformers", "diffusers"):
        return f"https://github.com/huggingface/{library}/tree/main/src/{source}"
    return source.partition(";")[0] if source.startswith("http") else ""


@cache
def statements() -> tuple[Statement, ...]:
    """Return what documents say about a model's licence, for those models whose documents disagree."""
    return tuple(Statement(**facts) for facts in _tables()["statements"])


@cache
def definition() -> Definition:
    """Return the Open Source AI Definition 1.0 of the Open Source Initiative."""
    facts = _tables()["osaid"]
    lists = ("passed", "would_pass_with_other_terms", "failed")
    return Definition(**(facts | {key: tuple(facts[key]) for key in lists}))
