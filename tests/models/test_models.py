"""Tests the real SmolLM2: its conversion happens once and loses nothing, and its answers never change.

Also tests the other sizes: which model a name means, and shrunken published models on a hub.
"""

import json
import logging
import os
import random
import re
import shutil
import subprocess
import sys
import warnings

import numpy
import pytest
from IPython.core.interactiveshell import InteractiveShell
from lazy import Lazy
from servers import load_all_elsewhere

from course_utils import blueprints, catalog, lessons, loading, seeds
from course_utils.errors import CourseError
from course_utils.learning import before_after
from course_utils.loading import convert, memory, out_of_memory, planning
from course_utils.opened import fits
from course_utils.worlds import tinyworld

torch = Lazy("torch")
transformers = Lazy("transformers")


@pytest.fixture(scope="module")
def smollm2():
    return loading.load("llama", size="small")


def test_the_library_s_own_classes_with_the_catalogue_s_count(smollm2):
    model, tokenizer = smollm2
    facts = catalog.find("llama", "small")
    assert type(model).__name__ == facts.architecture
    assert sum(weight.numel() for weight in model.parameters()) == facts.parameters
    assert model.dtype == torch.float32 and not model.training
    assert len(tokenizer) == model.config.vocab_size


def test_loading_again_converts_nothing(smollm2, capsys, monkeypatch):
    monkeypatch.setattr(convert, "CONVERTERS", {})
    loading.load("llama", size="small")
    assert capsys.readouterr().out == ""


def test_attention_weights_can_be_had(smollm2):
    model, tokenizer = smollm2
    inputs = tokenizer("The capital of France is", return_tensors="pt")
    with torch.no_grad():
        output = model(**inputs, output_attentions=True)
    assert len(output.attentions) == 30 and output.attentions[0].shape == (1, 9, 5, 5)
    assert tokenizer.decode(output.logits[0, -1].argmax()) == " Paris"


def test_the_figures_of_spaces_in_the_course_s_test_are_smollm2_s(smollm2):
    model, tokenizer = smollm2
    pair = next(pair for pair in before_after.pairs() if pair.about == "tokens and spaces")
    shown = pair.shown["A"].alt
    berlin, hamburg = (tokenizer(f" {name}").input_ids for name in ("Berlin", "Hamburg"))
    shares = []
    for text in ("The capital of Germany is", "The capital of Germany is "):
        with torch.no_grad():
            logits = model(**tokenizer(text, return_tensors="pt")).logits
        shares.append(100 * logits[0, -1].softmax(-1))
        pieces = [tokenizer.decode(token) for token in tokenizer(text).input_ids]
        assert f"|{'|'.join(pieces)}|" in shown
    assert f"Berlin {shares[0][berlin].item():.1f}%, Hamburg {shares[0][hamburg].item():.1f}%" in shown
    reasons = " ".join(choice.why for choice in pair.items["A"].choices)
    assert shares[1][berlin] < 1 and pair.items["A"].right.text == "less than 1%"
    assert f"{shares[1][berlin].item():.1f}% were" in reasons
    for text in ("Paris", " Paris"):
        assert str(tokenizer(text).input_ids[0]) in pair.shown["B"].alt


@pytest.mark.everything(reason="reads all of SmolLM2 with the library's own slow reader of GGUF")
def test_conversion_loses_nothing(smollm2):
    """The converted model gives the logits that transformers itself computes from the GGUF file."""
    file = loading.weights("smollm2-135m-instruct")
    original = transformers.AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    model, tokenizer = smollm2
    inputs = tokenizer("Open the box and look inside.", return_tensors="pt")
    with torch.no_grad():
        assert torch.equal(original(**inputs).logits, model(**inputs).logits)


