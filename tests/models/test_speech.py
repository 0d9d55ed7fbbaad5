"""Tests the functions for speech: sound files, noise, tempo, word times, captions, and recording."""

import base64
import hashlib
import importlib.util
import io
import itertools
import shutil
import struct
import sys
import tomllib
import tracemalloc
import types
from pathlib import Path

import by_commit
import numpy
import pytest
from lab import PATIENCE, Notebook, Server, chromium
from lazy import Lazy
from programs import needs

from course_utils import CourseError
from course_utils.opened import speech
from course_utils.opened.speech import RATE, Word, captions, word_times, word_tokens
from course_utils.opened.speech.audio import WINDOW
from course_utils.opened.speech.clip import FOLDER
from course_utils.opened.speech.transcript import _stretches

nbformat = Lazy("nbformat")
soundfile = Lazy("soundfile")

CLIP = speech.clips()["himself"]
NO_MICROPHONE = """name => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
}"""
M4A = b"\0\0\0\x20ftypM4A " + bytes(500)  # the start of a file, then only zeros
TONE = 0.5 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(RATE) / RATE)


def written(samples, rate=RATE, **how):
    """Returns samples as the bytes of a sound file, by default WAV with 16 bits."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **({"format": "WAV"} | how))
    return file.getvalue()


def pitch(samples):
    """Returns the loudest frequency in Hz."""
    window = samples * numpy.hanning(len(samples))
    return abs(numpy.fft.rfft(window)).argmax() * RATE / len(samples)


def refused(source, **options):
    with pytest.raises(CourseError) as stopped:
        speech.read(source, **options)
    assert str(stopped.value).count("\n") == 0
    return str(stopped.value)


def test_clips_are_as_they_came():
    facts = tomllib.loads((FOLDER / "recordings.toml").read_text(encoding="utf-8"))
    clips = speech.clips()
    assert clips.keys() == facts.keys() and len(clips) == 5
    for name, clip in clips.items():
        whole = numpy.round(clip.samples * 32768).astype("<i2")
        assert hashlib.sha256(whole.tobytes()).hexdigest() == facts[name]["sha256"]
        assert clip.samples.dtype == numpy.float32 and not clip.samples.flags.writeable
        times = [time for word in clip.words for time in (word.start, word.end)]
        assert times == sorted(times) and times[-1] < clip.seconds
    assert round(sum(clip.seconds for clip in clips.values()), 1) == 24.7
    assert sum(len(clip.words) for clip in clips.values()) == 70


def test_clips_travel_with_the_package():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert "opened/speech/recordings/*" in project["tool"]["setuptools"]["package-data"]["course_utils"]


def test_what_is_read_is_what_was_written(tmp_path):
    file = tmp_path / "voice.wav"
    file.write_bytes(written(CLIP.samples))
    for source in (file, str(file), file.read_bytes()):
        samples = speech.read(source)
        assert samples.dtype == numpy.float32
        assert numpy.allclose(samples, CLIP.samples, atol=1e-4)
    part = speech.read(file, start=1, seconds=0.5)
    assert numpy.allclose(part, CLIP.samples[RATE : RATE + RATE // 2], atol=1e-4)


@pytest.mark.parametrize(
    "rate, channels, how",
    [
        (96_000, 2, {"subtype": "PCM_24"}),
        (96_000, 2, {"format": "FLAC"}),
        (8_000, 1, {"subtype": "PCM_U8"}),
        (44_100, 2, {"format": "MP3"}),
        (48_000, 1, {"format": "OGG"}),
        (22_050, 6, {"subtype": "FLOAT"}),
    ],
)
def test_any_kind_of_sound_becomes_one_channel_at_16_khz(rate, channels, how):
    tone = 0.5 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(2 * rate) / rate)
    samples = speech.read(written(numpy.repeat(tone[:, None], channels, 1), rate, **how))
    assert abs(len(samples) / RATE - 2) < 0.1
    assert abs(pitch(samples[RATE // 2 : -RATE // 2]) - 440) < 2
    assert 0.4 < abs(samples).max() < 0.6


def test_too_loud_is_scaled_down():
    assert abs(speech.read(written(4 * TONE, subtype="FLOAT"))).max() < 1.01


def test_two_hours_are_cut_with_a_sentence(tmp_path, capsys):
    file = tmp_path / "lecture.wav"
    size = 2 * 3600 * RATE * 2
    begins = written(numpy.tile(TONE, 40))
    with file.open("wb") as long:
        long.write(
            begins[:4] + struct.pack("<I", size + 36) + begins[8:40] + struct.pack("<I", size) + begins[44:]
        )
        long.truncate(44 + size)
    tracemalloc.start()
    assert len(speech.read(file)) == WINDOW * RATE
    assert tracemalloc.get_traced_memory()[1] < 50e6  # the whole recording would take 460 MB or more
    tracemalloc.stop()
    says = "lecture.wav is 7,200 s long: this is second 0 to 29.5 (start=29.5 reads on).\n"
    assert capsys.readouterr().out == says
    assert "lecture.wav is 7,200.0 s long: choose a start in it" in refused(file, start=8000)
    assert not speech.read(file, start=60).any()
    assert capsys.readouterr().out.startswith("lecture.wav is silent in these seconds.\n")


@pytest.mark.parametrize(
    "content, sentence",
    [
        (b"", "is empty: save it as WAV, FLAC, OGG or MP3"),
        (b"Not a sound at all, but a line of text.\n" * 40, "is not audio that this course can read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "is not audio that this course can read"),
        (written(TONE)[:30], "is not audio that this course can read"),
        (written(TONE[:0]), "has 0.00 s of sound"),
        (written(TONE[:800]), "has 0.05 s of sound; 0.1 s is the least"),
        (written(TONE * numpy.nan, subtype="FLOAT"), "has samples that are not numbers"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",  # bytes get no id: they may differ between runs
)
def test_what_is_no_speech_gets_one_sentence(tmp_path, content, sentence):
    file = tmp_path / "voice.wav"
    file.write_bytes(content)
    assert refused(file).startswith(f"voice.wav {sentence}")
    assert refused(content).startswith(f"This recording {sentence}")


def test_what_is_no_file_gets_one_sentence(tmp_path):
    assert "nowhere.wav can't be opened (" in refused("nowhere.wav")
    assert "can't be opened (" in refused(tmp_path)
    assert "choose a start in it, not -1" in refused(written(TONE), start=-1)
    assert refused(written(TONE), rate=RATE) == "A file states its own rate: leave `rate` out."


@pytest.fixture(params=["ffmpeg", "av"])
def decoder(request, monkeypatch):
    """Decodes with ffmpeg, or hides ffmpeg so that av decodes. Skips if the decoder is not installed."""
    if request.param == "ffmpeg":
        if not shutil.which("ffmpeg"):
            pytest.skip("ffmpeg is not installed: apt install ffmpeg, or brew install ffmpeg")
    elif not importlib.util.find_spec("av"):
        pytest.skip("the package av is not installed: pip install av")
    else:
        monkeypatch.setenv("PATH", "")


def encoded(path, samples, rate, codec):
    """Writes an array of shape (channels, samples) to a file like those of phones and browsers.

    The package av writes the file.
    """
    av = pytest.importorskip("av", reason="the package av, which writes this file, is not installed")
    layout = {1: "mono", 2: "stereo"}[len(samples)]
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples.astype("float32"), format="fltp", layout=layout)
        frame.sample_rate = rate
        even = av.AudioResampler(format=stream.format, layout=layout, rate=rate)
        for piece in [*even.resample(frame), *even.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


RECORDINGS = [
    ("memo.m4a", 44_100, 1, "aac"),
    ("film.mp4", 48_000, 2, "aac"),
    ("phone.mov", 44_100, 2, "aac"),
    ("browser.webm", 48_000, 1, "libopus"),
]
RECORDINGS = by_commit.drawn("recordings", RECORDINGS, 2, "course_utils/opened", __file__)


@pytest.mark.parametrize("name, rate, channels, codec", RECORDINGS)
def test_what_a_phone_gives_is_read_where_a_decoder_is(
    name, rate, channels, codec, tmp_path, capsys, decoder
):
    times = numpy.arange(40 * rate) / rate
    tone = 0.5 * numpy.sin(2 * numpy.pi * numpy.where(times < 20, 440, 660) * times)
    file = encoded(tmp_path / name, numpy.stack([tone] * channels), rate, codec)
    for source in (file, file.read_bytes()):
        samples = speech.read(source)
        said = capsys.readouterr().out
        assert "is 40 s long: this is second 0 to 29.5 (start=29.5 reads on)." in said
        assert ("has 2 channels: here is their mean." in said) == (channels == 2)
        assert len(samples) / RATE == pytest.approx(WINDOW, abs=0.02)
        assert pitch(samples[RATE : 10 * RATE]) == pytest.approx(440, abs=1)
        assert pitch(samples[-5 * RATE :]) == pytest.approx(660, abs=1)
        assert samples[RATE : 10 * RATE].std() == pytest.approx(0.5 / 2**0.5, abs=0.01)
        later = speech.read(source, start=19, seconds=2)
        assert len(later) / RATE == pytest.approx(2, abs=0.02)
        assert pitch(later[: RATE * 9 // 10]) == pytest.approx(440, abs=2)
        assert pitch(later[RATE * 11 // 10 :]) == pytest.approx(660, abs=2)
        assert "choose a start in it, not 50" in refused(source, start=50)
        capsys.readouterr()


def test_a_film_without_sound_gets_one_sentence(tmp_path, decoder):
    av = pytest.importorskip("av", reason="the package av, which writes this file, is not installed")
    with av.open(tmp_path / "mute.mp4", "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    says = "is MP4, M4A or MOV, and its sound can't be read: save it as WAV, FLAC, OGG or MP3, and read that."
    assert refused(tmp_path / "mute.mp4") == f"mute.mp4 {says}"
    broken = tmp_path / "broken.m4a"
    broken.write_bytes(M4A)
    assert refused(broken) == f"broken.m4a {says}"
    broken.write_bytes(b"\x1aE\xdf\xa3" + bytes(500))
    assert refused(broken).startswith("broken.m4a is WebM or Matroska, and its sound can't be read")


def test_without_a_decoder_the_sentence_names_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    file = tmp_path / "memo.m4a"
    file.write_bytes(M4A)
    assert refused(file) == (
        "memo.m4a is MP4, M4A or MOV, which needs a decoder that is not installed: run `%pip install av` in "
        "a cell (or install the program ffmpeg), and read it again; or save it as WAV, FLAC, OGG or MP3, and "
        "read that."
    )


def test_samples_need_their_rate_and_keep_their_pitch(capsys):
    assert "does not say how many samples make a second" in refused(TONE)
    for rate in (8_000, 22_050, 44_100.0, 16_000):
        tone = 0.5 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(2 * rate) / rate)
        samples = speech.read(tone, rate=rate)
        assert abs(len(samples) / RATE - 2) < 0.01 and samples.dtype == numpy.float32
        assert abs(pitch(samples) - 440) < 2
    for rate in (0, -1, 12, True, 1e9, "fast"):
        assert "A rate is a number of samples a second, such as 16_000 or 44_100" in refused(TONE, rate=rate)
    assert capsys.readouterr().out == ""


def test_samples_that_are_ready_stay_as_they_are():
    assert (speech.read(CLIP.samples, rate=RATE) == CLIP.samples).all()
    noisy = speech.add_noise(CLIP.samples, -15)
    assert abs(noisy).max() > 1 and (speech.read(noisy, rate=RATE) == noisy).all()


@pytest.mark.parametrize("channels_first", [False, True])
def test_two_channels_become_their_mean_and_a_sentence_says_so(channels_first, capsys):
    both = numpy.stack([TONE, 0 * TONE], 0 if channels_first else 1)
    assert numpy.allclose(speech.read(both, rate=RATE), TONE / 2, atol=1e-6)
    assert capsys.readouterr().out == "This sound has 2 channels: here is their mean.\n"
    assert numpy.allclose(speech.read(written(numpy.stack([TONE, 0 * TONE], 1))), TONE / 2, atol=1e-4)
    assert capsys.readouterr().out == "This recording has 2 channels: here is their mean.\n"
    assert numpy.allclose(speech.stretch(both, 1), TONE / 2, atol=1e-6)


def test_whole_numbers_are_scaled_by_their_kind():
    for kind, scale in (("int16", 2**15), ("int32", 2**31), ("int8", 2**7)):
        whole = (TONE * (scale - 1)).round().astype(kind)
        assert numpy.allclose(speech.read(whole, rate=RATE), TONE, atol=2 / scale + 1e-6)
    unsigned = (128 + TONE * 127).round().astype("uint8")
    assert numpy.allclose(speech.read(unsigned, rate=RATE), TONE, atol=2 / 128)
    for kind in ("int64", "float32"):
        whole = (TONE * 32_767).astype(kind)
        assert "has samples of up to 16,38" in refused(whole, rate=RATE)


def test_samples_that_are_too_long_are_cut_with_a_sentence(capsys):
    minute = numpy.tile(TONE, 60)
    assert len(speech.read(minute, rate=RATE)) == WINDOW * RATE
    assert capsys.readouterr().out == (
        "This sound is 60 s long: this is second 0 to 29.5 (start=29.5 reads on).\n"
    )
    assert len(speech.read(minute, start=29.5, rate=RATE)) == WINDOW * RATE
    assert "this is second 29.5 to 59 (start=59 reads on)" in capsys.readouterr().out
    assert len(speech.read(minute, start=59, rate=RATE)) == RATE
    assert capsys.readouterr().out == ""


def test_the_file_to_practise_with_is_longer_than_a_window(capsys):
    file = speech.example_file()
    clips = [clip.samples for clip in speech.clips().values()]
    both = numpy.concatenate(clips + clips[:2])
    assert (speech.read(file) == both[: int(WINDOW * RATE)]).all()
    assert capsys.readouterr().out.startswith("example.wav is 34.8 s long")
    assert (speech.read(file, start=WINDOW) == both[int(WINDOW * RATE) :]).all()


def test_words_are_compared_without_signs_and_with_the_fewest_errors():
    words = speech.plain_words("Mr. Dashwood didn't hear;  the cold-hearted Mrs. Hamr.")
    assert words == ["mister", "dashwood", "didn't", "hear", "the", "cold", "hearted", "mrs", "hamr"]
    said = ["he", "was", "not", "an", "ill", "disposed", "young", "man"]
    assert speech.word_pairs(said, said) == [(word, word) for word in said]
    assert speech.word_pairs(said, said[:2] + said[3:])[2] == ("not", None)
    assert speech.word_pairs(["to", "be"], ["so", "to", "be"])[0] == (None, "so")
    texts = {name: clip.transcript for name, clip in speech.clips().items()}
    texts["young man"] = "He was an old-sposed young man."
    assert speech.errors_by_clip(texts) == ([0, 3, 0, 0, 0], [22, 8, 14, 18, 8])
    changed = speech.word_pairs(said, ["he", "was", "not", "an", "old", "sposed", "young", "man"])
    assert changed[4:6] == [("ill", "old"), ("disposed", "sposed")]


def test_a_sentence_says_if_no_silence_is_left_in_the_window(capsys):
    minute = numpy.tile(TONE, 60)
    says = (
        "This sound is longer than 29.5 s as read: if the 30 seconds that Whisper takes end without silence, "
        "it may lose words.\n"
    )
    assert len(speech.read(minute, seconds=30, rate=RATE)) == 30 * RATE
    assert capsys.readouterr().out == (
        "This sound is 60 s long: this is second 0 to 30 (start=30 reads on).\n" + says
    )
    assert len(speech.read(minute, seconds=float("inf"), rate=RATE)) == 60 * RATE
    assert capsys.readouterr().out == says
    for rate in (RATE, 11_025, 44_100):  # at 11,025 Hz, 29.5 s is no whole number of samples
        speech.read(numpy.tile(TONE, 200), seconds=29.5, rate=rate)
        assert "lose words" not in capsys.readouterr().out
    speech.read(minute[: 20 * RATE], seconds=30, rate=RATE)
    assert capsys.readouterr().out == ""


def test_silence_is_read_and_named(tmp_path, capsys):
    file = tmp_path / "quiet.wav"
    file.write_bytes(written(0 * TONE))
    assert not speech.read(file).any()
    assert capsys.readouterr().out == "quiet.wav is silent.\n"


def test_what_is_no_sound_gets_one_sentence():
    for samples, sentence in [
        (["a", "b"], "The samples must be numbers"),
        (None, "The samples must be numbers"),
        (TONE.astype(complex), "The samples must be numbers"),
        (numpy.ones((2, 2, 2)), "must have the shape (samples,) or (samples, channels), not (2, 2, 2)"),
        (numpy.ones((100, 100)), "must have the shape"),
        ([], "must have the shape"),
        (TONE[:800], "This sound has 0.05 s of sound; 0.1 s is the least"),
        (TONE * numpy.nan, "This sound has samples that are not numbers"),
    ]:
        assert sentence in refused(samples, rate=RATE)


@pytest.mark.parametrize("snr_db", [20, 0, -5])
def test_noise_has_exactly_the_ratio_that_was_asked_for(snr_db):
    noisy = speech.add_noise(CLIP.samples, snr_db)
    noise = noisy.astype(float) - CLIP.samples
    assert 10 * numpy.log10((CLIP.samples.astype(float) ** 2).mean() / (noise**2).mean()) == pytest.approx(
        snr_db, abs=1e-3
    )
    assert (noisy == speech.add_noise(CLIP.samples, snr_db)).all()
    assert (noisy != speech.add_noise(CLIP.samples, snr_db, seed=1)).any()


def test_noise_refuses_in_one_sentence():
    for arguments, sentence in [
        ((0 * TONE, 10), "This sound is silent, so it has no signal-to-noise ratio"),
        ((TONE, float("nan")), "is a number of decibels"),
        ((TONE[None, None], 10), "must have the shape"),
        (("sound", 10), "The samples must be numbers"),
        ((TONE + numpy.inf, 10), "has samples that are not numbers"),
    ]:
        with pytest.raises(CourseError, match=sentence):
            speech.add_noise(*arguments)


@pytest.mark.parametrize("rate", [0.5, 1, 1.7, 3])
def test_stretched_sound_is_longer_at_the_same_pitch(rate):
    tone = numpy.tile(TONE, 2)
    stretched = speech.stretch(tone, rate)
    assert len(stretched) == round(len(tone) / rate) and stretched.dtype == numpy.float32
    assert abs(pitch(stretched) - 440) < 3
    middle = stretched[len(stretched) // 4 : -len(stretched) // 4]
    assert middle.std() == pytest.approx(tone.std(), rel=0.1)


def test_stretching_has_limits():
    with pytest.raises(CourseError, match="by 0.25 to 4, not by 5"):
        speech.stretch(TONE, 5)


@needs("espeak-ng")
def test_a_synthetic_voice_speaks():
    slow, fast = (speech.speak("Open the box and look inside.", pace) for pace in (100, 300))
    assert len(slow) > 1.8 * len(fast) > RATE
    with pytest.raises(CourseError, match="espeak-ng did not speak"):
        speech.speak("Hello.", voice="klingon-opera")


def test_a_synthetic_voice_that_is_not_there(monkeypatch, tmp_path):
    with pytest.raises(CourseError, match="80 to 450 words per minute, not 1000|install it"):
        speech.speak("Hello.", 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CourseError, match="needs the program espeak-ng: install it"):
        speech.speak("Hello.")


@pytest.fixture(scope="module")
def tokenizer():
    import transformers

    from course_utils import loading

    return transformers.WhisperTokenizer.from_pretrained(loading.folder("whisper", size="small"))


def test_words_are_made_of_their_tokens(tokenizer):
    text = " And Mr. John Dashwood, ill-disposed; 3.5% of it."
    ids = tokenizer(text).input_ids
    words = word_tokens(tokenizer, ids)
    assert [word for word, _ in words] == text.split()
    for word, places in words:
        assert tokenizer.decode(ids[places.start : places.stop]).strip() == word
    # The words are the same without the special tokens, and with tokens for times.
    assert [word for word, _ in word_tokens(tokenizer, ids[2:-1])] == text.split()
    with_times = [50257, 50363, *ids[2:5], 50400, 50400, *ids[5:]]
    assert [word for word, _ in word_tokens(tokenizer, with_times)] == text.split()
    assert word_tokens(tokenizer, [50257, 50362, 50256]) == [] == word_tokens(tokenizer, [])


def test_a_batch_is_no_transcript(tokenizer):
    with pytest.raises(CourseError, match=r"must have the shape \(tokens,\)"):
        word_tokens(tokenizer, numpy.array([[50257, 50362]]))


def test_stretches_are_the_best_of_all():
    """Compares the result with all ways to divide the frames among the rows, in order."""
    rng = numpy.random.default_rng(0)
    for rows, frames in itertools.product((1, 2, 4), (1, 3, 6)):
        gain = rng.normal(size=(rows, frames))
        totals = {}
        # A path goes from the first row and frame to the last row and frame. Each step goes to the next row,
        # to the next frame, or to both.
        paths = [[(0, 0)]]
        while paths:
            path = paths.pop()
            row, frame = path[-1]
            if (row, frame) == (rows - 1, frames - 1):
                starts = tuple(min(frame for at, frame in path if at == row) for row in range(rows))
                totals[starts] = max(totals.get(starts, -numpy.inf), sum(gain[place] for place in path))
            for step in ((1, 0), (0, 1), (1, 1)):
                if row + step[0] < rows and frame + step[1] < frames:
                    paths.append([*path, (row + step[0], frame + step[1])])
        assert tuple(_stretches(gain)) == max(totals, key=totals.get)


def test_word_times_follow_the_attention():
    attention = numpy.full((2, 6, 100), 0.01)
    attention[:, 1, 10:30] = attention[:, 2, 30:45] = attention[:, 3, 45:70] = attention[:, 4, 70:] = 1
    words = [("one", range(2, 3)), ("two-three,", range(3, 5))]
    times = word_times(attention, words, seconds=2)
    assert [word.text for word in times] == ["one", "two-three,"]
    assert [time for word in times for time in (word.start, word.end)] == pytest.approx(
        [0, 0.6, 0.6, 1.4], abs=0.04
    )
    assert word_times(attention, [], 2) == []


def test_more_tokens_than_frames_have_times_too():
    rng = numpy.random.default_rng(0)
    words = [(str(place), range(place, place + 1)) for place in range(1, 40)]
    times = word_times(rng.random((3, 40, 1500)), words, 0.2)
    starts = [word.start for word in times]
    assert starts == sorted(starts) and times[-1].end <= 0.2


def test_word_times_refuse_in_one_sentence():
    attention, words = numpy.ones((2, 5, 50)), [("one", range(2, 3))]
    for arguments, sentence in [
        ((attention[0], words, 1), "must have the shape"),
        ((attention, words, 0), "A sound of 0 s is too short"),
        ((attention, [("one", range(0, 1))], 1), "run the model on all ids"),
        ((attention, [("one", range(6, 7))], 1), "run the model on all ids"),
    ]:
        with pytest.raises(CourseError, match=sentence):
            word_times(*arguments)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Yields a browser whose microphone repeats one second of a clip."""
    voice = tmp_path_factory.mktemp("voice") / "voice.wav"
    voice.write_bytes(written(CLIP.samples[8_000:24_000]))
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with chromium(*fake, f"--use-file-for-fake-audio-capture={voice}") as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    cells = ["import course_utils as course\nvoice = course.speech.record(2)\nvoice"]
    cells += ["import numpy\nnumpy.save('voice', voice.samples)\nprint('saved')"]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "voice.ipynb")
    with Server(folder, tmp_path_factory.mktemp("jupyter")) as running:
        yield running


