"""Reads audio files as samples, adds noise, changes the tempo, and makes a synthetic voice."""

import importlib.util
import io
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy
import soundfile
import soxr

from course_utils.errors import CourseError
from course_utils.opened.speech.clip import RATE, clips

# The most seconds that `read` returns by default. Whisper reads 30 seconds at a time. If sound fills all
# 30 seconds, Whisper may stop after a few words (lesson 09), so the end is left silent.
WINDOW = 29.5
SHORTEST = 0.1  # seconds of the shortest sound that is accepted; no word is shorter
SILENT = 1e-4  # the peak below which sound counts as silence: about three steps of 16-bit samples
MOST_CHANNELS = 8
TOO_LOUD = 100  # a higher peak must be a mistake, because samples hardly exceed 1, even with noise
RATES = (1_000, 400_000)  # lowest and highest accepted rate, in samples a second
FORMATS = "WAV, FLAC, OGG or MP3"
GET_DECODER = "run `%pip install av` in a cell (or install the program ffmpeg)"


def read(source, start=0.0, seconds=WINDOW, rate=None):
    """Return sound in the form that Whisper needs: one channel, 16,000 samples a second, at most `seconds`.

    source : path of a file, or the file's content as bytes: WAV, FLAC, OGG or MP3; also MP4, M4A, MOV or WebM
        if ffmpeg or the package av is installed. Or an array (samples,) or (samples, channels), with `rate`
    start : the second at which to begin
    seconds : the most seconds to return; longer sound is cut, and a printed sentence says so
    rate : samples a second; give it for an array only, because a file states its own rate

    Returns a float32 array of shape (samples,); a file's values are between -1 and 1. Several channels are
    averaged, other rates are converted, and integer samples are scaled to -1 to 1. A printed sentence says
    if sound is cut, mixed or silent, or if more than 29.5 s are returned. Nothing leaves this machine.
    Raises CourseError if the file does not exist, is empty or is not audio, if the sound is shorter than 0.1
    s, or if samples are invalid or have no rate.
    """
    if isinstance(source, bytes | bytearray | memoryview | str | Path):
        if rate is not None:
            raise CourseError("A file states its own rate: leave `rate` out.")
        name = "This recording" if not isinstance(source, str | Path) else Path(source).name
        samples, rate, length = _from_file(source, name, start, seconds)
    else:
        name = "This sound"
        samples, rate, length = _from_samples(source, rate, name, start, seconds)
    _check_finite(samples, name)
    if len(samples) < SHORTEST * rate:
        raise CourseError(
            f"{name} has {len(samples) / rate:.2f} s of sound; {SHORTEST} s is the least: record a word."
        )
    if samples.shape[1] > 1:
        print(f"{name} has {samples.shape[1]} channels: here is their mean.")
    samples = samples.mean(axis=1)
    if is_silent(samples):
        print(f"{name} is silent{'' if length <= seconds else ' in these seconds'}.")
    if length > start + seconds + 1 / RATE:
        print(
            f"{name} is {_seconds(length)} s long: this is second {_seconds(start)} to "
            f"{_seconds(start + seconds)} (start={_seconds(start + seconds)} reads on)."
        )
    if len(samples) > WINDOW * rate + 1:
        print(
            f"{name} is longer than {WINDOW} s as read: if the 30 seconds that Whisper takes end without "
            "silence, it may lose words."
        )
    return soxr.resample(samples, rate, RATE).astype("float32")


def example_file():
    """Write a WAV file to practise `read` with, and return its path, in a temporary folder.

    The file is 35 seconds long: the five clips one after the other, and the first two again.
    """
    path = Path(tempfile.mkdtemp()) / "example.wav"
    samples = [clip.samples for clip in clips().values()]
    soundfile.write(path, numpy.concatenate(samples + samples[:2]), RATE)
    return path


def is_silent(samples):
    """Return whether the samples contain no sound, as when the microphone is switched off."""
    return abs(samples).max() < SILENT


def _seconds(value):
    """Return a time in seconds as text. Below 100 it has one decimal, unless that decimal is 0."""
    return f"{value:,.1f}".removesuffix(".0") if value < 100 else f"{value:,.0f}"


def _from_samples(samples, rate, name, start, seconds):
    """Cut an array for `read`. Return floats (samples, channels), the rate, and the uncut length in s."""
    samples = _as_floats(samples, name)
    if rate is None:
        raise CourseError(
            f"{name} is an array, which does not say how many samples make a second: give the rate of its "
            "source, as in course.speech.read(samples, rate=44_100)."
        )
    if isinstance(rate, bool | str) or not RATES[0] <= rate <= RATES[1]:
        raise CourseError(f"A rate is a number of samples a second, such as 16_000 or 44_100, not {rate}.")
    length = len(samples) / rate
    _check_start(start, length, name)
    first = round(start * rate)
    return samples[first : first + round(min(seconds, length) * rate)], rate, length


