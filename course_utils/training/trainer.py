"""Trains one tiny model from its seed to its folder: deterministic, with a live page, resumable after a kill.

The world generates the documents once, and they are stored as token numbers. A step takes the next `batch` of
them, packs whole documents into rows, and masks them from each other (a block-diagonal mask, with
positions that restart at 0), so a packed document has exactly the loss that it has alone.

Nothing random happens after the first weights: there is no dropout, and the corpus has an order of its own.
A checkpoint therefore holds weights, AdamW's two averages and the losses so far, and that is all that a run
needs in order to go on as if nothing had happened.
"""

import hashlib
import json
import os
import shutil
import time
from array import array
from dataclasses import asdict
from pathlib import Path

import numpy
import torch
from torch.nn.functional import cross_entropy

from course_utils.errors import CourseError
from course_utils.loading import models, sources
from course_utils.training import recipes
from course_utils.training.workplace import (
    LivePage,
    load_optimizer,
    mean_losses,
    optimizer_tensors,
    replace,
    same_settings,
    writing,
)
from course_utils.worlds.tinyworld.world import BEGIN, END

ROW = 144  # tokens in a row of packed documents, of which the longest has 97
IGNORED = -100  # label that makes cross_entropy skip a position
SECONDS_BETWEEN_CHECKPOINTS = 60


def train(name, steps=None, minutes=None, folder=None):
    """Train a tiny model, or go on where an earlier call was stopped; returns the folder of the model.

    name : of a recipe, such as "tinyworld-llama", or "stable-diffusion" (`steps` in each stage)
    steps : fewer than the recipe has, for a quick try; the learning rate falls to zero over them
    minutes : pause after so many; the same call goes on from there
    folder : where to work; by default `training/NAME` in the course's cache

    The folder gets `loss.html`, a picture of the loss that renews itself in a browser, and
    `checkpoint.safetensors` each minute; at the end `model`, which `from_pretrained` loads. Returns None when
    `minutes` came first.

    Raises CourseError: an unknown name, a folder of other settings, a disk that is full.
    """
    from course_utils.training import picture_trainer

    if name == picture_trainer.NAME:
        return picture_trainer.train(steps, minutes, folder)
    recipe = recipes.find(name)
    steps = recipe.steps if steps is None else steps
    if not 0 < steps <= recipe.steps:
        raise CourseError(f"{name} is trained for 1 to {recipe.steps:,} steps, not {steps:,}.")
    cache = sources.cache_folder() / "training"
    folder = cache / name if folder is None else Path(folder)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        cache.mkdir(parents=True, exist_ok=True)
        same_settings(folder, json.loads(json.dumps(asdict(recipe) | {"steps": steps})))
        if (folder / "model").exists():
            return folder / "model"
        models.prepare()
        world = recipe.make_world()
        corpus = _Corpus.of(world, recipe.seed, cache)
        run = _Run(recipe, world, steps, folder)
        print(f"The loss as a picture, each minute: {folder / 'loss.html'}")
        if not _go_on(run, corpus, minutes):
            return None
        _finish(run, world)
    return folder / "model"


def pack(documents, width=ROW):
    """Put whole documents into as few rows as first-fit finds, the longest first.

    documents : arrays of token numbers, each from <s> to </s>
    width : tokens in a row, at most

    Returns three tensors (rows, tokens): the numbers, each one's position in its document, and the number
    that comes next, or IGNORED where there is none.
    """
    rows = []
    for document in sorted(documents, key=len, reverse=True):
        for row in rows:
            if sum(map(len, row)) + len(document) <= width:
                row.append(document)
                break
        else:
            rows.append([document])
    shape = len(rows), max(sum(map(len, row)) for row in rows)
    ids, positions = numpy.zeros(shape, numpy.int64), numpy.zeros(shape, numpy.int64)
    labels = numpy.full(shape, IGNORED)
    for row, held in enumerate(rows):
        start = 0
        for document in held:
            end = start + len(document)
            ids[row, start:end], positions[row, start:end] = document, range(len(document))
            labels[row, start : end - 1] = document[1:]
            start = end
        positions[row, start:] = range(shape[1] - start)
    return tuple(map(torch.from_numpy, (ids, positions, labels)))


