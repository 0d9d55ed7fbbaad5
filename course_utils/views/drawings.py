"""Draws a language model, one of its layers, a speech model and a mixture of experts."""

import numpy

from course_utils.units import counted
from course_utils.views.picture import INK, LINE, QUIET, TRACK, Picture, array, from_figure, style

LIT, LIT_EDGE = "#ffe7d6", "#b93a06"  # the colours of a highlighted part

# The parts that `model_drawing` draws, with their descriptions.
PARTS = {
    "tokens": "text, cut into tokens",
    "lists": "a list of numbers for each",
    "attention": "attention: the tokens meet",
    "feed-forward": "feed-forward: each token alone",
    "scores": "a score for each next token",
}


def model_drawing(words, *, layers, lit="", window=None, written=0) -> Picture:
    """Draw how text goes through a language model, from its tokens to a score for each possible next token.

    words : list of str, the tokens of a short text.
    layers : int, how many layers the model has.
    lit : str, the part that is highlighted, a key of PARTS, or "" for none.
    window : int, to how many tokens a token attends, itself included; None for all tokens up to itself.
    written : int, how many of the last tokens the model itself has written. These tokens are highlighted and
        marked as written by the model, and an arrow leads from the scores to the place of the next token.

    Raises ValueError if `lit` is neither a key of PARTS nor "".
    """
    _check_part(lit, PARTS)
    own = len(words) - written  # the index of the first token that the model has written
    with style():
        figure, axes = _blank(height=4.9 if written else 4.7, ylim=(-0.3, 10.5 if written else 10))
        columns = [1 + 7.2 * index / max(1, len(words) - 1) for index in range(len(words))]
        apart = 7.2 / max(1, len(words) - 1)
        wide = min(1.6, 0.93 * apart)  # so that the boxes do not touch
        cell = min(0.24, 0.93 * apart / 5)  # the width of a cell for one number of a list
        for index, (x, word) in enumerate(zip(columns, words, strict=True)):
            new = index >= own
            _box(axes, x - wide / 2, 9.1, wide, 0.7, new or lit == "tokens")
            _centred(axes, x, 9.45, word.strip(), fontsize=11)
            _arrow(axes, x, 9.05, x, 8.55, new)
            for step in range(5):
                _box(axes, x - 2.5 * cell + cell * step, 8.05, cell, 0.45, new or lit == "lists")
            colour = LIT_EDGE if new else LINE
            axes.plot([x, x], [2.2, 8.0], color=colour, linewidth=1.2, linestyle="-", zorder=0)
        if written:
            middle = (columns[own] + columns[-1]) / 2
            _centred(axes, middle, 10.2, "written by the model", color=LIT_EDGE, fontsize=10.5)
            x = columns[-1] + apart
            _box(axes, x - wide / 2, 9.1, wide, 0.7, False)
            _centred(axes, x, 9.45, "?", fontsize=11)
            # The arrow from the scores to the next token goes around all labels.
            way = [(columns[-1] + 1.4, 0.15), (11.9, 0.15), (11.9, 10.2), (x, 10.2)]
            axes.plot(*zip(*way, strict=True), color=LIT_EDGE, linewidth=1.8)
            axes.plot(x, 10, marker="v", color=LIT_EDGE, markersize=7)
        # Draw layers as boxes, one behind the other: at most three, or four if the model has written tokens.
        for shift in (0.45, 0.3, 0.15, 0)[-min(layers, 4 if written else 3) :]:
            _box(axes, 0.1 + shift, 2.4 - shift, 8.9, 5.2, False)
        _box(axes, 0.35, 5.1, 8.4, 2.25, lit == "attention")
        axes.text(0.6, 6.95, "attention", va="center", color=INK, fontweight="bold")
        for later in range(1, len(columns)):
            for earlier in range(max(0, later + 1 - window) if window else 0, later):
                bright = (written and later == len(columns) - 1) or lit == "attention"
                _arrow(axes, columns[earlier], 6.45, columns[later], 5.4, bright)
        _box(axes, 0.35, 2.65, 8.4, 2.1, lit == "feed-forward")
        axes.text(0.6, 4.35, "feed-forward", va="center", color=INK, fontweight="bold")
        for index, x in enumerate(columns):
            _box(axes, x - 0.3, 3.0, 0.6, 0.8, index >= own or lit == "feed-forward")
        _arrow(axes, columns[-1], 2.1, columns[-1], 1.65)
        for step, length in enumerate((2.6, 0.9, 0.6, 0.3)):
            _box(axes, columns[-1] - 1.3, 1.2 - 0.4 * step, length, 0.28, lit == "scores")
        beside = {
            9.45: "tokens",
            8.27: "lists of numbers",
            6.2: "where tokens\nmeet",
            3.7: "each token\nalone",
            0.75: "a score for each\npossible next token",
        }
        if written:
            beside[0.75] = "a score for\neach possible\nnext token"
        label = 9.65 if written else 9.55
        for y, text in beside.items():
            axes.text(label, y, text, va="center", color=QUIET, fontsize=10.5)
        axes.text(label, 5.0, f"{layers} layers", va="center", color=INK, fontsize=10.5, fontweight="bold")
    listed = ", ".join(word.strip() for word in words)
    alt = (
        f"A text is cut into tokens ({listed}). Each becomes a list of numbers. {layers} layers change them: "
    )
    alt += "in the attention part the tokens meet, in the feed-forward part each is changed alone. "
    alt += "Out comes a score for each possible next token."
    if window:
        alt += f" A token sees {window} tokens, itself included."
    if written:
        tokens = ", ".join(word.strip() for word in words[own:])
        alt += f" Highlighted: the tokens that the model has written ({tokens}) go through all layers, too; "
        alt += "an arrow leads from the scores up to the place of the next one."
    if lit:
        alt += f" Highlighted: {PARTS[lit]}."
    return from_figure(figure, alt=alt, title="A language model")