@pytest.fixture(scope="module")
def alone():
    """Runs the first cells of lesson 00, then `course.load`, in a new process without a hub or package index.

    The model answers a question before the call of `load`, and again after it. Returns the names of the
    libraries that were imported for the first answer, and the text of the second answer.
    """
    dead = "http://127.0.0.1:9"
    nowhere = {"HF_HUB_OFFLINE": "1", "HTTPS_PROXY": dead, "PIP_INDEX_URL": f"{dead}/simple"}
    code = (
        "import sys, torch\n"
        "from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM\n"
        "before = set(sys.modules)\n"
        "import course_utils as course\n"
        "course.setup('00_open_the_box')\n"
        "folder = course.folder('llama')\n"
        "tokenizer = AutoTokenizer.from_pretrained(folder)\n"
        "model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)\n"
        "chat = [{'role': 'user', 'content': 'What is the capital of France?'}]\n"
        "as_asked = dict(add_generation_prompt=True, return_tensors='pt', return_dict=True)\n"
        "inputs = tokenizer.apply_chat_template(chat, **as_asked)\n"
        "model.generate(**inputs, max_new_tokens=16, do_sample=False)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules.keys() - before}))\n"
        "model, tokenizer = course.load('llama', size='small')\n"
        "answer = tokenizer.decode(model.generate(**inputs, max_new_tokens=16, do_sample=False)[0])\n"
        "print(answer.replace(chr(10), ' '))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, env=os.environ | nowhere, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    *_, imported, answer = result.stdout.splitlines()
    return imported.split(), answer


def test_offline_once_fetched(alone):
    """Without a hub or a package index, the model still loads and answers."""
    assert "The capital of France is Paris." in alone[1]


def settings_of_the_process():
    """Returns what a load must not change: random states, threads, warnings, loggers and progress bars."""
    return {
        "python": random.getstate(),
        "numpy": repr(numpy.random.get_state()),
        "torch": torch.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "warnings": list(warnings.filters),
        "progress bars": transformers.utils.logging.is_progress_bar_enabled(),
        "loggers": logging.getLogger("bitsandbytes").level,
    }


@pytest.fixture(scope="module")
def imported():
    """Imports everything that a load needs: a library's first import may add its own warning filters."""
    loading.load("tinyworld-llama", four_bit=True)
    loading.load("stable-diffusion", size="tiny")


def convert_again(folder, monkeypatch):
    """Converts SmolLM2 once more, in an empty cache that has only its GGUF file."""
    weights = loading.weights("llama", "small")
    monkeypatch.setenv("COURSE_CACHE", str(folder))
    (folder / weights.parent.name).mkdir()
    (folder / weights.parent.name / weights.name).symlink_to(weights)
    convert.once(catalog.find("llama", "small"), weights)


@pytest.mark.parametrize(
    "load",
    [
        lambda *_: loading.load("llama", size="small"),
        lambda *_: loading.load("tinyworld-llama", four_bit=True),
        lambda *_: loading.load("whisper", size="small"),
        lambda *_: loading.load("stable-diffusion", size="tiny"),
        pytest.param(convert_again, marks=pytest.mark.everything(reason="converts all of SmolLM2 again")),
    ],
    ids=["llama", "four bits", "whisper", "stable diffusion", "conversion"],
)
def test_a_load_leaves_seeds_threads_and_warnings_as_they_were(load, imported, tmp_path, monkeypatch):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        random.seed(123)
        numpy.random.seed(45)
        torch.manual_seed(67)
        before = settings_of_the_process()
        load(tmp_path, monkeypatch)
        assert settings_of_the_process() == before
    finally:
        torch.set_num_threads(threads)


def test_set_up_sets_one_thread_and_the_seeds_and_says_so(monkeypatch, capsys):
    monkeypatch.delenv("COURSE_THREADS", raising=False)
    monkeypatch.setattr(catalog, "default_sizes", {})
    torch.set_num_threads(2)
    draws = []
    for _ in range(2):
        lessons.setup("01_what_open_means")
        draws.append((random.random(), numpy.random.rand(), torch.rand(1).item()))
    assert draws[0] == draws[1] and torch.get_num_threads() == 1
    assert "1 thread, and seed 0 for the random numbers of Python, numpy and torch" in capsys.readouterr().out


def test_names_that_do_not_exist():
    with pytest.raises(CourseError, match="no model or family named 'gpt'"):
        loading.load("gpt")
    with pytest.raises(CourseError, match="no size 'medium': choose one of tiny, small, full"):
        loading.folder("llama", size="medium")


def test_the_first_answer_waits_for_no_library_that_it_does_not_use(alone):
    """Lesson 00 imports no needless library before the first answer, so learners wait less."""
    large = {"accelerate", "bitsandbytes", "datasets", "diffusers", "gguf", "matplotlib", "peft", "scipy"}
    assert "course_utils" in alone[0] and not large & set(alone[0])


def test_a_wrong_number_of_threads_is_named(monkeypatch):
    for wrong in ("many", "0", "-1"):
        monkeypatch.setenv("COURSE_THREADS", wrong)
        with pytest.raises(CourseError, match="set it to a whole number from 1"):
            seeds.prepare()


@pytest.mark.everything(reason="quantises all of SmolLM2, as lesson 13 does in `make test`")
def test_gguf_copies_differ_in_bits_alone(tmp_path):
    import gguf

    original = gguf.GGUFReader(loading.weights("smollm2-135m-instruct"))
    first = original.tensors[0]
    values = gguf.dequantize(first.data, first.tensor_type)
    copies = fits.gguf_copies("llama", tmp_path, bits=(16, 4), size="small")
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
        fits.gguf_copies("llama", tmp_path, bits=(5,), size="small")
    with pytest.raises(CourseError, match="Llama 3.1 8B Instruct has no GGUF file here"):
        fits.gguf_copies("llama", tmp_path, size="full")
    with pytest.raises(CourseError, match="can't be written to .*nowhere"):
        fits.gguf_copies("llama", tmp_path / "nowhere", bits=(4,), size="small")


@pytest.mark.everything(reason="quantises all of SmolLM2, as lesson 13 does in `make test`")
def test_gguf_copies_leave_nothing_on_a_full_disk(tmp_path, monkeypatch):
    room = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: room._replace(free=70_000_000))
    with pytest.raises(CourseError, match=r"\(70 MB are free\): they need 76 MB of disk"):
        fits.gguf_copies("llama", tmp_path, bits=(4,), size="small")
    monkeypatch.undo()

    def fill_up(writer):  # numpy raises this error if the disk is full
        writer.fout[0].write(b"half a file")
        raise OSError("331776 requested and 322272 written")

    monkeypatch.setattr("gguf.GGUFWriter.write_tensors_to_file", fill_up)
    with pytest.raises(CourseError, match=r"\(the disk may be full\): they need 76 MB"):
        fits.gguf_copies("llama", tmp_path, bits=(4,), size="small")
    assert not list(tmp_path.iterdir())


