"""A training as it goes, with its loss, floor and texts, and the walk of a single weight, for lesson 05."""

import copy
import math
from html import escape

from course_utils import notebook
from course_utils.views.charts import lines
from course_utils.views.picture import (
    BLUE,
    INK,
    LINE,
    QUIET,
    VERMILLION,
    Picture,
    card,
    figure_html,
    from_figure,
    row_html,
    style,
    table_html,
)
from course_utils.worlds.tinyworld.grammar import TOKEN, join

IGNORED = -100  # the label of a token that the library leaves out of the loss
# The steps at which a `Film` stores a text and a copy of the model, close together where much changes.
STEPS = (0, 10, 25, 50, 75, 100, 150, 200, 300, 400)
_MEAN = 10  # steps in each point of the curve of the loss
_DRAWN = 20  # steps between two pictures
_DIGITS = 2


def batch(tokenizer, texts) -> dict:
    """Return texts as a batch for a model of the library: input_ids, attention_mask and labels.

    Each text gets the token that ends it. Short texts are padded; the padding is neither read nor counted.
    """
    ended = [text + tokenizer.eos_token for text in texts]
    rows = tokenizer(ended, padding=True, return_tensors="pt")
    ids, mask = rows["input_ids"], rows["attention_mask"]
    return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, IGNORED)}


def write(model, tokenizer, beginning="", count=1, seed=7) -> list[str]:
    """Let a model write `count` texts that begin alike, each token drawn from the model's probabilities.

    Each text is returned with its beginning; at most 40 tokens are added. The same seed gives the same luck.
    """
    import torch

    torch.manual_seed(seed)
    inputs = tokenizer(beginning, return_tensors="pt")
    ids = model.generate(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        do_sample=True,
        top_k=0,
        max_new_tokens=40,
        num_return_sequences=count,
    )
    return tokenizer.batch_decode(ids, skip_special_tokens=True)


def probability_after(model, tokenizer, beginning, word) -> float:
    """Return the probability, in percent, that a model gives to one token, a word, after a beginning."""
    import torch

    with torch.no_grad():
        scores = model(**tokenizer(beginning, return_tensors="pt")).logits[0, -1]
    return round(100 * scores.softmax(-1)[tokenizer.convert_tokens_to_ids(word)].item(), 1)


def loss_in_bits(model, tokenizer, documents) -> float:
    """Return the mean surprise of a model at the tokens of these documents of a world, in bits per token."""
    import torch

    with torch.no_grad():
        nats = model(**batch(tokenizer, [document.text for document in documents])).loss
    return nats.item() / math.log(2)


def floor_of(documents) -> float:
    """Return the lowest possible mean surprise at the tokens of these documents, in bits per token."""
    return sum(document.bits for document in documents) / sum(document.tokens for document in documents)


class Film:
    """Draws a training while it goes, and keeps what it was like at some of its steps.

    world : the world of the texts; its floor is drawn beside the loss.
    steps : the steps at which to keep a text and a copy of the model.
    title : str, what the training is called, above the picture.

    `models` maps each of these steps to a copy of the model as it was then, and `texts` to what it wrote.
    """

    def __init__(self, world, steps=STEPS, title="the loss, and what the model writes"):
        self.world, self.steps, self.title = world, steps, title
        self.floor = world.floor().bits_per_token
        self.bits, self.texts, self.models, self._marked = [], {}, {}, {}
        self._tokenizer = world.tokenizer()
        self._shown = None

    def look(self, step, model):
        """Keep the model if this is one of the film's steps."""
        if step in self.steps:
            self.keep(step, model)

    def keep(self, step, model):
        """Keep a copy of the model, and a text that it writes before this step; draw the text."""
        self.models[step] = copy.deepcopy(model)
        (self.texts[step],) = write(model, self._tokenizer)
        self._marked[step] = _marked(self.world, self.texts[step])
        self._draw()

    def add(self, nats):
        """Add the loss of one step, in nats per token as the library has it."""
        self.bits.append(nats / math.log(2))
        if len(self.bits) % _DRAWN == 0:
            self._draw()

    def chart(self, series, *, y_label, title, baseline=None, baseline_label=None) -> Picture:
        """Draw what was measured on the models that the film kept.

        series : dict from a name to a list of numbers, one for each kept model, in their order.
        y_label, title : str, what was measured, with its unit, and the line above the picture.
        baseline, baseline_label : as in `course.views.lines`.
        """
        steps, title = list(self.models), f"This training: {title}"
        rounded = {name: [round(value, _DIGITS) for value in values] for name, values in series.items()}
        return lines(
            steps,
            series,
            x_label="step",
            y_label=y_label,
            baseline=baseline,
            baseline_label=baseline_label,
            title=title,
            alt=f"{title}. {y_label} at steps {steps}: {rounded}",
        )

    @property
    def picture(self) -> Picture:
        """The picture as it is now."""
        ends = range(_MEAN, len(self.bits) + 1, _MEAN)
        means = [sum(self.bits[end - _MEAN : end]) / _MEAN for end in ends]
        title = f"This training: {self.title}"
        points = [f"{mean:.{_DIGITS}f} at {end}" for end, mean in zip(ends, means, strict=True)]
        words = f"{title}. Floor {self.floor:.{_DIGITS}f} bits per token; loss by step: {', '.join(points)}."
        chart = _curve(ends, means, self.floor, self._firsts(), words) if means else ""
        rows = row_html(
            _head("step", "right") + _head("what the model writes, drawn with the same luck each time")
        )
        for step, (html, said) in self._marked.items():
            rows += row_html(_cell(f"{step}", "right") + _cell(html))
            words += f" Step {step}: {said}"
        note = (
            "Underlined: the first word that cannot stand there in this world. Grey: what comes after it. "
            "Dashed: the floor, the lowest loss that is possible on the stories of the whole world."
        )
        return Picture(card(chart + table_html(rows), title, note), words.replace("\n", " "))

    def _firsts(self):
        """Return {step: what its text is the first to have}: a whole sentence, and then a whole story."""
        firsts, earlier = {}, []
        for step, text in self.texts.items():
            slip = self.world.first_slip(text)
            if slip is None:
                has = "a whole story"
            else:
                has = "a whole sentence" if "." in TOKEN.findall(text)[:slip] else ""
            if earlier and has not in ("", *earlier):
                firsts[step] = has
            if slip is None:
                break
            earlier.append(has)
        return firsts

    def _draw(self):
        if self._shown is not None:
            self._shown.update(self.picture)
        elif notebook.shell() is not None:
            from IPython.display import display

            self._shown = display(self.picture, display_id=True)


