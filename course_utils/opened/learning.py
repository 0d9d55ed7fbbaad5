"""Shows a training run for lesson 05: loss, least possible loss, texts, and the path of one weight."""

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

IGNORED = -100  # the label of a token that transformers leaves out of the loss

# At these steps a `Film` stores a text and a copy of the model. Early steps are close together, because the
# model changes most at the beginning.
STEPS = (0, 10, 25, 50, 75, 100, 150, 200, 300, 400)
_MEAN = 10  # each point of the loss curve is the mean over this many training steps
_DRAWN = 40  # the picture is updated each time this many training steps are done, and at each of STEPS
_DIGITS = 2  # decimals of a loss that is written out

# The enlarged plot begins _BELOW bits under its lowest line or point, and ends _ABOVE bits over the least
# possible loss, the floor.
_ABOVE, _BELOW = 0.42, 0.05


def batch(tokenizer, texts) -> dict:
    """Return texts as a batch for a model of transformers: input_ids, attention_mask and labels.

    An end token is added to each text. Short texts are padded. The model does not attend to the padding, and
    the loss leaves it out.
    """
    ended = [text + tokenizer.eos_token for text in texts]
    rows = tokenizer(ended, padding=True, return_tensors="pt")
    ids, mask = rows["input_ids"], rows["attention_mask"]
    return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, IGNORED)}


def next_texts(texts, step) -> list:
    """Return the texts of one training step: 32 texts in a row, from index `32 * step % len(texts)` on.

    texts : list of the training texts. At the end of the list, fewer than 32 may be left.
    step : number of the step, counted from 0.
    """
    start = 32 * step % len(texts)
    return texts[start : start + 32]


