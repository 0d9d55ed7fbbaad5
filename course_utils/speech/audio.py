"""Sound in and sound changed: any audio file as samples, noise, tempo, and a synthetic voice."""

import io
import shutil
import subprocess
from pathlib import Path

from course_utils.errors import CourseError

RATE = 16_000  # samples a second: what Whisper was trained on
WINDOW = 30.0  # seconds that Whisper takes in at a time
SHORTEST = 0.1  # seconds; no word is shorter
SILENT = 1e-4  # a peak below this is silence: three steps of 16 bits
FORMATS = "WAV, FLAC, OGG or MP3"


def read(source, start=0.0, seconds=WINDOW):
    """The sound of an audio file: one channel, 16,000 samples a second.

    source : path of a file, or its content as bytes: WAV of any kind, FLAC, OGG or MP3
    start : where to begin, in seconds
    seconds : how much to take at most; what is longer is cut, and a sentence says so

    Returns a float32 array of shape (samples,), from -1 to 1. Several channels become their mean; another
    rate is converted. Nothing leaves this machine, and nothing is written. Raises CourseError: no such file,
    not audio, empty, silent, shorter than 0.1 s, numbers that are none.
    """
    import numpy
    import soundfile
    import soxr

    file, name = _opened(source)
    with file:
        beginning = file.read(12)
        file.seek(0)
        try:
            with soundfile.SoundFile(file) as sound:
                rate, length = sound.samplerate, sound.frames / sound.samplerate
                if not 0 <= start < max(length, SHORTEST):
                    raise CourseError(f"{name} is {length:,.1f} s long: choose a start in it, not {start}.")
                sound.seek(round(start * rate))
                frames = round(min(seconds, length) * rate)
                samples = sound.read(frames, dtype="float32", always_2d=True).mean(axis=1)
        except soundfile.LibsndfileError as error:
            raise CourseError(
                f"{_what_it_is(name, beginning)}: save it as {FORMATS}, and read that."
            ) from error
    if not numpy.isfinite(samples).all():
        raise CourseError(
            f"{name} holds numbers that are none (NaN or infinity): save it as 16-bit WAV, and read that."
        )
    if len(samples) < SHORTEST * rate:
        raise CourseError(
            f"{name} holds {len(samples) / rate:.2f} s of sound; {SHORTEST} s is the least: record a word."
        )
    peak = abs(samples).max()
    if peak < SILENT:
        raise CourseError(f"{name} is silent: check that the microphone is not muted, and record again.")
    if length > start + seconds:
        print(
            f"{name} is {length:,.0f} s long: this is second {start:g} to {start + seconds:g} (see start=)."
        )
    samples = soxr.resample(samples / max(peak, 1.0), rate, RATE)
    return samples.astype("float32")


def _opened(source):
    """A binary file for a path or bytes, and what to call it in a sentence."""
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source), "This recording"
    if not isinstance(source, str | Path):
        raise CourseError(f"read takes the path of an audio file, or its bytes, not {type(source).__name__}.")
    path = Path(source).expanduser()
    try:
        return path.open("rb"), path.name
    except OSError as error:
        raise CourseError(
            f"{source} can't be opened ({error.strerror}): check the name, and that it lies on this machine."
        ) from error


def _what_it_is(name, beginning):
    """The start of a sentence on a file that can't be read, from its first bytes."""
    if not beginning:
        return f"{name} is empty"
    if beginning[4:8] == b"ftyp":
        return f"{name} is MP4 or M4A, which this course can't read"
    if beginning.startswith(b"\x1aE\xdf\xa3"):
        return f"{name} is WebM or Matroska, which this course can't read"
    return f"{name} is no audio that this course can read"


def _checked(samples):
    """The samples as a float32 array, or a sentence on what is wrong with them."""
    import numpy

    try:
        samples = numpy.asarray(samples, dtype="float32")
    except (TypeError, ValueError) as error:
        raise CourseError("The samples must be numbers: give what course.speech.read returns.") from error
    if samples.ndim != 1 or samples.size == 0:
        raise CourseError(
            f"The samples must have the shape (samples,), not {samples.shape}: one channel of sound."
        )
    if not numpy.isfinite(samples).all():
        raise CourseError("The samples hold numbers that are none (NaN or infinity).")
    return samples


