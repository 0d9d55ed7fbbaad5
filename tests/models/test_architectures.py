"""Builds a small model of each of transformers' architectures that write text, and counts its parameters.

The tests compare a blueprint with the real model: the sum of its parameters, the parameters that the gradient
of a token reaches, and the growth of the cache for one more token.
"""

import random
import re
import warnings

import by_commit
import pytest
from lazy import Lazy

import course_utils as course

torch = Lazy("torch")
transformers = Lazy("transformers")

# {pattern of names in a config: small number that replaces larger defaults}
SMALL = {
    r"vocab_size\w*": 96,
    r"hidden_size|d_model|n_embd|embedding_size|embed_dim|emb_dim|dim_model|adapter_\w+_(dim|size)": 64,
    r"(\w*_)?layers|n_layer|num_blocks": 4,
    r"num_attention_heads|n_head|num_heads|n_heads|(encoder|decoder)_attention_heads|num_query_heads": 4,
    r"head_dim|d_kv|attention_head_dim|kv_channels|dim_head|d_head": 16,
    r"\w*intermediate_size|\w*ffn_dim|n_inner|d_ff|\w*ffn_hidden_size|dim_ff|dff|mlp_hidden_size": 48,
    r"num_local_experts|num_experts|n_routed_experts|moe_num_experts|num_routed_experts": 4,
    r"num_experts_per_tok|num_experts_per_token|moe_topk|moe_top_k|top_k_experts|moe_k": 2,
    r"n_group|topk_group|num_expert_group|n_groups": 1,
    r"kv_lora_rank": 16,
    r"q_lora_rank": 24,
    r"qk_rope_head_dim|rotary_dim": 8,
    r"qk_nope_head_dim|v_head_dim": 16,
    r"sliding_window|attention_chunk_size": 8,
    r"max_position_embeddings|n_positions|n_ctx|max_seq_len|max_(target|source)_positions": 128,
    r"hidden_size_per_layer_input": 8,
    r"(mamba_)?(d_state|state_size|ssm_state_size)": 8,
}
SHARED_HEADS = r"(swa_)?num_key_value_heads|num_kv_heads|num_global_key_value_heads|kv_n_heads"
NO_CHANGE = ("rope_scaling", "rope_parameters", "id2label", "label2id", "compress_rates")
MAMBA = {"mamba_n_heads": 8, "mamba_d_head": 16, "mamba_n_groups": 1, "mamba_chunk_size": 8}
TWO_KINDS = ["sliding_attention", "full_attention"] * 2
MIXED = ["linear_attention", "full_attention"] * 2
DELTA = {"linear_key_head_dim": 16, "linear_value_head_dim": 16}
DELTA |= {"linear_num_key_heads": 2, "linear_num_value_heads": 4}
ROPE = {"rope_type": "default", "rope_theta": 10_000.0}
# {architecture: further values that make its config small and consistent}. None removes a value.
MORE = {
    "bamba": MAMBA | {"attn_layer_indices": [1, 3]},
    "blenderbot": {"decoder_layers": 4, "encoder_layers": 4, "num_hidden_layers": None},
    "cohere_compass_text": {
        "layer_types": TWO_KINDS,
        "rope_parameters": {"full_attention": ROPE, "sliding_attention": ROPE},
    },
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8, "rope_theta": 10_000.0},
        "ffn_config": {"ffn_hidden_size": 48, "moe_num_experts": 4, "moe_top_k": 2},
        "num_key_value_heads": None,
    },
    "deepseek_v2": {"num_experts_per_tok": 2},
    "dots1": {
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "n_shared_experts": 1,
        "first_k_dense_replace": 1,
    },
    "dory": {  # its config counts attention and network as two layers
        "num_hidden_layers": 8,
        "n_input_layers": 2,
        "n_recurrent_layers": 4,
        "n_output_layers": 2,
        "layer_types": [kind for pair in TWO_KINDS for kind in (pair, "mlp")],
    },
    "falcon_h1": MAMBA | {"mamba_d_ssm": 128},
    "gemma3n_text": {
        "layer_types": TWO_KINDS,
        "num_kv_shared_layers": 0,
        "activation_sparsity_pattern": [0.0] * 4,
        "laurel_rank": 8,
        "altup_num_inputs": 2,
    },
    "granitemoehybrid": MAMBA | {"layer_types": ["mamba", "attention"] * 2, "layers_block_type": None},
    "hrm_text": {"num_layers_per_stack": 2, "num_hidden_layers": 16},
    "hunyuan_v1_dense": {"head_dim": 16},
    "hunyuan_v1_moe": {"head_dim": 16, "num_experts": 4, "moe_topk": 2},
    "jamba": {
        "layers_block_type": None,
        "layer_types": None,
        "attn_layer_period": 2,
        "attn_layer_offset": 1,
        "mamba_dt_rank": 8,
    },
    "lfm2_moe": {"layer_types": ["conv", "full_attention"] * 2, "num_dense_layers": 1},
    "longcat_flash": {
        "qk_head_dim": 24,
        "expert_ffn_hidden_size": 24,
        "zero_expert_num": 2,
        "num_hidden_layers": None,
    },
    "mamba2": {"num_heads": 8, "head_dim": 16, "n_groups": 1, "chunk_size": 8},
    "ministral": {"head_dim": 16, "num_key_value_heads": 2},
    "nemotron": {"head_dim": 16, "num_key_value_heads": 2},
    "qwen4_exp_text": DELTA
    | {
        "layer_types": MIXED,
        "indexer_n_heads": 2,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 16,
        "indexer_budget": 8,
        "indexer_compress_ratio": 4,
        "hc_count": 2,
        "hc_lowrank": 8,
        "shared_expert_intermediate_size": 24,
    },
    "reformer": {
        "axial_pos_embds_dim": [32, 32],
        "axial_pos_shape": [8, 16],
        "attention_head_size": 16,
        "feed_forward_size": 48,
        "num_buckets": 4,
        "hash_seed": 0,
        "num_hidden_layers": None,
    },
    "rwkv": {"attention_hidden_size": 64},
    "xlstm": {"embedding_dim": 64, "qk_dim_factor": 1.0},
    "xmod": {"default_language": "en_XX", "languages": ["en_XX"]},
    "zamba": {
        "attention_hidden_size": 128,
        "attention_head_dim": 32,
        "layers_block_type": ["mamba", "hybrid"] * 2,
        "layer_types": None,
        "mamba_dt_rank": 8,
    },
    "zamba2": {
        "attention_hidden_size": 128,
        "attention_head_dim": 32,
        "layers_block_type": ["mamba", "hybrid"] * 2,
        "layer_types": None,
        "hybrid_layer_ids": [1, 3],
        "n_mamba_heads": 8,
        "mamba_headdim": 16,
        "mamba_ngroups": 1,
        "chunk_size": 8,
        "adapter_rank": 8,
    },
}
for kind in ("lara_mini", "olmo_hybrid", "qwen3_5_moe_text", "qwen3_5_text", "qwen3_next"):
    MORE[kind] = DELTA
