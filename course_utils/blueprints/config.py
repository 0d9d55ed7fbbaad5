"""Lists the names that configs use for sizes, and refuses configs with impossible values."""

import difflib
import fnmatch
import inspect
import re

from course_utils.errors import CourseError

# The names of each size in different families of models: Llama has num_hidden_layers, GPT-2 has n_layer.
LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
HIDDEN_SIZE = ("hidden_size", "d_model", "n_embd")
HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads")
SHARED_HEADS = ("num_key_value_heads", "num_kv_heads", "kv_n_heads")
EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts", "num_routed_experts")
CHOSEN_EXPERTS = (
    *("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k", "top_k_experts"),
    *("num_selected_experts", "moe_k"),
)
_SAME_SIZE = (
    LAYERS,
    HIDDEN_SIZE,
    HEADS,
    (*SHARED_HEADS, "n_kv_heads"),
    ("intermediate_size", "d_ff", "ffn_dim", "ffn_hidden_size", "n_inner"),
)
_MOST_LAYERS = 10_000


def matching(patterns):
    """Return a function that says whether a name matches one of the patterns. A * stands for any text.

    matching("*_layers depth")("num_layers") is True.
    """
    expression = re.compile("|".join(map(fnmatch.translate, patterns.split())))
    return lambda name: expression.match(name) is not None


# Names whose value must be a whole number or a list of them: hidden_size = 4096, block_out_channels = [320].
_is_size = matching(
    """hidden_size vocab_size intermediate_size ffn_hidden_size head_size embedding_size image_size patch_size
    d_model d_ff d_kv n_embd n_layer layers num_layers n_layers num_hidden_layers n_hidden_layers
    encoder_layers decoder_layers num_encoder_layers num_decoder_layers n_head heads num_heads n_heads
    num_attention_heads n_attention_heads encoder_attention_heads decoder_attention_heads
    num_key_value_heads num_kv_heads n_kv_heads encoder_ffn_dim decoder_ffn_dim head_dim attention_head_dim
    max_position_embeddings n_positions max_source_positions max_target_positions num_mel_bins in_channels
    out_channels latent_channels block_out_channels layers_per_block cross_attention_dim
    joint_attention_dim"""
)
# Names whose value must be at most 10,000, because no model has more layers, blocks or experts.
_is_count_of_layers = matching("n_layer layers *_layers blocks *_blocks depth *_depth experts *_experts")
# Names whose value may be zero, such as num_local_experts = 0 in a model without experts.
_may_be_zero = matching("*experts* *layers* *n_layer* intermediate_size ffn_hidden_size d_ff image_size")
# Names of switches that decide which tensors a model has, such as attention_bias = false.
_is_switch = matching("tie_* bias *_bias multi_query new_decoder_architecture")


def attribute(config, name):
    """Return an attribute of a config, or None if the config has no such attribute."""
    try:
        return getattr(config, name, None)
    except Exception:  # transformers raises an error if the value differs from layer to layer
        return None