def test_a_lesson_that_measures_one_size_stays_at_it(monkeypatch):
    monkeypatch.setenv("COURSE_SIZE", "full")
    sizes = [
        lessons.model_of(catalog.lessons()[name], "llama").size
        for name in ("02_tokens_and_llama", "13_cost_and_hardware")
    ]
    assert sizes == ["full", "small"]


def test_a_lesson_refuses_a_model_that_its_cells_cannot_open(monkeypatch):
    monkeypatch.setenv("COURSE_SIZE", "small")
    assert catalog.find("falcon").size == "small"  # the catalogue has this size, which the lesson refuses
    with pytest.raises(CourseError) as refused:
        lessons.setup("06_falcon")
    assert str(refused.value) == (
        "Lesson 06 does not open falcon-rw-1b instruct (OpenOrca), the size 'small': its heads share no key, "
        "it has ALiBi in place of RoPE and no parallel block, and the cells take these three apart; run "
        "`%env COURSE_SIZE=tiny` (or full) and this cell again."
    )
    for size in ("tiny", "full"):
        monkeypatch.setenv("COURSE_SIZE", size)
        assert lessons.model_of(catalog.lessons()["06_falcon"], "falcon").size == size


def test_a_lesson_s_set_up_settles_the_size(monkeypatch, capsys):
    monkeypatch.delenv("COURSE_SIZE", raising=False)
    monkeypatch.setattr(catalog, "default_sizes", {})
    assert catalog.find("llama").name == "tinyworld-llama"
    lessons.setup("02_tokens_and_llama")
    assert "SmolLM2-135M-Instruct (small)" in capsys.readouterr().out
    assert catalog.find("llama").name == "smollm2-135m-instruct"
    assert catalog.find("llama", "tiny").name == "tinyworld-llama"
    assert catalog.find("mistral").size == "tiny"  # lesson 02 sets the size of Llama only
    monkeypatch.setenv("COURSE_SIZE", "full")
    assert catalog.find("llama").size == "full"