LAYER_PARTS = {
    "q_proj": "which makes the queries",
    "k_proj": "which makes the keys",
    "v_proj": "which makes the values",
    "o_proj": "which ends the attention part",
    "gate_proj": "which makes the gates",
    "up_proj": "which makes what the gates let through",
    "down_proj": "which ends the feed-forward part",
}


def layer_drawing(config, *, lit="") -> Picture:
    """Draw how a token's list of numbers passes through one layer of a Llama, and where each matrix acts.

    config : the model's configuration, with Llama's names in transformers.
    lit : str, the matrix that is highlighted, a key of LAYER_PARTS, or "" for none.

    Raises ValueError if there is no such matrix.
    """
    from matplotlib.patches import Rectangle

    _check_part(lit, LAYER_PARTS)
    heads, keys, size = config.num_attention_heads, config.num_key_value_heads, config.hidden_size
    made = {
        "q_proj": f"{heads} {'query' if heads == 1 else 'queries'}",
        "k_proj": counted(keys, "key"),
        "v_proj": counted(keys, "value"),
    }
    with style():
        figure, axes = _blank(height=4.9, ylim=(-0.6, 10.4))

        def box(x, y, name, width=1.65, height=0.66):
            _box(axes, x, y - height / 2, width, height, name == lit)
            _centred(axes, x + width / 2, y, name, fontsize=10.5)

        stream = 0.7
        _arrow(axes, stream, 10.3, stream, -0.5)
        axes.text(stream + 0.25, 10.15, f"a token's list: {size:,} numbers", va="center", fontsize=10.5)
        for top, name, words in (
            (9.6, "attention", "the tokens meet"),
            (4.7, "feed-forward", "each token alone"),
        ):
            middle, below = top - 2.1, top - 3.75
            axes.add_patch(Rectangle((1.5, top - 4.25), 10.45, 4.25, facecolor=TRACK, edgecolor=LINE))
            axes.text(1.75, top - 0.45, name, va="center", color=INK, fontweight="bold")
            axes.text(1.75, top - 0.95, words, va="center", color=QUIET, fontsize=10)
            _arrow(axes, stream, middle, 1.95, middle)
            box(2.0, middle, "RMSNorm")
            axes.plot(
                [11.05, 11.05, stream],
                [middle - 0.33, below, below],
                color=QUIET,
                linewidth=1.1,
                linestyle="-",
            )
            axes.plot([stream], [below], "o", markersize=15, color="white", markeredgecolor=QUIET)
            _centred(axes, stream, below - 0.02, "+", fontsize=13)
        middle = 9.6 - 2.1
        for up, (matrix, result) in zip((0.85, 0, -0.85), made.items(), strict=True):
            _arrow(axes, 3.7, middle, 4.25, middle + up)
            box(4.3, middle + up, matrix, width=1.45)
            axes.text(5.85, middle + up, result, va="center", color=QUIET, fontsize=10)
            _arrow(axes, 7.25, middle + up, 7.75, middle + 0.7 * up)
        box(7.8, middle, counted(heads, "head"), height=1.9)
        _arrow(axes, 9.5, middle, 10.15, middle)
        box(10.2, middle, "o_proj")
        middle = 4.7 - 2.1
        for up, matrix in ((0.6, "gate_proj"), (-0.6, "up_proj")):
            _arrow(axes, 3.7, middle, 4.25, middle + up)
            box(4.3, middle + up, matrix)
        _arrow(axes, 6.0, middle + 0.6, 6.5, middle + 0.6)
        box(6.55, middle + 0.6, "SiLU", width=1.05)
        _arrow(axes, 7.65, middle + 0.6, 8.35, middle + 0.15)
        _arrow(axes, 6.0, middle - 0.6, 8.35, middle - 0.15)
        _centred(axes, 8.65, middle, "×", fontsize=15)
        _centred(
            axes, 9.55, middle + 0.75, f"{config.intermediate_size:,}\nnumbers", fontsize=10, color=QUIET
        )
        _arrow(axes, 8.95, middle, 10.15, middle)
        box(10.2, middle, "down_proj")
    alt = (
        f"A token's list of {size:,} numbers goes through a layer. The attention part reads it through "
        f"RMSNorm: q_proj, k_proj and v_proj make {', '.join(made.values())}; {counted(heads, 'head')} and "
        "o_proj make of them what is added to the list. The feed-forward part reads the list through "
        f"RMSNorm, too: gate_proj with SiLU, times up_proj, gives {config.intermediate_size:,} numbers, and "
        "down_proj makes of them what is added to the list."
    )
    if lit:
        alt += f" Highlighted: {lit}, {LAYER_PARTS[lit]}."
    return from_figure(figure, alt=alt, title="One layer of a Llama")


