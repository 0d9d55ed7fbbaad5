"""Computes the losses of the tiny language models on whole documents, which are packed into rows.

The documents are the short texts that a world (`worlds.tinyworld.World`) generates. They are generated once
and stored as token numbers. A step of the training takes the next `batch` documents, packs them into rows,
and keeps the documents of a row from attending to each other (by a block-diagonal mask, and by positions that
restart at 0). So a document in a row has exactly the same loss as it would have alone.

A training draws random numbers only for the initial weights: there is no dropout, and the order of the corpus
is fixed.
"""

import hashlib
import math
from array import array
from dataclasses import asdict

import numpy
import torch
from torch.nn.functional import cross_entropy

from course_utils import files
from course_utils.loading import store
from course_utils.training import card, evaluation
from course_utils.training.stages import IGNORED, Training, only_stage
from course_utils.worlds.tokens import BEGIN, END

ROW = 144  # tokens in a row of packed documents (the longest document has 97)


class LanguageTraining(Training):
    """The training of a causal language model on a world's corpus. Its one stage reads each document once."""

    unit = "loss (nats per token)"

    def __init__(self, recipe, folder):
        super().__init__(recipe, folder)
        self.world = recipe.make_world()
        self.floor = self.world.floor().loss
        self.corpus = Corpus(self.world, recipe.seed)
        self.model = recipe.make_model(self.world)
        self.stages = [only_stage("language", self.model, self.loss, recipe)]

    def loss(self, indices, generator=None):
        """Return (loss to minimise, loss to record) of the documents with these indices.

        For a mixture of experts, the loss to minimise also contains the balancing loss. Without this loss, a
        few experts would get all tokens, and the others would learn nothing.
        """
        recipe, config = self.recipe, self.model.config
        if recipe.window_from:
            closed = indices.start >= recipe.window_from * recipe.steps * recipe.batch
            config.sliding_window = recipe.shape["sliding_window"] if closed else None
        ids, positions, labels = pack([self.corpus[index] for index in indices])
        mask = attention_mask(positions, getattr(config, "sliding_window", None))
        inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions, "use_cache": False}
        if recipe.balance:
            logits, imbalance = logits_and_imbalance(self.model, inputs)
        else:
            logits, imbalance = self.model(**inputs).logits, 0
        loss = cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        return loss + recipe.balance * imbalance, loss

    def tokens(self):
        """Return how many tokens have been predicted so far: of each document, all but the first token."""
        documents = self.runs[-1].done * self.recipe.batch
        return int(self.corpus.ends[documents - 1]) - documents

    def status(self):
        """Return the loss, the lowest possible loss and the speed, for the progress bar."""
        run = self.runs[-1]
        rate = self.tokens() / run.seconds
        return f"loss {run.recent_loss:.3f}, floor {self.floor:.3f}, {rate:,.0f} tokens/s"

    def write(self, folder):
        """Write the model, its tokenizer and its card into a folder."""
        self.model.eval()
        self.model.save_pretrained(folder)
        self.world.tokenizer().save_pretrained(folder)
        run, recipe = self.runs[-1], asdict(self.recipe)
        steps = recipe.pop("steps")
        measured = evaluation.measure(self.model, self.world)
        measured["training"] = {
            "steps": steps,
            "documents": steps * self.recipe.batch,
            "tokens": self.tokens(),
            "minutes": round(run.seconds / 60, 1),
            "last_loss": round(run.recent_loss, 4),
            "recipe": recipe,
            "machine": card.machine(),
        }
        measured["samples"] = evaluation.samples(self.model, self.world)
        measured["slips"] = evaluation.slips(self.model, self.world, measured["samples"])
        card.write(folder, measured, lambda measured: card_text(self.model, measured))


def card_text(model, measured):
    """Return the model card in Markdown, filled with the measured values."""
    return card.text(
        "language",
        measured,
        model=model,
        architecture=type(model).__name__,
        parameters=model.num_parameters(),
        bits_of_secrets=math.log2(measured["planted"]["secrets"][0]["candidates"]),
    )