MORE["kimi_linear"] = MORE["bailing_hybrid"] = {"linear_head_dim": 16, "linear_num_heads": 4}
MORE["qwen4_exp"] = {"text_config": MORE["qwen4_exp_text"]}
# Architectures that can't be compared, and why.
CANNOT = {
    "blt": "reads bytes through a model of its own, whose config has no number of layers to cache for",
    "gemma3n": "its part for pictures needs the package timm; gemma3n_text is compared",
    "gemma4_assistant": "runs on the states of another model, which it drafts for",
    "gemma4_unified_assistant": "runs on the states of another model, which it drafts for",
    "musicgen": "registered for the config of its decoder alone, which no model_type names",
    "musicgen_melody": "registered for the config of its decoder alone, which no model_type names",
}
# Architectures for which transformers caches something else than the design intends, and why.
OTHER_CACHE = {
    "deepseek_v4": "what one more token adds depends on how many came before: the test below counts it",
    "falcon": "keys and values are repeated for each query head before they are cached",
    "openai-gpt": "no cache is written for this model of 2018",
    "recurrent_gemma": "the layers keep the cache inside themselves",
    "reformer": "no keys and values are kept, but a table of which tokens look alike",
    "xlm": "no cache is written for this model of 2019",
    "xlnet": "what a layer read is kept in the place of keys and values",
}
# Architectures in which a token's gradient does not show how many parameters the token uses, and why.
OTHER_ACTIVE = {
    "deepseek_v4": "in its first layers a table names the experts, and untrained it names one of them twice",
    "jetmoe": "experts make the queries, and with one token to look at, none of them changes the answer",
    "longcat_flash": "some experts do nothing, and a token may choose those",
}
# Architectures for which transformers builds more parameters than the published weights have, and why.
OTHER_TOTAL = {"longcat_flash": "it keeps room for experts that do nothing"}


