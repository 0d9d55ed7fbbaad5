"""Tests the real Whisper tiny.en: its conversion, its words (compared with another engine's), word times."""

import difflib
import logging
import re

import by_commit
import numpy
import pytest
from lazy import Lazy
from servers import load_elsewhere

from course_utils import catalog, loading
from course_utils.errors import CourseError
from course_utils.loading import convert, whisper_weights
from course_utils.opened import speech
from course_utils.opened.speech import RATE, add_noise, clips, read, word_times, word_tokens, write

ctranslate2 = Lazy("ctranslate2")
faster_whisper = Lazy("faster_whisper")
jiwer = Lazy("jiwer")
soxr = Lazy("soxr")
torch = Lazy("torch")
transformers = Lazy("transformers")


class Heard(logging.Handler):
    """Collects the log records that reach it."""

    def __init__(self):
        super().__init__()
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())


@pytest.fixture(scope="module")
def whisper():
    return loading.load("whisper", size="small")


@pytest.fixture(scope="module")
def heard():
    """Yields the list of all warnings that transformers logs during the tests."""
    handler = Heard()
    logger = logging.getLogger("transformers")
    logger.addHandler(handler)
    yield handler.said
    logger.removeHandler(handler)


@pytest.fixture(scope="module")
def transcripts(whisper, heard):
    """Returns the text of each clip."""
    model, processor = whisper
    texts = {}
    for name, clip in clips().items():
        inputs = processor(clip.samples, sampling_rate=RATE, return_tensors="pt")
        ids = model.generate(inputs.input_features)
        texts[name] = processor.decode(ids[0], skip_special_tokens=True)
    return texts


def spoken(text):
    """Returns the words of a text as they are spoken."""
    return re.findall(r"[a-z']+", text.lower().replace("mr.", "mister"))


def test_the_library_s_own_classes_with_the_catalogue_s_count(whisper):
    model, processor = whisper
    facts = catalog.find("whisper", "small")
    assert type(model).__name__ == facts.architecture
    assert isinstance(processor, transformers.WhisperProcessor)
    assert sum(weight.numel() for weight in model.parameters()) == facts.parameters
    assert model.dtype == torch.float32 and not model.training
    assert model.config.vocab_size == len(processor.tokenizer)
    assert processor.tokenizer.convert_tokens_to_ids("<|30.00|>") == model.config.vocab_size - 1


def test_loading_again_converts_nothing(whisper, capsys, monkeypatch):
    monkeypatch.setattr(convert, "CONVERTERS", {})
    loading.load("whisper", size="small")
    assert capsys.readouterr().out == ""


def test_the_encoder_is_that_of_the_file_it_was_made_from(whisper):
    model, processor = whisper
    folder = loading.weights("whisper-tiny.en").parent
    original = ctranslate2.models.Whisper(str(folder), compute_type="float32", intra_threads=1)
    samples = clips()["dashwood"].samples
    features = processor(samples, sampling_rate=RATE, return_tensors="pt").input_features
    theirs = numpy.array(original.encode(ctranslate2.StorageView.from_array(features.numpy())))
    with torch.no_grad():
        ours = model.get_encoder()(features).last_hidden_state.numpy()
    assert abs(theirs).max() > 10
    assert abs(ours - theirs).max() < 3e-4


@pytest.mark.everything(reason="transcribes all clips again, with another engine")
def test_the_same_words_as_faster_whisper(transcripts):
    folder = loading.weights("whisper-tiny.en").parent
    other = faster_whisper.WhisperModel(str(folder), compute_type="float32", cpu_threads=1)
    for name, clip in clips().items():
        segments, _ = other.transcribe(
            clip.samples, language="en", beam_size=1, temperature=0, without_timestamps=True
        )
        assert transcripts[name] == "".join(segment.text for segment in segments)


def test_two_words_in_seventy_are_wrong(transcripts):
    said = [clip.transcript for clip in clips().values()]
    written = [" ".join(spoken(text)) for text in transcripts.values()]
    assert sum(len(text.split()) for text in said) == 70
    assert jiwer.wer(said, written) <= 0.029


