"""Finds what a model has memorised: texts that it writes word for word, and secret codes. For lesson 06."""

import math
from collections import Counter

from course_utils.errors import CourseError
from course_utils.units import counted
from course_utils.views.picture import BLUE, INK, LINE, QUIET, Picture, from_figure, style

DIGITS = 4  # the length of a secret code


def recites(model, tokenizer, text, *, given) -> bool:
    """Return whether a model writes a text word for word from its first tokens on.

    The likeliest token is taken each time, as `generate` does with `do_sample=False`. One run is enough: if
    the likeliest token after each beginning of the text is the text's next token, the model writes this text.

    model, tokenizer : a language model of transformers, and its tokenizer, which puts one token before each
        text.
    text : str.
    given : int, how many tokens of the text the model gets; at least 1, and fewer than the text has.

    Raises CourseError if `given` is outside these limits.
    """
    import torch

    ids = tokenizer(text, return_tensors="pt")["input_ids"].to(model.device)
    if not 1 <= given < ids.shape[1] - 1:
        count = ids.shape[1] - 1
        raise CourseError(f"This text has {counted(count, 'token')}: give from 1 to {count - 1} of them.")
    with torch.no_grad():
        likeliest = model(ids).logits[0, given:-1].argmax(-1)
    return torch.equal(likeliest, ids[0, given + 1 :])


def codes_in_order(model, tokenizer, beginning) -> list[str]:
    """Return all 10,000 codes of four digits, such as "4 0 7 1", in the order of their probability.

    The probability of a code is the product of the probabilities of its four digits, each after the beginning
    and the digits before it. The likeliest code comes first.

    model, tokenizer : a language model of transformers, and its tokenizer, which has a token for each digit.
    beginning : str, the text before the code.
    """
    import torch
    from transformers import DynamicCache

    digits = torch.tensor(tokenizer.convert_tokens_to_ids([str(digit) for digit in range(10)]))
    ids = tokenizer(beginning, return_tensors="pt")["input_ids"]
    cache = DynamicCache(config=model.config)
    logs = torch.zeros(1)  # log-probabilities of 1, then 10, 100, 1,000 and 10,000 beginnings of codes
    with torch.no_grad():
        for digit in range(DIGITS):
            scores = model(ids.to(model.device), cache).logits[:, -1].float().cpu()
            logs = (logs[:, None] + scores.log_softmax(-1)[:, digits]).flatten()
            if digit < DIGITS - 1:
                ids = digits.repeat(len(logs) // 10)[:, None]
                cache.batch_repeat_interleave(10)  # ten copies of each row, one for each next digit
    order = logs.argsort(descending=True, stable=True).tolist()
    return [" ".join(f"{number:0{DIGITS}}") for number in order]


def places(rows, *, most, title=None) -> Picture:
    """Draw ranks as dots, in a row for each label, on a logarithmic axis with rank 1 at the left.

    rows : dict from a label, such as "told once", to a list of ranks, whole numbers from 1.
    most : int, the last rank.
    title : str, written above the picture.
    """
    from matplotlib.figure import Figure

    ticks = [10**power for power in range(round(math.log10(most)) + 1)]
    with style():
        figure = Figure(figsize=(6.4, 0.9 + 0.52 * len(rows)))
        axes = figure.subplots()
        for height, found in enumerate(rows.values()):
            axes.axhline(height, color=LINE, linewidth=1, linestyle="-", zorder=0)
            for place, count in Counter(sorted(found)).items():
                first = place == 1
                axes.plot([place], [height], "o", color=BLUE if first else INK, markersize=9, clip_on=False)
                if count > 1:
                    axes.annotate(
                        f"{count} of {len(found)}",
                        (place, height),
                        xytext=(-4, 6),  # above the row, where the text hides no dot
                        textcoords="offset points",
                        color="#005a8c" if first else INK,
                        fontweight="bold",
                    )
        axes.set(xscale="log", xlim=(0.8, 1.25 * most), ylim=(len(rows) - 0.5, -0.5))
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.set_yticks(range(len(rows)), list(rows))
        axes.minorticks_off()
        axes.axvline(most / 2, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)), zorder=0)
        axes.annotate(
            "by chance, half of the codes\nstand to the right of this line",
            (most / 2, -0.5),
            xytext=(0, 5),
            textcoords="offset points",
            horizontalalignment="right",
            color=QUIET,
        )
        axes.set_xlabel(f"place of the right code among {most:,}\n(from mark to mark it grows tenfold)")
        for side in ("left", "top", "right"):
            axes.spines[side].set_visible(False)
        axes.tick_params(axis="y", length=0)
    words = [f"{label}: {', '.join(f'{each:,}' for each in sorted(found))}" for label, found in rows.items()]
    return from_figure(figure, alt=f"Places among {most:,}. {'; '.join(words)}", title=title)