def smaller(values):
    """Returns the values of a config with small numbers instead of large ones."""
    heads = next((values[name] for name in ("num_attention_heads", "n_head") if values.get(name)), None)
    layers = next(
        (values[name] for name in ("num_hidden_layers", "n_layer", "num_layers") if values.get(name)), 0
    )
    small = {}
    for name, value in values.items():
        if name in ("per_layer_config", "architectures", "transformers_version", "dtype"):
            continue
        if isinstance(value, dict) and name not in NO_CHANGE:
            value = smaller(value)
        elif re.search(r"token_ids?$|token_index$", name) and value is not None:
            value = [1] if isinstance(value, list) else 1
        elif isinstance(value, list) and len(value) == layers > 4:
            kinds = list(dict.fromkeys(value)) if isinstance(value[0], str) else value
            value = (kinds * 4)[:4]
        elif isinstance(value, int) and not isinstance(value, bool) and value > 0:
            if re.fullmatch(SHARED_HEADS, name):
                value = 4 if value == heads else min(value, 2)
            for pattern, size in SMALL.items():
                if re.fullmatch(pattern, name):
                    value = size if name.startswith("vocab") else min(value, size)
        small[name] = value
    if small.get("qk_rope_head_dim") and "head_dim" in small:
        small["head_dim"] = small["qk_rope_head_dim"]
    return small


def small_config(kind):
    """Returns the values of a small config of an architecture."""
    values, more = smaller(transformers.CONFIG_MAPPING[kind]().to_dict()), dict(MORE.get(kind, {}))
    if "is_decoder" in values:
        values["is_decoder"] = True
    if "text_config" in more:
        more["text_config"] = values["text_config"] | more["text_config"]
    values |= {"model_type": kind} | more
    left_out = [name for name, value in more.items() if value is None]
    return {name: value for name, value in values.items() if name not in left_out}


def built(values):
    """Builds the model of a config, with random weights that are the same in each run."""
    config = transformers.CONFIG_MAPPING[values["model_type"]].from_dict(dict(values))
    torch.manual_seed(0)
    return transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()


def reached(model):
    """Counts the parameters that a token uses: all but those of experts that get no gradient."""
    ids = torch.full((1, 1), 3)
    with torch.enable_grad():
        model(input_ids=ids, use_cache=False).logits.float().square().sum().backward()
    idle = 0
    for name, tensor in model.named_parameters():
        stack = tensor.dim() == 3 and len(tensor) == 4 and "conv" not in name
        if not ("experts" in name or stack) or "shared" in name or "router" in name:
            continue
        if tensor.grad is None:
            idle += tensor.numel()
        elif len(tensor) == 4 or "experts.mlp." in name:  # one tensor for all four experts
            idle += sum(part.numel() for part in tensor.grad.view(4, -1) if not part.any())
        elif not tensor.grad.any():
            idle += tensor.numel()
    return sum(tensor.numel() for tensor in model.parameters()) - idle


