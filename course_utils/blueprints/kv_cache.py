"""Counts the key-value cache of a model: what its design needs for a token, and what transformers caches."""

import copy
import re
from typing import NamedTuple

from course_utils.blueprints.building import quiet
from course_utils.blueprints.config import (
    HEADS,
    HIDDEN_SIZE,
    LAYERS,
    SHARED_HEADS,
    attribute,
    first_number,
    matching,
    text_config,
)

CONTEXT = 2048  # the default context has this many tokens, unless the model's own limit is lower

# Names of settings that show that a model's layers can differ, such as layer_types or sliding_window_pattern.
_says_that_layers_differ = matching(
    """*type* *period* *interval* *pattern* *sharing* *every* *offset* *cross* text_config decoder
    per_layer_config"""
)


class Cached(NamedTuple):
    """A list of numbers that a layer caches for each token, or once for each group of `every` tokens."""

    numbers: int  # how many numbers the list has
    window: int | None = None  # how many tokens the layer keeps; None if it keeps all
    every: int = 1


# Facts that are computed from a model's config and matrices


def dimensions(config):
    """Return the dimensions that a model's config states, as {name of an argument of `Blueprint`: number}."""
    text = text_config(config)
    if text is None:
        return {}
    key_value_heads, head_sizes = (
        {_heads(layer)[index] for layer in _configs_of_layers(config)} for index in (0, 1)
    )
    facts = {
        "layers": _layers(config),
        "attention_heads": first_number(config, "decoder_attention_heads") or first_number(text, *HEADS),
        # These two entries are None if the number differs from layer to layer.
        "key_value_heads": key_value_heads.pop() if len(key_value_heads) == 1 else None,
        "head_size": head_sizes.pop() if len(head_sizes) == 1 else None,
        "hidden_size": first_number(text, *HIDDEN_SIZE),
        "context_length": first_number(
            text, "max_target_positions", "max_position_embeddings", "n_positions", "max_seq_len"
        ),
    }
    if _is_latent(text):
        facts["value_head_size"] = _heads(text)[2]
        facts["rotary_head_size"] = first_number(text, "qk_rope_head_dim")
    return facts


def by_design(model, config, has_attention):
    """Return what a model caches, as (tuple of `Cached`, tuple of source lists).

    A source list is what one layer of the decoder caches of the encoder's output: (how many numbers for each
    position, how many positions). Whisper has 1,500 positions. The second value is None if the encoder reads
    as many tokens as the context has.
    """
    if text_config(config) is None or not has_attention or not _layers(config) or not _writes(model, config):
        return (), ()
    text = text_config(config)
    configs = _configs_of_layers(config)
    layer_types = _layer_types(text) or [None] * _layers(config)
    by_matrices = {} if _is_latent(text) else _projected(model)
    lists = []
    for index in _caching_layers(text, _layers(config)):
        of_layer = _cache_of_layer(configs[index], layer_types[index], index)
        if len(of_layer) == 1 and index in by_matrices:
            of_layer = [of_layer[0]._replace(numbers=by_matrices[index])]
        lists += of_layer
    if not getattr(model.config, "is_encoder_decoder", False):
        return tuple(lists), ()
    is_speech = hasattr(config, "num_mel_bins")
    positions = first_number(config, "max_source_positions") if is_speech else None
    return tuple(lists), tuple((own.numbers, positions) for own in lists)


def token_mixing_layers(config):
    """Return how many layers let a token depend on earlier tokens, by attention or by a recurrent state.

    Some models also have layers with nothing but experts or a feed-forward part, which are not counted.
    """
    kinds = _layer_types(text_config(config))
    return _layers(config) - sum(kind in ("moe", "mlp") for kind in kinds)


def _layer_types(text):
    """Return the type of each layer, such as "sliding_attention", or [] if the config does not list them."""
    return attribute(text, "layer_types") or attribute(text, "layers_block_type") or []


def _layers(config):
    layers = first_number(config, "decoder_layers", "num_decoder_layers")
    return layers or first_number(text_config(config), *LAYERS)


def _configs_of_layers(config):
    """Return a config for each layer: the layer's own config, or the model's if all layers are alike."""
    text, layers = text_config(config), _layers(config)
    configs = list(attribute(text, "per_layer_config") or ())
    return configs if len(configs) == layers else [text] * (layers or 1)


