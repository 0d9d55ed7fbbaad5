"""Tests the cell of lesson 09 that needs a multilingual Whisper, which most machines lack."""

from pathlib import Path

import pytest
from lazy import Lazy

import course_utils
from course_utils import loading
from course_utils.opened import speech

nbformat = Lazy("nbformat")
torch = Lazy("torch")
transformers = Lazy("transformers")


@pytest.fixture
def language_cell():
    """Returns the lesson's cell that runs a multilingual Whisper if the machine has one."""
    notebook = nbformat.read(Path(__file__).parents[2] / "notebooks" / "09_whisper.ipynb", as_version=4)
    return next(cell.source for cell in notebook.cells if "detect_language" in cell.source)


def test_the_language_cell_runs_where_a_multilingual_size_is(language_cell, monkeypatch, capsys):
    """Runs the cell with a multilingual Whisper that has random weights."""
    processor = transformers.AutoProcessor.from_pretrained(loading.folder("whisper"))
    ids = processor.tokenizer.convert_tokens_to_ids
    languages = {token: ids(token) for token in ("<|en|>", "<|fr|>", "<|de|>")}
    starts = {"decoder_start_token_id": ids("<|startoftranscript|>"), "pad_token_id": 0, "eos_token_id": 0}
    sizes = dict.fromkeys(("encoder_layers", "decoder_layers"), 1) | {"d_model": 12}
    model = transformers.WhisperForConditionalGeneration(
        transformers.WhisperConfig(vocab_size=len(processor.tokenizer), bos_token_id=0, **starts, **sizes)
    )
    model.generation_config = transformers.GenerationConfig(
        is_multilingual=True, lang_to_id=languages, **starts
    )
    monkeypatch.setattr(loading, "is_cached", lambda model: model.name == "whisper-tiny")
    monkeypatch.setattr(loading, "load", lambda name: (model, processor))
    with torch.no_grad():
        exec(language_cell, {"course": course_utils, "clips": speech.clips()})
    said = capsys.readouterr().out.splitlines()
    assert said[-1].split(": ")[1] in languages and said[-1].startswith("This machine, language of the clip")


def test_the_language_cell_says_what_is_missing(language_cell, monkeypatch, capsys):
    monkeypatch.setattr(loading, "is_cached", lambda model: False)
    exec(language_cell, {"course": course_utils, "clips": speech.clips()})
    assert capsys.readouterr().out.endswith(
        "This machine has no Whisper tiny, multilingual: run `course fetch whisper-tiny`, then this cell.\n"
    )