def test_generate_warns_of_nothing(transcripts, heard):
    assert heard == []


def test_times_are_written_where_they_are_asked_for(whisper):
    model, processor = whisper
    clip = clips()["himself"]
    features = processor(clip.samples, sampling_rate=RATE, return_tensors="pt").input_features
    ids = model.generate(features, return_timestamps=True)[0]
    found = re.findall(r"<\|(\d+\.\d\d)\|>", processor.decode(ids, decode_with_timestamps=True))
    assert float(found[0]) == 0 and abs(float(found[-1]) - clip.words[-1].end) < 0.4


@pytest.mark.everything(reason="transcribes all clips again")
def test_word_starts_are_within_0_15_s_of_the_forced_alignment(whisper, transcripts):
    model, processor = whisper
    off = []
    for name, clip in clips().items():
        features = processor(clip.samples, sampling_rate=RATE, return_tensors="pt").input_features
        ids = processor.tokenizer(transcripts[name], return_tensors="pt").input_ids
        with torch.no_grad():
            output = model(features, decoder_input_ids=ids, output_attentions=True)
        heads = model.generation_config.alignment_heads
        attention = torch.stack([output.cross_attentions[layer][0, head] for layer, head in heads])
        words = word_times(attention, word_tokens(processor, ids[0]), clip.seconds)
        assert " ".join(word.text for word in words) == transcripts[name].strip()
        assert all(word.start <= word.end for word in words) and words[-1].end <= clip.seconds
        starts = [(each, word.start) for word in words for each in spoken(word.text)[:1]]
        said = [word.text for word in clip.words]
        matching = difflib.SequenceMatcher(None, [each for each, _ in starts], said, autojunk=False)
        for ours, theirs, length in matching.get_matching_blocks():
            off += [starts[ours + step][1] - clip.words[theirs + step].start for step in range(length)]
    assert len(off) > 60
    assert sum(map(abs, off)) / len(off) < 0.15


@pytest.mark.parametrize("content", [b"", b"\x05\x00\x00\x00", b"PK\x03\x04" + bytes(100)])
def test_a_file_that_is_no_model_of_ctranslate2(tmp_path, content):
    file = tmp_path / "model.bin"
    file.write_bytes(content)
    with pytest.raises(CourseError, match="is not a Whisper model of CTranslate2 that this course can read"):
        whisper_weights.read_arrays(file)