def _is_latent(text):
    """Return whether attention is latent: a layer then caches one short vector per token, as in DeepSeek."""
    return first_number(text, "kv_lora_rank") is not None


def _writes(model, config):
    """Return whether a model writes text token by token. Only such a model caches keys and values.

    BERT and similar models are trained to fill gaps; they write only if `is_decoder` is set. Other models,
    such as GPT-NeoX, also have `is_decoder` in their configs, but no layer of these models reads it.
    """
    decoders = [getattr(module, "is_decoder", None) for module in model.modules()]
    fills_gaps = getattr(config, "is_decoder", None) is False and False in decoders and True not in decoders
    return getattr(model, "can_generate", lambda: False)() and not fills_gaps


def _caching_layers(text, layers):
    """Return the indices of the layers that fill the cache.

    If a layer runs several times for one token, its index appears as many times.
    """
    # In some models the last layers read the cache of earlier layers and have no cache of their own.
    indices = list(range(layers - (first_number(text, "num_kv_shared_layers") or 0)))
    if attribute(text, "recurrent_kv_cache_mode") == "per_loop":  # the model Dory repeats its middle layers
        first = text.n_input_layers
        indices += list(range(first, first + text.n_recurrent_layers)) * (text.n_recurrent_loops - 1)
    # In other models, some layers read a picture, so their cache does not grow with the text.
    of_pictures = attribute(text, "cross_attention_layers") or ()
    return [index for index in indices if index not in of_pictures]


