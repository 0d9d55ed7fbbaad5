"""Trains the tiny reasoner, which adds numbers in written steps, and the tiny callers, which call tools.

A module of `worlds`, such as `worlds.sums`, makes the training texts, and each text is read once. For each
token of a text, the module says whether the token counts in the loss. The tokens that the model has to write
count. Questions, results of tools and tokens drawn at random don't count, because nobody can predict them.
"""

from dataclasses import asdict
from importlib import import_module

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from course_utils.training import card
from course_utils.training.stages import IGNORED, Training, only_stage


class TextTraining(Training):
    """Trains a Llama, which reads each text once. Text number i depends only on i and on the recipe."""

    unit = "loss (nats per token)"
    # The lowest possible loss. It is 0, because every token that counts in the loss can be inferred from the
    # tokens before it.
    floor = 0.0

    def __init__(self, recipe, folder):
        super().__init__(recipe, folder)
        self.world = recipe.make_world()
        self.tokenizer, self.model = self.world.tokenizer(), recipe.make_model()
        self.stages = [only_stage(recipe.world, self.model, self.loss, recipe)]

    def loss(self, indices, generator=None):
        """Return (loss to minimise, loss to record) of the texts with these numbers. The two are the same."""
        recipe = self.recipe
        texts = [self.world.training_text(index, recipe.seed, **recipe.texts) for index in indices]
        ids, labels = batch(self.world.VOCABULARY, texts)
        logits = self.model(input_ids=ids, use_cache=False).logits
        loss = cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        return loss, loss

    def write(self, folder):
        """Write the model, its tokenizer and its card into a folder."""
        self.model.eval()
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        run, recipe = self.runs[-1], asdict(self.recipe)
        room = import_module(f"course_utils.opened.{self.recipe.opened}")
        measured = room.measure(self.model, self.tokenizer)
        measured["training"] = {
            "steps": recipe.pop("steps"),
            "minutes": round(run.seconds / 60, 1),
            "last_loss": round(run.recent_loss, 5),
            "recipe": recipe,
            "machine": card.machine(),
        }
        card.write(folder, measured, lambda measured: card_text(self.model, measured, card.remarks(folder)))


def card_text(model, measured, remarks):
    """Return the model card in Markdown, filled with the measured values.

    remarks : a person's remarks on these weights, as `card.remarks` returns them
    """
    world = measured["training"]["recipe"]["world"]
    return card.text(world, measured, parameters=model.num_parameters(), remarks=remarks)


def batch(vocabulary, texts):
    """Return two tensors (texts, tokens): the number of each token, and its label.

    The label of a token is the number of the next token, or IGNORED if the next token does not count in the
    loss. Shorter texts are padded at their end, where padding does not change earlier predictions.

    vocabulary : all tokens, in the order of their numbers; the first is the padding
    texts : [(tokens, counts), …]; counts says for each token whether the token counts in the loss
    """
    number = {token: number for number, token in enumerate(vocabulary)}
    rows = []
    for tokens, counts in texts:
        ids = torch.tensor([number[token] for token in tokens])
        labels = torch.where(torch.tensor(counts), ids, IGNORED)
        rows.append((ids, torch.cat([labels[1:], torch.tensor([IGNORED])])))
    ids, labels = zip(*rows, strict=True)
    return pad_sequence(ids, True, 0), pad_sequence(labels, True, IGNORED)