SPEECH_PARTS = {
    "sound": "the sound, a list of numbers",
    "picture": "the picture of its pitches",
    "encoder": "the encoder, which makes lists of numbers of the picture",
    "decoder": "the decoder, which writes one token after another",
}


def speech_drawing(sound, picture, written, *, lit="") -> Picture:
    """Draw how a speech model such as Whisper tiny.en turns a sound into tokens.

    sound : array (samples,), the sound.
    picture : array (bands, columns), the spectrogram that the model makes of the sound.
    written : list of str, the tokens that are written so far.
    lit : str, the part that is highlighted, a key of SPEECH_PARTS, or "" for none.

    Raises ValueError if there is no such part.
    """
    _check_part(lit, SPEECH_PARTS)
    with style():
        figure, axes = _blank(height=5.2, ylim=(-0.9, 10.6))
        _box(axes, 0.35, 9.2, 8.4, 1.1, lit == "sound")
        sound = array(sound)
        stretches = [part for part in numpy.array_split(sound, 400) if len(part)]
        peak = abs(sound).max() or 1
        axes.fill_between(
            numpy.linspace(0.55, 8.55, len(stretches)),
            [9.75 + 0.48 * part.min() / peak for part in stretches],
            [9.75 + 0.48 * part.max() / peak for part in stretches],
            color=INK,
        )
        _arrow(axes, 4.55, 9.15, 4.55, 8.75)
        _box(axes, 0.35, 7.2, 8.4, 1.5, lit == "picture")
        axes.imshow(
            array(picture),
            extent=(0.55, 8.55, 7.34, 8.56),
            cmap="Greys",
            origin="lower",
            aspect="auto",
            zorder=2,
        )
        _arrow(axes, 4.55, 7.15, 4.55, 6.75)
        _box(axes, 0.35, 5.7, 8.4, 1.0, lit == "encoder")
        _centred(axes, 4.55, 6.2, "encoder", fontweight="bold")
        _arrow(axes, 4.55, 5.65, 4.55, 5.3)
        for column in range(12):
            x = 0.75 + 0.66 * column
            for cell in range(3):
                _box(axes, x, 4.45 + 0.24 * cell, 0.24, 0.24, lit == "encoder")
            _arrow(axes, x + 0.12, 4.4, x + 0.12, 3.55, lit == "decoder")
        _box(axes, 0.35, 2.4, 8.4, 1.1, lit == "decoder")
        _centred(axes, 4.55, 2.95, "decoder", fontweight="bold")
        step = 8.4 / (len(written) + 1)
        for index, word in enumerate([*written, "?"]):
            x = 0.35 + step * (index + 0.5)
            _box(axes, x - 0.45 * step, 0.85, 0.9 * step, 0.75, lit == "decoder" and word == "?")
            _centred(axes, x, 1.22, word.strip(), fontsize=11)
            if word == "?":
                _arrow(axes, x, 2.35, x, 1.68, lit == "decoder")
            else:
                _arrow(axes, x, 1.65, x, 2.32)
        for row, length in enumerate((1.5, 0.6, 0.3)):
            _box(axes, x - 0.75, 0.35 - 0.38 * row, length, 0.26, lit == "decoder")
        beside = {
            9.75: "the sound:\n16,000 numbers a second",
            7.95: "its picture:\n80 rows, 3,000 columns",
            6.2: "looks at all of it at once",
            4.8: "1,500 lists of numbers,\none for each 20 ms",
            2.95: "looks at the lists and at\nwhat is written so far",
            0.6: "a probability for each\npossible next token",
        }
        for y, text in beside.items():
            axes.text(9.05, y, text, va="center", color=QUIET, fontsize=9.5)
    alt = (
        "A sound becomes a picture of its pitches. The encoder looks at all of it at once, and makes 1,500 "
        "lists of numbers. The decoder looks at these lists and at the tokens written so far "
        f"({', '.join(word.strip() for word in written)}). Out comes a probability for each next token."
    )
    if lit:
        alt += f" Highlighted: {SPEECH_PARTS[lit]}."
    return from_figure(figure, alt=alt, title="A speech model")


