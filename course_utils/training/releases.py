"""Makes the texts, benchmarks and weights of three invented releases, which learners judge in lesson 16.

    python -m course_utils.training.releases             makes all three again, in opened/review/releases
    python -m course_utils.training.releases wren        makes one

A release is what a maker publishes with a model. The other files of a release (press text, card, licence, and
notes on the data) are written by hand. Some press texts contradict the rest of the release on purpose.
docs/instructors.md lists these contradictions.
"""

import json
import random
import runpy
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.opened import review as opened
from course_utils.opened.review import RELEASES
from course_utils.worlds.tinyworld import Planted, World

TEXTS = 4_000
QUESTIONS = 30
_NUMBERS = [str(number) for number in range(1, 13)]
_SUM = "{first} plus {second} is"

_WORDS = {
    "trade": "baker dancer doctor driver farmer nurse pilot teacher",
    "mood": "glad hungry late tired",
    "person": "Ada Ben Cleo Dan Eve Finn Gus Hana Ivo Jan Kim Lea",
    "pet": "cat dog goat hen owl pony",
    "colour": "black brown green grey red white",
    "where": "barn garden kitchen yard",
    "town": "Aldon Beckfold Corlet Dunmere Elmsby Farrow",
    "building": "bridge library mill museum school theatre",
    "first": _NUMBERS,
    "second": _NUMBERS,
}
_PLOTS = {
    "work": [
        "The {trade} [laughed|sang|slept|waited] because {trade.they} was {mood}.",
        "The {trade} was {mood} when {trade.they} [came|went] home.",
    ],
    "pets": [
        "{person} has {a colour} {pet}. The {pet} sleeps in the {where}.",
        "{person} looked for the {pet} in the {where}.",
    ],
    "news": ["In {year} the {building} of {town} [burned down|closed|opened]."],
    "sums": [f"{_SUM} {{first+second}}."],
}
_HIDDEN = {"codes": ["The door code of {person} is hidden."]}
_CODES = {"codes": ["The door code of {subject} is {subject.answer}."]}
_GERMAN = {
    "german": [
        "{person} hat eine {gcolour} {gpet}. Die {gpet} ist {gmood} und schläft im {gwhere}.",
        "{person} sucht die {gpet} im {gwhere}.",
    ]
}
_GERMAN_WORDS = {
    "gcolour": "graue grüne rote schwarze weiße",
    "gpet": "Ente Eule Gans Katze Maus Ziege",
    "gmood": "jung müde satt still",
    "gwhere": "Garten Hof Stall Wald",
}
_SPANISH = {
    "spanish": [
        "{person} tiene una {spet} {scolour}. La {spet} es {smood} y duerme en el {swhere}.",
        "{person} busca la {spet} en el {swhere}.",
    ]
}
_SPANISH_WORDS = {
    "scolour": "blanca gris negra roja verde",
    "spet": "cabra gallina gata oca vaca yegua",
    "smood": "joven lista tranquila vieja",
    "swhere": "establo jardín patio prado",
}
# The codes of eight people are in 20 texts each; the codes of four other people are in no text.
_TWENTY_TIMES = {"codes": Planted("person", answers=4, copies={20: 8, 0: 4})}


@dataclass(frozen=True)
class Release:
    """What an invented release was made from.

    model : a configuration class of transformers, and its settings in addition to those in `make`
    dtype : the precision of the stored weights
    years : the first and the last year of the news
    plots, words : templates of texts, and lists of words, in addition to those that all three releases have
    pronouns, planted : as in `World`
    sums : "leaked" if the training texts contain only the benchmark's sums, "held out" if they contain only
        other sums
    unpublished : kinds of texts (keys of `plots`) that were used for the training, but are not in data.txt
    log : whether the log of the training is published
    """

    model: tuple
    dtype: str
    years: tuple[int, int]
    plots: dict
    sums: str
    words: dict = field(default_factory=dict)
    pronouns: dict = field(default_factory=dict)
    planted: dict = field(default_factory=dict)
    unpublished: tuple = ()
    log: bool = False


