"""Five recorded clips of speech with the time of each word, and what Whisper wrote for synthetic voices.

recordings/README.md names the source of the recordings.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import soundfile

RATE = 16_000  # samples a second, as in Whisper's training
FOLDER = Path(__file__).with_name("recordings")


@dataclass(frozen=True)
class Word:
    """A word, with the seconds at which it starts and ends."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Clip:
    """A sentence read aloud.

    name : str.
    samples : numpy float32 of shape (samples,), 16,000 a second, read-only.
    transcript : the spoken words, in lower case, without punctuation.
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
    """Return the five clips by name: "dashwood", "young man", "cold-hearted", "respectable", "himself".

    The clips are in the order of their sentences in the novel, "Sense and Sensibility".
    """
    clips = {}
    for name, facts in tomllib.loads((FOLDER / "recordings.toml").read_text(encoding="utf-8")).items():
        samples, _ = soundfile.read(FOLDER / facts["file"], dtype="float32")
        samples.flags.writeable = False  # all callers share this array
        words = tuple(Word(*word) for word in facts["words"])
        clips[name] = Clip(name, samples, " ".join(word.text for word in words), words)
    return clips


@cache
def voices() -> dict[str, dict[str, str]]:
    """Return what Whisper tiny.en wrote when each of four voices of espeak-ng read each transcript aloud.

    Returns {voice: {name of a clip: text}}. The voices are "en-us", "en-gb", "en-gb-scotland" and "en-029"
    (Caribbean). The texts are stored, because espeak-ng does not come with the course;
    recordings/voices.toml says how they were made. If espeak-ng is installed, `speak` makes the sounds again.
    """
    return tomllib.loads((FOLDER / "voices.toml").read_text(encoding="utf-8"))
