"""Rounds weights to few bits, as llama.cpp does, and draws the steps as rulers. For lesson 13."""

import contextlib
import math

from course_utils.views.picture import BLUE, INK, LINE, VERMILLION, Picture, from_figure, style

BLOCK = 32  # how many weights share a scale


def round_to(weights, bits):
    """Return weights rounded to multiples of a step, which is computed for each block of 32 weights.

    weights : tensor whose number of weights is a multiple of 32.
    bits : int, 2 to 8. At 4 bits the result is that of llama.cpp's format Q4_0.

    A block's step is the weight farthest from 0, divided by -2**(bits - 1), and is stored at 16 bits. Of the
    2**bits multiples, the one farthest from 0 is this weight.
    """
    blocks = weights.reshape(-1, BLOCK)
    half = 2 ** (bits - 1)
    places = blocks.abs().argmax(1, keepdim=True)
    step = blocks.gather(1, places) / -half
    steps = (blocks * (1 / step)).add_(half + 0.5).floor_().nan_to_num_()
    steps = steps.clamp_(0, 2 * half - 1).sub_(half)
    return steps.mul_(step.half()).reshape(weights.shape)


@contextlib.contextmanager
def rounded(model, bits, only=""):
    """Round a model's matrices to few bits inside a `with` block, and restore them afterwards.

    model : a language model of transformers.
    bits : int, 2 to 8; 16 rounds to 16-bit numbers, 32 changes nothing.
    only : str, such as "mlp" or "self_attn": only the matrices whose name contains it are rounded.

    Vectors (the norms) stay as they are, as in llama.cpp.
    """
    before = {
        name: weights.data for name, weights in model.named_parameters() if weights.ndim == 2 and only in name
    }
    try:
        for name, weights in before.items():
            if bits < 16:
                model.get_parameter(name).data = round_to(weights, bits)
            elif bits < 32:
                model.get_parameter(name).data = weights.half().to(weights.dtype)
        yield model
    finally:
        for name, weights in before.items():
            model.get_parameter(name).data = weights


def unsure_among(model, tokenizer, text) -> float:
    """Return a model's perplexity on a text: e to the power of the mean loss per token.

    The model is as unsure as if it chose among this many equally likely tokens.

    model, tokenizer : a language model of transformers, and its tokenizer.
    text : str, of two tokens or more; or a list of such texts, for the perplexity over all their tokens.
    """
    import torch

    total = count = 0
    for each in [text] if isinstance(text, str) else text:
        numbers = tokenizer(each, return_tensors="pt")["input_ids"].to(model.device)
        with torch.no_grad():
            loss = model(numbers, labels=numbers).loss  # mean over the predicted tokens, in nats
        total += loss.item() * (numbers.shape[1] - 1)  # the first token is not predicted
        count += numbers.shape[1] - 1
    return math.exp(total / count)


def rulers(weights, rounded, *, from_ruler=()) -> Picture:
    """Draw a ruler for each number of bits, the weights above it, and an arrow from each weight to its tick.

    weights : list of numbers.
    rounded : dict from the number of bits to (step between two ticks, list of the rounded weights).
    from_ruler : list of ticks on which the weights lie. They are drawn as a ruler through the weights.
    """
    with style():
        import matplotlib.figure

        figure = matplotlib.figure.Figure(figsize=(6.6, 1.2 * len(rounded) + 0.4))
        axes = figure.subplots()
        sentences = []
        for row, (bits, (step, values)) in enumerate(rounded.items()):
            y = -1.8 * row
            half = 2 ** (bits - 1)
            ticks = [step * number for number in range(-half, half)]
            axes.plot([ticks[0], ticks[-1]], [y, y], color=LINE, linewidth=2, linestyle="-", zorder=0)
            axes.plot(ticks, [y] * len(ticks), "|", color=INK, markersize=11, markeredgewidth=1.5)
            if from_ruler:
                ends = [from_ruler[0], from_ruler[-1]]
                axes.plot(ends, [y + 0.76] * 2, color=LINE, linewidth=2, linestyle="-", zorder=0)
                axes.plot(from_ruler, [y + 0.76] * len(from_ruler), "|", color=INK, markersize=16, zorder=1)
                for tick in ends:
                    axes.text(tick, y + 0.98, f"{tick:.2g}", ha="center", color=INK, fontsize=10)
                axes.text(ends[1] + 0.04, y + 0.76, "the first ruler", va="center", color=INK, fontsize=11)
                axes.text(ticks[-1] + 0.04, y, "ours", va="center", color=INK, fontsize=11)
            for weight, value in zip(weights, values, strict=True):
                look = {
                    "arrowstyle": "-|>",
                    "color": VERMILLION,
                    "linewidth": 1.3,
                    "shrinkA": 0,
                    "shrinkB": 0,
                }
                axes.annotate("", (value, y + 0.08), (weight, y + 0.72), arrowprops=look)
            axes.plot(weights, [y + 0.76] * len(weights), "o", color=BLUE, markersize=6)
            numbered = {share * ticks[0] + 0 for share in (1, 0.5, 0, -0.5)}  # adding 0 turns -0.0 into 0.0
            for tick in sorted(numbered | {ticks[-1]}):
                axes.text(tick, y - 0.22, f"{tick:.2g}", ha="center", va="top", color=INK, fontsize=10)
            label = f"{bits} bits\n{2**bits} ticks"
            height = y if from_ruler else y + 0.3
            axes.text(ticks[0] - 0.07, height, label, ha="right", va="center", color=INK, fontsize=11)
            moved = max(abs(weight - value) for weight, value in zip(weights, values, strict=True))
            sentences.append(f"{bits} bits, {2**bits} ticks: a weight moves by up to {moved:.2f}")
        axes.set_xlim(min(weights) - 0.4, max(max(weights), -min(weights)) + 0.05)
        axes.set_ylim(-1.8 * (len(rounded) - 1) - 0.7, 1.15)
        axes.axis("off")
    lying = " that lie on the ticks of another ruler" if from_ruler else ""
    alt = f"{len(weights)} weights{lying}, each moved to the nearest tick of a ruler. {'; '.join(sentences)}."
    title = "Rounded twice" if from_ruler else "The same weights on rulers with fewer and fewer ticks"
    return from_figure(figure, alt=alt, title=title)
