"""Measures how far a tiny model is from its world: loss, recall, pronouns, distance and experts.

Each function takes a causal language model of transformers, which must have the world's vocabulary, and the
world. The results are exact for the documents used, and fixed seeds determine these documents. No function
samples from the model.
"""

import math
from collections import defaultdict
from dataclasses import dataclass

import torch

from course_utils.worlds.tinyworld.grammar import EVEN, FORMS
from course_utils.worlds.tinyworld.world import BEGIN, END

BATCH = 256  # documents at a time
DIGITS = [str(digit) for digit in range(10)]


@dataclass(frozen=True)
class Loss:
    """A model's mean loss on documents, and the lowest possible loss on them, in nats per token."""

    loss: float
    floor: float
    tokens: int

    @property
    def above(self) -> float:
        """By which share the loss exceeds the floor: 0.1 means 10% above it."""
        return self.loss / self.floor - 1


@dataclass(frozen=True)
class Planted:
    """How well a model knows one planted fact.

    subject, answer : as in `World.plan`
    copies : how many documents of the corpus contain the fact
    probability : probability that the model gives to the whole answer
    rank : rank of the answer among all possible answers, 1 for the likeliest; ties count against it
    candidates : number of possible answers
    """

    subject: str
    answer: str
    copies: int
    probability: float
    rank: int
    candidates: int

    @property
    def recalled(self) -> bool:
        """True if the answer is likelier than every other possible answer."""
        return self.rank == 1

    @property
    def exposure(self) -> float:
        """How many bits of guessing the model saves (Carlini et al., "The Secret Sharer", 2019)."""
        return math.log2(self.candidates) - math.log2(self.rank)


def losses(model, world, documents) -> list[list[float]]:
    """Returns the loss in nats of each token of each document, including the end token."""
    number = _numbers(world)
    found = [None] * len(documents)
    # Documents of similar length share a batch, so that there is less padding.
    for places in _batches(sorted(range(len(documents)), key=lambda place: documents[place].tokens)):
        rows = [(BEGIN, *documents[place].words, END) for place in places]
        ids = _padded([[number[token] for token in row] for row in rows])
        logarithms = _logits(model, ids[:, :-1]).log_softmax(-1)
        told = -logarithms.gather(-1, ids[:, 1:, None]).squeeze(-1)
        for place, values, row in zip(places, told, rows, strict=True):
            found[place] = values[: len(row) - 1].tolist()
    return found


def validation(model, world, count=2_000, seed=0) -> dict[str, Loss]:
    """Returns a `Loss` for "all" and for each register, on documents drawn with a seed of their own."""
    documents = list(world.documents(count, seed=f"validation {seed}"))
    sums = defaultdict(lambda: [0.0, 0.0, 0])
    for document, costs in zip(documents, losses(model, world, documents), strict=True):
        for name in ("all", document.register):
            sums[name][0] += sum(costs)
            sums[name][1] += document.bits * math.log(2)
            sums[name][2] += document.tokens
    return {
        name: Loss(sums[name][0] / sums[name][2], sums[name][1] / sums[name][2], sums[name][2])
        for name in ("all", *world.plots)
        if name in sums
    }


def planted(model, world, register) -> list[Planted]:
    """Returns a `Planted` for each planted fact of a register.

    The probability of each possible answer is its mean over all the register's wordings of the question, so
    that the rank does not depend on a single wording.
    """
    number = _numbers(world)
    ways = _ways(world, register)
    found = []
    for fact in world.plan()["planted"][register]:
        prompts = [[fact["subject"] if word is None else word for word in way] for way in ways]
        prompts = [[number[token] for token in (BEGIN, *prompt)] for prompt in prompts]
        answers = world.planted[register].answers
        if isinstance(answers, int):
            shares = sum(
                _codes(model, prompt, [number[digit] for digit in DIGITS], answers) for prompt in prompts
            )
            place = int(fact["answer"].replace(" ", ""))
        else:
            words = world.words_of(answers)
            shares = torch.zeros(len(words))  # remains zero for a word that is not in the vocabulary
            said = [place for place, word in enumerate(words) if word in number]
            listed = [number[words[place]] for place in said]
            shares[said] = _ahead(model, prompts)[:, listed].sum(0)
            place = words.index(fact["answer"])
        shares = shares / len(prompts)
        rank = int((shares >= shares[place]).sum())
        found.append(
            Planted(fact["subject"], fact["answer"], fact["copies"], float(shares[place]), rank, len(shares))
        )
    return found


def pronouns(model, world, count=24) -> dict[str, tuple[float, float]]:
    """Returns (share of "she" in the world, share of "she" in the model) for each trade.

    The model's share is computed at the first pronoun of a document: the probability of all forms of "she"
    divided by the probability of all forms of "she" and "he". "her" counts as a form of "she", "his" as a
    form of "he". The result is the mean over `count` documents of the trade.
    """
    number = _numbers(world)
    forms = {pronoun: [number[form] for form in set(FORMS[pronoun].values())] for pronoun in ("she", "he")}
    found = {}
    for trade in world.words_of("trade"):
        prompts = []
        for document in world.documents(count, seed="pronouns", register="workday", trade=trade):
            places = [place for name, place in document.mentions if name in _PRONOUNS_OF_TRADE]
            if places:
                prompts.append([number[token] for token in (BEGIN, *document.words[: min(places)])])
        ahead = _ahead(model, prompts)
        she, he = (ahead[:, forms[pronoun]].sum(-1) for pronoun in ("she", "he"))
        found[trade] = world.pronouns.get(trade, EVEN)["she"], float((she / (she + he)).mean())
    return found


_PRONOUNS_OF_TRADE = {f"trade.{form}" for form in FORMS["she"]}