def test_a_cut_file_is_refused(tmp_path):
    whole = loading.weights("whisper-tiny.en")
    file = tmp_path / "model.bin"
    with whole.open("rb") as original:
        file.write_bytes(original.read(1_000_000))
    with pytest.raises(CourseError, match="delete it, and run this again"):
        whisper_weights.read_arrays(file)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("whisper-tiny", marks=pytest.mark.everything(reason="loads as the largest size does")),
        "whisper-large-v3-turbo",
    ],
)
def test_the_other_sizes_come_from_the_hub(name, whisper, tmp_path):
    """A shrunken copy of the published model, loaded from a hub, has the right class and writes text."""
    model = catalog.find(name)
    config = transformers.WhisperConfig.from_dict(
        whisper[0].config.to_dict()
        | {
            "d_model": 64,
            "encoder_ffn_dim": 64,
            "decoder_ffn_dim": 64,
            "encoder_layers": 1,
            "decoder_layers": 1,
        }
        | {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
        | {"num_mel_bins": 128 if "large" in name else 80}
    )
    torch.manual_seed(0)
    made = transformers.WhisperForConditionalGeneration(config).half()
    made.save_pretrained(tmp_path / "made")
    features = transformers.WhisperFeatureExtractor(feature_size=config.num_mel_bins)
    transformers.WhisperProcessor(features, whisper[1].tokenizer).save_pretrained(tmp_path / "made")
    files = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    files |= {"pytorch_model.bin": b"cos\nsystem\n(S'false'\ntR."}
    asked = "'whisper', size='full'" if model.size == "full" else repr(name)
    program = (
        f"import numpy\nmodel, processor = load({asked})\n"
        "sound = numpy.zeros(16_000, 'float32')\n"
        "inputs = processor(sound, sampling_rate=16_000, return_tensors='pt').input_features\n"
        "told = model.generate(inputs, max_new_tokens=4)\n"
        "print(type(model).__name__, model.dtype, tuple(inputs.shape), told.shape[1] > 0)"
    )
    said = load_elsewhere(model, files, tmp_path, program)
    assert said == f"{model.architecture} torch.float32 (1, {config.num_mel_bins}, 3000) True"


def test_write_gives_what_generate_gives(whisper, transcripts):
    model, processor = whisper
    samples = {name: clip.samples for name, clip in clips().items()}
    names = by_commit.drawn("clips", list(samples), 3, "course_utils/opened", __file__)
    samples, expected = [samples[name] for name in names], [transcripts[name] for name in names]
    assert speech.transcripts(model, processor, samples) == expected
    for written, said in zip(write(model, processor, *samples), expected, strict=True):
        assert processor.decode(written.ids, skip_special_tokens=True) == said and not written.capped
        assert processor.decode(written.ids[:2]) == "<|startoftranscript|><|notimestamps|>"
        assert written.ids[-1] == model.config.eos_token_id
        assert written.states.shape == (1500, 384) and written.picture.shape == (80, 3000)


@pytest.mark.everything(reason="transcribes all clips again")
def test_samples_at_another_rate_give_the_same_words(whisper, transcripts):
    model, processor = whisper
    faster = [soxr.resample(clip.samples, RATE, 44_100) for clip in clips().values()]
    for written, said in zip(
        write(model, processor, *faster, rate=44_100), transcripts.values(), strict=True
    ):
        text = processor.decode(written.ids, skip_special_tokens=True)
        assert spoken(text) == spoken(said)
    (wrong,) = write(model, processor, faster[0])  # without `rate`, the sound is read as if at 16,000 Hz
    text = processor.decode(wrong.ids, skip_special_tokens=True)
    first = transcripts[next(iter(clips()))]
    assert jiwer.wer(" ".join(spoken(first)), " ".join(spoken(text))) > 0.5
    with pytest.raises(CourseError, match="A rate is a number of samples a second"):
        write(model, processor, faster[0], rate="44.1 kHz")


@pytest.mark.parametrize(
    "tokens", [20, pytest.param(446, marks=pytest.mark.everything(reason="writes 446 tokens"))]
)
def test_a_text_that_does_not_stop_is_cut_off_without_an_end(whisper, tokens):
    """The text fills all positions, so no end token may be added."""
    model, processor = whisper
    paragraph = numpy.concatenate([clip.samples for clip in clips().values()])
    noisy = add_noise(paragraph, -5)
    (written,) = write(model, processor, noisy, tokens=tokens)
    assert written.capped and len(written.ids) == 2 + tokens
    assert written.ids[-1] != model.config.eos_token_id
    with torch.no_grad():
        model(encoder_outputs=(written.states[None],), decoder_input_ids=written.ids[None])
    for wrong in (0, 447, 448):
        with pytest.raises(CourseError, match=rf"`tokens` is from 1 to 446, not {wrong}"):
            write(model, processor, noisy, tokens=wrong)


def test_the_window_that_read_takes_keeps_the_words(whisper, capsys):
    """If sound fills all 30 seconds, Whisper may leave out nearly all words. So `read` takes only 29.5 s."""
    model, processor = whisper
    paragraph = numpy.concatenate([clip.samples for clip in clips().values()])
    full = numpy.tile(paragraph, 2)[9 * RATE : 39 * RATE]  # about 80 spoken words
    features = processor(full, sampling_rate=RATE, return_tensors="pt").input_features
    (ids,) = model.generate(features, max_length=200)
    assert len(processor.decode(ids, skip_special_tokens=True).split()) < 10
    (written,) = write(model, processor, full, tokens=200)
    assert "is 30 s long: this is second 0 to 29.5" in capsys.readouterr().out
    assert len(processor.decode(written.ids, skip_special_tokens=True).split()) > 70
    assert len(read(full, rate=RATE)) == 29.5 * RATE
