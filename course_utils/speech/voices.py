"""What Whisper wrote for synthetic voices: recorded, as the program that speaks is no part of the course."""

import tomllib
from functools import cache

from .clip import FOLDER


@cache
def voices() -> dict[str, dict[str, str]]:
    """From a voice of espeak-ng to what Whisper tiny.en wrote for each transcript, read by that voice.

    The voices are "en-us", "en-gb", "en-gb-scotland" and "en-029" (Caribbean); recordings/voices.toml says
    how this was recorded. `speak` makes the sounds anew where espeak-ng is installed.
    """
    return tomllib.loads((FOLDER / "voices.toml").read_text(encoding="utf-8"))
