"""Evaluates models on TinyWorld's benchmarks, and by votes between their answers, for lesson 10."""

import copy
import re
from itertools import combinations

from course_utils.errors import CourseError
from course_utils.opened.learning import batch

_TOKENS = 10  # the most tokens of an answer in `contests`
_SENTENCE = re.compile(r"[^.!<]*[.!]?”?")


def answer(model, tokenizer, prompt, tokens=40) -> str:
    """Return what a model writes after a prompt if it takes the likeliest token each time.

    model, tokenizer : a language model of transformers, and its tokenizer.
    prompt : str, which is not part of the answer.
    tokens : int, the most that the model writes.
    """
    inputs = tokenizer(prompt, return_tensors="pt")
    output = model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
    return tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def chosen_words(model, tokenizer, items) -> list[str]:
    """Return, for each item, the likeliest of its choices, by the model's scores.

    model, tokenizer : a language model of transformers, and its tokenizer.
    items : list of `Item`, the questions of a TinyWorld benchmark. Each choice of an item is one token.
    """
    words = []
    for row, item in zip(_scores_after(model, tokenizer, items), items, strict=True):
        numbers = tokenizer.convert_tokens_to_ids(list(item.choices))
        words.append(item.choices[row[numbers].argmax().item()])
    return words


def written_words(model, tokenizer, items) -> list[str]:
    """Return, for each item, the likeliest word of the model's whole vocabulary.

    model, tokenizer, items : as for `chosen_words`.
    """
    return tokenizer.convert_ids_to_tokens(_scores_after(model, tokenizer, items).argmax(-1).tolist())


def right_or_wrong(words, items) -> list[bool]:
    """Return, for each item, whether the word is the item's right answer.

    words : list of str, an answer for each item, such as those of `chosen_words`.
    items : as for `chosen_words`.
    """
    return [word == item.right for word, item in zip(words, items, strict=True)]


def twins(world, items) -> list:
    """Return for each item of the benchmark `memory` the same story, told with another colour.

    The new colour is the next choice after the right answer.

    world : the TinyWorld that the items are from.
    items : list of `Item`.
    """
    from course_utils.worlds.tinyworld import benchmark

    others = [item.choices[(item.answer + 1) % len(item.choices)] for item in items]
    return [benchmark.retold(world, item, colour=other) for item, other in zip(items, others, strict=True)]


def contests(models, tokenizer, items) -> list[tuple]:
    """Let each pair of models continue the same prompts, and return the contests in random order.

    A contest is (prompt, (left model's name, its answer), (right model's name, its answer)). If the two
    answers are equal, there is no contest. The same models and items give the same order.

    models : dict from a name to a language model of transformers; all share one tokenizer.
    tokenizer : this tokenizer.
    items : as for `chosen_words`.
    """
    import numpy

    endings = {name: _endings(model, tokenizer, items) for name, model in models.items()}
    found, rng = [], numpy.random.default_rng(0)
    for index, item in enumerate(items):
        for pair in combinations(models, 2):
            left, right = rng.permutation(pair).tolist()
            if endings[left][index] != endings[right][index]:
                found.append((item.prompt, (left, endings[left][index]), (right, endings[right][index])))
    return [found[index] for index in rng.permutation(len(found))]


def votes_of_the_world(world, pairs) -> list[tuple]:
    """Return a vote on each contest. An answer that can occur in TinyWorld's stories beats one that can't.

    Each vote is (left model's name, right model's name, result). The result is 1.0 if only the left answer is
    allowed, 0.0 if only the right-hand answer is, and 0.5 otherwise.

    world : a TinyWorld.
    pairs : list of contests, as `contests` returns them.
    """

    def allows(text):
        try:
            return bool(world.following(text))
        except CourseError:
            return False

    votes = []
    for prompt, (left, one), (right, other) in pairs:
        fits, other_fits = allows(f"{prompt} {one}"), allows(f"{prompt} {other}")
        votes.append((left, right, (1 + fits - other_fits) / 2))
    return votes


def trained_on(model, tokenizer, texts, laps=12):
    """Return a copy of a model, trained on some texts in batches of eight, as in lesson 05.

    model, tokenizer : a language model of transformers, which stays as it is, and its tokenizer.
    texts : list of str.
    laps : int, how often the model is trained on each text.
    """
    import torch

    copied = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(copied.parameters(), lr=0.003)
    for _ in range(laps):
        for start in range(0, len(texts), 8):
            loss = copied(**batch(tokenizer, texts[start : start + 8])).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return copied


def _scores_after(model, tokenizer, items):
    """Return the scores of all next tokens after each item's prompt, as a tensor (items, tokens)."""
    import torch

    with torch.no_grad():
        return model(**_inputs(tokenizer, items), logits_to_keep=1).logits[:, -1]


def _endings(model, tokenizer, items):
    """Return for each item the text with which the model ends the sentence that the prompt begins."""
    inputs = _inputs(tokenizer, items)
    output = model.generate(**inputs, max_new_tokens=_TOKENS, do_sample=False)
    texts = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :])
    return [_SENTENCE.match(text.strip())[0] for text in texts]


def _inputs(tokenizer, items):
    """Return the items' prompts as one batch, padded on the left."""
    prompts = [item.prompt for item in items]
    return tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