def write(model, tokenizer, beginning="", count=1, seed=7) -> list[str]:
    """Let a model continue a beginning `count` times, each token drawn from the model's probabilities.

    Each text is returned with its beginning. At most 40 tokens are added. The same seed gives the same draws.
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
    """Return the probability, in percent, that a word (a single token) comes next after a beginning."""
    import torch

    with torch.no_grad():
        scores = model(**tokenizer(beginning, return_tensors="pt")).logits[0, -1]
    return round(100 * scores.softmax(-1)[tokenizer.convert_tokens_to_ids(word)].item(), 1)


def loss_in_bits(model, tokenizer, documents) -> float:
    """Return the mean loss of a model on documents of a TinyWorld, in bits per token."""
    import torch

    with torch.no_grad():
        nats = model(**batch(tokenizer, [document.text for document in documents])).loss
    return nats.item() / math.log(2)


def floor_of(documents) -> float:
    """Return the lowest possible mean loss on documents of a TinyWorld, in bits per token."""
    return sum(document.bits for document in documents) / sum(document.tokens for document in documents)


class GrowingPicture:
    """A picture that is drawn again and again while a cell runs. A subclass has the property `picture`."""

    _shown = None  # the display of the picture in a notebook

    def _draw(self):
        if self._shown is not None:
            self._shown.update(self.picture)
        elif notebook.shell() is not None:
            from IPython.display import display

            self._shown = display(self.picture, display_id=True)


class Film(GrowingPicture):
    """Draws a training run while it goes on, and keeps a text and a copy of the model at some steps.

    world : the TinyWorld of the texts. The world's floor, which is the lowest possible loss, is drawn, too.
    steps : the steps at which to keep a text and a copy of the model.
    title : str, written above the picture, after "This training: ".
    beside : dict from a name to an earlier film, whose curve is drawn in grey.

    `models` maps each kept step to a copy of the model at this step. `texts` maps the step to the text that
    the copy wrote.
    """

    def __init__(self, world, steps=STEPS, title="the loss, and what the model writes", beside=None):
        self.world, self.steps, self.title, self.beside = world, steps, title, beside or {}
        self.floor = world.floor().bits_per_token
        self.bits, self.texts, self.models, self._marked = [], {}, {}, {}
        self._tokenizer = world.tokenizer()

    def look(self, step, model):
        """Keep a copy of the model, and a text that it writes, if `step` is one of `steps`."""
        if step in self.steps:
            self.keep(step, model)

    def keep(self, step, model):
        """Keep a copy of the model as it is before this step, and a text that it writes. Draw the picture."""
        self.models[step] = copy.deepcopy(model)
        (self.texts[step],) = write(model, self._tokenizer)
        self._marked[step] = _marked(self.world, self.texts[step])
        self._draw()

    def add(self, nats):
        """Add the loss of one step, in nats per token, as transformers computes it."""
        self.bits.append(nats / math.log(2))
        step = len(self.bits)
        if step % _DRAWN == 0 and step not in self.steps:  # at the steps in `steps`, `look` draws
            self._draw()

    def chart(self, series, *, y_label, title, until=math.inf, baseline=None, baseline_label=None) -> Picture:
        """Draw what was measured on the kept models, with the training steps on the horizontal axis.

        series : dict from a name to a list of numbers, one for each kept model, in the order of the steps.
        y_label : str, what was measured, and the unit.
        title : str, written above the picture, after "This training: ".
        until : the last step that is drawn.
        baseline, baseline_label : as in `course.views.lines`.
        """
        steps, title = [step for step in self.models if step <= until], f"This training: {title}"
        series = {name: values[: len(steps)] for name, values in series.items()}
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
        steps, means = self._points()
        title = f"This training: {self.title}"
        points = [f"{mean:.{_DIGITS}f} at {step}" for step, mean in zip(steps, means, strict=True)]
        words = f"{title}. Floor {self.floor:.{_DIGITS}f} bits per token; loss by step: {', '.join(points)}."
        others = {name: film._points() for name, film in self.beside.items()}
        for name, (_, heights) in others.items():
            words += f" In grey: {name}, {heights[-1]:.{_DIGITS}f} at the end."
        chart = _curve(steps, means, self.floor, self._firsts(), others, words) if means else ""
        rows = row_html(
            _head("step", "right") + _head("what the model writes, with the same random draws in each row")
        )
        for step, (html, said) in self._marked.items():
            rows += row_html(_cell(f"{step}", "right") + _cell(html))
            words += f" Step {step}: {said}"
        note = (
            "Each point of the curve is the mean of ten steps, drawn in their middle. Dashed: the floor, the "
            "loss of a perfect model on new stories. Underlined: the first word that cannot stand there in "
            "this world; what comes after it is grey."
        )
        return Picture(card(chart + table_html(rows), title, note), words.replace("\n", " "))

    def _points(self):
        """Return two lists with an entry for every ten steps: the middle step, and the mean loss in bits."""
        starts = range(0, len(self.bits) - _MEAN + 1, _MEAN)
        means = [sum(self.bits[start : start + _MEAN]) / _MEAN for start in starts]
        return [start + _MEAN // 2 for start in starts], means

    def _firsts(self):
        """Return the steps of the first whole sentence and of the first whole story.

        The result is a dict such as {50: "a whole sentence", 200: "a whole story"}. If the first kept text
        already has a whole sentence or a whole story, the result has no entry for it.
        """
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


def _curve(steps, means, floor, firsts, others, alt):
    """Return HTML of a loss curve with its floor: the whole curve, and the enlarged part near the floor.

    firsts : dict from a step to words that are written beside the step's point.
    others : dict from a name to the points of another curve, which is drawn in grey.
    """
    import numpy
    from matplotlib.figure import Figure

    last = steps[-1] + _MEAN // 2
    with style():
        figure = Figure(figsize=(7.2, 4.4))
        whole, close = figure.subplots(2, 1, sharex=True)
        for axes in (whole, close):
            for index, (name, (at, heights)) in enumerate(others.items()):
                axes.plot(at, heights, color="#8c959f", linewidth=4, linestyle="-")
                if axes is whole:
                    words = f"grey: {name}"
                    axes.annotate(words, (0.3, 0.8 - 0.15 * index), xycoords="axes fraction", color=QUIET)
            axes.plot(steps, means, color=BLUE, linestyle="-", linewidth=2)
            axes.axhline(floor, color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
            axes.annotate(
                f"floor\n{floor:.{_DIGITS}f}",
                (1, floor),
                xycoords=("axes fraction", "data"),
                xytext=(6, 0),
                textcoords="offset points",
                verticalalignment="center",
            )
        for height, (step, words) in zip((24, 26), firsts.items(), strict=False):
            if step <= last:
                close.annotate(
                    f"{step}: {words}",
                    (step, numpy.interp(step, steps, means)),
                    xytext=(6, height),
                    textcoords="offset points",
                    horizontalalignment="right" if step > 0.7 * last else "left",
                    arrowprops={"arrowstyle": "-", "color": QUIET},
                )
        whole.set(xlim=(0, last), ylim=(0, max(4, math.ceil(max(means)))), ylabel="loss (bits)")
        close.set(ylim=(min(floor, *means) - _BELOW, floor + _ABOVE), xlabel="step", ylabel="from close by")
        return figure_html(figure, alt)


def _cell(html, align="left"):
    look = f"padding:5px 8px;border:none;border-top:1px solid {LINE};background:#ffffff;color:{INK}"
    look += ";vertical-align:top"
    return f'<td style="{look};text-align:{align}">{html}</td>'


def _head(text, align="left"):
    look = f"padding:8px 8px 4px;border:none;background:#ffffff;color:{QUIET};font-weight:400"
    return f'<th style="{look};text-align:{align}">{escape(text)}</th>'


def _marked(world, text):
    """Return a text in two versions: as HTML and as plain text.

    Each version marks the first word that can't follow the words before it in a text of `world`. The HTML
    underlines this word. The plain text ends, for example, with (slips at “cat”). If there is no such word,
    the HTML ends with ✓, and the plain text with (right to its end).
    """
    words = TOKEN.findall(text)
    index = world.first_slip(text)
    if index is None:
        return f"{escape(text)} ✓", f"{text} (right to its end)"
    whole = join(words)
    before, until = len(join(words[:index])), len(join(words[: index + 1]))
    word = whole[before:until].strip() or "(ends too early)"
    html = (
        f"{escape(whole[:before])} "
        f'<b style="color:#b93a06;text-decoration:underline 2px {VERMILLION}">{escape(word)}</b>'
        f'<span style="color:{QUIET}">{escape(whole[until:])}</span>'
    )
    return html, f"{whole} (slips at “{word}”)"


def valley(loss, path, *, title=None) -> Picture:
    """Draw the loss against one weight between 0 and 1, and the path of a training run on this curve.

    loss : function from a weight to its loss in bits.
    path : list of the weights, one before each step and one at the end.
    title : str, written above the picture.
    """
    from matplotlib.figure import Figure

    weights = [index / 200 for index in range(2, 199)]
    heights = [loss(weight) for weight in weights]
    lowest = min(zip(heights, weights, strict=True))
    highest = max(3, 1.1 * max(loss(weight) for weight in path))
    ends = {"start": path[0], "end": path[-1]}
    # Two words above points that are close together would lie over each other: write them side by side.
    is_close = abs(path[-1] - path[0]) < 0.12 and abs(loss(path[-1]) - loss(path[0])) < 0.1 * highest
    with style():
        figure = Figure(figsize=(6.4, 3.6))
        axes = figure.subplots()
        axes.plot(weights, heights, color=QUIET, linewidth=1.5, linestyle="-")
        axes.axhline(lowest[0], color=INK, linewidth=1.5, linestyle=(0, (4, 3)))
        axes.plot(
            path, [loss(weight) for weight in path], color=BLUE, marker="o", linestyle=":", linewidth=1.2
        )
        for label, weight in ends.items():
            is_left = label == min(ends, key=ends.get)
            axes.annotate(
                label,
                (weight, loss(weight)),
                xytext=((-3 if is_left else 3) if is_close else 0, 18 if is_close and is_left else 9),
                textcoords="offset points",
                horizontalalignment=("right" if is_left else "left") if is_close else "center",
                color="#005a8c",
                fontweight="bold",
            )
        above = 4 if lowest[0] < 0.1 * highest else -14  # below the line there must be room above the axis
        axes.annotate(
            f"lowest: {lowest[0]:.2f}", (0.02, lowest[0]), xytext=(0, above), textcoords="offset points"
        )
        axes.set(
            xlabel="the weight: probability of “sun”",
            ylabel="loss (bits)",
            xlim=(0, 1),
            ylim=(0, highest),
        )
    steps = ", ".join(f"{weight:.2f}" for weight in path)
    words = f"The loss is lowest, {lowest[0]:.2f} bits, at {lowest[1]:.2f}. The weight goes {steps}."
    return from_figure(figure, alt=words, title=title)