def apart(positions, window=None):
    """Returns the attention mask: earlier tokens of the same document, and only the last `window` of them.

    The mask is explicit because not every version of transformers infers it from the positions for every
    architecture. If documents could attend to each other, their loss would be too low.

    positions : (rows, tokens), from 0 on in each document, as `pack` gives them

    Returns a Boolean tensor: (rows, 1, attending tokens, attended tokens).
    """
    place = torch.arange(positions.shape[1])
    document = (positions == 0).cumsum(1)
    seen = (document[:, :, None] == document[:, None, :]) & (place[:, None] >= place)
    if window is not None:
        seen &= place[:, None] - place < window
    return seen[:, None]


def _routed(model, given):
    """Returns a Mixtral's logits and its balancing loss, which is 2 if its routers prefer no expert.

    The balancing loss is computed here because Mixtral's own `forward` would read the mask in `given` as a
    padding mask.
    """
    from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

    read = model.model(**given, output_router_logits=True)
    experts, active = model.config.num_local_experts, model.config.num_experts_per_tok
    imbalance = load_balancing_loss_func(read.router_logits, experts, active)
    return model.lm_head(read.last_hidden_state), imbalance


class _Corpus:
    """The documents of a world as token numbers, generated once and stored for all models that read them."""

    def __init__(self, numbers, lengths):
        self.numbers, self.ends = numbers, numpy.cumsum(lengths, dtype=numpy.int64)

    @classmethod
    def of(cls, world, seed, folder):
        told = hashlib.sha256(f"{world!r} {seed}".encode()).hexdigest()[:16]
        paths = [folder / f"corpus-{told}-{part}.npy" for part in ("numbers", "lengths")]
        if not all(path.exists() for path in paths):
            print(f"Telling {world.size:,} documents: once, a minute or more.")
            for path, values in zip(paths, _told(world, seed), strict=True):
                replace(path, lambda part, values=values: numpy.save(part, values))
        return cls(*(numpy.load(path, mmap_mode="r") for path in paths))

    def __getitem__(self, index):
        start = self.ends[index - 1] if index else 0
        return self.numbers[start : self.ends[index]]


def _told(world, seed):
    number = {token: number for number, token in enumerate(world.vocabulary())}
    numbers, lengths = array("H"), array("H")
    for document in world.corpus(seed):
        tokens = (BEGIN, *document.words, END)
        numbers.extend([number[token] for token in tokens])
        lengths.append(len(tokens))
    return numpy.frombuffer(numbers, numpy.uint16), numpy.frombuffer(lengths, numpy.uint16)