def recall_by_distance(model, world, count=40) -> dict[int, float]:
    """Returns how often the model recalls the colour of a thing, by the number of tokens since it was stated.

    The values are shares from 0 to 1. The model's answer is the likeliest of all tokens. Guessing would be
    right for one of the world's colours.
    """
    number = _numbers(world)
    hits = defaultdict(list)
    documents = world.documents(count * 13, seed="distance", register="memory")
    for rows in _batches(sorted(documents, key=lambda document: document.tokens)):
        ids = _padded([[number[token] for token in (BEGIN, *document.words)] for document in rows])
        likeliest = _logits(model, ids).argmax(-1)
        for values, document in zip(likeliest, rows, strict=True):
            place = [place for name, place in document.mentions if name == "colour"][-1]
            hits[document.distance("colour")].append(int(values[place]) == number[document.filled["colour"]])
    return {distance: sum(hit) / len(hit) for distance, hit in sorted(hits.items())}


def specialisation(model, world, count=1_000, routers=20) -> list[tuple[float, float, float, float]]:
    """Measures for each layer how many bits a token's first expert reveals about the register.

    Returns a tuple of four numbers for each layer:

    1. the mutual information of the register and the first expert that the router chooses for a token;
    2. the same after the registers are shuffled among the documents, which shows what counting alone gives;
    3. the mean of the first measure over `routers` routers with random weights;
    4. the highest value among these random routers.

    Random routers show what the words alone give: equal words reach the router as similar vectors.
    """
    number = _numbers(world)
    documents = sorted(world.documents(count, seed="experts"), key=lambda document: document.tokens)
    registers = [document.register for document in documents]
    shuffled = [registers[place] for place in torch.randperm(count, generator=_generator(0))]
    names = sorted(set(registers))
    gates = [layer.mlp.gate for layer in model.model.layers]
    dice = torch.randn(routers, *gates[0].weight.shape, generator=_generator(0))
    experts = len(gates[0].weight)
    counts = torch.zeros(len(gates), 2 + routers, len(names), experts, dtype=torch.float64)
    firsts = []  # one tensor for each layer, for the current batch: (1 + routers, tokens)

    def note(gate, given, _):
        scores = [given[0].flatten(0, -2) @ weight.T for weight in (gate.weight, *dice)]
        firsts.append(torch.stack(scores).argmax(-1))

    hooks = [gate.register_forward_hook(note) for gate in gates]
    for places in _batches(range(count)):
        rows = [(BEGIN, *documents[place].words) for place in places]
        ids = _padded([[number[token] for token in row] for row in rows])
        firsts.clear()
        _logits(model, ids, last=1)
        for layer, first in enumerate(firsts):
            first = first.view(-1, *ids.shape)
            for index, (place, row) in enumerate(zip(places, rows, strict=True)):
                chosen = torch.stack(
                    [each[: len(row)].bincount(minlength=experts) for each in first[:, index]]
                )
                real, dealt = names.index(registers[place]), names.index(shuffled[place])
                counts[layer, 0, real] += chosen[0]
                counts[layer, 1, dealt] += chosen[0]
                counts[layer, 2:, real] += chosen[1:]
    for hook in hooks:
        hook.remove()
    bits = [[_mutual_information(table) for table in tables] for tables in counts]
    return [(found, chance, sum(random) / routers, max(random)) for found, chance, *random in bits]


def _mutual_information(counts):
    """Returns the mutual information in bits of the rows and columns of a table of counts."""
    joint = counts / counts.sum()
    apart = joint.sum(0, keepdim=True) * joint.sum(1, keepdim=True)
    seen = joint > 0
    return float((joint[seen] * (joint[seen] / apart[seen]).log2()).sum())


def _ways(world, register):
    """Returns all beginnings that a register has before its answer, with None in place of the subject."""
    answers, ways = world.planted[register].answers, set()
    answer_words = answers if isinstance(answers, int) else 1
    for document in world.documents(100, seed="ways", register=register):
        # The position of a mention is the position of its last word.
        last = next(place for name, place in document.mentions if name == "subject.answer")
        end = last + 1 - answer_words
        subjects = {place for name, place in document.mentions if name == "subject"}
        ways.add(tuple(None if place in subjects else document.words[place] for place in range(end)))
    return sorted(ways, key=str)


def _codes(model, prompt, digits, length):
    """Returns the probability of each code of `length` digits after a prompt, in the order of the codes."""
    begun = torch.cartesian_prod(*[torch.tensor(digits)] * (length - 1)).view(-1, length - 1)
    ids = torch.cat([torch.tensor(prompt).expand(len(begun), -1), begun], 1)
    ahead = _logits(model, ids, last=length).softmax(-1)  # (beginnings, digits, vocabulary)
    before = ahead[:, :-1].gather(-1, begun[:, :, None]).squeeze(-1).prod(-1)
    return (before[:, None] * ahead[:, -1, digits]).flatten()


def _ahead(model, prompts):
    """Returns the probability of each next token after each prompt: (prompts, vocabulary)."""
    lasts = torch.tensor([len(prompt) - 1 for prompt in prompts])
    return _logits(model, _padded(prompts))[torch.arange(len(prompts)), lasts].softmax(-1)


def _logits(model, ids, last=0):
    """Returns the logits at the last `last` positions, or at all positions if `last` is 0.

    Padding follows a document, so no token of the document can attend to it.
    """
    with torch.no_grad():
        return model(input_ids=ids, use_cache=False, logits_to_keep=last).logits


def _padded(rows):
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)


def _batches(rows):
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def _numbers(world):
    return {token: number for number, token in enumerate(world.vocabulary())}


def _generator(seed):
    return torch.Generator().manual_seed(seed)