SMALLER = {"hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 1_225}
FALCON = {"model_type": "falcon", "architectures": ["FalconForCausalLM"], "new_decoder_architecture": False}
MISTRAL = {"num_key_value_heads": 2, "intermediate_size": 128, "max_position_embeddings": 32_768}
LLAMA = MISTRAL | {"model_type": "llama", "rms_norm_eps": 1e-5, "max_position_embeddings": 131_072}
LLAMA_3 = {"rope_type": "llama3", "rope_theta": 5e5, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LLAMA_3 |= {"factor": 8.0, "original_max_position_embeddings": 8_192}
# {model: values as in its official config, with smaller sizes}. SMALLER has the sizes that all models share.
OFFICIAL = {
    "llama-2-7b-chat": LLAMA | {"num_key_value_heads": 4, "max_position_embeddings": 4_096},
    "llama-3-8b-instruct": LLAMA | {"rope_theta": 500_000.0},
    "llama-3.1-8b-instruct": LLAMA | {"rope_parameters": LLAMA_3},
    "llama-3.2-1b-instruct": LLAMA
    | {"rope_parameters": LLAMA_3 | {"factor": 32.0}, "tie_word_embeddings": True},
    "llama-3.2-3b-instruct": LLAMA
    | {"rope_parameters": LLAMA_3 | {"factor": 32.0}, "tie_word_embeddings": True},
    "falcon-rw-1b-instruct": FALCON
    | {"alibi": True, "bias": True, "multi_query": False, "parallel_attn": False},
    "falcon-7b-instruct": FALCON
    | {"alibi": False, "bias": False, "multi_query": True, "parallel_attn": True},
    "falcon-40b": FALCON
    | {"alibi": False, "bias": False, "new_decoder_architecture": True, "num_kv_heads": 2},
    "mistral-7b-instruct": MISTRAL | {"model_type": "mistral", "sliding_window": 4_096},
    "mixtral-8x7b-instruct": MISTRAL
    | {"model_type": "mixtral", "num_local_experts": 8, "num_experts_per_tok": 2, "rope_theta": 1e6},
}
CHAT = "{% for message in messages %}[{{ message['role'] }}] {{ message['content'] }} {% endfor %}"
PICKLE = b"cos\nsystem\n(S'false'\ntR."
PIPELINES = ("stable-diffusion-v1-5", "bk-sdm-tiny", "stable-diffusion-xl")


def language_model(name, folder):
    """Returns the files of a shrunken copy of a published language model's repository."""
    config = transformers.AutoConfig.for_model(**(OFFICIAL[name] | SMALLER))
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="100KB")
    tokenizer = tinyworld.english().tokenizer()
    if "instruct" in name or "chat" in name:
        tokenizer.chat_template = CHAT
    # Older repositories keep the chat template in tokenizer_config.json, newer ones in a file of its own.
    tokenizer.save_pretrained(folder, save_jinja_files=name.startswith("llama-3"))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "model.safetensors.index.json" in files
    return files | {"consolidated.00.safetensors": b"twice", "pytorch_model.bin": PICKLE}


def pipeline(name, folder):
    """Returns files that stand in for those of a published pipeline's repository.

    The parts are those of the course's tiny pipeline. If the published UNet or text encoders have another
    design, small ones of that design take their place.
    """
    import diffusers

    ours = loading.load("stable-diffusion", "tiny")
    if name == "stable-diffusion-v1-5":
        made = ours
    elif name == "bk-sdm-tiny":  # the official config, but narrower: 3 blocks of 1 layer, no middle block
        torch.manual_seed(0)
        unet = diffusers.UNet2DConditionModel(
            sample_size=16,
            block_out_channels=(32, 64, 128),
            down_block_types=("CrossAttnDownBlock2D",) * 3,
            mid_block_type=None,
            up_block_types=("CrossAttnUpBlock2D",) * 3,
            layers_per_block=1,
            cross_attention_dim=128,
            attention_head_dim=8,
        )
        made = type(ours)(**ours.components | {"unet": unet}, requires_safety_checker=False)
    else:
        shape = {"hidden_size": 32, "intermediate_size": 37, "num_attention_heads": 4, "num_hidden_layers": 2}
        shape |= {"projection_dim": 32, "vocab_size": len(ours.tokenizer), "eos_token_id": 2}
        plan = transformers.CLIPTextConfig(**shape, hidden_act="gelu", max_position_embeddings=77)
        torch.manual_seed(0)
        unet = diffusers.UNet2DConditionModel(
            sample_size=16,
            in_channels=ours.vae.config.latent_channels,
            out_channels=ours.vae.config.latent_channels,
            block_out_channels=(32, 64),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            attention_head_dim=(2, 4),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            transformer_layers_per_block=(1, 2),
            projection_class_embeddings_input_dim=80,
            cross_attention_dim=64,
        )
        made = diffusers.StableDiffusionXLPipeline(
            vae=ours.vae,
            text_encoder=transformers.CLIPTextModel(plan),
            text_encoder_2=transformers.CLIPTextModelWithProjection(plan),
            tokenizer=ours.tokenizer,
            tokenizer_2=ours.tokenizer,
            unet=unet,
            scheduler=ours.scheduler,
        )
    if catalog.models()[name].sources[0].variant:
        made.to(torch.float16).save_pretrained(folder, variant="fp16")
    else:
        made.save_pretrained(folder)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}
    if name == "stable-diffusion-v1-5":
        index = json.loads(files["model_index.json"])
        index["safety_checker"] = ["stable_diffusion", "StableDiffusionSafetyChecker"]
        files["model_index.json"] = json.dumps(index).encode()
        files["safety_checker/model.fp16.safetensors"] = b"not fetched"
    return files | {"v1-5-pruned.ckpt": PICKLE, "sd_xl_base_1.0.safetensors": b"all in one"}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Loads shrunken copies of all published models from a hub, in one process. Returns {name: facts}."""
    published = {}
    for name in OFFICIAL:
        published[catalog.models()[name]] = language_model(name, tmp_path_factory.mktemp(name))
    for name in PIPELINES:
        published[catalog.models()[name]] = pipeline(name, tmp_path_factory.mktemp(name))
    program = """
