"""The real SmolLM2: converted without loss, loaded in under a second, the same answer every time.

And the other sizes: which one a name stands for, and published models, shrunken, by the hub's protocol.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import pytest
import torch
import transformers
from servers import load_elsewhere

from course_utils import catalog, lessons, models, sources, tinyworld
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


def test_a_lesson_s_set_up_settles_the_size(monkeypatch, capsys):
    monkeypatch.delenv("COURSE_SIZE", raising=False)
    monkeypatch.setattr(catalog, "LESSON_SIZES", {})
    assert catalog.find("llama").name == "tinyworld-llama"
    lessons.setup("02_tokens_and_llama")
    assert "SmolLM2-135M-Instruct (small)" in capsys.readouterr().out
    assert catalog.find("llama").name == "smollm2-135m-instruct"
    assert catalog.find("llama", "tiny").name == "tinyworld-llama"
    assert catalog.find("mistral").size == "tiny"  # no business of that lesson
    monkeypatch.setenv("COURSE_SIZE", "full")
    assert catalog.find("llama").size == "full"


SMALLER = {"hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 1_225}
FALCON = {"model_type": "falcon", "architectures": ["FalconForCausalLM"], "new_decoder_architecture": False}
MISTRAL = {"num_key_value_heads": 2, "intermediate_size": 128, "max_position_embeddings": 32_768}
# What the official configs say that a smaller width does not change.
OFFICIAL = {
    "falcon-rw-1b-instruct": FALCON
    | {"alibi": True, "bias": True, "multi_query": False, "parallel_attn": False},
    "falcon-7b-instruct": FALCON
    | {"alibi": False, "bias": False, "multi_query": True, "parallel_attn": True},
    "mistral-7b-instruct": MISTRAL | {"model_type": "mistral", "sliding_window": 4_096},
    "mixtral-8x7b-instruct": MISTRAL
    | {"model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2, "rope_theta": 1e6},
}


@pytest.fixture(scope="module", params=OFFICIAL)
def published(request, tmp_path_factory):
    """A published model of the catalogue, shrunken: its entry, and the files of its repository."""
    folder = tmp_path_factory.mktemp(request.param)
    config = transformers.AutoConfig.for_model(**(OFFICIAL[request.param] | SMALLER))
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="100KB")
    tinyworld.english().tokenizer().save_pretrained(folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "model.safetensors.index.json" in files
    files |= {"consolidated.00.safetensors": b"twice", "pytorch_model.bin": b"cos\nsystem\n(S'false'\ntR."}
    return catalog.models()[request.param], files


def test_published_sizes_come_from_the_hub(published, tmp_path):
    """By family and size, of the class that the catalogue says, without the pickle beside the weights."""
    model, _ = published
    program = (
        f"model, tokenizer = load({model.family!r}, size={model.size!r})\n"
        "inputs = tokenizer('3 + 4 =', return_tensors='pt')\n"
        "told = model.generate(**inputs, max_new_tokens=4, do_sample=False, pad_token_id=0)\n"
        "print(type(model).__name__, model.dtype, told.shape[1])"
    )
    said = load_elsewhere(*published, tmp_path, program)
    assert said == f"{model.architecture} torch.float32 9"


def test_four_bits(published, tmp_path):
    """All matrices but the embedding are at 4 bits, experts too, and the answers stay close."""
    model, _ = published
    program = (
        "import json, torch\n"
        "ids = torch.arange(4, 40)[None]\n"
        f"whole, _ = load({model.name!r})\n"
        f"model, _ = load({model.name!r}, four_bit=True)\n"
        "with torch.no_grad():\n"
        "    a, b = whole(ids).logits.float(), model(ids).logits.float()\n"
        "near = torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]\n"
        "wide = [n for n, w in model.named_parameters() if w.dtype != torch.uint8 and w.ndim > 1]\n"
        "few = sum(w.dtype == torch.uint8 for w in model.parameters())\n"
        "print(json.dumps([float(near), few, wide]))"
    )
    near, few, wide = json.loads(load_elsewhere(*published, tmp_path, program))
    assert near > 0.9
    per_layer = {"falcon": 4, "mistral": 7, "mixtral": 4 + 2}[model.family]
    assert few == SMALLER["num_hidden_layers"] * per_layer
    assert not [name for name in wide if not re.search(r"embed|lm_head|mlp\.gate\.", name)], wide


def test_four_bits_without_their_package(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CourseError, match="needs the package bitsandbytes: run `pip install bitsandbytes`"):
        models.load("tinyworld-llama", four_bit=True)
