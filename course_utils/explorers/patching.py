"""One token's numbers after one layer, taken from another prompt: where that changes the answer."""

import math
from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.attention import patch_html, patch_note, patch_words
from course_utils.views.picture import Picture, array, card, number
from course_utils.views.text import visible

from .base import Explorer, given, sentence, token_choices

MOST_TOKENS = 8


def patch_everywhere(model, source, target):
    """Every patch of one prompt into another in one run: each layer, each token.

    A patch replaces one token's hidden state after one layer by that of the other prompt. Up to that layer
    its run equals the unpatched one, and the tokens before it never change, as they look only back. So one
    long sequence runs and grows: after each layer it gets, for each token, a copy of the target from that
    token on, whose first token is the source's. A mask lets a copy look at itself and at the tokens before
    it. The logits are those of one patch at a time, with a forward hook on the layer.

    Parameters
    ----------
    model: a LlamaForCausalLM of transformers.
    source, target: (tokens,) tensors, the token ids of the prompts; as many in both, not all the same.

    Returns
    -------
    (layers, tokens, vocabulary) tensor, the logits after the target's last token for each patch.

    Raises
    ------
    CourseError: if the prompts have different numbers of tokens or are the same.
    """
    import torch

    if source.shape != target.shape or torch.equal(source, target):
        raise CourseError(
            "A patch needs two different prompts of the same number of tokens: change one word."
        )
    decoder, tokens, layers = model.model, len(target), len(model.model.layers)
    # Before the first difference both prompts have the same hidden states: a patch there changes nothing.
    first = int((source != target).nonzero()[0])
    # The sequence in stretches, each by the position where it starts: target, source, then all copies.
    starts = [0, first, *layers * [*range(first, tokens)]]
    lengths = torch.tensor([tokens - start for start in starts])
    position = torch.cat([torch.arange(start, tokens) for start in starts])
    stretch = torch.arange(len(starts)).repeat_interleave(lengths)
    in_target = stretch == 0
    before_start = position < torch.tensor(starts)[stretch][:, None]
    sees = (stretch[:, None] == stretch) | (in_target & before_start)
    sees &= position <= position[:, None]
    # What the copies are made of: for each, one token of the source, which follows the target, and the rest.
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


class Patching(Explorer):
    """Two prompts to type, and the grid of all patches from one into the other, with one of them in words.

    Moving a slider runs no model; a new prompt runs `patch` once.

    Parameters
    ----------
    patch: function (source, target) -> (answers, values). `answers`: the likeliest next token of each prompt,
        two strings. `values`: (layers, tokens), by how many logits the first of them is ahead of the second
        when one token of `target` gets its numbers after one layer from `source`. What it raises is shown as
        one sentence.
    split: function text (str) -> list of str, the text's tokens.
    source, target: str, the prompts shown first: the same number of tokens, from 2 to 8.
    baked: what patch(source, target) returned earlier; by default it is called.

    Raises
    ------
    CourseError: if the prompts cannot be patched into one another, or `values` have another shape.
    """

    def __init__(self, patch, split, source, target, baked=None):
        self.patch, self.split = patch, split
        self._known, self._sliders_for = {}, (source, target)
        if baked is not None:
            self._known[source, target] = baked
        pieces, _, _, values = self._patched(source, target)
        self.source = ipywidgets.Text(value=source, description="numbers from", continuous_update=False)
        self.target = ipywidgets.Text(value=target, description="into", continuous_update=False)
        layer, token = _strongest(values)
        self.layer = ipywidgets.IntSlider(value=layer, max=len(values) - 1, description="after layer")
        self.token = ipywidgets.SelectionSlider(
            options=token_choices(pieces), index=token, description="token"
        )
        super().__init__([self.source, self.target, self.layer, self.token])
        for control in self.controls:
            control.observe(self.update, "value")

    def update(self, change=None):
        prompts = self.source.value, self.target.value
        if prompts not in self._known:
            self.show(sentence("computing…"))
        with self.errors_shown():
            pieces, _, _, values = self._patched(*prompts)
            if prompts != self._sliders_for:
                layer, token = _strongest(values)
                with self.quietly(self.layer, self.token):
                    self.layer.value = layer
                    self.token.options = token_choices(pieces)
                    self.token.index = token
                self._sliders_for = prompts
            self.show(self.render())

    def _patched(self, source, target):
        """Both prompts' tokens, the two answers and the grid, computed once for each pair of prompts."""
        pieces, replaced = given(self.split, target), given(self.split, source)
        if len(pieces) != len(replaced):
            raise CourseError(
                f"“{source}” is {_tokens(len(replaced))} and “{target}” {_tokens(len(pieces))}: a patch "
                "needs the same number in both, so choose words of as many tokens."
            )
        if source == target:
            raise CourseError("Both prompts are the same, so a patch changes nothing: change a word of one.")
        if not 2 <= len(pieces) <= MOST_TOKENS:
            raise CourseError(
                f"The prompts have {_tokens(len(pieces))}: write two of 2 to {MOST_TOKENS} tokens."
            )
        if (source, target) not in self._known:
            self._known[source, target] = given(self.patch, source, target)
        answers, values = self._known[source, target]
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
        return pieces, replaced, answers, values

    def render(self):
        pieces, replaced, answers, values = self._patched(self.source.value, self.target.value)
        layer, token = self.layer.value, self.token.value
        same = replaced[token] == pieces[token]
        numbers = "its numbers" if same else f"the numbers of {visible(replaced[token])}"
        told = (
            f"After layer {layer}, {visible(pieces[token])} got {numbers} from the other prompt: "
            f"{_ahead(values[layer, token], answers)}. "
            # After the last layer nothing reads any token but the last: a patch of the first changes nothing.
            f"Without a patch: {_ahead(values[-1, 0], answers)}."
        )
        html = f'<div style="margin-bottom:10px">{escape(told)}</div>'
        html += patch_html(values, pieces, replaced, chosen=(layer, token))
        caption = f"“{self.target.value}”, patched from “{self.source.value}”"
        return Picture(
            card(html, caption, patch_note(answers)), f"{told} {patch_words(values, pieces, answers)}"
        )


def _strongest(values):
    """Where a patch does most for the source's answer: (layer, token)."""
    return divmod(int(values.argmax()), values.shape[1])


def _ahead(logits, answers):
    first, second = answers if logits > 0 else reversed(answers)
    times = number(float(f"{math.exp(abs(logits)):.2g}"))
    lead = f"{visible(first)} is ahead of {visible(second)} by {abs(logits):.1f} logits"
    return f"{lead}, {times} times as probable"


def _tokens(count):
    return f"{count} token{'' if count == 1 else 's'}"
