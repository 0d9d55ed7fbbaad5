"""Returns the attention of SmolLM2 as lists of numbers, so that lesson 03 needs no torch code."""

import functools
import math

from course_utils.loading import load
from course_utils.opened.stoppable import Stoppable
from course_utils.views.picture import array


@functools.cache
def opened():
    """Return the model and its tokenizer, loaded once."""
    return load("llama", size="small")


@functools.cache
def _stoppable():
    return Stoppable(*opened())


def split(text) -> list[str]:
    """Return the tokens of a text."""
    return _stoppable().split(text)


def next_words(text):
    """Return the four likeliest next tokens, and their probabilities: two lists."""
    _, tokenizer = opened()
    probabilities, numbers = _stoppable().scores(text).float().softmax(-1).topk(4)
    return [tokenizer.decode([number]) for number in numbers.tolist()], probabilities.tolist()


def weights(text):
    """Return all attention weights as an array (layers, heads, tokens, tokens)."""
    import torch

    model, tokenizer = opened()
    inputs = tokenizer(text, return_tensors="pt").to(model.device)
    with torch.no_grad():
        return array(torch.cat(model(**inputs, output_attentions=True).attentions))


def attention_maps(text):
    """Return the tokens, and maps[layer][head][row]: the weights of token `row` for the tokens up to it."""
    maps = [
        [[row[: position + 1] for position, row in enumerate(head)] for head in layer]
        for layer in weights(text).tolist()
    ]
    return split(text), maps


def average_shares(text) -> list[float]:
    """Return the attention of the last token to each token, in percent: the average over all heads."""
    return (100 * weights(text)[:, :, -1].mean((0, 1))).round(1).tolist()


def probability_of(word, text, layer=None, head=None) -> float:
    """Return the probability of `word` after `text`, in percent. If a head is given, it is switched off."""
    llama = _stoppable()
    scores = llama.scores(text, off=None if layer is None else (layer, head))
    return round(100 * llama.chance(scores, word), 1)


def probability_if_blind(word, text, looking, at) -> float:
    """Return the probability of `word` after `text`, in percent, if some tokens can't attend to some others.

    looking : list of int, positions of the tokens whose attention is masked, in all layers and heads.
    at : list of int, positions that these tokens can't attend to. For each token in `looking`, at least one
        position must be left to attend to.
    """
    import torch

    model, tokenizer = opened()
    inputs = tokenizer(text, return_tensors="pt").to(model.device)
    count = inputs["input_ids"].shape[1]
    hidden = torch.full((count, count), -torch.inf, dtype=model.dtype, device=model.device).triu(1)
    for position in looking:
        hidden[position, at] = -torch.inf
    with torch.no_grad():
        scores = model(inputs["input_ids"], attention_mask=hidden[None, None], logits_to_keep=1).logits[0, 0]
    return round(100 * _stoppable().chance(scores, word), 1)


def which(needed) -> str:
    """Return in words which of two parts are needed.

    needed : dict from the name of each part to bool.

    Returns "both", "neither", or "only " and a name.
    """
    names = [name for name in needed if needed[name]]
    if len(names) == 1:
        return f"only {names[0]}"
    return "both" if names else "neither"


def real_lists(text, layer):
    """Return the queries, keys and values of one layer's heads, the angles of their dials, and the mixtures.

    Queries, keys, values and mixtures are nested lists [head][position] of 64 numbers. A mixture is the sum
    of the values, weighted by a head's attention; it is read from the model's own run. A dial, in lesson 03,
    is a pair of numbers in a query or key, which the rotary position embedding turns. Each of the 32 dials
    has its own angle from one position to the next, in degrees.
    """
    import torch

    model, tokenizer = opened()
    module, found, hooks = model.model.layers[layer].self_attn, {}, []

    def keep(name):
        return lambda module, inputs, output: found.update({name: output})

    try:
        for name in ("q_proj", "k_proj", "v_proj"):
            hooks.append(getattr(module, name).register_forward_hook(keep(name)))
        hooks.append(
            module.o_proj.register_forward_pre_hook(lambda module, inputs: found.update(mixed=inputs[0]))
        )
        with torch.no_grad():
            model(**tokenizer(text, return_tensors="pt").to(model.device))
    finally:
        for hook in hooks:
            hook.remove()
    size, heads = model.config.head_dim, model.config.num_attention_heads

    def by_head(numbers):
        parts = numbers[0].float().unflatten(-1, (-1, size)).transpose(0, 1)  # (heads, tokens, 64)

        # Each list of keys or values is shared by three heads, so it is copied for each of them.
        return parts.repeat_interleave(heads // len(parts), dim=0).tolist()

    degrees = [math.degrees(speed) for speed in model.model.rotary_emb.inv_freq.tolist()]
    queries, keys, values = (by_head(found[name]) for name in ("q_proj", "k_proj", "v_proj"))
    return queries, keys, values, degrees, by_head(found["mixed"])
