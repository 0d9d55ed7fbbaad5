"""Computes what the view speech.js shows: Whisper's words for a sound at seven levels of noise.

`python -m course_utils.opened.speech.states` computes what the website shows and writes it into speech.json.
"""

import base64
import json
from pathlib import Path

import numpy

from course_utils.opened.speech.audio import mixed
from course_utils.opened.speech.clip import clips
from course_utils.opened.speech.transcript import listen, plain_words, word_pairs
from course_utils.views.picture import array

LEVELS = (None, 20, 15, 10, 5, 0, -5)  # signal-to-noise ratios in dB; None is no noise
SEED = 1  # the seed of the noise


def noise(length):
    """Return white noise, float64 of shape (length,).

    speech.js makes the same noise, so that the view plays the noise that Whisper heard. mulberry32
    (https://github.com/bryc/code, public domain) makes uniformly distributed numbers, and Box and Muller's
    formula turns each pair of these numbers into one normally distributed number.
    """
    steps = numpy.arange(1, 2 * length + 1, dtype=numpy.uint32)
    state = numpy.uint32(SEED) + steps * numpy.uint32(0x6D2B79F5)
    mixed = (state ^ (state >> 15)) * (state | 1)
    mixed = (mixed + (mixed ^ (mixed >> 7)) * (mixed | 61)) ^ mixed
    uniform = (mixed ^ (mixed >> 14)) / 2**32
    return numpy.sqrt(-2 * numpy.log(1 - uniform[::2])) * numpy.cos(2 * numpy.pi * uniform[1::2])


def with_noise(samples, level):
    """Return samples with noise at one of LEVELS. Raises CourseError if noise is added to silence."""
    return samples if level is None else mixed(samples, noise(len(samples)), level)


def compared(said, words):
    """Compare what Whisper wrote with what was said, and count the errors as lesson 09 does.

    said : str, the words said
    words : list of str, the words written

    Returns (number of words said, number of errors, flags, indices). `flags` has a bool for each word
    written: True if the word is wrong. `indices` has the index of each word said that was written wrongly or
    not at all. A hyphen separates two words; capitals and punctuation don't count.
    """
    reference = plain_words(said)
    parts = [(part, index) for index, word in enumerate(words) for part in plain_words(word)]
    if not reference or not parts:
        errors = max(len(reference), len(parts))
        return len(reference), errors, [True] * len(words), [*range(len(reference))]
    pairs = word_pairs(reference, [part for part, _ in parts])
    wrong = [False] * len(words)
    indices = iter([index for _, index in parts])
    for one, other in pairs:
        if other is not None:
            wrong[next(indices)] |= one != other
    right = [one == other for one, other in pairs if one is not None]
    missed = [index for index, is_right in enumerate(right) if not is_right]
    return len(reference), sum(one != other for one, other in pairs), wrong, missed


def spoken(clip):
    """Return the words of a clip as speech.js draws them: lists [word, start, end], in seconds."""
    return [[word.text, word.start, word.end] for word in clip.words]


def packed(heard, said):
    """Return the result of `listen` for a sound, in the form that speech.js draws.

    heard : dict, the result of `listen`
    said : str, the words said
    """
    of, errors, wrong, missed = compared(said, heard["words"])
    rows = [array(row) for row in heard["attention"]]
    scaled = [(255 * row / (row.max() or 1)).round().astype("uint8").tobytes() for row in rows]
    words = [
        [word, round(start, 2), round(end, 2), round(float(chance), 4), flag]
        for word, (start, end), chance, flag in zip(
            heard["words"], heard["spans"], heard["chances"], wrong, strict=True
        )
    ]
    attention = base64.b64encode(b"".join(scaled)).decode()
    return {"words": words, "of": of, "errors": errors, "missed": missed, "attention": attention}


def states(listen):
    """Return the data of the website's page: each clip, and what `listen` returns at each level of noise."""
    sounds = {}
    for name, clip in clips().items():
        sounds[name] = {
            "said": clip.transcript,
            "spoken": spoken(clip),
            "seconds": clip.seconds,
            "file": f"{name.replace(' ', '-')}.flac",
            "heard": [packed(listen(with_noise(clip.samples, level)), clip.transcript) for level in LEVELS],
        }
    return {"levels": LEVELS, "seed": SEED, "sounds": sounds}


def whisper():
    """Return a function from samples to the result of `listen` with Whisper tiny.en, as in lesson 09."""
    from course_utils.loading import load

    model, processor = load("whisper", size="small")
    return lambda samples: listen(model, processor, samples)


if __name__ == "__main__":
    stored = json.dumps(states(whisper()), ensure_ascii=False, separators=(",", ":"))
    Path(__file__).parents[1].joinpath("speech.json").write_text(stored, encoding="utf-8")
