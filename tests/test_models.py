"""The real SmolLM2: converted without loss, loaded in under a second, the same answer every time."""

import os
import shutil
import subprocess
import sys
import time

import pytest
import torch
import transformers

from course_utils import catalog, lessons, models, sources
from course_utils.errors import CourseError


@pytest.fixture(scope="module")
def smollm2():
    return models.load("llama", size="small")


def test_the_library_s_own_classes_with_the_catalogue_s_count(smollm2):
    model, tokenizer = smollm2
    facts = catalog.find("llama", "small")
    assert type(model).__name__ == facts.architecture
    assert sum(weight.numel() for weight in model.parameters()) == facts.parameters
    assert model.dtype == torch.float32 and not model.training
    assert len(tokenizer) == model.config.vocab_size
    assert torch.get_num_threads() == 1


def test_loading_again_takes_under_a_second(smollm2):
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        models.load("llama", size="small")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1.0


def test_attention_weights_can_be_had(smollm2):
    model, tokenizer = smollm2
    inputs = tokenizer("The capital of France is", return_tensors="pt")
    with torch.no_grad():
        output = model(**inputs, output_attentions=True)
    assert len(output.attentions) == 30 and output.attentions[0].shape == (1, 9, 5, 5)
    assert tokenizer.decode(output.logits[0, -1].argmax()) == " Paris"


def test_conversion_loses_nothing(smollm2):
    """The logits of the converted model equal those of the GGUF file read by transformers itself."""
    file = sources.fetch("smollm2-135m-instruct")
    original = transformers.AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    model, tokenizer = smollm2
    inputs = tokenizer("Open the box and look inside.", return_tensors="pt")
    with torch.no_grad():
        assert torch.equal(original(**inputs).logits, model(**inputs).logits)


def test_offline_once_fetched():
    """With the hub switched off and no way to any index, the model still loads and answers."""
    dead = "http://127.0.0.1:9"
    nowhere = {"HF_HUB_OFFLINE": "1", "HTTPS_PROXY": dead, "PIP_INDEX_URL": f"{dead}/simple"}
    code = (
        "from course_utils import load\n"
        "model, tokenizer = load('llama', size='small')\n"
        "chat = [{'role': 'user', 'content': 'What is the capital of France?'}]\n"
        "as_asked = dict(add_generation_prompt=True, return_tensors='pt', return_dict=True)\n"
        "inputs = tokenizer.apply_chat_template(chat, **as_asked)\n"
        "print(tokenizer.decode(model.generate(**inputs, max_new_tokens=16, do_sample=False)[0]))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=os.environ | nowhere, capture_output=True, text=True)
    assert "The capital of France is Paris." in result.stdout, result.stderr


def test_names_that_do_not_exist():
    with pytest.raises(CourseError, match="no model or family named 'gpt'"):
        models.load("gpt")
    with pytest.raises(CourseError, match="no size 'medium': choose one of tiny, small, full"):
        models.folder("llama", size="medium")


def test_the_first_answer_comes_two_seconds_after_the_imports():
    """What a learner waits for in lesson 00 beyond the libraries' own imports: loading and eight tokens."""
    code = (
        "import time, torch\n"
        "from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM\n"
        "start = time.perf_counter()\n"
        "import course_utils as course\n"
        "course.setup('00_open_the_box')\n"
        "folder = course.folder('llama')\n"
        "tokenizer = AutoTokenizer.from_pretrained(folder)\n"
        "model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)\n"
        "chat = [{'role': 'user', 'content': 'What is the capital of France?'}]\n"
        "as_asked = dict(add_generation_prompt=True, return_tensors='pt', return_dict=True)\n"
        "inputs = tokenizer.apply_chat_template(chat, **as_asked)\n"
        "model.generate(**inputs, max_new_tokens=16, do_sample=False)\n"
        "print(time.perf_counter() - start)"
    )
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]
    assert min(float(run.stdout.splitlines()[-1]) for run in runs) < 2.0


def test_a_wrong_number_of_threads_is_named(monkeypatch):
    for wrong in ("many", "0", "-1"):
        monkeypatch.setenv("COURSE_THREADS", wrong)
        with pytest.raises(CourseError, match="set it to a whole number from 1"):
            models.prepare()


def test_gguf_copies_differ_in_bits_alone(tmp_path):
    import gguf

    original = gguf.GGUFReader(sources.fetch("smollm2-135m-instruct"))
    first = original.tensors[0]
    values = gguf.dequantize(first.data, first.tensor_type)
    copies = models.gguf_copies("llama", tmp_path, bits=(16, 4), size="small")
    assert list(copies) == [16, 4]
    for width, kind in ((16, "F16"), (4, "Q4_0")):
        copy = gguf.GGUFReader(copies[width])
        assert [each.name for each in copy.tensors] == [each.name for each in original.tensors]
        assert {each.tensor_type.name for each in copy.tensors if len(each.shape) > 1} == {kind}
        assert {each.tensor_type.name for each in copy.tensors if len(each.shape) == 1} == {"F32"}
        for name, field in original.fields.items():
            if name not in ("GGUF.kv_count", "general.file_type"):
                assert copy.fields[name].contents() == field.contents(), name
        read = gguf.dequantize(copy.tensors[0].data, copy.tensors[0].tensor_type)
        stored = gguf.quantize(values, gguf.GGMLQuantizationType[kind])
        assert (read == gguf.dequantize(stored, gguf.GGMLQuantizationType[kind])).all()


def test_gguf_copies_refuse_in_one_sentence(tmp_path):
    with pytest.raises(CourseError, match="no copy at 5 bits: choose among 32, 16, 8, 4"):
        models.gguf_copies("llama", tmp_path, bits=(5,), size="small")
    with pytest.raises(CourseError, match="Llama 3.1 8B Instruct has no GGUF file here"):
        models.gguf_copies("llama", tmp_path, size="full")
    with pytest.raises(CourseError, match="can't be written to .*nowhere"):
        models.gguf_copies("llama", tmp_path / "nowhere", bits=(4,), size="small")


def test_gguf_copies_leave_nothing_on_a_full_disk(tmp_path, monkeypatch):
    room = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: room._replace(free=70_000_000))
    with pytest.raises(CourseError, match=r"\(70 MB are free\): they need 76 MB of disk"):
        models.gguf_copies("llama", tmp_path, bits=(4,), size="small")
    monkeypatch.undo()

    def fill_up(writer):  # numpy's words for a write that ended too early
        writer.fout[0].write(b"half a file")
        raise OSError("331776 requested and 322272 written")

    monkeypatch.setattr("gguf.GGUFWriter.write_tensors_to_file", fill_up)
    with pytest.raises(CourseError, match=r"\(the disk may be full\): they need 76 MB"):
        models.gguf_copies("llama", tmp_path, bits=(4,), size="small")
    assert not list(tmp_path.iterdir())


def test_a_lesson_that_measures_one_size_stays_at_it(monkeypatch):
    monkeypatch.setenv("COURSE_SIZE", "full")
    sizes = [
        lessons.lesson_model(catalog.lessons()[name], "llama").size
        for name in ("02_tokens_and_llama", "11_cost_and_hardware")
    ]
    assert sizes == ["full", "small"]
