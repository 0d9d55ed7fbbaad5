"""Tests blueprints: their sizes are the published ones, and one sentence refuses a broken config.

A blueprint is a count of a model's parameters and memory, made from the model's config without any weights.
"""

import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from datetime import date
from html import unescape
from pathlib import Path

import by_commit
import pytest
from configs import SMOLLM2
from lazy import Lazy
from servers import Hub

import course_utils as course
from course_utils import blueprints, catalog
from course_utils.__main__ import main
from course_utils.blueprints import building
from course_utils.blueprints.config import check_spelling
from course_utils.errors import CourseError

torch = Lazy("torch")
transformers = Lazy("transformers")

# {name: (parameters, active parameters, memory, cache by design, cache in transformers)}. None means that all
# parameters are active. The memory is a text with the GB of the weights at 32, 16, 8 and 4 bits. Both caches
# are given in KiB for each token.
SIZES = {
    "llama-2-7b": (6_738_415_616, None, "27.0 13.5 6.7 3.4", 512, 512),
    "llama-2-13b": (13_015_864_320, None, "52.1 26.0 13.0 6.5", 800, 800),
    "llama-2-70b": (68_976_648_192, None, "276 138 69 34.5", 320, 320),
    "llama-3-8b": (8_030_261_248, None, "32.1 16.1 8.0 4.0", 128, 128),
    "llama-3-70b": (70_553_706_496, None, "282 141 70.6 35.3", 320, 320),
    "llama-3.1-405b": (405_853_388_800, None, "1623 812 406 203", 504, 504),
    "falcon-7b": (7_217_189_760, None, "28.9 14.4 7.2 3.6", 8, 8),
    "falcon-40b": (41_835_970_560, None, "167 83.7 41.8 20.9", 120, 1_920),
    "falcon-180b": (179_522_565_120, None, "718 359 180 90", 160, 4_640),
    "mistral-7b": (7_241_732_096, None, "29.0 14.5 7.2 3.6", 128, 128),
    "mixtral-8x7b": (46_702_792_704, 12_879_925_248, "187 93.4 46.7 23.4", 128, 128),
    "mixtral-8x22b": (140_620_634_112, 39_152_031_744, "562 281 141 70", 224, 224),
}
COMPONENTS = {
    "stable-diffusion-1.5": {"text_encoder": 123_060_480, "unet": 859_520_964, "vae": 83_653_863},
    "stable-diffusion-xl": {
        "text_encoder": 123_060_480,
        "text_encoder_2": 694_659_840,
        "unet": 2_567_463_684,
        "vae": 83_653_863,
    },
    "stable-diffusion-3-medium": {
        "text_encoder": 123_650_304,
        "text_encoder_2": 694_659_840,
        "text_encoder_3": 4_762_310_656,
        "transformer": 2_028_328_000,
        "vae": 83_819_683,
    },
}
# {name: (our count of the parameters, the number of millions that OpenAI publishes)}
WHISPERS = {
    "whisper-tiny": (37_760_640, 39),
    "whisper-base": (72_593_920, 74),
    "whisper-small": (241_734_912, 244),
    "whisper-medium": (763_857_920, 769),
    "whisper-large-v2": (1_543_304_960, 1550),
    "whisper-large-v3": (1_543_490_560, 1550),
    "whisper-turbo": (808_878_080, 809),
}
# Models newer than the article whose claims the course checks. published_sizes.toml explains its entries.
PUBLISHED = tomllib.loads((Path(__file__).parent / "published_sizes.toml").read_text())
# A model with experts and a compressed cache, one published at few bits, one that reads pictures, one that
# draws pictures, and one without attention.
OF_EACH_KIND = ("DeepSeek-V3", "gpt-oss-20b", "Llama-4-Scout", "FLUX.1-schnell", "Mamba-130m")
MORE = pytest.mark.everything(reason="builds two dozen further models; one of each kind is always built")
# {model of 2025 or 2026: (all parameters, the active parameters without the table of input embeddings)}
LATER = {
    "llama-4-scout": (108_641_793_536, 17_010_341_376),
    "deepseek-v3": (671_026_404_352, 36_625_603_584),
    "qwen3-32b": (32_762_123_264, 31_984_210_944),
    "qwen3-30b-a3b": (30_532_122_624, 3_041_867_776),
    "gpt-oss-20b": (20_914_757_184, 3_608_307_264),
    "gpt-oss-120b": (116_829_156_672, 5_132_849_472),
    "gemma-3-4b": (4_300_079_472, 4_300_079_472),
    "olmo-3-32b": (32_233_522_176, 31_720_098_816),
    "apertus-8b": (8_053_338_176, 7_516_467_264),
    "apertus-70b": (70_599_864_480, 69_526_122_656),
    "smollm3-3b": (3_075_098_624, 3_075_098_624),
    "kimi-k2": (1_026_408_209_408, 31_687_072_768),
    "mistral-small-3.1": (24_011_361_280, 23_340_272_640),
    "nemotron-3-nano": (31_577_937_344, 3_227_751_872),
    "deepseek-v4-flash": (284_332_230_231, 13_270_091_351),
    "qwen3.5-9b": (9_409_813_744, 8_392_695_024),
    "muse-glimmer-30b": (29_776_626_688, 28_431_795_200),
    "voxtral-mini-3b": (4_676_271_104, 4_273_617_920),
    "flux.1-schnell": (16_860_369_379, 16_690_827_747),
    "flux.2-dev": (32_223_281_152, 32_223_281_152),
}
# For these models, the maker's count differs from ours by over 2%, because the maker gives a round number or
# counts only the transformer.
ROUND = {"gemma-3-4b", "smollm3-3b", "kimi-k2", "qwen3.5-9b", "voxtral-mini-3b", "flux.1-schnell"}
SMALL = {"vocab_size": 100, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3}
SMALL |= {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64}


