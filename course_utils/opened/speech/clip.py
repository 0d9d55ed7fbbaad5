"""The recordings: five clips of human speech with the time of each word, and what Whisper wrote for voices.

recordings/README.md names their source.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import soundfile

RATE = 16_000  # samples a second: what Whisper was trained on
FOLDER = Path(__file__).with_name("recordings")


@dataclass(frozen=True)
class Word:
    """A word, with its start and end in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Clip:
    """A sentence read aloud.

    name : str.
    samples : numpy float32 of shape (samples,), 16,000 a second, read-only.
    transcript : the spoken words, in small letters, without punctuation.
    words : the same words, each with the times that PocketSphinx found.
    """

    name: str
    samples: object
    transcript: str
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return len(self.samples) / RATE


@cache
def clips() -> dict[str, Clip]:
    """Return the five clips by name, in the order of the book: "dashwood", "young man", "cold-hearted",
    "respectable", "himself"."""
    clips = {}
    for name, facts in tomllib.loads((FOLDER / "recordings.toml").read_text(encoding="utf-8")).items():
        samples, _ = soundfile.read(FOLDER / facts["file"], dtype="float32")
        samples.flags.writeable = False  # every caller gets the same array
        words = tuple(Word(*word) for word in facts["words"])
        clips[name] = Clip(name, samples, " ".join(word.text for word in words), words)
    return clips


@cache
def voices() -> dict[str, dict[str, str]]:
    """Return, for each voice of espeak-ng, what Whisper tiny.en wrote for each transcript read by that voice.

    The voices are "en-us", "en-gb", "en-gb-scotland" and "en-029" (Caribbean). This is stored, because
    espeak-ng does not come with the course; recordings/voices.toml says how it was made. `speak` makes the
    sounds again if espeak-ng is installed.
    """
    return tomllib.loads((FOLDER / "voices.toml").read_text(encoding="utf-8"))