def _as_floats(samples, name="This sound"):
    """Return samples of any type as float32 of shape (samples, channels), or raise CourseError."""
    try:
        samples = numpy.asarray(samples)
        dtype = samples.dtype
        if dtype.kind not in "fiu":
            raise TypeError(dtype)
    except (TypeError, ValueError) as error:
        raise CourseError(
            "The samples must be numbers: give the path of a sound file, or what course.speech.read returns."
        ) from error
    if samples.ndim == 2 and samples.shape[0] < samples.shape[1]:
        samples = samples.T  # in some libraries the channels come first
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.ndim != 2 or samples.size == 0 or samples.shape[1] > MOST_CHANNELS:
        raise CourseError(
            f"The samples must have the shape (samples,) or (samples, channels), not {samples.shape}."
        )
    if dtype.kind == "u" and dtype.itemsize == 1:
        return (samples.astype("float32") - 128) / 128  # in 8-bit WAV files, 128 is silence
    if dtype.kind == "i" and dtype.itemsize <= 4:
        return (samples / -float(numpy.iinfo(dtype).min)).astype("float32")
    samples = samples.astype("float32")
    _check_finite(samples, name)
    peak = abs(samples).max()
    if dtype.kind != "f" or peak > TOO_LOUD:
        raise CourseError(
            f"{name} has samples of up to {peak:,.0f}, and they should lie between -1 and 1. If they come "
            "from 16-bit whole numbers, divide by 32_768."
        )
    return samples


def _check_finite(samples, name):
    if not numpy.isfinite(samples).all():
        raise CourseError(
            f"{name} has samples that are not numbers (NaN or infinity): look at how it was made."
        )


def _check_start(start, length, name):
    if not 0 <= start < max(length, SHORTEST):
        raise CourseError(f"{name} is {length:,.1f} s long: choose a start in it, not {start}.")


def _from_file(source, name, start, seconds):
    """Cut a file for `read`. Return floats (samples, channels), the rate, and the uncut length in s."""
    with _opened(source) as file:
        beginning = file.read(12)
        file.seek(0)
        try:
            with soundfile.SoundFile(file) as sound:
                rate, length = sound.samplerate, sound.frames / sound.samplerate
                _check_start(start, length, name)
                sound.seek(round(start * rate))
                frames = round(min(seconds, length) * rate)
                samples = sound.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            kind = _needs_decoder(beginning)
            if kind is None:
                what = "is empty" if not beginning else "is not audio that this course can read"
                raise CourseError(f"{name} {what}: save it as {FORMATS}, and read that.") from error
            file.seek(0)
            samples, rate, length = _decoded(file, name, kind, start, seconds)
    # In a file of floats, samples can exceed 1. Scale them down. The caller checks for NaN and infinity.
    return samples / max(abs(samples).max(initial=0), 1.0), rate, length


def _opened(source):
    """Open a path or bytes as a binary file."""
    if not isinstance(source, str | Path):
        return io.BytesIO(source)
    try:
        return Path(source).expanduser().open("rb")
    except OSError as error:
        raise CourseError(
            f"{source} can't be opened ({error.strerror}): check the name, and that it is on this machine."
        ) from error


def _needs_decoder(beginning):
    """Return a file's format if the file's first bytes show that the file needs a decoder; otherwise None."""
    if beginning[4:8] == b"ftyp":
        return "MP4, M4A or MOV"
    if beginning.startswith(b"\x1aE\xdf\xa3"):
        return "WebM or Matroska"
    return None


def _decoded(file, name, kind, start, seconds):
    """Decode a file that libsndfile can't read, by ffmpeg or the package av. Returns as `_from_file` does."""
    program = shutil.which("ffmpeg")
    if program is None and importlib.util.find_spec("av") is None:
        raise CourseError(
            f"{name} is {kind}, which needs a decoder that is not installed: {GET_DECODER}, and read it "
            f"again; or save it as {FORMATS}, and read that."
        )
    try:
        if program:
            return _by_ffmpeg(program, file, name, start, seconds)
        return _by_av(file, name, start, seconds)
    except (ValueError, OSError) as error:
        raise CourseError(
            f"{name} is {kind}, and its sound can't be read: save it as {FORMATS}, and read that."
        ) from error