def test_names_are_all_published_models():
    assert blueprints.names() == course.blueprints.names() == [*SIZES, *COMPONENTS, *WHISPERS]
    assert set(blueprints.later()) == set(LATER)
    assert course.blueprint(" Whisper-Large-v3-Turbo ") is course.blueprint("whisper-turbo")


@pytest.mark.parametrize("name", LATER)
def test_a_later_model_of_the_catalogue(name):
    total, without = LATER[name]
    plan, stated = course.blueprint(name), blueprints.later()[name]
    assert plan.parameters == sum(plan.parts.values()) == total
    assert plan.active_parameters_without_input == without
    assert (abs(total / (1e9 * stated.stated[0]) - 1) < 0.02) == (name not in ROUND)
    for active in stated.stated[1:]:
        counts = (plan.active_parameters, plan.active_parameters_without_input)
        assert any(abs(count / (1e9 * active) - 1) < 0.05 for count in counts)
    assert stated.design and stated.source and stated.stated_source and stated.title == plan.title
    assert date.fromisoformat(stated.read) <= date.today()


def test_later_models_say_what_their_design_saves():
    """Latent attention, windows and state-space layers make the cache smaller than a dense model's."""
    cache = {name: course.blueprint(name).kv_cache_bytes(32_768) for name in ("deepseek-v3", "qwen3-32b")}
    assert 3 * cache["deepseek-v3"] < cache["qwen3-32b"]
    olmo, qwen = (course.blueprint(name) for name in ("olmo-3-32b", "qwen3-32b"))
    assert olmo.kv_cache_bytes_per_token == qwen.kv_cache_bytes_per_token
    assert olmo.kv_cache_bytes(32_768) < qwen.kv_cache_bytes(32_768) / 2
    small = course.blueprint("mistral-small-3.1")  # this model has no sliding window
    assert small.kv_cache_bytes(100_000) == 100_000 * 40 * 2 * 8 * 128 * 2
    nano = course.blueprint("nemotron-3-nano")
    assert nano.kv_cache_bytes_per_token == 6 * 2 * 2 * 128 * 2 and nano.parts["recurrence"] > 0
    qwen = course.blueprint("qwen3.5-9b")  # 8 of its 32 layers have attention
    assert qwen.kv_cache_bytes_per_token == 8 * 4 * 2 * 256 * 2 and qwen.parts["recurrence"] > 0


