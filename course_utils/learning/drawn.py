"""Makes random inputs for an exercise's hidden checks, and other inputs at each grading.

    for arguments in course.drawn("4.2", leads, edges=[(0.0, 0.0, 1.0)]):
        course.check("4.2", patch_effect, arguments, effect(*arguments))

The environment variable COURSE_SEED has the seed, so that a grading can be repeated; `course grade` sets the
variable, and keeps the seed in each result. Without the variable, each process draws a seed, and a check that
fails names this seed.
"""

import functools
import os
import random
import secrets
from collections.abc import Callable, Iterable, Iterator

SEEDS = 1_000_000  # seeds are whole numbers below this


class Hidden(tuple):
    """The arguments of a hidden check. The message of a check that passes does not show them."""


def new_seed() -> int:
    """Return an unpredictable seed."""
    return secrets.randbelow(SEEDS)


def seed() -> str:
    """Return the seed with which inputs are drawn."""
    return os.environ.get("COURSE_SEED") or str(_own_seed())


_own_seed = functools.cache(new_seed)


def drawn(
    task: str, draw: Callable[[random.Random], tuple], edges: Iterable[tuple] = (), count: int = 8
) -> Iterator[Hidden]:
    """Yield the arguments of a task's hidden checks: all edge cases, then `count` drawn ones.

    task : the exercise's number, so that two tasks with the same `draw` get different inputs
    draw : a function that takes a `random.Random` and returns the arguments as a tuple
    edges : the tuples of arguments that are always among the inputs
    """
    yield from map(Hidden, edges)
    for number in range(count):
        yield Hidden(draw(random.Random(f"{seed()} {task} {number}")))
