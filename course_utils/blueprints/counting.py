"""Counts the parameters of a model by part, and the bytes of its published weights."""

import math
import re
from typing import NamedTuple

from course_utils.blueprints.config import CHOSEN_EXPERTS, EXPERTS, first_number, matching, text_config

PARTS = (
    "embedding",
    "attention",
    "feed-forward",
    "experts",
    "router",
    "convolutions",
    "recurrence",
    "conditioning",
    "norms",
    "other",
)
BITS = {"float32": 32, "bfloat16": 16, "int8": 8, "int4": 4}
# Patterns that assign a tensor to a part by the segments of its name: model.layers.0.self_attn.q_proj.weight
# belongs to "attention" because of q_proj. The innermost segment is tried first, against each row from top
# to bottom. A * stands for any text.
_PART_OF_SEGMENT = [
    (matching(names), part)
    for part, names in (
        # for example time_embedding, adaln_single
        ("conditioning", "time_emb* time_text* time_proj* add_embedding adaln* *modulation*"),
        # for example mamba, linear_attn
        ("recurrence", "mamba ssm linear_attn time_mixing rg_lru"),
        # for example self_attn, q_proj, to_out
        (
            "attention",
            "*attn* *attention* [qkvo]_proj qkv_proj out_proj query_key_value to_[qkv] to_out",
        ),
        # for example mlp, gate_proj, dense_h_to_4h
        (
            "feed-forward",
            """mlp ffn ffns ffn_output ff ff_context feedforward feed_forward proj_mlp fc[12] dense_h_to_4h
            dense_4h_to_h densereludense intermediate gate_proj up_proj down_proj gate_up_proj shared_mlp""",
        ),
        # for example embed_tokens, wte, lm_head
        ("embedding", "*embed* wte wpe lm_head shared"),
        # for example norm1.linear: this linear layer inside a norm computes a scale from the time step
        ("conditioning", "norm*"),
    )
]
# Classes that replace attention and keep a state of fixed size, such as MambaMixer. `_part` must look at the
# class, because the matrices in these classes have the same names as the matrices of attention.
_is_recurrent = matching(
    """*MambaMixer *Mamba2Mixer FalconH1Mixer *GatedDeltaNet *DeltaAttention *LightningAttention
    Rwkv*Attention xLSTMLayer *RecurrentBlock"""
)
_is_short_convolution = matching("*ShortConv *ShortConvolution")
# {model_type: how many experts are chosen for a token}. The configs of these models lack this number.
_CHOSEN_BY_CODE = {"switch_transformers": 1, "nllb-moe": 2}


class _Tensor(NamedTuple):
    """A parameter tensor of a model, such as the `weight` of model.layers.0.mlp.up_proj.

    path : the name of the module that has the tensor, such as model.layers.0.mlp.up_proj
    name : the tensor's name in its module, such as weight
    module : the module
    classes : the class names of the modules around the module, and last the module's own class name
    numbers : the torch tensor
    """

    path: str
    name: str
    module: object
    classes: list
    numbers: object


def _tensors(model):
    """Yield each parameter tensor of a model once, even if two layers share it."""
    modules = dict(model.named_modules())
    for full_name, numbers in model.named_parameters():
        path, _, name = full_name.rpartition(".")
        segments = path.split(".")
        outer = [modules[".".join(segments[: depth + 1])] for depth in range(len(segments))]
        yield _Tensor(path, name, outer[-1], [type(module).__name__ for module in outer], numbers)


def count(model, config):
    """Return (parameters by part, active parameters, active parameters without the input table).

    Active parameters are those that one token uses. The input table turns tokens into lists of numbers. The
    last two values are None if the config does not say how many experts are chosen.
    """
    text = text_config(config)
    experts = first_number(text, *EXPERTS) or 0
    chosen = first_number(text, *CHOSEN_EXPERTS) or _CHOSEN_BY_CODE.get(getattr(config, "model_type", None))
    idle_experts = first_number(text, "zero_expert_num") or 0
    output = _output_layer(model)
    parts, unused = dict.fromkeys(PARTS, 0), 0
    for tensor in _tensors(model):
        number = tensor.numbers.numel()
        part = _part(tensor, experts, output)
        if part == "experts" and _is_routed_expert(tensor, experts):
            # Leave out the rows that the tensor has for experts that do nothing (`idle_experts`).
            if idle_experts and len(tensor.numbers) == experts + idle_experts:
                number = number * experts // len(tensor.numbers)
            unused += number - number * chosen // experts if chosen and experts else math.nan
        parts[part] += number
    total = sum(parts.values())
    parts = {part: number for part, number in parts.items() if number}
    if math.isnan(unused):
        return parts, None, None
    return parts, total - unused, total - unused - _input_table(model, output)


def _output_layer(model):
    return getattr(model, "get_output_embeddings", lambda: None)()


def _input_table(model, output):
    """Count the parameters of the input table (see `count`).

    Returns 0 if the model has no input table, or if the output layer is the same table.
    """
    try:
        table = model.get_input_embeddings().weight
    except (AttributeError, NotImplementedError):
        return 0
    return 0 if getattr(output, "weight", None) is table else table.numel()


