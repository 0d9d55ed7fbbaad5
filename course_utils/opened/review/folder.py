"""Says where the three releases are, and which of them is assigned to a learner's name."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path

from course_utils.errors import CourseError

_HERE = Path(__file__).parent
RELEASES = _HERE / "releases"
NAMES = ("kite", "lark", "wren")
LONGEST_NAME = 60  # characters


def plain_name(name: str) -> str:
    """Return a name without spaces at its ends, and with single spaces between its words.

    Raises CourseError if it is no string, has no letter, has a character that can't be printed, or has more
    than 60 characters.
    """
    plain = " ".join(name.split()) if isinstance(name, str) else ""
    if not any(letter.isalpha() for letter in plain) or not plain.isprintable():
        raise CourseError(f'{name!r} is no name: write your own between the quotes, such as "Ada Lovelace".')
    if len(plain) > LONGEST_NAME:
        raise CourseError(f"That name has {len(plain)} characters: the page has room for {LONGEST_NAME}.")
    return plain


def drawn(name: str) -> str:
    """Return the release assigned to a name: "kite", "lark" or "wren". Capitals make no difference."""
    digest = hashlib.sha256(plain_name(name).casefold().encode()).digest()
    return NAMES[digest[0] % len(NAMES)]


@cache
def claims(release: str) -> list[dict]:
    """Return the claims of a release's press text, in their order.

    Each is a dict with "words", "check" (a function of `facts`), "rule" (how that function
    decides, in words, with gaps that `facts.rule` fills) and perhaps "says" (the function's arguments, a
    dict).
    """
    read = tomllib.loads((_HERE / "claims.toml").read_text(encoding="utf-8"))
    return [{"rule": read["rules"][claim["check"]], **claim} for claim in read[release]]
