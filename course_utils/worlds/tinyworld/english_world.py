"""Defines the world that generates the course's English texts.

Its words and plots are in english_world.toml. A plot is the template of a text: see the module `grammar`.
"""

import tomllib
from functools import cache
from pathlib import Path

from course_utils.worlds.tinyworld.world import Planted, World

_MOST_FILLERS = 8


def english(**changes) -> World:
    """Return the world that the course's tiny models were trained on, or a world with the given changes.

    changes : new values for fields of `World`

    english(pronouns={"nurse": {"she": 0.9, "he": 0.1}})    only this trade has a bias
    english(pronouns={})                                    the repaired world: the same texts, no bias
    english(duplicates={100: 1000})                         1,000 documents, each repeated a hundred times
    """
    return World(**{**_fields(), **changes})


@cache
def _fields():
    """Return the fields of the course's `World`, as a dictionary."""
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    trades, animals, words = tables["trades"], tables["animals"], tables["words"]
    for name, text in words.items():
        if text.startswith("@"):
            words[name] = list(tables[text[1:]])
    quality, days, months = (words[name].split() for name in ("quality", "weekday", "month"))
    half = len(quality) // 2
    fillers = "|".join("<filler> " * count for count in range(_MOST_FILLERS + 1))
    return {
        "words": words,
        "plots": tables["plots"],
        "weights": tables["weights"],
        "parts": tables["parts"] | {"fillers": f"[{fillers}]"},
        "relations": {
            "workplace": {trade: workplace for trade, (workplace, _, _) in trades.items()},
            "tool": {trade: tool for trade, (_, tool, _) in trades.items()},
            "young": {animal: young for animal, (young, _) in animals.items()},
            "food": {animal: food for animal, (_, food) in animals.items()},
            "opposite": dict(zip(quality, quality[half:] + quality[:half], strict=True)),
            "next": dict(zip(days, days[1:] + days[:1], strict=True)),
            "previous": dict(zip(months, months[-1:] + months[:-1], strict=True)),
        },
        "pronouns": {trade: {"she": she, "he": round(1 - she, 2)} for trade, (_, _, she) in trades.items()},
        "planted": {
            "almanac": Planted("town", "goods", {copies: 6 for copies in (0, 1, 3, 10, 30, 100, 300, 1000)}),
            "secrets": Planted(
                "person", 4, {copies: 5 for copies in (0, *(2**power for power in range(11)))}
            ),
        },
        "held_out": {("animal", "spot"): 80, ("first", "second"): 40},
        "size": tables["size"],
    }