def test_the_groups_of_deepseek_v4_by_hand():
    """All 43 layers cache lists of 512 numbers for a window of 128 tokens.

    Besides, 21 layers cache one list for each 4 tokens of the text, and 20 layers one for each 128 tokens.
    """
    tokens = 100_000
    windows = 43 * 128 * 512
    of_four = 21 * (tokens // 4) * (512 + 128)  # each list has a key of 128 numbers, by which it is chosen
    of_many = 20 * (tokens // 128) * 512
    plan = course.blueprint("deepseek-v4-flash")
    assert plan.kv_cache_bytes(tokens) == 2 * (windows + of_four + of_many)


def test_the_cache_without_any_saving():
    """`full_kv_cache_bytes` counts a key and a value for each token and head.

    It counts them even in layers that have a state-space table in place of attention.
    """
    llama, shared = course.blueprint("llama-2-7b"), course.blueprint("llama-3-8b")
    assert llama.full_kv_cache_bytes(1000) == llama.kv_cache_bytes(1000) == shared.full_kv_cache_bytes(1000)
    # The keys have 192 numbers, and the values 128.
    assert course.blueprint("deepseek-v3").full_kv_cache_bytes(1000) == 1000 * 61 * 128 * (192 + 128) * 2
    # Of 52 layers, 6 have attention, 23 a state-space table instead, and 23 only experts.
    hybrid = course.blueprint("nemotron-3-nano")
    assert hybrid.full_kv_cache_bytes(1000) == 1000 * (52 - 23) * 32 * 2 * 128 * 2
    # The shape of a state-space table. Lesson 19 gives the table's size.
    sizes = hybrid.config
    assert (sizes.mamba_num_heads, sizes.mamba_head_dim, sizes.ssm_state_size) == (64, 64, 128)
    assert course.blueprint("flux.2-dev").full_kv_cache_bytes(1000) is None


def test_a_table_of_tokens_is_no_norm():
    """Muse Glimmer's embedding counts as an embedding, although the name of its class contains "Norm"."""
    parts = course.blueprint("muse-glimmer-30b").parts
    assert parts["embedding"] > 2 * 202_048 * 6656 > 1000 * parts["norms"]


@pytest.mark.parametrize("name", SIZES)
def test_published_size(name):
    parameters, active, gigabytes, design, cached = SIZES[name]
    plan = course.blueprint(name)
    assert plan.parameters == sum(plan.parts.values()) == parameters
    assert plan.active_parameters == (active or parameters)
    assert plan.kv_cache_bytes_per_token == design * 1024
    assert plan.kv_cache_bytes_per_token_cached == cached * 1024
    assert list(plan.bytes) == ["float32", "bfloat16", "int8", "int4"]
    for printed, count in zip(gigabytes.split(), plan.bytes.values(), strict=True):
        digits = len(printed.partition(".")[2])
        assert float(printed) == round(count / 1e9, digits)
    dense = {"embedding", "attention", "feed-forward", "norms"}
    assert set(plan.parts) == (dense if not active else dense - {"feed-forward"} | {"experts", "router"})


@pytest.mark.parametrize("name", COMPONENTS)
def test_components_of_a_picture_model(name):
    plan = course.blueprint(name)
    assert {key: part.parameters for key, part in plan.components.items()} == COMPONENTS[name]
    assert plan.parameters == plan.active_parameters == sum(plan.parts.values())
    assert plan.parameters == sum(COMPONENTS[name].values())
    for part in plan.components.values():
        assert sum(part.parts.values()) == part.parameters
    assert plan.parts.get("other", 0) < 0.01 * plan.parameters
    assert plan.kv_cache_bytes_per_token == plan.kv_cache_bytes_per_token_cached == 0
    assert plan.memory()["bfloat16"] == {
        "weights": 2 * plan.parameters,
        "kv_cache": 0,
        "total": 2 * plan.parameters,
    }


@pytest.mark.parametrize("name", WHISPERS)
def test_whisper_has_the_size_that_openai_publishes(name):
    exact, published = WHISPERS[name]
    plan = course.blueprint(name)
    assert plan.parameters == sum(plan.parts.values()) == exact
    assert abs(plan.parameters / (published * 1e6) - 1) < 0.04
    assert plan.kv_cache_bytes_per_token == plan.kv_cache_bytes_per_token_cached > 0
    assert plan.context_length == 448
    # The cache holds the decoder's 448 tokens and the encoder's 1,500 positions, which the decoder reads.
    assert plan.kv_cache_bytes(448) == (448 + 1500) * plan.kv_cache_bytes_per_token


@pytest.mark.parametrize(
    "name", [name if name in OF_EACH_KIND else pytest.param(name, marks=MORE) for name in PUBLISHED]
)
def test_published_after_the_article(name):
    """Our counts are within 1% of the maker's counts, and our counts of active parameters within 5%.

    For each exception, published_sizes.toml has the reason as `why`.
    """
    facts = PUBLISHED[name]
    plan = course.blueprint(config=facts["config"])
    assert plan.parameters == sum(plan.parts.values()) == facts["total"]
    assert plan.active_parameters == facts["active"]
    assert plan.active_parameters_without_input == facts.get("without", plan.active_parameters_without_input)
    assert plan.kv_cache_bytes_per_token == facts["cache"]
    assert plan.kv_cache_bytes_per_token_cached in (facts["cache"], None)
    assert plan.shipped_bytes == facts.get("shipped")
    published, *active = (1e9 * billions for billions in facts["published"])
    near = abs(plan.parameters / published - 1) < 0.01
    for stated in active:
        counts = (plan.active_parameters, plan.active_parameters_without_input)
        near &= min(abs(count / stated - 1) for count in counts) < 0.05
    assert near != ("why" in facts)


def test_a_model_that_is_published_at_few_bits():
    """gpt-oss's checkpoints are 12.8 and 60.8 GiB large, says its model card."""
    small, large = (
        course.blueprint(config=PUBLISHED[f"gpt-oss-{size}"]["config"]) for size in ("20b", "120b")
    )
    assert round(small.shipped_bytes / 2**30, 1) == 12.8 and round(large.shipped_bytes / 2**30, 1) == 60.8
    assert small.memory()["mxfp4"]["weights"] == small.bytes["mxfp4"] == small.shipped_bytes
    assert small.fits(14 * 10**9) == dict.fromkeys(blueprints.BITS, False) | {"int4": True, "mxfp4": True}
    assert "mxfp4, as published  13.8 GB" in str(small)
    assert "3,608,307,264 active as some makers count" in str(small)
    assert course.blueprint("mixtral-8x7b").shipped_as == ""
    unknown = SMOLLM2 | {"quantization_config": {"quant_method": "brand_new"}}
    assert "published in the format brand_new, whose size is not counted here" in str(
        course.blueprint(config=unknown)
    )


@pytest.mark.parametrize(
    "settings, name, bits",
    [
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, "gptq, 4 bits", 4 + 20 / 128),
        ({"quant_method": "awq", "bits": 4, "group_size": 64}, "awq, 4 bits", 4 + 20 / 64),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "4 bits, bitsandbytes", 4.5),
        ({"quant_method": "fp8"}, "fp8", 8),
        (
            {
                "quant_method": "compressed-tensors",
                "ignore": ["lm_head", "re:.*self_attn.*"],
                "config_groups": {"group_0": {"weights": {"num_bits": 4, "group_size": 32, "type": "int"}}},
            },
            "int4 in groups",
            4.5,
        ),
    ],
)
def test_formats_that_models_are_published_in(settings, name, bits):
    plan = course.blueprint(config=SMOLLM2 | {"quantization_config": settings})
    matrices = plan.parts["feed-forward"]
    if "ignore" not in settings:
        matrices += plan.parts["attention"]
    assert plan.shipped_as == name
    assert plan.shipped_bytes == round((matrices * bits + (plan.parameters - matrices) * 16) / 8)


def test_latent_attention_shows_the_sizes_of_its_heads():
    plan = course.blueprint(config=PUBLISHED["DeepSeek-V3"]["config"])
    assert (plan.head_size, plan.value_head_size, plan.rotary_head_size) == (192, 128, 64)
    sentence = "128 heads of 192 for queries and keys (64 of them turned by RoPE) and 128 for values"
    assert sentence in str(plan)
    facts = plan.as_dict()
    assert facts["value_head_size"] == 128 and facts["active_parameters_without_input"] == 36_625_603_584


