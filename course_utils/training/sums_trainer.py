"""Trains the tiny reasoner on sums, and measures it on sums that it never read.

A text of the training is the sum, what is written between <think> and </think>, and the answer. Only what
follows from the sum counts in the loss: the steps, the </think> after the last step, the answer and </s>. The
numbers of the sum and a </think> before the last step are drawn by lot, so they can't be predicted.
"""

from dataclasses import asdict

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from course_utils.training import card
from course_utils.training.stages import IGNORED, Training, only_stage
from course_utils.worlds import sums


class SumsTraining(Training):
    """A Llama that reads each text once. Text number i is the same in each training with the same seed."""

    unit = "loss (nats per token)"
    floor = 0.0  # all tokens that count in the loss follow from the sum

    def __init__(self, recipe, folder):
        super().__init__(recipe, folder)
        self.tokenizer, self.model = sums.tokenizer(), recipe.make_model()
        self.stages = [only_stage("sums", self.model, self.loss, recipe)]

    def loss(self, indices, generator=None):
        """Return (loss to minimise, loss to record) of the texts with these numbers. The two are the same."""
        ids, labels = batch([sums.example(index, self.recipe.seed) for index in indices])
        logits = self.model(input_ids=ids, use_cache=False).logits
        loss = cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        return loss, loss

    def write(self, folder):
        """Write the model, its tokenizer and its card into a folder."""
        from course_utils.opened import thinking

        self.model.eval()
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        run, recipe = self.runs[-1], asdict(self.recipe)
        measured = {"right": thinking.measure(self.model, self.tokenizer)}
        measured["training"] = {
            "steps": recipe.pop("steps"),
            "minutes": round(run.seconds / 60, 1),
            "last_loss": round(run.recent_loss, 5),
            "recipe": recipe,
            "machine": card.machine(),
        }
        card.write(folder, measured, lambda measured: card_text(self.model, measured))


def card_text(model, measured):
    """Return the model card in Markdown, filled with the measured values."""
    return card.text("sums", measured, model=model, parameters=model.num_parameters())


def batch(examples):
    """Return two tensors (texts, tokens) of texts that `sums.example` made: token numbers, and the labels.

    The label of a token is the number of the next token, or IGNORED if the next token does not follow from
    the sum. Shorter texts are padded at their end, where padding does not change earlier predictions.
    """
    number = {token: number for number, token in enumerate(sums.VOCABULARY)}
    rows = []
    for question, written, answer in examples:
        inner = written.removeprefix(sums.OPEN).removesuffix(sums.CLOSE)
        tokens = [sums.BEGIN, *question, sums.OPEN, *inner, sums.CLOSE, *answer, sums.END]
        ids = torch.tensor([number[token] for token in tokens])
        labels = torch.tensor([*ids[1:], IGNORED])
        opened, closed = tokens.index(sums.OPEN), tokens.index(sums.CLOSE)
        labels[:opened] = IGNORED
        if inner.count(";") < question.count("+"):  # this </think> is before the last step
            labels[closed - 1] = IGNORED
        rows.append((ids, labels))
    ids, labels = zip(*rows, strict=True)
    return pad_sequence(ids, True, number[sums.PAD]), pad_sequence(labels, True, IGNORED)