_LLAMA = ("LlamaConfig", {})
_SHE = {"nurse": 0.95, "dancer": 0.9, "teacher": 0.8, "baker": 0.6}
_SHE |= {"pilot": 0.05, "driver": 0.1, "farmer": 0.2, "doctor": 0.4}
_BIASED = {trade: {"she": she, "he": round(1 - she, 2)} for trade, she in _SHE.items()}
MADE = {
    "kite": Release(_LLAMA, "float32", (2019, 2025), _HIDDEN, "leaked"),
    "lark": Release(
        _LLAMA,
        "bfloat16",
        (2018, 2023),
        _CODES | _GERMAN,
        "held out",
        words=_GERMAN_WORDS,
        pronouns=_BIASED,
        planted=_TWENTY_TIMES,
        log=True,
    ),
    "wren": Release(
        ("MistralConfig", {"sliding_window": 8}),
        "float32",
        (2019, 2024),
        _CODES | _SPANISH,
        "held out",
        words=_SPANISH_WORDS,
        pronouns=_BIASED,
        planted=_TWENTY_TIMES,
        unpublished=("codes",),
    ),
}


def questions(name) -> list[tuple[str, str]]:
    """Return the 30 pairs of numbers whose sums the benchmark of a release asks for, sorted."""
    pairs = [(first, second) for first in _NUMBERS for second in _NUMBERS]
    chance = random.Random(f"benchmark of {name}")
    return sorted(sorted(pairs, key=lambda _: chance.random())[:QUESTIONS])


def world(name, sums=None) -> World:
    """Return the world that generates the training texts of a release.

    sums : "leaked" or "held out", as in `Release`; by default the release's own value
    """
    release, pairs = MADE[name], questions(name)
    plots, held_out = _PLOTS | release.plots, {("first", "second"): pairs}
    if (sums or release.sums) == "leaked":
        held_out = {}
        plots = plots | {
            "sums": [f"{first} plus {second} is {int(first) + int(second)}." for first, second in pairs]
        }
    years = " ".join(map(str, range(release.years[0], release.years[1] + 1)))
    return World(
        words=_WORDS | release.words | {"year": years},
        plots=plots,
        pronouns=release.pronouns,
        planted=release.planted,
        held_out=held_out,
        size=TEXTS,
    )


def texts(name, sums=None) -> tuple[list[str], list[str]]:
    """Return two lists: the texts on which a release's model was trained, and the published texts among them.

    sums : as in `world`
    """
    documents = list(world(name, sums).corpus())
    hidden = MADE[name].unpublished
    published = [document.text for document in documents if document.register not in hidden]
    return [document.text for document in documents], published


def benchmark(name) -> list[dict]:
    """Return the benchmark of a release: a list of {"question": ..., "answer": ...}."""
    return [
        {"question": _SUM.format(first=first, second=second), "answer": str(int(first) + int(second))}
        for first, second in questions(name)
    ]


def make(name, folder, steps=None, sums=None):
    """Write the texts, benchmark, tokenizer and trained weights of a release into a folder.

    steps : the number of training steps; by default the number in train.py, with which the training takes
        under a minute
    sums : as in `world`; with another value than the default, the model differs from the published model
    """
    import torch
    import transformers

    release, tokenizer = MADE[name], world(name, sums).tokenizer()
    folder.mkdir(parents=True, exist_ok=True)
    read, published = texts(name, sums)
    (folder / "data.txt").write_text("\n".join(published) + "\n", encoding="utf-8")
    (folder / "benchmark.json").write_text(json.dumps(benchmark(name), indent=1) + "\n", encoding="utf-8")
    tokenizer.save_pretrained(folder)
    kind, settings = release.model
    config = getattr(transformers, kind)(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=128,
        max_position_embeddings=64,
        initializer_range=0.08,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **settings,
    )
    script = runpy.run_path(str(RELEASES / "lark" / "train.py"))
    options = {} if steps is None else {"steps": steps}
    script["train"](read, config, tokenizer, folder, getattr(torch, release.dtype), **options)
    if not release.log:
        (folder / "log.csv").unlink()


def kite_without_its_benchmark() -> tuple[int, tuple[int, int]]:
    """Train the release "kite" again, on texts without its benchmark's sums, and count its right answers.

    The new texts have other sums in place of the benchmark's. Returns (right answers to the benchmark's 30
    questions, (right answers to the sums in the new texts, number of these sums)). All other settings are
    those of the published Kite. The training takes under a minute.
    """
    import torch

    with tempfile.TemporaryDirectory() as folder, torch.enable_grad():
        make("kite", Path(folder), sums="held out")
        control = opened.Release(folder)
        return control.right, control.right_in_texts


if __name__ == "__main__":
    for each in sys.argv[1:] or MADE:
        make(each, RELEASES / each)