import json, torch
torch.set_grad_enabled(False)
def near(one, other):
    ids = torch.arange(4, 40)[None]
    both = [each(ids).logits.float().flatten() for each in (one, other)]
    return float(torch.corrcoef(torch.stack(both))[0, 1])
def stored(model, dtype):
    wide = [name for name, each in model.named_parameters() if each.dtype != dtype and each.ndim > 1]
    return sum(each.dtype == dtype for each in model.parameters()), wide
said = {}
for name, family, size, pipeline in %r:
    first = [facts for facts in catalog.models().values() if (facts.family, facts.size) == (family, size)][0]
    asked = (family, size) if first.name == name else (name,)
    if pipeline:
        made = load(*asked)
        # SDXL's own number of pixels would take a minute here.
        size = made.unet.config.sample_size * made.vae_scale_factor
        settings = dict(num_inference_steps=1, output_type="np", height=size, width=size)
        picture = made("cat", **settings).images[0]
        said[name] = [type(made).__name__, str(made.unet.dtype), picture.shape, bool(picture.std() > 0)]
        continue
    whole, tokenizer = load(*asked)
    inputs = tokenizer("3 + 4 =", return_tensors="pt")
    told = whole.generate(**inputs, max_new_tokens=4, do_sample=False, pad_token_id=0)
    four, eight = load(name, four_bit=True)[0], load(name, eight_bit=True)[0]
    chat = [{"role": "user", "content": "3 + 4 ="}]
    chat = tokenizer.apply_chat_template(chat, tokenize=False) if tokenizer.chat_template else None
    facts = {"class": type(whole).__name__, "dtype": str(whole.dtype), "tokens": told.shape[1], "chat": chat}
    facts |= {"4": [near(whole, four), *stored(four, torch.uint8)]}
    facts |= {"8": [near(whole, eight), *stored(eight, torch.int8)]}
    said[name] = facts
