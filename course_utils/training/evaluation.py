"""How far a tiny model is from what its world knows: loss, recall, pronouns, window and experts.

Each function takes a causal language model of transformers, whose vocabulary is the world's, and the world.
All are exact but for the documents, which their seeds settle; none draws from the model.
"""

import math
from collections import defaultdict
from dataclasses import dataclass

import torch

from course_utils.tinyworld.grammar import EVEN, FORMS
from course_utils.tinyworld.world import BEGIN, END

BATCH = 256  # documents at a time
DIGITS = [str(digit) for digit in range(10)]


@dataclass(frozen=True)
class Loss:
    """A model's mean loss on documents against the least that those same documents can cost, in nats."""

    loss: float
    floor: float
    tokens: int

    @property
    def above(self) -> float:
        """The share by which the loss exceeds the floor: 0.1 is 10% above."""
        return self.loss / self.floor - 1


@dataclass(frozen=True)
class Planted:
    """How well one planted thing is known.

    subject, answer : as `World.plan` has them; copies : how often it was told
    probability : of the whole answer
    rank : of the answer among all that there could be, 1 for the likeliest; ties count against it
    candidates : how many there could be
    """

    subject: str
    answer: str
    copies: int
    probability: float
    rank: int
    candidates: int

    @property
    def recalled(self) -> bool:
        """Whether no other answer is likelier."""
        return self.rank == 1

    @property
    def exposure(self) -> float:
        """Bits of search for the answer that the model saves (Carlini et al., "The Secret Sharer", 2019)."""
        return math.log2(self.candidates) - math.log2(self.rank)


def losses(model, world, documents) -> list[list[float]]:
    """The loss in nats of each token of each document, its end included."""
    number = _numbers(world)
    found = [None] * len(documents)
    # Documents of about one length go together: there is less padding.
    for places in _batches(sorted(range(len(documents)), key=lambda place: documents[place].tokens)):
        rows = [(BEGIN, *documents[place].words, END) for place in places]
        ids = _padded([[number[token] for token in row] for row in rows])
        logarithms = _logits(model, ids[:, :-1]).log_softmax(-1)
        told = -logarithms.gather(-1, ids[:, 1:, None]).squeeze(-1)
        for place, values, row in zip(places, told, rows, strict=True):
            found[place] = values[: len(row) - 1].tolist()
    return found


def validation(model, world, count=2_000, seed=0) -> dict[str, Loss]:
    """`Loss` for "all" and for each register, on documents that no corpus has."""
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
    """`Planted` for each thing of a register, over all the ways in which the register tells it.

    The probability of each possible answer is its mean over the ways, so a rank speaks of no one wording.
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
            shares = torch.zeros(len(words))  # and zero it stays for a word that no text of the world has
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
    """(share of "she" in the world, the model's share) for each trade.

    The model's share is that of she-words among she-words and he-words, where the first pronoun stands, as a
    mean over `count` documents of the trade; "her" and "his" count as their pronouns do.
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
    """The share of documents in which the model finds a thing's colour again, by tokens since it was told.

    The answer is the likeliest of all tokens. Chance is one colour of those that the world has.
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
    """(bits, by chance, by random routers, by the best of these) for each layer, about the register.

    The first is the mutual information of the register and the expert that a token is sent to first. The
    second is the same with the registers dealt out to the documents anew: what comes from counting alone. The
    third is the first for so many routers of random numbers in the trained one's place, their mean, and the
    fourth the highest of them: what comes from the words, since equal words enter as similar lists.
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
    firsts = []  # for each layer, of the present batch: (1 + routers, tokens)

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
    """Bits that rows and columns of a table of counts say about each other."""
    joint = counts / counts.sum()
    apart = joint.sum(0, keepdim=True) * joint.sum(1, keepdim=True)
    seen = joint > 0
    return float((joint[seen] * (joint[seen] / apart[seen]).log2()).sum())


def _ways(world, register):
    """The beginnings that a register has before its answer, with None where the subject stands."""
    answers, ways = world.planted[register].answers, set()
    answer_words = answers if isinstance(answers, int) else 1
    for document in world.documents(100, seed="ways", register=register):
        # A mention's place is that of its last word.
        last = next(place for name, place in document.mentions if name == "subject.answer")
        end = last + 1 - answer_words
        subjects = {place for name, place in document.mentions if name == "subject"}
        ways.add(tuple(None if place in subjects else document.words[place] for place in range(end)))
    return sorted(ways, key=str)


def _codes(model, prompt, digits, length):
    """The probability of each code of so many digits after a prompt, in the order of the codes."""
    begun = torch.cartesian_prod(*[torch.tensor(digits)] * (length - 1)).view(-1, length - 1)
    ids = torch.cat([torch.tensor(prompt).expand(len(begun), -1), begun], 1)
    ahead = _logits(model, ids, last=length).softmax(-1)  # (beginnings, digits, vocabulary)
    before = ahead[:, :-1].gather(-1, begun[:, :, None]).squeeze(-1).prod(-1)
    return (before[:, None] * ahead[:, -1, digits]).flatten()


def _ahead(model, prompts):
    """The probabilities of what comes after each prompt: (prompts, vocabulary)."""
    lasts = torch.tensor([len(prompt) - 1 for prompt in prompts])
    return _logits(model, _padded(prompts))[torch.arange(len(prompts)), lasts].softmax(-1)


def _logits(model, ids, last=0):
    """Logits at the last so many places, or at all. Padding comes after a document, which can't see it."""
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