def test_parts_equal_those_counted_by_hand():
    parts = course.blueprint("llama-3-8b").parts
    assert parts["embedding"] == 2 * 128_256 * 4096
    assert parts["attention"] == 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024)
    assert parts["feed-forward"] == 32 * 3 * 4096 * 14_336
    assert parts["norms"] == (2 * 32 + 1) * 4096
    mixtral = course.blueprint("mixtral-8x7b").parts
    assert mixtral["router"] == 32 * 8 * 4096 and mixtral["experts"] == 8 * parts["feed-forward"]


def test_falcon_tied_as_its_config_class_has_it():
    tied = {"falcon-7b": 6_921_720_704, "falcon-40b": 41_303_293_952, "falcon-180b": 178_557_088_768}
    for name, parameters in tied.items():
        values = course.blueprint(name).config.to_dict() | {"tie_word_embeddings": True}
        assert course.blueprint(config=values).parameters == parameters


def test_memory_and_what_fits():
    plan = course.blueprint("llama-3-8b")
    assert plan.kv_cache_bytes(8192, batch=4) == 8192 * 4 * 128 * 1024
    table = plan.memory(8192, 4)
    assert table["float32"]["kv_cache"] == 2 * table["bfloat16"]["kv_cache"] == 2 * 8192 * 4 * 128 * 1024
    assert table["int4"]["kv_cache"] == table["bfloat16"]["kv_cache"]
    for dtype, row in table.items():
        assert row["total"] == row["weights"] + row["kv_cache"] and row["weights"] == plan.bytes[dtype]
    assert plan.fits(16 * 10**9) == {"float32": False, "bfloat16": False, "int8": True, "int4": True}
    exact = plan.memory(10, 2)["int8"]["total"]
    assert plan.fits(exact, 10, 2)["int8"] and not plan.fits(exact - 1, 10, 2)["int8"]
    assert plan.memory() == plan.memory(context=2048, batch=1)
    for wrong in (0, -1, 2.5, "8", True):
        with pytest.raises(CourseError, match="whole number from 1"):
            plan.memory(context=wrong)


def test_a_sliding_window_bounds_the_cache():
    plan = course.blueprint("mistral-7b")
    assert plan.kv_cache_bytes(3000) == 3000 * 128 * 1024
    assert plan.kv_cache_bytes(32_768) == plan.kv_cache_bytes(4096) == 4096 * 128 * 1024
    # gpt-oss alternates: every second layer has a window of 128 tokens.
    mixed = course.blueprint(config={"model_type": "gpt_oss", "num_hidden_layers": 4, "sliding_window": 128})
    layer = mixed.kv_cache_bytes_per_token // 4
    assert mixed.kv_cache_bytes(1000) == layer * (2 * 128 + 2 * 1000)
    assert mixed.kv_cache_bytes_per_token_cached == mixed.kv_cache_bytes_per_token


def test_energy_of_trainings_comes_from_one_place():
    """Two texts once gave different values for Llama 2. Now all texts give the sum over all its models."""
    trainings = catalog.trainings()
    assert sum(trainings["llama-2"].hours) == 3_311_616
    assert round(trainings["llama-2"].kilowatt_hours) == 1_272_730
    assert round(trainings["llama-3"].kilowatt_hours) == 5_390_000
    stated = {f"{training.kilowatt_hours / 1e6:.2f}" for training in trainings.values()}
    energies = re.findall(r"(\d+\.\d\d) million", catalog.read("settled.toml")["13"]["39"])
    assert len(energies) == 2 and set(energies) <= stated


def test_smollm2_by_its_own_config():
    published = catalog.models()["smollm2-135m-instruct"].parameters
    assert course.blueprint(config=SMOLLM2).parameters == published == 134_515_008