def _heads(config, layer_type=None):
    """Return (number of key-value heads, size of each key, size of each value); an unknown number is None.

    layer_type : the layer's type, because in some models the layers with a sliding window have a different
        number or size of heads
    """
    hidden, heads = first_number(config, *HIDDEN_SIZE), first_number(config, *HEADS)
    sizes, shared = ("head_dim", "d_kv", "dim_head", "kv_channels"), SHARED_HEADS
    if layer_type and "sliding" in layer_type:
        sizes, shared = ("swa_head_dim", *sizes), ("swa_num_key_value_heads", *shared)
    size = first_number(config, *sizes) or (hidden // heads if hidden and heads else None)
    value = first_number(config, "v_head_dim") or size
    if _is_latent(config):
        size = sum(first_number(config, f"qk_{part}_head_dim") or 0 for part in ("nope", "rope")) or size
    if attribute(config, "multi_query") and not attribute(config, "new_decoder_architecture"):
        return 1, size, value
    return first_number(config, *shared) or heads, size, value


def _cache_of_layer(config, layer_type, index):
    """Return what a layer caches, as a list of `Cached`.

    The list is empty if the layer has no attention or only linear attention, or if its sizes are unknown.

    layer_type : such as "sliding_attention", or None if the config names no types
    """
    if layer_type is not None and ("linear" in layer_type or not re.search("attention|hybrid", layer_type)):
        return []
    heads, size, value = _heads(config, layer_type)
    window = _window(config, layer_type)
    # Some layers choose which tokens to read. For this choice they also cache a short key of each token.
    indexer = first_number(config, "index_head_dim", "indexer_head_dim") or 0
    rates = attribute(config, "compress_rates")
    # In DeepSeek-V4 one list serves as both key and value, and each group of older tokens shares one list.
    if isinstance(rates, dict):
        lists, every = [Cached(heads * size, window)], rates.get(layer_type)
        if every:
            lists.append(Cached(heads * size + (indexer if "sparse" in layer_type else 0), None, every))
        return lists
    if _is_latent(config):
        numbers = first_number(config, "kv_lora_rank") + (first_number(config, "qk_rope_head_dim") or 0)
    elif size and heads:
        numbers = heads * (size + value)
    else:
        return []
    lists = [Cached(numbers, window)]
    roles = attribute(config, "indexer_types")
    shares_indexer = isinstance(roles, list) and roles[index] == "shared"
    has_indexer = layer_type and ("indexed" in layer_type or first_number(config, "indexer_head_dim"))
    if has_indexer and not shares_indexer:
        lists.append(Cached(indexer))
    return lists


def _window(config, layer_type):
    """Return how many tokens a layer keeps in its cache, or None if it keeps all."""
    if layer_type is None:
        has_window = attribute(config, "use_sliding_window") is not False
    else:
        has_window = re.search("sliding|chunked|compressed", layer_type)
    return first_number(config, "sliding_window", "attention_chunk_size") if has_window else None


def _projected(model):
    """Return {layer index: how many numbers a token's keys and values have}, from the layers' matrices."""
    widths = {}
    for path, module in model.named_modules():
        found = re.fullmatch(r"(?!.*(encoder|vision|audio|cross)).*layers\.(\d+)\.\w+\.[kv]_proj", path)
        if found and hasattr(module, "out_features"):
            widths.setdefault(int(found[2]), []).append(module.out_features)
    return {index: sum(sizes) for index, sizes in widths.items() if len(sizes) == 2}


# Facts that are measured in the cache of transformers


def measure(builder, config, lists, layers):
    """Return how many bytes transformers caches per token in 16-bit numbers; None if that can't be measured.

    The model runs on the meta device, with three tokens and with two. The difference between the two caches
    is what one token adds.

    builder : function from a config to its model on the meta device
    config : the config object of the model
    lists : tuple of `Cached`, as `by_design` returns it
    layers : the model's number of layers
    """
    if not lists:
        return 0
    if any(cached.every > 1 for cached in lists):
        return None  # how much one more token adds depends on the number of tokens before
    with quiet():
        try:
            if len(set(lists)) == 1 and len(lists) == layers and (short := _two_layers(config)):
                growth = _growth(builder, short)
                if growth % 2 == 0:
                    return growth * layers
            return 2 * _growth(builder, config)
        except Exception:  # the model needs other inputs, or it reads values, which meta tensors lack
            return None


def _two_layers(config):
    """Return a copy of a model's config in which the number of layers is two.

    Return None if a setting shows that the model's layers can differ from each other.
    """
    values = config.to_dict()
    if any(
        value and _says_that_layers_differ(name) for name, value in values.items() if name != "model_type"
    ):
        return None
    config = copy.deepcopy(config)
    for name in ("num_hidden_layers", "encoder_layers", "decoder_layers", "num_decoder_layers"):
        if hasattr(config, name):
            setattr(config, name, 2)
    return config


def _growth(builder, config):
    """Return how many more numbers the library caches for three tokens than for two."""
    import torch

    # Use bfloat16, because transformers multiplies the matrices of all experts with one operation of torch,
    # which supports no other data type on the meta device.
    model = builder(config).to(torch.bfloat16).eval()
    # Other implementations of attention than "eager" read the mask's values, and meta tensors have no values.
    model.set_attn_implementation("eager")
    counts = []
    for tokens in (2, 3):
        with torch.device("meta"), torch.no_grad():
            output = model(**_inputs(model, config, tokens), use_cache=True)
        # transformers 5.24 renamed the output that contains the cache.
        counts.append(_numbers_inside(output.get("cache", output.get("past_key_values")), set()))
    return counts[1] - counts[0]


def _inputs(model, config, tokens):
    """Return the arguments with which a model reads `tokens` tokens, on the meta device."""
    import torch

    ids = torch.zeros((1, tokens), dtype=torch.long, device="meta")
    if not getattr(model.config, "is_encoder_decoder", False):
        return {"input_ids": ids}
    if model.main_input_name == "input_features":
        frames = (1, config.num_mel_bins, 2 * config.max_source_positions)
        sound = torch.zeros(frames, dtype=torch.bfloat16, device="meta")
        return {"input_features": sound, "decoder_input_ids": ids}
    read = torch.zeros((1, 2), dtype=torch.long, device="meta")
    return {"input_ids": read, "decoder_input_ids": ids}


def _numbers_inside(value, seen):
    """Count the numbers in all float tensors in an object, its lists and its dicts. Each tensor counts once.

    seen : set of the ids of the objects that were already counted; this call adds to the set
    """
    import torch

    if value is None or id(value) in seen or isinstance(value, str | int | float | type):
        return 0
    seen.add(id(value))
    if torch.is_tensor(value):
        return value.numel() if value.is_floating_point() else 0
    if isinstance(value, dict):
        inside = value.values()
    elif isinstance(value, list | tuple):
        inside = value
    else:
        inside = getattr(value, "__dict__", {}).values()
    return sum(_numbers_inside(one, seen) for one in inside)
