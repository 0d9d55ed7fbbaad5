"""Makes the texts on which the tiny reasoner is trained: sums of two-digit numbers, with steps to the result.

    25+31+40=<think></think>96                      answered at once
    25+31+40=<think>25+31=56;56+40=96;</think>96    answered after all steps
    25+31+40=<think>25+31=56;</think>96             answered after some of the steps

`<think>` and `</think>` enclose the steps before the answer, as in many reasoning models. Each of these two
tags is one token, and so is every other character. A sum belongs either to the test or to the training: see
`in_test`.
"""

import random
import zlib
from collections.abc import Sequence

from course_utils.worlds import tokens
from course_utils.worlds.tokens import BEGIN, END, PAD, UNKNOWN

OPEN, CLOSE = "<think>", "</think>"
VOCABULARY = (PAD, BEGIN, END, UNKNOWN, *"0123456789", "+", "=", ";", OPEN, CLOSE)
TERMS = (2, 3, 4, 5, 6)  # a sum in the training has one of these numbers of terms
ONE_IN = 10  # for each number of terms, about one sum in ten belongs to the test

# {kind of text, by its number of steps: share of the training's texts}
_KINDS = {"at once": 0.4, "all steps": 0.4, "some steps": 0.2}


def question(numbers: Sequence[int]) -> str:
    """Return the text of a sum, up to its equals sign: "25+31+40=" for 25, 31 and 40."""
    return "+".join(map(str, numbers)) + "="


def steps(numbers: Sequence[int]) -> list[str]:
    """Return the steps to the result, from left to right: "25+31=56;" and "56+40=96;" for 25, 31 and 40."""
    written, total = [], numbers[0]
    for number in numbers[1:]:
        written.append(f"{total}+{number}={total + number};")
        total += number
    return written


def in_test(numbers: Sequence[int]) -> bool:
    """Return whether a sum belongs to the test. The training has no sum of these numbers in this order."""
    return zlib.crc32(question(numbers).encode()) % ONE_IN == 0


def draw(generator: random.Random, terms: int, test: bool) -> list[int]:
    """Return `terms` random numbers from 10 to 99, which are to be added.

    test : whether the sum belongs to the test; otherwise the sum belongs to the training
    """
    while True:
        numbers = [generator.randint(10, 99) for _ in range(terms)]
        if in_test(numbers) == test:
            return numbers


def test_sums(terms: int, count: int) -> list[list[int]]:
    """Return the first `count` sums of the test with this number of terms. No two of them are the same."""
    generator, found = random.Random(f"test {terms}"), {}
    while len(found) < count:
        found[tuple(draw(generator, terms, test=True))] = None
    return [list(numbers) for numbers in found]


def example(number: int, seed: int = 0) -> tuple[str, str, str]:
    """Return one text of the training in three parts: the sum, the steps, and the answer.

    The second part begins with <think> and ends with </think>. How many steps are between these tags is drawn
    by lot: with probability 0.4 none, with 0.4 all, and with 0.2 a random number of steps, at least one. The
    same number and seed always give the same text.
    """
    generator = random.Random(f"{seed} {number}")
    numbers = draw(generator, generator.choice(TERMS), test=False)
    written = steps(numbers)
    (kind,) = generator.choices([*_KINDS], [*_KINDS.values()])
    if kind == "at once":
        written = []
    elif kind == "some steps":
        written = written[: generator.randint(1, len(written))]
    return question(numbers), OPEN + "".join(written) + CLOSE, str(sum(numbers))


def training_text(number: int, seed: int = 0) -> tuple[list[str], list[bool]]:
    """Return the tokens of one text of the training, and for each token whether it counts in the loss.

    The steps, the answer and </s> count, and so does a </think> that follows the last possible step. The sum
    and an earlier </think> don't count, because they are drawn by lot.
    """
    return counted(*example(number, seed))


def counted(asked: str, written: str, answer: str) -> tuple[list[str], list[bool]]:
    """Return the tokens of a text with these three parts, and for each token whether it counts in the loss.

    The three parts are those that `example` returns.
    """
    inner = written.removeprefix(OPEN).removesuffix(CLOSE)
    closed_late = inner.count(";") == asked.count("+")
    parts = [([BEGIN, *asked, OPEN], False), ([*inner], True), ([CLOSE], closed_late), ([*answer, END], True)]
    words = [token for part, _ in parts for token in part]
    counts = [counts for part, counts in parts for _ in part]
    return words, counts


def tokenizer():
    """Return a fast tokenizer of transformers for the texts of sums. The tokenizer ignores spaces.

    The tokenizer puts <s> before a text. The code that trains or scores the model adds </s> where needed.
    """
    from tokenizers import decoders

    return tokens.tokenizer(VOCABULARY, rf"{OPEN}|{CLOSE}|\S", decoders.Fuse())
