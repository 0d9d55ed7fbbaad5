"""Tests what the page of lesson 09's explorable shows: noise, the mel picture, and stored transcripts."""

import json
import shutil
from pathlib import Path

import numpy
import pytest
from test_live import run_tests_of_node

from course_utils.opened import speech
from course_utils.opened.speech.states import LEVELS, SEED, compared, noise, packed, whisper, with_noise

ROOT = Path(__file__).parents[2]
OPENED = ROOT / "course_utils" / "opened"
CLIP = speech.clips()["himself"]


def test_the_page_makes_the_noise_and_the_picture_that_whisper_gets(tmp_path):
    from transformers import WhisperFeatureExtractor

    mel = WhisperFeatureExtractor()(CLIP.samples, sampling_rate=speech.RATE).input_features[0]
    reference = {
        "seed": SEED,
        "noise": noise(9999).tolist(),
        "samples": CLIP.samples.tolist(),
        "noisy": with_noise(CLIP.samples, 5).tolist(),
        "mel": mel[:, : len(CLIP.samples) // 160].ravel().tolist(),
    }
    path = tmp_path / "reference.json"
    path.write_text(json.dumps(reference))
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "package.json").write_text('{"type": "module"}')
    for module in (OPENED / "speech.js", ROOT / "course_utils" / "widgets" / "view.js"):
        shutil.copy(module, tmp_path / "live")
    run_tests_of_node("speech", tmp_path, path)


def test_the_noise_is_white_and_normal():
    values = noise(50_000)
    assert abs(values.mean()) < 0.02 and abs(values.std() - 1) < 0.02
    assert abs(numpy.corrcoef(values[1:], values[:-1])[0, 1]) < 0.02


def test_errors_are_counted_as_the_lesson_counts_them():
    assert compared("mister john", ["Mr.", "John."]) == (2, 0, [False, False], [])
    written = ["not", "an", "old-sposed", "man."]
    assert compared("not an ill disposed man", written) == (5, 2, [False, False, True, False], [2, 3])
    assert compared("to be or not", ["to", "or", "not"]) == (4, 1, [False, False, False], [1])
    assert compared("a word", []) == (2, 2, [], [0, 1])


@pytest.mark.parametrize("level", [None, 0])
def test_the_stored_states_are_the_models(level):
    stored = json.loads((OPENED / "speech.json").read_text(encoding="utf-8"))
    assert list(stored["sounds"]) == list(speech.clips()) and stored["levels"] == list(LEVELS)
    for sound in stored["sounds"].values():
        assert len(sound["heard"]) == len(LEVELS)
        assert (OPENED / "speech" / "recordings" / sound["file"]).is_file()
    entry = stored["sounds"]["himself"]["heard"][LEVELS.index(level)]
    found = packed(whisper()(with_noise(CLIP.samples, level)), CLIP.transcript)
    assert [word[0] for word in found["words"]] == [word[0] for word in entry["words"]]
    for ours, theirs in zip(found["words"], entry["words"], strict=True):
        assert ours[1:4] == pytest.approx(theirs[1:4], abs=0.05)
    assert found["errors"] == entry["errors"] and len(found["attention"]) == len(entry["attention"])
