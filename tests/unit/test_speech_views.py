"""Tests lesson 09's pictures and explorer: sound, its mel picture, words, wrong words, and added noise."""

import base64
import io
import re

import numpy
import pytest

from course_utils import CourseError, opened
from course_utils.opened import speech
from course_utils.opened.speech.explorer import Speech

MEL = numpy.zeros((80, 200))  # 200 frames are two seconds
MEL[:20, 50:100] = 1.0  # low sounds from 0.5 to 1 s
WORDS, SPANS = ["so", "it", "is."], [(0.5, 0.7), (0.7, 1.0), (1.0, 1.5)]


def images(html):
    """Returns the pictures in some HTML as arrays of numbers from 0 (light) to 1 (dark)."""
    from PIL import Image

    found = []
    for data in re.findall(r"data:image/png;base64,([^\"]+)", html):
        shades = Image.open(io.BytesIO(base64.b64decode(data))).convert("L")
        found.append(1 - numpy.asarray(shades) / 255)
    return found


def places(html):
    """Returns {word: (distance from the left in percent, from the top in pixels)}."""
    found = re.findall(r"top:(\d+)px;left:([\d.]+)%;white-space[^>]*>.*?<bdi>([^<]+)</bdi>", html)
    return {word: (float(left), int(top)) for top, left, word in found}


def sound_in(html):
    """Returns the samples and the rate of the sound that a page plays."""
    import soundfile

    data = re.search(r"data:audio/mpeg;base64,([^\"]+)", html)[1]
    return soundfile.read(io.BytesIO(base64.b64decode(data)))


def test_a_mel_picture_is_dark_where_it_is_loud_and_low_at_the_bottom():
    (image,) = images(opened.spectrogram(MEL).html)
    assert image.shape == (80, 200)
    assert image[60:, 50:100].min() > 0.95 and image[:60].max() == 0 and image[:, :50].max() == 0


def test_a_mel_picture_without_a_sound_is_no_division_by_zero():
    assert images(opened.spectrogram(numpy.full((80, 50), -1.5)).html)[0].max() == 0


def test_words_stand_at_their_times_and_never_on_one_another():
    picture = opened.spectrogram(MEL, words=WORDS, spans=SPANS)
    assert {word: left for word, (left, _) in places(picture.html).items()} == {"so": 25, "it": 35, "is.": 50}
    assert picture.alt == "Mel picture of 2.0 seconds, 80 bands. so 0.5 s; it 0.7 s; is. 1.0 s."
    close = opened.spectrogram(
        MEL, words=["one"] * 6, spans=[(start / 50, start / 50 + 0.02) for start in range(6)]
    )
    tops = re.findall(r"top:(\d+)px;left:[\d.]+%;white-space", close.html)
    assert len(set(tops)) == 6  # the words are drawn wider than 0.02 s, so each has a row of its own


def test_a_word_at_the_end_stays_within_the_picture():
    html = opened.spectrogram(MEL, words=["unbelievable"], spans=[(1.9, 1.98)]).html
    assert "left:0;width:99.0%;text-align:right" in html


def test_decoding_shows_what_was_taken_and_what_was_not():
    picture = opened.decoding([[(" old", 0.33), (" ill", 0.3), (",", 0.004)], [("<b>", 1.0)]])
    assert picture.alt == "2 tokens: ·old 33%, not ·ill 30%; <b> 100%"
    assert "·ill" in picture.html
    assert "&lt;1%" in picture.html and "&lt;b&gt;" in picture.html


def test_an_alignment_marks_and_counts_each_kind_of_error():
    rows = {"one": [("he", "he"), ("ill", "old"), ("a", None), (None, "<i>")], "two": [("no", "no")]}
    picture = opened.alignment(rows)
    assert picture.alt == (
        "Errors of words said. one: 3 of 3 words: ill heard as old, a left out, <i> added; two: 0 of 1 words"
    )
    assert [picture.html.count(f"2px {line} ") for line in ("solid", "dotted", "dashed")] == [1, 1, 1]
    assert "&lt;i&gt;" in picture.html and "<i>" not in picture.html


def test_a_player_holds_the_sound_its_words_and_its_captions():
    tone = 3 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(16_000) / 16_000)
    picture = opened.player(tone, 16_000, "A tone <440 Hz>")
    heard, rate = sound_in(picture.html)
    assert rate == 16_000 and abs(len(heard) / rate - 1) < 0.15  # MP3 adds a little silence
    middle = heard[4000:12_000]
    assert 0.9 < abs(middle).max() < 1.1  # the tone is scaled down and not clipped
    strengths = abs(numpy.fft.rfft(middle))
    assert abs(strengths.argmax() * rate / len(middle) - 440) < 3
    assert strengths[2 * strengths.argmax() :].max() < 0.02 * strengths.max()
    assert picture.alt == "Sound, 1.0 seconds: A tone <440 Hz>" and "&lt;440 Hz&gt;" in picture.html
    assert 'title="Sound, 1.0 seconds"' in picture.html and "<video" not in picture.html


