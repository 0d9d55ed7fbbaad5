"""Tests lessons at their full size: runs their cells with a hub on this machine and a pretended GPU.

In place of Llama, the hub has SmolLM2, which has the same architecture. SmolLM2's tokenizer is changed to
begin each text with a special token, as Llama 3's tokenizer does. The other models have random weights. They
are smaller than the published models, but keep each size on which a cell depends, such as a number of heads.
`make everything` runs the five lessons.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from lazy import Lazy
from servers import Hub, shrunken

from course_utils import catalog, loading
from course_utils.opened.hub import Commit

diffusers = Lazy("diffusers")
nbclient = Lazy("nbclient")
nbformat = Lazy("nbformat")
torch = Lazy("torch")
transformers = Lazy("transformers")

TESTS = Path(__file__).parents[1]
EVERY = {"02": "llama", "04": "llama", "06": "falcon", "07": "mixtral", "08": "stable-diffusion"}
# Code to run before a lesson's first cell. It puts a small model into the catalogue, and `load` then puts
# this model on the pretended GPU, at 16 bits.
START = """
import sys
sys.path.insert(0, {tests!r})
import course_utils, pretend_gpu
from dataclasses import replace
from course_utils import catalog
from course_utils.loading import planning
from course_utils.catalog import File, Model, Source
catalog.models()[{model.name!r}] = {model!r}
width = {{"full": 16}}
planning.candidates = lambda start, *_: [replace(start, bits=width.get(start.model.size, 32))]
made = pretend_gpu.Made()
made.__enter__()

def load(name, size=None, plain=course_utils.load):
    loaded = plain(name, size)
    if catalog.find(name, size).size == "full":
        if isinstance(loaded, tuple):
            pretend_gpu.put(loaded[0])
        else:  # on a GPU a pipeline has 16 bits
            for part in (loaded.text_encoder, loaded.unet, loaded.vae):
                pretend_gpu.put(part.half())
    return loaded

course_utils.load = load
"""


def tokenizer(first):
    """Returns SmolLM2's tokenizer without a padding token.

    first : whether the tokenizer puts <|endoftext|> before every text
    """
    made = transformers.AutoTokenizer.from_pretrained(loading.folder("llama", "small"))
    made.pad_token = None
    if first:
        token = made.bos_token = "<|endoftext|>"
        from tokenizers import processors

        made.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{token} $A", special_tokens=[(token, made.convert_tokens_to_ids(token))]
        )
        made.chat_template = "{{ bos_token }}" + made.chat_template
    return made


def llama(folder, layers=None):
    made = transformers.AutoModelForCausalLM.from_pretrained(loading.folder("llama", "small"))
    made.model.layers = made.model.layers[:layers]
    made.config.num_hidden_layers = len(made.model.layers)
    made.to(torch.bfloat16).save_pretrained(folder, max_shard_size="100MB")
    tokenizer(first=True).save_pretrained(folder)


def falcon(folder):
    shape = {"hidden_size": 142, "num_attention_heads": 71, "num_hidden_layers": 4, "vocab_size": 65_024}
    looks = {"alibi": False, "bias": False, "multi_query": True, "parallel_attn": True}
    looks |= {"new_decoder_architecture": False, "bos_token_id": 0, "eos_token_id": 0}
    of_random_numbers(transformers.FalconConfig(**shape, **looks), folder, first=False)


def mixtral(folder):
    shape = {"hidden_size": 128, "intermediate_size": 128, "num_hidden_layers": 4, "vocab_size": 50_000}
    shape |= {"num_attention_heads": 32, "num_key_value_heads": 8, "num_local_experts": 8}
    of_random_numbers(transformers.MixtralConfig(**shape, sliding_window=None), folder, first=True)


def stable_diffusion(folder):
    """Saves a narrow Stable Diffusion 1.5 for pictures of 128 x 128 pixels, with PictureWorld's tokenizer."""
    ours = loading.load("stable-diffusion", "tiny")
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2}
    ends = {"bos_token_id": ours.tokenizer.bos_token_id, "eos_token_id": ours.tokenizer.eos_token_id}
    text = transformers.CLIPTextConfig(
        **shape, **ends, vocab_size=len(ours.tokenizer), max_position_embeddings=77
    )
    unet = diffusers.UNet2DConditionModel(
        sample_size=16, block_out_channels=(32, 64, 64, 64), cross_attention_dim=32, attention_head_dim=8
    )
    vae = diffusers.AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(32, 32, 32, 32),
        layers_per_block=2,
        sample_size=128,
        scaling_factor=0.18215,
    )
    noise = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    ours.tokenizer.model_max_length = 77
    parts = {"tokenizer": ours.tokenizer, "text_encoder": transformers.CLIPTextModel(text), "unet": unet}
    parts |= {"vae": vae, "safety_checker": None, "feature_extractor": None}
    parts["scheduler"] = diffusers.PNDMScheduler(**noise, skip_prk_steps=True, steps_offset=1)
    made = diffusers.StableDiffusionPipeline(**parts, requires_safety_checker=False)
    made.to(torch.float16).save_pretrained(folder, variant="fp16")


def of_random_numbers(config, folder, first):
    torch.manual_seed(0)
    made = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    made.save_pretrained(folder, max_shard_size="5MB")
    tokenizer(first).save_pretrained(folder)


# Four layers save time in lesson 02, which names no layer by its number.
PUBLISH = {"02": partial(llama, layers=4), "04": llama, "06": falcon, "07": mixtral, "08": stable_diffusion}


def test_the_pretended_gpu_refuses_what_a_real_one_refuses():
    program = """
import torch, pretend_gpu
layer = pretend_gpu.put(torch.nn.Linear(3, 2))
x = torch.ones(3)
there = layer(x.to(layer.weight.device))
for refused in (lambda: layer(x), lambda: x + layer.weight, there.detach().numpy):
    try:
        refused()
    except (RuntimeError, TypeError) as error:
        print(type(error).__name__)
there.sum().backward()
print(there.device, layer.bias.grad.tolist(), there[torch.tensor([0])].shape)
print(there.detach().cpu().numpy().shape)
"""
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, cwd=TESTS, check=True, capture_output=True, text=True).stdout.splitlines()
    assert said[:3] == ["RuntimeError", "RuntimeError", "TypeError"]
    assert said[3:] == ["pretend:0 [1.0, 1.0] torch.Size([1])", "(2,)"]


@pytest.mark.everything(reason="runs five lessons again, on a slow pretended GPU")
@pytest.mark.parametrize("lesson", EVERY)
def test_a_lesson_runs_at_full_size_on_a_gpu(lesson, tmp_path, monkeypatch):
    model = catalog.find(EVERY[lesson], "full")
    made = tmp_path / "model"
    PUBLISH[lesson](made)
    files = {path.relative_to(made).as_posix(): path.read_bytes() for path in made.rglob("*.*")}
    (path,) = (TESTS.parent / "notebooks").glob(f"{lesson}_*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    start = START.format(tests=str(TESTS), model=shrunken(model))
    notebook.cells.insert(0, nbformat.v4.new_code_cell(start))
    with Hub("nobody/nothing", "0" * 40, {}) as hub:
        source = model.sources[0]
        hub.others[source.repository] = Commit(source.revision, "published", files)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        monkeypatch.setenv("COURSE_SIZE", "full")
        monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "answers.json"))
        nbclient.NotebookClient(
            notebook, timeout=3_600, resources={"metadata": {"path": str(tmp_path)}}
        ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    assert f"Model: {model.title} (full)" in text