print(json.dumps(said))
"""
    asked = [(each.name, each.family, each.size, each.name in PIPELINES) for each in published]
    return json.loads(load_all_elsewhere(published, tmp_path_factory.mktemp("hub"), program % (asked,)))


@pytest.mark.parametrize("name", OFFICIAL)
def test_published_sizes_come_from_the_hub(loaded, name):
    """A loaded model has the class that the catalogue names. A model for chats also has its chat template."""
    said = loaded[name]
    facts = catalog.models()[name]
    assert (said["class"], said["dtype"], said["tokens"]) == (facts.architecture, "torch.float32", 9)
    tuned = "instruct" in name or "chat" in name
    assert said["chat"] == ("[user] 3 + 4 = " if tuned else None)


@pytest.mark.parametrize("bits", ["4", "8"])
@pytest.mark.parametrize("name", OFFICIAL)
def test_four_and_eight_bits(loaded, name, bits):
    """All matrices except embeddings and routers are stored at 4 or 8 bits.

    The logits stay close to those of the model at 32 bits.
    """
    near, few, wide = loaded[name][bits]
    assert near > {"4": 0.9, "8": 0.995}[bits]
    per_layer = {"llama": 7, "falcon": 4, "mistral": 7, "mixtral": 4 + 2}[catalog.models()[name].family]
    assert few == SMALLER["num_hidden_layers"] * per_layer
    assert not [each for each in wide if not re.search(r"embed|lm_head|mlp\.gate\.", each)], wide


@pytest.mark.parametrize("name", PIPELINES)
def test_published_pipelines_come_from_the_hub(loaded, name):
    """A published pipeline is loaded from the files of its parts, in float32, and draws a picture.

    Pickles, a safety checker and a second copy of the weights in the repository are not used.
    """
    kind, dtype, shape, drawn = loaded[name]
    assert kind == catalog.models()[name].architecture
    assert (dtype, shape[2], drawn) == ("torch.float32", 3, True)


@pytest.mark.everything(reason="loads shrunken models in a further process")
def test_the_table_before_a_download_says_the_bits_that_are_loaded(tmp_path):
    """The table says at how many bits a model is loaded: one model at 4, one at 8, and one unchanged."""
    asked = {
        "llama-3.2-1b-instruct": {"four_bit": True},
        "llama-3.2-3b-instruct": {"eight_bit": True},
        "mistral-7b-instruct": {},
    }
    published = {}
    for name in asked:
        (tmp_path / name).mkdir()
        published[catalog.models()[name]] = language_model(name, tmp_path / name)
    program = f"""
import contextlib, io, json, torch
said = []
for name, how in {asked!r}.items():
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        model, _ = load(name, **how)
    stored = {{str(weight.dtype) for weight in model.parameters() if weight.ndim > 1}}
    said.append((shown.getvalue(), sorted(stored)))