class _Run:
    """The model, its optimiser, and how far they have come."""

    def __init__(self, recipe, world, steps, folder):
        self.recipe, self.steps, self.folder = recipe, steps, folder
        self.floor, self.losses, self.tokens, self.seconds = world.floor().loss, [], 0, 0.0
        self.model = recipe.make_model(world)
        self.weights = dict(self.model.named_parameters())
        # Decay pulls matrices towards zero; scales and biases are left alone, as is usual.
        matrices = [weight for weight in self.weights.values() if weight.ndim > 1]
        others = [weight for weight in self.weights.values() if weight.ndim < 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices}, {"params": others, "weight_decay": 0.0}],
            betas=(0.9, recipe.beta2),
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        self.checkpoint = folder / "checkpoint.safetensors"
        if self.checkpoint.exists():
            self._load()

    @property
    def done(self):
        """How many steps have been made."""
        return len(self.losses)

    def step(self, documents):
        """One step of AdamW on the mean loss of all tokens of these documents; keeps that loss."""
        recipe = self.recipe
        climbing = (self.done + 1) / min(recipe.warmup, self.steps)
        rate = recipe.learning_rate * min(climbing, 1) * (1 - self.done / self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if recipe.window_from:
            closed = self.done >= recipe.window_from * self.steps
            self.model.config.sliding_window = recipe.shape["sliding_window"] if closed else None
        ids, positions, labels = pack(documents)
        mask = apart(positions, getattr(self.model.config, "sliding_window", None))
        given = {"input_ids": ids, "attention_mask": mask, "position_ids": positions, "use_cache": False}
        if recipe.balance:
            logits, imbalance = _routed(self.model, given)
        else:
            logits, imbalance = self.model(**given).logits, 0
        loss = cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        # Without the balancing loss a few experts take all tokens, and the others learn nothing.
        (loss + recipe.balance * imbalance).backward()
        torch.nn.utils.clip_grad_norm_(self.weights.values(), recipe.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.losses.append(loss.item())
        self.tokens += int((labels != IGNORED).sum())

    def save(self):
        """Write all that is needed to go on, under another name first: a kill leaves the last one whole."""
        from safetensors.torch import save_file

        tensors = {"losses": torch.tensor(self.losses, dtype=torch.float64)}
        tensors |= {f"weight {name}": weight.data for name, weight in self.weights.items()}
        tensors |= optimizer_tensors(self.optimizer, self.weights)
        facts = {"seconds": str(self.seconds), "tokens": str(self.tokens)}
        replace(self.checkpoint, lambda part: save_file(tensors, part, metadata=facts))

    def _load(self):
        from safetensors import safe_open

        try:
            with safe_open(self.checkpoint, "pt") as file:
                facts = file.metadata()
                self.seconds, self.tokens = float(facts["seconds"]), int(facts["tokens"])
                self.losses = file.get_tensor("losses").tolist()
                for name, weight in self.weights.items():
                    weight.data.copy_(file.get_tensor(f"weight {name}"))
                load_optimizer(self.optimizer, self.weights, file, self.done)
        except Exception as error:
            raise CourseError(
                f"{self.checkpoint} can't be read ({error}): delete it, and the training begins anew."
            ) from error


def _go_on(run, corpus, minutes):
    """Makes the remaining steps; returns whether all are made (False if `minutes` came first)."""
    from tqdm.auto import tqdm

    page = LivePage(run.folder, seconds=30)
    batch, began, at_start = run.recipe.batch, time.monotonic(), run.tokens
    before, saved = run.seconds, began
    with tqdm(total=run.steps, initial=run.done, unit="step", desc=run.recipe.name) as bar:
        while run.done < run.steps:
            first = run.done * batch
            run.step([corpus[index] for index in range(first, first + batch)])
            now = time.monotonic()
            run.seconds = before + now - began
            recent = run.losses[-50:]
            bar.set_postfix_str(
                f"loss {sum(recent) / len(recent):.3f}, floor {run.floor:.3f}, "
                f"{(run.tokens - at_start) / (now - began):,.0f} tokens/s",
                refresh=False,
            )
            bar.update()
            pause = minutes is not None and now - began >= 60 * minutes
            if now - saved >= SECONDS_BETWEEN_CHECKPOINTS or run.done == run.steps or pause:
                run.save()
                page.draw(_picture(run))
                saved = now
            if pause and run.done < run.steps:
                return False
    return True


def _picture(run):
    """The loss over the steps with the entropy floor."""
    from course_utils import views

    edges, means = mean_losses(run.losses, points=20)
    return views.lines(
        edges,
        {"training": means},
        "steps",
        "loss (nats per token)",
        baseline=run.floor,
        baseline_label="entropy floor",
        title=f"{run.recipe.title}: {run.done:,} of {run.steps:,} steps",
    )


def _finish(run, world):
    """Writes the folder that `from_pretrained` loads, with its card; it appears complete or not at all."""
    from course_utils.training import card

    building = run.folder / "model.building"
    shutil.rmtree(building, ignore_errors=True)
    run.model.eval()
    run.model.save_pretrained(building)
    world.tokenizer().save_pretrained(building)
    card.write(run, world, building)
    os.replace(building, run.folder / "model")
