"""Counts which expert gets which token in a mixture of experts, and compares it with random routers.

For lesson 07.
"""

import random as chance
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

TEXTS_AT_ONCE = 50


class Place(NamedTuple):
    """A word in a text: the text's index, the token's position, the word, and the kind of text."""

    text: int
    position: int
    word: str
    kind: str


@dataclass(frozen=True)
class Routing:
    """The experts that one kind of router chose for every token of some texts.

    experts : int, how many experts each layer has.
    chosen : for each text, a tensor (layers, tokens, active): the numbers of the experts, the first choice
        first. The token that begins every text is left out.
    """

    experts: int
    chosen: list

    def first(self, place, layer):
        """Return the first expert of the word at a `Place`."""
        return int(self.chosen[place.text][layer, place.position, 0])

    def load(self, layer):
        """Return how much of the work each expert does in a layer, in percent."""
        import torch

        numbers = torch.cat([each[layer].flatten() for each in self.chosen])
        counts = numbers.bincount(minlength=self.experts)
        return [100 * count / len(numbers) for count in counts.tolist()]


def router_shares(model, tokenizer, text, tables=None):
    """Return the share from 0 to 1 that each router gives to each expert: a tensor (layers, tokens, experts).

    With tables it is what routers of these numbers would give: (tables, layers, tokens, experts).

    model, tokenizer : a mixture of experts of transformers, such as Mixtral, and its tokenizer.
    tables : None, or a tensor as for `routings`.
    """
    import torch

    inputs = tokenizer(text, return_tensors="pt").to(model.device)
    with torch.no_grad(), _router_inputs(model) as caught:
        scores = model(**inputs, output_router_logits=True).router_logits
    if tables is not None:
        scores = [torch.stack([lists @ table.float().cpu().T for lists in caught]) for table in tables]
    return torch.stack([each.float().softmax(-1) for each in scores])


def routings(model, tokenizer, documents, tables=()):
    """Return who takes which token: a dict from "trained", "random 1", "random 2", … to a `Routing`.

    The random routers get the same lists of numbers as the trained one. Each uses its table in every layer.

    model, tokenizer : a mixture of experts of transformers, such as Mixtral, and its tokenizer.
    documents : list of documents of a world.
    tables : tensor (random routers, experts, numbers in a token's list), the random numbers.
    """
    import torch

    experts, active = model.config.num_local_experts, model.config.num_experts_per_tok
    random_routers = len(tables)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # fills up the shorter texts of a batch
    trained = [layer.mlp.gate.weight for layer in model.model.layers]
    found = [[None] * len(documents) for _ in range(1 + random_routers)]
    encoded = [tokenizer(document.text, return_tensors="pt") for document in documents]
    in_order = sorted(range(len(documents)), key=lambda index: encoded[index]["input_ids"].shape[1])
    with torch.no_grad(), _router_inputs(model) as caught:
        for start in range(0, len(in_order), TEXTS_AT_ONCE):
            batch = in_order[start : start + TEXTS_AT_ONCE]
            inputs = tokenizer([documents[i].text for i in batch], return_tensors="pt", padding=True)
            caught.clear()
            model(**inputs.to(model.device))
            picks = []  # for each layer: (1 + random routers, tokens of the batch, active)
            for lists, own in zip(caught, trained, strict=True):
                scores = [lists @ table.float().cpu().T for table in (own, *tables)]
                picks.append(torch.stack([each.topk(active).indices for each in scores]))
            real = inputs["attention_mask"].bool().cpu()
            picks = torch.stack(picks).unflatten(2, real.shape)  # (layers, routers, texts, tokens, active)
            for row, index in enumerate(batch):
                mine = picks[:, :, row][:, :, real[row]][:, :, _skipped(tokenizer, encoded[index]) :]
                for router in range(1 + random_routers):
                    found[router][index] = mine[:, router]
    names = ["trained", *(f"random {number}" for number in range(1, 1 + random_routers))]
    return {name: Routing(experts, chosen) for name, chosen in zip(names, found, strict=True)}


def word_pairs(documents, tokenizer, *, same_word, same_kind=None, seed=0):
    """Return pairs of words, each word as a `Place`.

    No text is in two pairs, so that the pairs are independent of each other. Only words of letters count, and
    of the words that fit, each is as likely as any other, however often it stands in the texts.

    documents, tokenizer : as for `routings`.
    same_word : bool, whether both tokens are the same word or different words.
    same_kind : bool, whether both texts are of the same register; None if it does not matter.
    """
    draw = chance.Random(seed)

    def place(text, position, token):
        return Place(text, position, tokenizer.decode([token]).strip(), documents[text].register)

    words = []  # for each text: a dict from a word to its positions
    for document in documents:
        inputs = tokenizer(document.text, return_tensors="pt")
        places = {}
        for position, token in enumerate(inputs["input_ids"][0][_skipped(tokenizer, inputs) :].tolist()):
            if tokenizer.decode([token]).strip().isalpha():
                places.setdefault(token, []).append(position)
        words.append(places)
    free = list(range(len(documents)))
    draw.shuffle(free)
    pairs = []
    while free:
        one = free.pop()
        for other in free:
            kinds = documents[one].register == documents[other].register
            if same_kind is not None and kinds != same_kind:
                continue
            first = sorted(words[one].keys() & words[other].keys()) if same_word else sorted(words[one])
            if not first or not words[other]:
                continue
            word = draw.choice(first)
            last = [word] if same_word else sorted(words[other].keys() - {word})
            if not last:
                continue
            at = draw.choice(words[one][word])
            other_word = draw.choice(last)
            other_at = draw.choice(words[other][other_word])
            pairs.append((place(one, at, word), place(other, other_at, other_word)))
            free.remove(other)
            break
    return pairs


@contextmanager
def _router_inputs(model):
    """Yield a list. Each run of the model adds what the router of each layer gets: (tokens, numbers)."""
    caught = []

    def note(router, given, made):
        caught.append(given[0].detach().float().cpu())

    hooks = [layer.mlp.gate.register_forward_hook(note) for layer in model.model.layers]
    try:
        yield caught
    finally:
        for hook in hooks:
            hook.remove()


def _skipped(tokenizer, inputs):
    """Return 1 if the text begins with the token that begins every text, otherwise 0."""
    return int(inputs["input_ids"][0, 0].item() == tokenizer.bos_token_id)
