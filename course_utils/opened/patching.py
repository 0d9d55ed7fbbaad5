"""Patching: how a model's answer changes if one token's numbers come from another prompt, for lesson 04."""

import math

from course_utils.errors import CourseError
from course_utils.units import counted
from course_utils.views.picture import array, number, signed
from course_utils.views.text import visible
from course_utils.widgets.explorer import given
from course_utils.widgets.live_view import LiveView

MOST_TOKENS = 8  # the most tokens in a prompt


def patch_everywhere(model, source, target):
    """Compute all patches of one prompt into another, for each layer and each token, in a single run.

    A patch replaces a token's hidden state after one layer by the hidden state at the same position of the
    other prompt. Up to that layer the patched run equals the unpatched run. The tokens before the patched
    token never change, because no token attends to later tokens. So all patched runs fit in one long
    sequence. After each layer, a block is appended for each token of the target, from the first token that
    differs. The block holds this token, with the hidden state of the source, and copies of the target's later
    tokens. A mask lets a block attend only to itself and to the target's tokens before the patched one. The
    logits equal those of a separate run for each patch, with a forward hook on the layer.

    model : a LlamaForCausalLM of transformers.
    source, target : (tokens,) tensors, the token ids of two different prompts of the same length.

    Returns the logits after the target's last token for each patch: (layers, tokens, vocabulary).

    Raises CourseError if the prompts have different numbers of tokens or are the same.
    """
    import torch

    if source.shape != target.shape or torch.equal(source, target):
        raise CourseError(
            "A patch needs two different prompts of the same number of tokens: change one word."
        )
    decoder, tokens, layers = model.model, len(target), len(model.model.layers)
    # Before the first difference both prompts have the same hidden states, so a patch there changes nothing.
    first = int((source != target).nonzero()[0])
    # The sequence consists of the target, the rest of the source, and all copies. `starts` lists the position
    # in the prompt at which each of these parts begins.
    starts = [0, first, *layers * [*range(first, tokens)]]
    lengths = torch.tensor([tokens - start for start in starts])
    position = torch.cat([torch.arange(start, tokens) for start in starts])
    stretch = torch.arange(len(starts)).repeat_interleave(lengths)
    in_target = stretch == 0
    before_start = position < torch.tensor(starts)[stretch][:, None]
    sees = (stretch[:, None] == stretch) | (in_target & before_start)
    sees &= position <= position[:, None]
    # The sequence begins with the target and the rest of the source. After each layer, hidden states are
    # copied from there to the sequence's end. Each list here has the indices that are copied for one patch:
    # the index of the patched token in the source, and those of the later tokens in the target.
    copied = [[tokens + start - first, *range(start + 1, tokens)] for start in range(first, tokens)]
    copied = torch.tensor(sum(copied, []), device=target.device)
    with torch.no_grad():
        hidden = decoder.embed_tokens(torch.cat([target, source[first:]])[None])  # (1, sequence, hidden size)
        mask = torch.zeros(sees.shape).masked_fill(~sees, -torch.inf).to(hidden)[None, None]
        cos, sin = decoder.rotary_emb(hidden, position[None].to(target.device))
        for layer in decoder.layers:
            now = hidden.shape[1]
            rotation = cos[:, :now], sin[:, :now]
            hidden = layer(hidden, attention_mask=mask[..., :now, :now], position_embeddings=rotation)
            hidden = torch.cat([hidden, hidden[:, copied]], dim=1)
        last = lengths.cumsum(0)[2:] - 1
        logits = model.lm_head(decoder.norm(hidden[0, last])).unflatten(0, (layers, tokens - first))
        unpatched = model.lm_head(decoder.norm(hidden[:1, tokens - 1])).expand(layers, first, -1)
    return torch.cat([unpatched, logits], dim=1)


def effects(values, pieces, answers=(" Rome", " Paris")):
    """Return in words the effect of each patch, which takes one token's numbers from another prompt.

    values : array (layers, tokens), the logit of the first answer minus that of the second after each patch.
        The tokens before the first difference of the prompts are left out, as a patch changes nothing there.
    pieces : list of str, the tokens of the patched prompt for which `values` has a column.
    answers : two str, the tokens that are compared.
    """
    layers, tokens = values.shape
    first, second = map(visible, answers)
    where = "; ".join(
        f"at {visible(piece)} {_ranges(column)}"
        for piece, column in zip(pieces, (values > 0).T, strict=True)
        if column.any()
    )
    return (
        f"{layers} layers by {counted(tokens, 'token')}, from {signed(values.min(), 1)} to "
        f"{signed(values.max(), 1)} logits. {first} ahead of {second} in {(values > 0).sum()} of "
        f"{values.size} patches{f': {where}' if where else ''}"
    )


