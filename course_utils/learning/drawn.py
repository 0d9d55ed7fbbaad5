"""Makes random inputs for the hidden checks of an exercise. Each grading uses different inputs.

    for arguments in course.drawn("4.2", leads, edges=[(0.0, 0.0, 1.0)]):
        course.check("4.2", patch_effect, arguments, effect(*arguments))

The seed of the random numbers is in the environment variable COURSE_SEED. `course grade` sets this variable,
and stores the seed in each result, so that a grading can be repeated. If the variable is not set, each
process draws a seed, and the message of a check that fails has this seed.
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
    """Yield the arguments of a task's hidden checks: all of `edges`, then `count` random ones.

    task : the task's number, such as "4.2". It is part of the seed, so that two tasks with the same `draw`
        get different inputs
    draw : a function that takes a `random.Random` and returns the arguments as a tuple
    edges : tuples of arguments that are always checked, such as an empty list
    """
    yield from map(Hidden, edges)
    for number in range(count):
        yield Hidden(draw(random.Random(f"{seed()} {task} {number}")))