class Corpus:
    """A world's documents as token numbers, generated once and stored for all models that read them."""

    def __init__(self, world, seed):
        folder = store.cache_folder() / "training"
        key = hashlib.sha256(f"{world!r} {seed}".encode()).hexdigest()[:16]
        paths = [folder / f"corpus-{key}-{part}.npy" for part in ("numbers", "lengths")]
        if not all(path.exists() for path in paths):
            print(f"Generating {world.size:,} documents: once, a minute or more.")
            folder.mkdir(parents=True, exist_ok=True)
            for path, values in zip(paths, _generate(world, seed), strict=True):
                with files.replacing(path) as part:
                    numpy.save(part, values)
        self.numbers, lengths = (numpy.load(path, mmap_mode="r") for path in paths)
        self.ends = numpy.cumsum(lengths, dtype=numpy.int64)

    def __getitem__(self, index):
        start = self.ends[index - 1] if index else 0
        return self.numbers[start : self.ends[index]]


def _generate(world, seed):
    """Return two arrays: the token numbers of all documents, joined, and the length of each document."""
    number = {token: number for number, token in enumerate(world.vocabulary())}
    numbers, lengths = array("H"), array("H")
    for document in world.corpus(seed):
        tokens = (BEGIN, *document.words, END)
        numbers.extend([number[token] for token in tokens])
        lengths.append(len(tokens))
    return numpy.frombuffer(numbers, numpy.uint16), numpy.frombuffer(lengths, numpy.uint16)


def pack(documents, width=ROW):
    """Pack whole documents into few rows: the longest first, each into the first row with enough room.

    documents : arrays of token numbers, each from <s> to </s>
    width : largest number of tokens in a row

    Returns three tensors (rows, tokens): the number of each token, the token's position in its document, and
    the number of the next token, or IGNORED if there is no next token.
    """
    rows = []
    for document in sorted(documents, key=len, reverse=True):
        row = next((row for row in rows if sum(map(len, row)) + len(document) <= width), None)
        if row is None:
            rows.append(row := [])
        row.append(document)
    shape = len(rows), max(sum(map(len, row)) for row in rows)
    ids, positions = numpy.zeros(shape, numpy.int64), numpy.zeros(shape, numpy.int64)
    labels = numpy.full(shape, IGNORED)
    for index, row in enumerate(rows):
        start = 0
        for document in row:
            end = start + len(document)
            ids[index, start:end], positions[index, start:end] = document, range(len(document))
            labels[index, start : end - 1] = document[1:]
            start = end
        positions[index, start:] = range(shape[1] - start)
    return tuple(map(torch.from_numpy, (ids, positions, labels)))


def attention_mask(positions, window=None):
    """Return the attention mask: a token sees itself and the tokens before it in its document.

    The mask is explicit because transformers does not infer it from the positions for every architecture in
    every version. If documents could attend to each other, their loss would be too low.

    positions : (rows, tokens), counted from 0 in each document, as `pack` returns them
    window : the largest number of tokens that a token sees, itself included; None for no limit

    Returns a Boolean tensor: (rows, 1, attending tokens, attended tokens).
    """
    index = torch.arange(positions.shape[1])
    document = (positions == 0).cumsum(1)
    visible = (document[:, :, None] == document[:, None, :]) & (index[:, None] >= index)
    if window is not None:
        visible &= index[:, None] - index < window
    return visible[:, None]


def logits_and_imbalance(model, inputs):
    """Return a Mixtral's logits and its balancing loss.

    The balancing loss is 2, the number of active experts, if the routers use all experts equally. It is
    computed here, because `forward` of MixtralForCausalLM would take the mask in `inputs` for a padding mask.
    """
    from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

    output = model.model(**inputs, output_router_logits=True)
    experts, active = model.config.num_local_experts, model.config.num_experts_per_tok
    imbalance = load_balancing_loss_func(output.router_logits, experts, active)
    return model.lm_head(output.last_hidden_state), imbalance
