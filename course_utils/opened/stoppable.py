"""A Llama that can stop between two layers, and then continue with changed hidden states, for lesson 04."""

from course_utils.errors import CourseError
from course_utils.opened.changes import state
from course_utils.opened.patching import patch_everywhere


class Stoppable:
    """Runs a Llama layer by layer, so that its hidden states can be read and changed between layers.

    model : a LlamaForCausalLM of transformers.
    tokenizer : its tokenizer.

    The hidden states of a text are kept, so that its next run can start at a later layer. They are computed
    anew if `changes.state` finds that the model has changed, and at every run if changes can't be seen, for
    example because the model has hooks.
    """

    def __init__(self, model, tokenizer):
        self.model, self.tokenizer = model, tokenizer
        self._state = None  # the state of the model for which `_before` and `_without` are valid
        self._before = {}  # {text: {layer: the hidden states that this layer gets}}, computed when needed

        # The (text, layer) of the last call that switched off a single head, and the scores without each head
        # of this layer. The scores are None until there is a second such call for this text and layer.
        self._without = None, None
        self.layers = len(model.model.layers)
        self.heads = model.config.num_attention_heads  # number of heads in each layer

    def split(self, text):
        """Return the tokens of a text, as a list of str."""
        return self.tokenizer.batch_decode([[number] for number in self.tokenizer(text)["input_ids"]])

    def stop(self, text, after):
        """Return each token's hidden state after the layer `after`: a (tokens, hidden size) tensor.

        Raises CourseError if the model has no such layer.
        """
        self._check(after)
        return self._entering(text, after + 1)[0].clone()

    def go_on(self, lists, after):
        """Run the layers after the layer `after`, and return the scores of all next tokens: (vocabulary,).

        lists : tensor (tokens, hidden size) of the hidden states that these layers get; it stays unchanged.

        Raises CourseError if the model has no such layer.
        """
        import torch

        self._check(after)
        with torch.no_grad():
            hidden = self._through(lists[None], range(after + 1, self.layers))
            return self.model.lm_head(self.model.model.norm(hidden[:, -1]))[0]

    def scores(self, text, off=None):
        """Return the scores of all next tokens after a text: (vocabulary,). Heads can be switched off.

        off : (layer, head) or (layer, list of heads), the heads that are switched off: their outputs, before
            the layer's matrix `o_proj`, are set to zero. By default all heads are on.

        Raises CourseError if the model has no such layer or head.
        """
        import torch

        if off is None:
            with torch.no_grad():
                return self.model(self._numbers(text), logits_to_keep=1).logits[0, 0]
        layer, heads = off
        self._check(layer)
        for head in heads if isinstance(heads, list) else [heads]:
            if head not in range(self.heads):
                raise CourseError(f"There is no head {head}: choose one from 0 to {self.heads - 1}.")
        hidden = self._entering(text, layer)
        if isinstance(heads, list):
            return self._scores_without(hidden, layer, [heads])[0]
        asked, rows = self._without
        if asked != (text, layer):
            self._without = (text, layer), None
            return self._scores_without(hidden, layer, [heads])[0]
        if rows is None:
            # This is the second call for this text and layer. Compute the scores without each of the layer's
            # heads, because calls for the other heads may follow.
            rows = self._scores_without(hidden, layer, range(self.heads))
            self._without = asked, rows
        return rows[heads].clone()

    def chance(self, scores, token):
        """Return the probability of one token, a str such as " Paris", by the scores of all next tokens."""
        number = self.tokenizer(token, add_special_tokens=False)["input_ids"][0]
        return scores.float().softmax(-1)[number].item()

    def place(self, scores, token):
        """Return the rank of a token, a str such as " Paris", among all tokens by their scores.

        Rank 1 is the likeliest. Ranks are rounded to two digits, as a third may differ between computers.
        """
        number = self.tokenizer(token, add_special_tokens=False)["input_ids"][0]
        return int(float(f"{(scores >= scores[number]).sum().item():.2g}"))

    def products(self, text, layer):
        """Return the input of a layer's matrix `down_proj`: a (tokens, intermediate size) tensor."""
        import torch

        self._check(layer)
        kept, entering = [], self._entering(text, layer)

        def keep(module, inputs):
            kept.append(inputs[0][0])

        hooked = self.model.model.layers[layer].mlp.down_proj
        with torch.no_grad(), hooked.register_forward_pre_hook(keep):
            self._through(entering, [layer])
        return kept[0]

    def patch(self, source, target):
        """Return what `Patching` shows: the answers to two texts, and the effects of all patches.

        A patch copies the hidden state of one token after one layer from the run of `source` to the run of
        `target`. The result is ([answer to `source`, answer to `target`], tensor (layers, tokens)). The
        tensor has for each patch the score of the source's answer minus that of the target's answer.
        """
        places = (self._numbers(text)[0] for text in (source, target))
        logits = patch_everywhere(self.model, *places)  # (layers, tokens, vocabulary)

        # After the last layer, a patch of the last token gives the source's answer. A patch of the first
        # token has no effect there, so it gives the target's answer.
        new, old = logits[-1, -1].argmax(), logits[-1, 0].argmax()
        return self.tokenizer.batch_decode([[new], [old]]), logits[..., new] - logits[..., old]

    def _numbers(self, text):
        return self.tokenizer(text, return_tensors="pt")["input_ids"].to(self.model.device)

    def _entering(self, text, layer):
        """Return the hidden states that a layer gets, (1, tokens, hidden size)."""
        import torch

        now = state(self.model)
        if now is None or now != self._state:
            self._state, self._before, self._without = now, {}, (None, None)
        with torch.no_grad():
            if text not in self._before:
                self._before[text] = {0: self.model.model.embed_tokens(self._numbers(text))}
            known = self._before[text]
            for number in range(layer):
                if number + 1 not in known:
                    known[number + 1] = self._through(known[number], [number])
        return known[layer]

    def _scores_without(self, hidden, layer, off):
        """Return the scores of all next tokens without some heads of a layer, (rows, vocabulary).

        hidden : (1, tokens, hidden size), what the layer gets
        off : for each row the head, or the list of heads, that is switched off
        """
        import torch

        def switch_off(module, inputs):
            collected = inputs[0].unflatten(-1, (self.heads, -1)).clone()  # (rows, tokens, heads, head size)
            for row, heads in zip(collected, off, strict=True):
                row[:, heads] = 0
            return collected.flatten(2)

        hooked = self.model.model.layers[layer].self_attn.o_proj
        with torch.no_grad(), hooked.register_forward_pre_hook(switch_off):
            hidden = self._through(hidden.expand(len(off), -1, -1), range(layer, self.layers))
            return self.model.lm_head(self.model.model.norm(hidden[:, -1]))

    def _through(self, hidden, layers):
        """Run `layers` on hidden states, (rows, tokens, hidden size), and return the new hidden states."""
        import torch

        tokens = hidden.shape[1]
        mask = hidden.new_full((tokens, tokens), -torch.inf).triu(1)[None, None]
        positions = torch.arange(tokens, device=hidden.device)[None]
        rotation = self.model.model.rotary_emb(hidden, positions)
        for layer in layers:
            hidden = self.model.model.layers[layer](hidden, attention_mask=mask, position_embeddings=rotation)
        return hidden

    def _check(self, layer):
        if layer not in range(self.layers):
            raise CourseError(f"There is no layer {layer}: choose one from 0 to {self.layers - 1}.")
