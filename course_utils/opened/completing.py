"""What a tiny model writes after a text."""

from collections import defaultdict
from collections.abc import Sequence

from course_utils.worlds.tokens import END

MOST_TOKENS = 120  # the most tokens written after a text; a sum of eight terms needs 82


def completions(
    model, tokenizer, texts: Sequence[str], max_new_tokens: int = MOST_TOKENS, stop: str = END
) -> list[str]:
    """Return what a model writes after each text, always the likeliest token, up to </s> or `stop`.

    Texts of the same number of tokens are continued together, with the same results as one by one.
    """
    import torch

    found, by_length = {}, defaultdict(list)
    ends = [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids(stop)]
    for text in dict.fromkeys(texts):
        ids = tokenizer(text).input_ids
        by_length[len(ids)].append((text, ids))
    for length, rows in by_length.items():
        ids = torch.tensor([ids for _, ids in rows])
        written = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            eos_token_id=ends,
        )
        for (text, _), row in zip(rows, written[:, length:].tolist(), strict=True):
            found[text] = tokenizer.decode(row, skip_special_tokens=True)
    return [found[text] for text in texts]
