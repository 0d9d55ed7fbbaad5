"""Measures how well a tiny language model predicts the texts of its world, and what it has memorised.

A world (`worlds.tinyworld.World`) is a generator of short texts with known probabilities; the model was
trained on its texts. A register is a kind of text, such as "story" or "sums". Each function takes a causal
language model of transformers and the world. The model must have the world's vocabulary. Fixed seeds
determine which texts are used, and for these texts the results are exact. Only `samples` draws random tokens
from the model.
"""

import math
from collections import defaultdict

import torch

from course_utils.worlds.tinyworld.grammar import EVEN, FORMS
from course_utils.worlds.tokens import BEGIN, END

BATCH = 256  # texts in one batch


def measure(model, world) -> dict:
    """Return all measurements on a model's card, as plain values for JSON."""
    measured = {
        "validation": validation(model, world),
        "planted": {register: planted(model, world, register) for register in world.planted},
        "pronouns": pronouns(model, world),
        "recall_by_distance": recall_by_distance(model, world),
    }
    if getattr(model.config, "num_local_experts", 0):
        measured["experts"] = specialisation(model, world)
    return measured


def samples(model, world) -> list[str]:
    """Return the first 20 documents that a model generates after <s>, sampled from its probabilities."""
    tokenizer = world.tokenizer()
    torch.manual_seed(0)
    start = torch.full((20, 1), tokenizer.bos_token_id)
    ids = model.generate(
        start,
        attention_mask=torch.ones_like(start),
        do_sample=True,
        top_k=0,
        max_new_tokens=model.config.max_position_embeddings - 1,
    )
    return tokenizer.batch_decode(ids, skip_special_tokens=True)


def slips(model, world, texts) -> list[dict]:
    """Find in each text the first word that the world never generates after the words before it.

    Returns a list of dicts. A text that the world could have generated has no dict in this list. A dict has
    the `text` (the text's number, counted from 1), the `word` ("</s>" if the text ends too early), and the
    `share`, which is the probability, from 0 to 1, that the model gave to that word.
    """
    tokenizer, number, first_slips = world.tokenizer(), _numbers(world), []
    for index, text in enumerate(texts, 1):
        end = world.first_slip(text)
        if end is not None:
            words = [BEGIN, *tokenizer.tokenize(text), END][: end + 2]
            ids = torch.tensor([[number[token] for token in words]])
            share = _logits(model, ids)[0, -2].softmax(-1)[number[words[-1]]]
            first_slips.append({"text": index, "word": words[-1], "share": float(share)})
    return first_slips


def losses(model, world, documents) -> list[list[float]]:
    """Return for each document a list of the losses of its tokens, in nats. The last is that of </s>."""
    number = _numbers(world)
    nats = [None] * len(documents)
    # Documents of similar length share a batch, so that there is less padding.
    for batch in _batches(sorted(range(len(documents)), key=lambda index: documents[index].tokens)):
        rows = [(BEGIN, *documents[index].words, END) for index in batch]
        ids = _padded([[number[token] for token in row] for row in rows])
        logarithms = _logits(model, ids[:, :-1]).log_softmax(-1)
        padded = -logarithms.gather(-1, ids[:, 1:, None]).squeeze(-1)
        for index, values, row in zip(batch, padded, rows, strict=True):
            nats[index] = values[: len(row) - 1].tolist()
    return nats


def validation(model, world) -> dict[str, dict]:
    """Measure the loss on 2,000 new documents, for "all" of them and for the documents of each register.

    Returns {"all" or a register: entry}. Each entry has the mean `loss` and the `floor`, which is the lowest
    possible mean loss, both in nats per token. It also has the number of `tokens`, and `above`: how far the
    loss is above the floor, as a share of the floor, so 0.1 means 10%.
    """
    documents = list(world.documents(2_000, seed="validation 0"))
    sums = defaultdict(lambda: [0.0, 0.0, 0])
    for document, nats in zip(documents, losses(model, world, documents), strict=True):
        for name in ("all", document.register):
            sums[name][0] += sum(nats)
            sums[name][1] += document.bits * math.log(2)
            sums[name][2] += document.tokens
    results = {}
    for name in ("all", *world.plots):
        if name in sums:
            loss, floor, tokens = sums[name][0] / sums[name][2], sums[name][1] / sums[name][2], sums[name][2]
            results[name] = {"loss": loss, "floor": floor, "tokens": tokens, "above": loss / floor - 1}
    return results