def _ranges(flags):
    """Return in words the layers whose flag is true, such as "in layers 0 to 22 and 25"."""
    runs = []
    for layer, flag in enumerate(flags):
        if flag and runs and runs[-1][1] == layer - 1:
            runs[-1][1] = layer
        elif flag:
            runs.append([layer, layer])
    words = [f"{start}" if start == end else f"{start} to {end}" for start, end in runs]
    return f"in layer{'' if words[0].isdecimal() and len(words) == 1 else 's'} {' and '.join(words)}"


class Patching(LiveView):
    """Shows two runs of a model. The learner copies a token's hidden state from one run to the other.

    The learner can type both prompts. For each new pair, `patch` runs once.

    patch : function (source, target) -> (answers, values). `answers`: two str, the most likely next token of
        each prompt. `values`: (layers, tokens), the logit of the first answer minus that of the second,
        after one token of `target` gets its hidden state after one layer from `source`. If `patch` raises an
        error, the view shows a message.
    split : function text (str) -> list of str, the tokens of the text.
    source, target : str, the prompts at the start; both have the same number of tokens, from 2 to 8.

    Raises CourseError if one prompt can't be patched into the other, or if `values` has another shape.
    """

    view = "patching"

    def __init__(self, patch, split, source, target):
        self.patch, self.split = patch, split
        want = {"source": source, "target": target}
        known = self.answer(want)
        values, answers, (theirs, pieces) = array(known["values"]), known["answers"], known["pieces"]
        layer, token = divmod(int(values.argmax()), values.shape[1])  # the patch with the highest value
        first = next(i for i, piece in enumerate(pieces) if piece != theirs[i])
        alt = (
            f"After layer {layer}, {visible(pieces[token])} gets its numbers from the other prompt: "
            f"{_ahead(values[layer, token], answers)}. "
            # After the last layer, a patch of the first token has no effect: only the last token is read.
            f"Without a patch: {_ahead(values[-1, 0], answers)}. "
            f"{effects(values[:, first:], pieces[first:], answers)}"
        )
        super().__init__(data={"known": {"want": want, **known}}, alt=alt, **want, layer=layer, token=token)

    def answer(self, want):
        """Return the tokens of both prompts, the answers and the values."""
        source, target = want["source"], want["target"]
        pieces, replaced = given(self.split, target), given(self.split, source)
        if len(pieces) != len(replaced):
            raise CourseError(
                f"“{source}” is {counted(len(replaced), 'token')} and “{target}” "
                f"{counted(len(pieces), 'token')}: a patch needs the same number in both, so choose words of "
                "as many tokens."
            )
        if source == target:
            raise CourseError("Both prompts are the same, so a patch changes nothing: change a word of one.")
        if not 2 <= len(pieces) <= MOST_TOKENS:
            raise CourseError(
                f"The prompts have {counted(len(pieces), 'token')}: write two of 2 to {MOST_TOKENS} tokens."
            )
        answers, values = given(self.patch, source, target)
        values = array(values)
        if values.ndim != 2 or values.shape[1] != len(pieces):
            raise CourseError(
                f"`patch` gave values of shape {values.shape}, and {len(pieces)} tokens need (layers, "
                f"{len(pieces)})."
            )
        if answers[0] == answers[1]:
            raise CourseError(
                f"Both prompts are continued with {visible(answers[0])}, so a patch has nothing to change: "
                "write two with different answers."
            )
        rounded = [[round(value, 3) for value in row] for row in values.tolist()]
        return {"pieces": [replaced, pieces], "answers": list(answers), "values": rounded}


def _ahead(logits, answers):
    first, second = answers if logits > 0 else reversed(answers)
    times = number(float(f"{math.exp(abs(logits)):.2g}"))
    lead = f"{visible(first)} is ahead of {visible(second)} by {abs(logits):.1f} logits"
    return f"{lead}, {times} times as probable"