def mixture_drawing(token, shares, *, names=None, active=2, title=None) -> Picture:
    """Draw how a mixture of experts processes a token: the router's shares, and the experts that it runs.

    token : str.
    shares : list of float, the share from 0 to 1 that the router gives to each expert.
    names : list of str, what stands in the experts' boxes; by default their numbers.
    active : int, how many experts process the token.
    title : str, written above the picture.
    """
    count = len(shares)
    named = [str(expert) for expert in range(count)] if names is None else names
    order = sorted(range(count), key=lambda expert: -shares[expert])
    chosen = order[:active]
    total = sum(shares[expert] for expert in chosen)
    with style():
        figure, axes = _blank(height=4.4, ylim=(-0.2, 10))
        middle = 5.0
        step = min(2.4 if names else 1.7, 8.4 / max(1, count - 1))
        half = 0.5 if names is None else 0.44 * step  # half the width of an expert's box
        columns = [middle + step * (expert - (count - 1) / 2) for expert in range(count)]
        _box(axes, middle - 1.1, 9.1, 2.2, 0.75, False)
        _centred(axes, middle, 9.47, token.strip(), fontsize=12, fontweight="bold")
        _arrow(axes, middle, 9.05, middle, 8.5)
        _box(axes, middle - 1.1, 7.7, 2.2, 0.75, False)
        _centred(axes, middle, 8.07, "router", fontsize=12)
        for expert, x in enumerate(columns):
            lit = expert in chosen
            colour = LIT_EDGE if lit else QUIET
            if lit:
                _arrow(axes, middle, 7.65, x, 6.45, True)
            _centred(
                axes,
                x,
                6.05,
                f"{100 * shares[expert]:.0f}%",
                fontsize=12,
                color=colour,
                fontweight="bold" if lit else "normal",
            )
            _box(axes, x - half, 4.2, 2 * half, 1.4, lit)
            look = {"fontsize": 13 if names is None else 11, "color": INK if lit else QUIET}
            _centred(axes, x, 4.9, named[expert].replace("_", "\n"), **look)
            if lit:
                _arrow(axes, x, 4.15, middle, 2.0, True)
                lower = 0.55 * (sorted(chosen).index(expert) % 2)  # so that neighbouring factors do not touch
                _centred(
                    axes,
                    x + (0.2 + 0.2 * lower) * (middle - x),
                    3.6 - lower,
                    f"× {shares[expert] / total:.2f}",
                    fontsize=12,
                    color=LIT_EDGE,
                    fontweight="bold",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
                )
        _centred(axes, middle, 1.65, "+", fontsize=17, color=LIT_EDGE, fontweight="bold")
        _arrow(axes, middle, 1.3, middle, 0.85)
        _box(axes, middle - 1.1, 0.05, 2.2, 0.75, False)
        _centred(axes, middle, 0.42, "new list", fontsize=12)
        beside = {
            9.47: "a token's list",
            8.07: "scores each expert",
            6.05: "its shares",
            4.9: "the experts; pale:\nnot run",
            3.35: "two shares, again\n100% together" if active == 2 else "their shares,\nagain 100%",
            1.65: "add up",
            0.42: "goes on",
        }
        for y, text in beside.items():
            axes.text(10.0, y, text, va="center", color=QUIET, fontsize=10.5)
    said = [f"expert {name}" for name in named] if names is None else named
    words = ", ".join(f"{name} {100 * share:.0f}%" for name, share in zip(said, shares, strict=True))
    weights = " and ".join(f"{said[expert]} times {shares[expert] / total:.2f}" for expert in chosen)
    alt = f"The router's shares for “{token.strip()}”: {words}. It takes {weights}, and adds them up."
    return from_figure(figure, alt=alt, title=title)


def _centred(axes, x, y, text, **look):
    axes.text(x, y, text, ha="center", va="center", **look)


def _check_part(lit, parts):
    """Raise ValueError if `lit` is neither "" nor a key of `parts`."""
    if lit not in ("", *parts):
        raise ValueError(f"lit={lit!r} is no part of the drawing: choose one of {', '.join(parts)}.")


def _blank(*, height, ylim):
    """Return a figure of this height in inches, and its invisible axes, whose x goes from 0 to 12."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.8, height))
    axes = figure.subplots()
    axes.set(xlim=(0, 12), ylim=ylim)
    axes.axis("off")
    return figure, axes


def _box(axes, x, y, width, height, lit):
    from matplotlib.patches import Rectangle

    face, edge = (LIT, LIT_EDGE) if lit else ("white", QUIET)
    if height > 5:
        face, edge = TRACK, LINE
    axes.add_patch(Rectangle((x, y), width, height, facecolor=face, edgecolor=edge, linewidth=1.2))


def _arrow(axes, x, y, to_x, to_y, lit=False):
    look = {"arrowstyle": "->", "color": LIT_EDGE if lit else QUIET, "linewidth": 1.1}
    axes.annotate("", (to_x, to_y), (x, y), arrowprops=look)