def first_number(config, *names):
    """Return the value of the first of these attributes that is a positive whole number, or None.

    The attributes are looked up in the config, and in the inner configs that DBRX has.
    """
    for part in (config, attribute(config, "ffn_config"), attribute(config, "attn_config")):
        for name in names:
            value = attribute(part, name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


def text_config(config):
    """Return the config of the part of a model that writes text, which can be the config itself.

    Returns None for a picture model of diffusers, whose config is a dict.
    """
    if isinstance(config, dict):
        return None
    try:
        return config.get_text_config(decoder=True)
    except (ValueError, AttributeError):
        return config


def check_values(values, source):
    """Refuse impossible sizes before a library reads them, because the library might hang or accept them."""
    for name, value in _flattened(values):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if _is_size(name) and value is not None and not isinstance(value, dict):
            least = 0 if _may_be_zero(name) else 1
            if not is_number or value != value // 1 or value < least:
                raise CourseError(
                    f"{source} has {name} = {str(value)[:40]!r}, and a size is a whole number from {least}: "
                    "correct it."
                )
        if is_number and _is_count_of_layers(name) and value > _MOST_LAYERS:
            raise CourseError(
                f"{source} has {name} = {f'{value:,}'[:40]}, and no published model comes near "
                f"{_MOST_LAYERS:,}: correct it."
            )
    for group in (values, *values.values()):
        if isinstance(group, dict):
            _check_heads(group, source)


def _check_heads(values, source):
    """Refuse a hidden size that is not a multiple of the number of attention heads.

    Also refuse a number of attention heads that is not a multiple of the number of key-value heads.
    """
    hidden, heads, shared = (
        next((values[name] for name in names if isinstance(values.get(name), int)), None)
        for names in (HIDDEN_SIZE, HEADS, SHARED_HEADS)
    )
    has_own_size = any(
        values.get(name) for name in ("head_dim", "d_kv", "attention_head_dim", "qk_rope_head_dim")
    )
    if hidden and heads and not has_own_size and "model_type" in values and hidden % heads:
        raise CourseError(
            f"{source} has a hidden size of {hidden:,} and {heads} attention heads, and {hidden:,} can't be "
            f"divided by {heads}: correct one, or give head_dim."
        )
    if heads and shared and heads % shared:
        raise CourseError(
            f"{source} has {heads} attention heads and {shared} key-value heads, and {heads} can't be "
            f"divided by {shared}: correct one."
        )


def check_experts(config, source):
    """Refuse a config in which a token is sent to more experts than the model has."""
    text = text_config(config)
    experts, chosen = first_number(text, *EXPERTS), first_number(text, *CHOSEN_EXPERTS)
    if experts and chosen and chosen > experts:
        raise CourseError(
            f"{source} chooses {chosen:,} experts for each token and has {experts:,}: correct one of the two."
        )


def check_spelling(values, config, source):
    """Raise CourseError if a setting's name is misspelt, because transformers would use the default value.

    config : the config object that transformers made of the values
    """
    kind = type(config)
    inner = getattr(kind, "sub_configs", {})
    names = set(getattr(kind, "__dataclass_fields__", ())) or set(inspect.signature(kind.__init__).parameters)
    used = {name: attribute(config, name) for name in names}
    check_names(values, used, {*names, *getattr(kind, "attribute_map", ()), *inner}, source)
    for name in inner:
        part, built = values.get(name), attribute(config, name)
        if isinstance(part, dict) and hasattr(built, "to_dict"):
            check_spelling(part, built, f"{source}, {name},")


def check_names(values, used, known, source):
    """Raise CourseError for an unknown name that was probably meant as one of the library's names.

    Published configs have many names that the library does not know, such as settings of their makers' own
    code. Such a name is refused only in two cases:
    - Its value is a whole number, and the config lacks a size. The missing size has almost the same name, or
      has exactly this name in another family of models.
    - Its value is true or false, and the config lacks a switch (see `_is_switch`) with almost the same name.

    Even in these cases the name is accepted if the library uses its value, because the library understands
    some names that it does not list.

    used : dict from each name of the library to the value that the library uses
    known : the names to accept without a check
    """
    missing = [name for name in used if name not in values]
    sizes = [
        name for name in missing if _is_size(name) or _is_count_of_layers(name) or name in CHOSEN_EXPERTS
    ]
    switches = [name for name in missing if _is_switch(name) and isinstance(used[name], bool)]
    for name, value in values.items():
        if name in known:
            continue
        if isinstance(value, bool):
            number = value
            meant = difflib.get_close_matches(name, switches, n=1, cutoff=0.9)
        else:
            number = _whole_number(value)
            meant = difflib.get_close_matches(name, sizes, n=1, cutoff=0.85)
            meant = meant or _name_here(name, used, values)
        if meant and number is not None and used[meant[0]] != number:
            shown = f"{value:,}" if type(value) is int else repr(value)[:40]
            raise CourseError(
                f"{source} has {name} = {shown}, and this architecture knows no such name: is {meant[0]} "
                "meant?"
            )


def _name_here(name, used, values):
    """Return the library's names, in `used`, for the size that another family of models calls `name`.

    The list is empty if one of the library's names for this size is in `values`, because the config then
    states the size already. Names for which the library has no value are left out.
    """
    for same in _SAME_SIZE:
        if name in same and not any(other in values for other in same if other in used):
            return [other for other in same if used.get(other) is not None]
    return []


def _whole_number(value):
    """Return the whole number that a value such as 12, 12.0 or "12" stands for; None for other values."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value.strip()):
        return int(value)
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return value
    return None


def _flattened(values, name=""):
    """Yield each (name, value) of a config, including those of the objects and lists inside it."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _flattened(value, str(key))
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _flattened(value, name)
    else:
        yield name, values