def _by_ffmpeg(program, file, name, start, seconds):
    """Decode with ffmpeg, from a temporary copy that ffmpeg can seek in. Returns the same as `_from_file`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound"
        with path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        command = [program, "-nostdin", "-hide_banner", "-protocol_whitelist", "file,pipe"]
        found = subprocess.run([*command, "-i", f"file:{path}"], capture_output=True).stderr.decode(
            errors="replace"
        )
        clock = re.search(r"Duration: (\d+):(\d+):([\d.]+)", found)
        stream = re.search(r"Stream #\S+: Audio: .*?(\d+) Hz, ([^,\n]+)", found)
        if not clock or not stream:
            raise ValueError("it has no sound")
        hours, minutes, rest = (float(part) for part in clock.groups())
        length, rate = 3600 * hours + 60 * minutes + rest, int(stream[1])
        _check_start(start, length, name)
        channels = 2 if stream[2].strip() == "stereo" else 1  # of three or more channels ffmpeg makes one
        command += ["-ss", str(start), "-i", f"file:{path}", "-t", str(min(seconds, length)), "-map", "0:a:0"]
        command += ["-ac", str(channels), "-ar", str(rate), "-f", "f32le", "pipe:1"]
        raw = subprocess.run(command, capture_output=True, check=False).stdout
    return numpy.frombuffer(raw, "<f4").reshape(-1, channels), rate, length


def _by_av(file, name, start, seconds):
    """Decode with the package av. Returns the same as `_from_file`."""
    import av

    try:
        with av.open(file) as container:
            if not container.streams.audio:
                raise ValueError("it has no sound")
            stream = container.streams.audio[0]
            rate, length = stream.rate, (container.duration or 0) / 1_000_000
            _check_start(start, length, name)
            container.seek(int(start * 1_000_000))
            even = av.AudioResampler(format="fltp")
            pieces, begins, wanted = [], None, None
            for frame in container.decode(stream):
                if begins is None:
                    begins = float(frame.pts * frame.time_base) if frame.pts is not None else 0.0
                    skipped = max(round((start - begins) * rate), 0)
                    wanted = skipped + round(min(seconds, length) * rate)
                pieces += [part.to_ndarray().T for part in even.resample(frame)]
                if sum(map(len, pieces)) >= wanted:
                    break
    except av.FFmpegError as error:
        raise ValueError(str(error)) from error
    if not pieces:
        raise ValueError("it has no sound")
    return numpy.concatenate(pieces)[skipped:wanted], rate, length


def _checked(samples):
    """Return the samples as a float32 array with one channel, or raise CourseError."""
    return _as_floats(samples).mean(axis=1)


def add_noise(samples, snr_db, seed=0):
    """Add white noise to sound. The signal-to-noise ratio is exact over the whole length.

    samples : float32 of shape (samples,)
    snr_db : the ratio in decibels, 10 log10(power of the sound / power of the noise): 20 is like a quiet
        room; at 0 the sound and the noise are equally strong
    seed : the seed of the noise

    Returns the sum, in the same shape. Its values may go beyond -1 and 1. Raises CourseError if the sound is
    silent, or if the ratio is not a finite number.
    """
    samples = _checked(samples)
    if not numpy.isfinite(snr_db):
        raise CourseError(f"A signal-to-noise ratio is a number of decibels, such as 10, not {snr_db}.")
    return mixed(samples, numpy.random.default_rng(seed).standard_normal(len(samples)), snr_db)


def mixed(samples, noise, snr_db):
    """Return samples plus noise, both of shape (samples,), at a signal-to-noise ratio in decibels.

    Raises CourseError if the samples are silent.
    """
    power = numpy.mean(samples.astype("float64") ** 2)
    if power == 0:
        raise CourseError("This sound is silent, so it has no signal-to-noise ratio: choose another.")
    scale = numpy.sqrt(power / 10 ** (snr_db / 10) / numpy.mean(noise**2))
    return (samples + scale * noise).astype("float32")


def stretch(samples, rate):
    """Make sound `rate` times as fast, at the same pitch: 2 halves its length, 0.5 doubles it.

    samples : float32 of shape (samples,)
    rate : from 0.25 to 4

    Returns a float32 array of shape (samples / rate,). Raises CourseError for another rate.

    Windows of 40 ms are copied from the sound. In the result they are closer together, or further apart, than
    in the sound. Each window may be moved by up to 10 ms, so that it continues the window before it as well
    as possible. This method is WSOLA: Verhelst and Roelands (1993), "An overlap-add technique based on
    waveform similarity", ICASSP.
    """
    samples = _checked(samples)
    if not 0.25 <= rate <= 4:
        raise CourseError(f"Sound can be stretched by 0.25 to 4, not by {rate}.")
    if rate == 1:
        return samples.copy()
    size, search = int(0.04 * RATE), int(0.01 * RATE)
    step = size // 2
    window = numpy.hanning(size + 1)[:-1]  # where two windows overlap by half, they add up to 1
    length = round(len(samples) / rate)
    padded = numpy.pad(samples, (step + search, 2 * size + search))
    out = numpy.zeros(length + 2 * size)
    continued = padded[search : search + size]  # the first window begins `step` samples before the sound
    for start in range(0, length + step, step):
        # At exactly the tempo `rate`, the window would begin `search` samples after `earliest`. It may begin
        # up to `search` samples before or after that point, where it best continues the window before it.
        earliest = round(start * rate)
        if earliest + size + 2 * search > len(padded):
            break
        around = padded[earliest : earliest + size + 2 * search]
        best = earliest + int(numpy.correlate(around, continued, "valid").argmax())
        out[start : start + size] += window * padded[best : best + size]
        continued = padded[best + step : best + step + size]
    return out[step : step + length].astype("float32")


def speak(text, words_per_minute=160, voice="en-us"):
    """Read a text aloud with a synthetic voice of espeak-ng, a program that does not come with the course.

    text : the text to read
    words_per_minute : the speed, from 80 to 450
    voice : a voice that `espeak-ng --voices` lists

    Returns a float32 array of shape (samples,), of any length. Raises CourseError if espeak-ng is missing or
    has no such voice, or if the speed is outside its range.
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