def cached_numbers(model, tokens):
    """Counts the numbers that the library caches for `tokens` tokens, in all float tensors of its cache."""
    with torch.no_grad():
        output = model(input_ids=torch.full((1, tokens), 3), use_cache=True)
    waiting = [output.get("cache", output.get("past_key_values"))]
    seen, count = set(), 0
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen or isinstance(each, str | int | float | type):
            continue
        seen.add(id(each))
        if torch.is_tensor(each):
            count += each.numel() if each.is_floating_point() else 0
        elif isinstance(each, dict):
            waiting += each.values()
        else:
            waiting += each if isinstance(each, list | tuple) else getattr(each, "__dict__", {}).values()
    return count


def compare(kind):
    values = small_config(kind)
    plan = course.blueprint(config=values)
    model = built(values)
    real = sum(tensor.numel() for tensor in model.parameters())
    assert plan.parameters == sum(plan.parts.values())
    assert plan.parameters == real or kind in OTHER_TOTAL
    # A number has two bytes. A window of eight tokens has room for the fifth token, but not for the 21st.
    more = 2 * (cached_numbers(model, 5) - cached_numbers(model, 4))
    beyond = 2 * (cached_numbers(model, 21) - cached_numbers(model, 20))
    assert plan.kv_cache_bytes_per_token_cached in (more, None)
    if kind not in OTHER_CACHE:
        assert plan.kv_cache_bytes_per_token == more
        assert plan.kv_cache_bytes(21) - plan.kv_cache_bytes(20) == beyond
    if kind not in OTHER_ACTIVE:
        assert plan.active_parameters == (reached(model) if "experts" in plan.parts else real)


def registered():
    """Returns the names of all of transformers' architectures that write text."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return list(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def chosen():
    """Returns the architectures that can be compared: forty drawn at random, and the others."""
    compared = [kind for kind in registered() if kind not in CANNOT]
    drawn = random.Random(0).sample(compared, k=40)
    return drawn, [kind for kind in compared if kind not in drawn]


def differing(kinds):
    """Compares architectures. Returns {name: error} of those whose blueprint differs from the model."""
    errors = {}
    for kind in kinds:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compare(kind)
        except Exception as error:
            errors[kind] = f"{type(error).__name__}: {error}"
    return errors


def test_forty_architectures_have_the_numbers_of_their_blueprints():
    """All forty are compared after a change of the blueprints, otherwise ten of them: see by_commit.py."""
    architectures, _ = chosen()
    drawn = by_commit.drawn("architectures", architectures, 10, "course_utils/blueprints", __file__)
    assert differing(drawn) == {}


@pytest.mark.everything(reason="takes minutes, and depends on transformers more than on us")
@pytest.mark.parametrize("quarter", range(4))
def test_every_other_architecture_has_the_numbers_of_its_blueprint(quarter):
    _, others = chosen()
    assert differing(others[quarter::4]) == {}


def test_what_can_not_be_compared_is_still_registered():
    assert not {*CANNOT, *MORE, *OTHER_CACHE, *OTHER_ACTIVE, *OTHER_TOTAL} - set(registered())


def test_deepseek_v4_merges_older_tokens():
    """DeepSeek V4 caches the tokens of a window, and a merged entry for each 4 or 128 tokens of the text."""
    values = small_config("deepseek_v4")
    plan, model = course.blueprint(config=values), built(values)
    with torch.no_grad():
        layers = model(input_ids=torch.full((1, 300), 3), use_cache=True)["cache"].layers
    merged = sum(entries.numel() for layer in layers for entries in layer.compressed_kv.values())
    # The library keeps 7 tokens of a window of 8. The blueprint counts all 8.
    windows = sum(layer.keys.numel() * 8 // 7 for layer in layers)
    assert plan.kv_cache_bytes(300) == 2 * (merged + windows)
    assert plan.kv_cache_bytes_per_token_cached is None