def is_of_the_clip(samples):
    """Returns whether the samples contain half a second of the clip, as recorded by a microphone."""
    part = CLIP.samples[8_000:16_000]
    shift = numpy.correlate(samples, part, "valid").argmax()
    return numpy.corrcoef(samples[shift : shift + len(part)], part)[0, 1] > 0.9


def test_a_player_shows_the_captions(browser):
    words = [
        Word("Fish", 0.0, 0.4),
        Word("&", 0.4, 0.5),
        Word("<chips>", 0.5, 1.25),
        Word("-->", 1.25, 1.25),
        Word("later.", 3661.5, 3662.0),
        Word("Now", 3662.0, 3662.0),
        Word("unquestionably-overlong-and-therefore-alone", 3662.0, 3663.0),
    ]
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    track = base64.b64encode(captions(words, width=24).encode()).decode()
    page.set_content(f'<video><track default src="data:text/vtt;base64,{track}"></video>')
    page.wait_for_function("document.querySelector('track').readyState === 2")
    cues = page.evaluate(
        "[...document.querySelector('track').track.cues].map(cue =>"
        " [cue.getCueAsHTML().textContent, cue.startTime, cue.endTime])"
    )
    page.close()
    assert cues == [
        ["Fish & <chips> -->", 0, 1.25],
        ["later. Now", 3661.5, 3662],
        ["unquestionably-overlong-and-therefore-alone", 3662, 3663],
    ]
    assert captions([]) == "WEBVTT\n"


