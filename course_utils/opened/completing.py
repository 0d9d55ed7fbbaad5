"""Lets a tiny model continue texts, and keeps the results until the model changes."""

import weakref
from collections import defaultdict
from collections.abc import Sequence

from course_utils.opened.changes import state
from course_utils.worlds.tokens import END

MOST_TOKENS = 120  # the most tokens written after a text; a sum of eight terms needs 82 with its steps
_known = weakref.WeakKeyDictionary()  # model -> (its state, {what was asked: tokens written})


def completions(
    model, tokenizer, texts: Sequence[str], max_new_tokens: int = MOST_TOKENS, stop: str = END
) -> list[str]:
    """Return what a model writes after each text, up to </s>, to `stop` or to `max_new_tokens` tokens.

    At each step the model takes the likeliest token.

    Texts of the same number of tokens are continued together, with the same results as if each were continued
    alone. The results are kept until `changes.state` says that the model has changed.
    """
    import torch

    ends = tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(stop)
    now = state(model), str(model.generation_config)
    if now[0] is None or model not in _known or _known[model][0] != now:
        _known[model] = now, {}
    known = _known[model][1]
    asked = [(tuple(tokenizer(text).input_ids), max_new_tokens, ends) for text in texts]
    by_length = defaultdict(list)
    for question in dict.fromkeys(asked):
        if question not in known:
            by_length[len(question[0])].append(question)
    for length, questions in by_length.items():
        ids = torch.tensor([ids for ids, *_ in questions])
        written = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            eos_token_id=list(ends),
        )
        known.update(zip(questions, written[:, length:].tolist(), strict=True))
    return [tokenizer.decode(known[question], skip_special_tokens=True) for question in asked]