def test_a_player_shows_captions():
    file = speech.captions([speech.Word("tone", 0.1, 0.5)])
    html = opened.player(numpy.zeros(8000), 16_000, "tone", captions=file).html
    data = re.search(r"data:text/vtt;base64,([^\"]+)", html)[1]
    shown = base64.b64decode(data).decode()
    assert "00:00:00.100 --> 00:00:00.500 line:20%\ntone\n" in shown
    assert shown.replace(" line:20%", "") == file
    assert '<track default kind="captions"' in html


def test_no_picture_needs_what_a_page_drops():
    drawn = [
        opened.spectrogram(MEL, words=WORDS, spans=SPANS),
        opened.decoding([[("a", 0.5), ("b", 0.1)]]),
        opened.alignment({"one": [("a", "b")]}),
    ]
    for picture in drawn:
        assert not re.search(r"<(script|style|svg|link)|role=|aria-", picture.html)


CLIPS = {name: clip.samples for name, clip in speech.clips().items()}


class Listener:
    """Stands in for Whisper: returns a word for each half second, and keeps the samples of its calls."""

    def __init__(self):
        self.given = []

    def __call__(self, samples):
        self.given.append(samples)
        count = max(1, len(samples) // 8000)
        chances = [0.9 - 0.1 * (place == 1) - 0.3 * (len(self.given) > 1) for place in range(count)]
        return {
            "words": [f"w{place}" if place else f"first{len(self.given)}" for place in range(count)],
            "spans": [(place / 2, place / 2 + 0.5) for place in range(count)],
            "chances": chances,
            "attention": numpy.eye(count, len(samples) // 320),
        }


def test_speech_listens_once_for_each_sound_and_noise():
    listen = Listener()
    explorer = Speech(listen, CLIPS, sound="himself")
    assert explorer.alt.startswith("himself, no noise: 8 errors in 8 words. first1 0.0 s 90%; w1 0.5 s 80%")
    assert len(listen.given) == 1 and (listen.given[0] == CLIPS["himself"]).all()
    shown = explorer.widget.data["sounds"]
    assert list(shown) == list(CLIPS) and "pcm" not in shown["dashwood"]
    samples = numpy.frombuffer(base64.b64decode(shown["himself"]["pcm"]), "<i2")
    assert (samples / 32768 == CLIPS["himself"]).all()
    for level in (0, 20, 0):
        said = ask(explorer, sound="himself", noise=level)
        assert said["heard"]["of"] == 8 and "pcm" not in said
    assert len(listen.given) == 3
    noise = listen.given[1].astype("float64") - CLIPS["himself"]
    power = numpy.mean(CLIPS["himself"].astype("float64") ** 2)
    assert power / numpy.mean(noise**2) == pytest.approx(1, rel=1e-3)


def ask(explorer, **want):
    """Send the view a request. Return the answer."""
    explorer.widget.want = want
    return explorer.widget.said


def test_speech_compares_a_sound_of_one_s_own_with_its_text_without_noise():
    explorer = Speech(Listener(), {"mine": CLIPS["himself"].copy()}, noise=5)
    assert "said" not in explorer.widget.data["sounds"]["mine"]
    assert explorer.alt.startswith("mine, white noise at 5 dB: 1 errors in 6 words.")


def test_speech_says_what_went_wrong():
    def listen(samples):
        if len(explorer):
            raise CourseError("The model has gone.")
        return Listener()(samples)

    explorer = []
    explorer.append(Speech(listen, CLIPS))
    said = ask(explorer[0], sound="himself", noise=None)
    assert said["error"] == "The model has gone."


def test_speech_takes_a_recording_and_a_second_one():
    listen = Listener()
    explorer = Speech(listen, CLIPS)
    for name in ("himself", "young man"):
        pcm = (32768 * CLIPS[name]).astype("<i2")
        want = {"sound": "your voice", "noise": None, "pcm": base64.b64encode(pcm.tobytes()).decode()}
        assert ask(explorer, **want)["heard"]["errors"] == 0
        assert (listen.given[-1] == CLIPS[name]).all()
    assert len(listen.given) == 3
    silent = base64.b64encode(bytes(32_000)).decode()
    assert "silent" in ask(explorer, sound="your voice", noise=None, pcm=silent)["error"]


def test_speech_draws_without_words():
    silent = {"words": [], "spans": [], "chances": [], "attention": []}
    explorer = Speech(lambda samples: silent, {"nothing": numpy.zeros(16_000)})
    assert explorer.alt == "nothing, no noise: 0 errors in 0 words. No words."


@pytest.mark.parametrize(
    ("start", "says"),
    [
        ({"sound": "song"}, "no sound 'song': choose one of dashwood, "),
        ({"noise": 3}, "no noise \\(in dB\\) 3: choose one of 20, 15"),
    ],
)
def test_speech_refuses_in_a_sentence(start, says):
    with pytest.raises(CourseError, match=says):
        Speech(Listener(), CLIPS, **start)


def test_every_recorded_voice_has_every_clip():
    assert set(speech.voices()) == {"en-us", "en-gb", "en-gb-scotland", "en-029"}
    for wrote in speech.voices().values():
        assert list(wrote) == list(CLIPS) and all(text.strip() for text in wrote.values())