def _part(tensor, experts, output):
    """Return the member of PARTS that a tensor belongs to. The first rule that applies decides."""
    innermost = tensor.classes[-1].lower()
    is_norm = "norm" in innermost and "embedding" not in innermost  # such as LlamaRMSNorm
    if any(map(_is_recurrent, tensor.classes)):
        return "norms" if is_norm else "recurrence"
    if _is_routed_expert(tensor, experts):
        return "experts"
    if tensor.module is output:
        return "embedding"
    if is_norm:
        return "norms"
    if any(map(_is_short_convolution, tensor.classes)):
        return "convolutions"
    segments = tensor.path.lower().split(".")
    return _part_of_mixture(tensor, segments, experts) or _part_by_name(tensor, segments)


def _is_routed_expert(tensor, experts):
    """Return whether a tensor belongs to one routed expert, or stacks the tensors of all routed experts."""
    segments = tensor.path.split(".")
    if any("shared" in segment or segment == "router" for segment in segments):
        return False
    if segments[-1] == "experts" and tensor.numbers.dim() == 1:  # all experts share this bias
        return False
    is_stack = experts > 1 and tensor.numbers.dim() == 3 and len(tensor.numbers) == experts
    return "experts" in segments or is_stack


def _part_of_mixture(tensor, segments, experts):
    """Return "router" for a router's tensor, "experts" for a shared expert's tensor, and otherwise None."""
    if any("shared_expert" in segment for segment in segments):
        return "router" if segments[-1].endswith("gate") else "experts"
    if any("router" in segment for segment in segments) or tensor.name == "e_score_correction_bias":
        return "router"
    is_gate = segments[-1] in ("gate", "wg", "classifier")
    return "router" if experts > 1 and is_gate and len(tensor.numbers) == experts else None


def _part_by_name(tensor, segments):
    """Return the member of PARTS that the names of a tensor, of its modules and of its class suggest."""
    for segment in reversed([*segments, tensor.name]):
        for names_it, part in _PART_OF_SEGMENT:
            if names_it(segment):
                return part
    innermost = tensor.classes[-1]
    # GPT-2's Conv1D is a linear layer.
    if ("Conv" in innermost and innermost != "Conv1D") or "conv" in segments:
        return "convolutions"
    if innermost == "Embedding":
        return "embedding"
    if "layer" in segments and "output" in segments:  # this is BERT's second feed-forward matrix
        return "feed-forward"
    return "other"


# Formats of published weights


def published_format(model, config, settings):
    """Return the name of the published weights' format, and how many bytes the weights have in this format.

    The format is read from the quantization_config. Returns ("", None) if the config names no format, and
    (name, None) if the course does not know the size of a weight in the format.
    """
    settings = settings or getattr(text_config(config), "quantization_config", None)
    if not isinstance(settings, dict) or not isinstance(settings.get("quant_method"), str):
        return "", None
    name, bits = _name_and_bits(settings)
    if bits is None:
        return name, None
    experts = first_number(text_config(config), *EXPERTS) or 0
    # The modules that match these patterns keep their weights at 16 bits.
    kept = settings.get("modules_to_not_convert") or settings.get("ignore") or []
    output, total = _output_layer(model), 0
    for tensor in _tensors(model):
        packed = _is_routed_expert(tensor, experts) and "bias" not in tensor.name
        if name != "mxfp4":  # mxfp4 packs experts only
            is_matrix = tensor.classes[-1] in ("Linear", "Conv1D") and tensor.numbers.dim() == 2
            packed = packed or is_matrix
        if tensor.module is output or any(_fits(pattern, tensor.path) for pattern in kept):
            packed = False
        total += tensor.numbers.numel() * (bits if packed else 16)
    return name, math.ceil(total / 8)


def _name_and_bits(settings):
    """Return the name of a format, and how many bits it uses per weight, including the scales.

    The number of bits is None if the course does not know it.
    """
    method, bits, group = (settings.get(name) for name in ("quant_method", "bits", "group_size"))
    if method == "mxfp4":
        return "mxfp4", 4 + 8 / 32  # 32 weights share a scale of 8 bits
    if method == "fp8":
        block = settings.get("weight_block_size")
        return "fp8", 8 + 32 / math.prod(block) if block else 8
    if method in ("gptq", "awq") and bits and group and group > 0:
        return f"{method}, {bits} bits", bits + (16 + bits) / group  # each group has a scale and a zero point
    if method == "bitsandbytes" and settings.get("load_in_4bit"):
        return "4 bits, bitsandbytes", 4 + 32 / 64
    if method == "bitsandbytes" and settings.get("load_in_8bit"):
        return "8 bits, bitsandbytes", 8
    groups = list((settings.get("config_groups") or {}).values())
    weights = groups[0].get("weights") if method == "compressed-tensors" and len(groups) == 1 else None
    if weights and weights.get("num_bits"):
        bits, group = weights["num_bits"], weights.get("group_size") or 0
        dtype = f"{'fp' if weights.get('type') == 'float' else 'int'}{bits}"
        return (f"{dtype} in groups", bits + 16 / group) if group > 0 else (f"{dtype} by row", bits)
    return method, None


def _fits(pattern, path):
    """Return whether a module's path contains the pattern.

    If the pattern begins with "re:", the rest is a regular expression that the path's beginning must match.
    """
    return re.match(pattern[3:], path) is not None if pattern.startswith("re:") else pattern in path