def planted(model, world, register) -> list[dict]:
    """Measure how well a model has memorised each fact that was planted in the texts of a register.

    A planted fact is an invented fact that the training repeats a known number of times. Each entry of the
    returned list has the `subject`, the `answer` and the number of `copies`, as in `World.plan`, and also:

    probability : the probability that the model gives to the whole answer, averaged over all wordings of the
        register's question, so that the rank does not depend on a single wording
    rank : the rank of the answer among all `candidates`; 1 is the most likely, and ties make the rank worse
    exposure : log2(candidates / rank), the bits of guessing that the model saves (Carlini et al., "The Secret
        Sharer", 2019)
    """
    number = _numbers(world)
    wordings = _wordings(world, register)
    answers = world.planted[register].answers
    results = []
    for fact in world.plan()["planted"][register]:
        prompts = [[fact["subject"] if word is None else word for word in wording] for wording in wordings]
        prompts = [[number[token] for token in (BEGIN, *prompt)] for prompt in prompts]
        if isinstance(answers, int):
            digits = [number[str(digit)] for digit in range(10)]
            shares = sum(_codes(model, prompt, digits, answers) for prompt in prompts)
            right = int(fact["answer"].replace(" ", ""))
        else:
            words = world.words_of(answers)
            shares = torch.zeros(len(words))  # the share of a word that is not in the vocabulary stays 0
            known = [index for index, word in enumerate(words) if word in number]
            shares[known] = _ahead(model, prompts)[:, [number[words[index]] for index in known]].sum(0)
            right = words.index(fact["answer"])
        shares = shares / len(prompts)
        rank = int((shares >= shares[right]).sum())
        entry = {name: fact[name] for name in ("subject", "answer", "copies")}
        entry |= {"probability": float(shares[right]), "rank": rank, "candidates": len(shares)}
        results.append(entry | {"exposure": math.log2(len(shares)) - math.log2(rank)})
    return results


def pronouns(model, world, count=24) -> dict[str, tuple[float, float]]:
    """Return {trade: (share of "she" in the world's texts, share of "she" in the model's predictions)}.

    A trade is an occupation, such as "nurse". The model's share is a mean over at most `count` documents
    about the trade. At the place of a document's first pronoun, the model's probability of all forms of "she"
    is divided by its probability of all forms of "she" and "he". "her" counts as a form of "she", and "him"
    and "his" count as forms of "he".
    """
    number = _numbers(world)
    forms = {pronoun: [number[form] for form in set(FORMS[pronoun].values())] for pronoun in ("she", "he")}
    slots = {f"trade.{form}" for form in FORMS["she"]}
    shares = {}
    for trade in world.words_of("trade"):
        prompts = []
        for document in world.documents(count, seed="pronouns", register="workday", trade=trade):
            mentions = [index for slot, index in document.mentions if slot in slots]
            if mentions:
                prompts.append([number[token] for token in (BEGIN, *document.words[: min(mentions)])])
        ahead = _ahead(model, prompts)
        she, he = (ahead[:, forms[pronoun]].sum(-1) for pronoun in ("she", "he"))
        shares[trade] = world.pronouns.get(trade, EVEN)["she"], float((she / (she + he)).mean())
    return shares


def recall_by_distance(model, world, count=40) -> dict[int, float]:
    """Return how often the model recalls a colour that a text states and later asks for.

    Returns {number of tokens between the two mentions of the colour: share of right answers, from 0 to 1}.
    The model's answer is the most likely of all tokens. If the world has N colours, a random guess among them
    would be right with the probability 1/N.

    count : 13 times this many documents are used
    """
    number = _numbers(world)
    hits = defaultdict(list)
    documents = world.documents(count * 13, seed="distance", register="memory")
    for rows in _batches(sorted(documents, key=lambda document: document.tokens)):
        ids = _padded([[number[token] for token in (BEGIN, *document.words)] for document in rows])
        likeliest = _logits(model, ids).argmax(-1)
        for values, document in zip(likeliest, rows, strict=True):
            last = [index for slot, index in document.mentions if slot == "colour"][-1]
            hits[document.distance("colour")].append(int(values[last]) == number[document.filled["colour"]])
    return {distance: sum(hit) / len(hit) for distance, hit in sorted(hits.items())}