def add_noise(samples, snr_db, seed=0, kind="white"):
    """Sound with noise at a signal-to-noise ratio, in decibels, that is exact over its whole length.

    samples : float32 of shape (samples,)
    snr_db : 10 log10(power of the sound / power of the noise): 20 is a quiet room, 0 is as much of each
    seed : of the noise
    kind : "white", all pitches alike, or "babble", the five clips at once, each from a place of its own

    Returns the sum, of the same shape; it may go beyond -1 and 1. Raises CourseError: silence, another kind.
    """
    import numpy

    samples = _checked(samples)
    power = numpy.mean(samples.astype("float64") ** 2)
    if power == 0:
        raise CourseError("Silence has no signal-to-noise ratio: add noise to a sound.")
    if not numpy.isfinite(snr_db):
        raise CourseError(f"A signal-to-noise ratio is a number of decibels, such as 10, not {snr_db}.")
    random = numpy.random.default_rng(seed)
    if kind == "white":
        noise = random.standard_normal(len(samples))
    elif kind == "babble":
        noise = _babble(len(samples), random)
    else:
        raise CourseError(f'There is no noise of the kind {kind!r}: choose "white" or "babble".')
    noise *= numpy.sqrt(power / 10 ** (snr_db / 10) / numpy.mean(noise**2))
    return (samples + noise).astype("float32")


def _babble(length, random):
    """The clips at once, equally loud, each repeated and begun at random."""
    import numpy

    from .clip import clips

    voices = [clip.samples / clip.samples.std() for clip in clips().values()]
    return sum(numpy.resize(numpy.roll(voice, random.integers(len(voice))), length) for voice in voices)


def stretch(samples, rate):
    """Sound `rate` times as fast, at the same pitch: 2 halves its length, 0.5 doubles it.

    samples : float32 of shape (samples,)
    rate : from 0.25 to 4

    Returns float32 of shape (samples / rate,). Raises CourseError for another rate.

    Windows of 40 ms are taken from the sound further apart (or closer together) than they are laid down
    again; of the places within 10 ms, the one that continues the last window best. This is WSOLA: Verhelst
    and Roelands (1993), "An overlap-add technique based on waveform similarity", ICASSP.
    """
    import numpy

    samples = _checked(samples)
    if not 0.25 <= rate <= 4:
        raise CourseError(f"Sound can be stretched by 0.25 to 4, not by {rate}.")
    if rate == 1:
        return samples.copy()
    size, search = int(0.04 * RATE), int(0.01 * RATE)
    step = size // 2
    window = numpy.hanning(size + 1)[:-1]  # two that overlap by half add up to one
    length = round(len(samples) / rate)
    padded = numpy.pad(samples, (step + search, 2 * size + search))
    out = numpy.zeros(length + 2 * size)
    continued = padded[search : search + size]  # the first window, which begins `step` before the sound
    for place in range(0, length + step, step):
        wanted = round(place * rate)  # in `padded` it begins `search` later
        if wanted + size + 2 * search > len(padded):
            break
        around = padded[wanted : wanted + size + 2 * search]
        best = wanted + int(numpy.correlate(around, continued, "valid").argmax())
        out[place : place + size] += window * padded[best : best + size]
        continued = padded[best + step : best + step + size]
    return out[step : step + length].astype("float32")


def speak(text, words_per_minute=160, voice="en-us"):
    """A text read by the synthetic voice of espeak-ng, a program that is no part of the course.

    text : what to say
    words_per_minute : from 80 to 450
    voice : one of `espeak-ng --voices`

    Returns float32 of shape (samples,), of any length. Raises CourseError: espeak-ng is missing, or has no
    such voice.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        raise CourseError(
            "A synthetic voice needs the program espeak-ng: install it (Debian and Ubuntu: sudo apt install "
            "espeak-ng; Mac: brew install espeak-ng), or take the clips and course.speech.stretch."
        )
    if not 80 <= words_per_minute <= 450:
        raise CourseError(f"The voice reads 80 to 450 words per minute, not {words_per_minute}.")
    command = [program, "--stdin", "--stdout", "-s", str(round(words_per_minute)), "-v", voice]
    result = subprocess.run(command, input=str(text).encode(), capture_output=True)
    if result.returncode != 0 or not result.stdout:
        reason = result.stderr.decode(errors="replace").strip().split("\n")[0]
        raise CourseError(f"espeak-ng did not speak ({reason or 'it gave no sound'}): check text and voice.")
    return read(result.stdout, seconds=float("inf"))
