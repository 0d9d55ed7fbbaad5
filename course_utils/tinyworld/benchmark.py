"""Test questions made from a world's own documents, so that each right answer is known.

    for item in items(world, "memory", 80):
        item.prompt, item.choices, item.choices[item.answer]

A document is cut before a word that the text or the world settles. Beside that word stand wrong ones of its
kind, those of the same text first.
"""

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from course_utils.errors import CourseError

from .grammar import FORMS, join
from .world import Document, World

CHOICES = 4


@dataclass(frozen=True)
class Item:
    """One question with its choices, one of which is right.

    prompt : the text up to the word that is asked for
    choices : words of one kind, each one token of the world
    answer : the place of the right one among them, from 0
    document : the document that was cut
    """

    prompt: str
    choices: tuple[str, ...]
    answer: int
    document: Document


def items(world: World, benchmark: str, count: int, seed: int = 0) -> list[Item]:
    """So many items of a benchmark of the course's world: the same for the same seed, fresh for another.

    benchmark : one of `BENCHMARKS`

    Raises CourseError for another name.
    """
    if benchmark not in BENCHMARKS:
        raise CourseError(f"There is no benchmark {benchmark!r}: choose one of {', '.join(BENCHMARKS)}.")
    return list(islice(BENCHMARKS[benchmark](world, f"{benchmark} {seed}"), count))


def retold(world: World, item: Item, **given: str) -> Item:
    """An item's twin: its text with one slot told anew, such as colour="red", which is then right.

    Raises CourseError where the new word is none of the choices.
    """
    (slot, word), *_ = given.items()
    if word not in item.choices:
        raise CourseError(f"{word!r} is no choice of this item: tell it of one of {', '.join(item.choices)}.")
    document = world.retell(item.document, **given)
    return Item(_before(document, slot), item.choices, item.choices.index(word), document)


def _sums(world, seed) -> Iterator[Item]:
    """What a sum makes, beside numbers near it."""
    said = set(world.vocabulary())
    for document in _documents(world, seed, register="sums"):
        slot, place = document.mentions[-1]
        right = int(document.words[place])
        near = [str(right + step) for step in (-10, -2, -1, 1, 2, 10)]
        yield _item(document, slot, [number for number in near if number in said])


def _facts(world, seed) -> Iterator[Item]:
    """What a town is known for: each town that is told of at all, once, however often it is told."""
    said = set(world.vocabulary())  # not all goods are: some are no told town's
    goods = [word for word in world.words_of("goods") if word in said]
    told = (fact for fact in world.plan()["planted"]["almanac"] if fact["copies"])
    for fact in told:
        town = fact["subject"]
        (document,) = world.documents(1, f"{seed} {town}", register="almanac", subject=town)
        yield _item(document, "subject.answer", goods)


def _memory(world, seed) -> Iterator[Item]:
    """The colour of what something lies in, told some sentences earlier."""
    for document in _documents(world, seed, register="memory"):
        yield _item(document, "colour", world.words_of("colour"))


def _names(world, seed) -> Iterator[Item]:
    """Who helped in a story: the hero is a choice, too."""
    for document in _documents(world, seed, register="story"):
        if [slot for slot, _ in document.mentions].count("friend") > 1:
            yield _item(document, "friend", world.words_of("person"), [document.filled["hero"]])


def _skills(world, seed) -> Iterator[Item]:
    """What somebody in a story has learned."""
    for document in _documents(world, seed, register="story"):
        if "skill" in document.filled:
            yield _item(document, "skill", world.words_of("skill"))


def _trades(world, seed) -> Iterator[Item]:
    """The pronoun that a trade has more often: what was planted, and nothing else, makes it right."""
    for document in _documents(world, seed, register="workday"):
        shares = world.pronouns.get(document.filled["trade"], {"she": 0.5})
        form, place = next(
            (slot.removeprefix("trade."), place)
            for slot, place in document.mentions
            if slot.removeprefix("trade.") in FORMS["she"]
        )
        if shares["she"] != 0.5:
            words = tuple(FORMS[pronoun][form] for pronoun in ("she", "he"))
            yield Item(join(document.words[:place]), words, int(shares["she"] < 0.5), document)


BENCHMARKS = {
    "sums": _sums,
    "facts": _facts,
    "memory": _memory,
    "names": _names,
    "skills": _skills,
    "trades": _trades,
}


def _documents(world, seed, **given):
    return world.documents(sys.maxsize, seed, **given)


def _item(document, slot, others, tempting=()):
    """The document cut before the last mention of a slot; its word is right, the tempting ones are wrong."""
    right = document.words[_place(document, slot)]
    chance = random.Random(f"choices {document.seed}")
    wrong = [word for word in tempting if word != right]
    rest = [word for word in others if word != right and word not in wrong]
    wrong += sorted(rest, key=lambda word: chance.random())[: CHOICES - 1 - len(wrong)]
    choices = sorted([right, *wrong], key=lambda word: chance.random())
    return Item(_before(document, slot), tuple(choices), choices.index(right), document)


def _place(document, slot):
    return [place for name, place in document.mentions if name == slot][-1]


def _before(document, slot):
    return join(document.words[: _place(document, slot)])
