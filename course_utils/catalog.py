"""The course's models and lessons, each fact once: `catalog.toml` as dataclasses."""

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from course_utils.errors import CourseError

SIZES = ("tiny", "small", "full")


@dataclass(frozen=True)
class File:
    """One file that the cache keeps, with the bytes it must hold."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """One place that a model's files can be had from: a package of the package index, or a hub repository."""

    kind: str
    bytes: int = 0
    file: str | None = None
    package: str | None = None
    version: str | None = None
    member: str | None = None
    sha256: str | None = None
    repository: str | None = None
    revision: str | None = None

    def __str__(self):
        if self.kind == "package":
            return f"package {self.package} {self.version}"
        return f"hub repository {self.repository}"


@dataclass(frozen=True)
class Model:
    """A model of the course. Sizes are in bytes; `memory_bytes` is the peak of a process that runs it."""

    name: str
    family: str
    size: str
    title: str
    maker: str
    licence: str
    gated: bool
    parameters: int
    architecture: str
    weights: str
    download_bytes: int
    disk_bytes: int
    memory_bytes: int
    hub_id: str
    hub_revision: str
    format: str
    source: str
    sources: tuple[Source, ...]
    file: File | None = None


@dataclass(frozen=True)
class Lesson:
    """A lesson: the model families that it opens at its default size, and the claims that it settles."""

    name: str
    title: str
    models: tuple[str, ...]
    size: str
    claims: tuple[int, ...]
    competencies: tuple[int, ...]
    minutes: int


@cache
def _read():
    return tomllib.loads(Path(__file__).with_name("catalog.toml").read_text(encoding="utf-8"))


@cache
def models() -> dict[str, Model]:
    """Every model of the catalogue by name."""
    found = {}
    for name, facts in _read()["models"].items():
        file = File(**facts["file"]) if "file" in facts else None
        sources = tuple(Source(**source) for source in facts["sources"])
        found[name] = Model(name=name, **(facts | {"file": file, "sources": sources}))
    return found


@cache
def lessons() -> dict[str, Lesson]:
    """Every lesson by name, in the order of the course."""
    tuples = ("models", "claims", "competencies")
    return {
        name: Lesson(name=name, **(facts | {key: tuple(facts[key]) for key in tuples}))
        for name, facts in sorted(_read()["lessons"].items())
    }


def find(name: str, size: str | None = None) -> Model:
    """The catalogue's entry for a model's own name, or for a family at a size.

    name : a name such as "smollm2-135m-instruct", or a family such as "llama"
    size : "tiny", "small" or "full"; by default the environment's COURSE_SIZE, else the family's smallest.

    Raises CourseError when there is no such model.
    """
    if name in models():
        return models()[name]
    family = {model.size: model for model in models().values() if model.family == name}
    if not family:
        families = sorted({model.family for model in models().values()})
        raise CourseError(
            f"There is no model or family named {name!r}: the families are {', '.join(families)}, "
            f"the models {', '.join(models())}."
        )
    asked = size or os.environ.get("COURSE_SIZE") or next(each for each in SIZES if each in family)
    if asked not in SIZES:
        raise CourseError(
            f"There is no size {asked!r}: choose one of {', '.join(SIZES)} (argument or COURSE_SIZE)."
        )
    if asked not in family:
        raise CourseError(
            f"{name} has no size {asked!r} yet: choose one of {', '.join(s for s in SIZES if s in family)}."
        )
    return family[asked]