def specialisation(model, world, count=1_000) -> list[tuple[float, float, float, float]]:
    """Measure how much the experts of a mixture of experts are specialised in registers, layer by layer.

    In each layer, a router chooses experts for each token. The measure is the mutual information, in bits,
    between the register of the token's text and the expert that the router chooses first. Returns a tuple of
    four numbers of bits for each layer:

    1. the mutual information with the trained router;
    2. the mutual information after the registers were shuffled among the documents, which shows the effect of
       chance;
    3. the mean mutual information over 20 routers with random weights;
    4. the highest mutual information among these 20 routers.

    With random routers the mutual information is above 0, too, because equal words reach a router as similar
    vectors, and registers use different words.

    count : the number of documents
    """
    number = _numbers(world)
    documents = sorted(world.documents(count, seed="experts"), key=lambda document: document.tokens)
    names = sorted({document.register for document in documents})
    registers = [names.index(document.register) for document in documents]
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    shuffled = [registers[index] for index in order]
    gates = [layer.mlp.gate for layer in model.model.layers]
    experts, routers = len(gates[0].weight), 20
    generator = torch.Generator().manual_seed(0)
    random_weights = torch.randn(routers, *gates[0].weight.shape, generator=generator)
    counts = torch.zeros(len(gates), 2 + routers, len(names), experts, dtype=torch.float64)
    # One tensor (1 + routers, tokens) for each layer: the expert that the trained router, and each random
    # router, chooses first for each token of the current batch.
    firsts = []

    def note(gate, inputs, _):
        scores = [inputs[0].flatten(0, -2) @ weight.T for weight in (gate.weight, *random_weights)]
        firsts.append(torch.stack(scores).argmax(-1))

    hooks = [gate.register_forward_hook(note) for gate in gates]
    for batch in _batches(range(count)):
        rows = [[number[token] for token in (BEGIN, *documents[index].words)] for index in batch]
        ids = _padded(rows)
        firsts.clear()
        _logits(model, ids, last=1)
        for layer, first in enumerate(firsts):
            for index, row, chosen in zip(batch, rows, first.view(-1, *ids.shape).unbind(1), strict=True):
                chosen = torch.stack([router[: len(row)].bincount(minlength=experts) for router in chosen])
                counts[layer, 0, registers[index]] += chosen[0]
                counts[layer, 1, shuffled[index]] += chosen[0]
                counts[layer, 2:, registers[index]] += chosen[1:]
    for hook in hooks:
        hook.remove()
    bits = [[_mutual_information(table) for table in tables] for tables in counts]
    return [(trained, chance, sum(random) / routers, max(random)) for trained, chance, *random in bits]


def _mutual_information(counts):
    """Return the mutual information, in bits, between the rows and the columns of a table of counts."""
    joint = counts / counts.sum()
    independent = joint.sum(0, keepdim=True) * joint.sum(1, keepdim=True)
    seen = joint > 0
    return float((joint[seen] * (joint[seen] / independent[seen]).log2()).sum())


def _wordings(world, register):
    """Return the different texts before the answer in 100 documents of a register, as tuples of tokens.

    None stands for the subject of the planted fact, so that each text can be used with every subject.
    """
    answers, wordings = world.planted[register].answers, set()
    answer_words = answers if isinstance(answers, int) else 1
    for document in world.documents(100, seed="ways", register=register):
        # An answer may have several words, and the index in `mentions` is that of the last of them.
        last = next(index for slot, index in document.mentions if slot == "subject.answer")
        subjects = {index for slot, index in document.mentions if slot == "subject"}
        words = enumerate(document.words[: last + 1 - answer_words])
        wordings.add(tuple(None if index in subjects else word for index, word in words))
    return sorted(wordings, key=str)


def _codes(model, prompt, digits, length):
    """Return the model's probability of each code of `length` digits after a prompt, in ascending order.

    digits : the token numbers of the digits 0 to 9
    """
    starts = torch.cartesian_prod(*[torch.tensor(digits)] * (length - 1)).view(-1, length - 1)
    ids = torch.cat([torch.tensor(prompt).expand(len(starts), -1), starts], 1)
    ahead = _logits(model, ids, last=length).softmax(-1)  # (starts, digits, vocabulary)
    before = ahead[:, :-1].gather(-1, starts[:, :, None]).squeeze(-1).prod(-1)
    return (before[:, None] * ahead[:, -1, digits]).flatten()


def _ahead(model, prompts):
    """Return the probability of each possible next token after each prompt: (prompts, vocabulary)."""
    lasts = torch.tensor([len(prompt) - 1 for prompt in prompts])
    return _logits(model, _padded(prompts))[torch.arange(len(prompts)), lasts].softmax(-1)


def _logits(model, ids, last=0):
    """Return the model's logits at the last `last` positions, or at all positions if `last` is 0.

    No attention mask for padding is needed, because padding follows a document, and tokens attend only to
    earlier tokens.
    """
    with torch.no_grad():
        return model(input_ids=ids, use_cache=False, logits_to_keep=last).logits


def _padded(rows):
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)


def _batches(rows):
    return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]


def _numbers(world):
    return {token: number for number, token in enumerate(world.vocabulary())}