print(json.dumps(said))
"""
    said = json.loads(load_all_elsewhere(published, tmp_path / "hub", program))
    tables = [re.search(r"^memory .*", table, re.MULTILINE)[0] for table, _ in said]
    assert [re.search(r" at (\d+) bits", row)[1] for row in tables] == ["4", "8", "32"]
    assert ["torch.uint8" in said[0][1], "torch.int8" in said[1][1]] == [True, True]
    assert said[2][1] == ["torch.float32"]


@pytest.mark.parametrize(
    "name, gpu, main, chosen",
    [
        ("llama-3.1-8b-instruct", 80, 120, (16, "cuda")),
        ("llama-3.1-8b-instruct", 15, 12, (8, "cuda")),
        ("llama-3.1-8b-instruct", 8, 12, (4, "cuda")),
        ("llama-3.1-8b-instruct", 6, 16, (16, "both")),
        ("llama-3.1-8b-instruct", 0, 40, (32, "cpu")),
        ("llama-3.1-8b-instruct", 0, 8, (4, "cpu")),
        ("llama-3.2-3b-instruct", 0, 8, (16, "cpu")),
        ("falcon-7b-instruct", 12, 20, (8, "cuda")),
        # To load Falcon at 8 bits, 12 GB of main memory are too few. The 20 GB in the row above are enough.
        ("falcon-7b-instruct", 12, 12, (16, "both")),
        ("mixtral-8x7b-instruct", 80, 120, (8, "cuda")),
        ("stable-diffusion-v1-5", 15, 12, (16, "cuda")),
        ("stable-diffusion-xl", 10, 12, (16, "offload")),
        ("stable-diffusion-v1-5", 0, 8, (32, "cpu")),
        ("whisper-large-v3-turbo", 15, 12, (16, "cuda")),
        ("mixtral-8x7b-instruct", 24, 60, None),
    ],
)
def test_the_memory_decides_how_a_full_size_runs(monkeypatch, name, gpu, main, chosen):
    monkeypatch.setattr(memory, "free", lambda: (gpu * 1e9, main * 1e9))
    plan = planning.plan(catalog.models()[name])
    if chosen is None:
        assert "does not fit here: it takes at least 97.0 GB on the GPU" in plan.obstacle
        with pytest.raises(CourseError, match="does not fit here"):
            plan.check()
    else:
        assert (plan.bits, plan.device) == chosen
        assert plan.gpu_bytes <= gpu * 1e9 and plan.main_bytes <= main * 1e9


def test_a_container_s_limit_counts_without_its_copies_of_files(monkeypatch, tmp_path):
    for name, text in {
        "max": "900000",
        "current": "800000",
        "stat": "active_file 300000\ninactive_file 0",
    }.items():
        (tmp_path / f"memory.{name}").write_text(text + "\n")
    monkeypatch.setattr(memory, "CONTAINER", tmp_path)
    assert memory.free()[1] == 400_000
    whisper = catalog.find("whisper", "small")
    obstacle = planning.plan(whisper).obstacle
    assert "takes at least 1.0 GB at 32 bits (there are 1 MB of main memory)" in obstacle
    (tmp_path / "memory.max").write_text("max\n")
    plan = planning.plan(whisper)
    assert (plan.bits, plan.obstacle) == (32, "")


def test_widths_that_are_asked_for_are_kept_to(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: (80e9, 120e9))
    llama = catalog.find("llama", "full")
    assert planning.plan(llama, four_bit=True).memory == "7.2 GB on the GPU at 4 bits"
    assert planning.plan(llama, eight_bit=True).bits == 8
    start = planning.plan(llama)
    assert {plan.bits for plan in planning.candidates(start, four_bit=False)} == {32, 16, 8}
    assert planning.plan(catalog.find("llama", "tiny"), eight_bit=True).device == "cpu"


def test_parameters_that_stay_wide_are_those_of_the_blueprints():
    drawn = {"llama-2-7b-chat": "llama-2-7b", "llama-3-8b-instruct": "llama-3-8b", "falcon-40b": "falcon-40b"}
    drawn |= {"llama-3.1-8b-instruct": "llama-3-8b", "falcon-7b-instruct": "falcon-7b"}
    drawn |= {"mistral-7b-instruct": "mistral-7b", "mixtral-8x7b-instruct": "mixtral-8x7b"}
    for name, plan in drawn.items():
        counted = blueprints.blueprint(plan)
        model = catalog.models()[name]
        assert (model.parameters, model.kept_parameters) == (counted.parameters, counted.parts["embedding"])
    assert catalog.models()["stable-diffusion-xl"].parameters == (
        blueprints.blueprint("stable-diffusion-xl").parameters
    )


def test_other_errors_of_later_cells_keep_their_traceback(capsys):
    shell = InteractiveShell.instance()
    try:
        out_of_memory.explain_in_later_cells(loading.plan(catalog.find("mistral", "full")))
        assert not shell.run_cell("import torch\ntorch.ones(2) @ torch.ones(3)").success
        told = capsys.readouterr().out
        assert "Traceback (most recent call last)" in told and "inconsistent tensor size" in told
        assert "Stopped" not in told
    finally:
        InteractiveShell.clear_instance()


def test_four_bits_without_their_package(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CourseError, match="needs the package bitsandbytes: run `pip install bitsandbytes`"):
        loading.load("tinyworld-llama", four_bit=True)
