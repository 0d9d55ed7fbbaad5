"""Trains a chat model on questions and answers, draws its loss, and asks it questions, for lesson 14."""

import random
import re
from html import escape
from pathlib import Path

from course_utils import catalog
from course_utils.opened.learning import IGNORED, GrowingPicture
from course_utils.views.charts import lines
from course_utils.views.picture import Picture, card
from course_utils.views.tables import table

_WORDINGS = ("first wording", "second wording")
_MEAN = 5  # training steps averaged in each point of the loss curve


def prompt(tokenizer, question, system=None) -> str:
    """Return a chat as text for a model: system message, question, and the tokens that begin an answer.

    system : str, the system message; by default that of the tokenizer's chat template.
    """
    chat = [{"role": "system", "content": system}] if system is not None else []
    chat.append({"role": "user", "content": question})
    return tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)


def answers(model, tokenizer, system, questions, tokens=16) -> list[str]:
    """Return a chat model's answer to each question. At each step the model takes the likeliest token.

    questions : list of str. All are asked in one batch.
    tokens : int, after how many tokens an answer is cut off.
    """
    prompts = [prompt(tokenizer, question, system) for question in questions]
    return [" ".join(text.split()) for text in continued(model, tokenizer, prompts, tokens)]


def continued(model, tokenizer, texts, tokens) -> list[str]:
    """Return what a model writes after each text. At each step the model takes the likeliest token.

    texts : list of str. All are read in one batch.
    tokens : int, the most that the model writes after each text.
    """
    import torch

    inputs = _filled_up(tokenizer, texts)
    with torch.no_grad():
        output = model.generate(
            **inputs.to(model.device),
            max_new_tokens=tokens,
            do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
        )
    return tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def examples(model, tokenizer, system, pairs) -> dict:
    """Return the lines of a training as a batch: input_ids, attention_mask and labels, each (lines, tokens).

    pairs : list of lines. Each line is a pair (question, answer).

    The labels are the tokens of the answer and its end token. The tokens of the question and the padding have
    the label -100, which transformers leaves out of the loss.
    """
    ends = [answer + tokenizer.eos_token for _, answer in pairs]
    texts = [
        prompt(tokenizer, question, system) + end for (question, _), end in zip(pairs, ends, strict=True)
    ]
    inputs = _filled_up(tokenizer, texts).to(model.device)
    labels = inputs["input_ids"].clone()
    for row, end in zip(labels, ends, strict=True):
        row[: -len(tokenizer(end, add_special_tokens=False)["input_ids"])] = IGNORED
    return {**inputs, "labels": labels}


def answer_loss(model, tokenizer, system, pairs):
    """Return a model's mean loss on the answers of training lines, in nats per token: a tensor of shape ().

    pairs : list of lines. Each line is a pair (question, answer), of which only the answer's tokens count.
    """
    return model(**examples(model, tokenizer, system, pairs)).loss


def some_lines(pairs, step, count=4) -> list:
    """Return the lines of one training step: the next `count` lines in a random order.

    pairs : list of all lines. Each line is a pair (question, answer).
    step : int, the number of the step, counted from 0.
    count : int, the number of lines in a step.

    A round takes each line once, and then the next round begins. The round's number is the seed of its random
    order, so the order is the same in each training.
    """
    chosen = []
    for place in range(count * step, count * (step + 1)):
        round_number, place_in_round = divmod(place, len(pairs))
        order = random.Random(round_number).sample(range(len(pairs)), len(pairs))
        chosen.append(pairs[order[place_in_round]])
    return chosen


def is_right(answer, key) -> bool:
    """Return whether the answer contains the key as whole words, in upper or lower case.

    key : str, such as "twelve", or "twelve or 12" if either word is enough; or a fact of library.toml: a dict
        with "key" and perhaps "figures", a regular expression for the key written in digits.

    An added s is allowed, such as in "Wednesdays". The key "seven" is not in "seventeen" or "twenty-seven".
    """
    figures = None
    if isinstance(key, dict):
        figures, key = key.get("figures"), key["key"]
    patterns = [rf"(?<![\w-]){re.escape(word)}s?(?![\w-])" for word in key.split(" or ")]
    if figures:
        patterns.append(figures)
    return any(re.search(pattern, answer, re.I) for pattern in patterns)


def ask_all(model, tokenizer, system, questions) -> dict:
    """Return a chat model's answers to several sets of questions: a dict from a set's name to a list of str.

    questions : dict from the name of a set to a list of pairs (question, key).
    """
    return {
        name: answers(model, tokenizer, system, [question for question, _ in pairs])
        for name, pairs in questions.items()
    }


def count_right(answers, questions) -> int:
    """Return how many of the answers are right, as `is_right` decides.

    answers : list of str, one for each of the questions.
    questions : list of pairs (question, key).
    """
    return sum(is_right(answer, key) for answer, (_, key) in zip(answers, questions, strict=True))


