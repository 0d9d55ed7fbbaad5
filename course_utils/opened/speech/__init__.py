"""Speech for Whisper: five clips, your own voice, noise and tempo, and the time of each word, for lesson 09.

A sound is always an array `samples`: float32 of shape (samples,), one channel, 16,000 a second, from -1 to 1.
"""

from course_utils.opened.speech.audio import add_noise, example_file, read, speak, stretch
from course_utils.opened.speech.clip import RATE, Word, clips, voices
from course_utils.opened.speech.recorder import record
from course_utils.opened.speech.transcript import (
    captions,
    errors_by_clip,
    listen,
    plain_words,
    transcripts,
    word_pairs,
    word_times,
    word_tokens,
    write,
)

__all__ = [
    "RATE",
    "Word",
    "add_noise",
    "captions",
    "clips",
    "errors_by_clip",
    "example_file",
    "listen",
    "plain_words",
    "read",
    "record",
    "speak",
    "stretch",
    "transcripts",
    "voices",
    "word_pairs",
    "word_times",
    "word_tokens",
    "write",
]