def test_a_voice_reaches_the_kernel_from_jupyterlab(browser, server):
    notebook = Notebook(browser, server, "voice.ipynb")
    notebook.run_all()
    first, second = notebook.output(0), notebook.output(1)
    second.get_by_text("Nothing is recorded yet: press the button, speak").first.wait_for()
    button = first.get_by_role("button", name="Record up to 2 seconds")
    button.click()
    first.get_by_role("button", name="Recording: press to stop").wait_for()
    first.get_by_text("Recorded: ").wait_for()
    notebook.run(1)
    second.get_by_text("saved").wait_for()
    assert is_of_the_clip(numpy.load(server.folder / "voice.npy"))
    # The page must not keep the voice, because the voice would then be saved with the notebook.
    assert first.locator("textarea").input_value() == ""
    button.click()
    first.get_by_role("button", name="Recording: press to stop").click()
    button.wait_for()
    assert notebook.complaints == []
    notebook.close()


@pytest.mark.everything(reason="opens JupyterLab once more, in which a recording is tested")
def test_a_refused_microphone_is_a_sentence(browser, server):
    notebook = Notebook(browser, server, "voice.ipynb")
    notebook.page.evaluate(NO_MICROPHONE, "NotAllowedError")
    notebook.run(0)
    output = notebook.output(0)
    output.get_by_role("button").click()
    output.get_by_text("The browser gives no microphone (NotAllowedError): allow it here").wait_for()
    notebook.close()


def test_a_voice_reaches_the_kernel_from_colab(browser, server, monkeypatch):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{server.url}static/favicon.ico")  # a page of this server may use the microphone
    output = types.SimpleNamespace(eval_js=page.evaluate)
    monkeypatch.setitem(sys.modules, "google.colab", types.SimpleNamespace(output=output))
    voice = speech.record(2)
    assert voice.done and is_of_the_clip(voice.samples)
    page.evaluate(NO_MICROPHONE, "NotFoundError")
    with pytest.raises(CourseError, match="finds no microphone: connect one"):
        speech.record(1)
    page.close()


def test_a_recorder_keeps_a_recording_and_refuses_silence():
    voice = speech.record()
    assert not voice.done
    silent, loud = (base64.b64encode(written(samples)).decode() for samples in (0 * TONE, TONE))
    with pytest.raises(CourseError, match="This recording is silent"):
        voice.take({"wav": silent})
    assert not voice.done
    voice.take({"wav": loud})
    assert voice.done and abs(voice.samples - TONE).max() < 1e-4
    with pytest.raises(CourseError, match="lasts 1 to 29 seconds, not 60"):
        speech.record(60)