MIXTURES = {
    "qwen2_moe": SMALL | {"num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 16},
    "gpt_oss": SMALL
    | {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 8, "sliding_window": 16},
    "deepseek_v3": SMALL
    | {
        **{"num_key_value_heads": 4, "n_routed_experts": 8, "num_experts_per_tok": 2, "n_group": 2},
        **{"topk_group": 1, "kv_lora_rank": 16, "q_lora_rank": 16, "qk_rope_head_dim": 8, "v_head_dim": 8},
        **{"qk_nope_head_dim": 8, "moe_intermediate_size": 16, "first_k_dense_replace": 1},
    },
}


def test_active_parameters_of_other_mixtures_by_hand():
    plan = course.blueprint(config=MIXTURES["qwen2_moe"] | {"model_type": "qwen2_moe"})
    one_expert = 3 * 32 * 16
    assert plan.parameters - plan.active_parameters == 3 * (6 - 2) * one_expert
    plan = course.blueprint(config=MIXTURES["deepseek_v3"] | {"model_type": "deepseek_v3"})
    assert plan.parameters - plan.active_parameters == 2 * (8 - 2) * one_expert  # layer 0 has no experts
    plan = course.blueprint(config=MIXTURES["gpt_oss"] | {"model_type": "gpt_oss"})
    one_expert = 3 * 32 * 48 + 2 * 48 + 32  # gpt-oss's experts have biases
    assert plan.parameters - plan.active_parameters == 3 * (4 - 2) * one_expert
    unsaid = MIXTURES["deepseek_v3"] | {"model_type": "deepseek_v2", "num_experts_per_tok": None}
    plan = course.blueprint(config=unsaid)
    assert plan.active_parameters is None and "the config does not say" in str(plan)


def test_other_architectures_cache_by_their_own_design():
    bert = course.blueprint(config={"model_type": "bert", "architectures": ["BertForMaskedLM"]})
    assert bert.parameters == 109_514_298 and bert.kv_cache_bytes_per_token == 0
    for kind in ("mamba", "mamba2", "falcon_mamba", "rwkv"):
        plan = course.blueprint(config={"model_type": kind, "num_hidden_layers": 2})
        assert plan.kv_cache_bytes_per_token == plan.kv_cache_bytes_per_token_cached == 0
        assert "recurrence" in plan.parts and "attention" not in plan.parts
    t5 = course.blueprint(config={"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]})
    assert t5.kv_cache_bytes_per_token == t5.kv_cache_bytes_per_token_cached == 2 * 2 * 6 * 8 * 64


def test_gpt_neox_caches_though_its_config_says_that_it_is_not_a_decoder():
    plan = course.blueprint(config={"model_type": "gpt_neox", "num_hidden_layers": 2, "hidden_size": 512})
    assert plan.config.is_decoder is False
    assert plan.kv_cache_bytes_per_token == plan.kv_cache_bytes_per_token_cached == 2 * 2 * 2 * 512


def test_names_that_the_library_does_not_know_are_not_misspelt():
    """Published configs contain settings for their makers' own code, and aliases that the library reads."""
    values = SMOLLM2 | {"pretraining_tp": 1, "n_shared_head": 3, "max_window_layers": 28, "num_heads": 9}
    assert course.blueprint(config=values).parameters == 134_515_008
    kimi = transformers.CONFIG_MAPPING["kimi_linear"]().to_dict()
    assert kimi["num_shared_experts"] == 1  # the library's name is n_shared_experts
    assert "n_shared_experts" not in kimi and course.blueprint(config=kimi).parameters > 40e9


def test_the_names_that_an_architecture_writes_are_not_misspelt():
    """All architectures are tried after a change of the blueprints, otherwise sixty: see by_commit.py."""
    kinds, checked = list(transformers.CONFIG_MAPPING), 0
    kinds = by_commit.drawn("names of settings", kinds, 60, "course_utils/blueprints", __file__)
    for kind in kinds:
        try:
            config = transformers.CONFIG_MAPPING[kind]()
            values = config.to_dict()
        except Exception:  # configs that need arguments or a package may raise any error
            continue
        check_spelling(values, config, kind)
        checked += 1
    assert checked > 0.7 * len(kinds)


def test_kimi_k2_is_counted_as_the_architecture_that_it_is():
    values = PUBLISHED["DeepSeek-V3"]["config"] | {"model_type": "kimi_k2"}
    plan = course.blueprint(config=values)
    assert plan.parameters == course.blueprint(config=values | {"model_type": "deepseek_v3"}).parameters
    assert plan.note == "Counted as deepseek_v3, which is the architecture of kimi_k2."
    assert plan.note in str(plan)


def test_a_part_that_needs_a_missing_package_is_left_out_with_a_note():
    config = transformers.CONFIG_MAPPING["gemma3n"]()
    try:
        import timm  # noqa: F401
    except ImportError:
        plan = course.blueprint(config=config.to_dict())
        text = course.blueprint(config=config.text_config.to_dict())
        assert plan.parameters == text.parameters
        assert "Only the part for text is counted" in plan.note and "timm" in plan.note
        assert "Only the part for text is counted" in plan._repr_mimebundle_()["text/html"]
    else:
        assert course.blueprint(config=config.to_dict()).note == ""


def test_diffusers_configs_as_file_folder_dict_and_object(tmp_path):
    import diffusers

    blocks = {"down_block_types": ("DownBlock2D", "AttnDownBlock2D")}
    blocks |= {"up_block_types": ("AttnUpBlock2D", "UpBlock2D"), "block_out_channels": (32, 64)}
    unet = diffusers.UNet2DModel(**blocks, layers_per_block=1, norm_num_groups=8)
    down = diffusers.AutoencoderKL(block_out_channels=(32,), norm_num_groups=8)
    unet.save_config(tmp_path / "unet")
    down.save_config(tmp_path / "vae")
    counts = {
        "unet": sum(tensor.numel() for tensor in unet.parameters()),
        "vae": sum(tensor.numel() for tensor in down.parameters()),
    }
    assert course.blueprint(config=tmp_path / "unet" / "config.json").parameters == counts["unet"]
    assert course.blueprint(config=str(tmp_path / "vae")).parameters == counts["vae"]
    values = json.loads((tmp_path / "unet" / "config.json").read_text())
    assert course.blueprint(config=values).parameters == counts["unet"]
    index = {"_class_name": "DDPMPipeline", "unet": ["diffusers", "UNet2DModel"]}
    index |= {"vae": ["diffusers", "AutoencoderKL"], "scheduler": ["diffusers", "DDPMScheduler"]}
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    for config in (tmp_path, tmp_path / "model_index.json"):
        plan = course.blueprint(config=config)
        assert {name: part.parameters for name, part in plan.components.items()} == counts
    config = transformers.CONFIG_MAPPING["llama"].from_dict(SMOLLM2)
    assert course.blueprint(config=config).parameters == 134_515_008


def run(capsys, *arguments):
    """Runs the command in this process. Returns (status, standard output, standard error)."""
    capsys.readouterr()
    try:
        status = main(["blueprint", *arguments])
    except SystemExit as stop:  # argparse raises this
        status = stop.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_command_prints_what_python_prints(capsys):
    status, out, error = run(capsys, "llama-3-8b")
    assert (status, error) == (0, "") and out == f"{course.blueprint('llama-3-8b')}\n"
    assert "8,030,261,248 parameters" in out and "128 KiB per token by design" in out
    assert all(len(line) <= 90 for line in out.splitlines())
    status, out, _ = run(capsys, "falcon-40b", "--context", "1000", "--batch", "2", "--memory", "64GB")
    assert "120 KiB per token by design, 1,920 KiB as transformers caches it" in out
    assert "as transformers caches it, 16 bits take " in out
    assert "context of 1,000 tokens, batch 2" in out and "fits 64.0 GB" in out
    assert [line.split()[-1] for line in out.splitlines()[-5:-1]] == ["no", "no", "yes", "yes"]
    _, out, _ = run(capsys, "stable-diffusion-xl", "--batch", "4")
    assert "context and batch change nothing here" in out
    status, out, _ = run(capsys, "llama-2-7b", "--context", "9000")
    assert "made for at most 4,096 tokens" in out


def test_command_as_json(capsys):
    status, out, error = run(capsys, "mixtral-8x7b", "--json", "--memory", "24GiB")
    assert (status, error) == (0, "")
    facts = json.loads(out)
    assert facts["parameters"] == 46_702_792_704 and facts["active_parameters"] == 12_879_925_248
    assert facts["bytes"]["bfloat16"] == 93_405_585_408 and facts["bytes"]["int4"] == 23_351_396_352
    assert facts["kv_cache_bytes_per_token"] == facts["kv_cache_bytes_per_token_cached"] == 131_072
    assert facts["context"] == 2048 and facts["memory"]["int8"]["kv_cache"] == 2048 * 131_072
    assert facts["fits"] == {"float32": False, "bfloat16": False, "int8": False, "int4": True}
    assert sum(facts["parts"].values()) == facts["parameters"]
    _, out, _ = run(capsys, "llama-2-7b", "stable-diffusion-xl", "--json")
    llama, pipeline = json.loads(out)
    assert llama["active_parameters"] == llama["parameters"] and "fits" not in llama
    assert pipeline["components"]["unet"]["parameters"] == 2_567_463_684


def test_all_sizes_in_one_run(capsys):
    status, out, error = run(capsys)
    assert (status, error) == (0, "")
    rows = {line.split()[0]: line.split() for line in out.splitlines()}
    for name in blueprints.names():
        assert rows[name][1] == f"{course.blueprint(name).parameters:,}"
    assert rows["mixtral-8x22b"][2] == "39,152,031,744"
    assert rows["falcon-180b"][-2:] == ["160", "4,640"]


@pytest.mark.everything(reason="counts all sizes again, in a process of its own")
def test_all_sizes_in_one_run_need_little_memory():
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'course_utils', 'blueprint'], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    peak = float(result.stderr)  # nothing else is on standard error
    assert peak * (1 if sys.platform == "darwin" else 1024) < 1.5e9


def test_several_with_a_memory_name_the_widest_type_that_fits(capsys):
    _, out, _ = run(capsys, "mistral-7b", "llama-3.1-405b", "--memory", "16GB", "--context", "4096")
    assert "weights and the cache of 4,096 tokens, batch 1" in out
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert rows["mistral-7b"].endswith("as bfloat16") and rows["llama-3.1-405b"].endswith("no")


BROKEN = {
    "not JSON": (b"{not json", "is not JSON"),
    "not text": (b"\xff\xfe\x00\x80", "is not JSON"),
    "a list": (b"[1, 2]", "holds a JSON list"),
    "deep": (b"[" * 100_000, "is not JSON"),
    "GGUF": (b"GGUF\x03\x00\x00\x00", "is a GGUF file"),
    "too large": (b" " * 10_000_001, "larger than 10 MB"),
    "no type": ({"hidden_size": 64}, "no model_type (transformers) and no _class_name"),
    "no known type": ({"model_type": "brandnew"}, "the course never runs"),
    "a type that is no text": ({"model_type": ["llama"]}, "does not know"),
    "own code": ({"model_type": "own", "auto_map": {"AutoModel": "m.M"}}, "its author's own code (auto_map)"),
    "an adapter": ({"peft_type": "LORA", "base_model_name_or_path": "a/b"}, "an adapter (LORA)"),
    "a scheduler": ({"_class_name": "DDIMScheduler"}, "has no weights to count"),
    "no class": ({"_class_name": "NoSuchModel"}, "is not in diffusers"),
    "a class of anything": ({"_class_name": "logging"}, "has no weights to count"),
    "heads": (SMOLLM2 | {"hidden_size": 577}, "577 can't be divided by 9"),
    "shared heads": (SMOLLM2 | {"num_key_value_heads": 2}, "9 can't be divided by 2"),
    "negative": (SMOLLM2 | {"hidden_size": -576}, "a size is a whole number from 1"),
    "zero": (SMOLLM2 | {"vocab_size": 0}, "a size is a whole number from 1"),
    "text": (SMOLLM2 | {"hidden_size": "576"}, "a size is a whole number from 1"),
    "a fraction": (SMOLLM2 | {"num_hidden_layers": 2.5}, "a size is a whole number from 0"),
    "infinite": (b'{"model_type": "llama", "hidden_size": Infinity}', "a size is a whole number from 1"),
    "true": (SMOLLM2 | {"num_attention_heads": True}, "a size is a whole number from 1"),
    "a list of sizes": (SMOLLM2 | {"hidden_size": [576]}, "can't be built"),
    "an object": (SMOLLM2 | {"hidden_size": {}}, "can't be built"),
    "endless layers": (SMOLLM2 | {"num_hidden_layers": 10**9}, "no published model comes near"),
    "endless experts": (
        {"model_type": "mixtral", "num_local_experts": 10**9},
        "no published model comes near",
    ),
    "a misspelt size": (
        {"model_type": "llama", "hidden_sise": 576},
        "has hidden_sise = 576, and this architecture knows no such name: is hidden_size meant?",
    ),
    "a misspelt size inside": (
        {"model_type": "gemma3", "text_config": {"model_type": "gemma3_text", "vocabsize": 1000}},
        "text_config, has vocabsize = 1,000, and this architecture knows no such name: is vocab_size meant?",
    ),
    "a misspelt size of a picture model": (
        {"_class_name": "UNet2DConditionModel", "cross_attention_dims": 64},
        "is cross_attention_dim meant?",
    ),
    "a misspelt switch": (
        {"model_type": "llama", "tie_word_embedings": True},
        "has tie_word_embedings = True, and this architecture knows no such name: is tie_word_embeddings",
    ),
    "a misspelt size as text": (
        {"model_type": "llama", "hidden_sise": "2048"},
        "has hidden_sise = '2048', and this architecture knows no such name: is hidden_size meant?",
    ),
    "a misspelt size with a point": (
        {"model_type": "llama", "hidden_sise": 2048.0},
        "has hidden_sise = 2048.0, and this architecture knows no such name: is hidden_size meant?",
    ),
    "another family's layers": ({"model_type": "llama", "n_layers": 16}, "is num_hidden_layers meant?"),
    "another family's name of layers": (
        {"model_type": "llama", "num_layers": 16},
        "is num_hidden_layers meant?",
    ),
    "another family's shared heads": (
        {"model_type": "llama", "num_kv_heads": 8},
        "is num_key_value_heads meant?",
    ),
    "another family's hidden size": ({"model_type": "llama", "d_model": 2048}, "is hidden_size meant?"),
    "more experts than there are": (
        {"model_type": "mixtral", "num_experts_per_tok": 500},
        "chooses 500 experts for each token and has 8: correct one of the two",
    ),
    "another's architecture": (
        SMOLLM2 | {"architectures": ["MixtralForCausalLM"]},
        "has the model_type 'llama' and the architecture MixtralForCausalLM, which belongs to the model_type "
        "'mixtral'",
    ),
    "huge": (SMOLLM2 | {"hidden_size": 9 * 10**18}, "can't be built"),
    "activation": (SMOLLM2 | {"hidden_act": "no_such"}, "can't be built"),
    "UNet": (
        {"_class_name": "UNet2DConditionModel", "down_block_types": ["NoBlock"], "block_out_channels": [32]},
        "can't be built",
    ),
    "pipeline": ({"_class_name": "X", "unet": ["diffusers", "UNet2DModel"]}, "no part's config.json"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_config_is_refused_in_one_sentence(case, tmp_path, capsys):
    content, sentence = BROKEN[case]
    file = tmp_path / "config.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    status, out, error = run(capsys, "--config", str(file))
    assert (status, out) == (1, "") and error.startswith("course blueprint: ") and error.count("\n") == 1, (
        error
    )
    assert sentence in error
    assert "Traceback" not in error


def test_a_model_of_too_many_tensors_is_refused_as_soon_as_it_has_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(building, "_MOST_TENSORS", 1_000)
    config = {"model_type": "bart", "d_model": 16, "encoder_layers": 90, "decoder_layers": 90}
    (tmp_path / "config.json").write_text(json.dumps(config))
    built = []
    hook = torch.nn.modules.module.register_module_parameter_registration_hook(
        lambda module, name, tensor: built.append(name)
    )
    status, _, error = run(capsys, "--config", str(tmp_path))
    hook.remove()
    assert status == 1 and "more than 1,000 tensors" in error
    assert 1_000 <= len(built) <= 1_002  # the whole model has 3,800 tensors


def test_what_is_neither_a_name_nor_a_file_is_refused_in_one_sentence(tmp_path, capsys):
    for arguments, sentence in [
        (("lama-3-8b",), "(is llama-3-8b meant?): the names are llama-2-7b, llama-2-13b"),
        (("llama-2-7b", "no-such"), "There is no blueprint named 'no-such'"),
        (("--config", str(tmp_path / "none.json")), "There is no file"),
        (("--config", str(tmp_path)), "is a folder without a config.json"),
        (("config.json",), "give it as the config (in the command, --config)"),
        (("llama-2-7b", "--memory", "much"), "'much' is not an amount of memory: write it as 16GB or 24GiB"),
        (("llama-2-7b", "--memory", "0GB"), "is not an amount of memory"),
        (("llama-2-7b", "--memory", "16"), "'16' is not an amount of memory"),
        (("a--b/c",), "is not a hub id"),
    ]:
        status, out, error = run(capsys, *arguments)
        assert (status, out) == (1, "") and sentence in error and error.count("\n") == 1, error
    for arguments in [("llama-2-7b", "--context", "0"), ("llama-2-7b", "--batch", "x"), ("--nothing",)]:
        assert run(capsys, *arguments)[0] == 2
    for wrong in ({}, {"name": "llama-2-7b", "config": SMOLLM2}):
        with pytest.raises(CourseError, match="Give a name"):
            course.blueprint(**wrong)
    for wrong in ({"name": 7}, {"config": 7}):
        with pytest.raises(CourseError, match="not int"):
            course.blueprint(**wrong)


@pytest.fixture
def hub_run(capsys, tmp_path):
    """Returns a function that runs the command with a hub's address and an empty cache.

    The function also takes further environment variables.
    """
    from huggingface_hub import close_session, constants

    def run_with(url, *arguments, **environment):
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
                patch.delenv(name)
            for name, value in {"HF_ENDPOINT": url, "HF_HOME": str(tmp_path), **environment}.items():
                patch.setenv(name, value)
            importlib.reload(constants)  # the hub's library reads its settings when it is imported
            close_session()  # an open connection to a hub outlives the hub
            return run(capsys, *arguments)

    yield run_with
    importlib.reload(constants)


def test_a_hub_id_fetches_the_configs_alone(hub_run):
    files = {
        "config.json": json.dumps(SMOLLM2).encode(),
        "model.safetensors": b"weights",
        "code.py": b"1 / 0",
    }
    with Hub("someone/tiny", "main", files) as hub:
        status, out, error = hub_run(hub.url, "someone/tiny", "--json")
        assert (status, error) == (0, "") and json.loads(out)["parameters"] == 134_515_008
        asked = {path for _, path, _ in hub.log if path.startswith("/someone/tiny/")}
        assert asked == {"/someone/tiny/resolve/main/config.json"}
        status, out, _ = hub_run(hub.url, "--config", "someone/tiny")
        assert status == 0 and out.startswith("someone/tiny\n134,515,008 parameters")
        status, out, error = hub_run(hub.url, "someone/else")
        assert (status, out) == (1, "") and "The hub has no someone/else" in error
    # A fetched config can be counted offline. For any other config, one sentence says why not.
    offline = {"HF_HUB_OFFLINE": "1"}
    assert hub_run(hub.url, "someone/tiny", **offline)[0] == 0
    status, out, error = hub_run(hub.url, "someone/other", **offline)
    assert (status, out) == (1, "") and "HF_HUB_OFFLINE=1" in error and error.count("\n") == 1, error


def test_a_pipeline_on_the_hub_and_a_gate(hub_run):
    vae = {"_class_name": "AutoencoderKL", "block_out_channels": [32], "norm_num_groups": 8}
    index = {"_class_name": "P", "vae": ["diffusers", "AutoencoderKL"], "scheduler": ["diffusers", "S"]}
    files = {"model_index.json": json.dumps(index).encode(), "vae/config.json": json.dumps(vae).encode()}
    with Hub("someone/painter", "main", files) as hub:
        status, out, error = hub_run(hub.url, "someone/painter", "--json")
        assert (status, error) == (0, ""), error
        assert json.loads(out)["components"]["vae"]["parameters"] == course.blueprint(config=vae).parameters
    with Hub("someone/empty", "main", {"model.gguf": b"GGUF"}) as hub:
        status, out, error = hub_run(hub.url, "someone/empty")
        assert (status, out) == (1, "") and "has no config.json and no model_index.json" in error
    with Hub("someone/gated", "main", {"config.json": b"{}"}, gated=True) as hub:
        status, out, error = hub_run(hub.url, "someone/gated")
        assert (status, out) == (1, "") and "is behind a gate" in error and error.count("\n") == 1, error
    status, out, error = hub_run(hub.url, "someone/painter2")  # the hub has ended
    assert (status, out) == (1, "") and "gave no answer" in error and error.count("\n") == 1, error


def test_notebook_shows_parts_and_memory():
    for name in ("falcon-40b", "stable-diffusion-xl", "whisper-tiny"):
        plan = course.blueprint(name)
        shown = plan._repr_mimebundle_()
        assert shown["text/plain"] == str(plan) == blueprints.describe(plan)
        html = shown["text/html"]
        assert f"{plan.parameters:,} parameters" in html and "bfloat16" in html
        assert not any(tag in html for tag in ("<script", "<style", "<svg", "aria-"))
        assert all(part in html for part in plan.components or plan.parts)
    assert (
        "1,920 KiB as transformers caches it"
        in course.blueprint("falcon-40b")._repr_mimebundle_()["text/html"]
    )
    assert repr(course.blueprint("llama-2-7b")) == "<Blueprint llama-2-7b: 6,738,415,616 parameters>"


def test_notebook_shows_every_remark_of_the_printed_text():
    def page(**config):
        html = course.blueprint(config=config)._repr_mimebundle_()["text/html"]
        return " ".join(unescape(html).split())

    latent = page(**PUBLISHED["DeepSeek-V3"]["config"] | {"model_type": "kimi_k2"})
    for remark in (
        "37,552,282,624 (6%) of them active per token",
        "36,625,603,584 active as some makers count: without the input's table, of which a token reads",
        "128 heads of 192 for queries and keys (64 of them turned by RoPE) and 128 for values",
        "Counted as deepseek_v3, which is the architecture of kimi_k2.",
    ):
        assert remark in latent
    unsaid = page(**MIXTURES["deepseek_v3"] | {"model_type": "deepseek_v2", "num_experts_per_tok": None})
    assert "how many are active per token, the config does not say" in unsaid
    plain = page(**SMOLLM2 | {"quantization_config": {"quant_method": "brand_new"}})
    assert "30 layers, hidden size 576, 9 heads of 64 on 3 key-value heads, context 8,192." in plain
    assert "published in the format brand_new, whose size is not counted here." in plain
    assert "as some makers count" not in plain


def test_libraries_are_left_as_they_were(capfd):
    import logging
    import warnings

    before = logging.root.manager.disable, list(warnings.filters)
    course.blueprint(config={"_class_name": "AutoencoderKL", "no_such_setting": 1})
    assert (logging.root.manager.disable, list(warnings.filters)) == before
    assert capfd.readouterr() == ("", "")
    assert torch.zeros(1).device.type == "cpu"
