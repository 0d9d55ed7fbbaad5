"""Makes benchmarks for the tiny language models, from texts that a world generates.

    for item in items(world, "memory", 80):
        item.prompt, item.choices, item.right

A world (see `World`) is a generator of short texts. For each question, a text is cut before a word that can
be inferred from the text so far, or from the facts of the world. The choices are this word and wrong words of
the same kind. In the benchmark "names", one of the wrong words is a name from the text.
"""

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from course_utils.errors import CourseError
from course_utils.worlds.tinyworld.grammar import FORMS, join
from course_utils.worlds.tinyworld.world import Document, World

CHOICES = 4


@dataclass(frozen=True)
class Item:
    """One question with its choices, one of which is right.

    prompt : the text before the word to predict
    choices : words of one kind, such as colours, each of which is one token of the world
    answer : the index of the right choice, counted from 0
    document : the whole document, whose beginning is the prompt
    """

    prompt: str
    choices: tuple[str, ...]
    answer: int
    document: Document

    @property
    def right(self) -> str:
        """The right choice, as a word."""
        return self.choices[self.answer]


def items(world: World, benchmark: str, count: int, seed: int = 0) -> list[Item]:
    """Return `count` questions of a benchmark. Another seed gives other questions.

    world : the course's world, as `english()` returns it
    benchmark : one of BENCHMARKS

    Raises CourseError if there is no such benchmark.
    """
    if benchmark not in BENCHMARKS:
        raise CourseError(f"There is no benchmark {benchmark!r}: choose one of {', '.join(BENCHMARKS)}.")
    return list(islice(BENCHMARKS[benchmark](world, f"{benchmark} {seed}"), count))


def retold(world: World, item: Item, **given: str) -> Item:
    """Return a copy of a question whose text is changed, so that another of its choices is right.

    given : one slot of the text's template and its new word, such as colour="red". This word, which must be
        one of the choices, is then the right choice

    Raises CourseError if the new word is not one of the choices.
    """
    (slot, word), *_ = given.items()
    if word not in item.choices:
        raise CourseError(f"{word!r} is not a choice of this item: give one of {', '.join(item.choices)}.")
    document = world.retell(item.document, **given)
    return Item(_before(document, slot), item.choices, item.choices.index(word), document)


def _sums(world, seed) -> Iterator[Item]:
    """Ask for the result of a sum. The wrong choices are numbers near the result."""
    known = set(world.vocabulary())
    for document in _documents(world, seed, register="sums"):
        slot, index = document.mentions[-1]
        right = int(document.words[index])
        near = [str(right + step) for step in (-10, -2, -1, 1, 2, 10)]
        yield _item(document, slot, [number for number in near if number in known])


def _facts(world, seed) -> Iterator[Item]:
    """Ask what a town is known for, once for each town about which there are texts in the training."""
    known = set(world.vocabulary())  # a word of "goods" that is no town's answer is not in the vocabulary
    goods = [word for word in world.words_of("goods") if word in known]
    for fact in world.plan()["planted"]["almanac"]:
        if not fact["copies"]:
            continue
        town = fact["subject"]
        (document,) = world.documents(1, f"{seed} {town}", register="almanac", subject=town)
        yield _item(document, "subject.answer", goods)


def _memory(world, seed) -> Iterator[Item]:
    """Ask for the colour of the container in which a thing lies. The text has stated this colour earlier."""
    for document in _documents(world, seed, register="memory"):
        yield _item(document, "colour", world.words_of("colour"))


def _names(world, seed) -> Iterator[Item]:
    """Ask for the name of the friend in a story. The hero's name is always one of the wrong choices."""
    for document in _documents(world, seed, register="story"):
        if [slot for slot, _ in document.mentions].count("friend") > 1:
            yield _item(document, "friend", world.words_of("person"), [document.filled["hero"]])


def _skills(world, seed) -> Iterator[Item]:
    """Ask what somebody in a story has learned to do."""
    for document in _documents(world, seed, register="story"):
        if "skill" in document.filled:
            yield _item(document, "skill", world.words_of("skill"))


def _trades(world, seed) -> Iterator[Item]:
    """Ask for the pronoun, "she" or "he", of somebody with a trade, such as a nurse.

    The right answer is the pronoun that is more frequent for this trade. Only the bias that was planted in
    the training texts makes it the right answer.
    """
    for document in _documents(world, seed, register="workday"):
        shares = world.pronouns.get(document.filled["trade"], {"she": 0.5})
        form, index = next(
            (slot.removeprefix("trade."), index)
            for slot, index in document.mentions
            if slot.removeprefix("trade.") in FORMS["she"]
        )
        if shares["she"] != 0.5:
            words = tuple(FORMS[pronoun][form] for pronoun in ("she", "he"))
            yield Item(join(document.words[:index]), words, int(shares["she"] < 0.5), document)


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
    """Make a question: cut a document before the last mention of a slot, whose word is the right answer.

    The wrong choices are the words in `tempting` and, if these are too few, words drawn from `others`.
    """
    right = document.words[_last_mention(document, slot)]
    chance = random.Random(f"choices {document.seed}")
    wrong = [word for word in tempting if word != right]
    rest = [word for word in others if word != right and word not in wrong]
    wrong += sorted(rest, key=lambda word: chance.random())[: CHOICES - 1 - len(wrong)]
    choices = sorted([right, *wrong], key=lambda word: chance.random())
    return Item(_before(document, slot), tuple(choices), choices.index(right), document)


def _last_mention(document, slot):
    return [index for name, index in document.mentions if name == slot][-1]


def _before(document, slot):
    return join(document.words[: _last_mention(document, slot)])