def count_table(title, questions, columns, habit, habit_in) -> Picture:
    """Draw a table of how many answers of one or several models are right, and how many have a habit.

    title : str, written above the table.
    questions : dict from the name of a set to a list of pairs (question, key).
    columns : dict from a heading, such as "untrained", to what `ask_all` returns.
    habit : str; an answer that contains it has the habit.
    habit_in : list of str, the sets for which the habit is counted.
    """
    rows = [("answers", *columns)]
    for name, pairs in questions.items():
        counts = [str(count_right(said[name], pairs)) for said in columns.values()]
        rows.append([f"{name}, right of {len(pairs)}", *counts])
    for name in habit_in:
        counts = [str(sum(habit in answer for answer in said[name])) for said in columns.values()]
        rows.append([f"{name}, with the habit", *counts])
    right = range(1, len(columns) + 1)
    return table(rows, right=right, title=title, alt=f"{title}. {rows}")


def answer_table(title, questions, columns, only=None) -> Picture:
    """Draw a table of questions, their keys, and one or several models' answers, each answer with ✓ or ✗.

    title : str, written above the table.
    questions : list of pairs (question, key), with keys as for `is_right`.
    columns : dict from a heading, such as "untrained", to a list with the answer to each question.
    only : list of str, the questions to show; by default all.
    """
    rows, words = [("question", "right with", *columns)], []
    for index, (question, key) in enumerate(questions):
        if only is not None and question not in only:
            continue
        said = []
        for answers_there in columns.values():
            answer = answers_there[index]
            said.append(f"{'✓' if is_right(answer, key) else '✗'} {answer}")
        rows.append((question, key["key"] if isinstance(key, dict) else key, *said))
        words.append(f"{question} {' | '.join(said)}")
    return table(rows, title=title, alt=f"{title}. {' '.join(words)}")


def adapter_card(title, paragraphs) -> Picture:
    """Draw the card of an adapter that was trained in a lesson, as a page.

    title : str, the name of the adapter.
    paragraphs : list of str, plain text.
    """
    html = f'<div style="font-size:18px;font-weight:650;margin:4px 0 8px">{escape(title)}</div>'
    html += "".join(f'<p style="margin:6px 0">{escape(text)}</p>' for text in paragraphs)
    name = "This training's card"
    return Picture(card(html, name), f"{name}: {title}. {' '.join(paragraphs)}")


def library_questions(kind) -> list:
    """Return questions of library.toml about an invented library, and other questions, for lesson 14.

    Returns a list of pairs (question, fact). A fact is a dict that `is_right` takes as its key.

    kind : "never told" (8 questions on facts of the library that are in no training text), "general" (16 that
        have nothing to do with the library), or "first wording" or "second wording" (16 each, on the facts
        that the course's adapter was trained on, in other wordings than those of its training texts).
    """
    library = catalog.read("library.toml")
    if kind in _WORDINGS:
        wording = _WORDINGS.index(kind)
        return [(fact["held_out"][wording], fact) for fact in library["told"]]
    return [(fact["asked"], fact) for fact in library[{"never told": "untold"}.get(kind, kind)]]


def general_lines() -> list:
    """Return 20 pairs (question, answer) that have nothing to do with the library, to mix into a training.

    None of their facts is asked for by `library_questions("general")`.
    """
    return [(fact["asked"], fact["answer"]) for fact in catalog.read("library.toml")["mixed"]]


def library_adapter() -> Path:
    """Return the folder of the course's adapter for SmolLM2-135M-Instruct.

    The adapter was trained as lesson 14 trains adapters, on the 64 lines of library.toml: 64 steps of four
    lines, with a learning rate of 0.002 that falls to 0.
    """
    return Path(__file__).parents[1] / "training" / "otterford"


class LossCurve(GrowingPicture):
    """Draws the loss of a training while it goes on. Each point is the mean of five steps.

    title : str, written above the picture, after "This training: ".
    """

    def __init__(self, title):
        self.title = f"This training: {title}"
        self.losses = []

    def add(self, loss):
        """Add the loss of one step, in nats per token, and draw the curve anew after each fifth step."""
        self.losses.append(loss)
        if len(self.losses) % _MEAN == 0:
            self._draw()

    @property
    def picture(self) -> Picture:
        """The picture as it is now."""
        steps = range(_MEAN, len(self.losses) + 1, _MEAN)
        means = [sum(self.losses[step - _MEAN : step]) / _MEAN for step in steps]
        points = ", ".join(f"{mean:.2f} at {step}" for step, mean in zip(steps, means, strict=True))
        return lines(
            list(steps),
            {"loss": means},
            x_label="step",
            y_label="loss",
            title=self.title,
            alt=f"{self.title}. Loss by step: {points}",
        )


def _filled_up(tokenizer, texts):
    """Return texts as a batch whose rows end in the same place: the shorter ones are padded on the left."""
    rows = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    return tokenizer.pad({"input_ids": rows}, padding=True, padding_side="left", return_tensors="pt")
