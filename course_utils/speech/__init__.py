"""Sound for Whisper: five clips, your own voice, noise and tempo, and the time of each word.

Sound is always called `samples`: float32 of shape (samples,), one channel, 16,000 a second, from -1 to 1.
"""

from .audio import RATE, add_noise, read, speak, stretch
from .clip import Clip, Word, clips
from .recorder import record
from .voices import voices
from .words import captions, word_times, word_tokens
from .writing import Written, write

__all__ = [
    "RATE",
    "Clip",
    "Word",
    "Written",
    "add_noise",
    "captions",
    "clips",
    "read",
    "record",
    "speak",
    "stretch",
    "voices",
    "word_times",
    "word_tokens",
    "write",
]