def _curve(ends, means, floor, firsts, alt):
    """Return HTML of the curve of a loss, with its floor; `firsts` has words for some of the steps."""
    import numpy
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(7.2, 2.6))
        axes = figure.subplots()
        axes.plot(ends, means, color=BLUE)
        axes.axhline(floor, color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
        axes.annotate(
            f"floor\n{floor:.{_DIGITS}f}",
            (1, floor),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            verticalalignment="center",
        )
        for height, (step, words) in zip((56, 30), firsts.items(), strict=False):
            if ends[0] <= step <= ends[-1]:
                axes.annotate(
                    f"{step}: {words}",
                    (step, numpy.interp(step, ends, means)),
                    xytext=(0, height),
                    textcoords="offset points",
                    horizontalalignment="right" if step > 0.7 * ends[-1] else "left",
                    arrowprops={"arrowstyle": "-", "color": QUIET},
                )
        axes.set(
            xlim=(0, ends[-1]),
            ylim=(0, max(4, math.ceil(max(means)))),
            xlabel="step",
            ylabel="loss (bits per token)",
        )
        return figure_html(figure, alt)


def _cell(html, align="left"):
    look = f"padding:5px 8px;border:none;border-top:1px solid {LINE};background:#ffffff;color:{INK}"
    look += ";vertical-align:top"
    return f'<td style="{look};text-align:{align}">{html}</td>'


def _head(text, align="left"):
    look = f"padding:8px 8px 4px;border:none;background:#ffffff;color:{QUIET};font-weight:400"
    return f'<th style="{look};text-align:{align}">{escape(text)}</th>'


def _marked(world, text):
    """Return a text as HTML and in words, with its first slip marked in both."""
    words = TOKEN.findall(text)
    index = world.first_slip(text)
    if index is None:
        return f"{escape(text)} ✓", f"{text} (right to its end)"
    whole = join(words)
    before, until = len(join(words[:index])), len(join(words[: index + 1]))
    word = whole[before:until].strip() or "(ends too early)"
    html = (
        f"{escape(whole[:before])} "
        f'<b style="color:#a34700;text-decoration:underline 2px {VERMILLION}">{escape(word)}</b>'
        f'<span style="color:{QUIET}">{escape(whole[until:])}</span>'
    )
    return html, f"{whole} (slips at “{word}”)"


def valley(loss, path, *, title=None, alt=None) -> Picture:
    """Draw the loss over one weight between 0 and 1, and the steps of a training on it.

    loss : function from a weight to its loss in bits.
    path : list of the weights, one before each step and one at the end.
    title, alt : str, as in the pictures of `course.views`.
    """
    from matplotlib.figure import Figure

    weights = [index / 200 for index in range(2, 199)]
    heights = [loss(weight) for weight in weights]
    lowest = min(zip(heights, weights, strict=True))
    with style():
        figure = Figure(figsize=(6.4, 3.6))
        axes = figure.subplots()
        axes.plot(weights, heights, color=QUIET, linewidth=1.5, linestyle="-")
        axes.axhline(lowest[0], color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
        axes.plot(
            path, [loss(weight) for weight in path], color=BLUE, marker="o", linestyle=":", linewidth=1.2
        )
        for index, label in ((0, "start"), (len(path) - 1, "end")):
            axes.annotate(
                label,
                (path[index], loss(path[index])),
                xytext=(0, 9),
                textcoords="offset points",
                horizontalalignment="center",
                color="#005a8c",
                fontweight="bold",
            )
        axes.annotate(
            f"lowest: {lowest[0]:.2f}", (0.02, lowest[0]), xytext=(0, -14), textcoords="offset points"
        )
        axes.set(
            xlabel="the weight: probability of “sun”",
            ylabel="loss (bits)",
            xlim=(0, 1),
            ylim=(0, max(3, 1.1 * max(loss(weight) for weight in path))),
        )
    steps = ", ".join(f"{weight:.2f}" for weight in path)
    words = f"The loss is lowest, {lowest[0]:.2f} bits, at {lowest[1]:.2f}. The weight goes {steps}."
    return from_figure(figure, alt=alt or words, title=title)
