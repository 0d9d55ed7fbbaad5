"""What Whisper wrote for synthetic voices, stored here because espeak-ng does not come with the course."""

import tomllib
from functools import cache

from course_utils.opened.speech.clip import FOLDER


@cache
def voices() -> dict[str, dict[str, str]]:
    """Return, for each voice of espeak-ng, what Whisper tiny.en wrote for each transcript read by that voice.

    The voices are "en-us", "en-gb", "en-gb-scotland" and "en-029" (Caribbean); recordings/voices.toml says
    how this was made. `speak` makes the sounds again if espeak-ng is installed.
    """
    return tomllib.loads((FOLDER / "voices.toml").read_text(encoding="utf-8"))
