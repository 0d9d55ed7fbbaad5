"""Counts the tokens that each expert of a mixture gets from the trained router, and from random routers.

For lesson 07.
"""

import random as chance
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from course_utils.views.charts import bars

TEXTS_AT_ONCE = 50
# {sort of pairs of words: (same word?, same kind of text?)}. None means that the kinds of text don't matter.
SORTS = {
    "same word, same kind of text": (True, True),
    "same word, another kind": (True, False),
    "two different words": (False, None),
}


class Place(NamedTuple):
    """A word in a text: the text's index, the token's position, the word, and the text's kind (register)."""

    text: int
    position: int
    word: str
    kind: str


@dataclass(frozen=True)
class Routing:
    """The experts that the model's routers, or random routers, choose for each token of some texts.

    experts : int, how many experts each layer has.
    chosen : list with a tensor (layers, tokens, choices) for each text. It has the numbers of the experts
        that each token goes to; the router's first choice comes first. The token that the tokenizer puts
        before each text is left out.
    """

    experts: int
    chosen: list

    def first(self, place):
        """Return the expert that the last layer's router chooses first for the word at a `Place`."""
        return int(self.chosen[place.text][-1, place.position, 0])

    def load(self, layer=-1, *, first=False):
        """Return the share of a layer's choices that each expert gets, in percent.

        first : bool, whether to count only the first choice for each token.
        """
        import torch

        numbers = torch.cat([each[layer, :, : 1 if first else None].flatten() for each in self.chosen])
        counts = numbers.bincount(minlength=self.experts)
        return [100 * count / len(numbers) for count in counts.tolist()]


def router_shares(model, tokenizer, text, tables=None):
    """Return the share from 0 to 1 that each router gives to each expert: a tensor (layers, tokens, experts).

    If `tables` is given, its random routers replace the model's, and the tensor has the shape
    (tables, layers, tokens, experts).

    model, tokenizer : a mixture of experts of transformers, such as Mixtral, and its tokenizer.
    tables : None, or a tensor (random routers, experts, hidden size), as for `routings`.
    """
    import torch

    inputs = tokenizer(text, return_tensors="pt").to(model.device)
    with torch.no_grad(), _router_inputs(model) as caught:
        scores = model(**inputs, output_router_logits=True).router_logits
    if tables is not None:
        scores = [torch.stack([lists @ table.float().cpu().T for lists in caught]) for table in tables]
    return torch.stack([each.float().softmax(-1) for each in scores])


def routings(model, tokenizer, documents, tables=()):
    """Return a list of `Routing`s: first that of the model's own routers, then one for each random router.

    The random routers get the same inputs as the trained router. A random router has the same weights in each
    layer.

    model, tokenizer : a mixture of experts of transformers, such as Mixtral, and its tokenizer.
    documents : list of objects with `text` and `register`, such as the documents of TinyWorld.
    tables : tensor (random routers, experts, hidden size), the weights of the random routers.
    """
    import torch

    experts, active = model.config.num_local_experts, model.config.num_experts_per_tok
    random_routers = len(tables)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token  # this token fills up the shorter texts of a batch
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
    return [Routing(experts, chosen) for chosen in found]


def word_pairs(documents, tokenizer):
    """Return pairs of words: a dict from a sort of pairs to a list of pairs (`Place`, `Place`).

    The sorts are the same word in two texts of the same register, the same word in texts of two registers,
    and two different words. In each sort no text is in two pairs, so that the pairs are independent. Only
    words made of letters are used. Of the words that fit, each is equally likely, however often it occurs in
    the texts.

    documents, tokenizer : as for `routings`.
    """
    return {
        sort: _pairs(documents, tokenizer, same_word, same_kind, chance.Random(0))
        for sort, (same_word, same_kind) in SORTS.items()
    }


def trained_and_random(trained, random):
    """Draw how often two words get the same first choice, from the trained router and from random routers.

    trained : dict from a sort of pairs to a percentage.
    random : dict from a sort of pairs to a list of percentages, one for each random router. Their mean is
        drawn.
    """
    labels, values, groups = [], [], []
    for sort, percent in trained.items():
        others = random[sort]
        labels += [f"{sort}: trained", f"{sort}: random ({min(others):.0f} to {max(others):.0f})"]
        values += [round(percent), round(sum(others) / len(others))]
        groups += ["the trained router", f"mean of {len(others)} random routers"]
    return bars(
        labels,
        values,
        unit="% of pairs",
        groups=groups,
        baseline=12.5,
        baseline_label="luck alone, if all experts are equally busy",
        title="How often two words have the same first expert",
    )


def _pairs(documents, tokenizer, same_word, same_kind, draw):
    """Return the pairs of one sort. `same_kind` is None if the texts may have any registers."""

    def place(text, position, token):
        return Place(text, position, tokenizer.decode([token]).strip(), documents[text].register)

    words = []  # for each text: {token that is a word: the positions at which the token stands in the text}
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
    """Yield a list to which each run of the model adds the input of each router: (tokens, hidden size)."""
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
    """Return 1 if the tokenizer has put its begin token before the text, otherwise 0."""
    return int(inputs["input_ids"][0, 0].item() == tokenizer.bos_token_id)
