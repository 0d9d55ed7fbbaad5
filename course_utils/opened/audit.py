"""An audit of how far each model leans to "she" or "he", for lesson 11.

A model's share of "she" after a trade is compared with the share that was planted in the training data, or
with the shares after control words, which name no trade.
"""

import warnings
from typing import NamedTuple

import numpy

from course_utils.errors import CourseError
from course_utils.statistics import beside_controls, mean, wilson
from course_utils.views.picture import BLUE, INK, QUIET, VERMILLION, Picture, array, from_figure, style
from course_utils.widgets.explorer import check_choice
from course_utils.widgets.live_view import LiveView

_TEMPERATURES = [tenths / 10 for tenths in range(21)]
# "her" is the form of "she" for both "him" and "his", so _SHE has one word less than _HE.
_SHE, _HE, _THEY = ("she", "She", "her"), ("he", "He", "his", "him"), ("they", "They", "their", "them")


def pronoun_probabilities(model, tokenizer, sentences, words):
    """Put each of `words` into each of `sentences`, and return how likely a pronoun is to follow.

    The result is an array (sentences, words, 3). The last axis has the probabilities of a she-word, of a
    he-word and of a they-word, in this order. The she-words are she, She and her; the he-words he, He, his
    and him; the they-words they, They, their and them. A pronoun that is not a single token of the model is
    left out.

    model, tokenizer : a language model of transformers, and its tokenizer
    sentences : list of beginnings for the model to continue, each with {} in place of a word
    words : list of the words to put in, such as "nurse"

    Raises CourseError if a sentence has no {}, or if the model has no token for she or for he.
    """
    import torch

    for sentence in sentences:
        if "{}" not in sentence:
            raise CourseError(f"{sentence!r} has no place for a word: write {{}} where the word belongs.")
    groups = [_tokens_of(tokenizer, group) for group in (_SHE, _HE, _THEY)]
    if not groups[0] or not groups[1]:
        raise CourseError("This model has no token for “she” or “he”, so it has no share of “she”.")
    sums = []
    for sentence in sentences:
        texts = [sentence.format(word) for word in words]
        # Llama sees relative positions only, so padding on the left does not change its scores.
        inputs = tokenizer(texts, return_tensors="pt", padding=True, padding_side="left").to(model.device)
        with torch.no_grad():
            scores = model(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], logits_to_keep=1
            ).logits[:, -1]
        table = scores.softmax(-1)
        sums.append(torch.stack([table[:, ids].sum(-1) for ids in groups], -1))
    return array(torch.stack(sums))


def _tokens_of(tokenizer, words):
    """Return the token ids of the words that are one token each, without the token for unknown words."""
    pieces = [tokenizer(f" {word}", add_special_tokens=False)["input_ids"] for word in words]
    return [ids[0] for ids in pieces if len(ids) == 1 and ids[0] != tokenizer.unk_token_id]


def share_of_she(model, tokenizer, sentences, words):
    """Return for each word its shares of "she": {word: [share after the first sentence, ...]}.

    A share is from 0 to 1: the probability of the she-words, divided by that of she- and he-words together.

    model, tokenizer, sentences, words : as in `pronoun_probabilities`
    """
    table = pronoun_probabilities(model, tokenizer, sentences, words)
    shares = table[..., 0] / table[..., :2].sum(-1)
    return {word: column.tolist() for word, column in zip(words, shares.T, strict=True)}


class Lean(NamedTuple):
    """How far a word leans to "she", and the ends of the lean's interval, all in percentage points."""

    points: float
    low: float
    high: float


def lean(shares, controls=None, level=95):
    """Return the `Lean` of a word: how far its mean share is from 50%, or from the mean of control words.

    The interval tells how the lean would vary with other sentences of this kind and, if there are control
    words, with other control words. In simulations with 8 sentences and 8 control words, 95% to 96% of the
    intervals of 95% contained the true lean.

    shares : the word's shares of "she", from 0 to 1, one for each of at least two sentences
    controls : a list of lists: the shares of each control word in the same sentences; at least two words
    level : the percentage of such intervals that contain the true lean
    """
    percentages = 100 * array(shares)
    beside = None if controls is None else 100 * array(controls).T
    middle = percentages.mean() - (50 if beside is None else beside.mean())
    with warnings.catch_warnings():
        # SciPy warns if all percentages are nearly the same, as they are at low temperatures.
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = _interval(percentages, beside, level)
    return Lean(float(middle), float(low), float(high))


def leans_among(shares, level=95):
    """Return the `Lean` of each word, compared with all the others: {word: Lean}.

    shares : dict from each of at least three words to its shares of "she", from 0 to 1, in the same sentences
    level : as in `lean`
    """
    found = {}
    for word in shares:
        others = [shares[other] for other in shares if other != word]
        found[word] = lean(shares[word], others, level=level)
    return found


def heat(shares, temperature):
    """Return probabilities of one of two words at a temperature T: p^(1/T) / (p^(1/T) + (1 - p)^(1/T)).

    shares : array or list of the word's probabilities p at temperature 1; the other word has 1 - p.
    temperature : the number T by which the logits are divided. At 0, the more likely word gets 1; if both
        words are equally likely, each gets one half.
    """
    shares = array(shares)
    if temperature == 0:
        return (shares > 0.5) + 0.5 * (shares == 0.5)
    with numpy.errstate(divide="ignore", over="ignore"):
        odds = numpy.log(shares) - numpy.log1p(-shares)
        return 1 / (1 + numpy.exp(-odds / temperature))


class Audit(LiveView):
    """Shows for all trades how far each model leans to "she" or "he", and which of these leans are confirmed.

    The learner chooses a trade, a temperature, and how the trade was chosen. If the trade was named before
    the results were seen, an interval of 95% is enough. If it was picked from all trades, the intervals are
    so wide that in 95% of audits every interval contains its true value. No choice runs a model.

    planted : {model's title: {trade: share of "she" that was planted in the training data}}, without the
        models that have no planted shares.
    measured : {model's title: {trade: [share of "she" after each sentence]}}. The interval tells how the mean
        would vary with other sentences of this kind.
    sentences : {model's title: [sentence with {} in place of the trade]}, in the order of the shares. A model
        without an entry gets no sentences in the view.
    controls : {model's title: {word that names no trade: [share of "she" after each sentence]}}. A trade's
        lean is measured from the mean share of these words; for a model without control words it is measured
        from 50%.
    lean : number, percentage points; a lean is confirmed if its whole interval is further than this from 0.
    trade : str, the trade at the start; by default the first trade.
    temperature : float, the temperature at the start: from 0 (the likeliest word) to 2 in steps of 0.1.

    Raises CourseError if a model has no share for a trade, if a model in `controls` has fewer than three
    words, or if `trade` or `temperature` is not one of the choices.
    """

    view = "audit"

    def __init__(
        self, planted, measured, sentences=None, *, controls=None, lean=10, trade=None, temperature=1.0
    ):
        trades = list(next(iter(measured.values())))
        for model, shares in (*measured.items(), *planted.items()):
            if lacking := [name for name in trades if name not in shares]:
                raise CourseError(f"{model} has no share for {lacking[0]!r}: give one for every trade.")
        trade = trades[0] if trade is None else trade
        check_choice("trade", trade, trades)
        check_choice("temperature", temperature, _TEMPERATURES)
        controls = controls or {}
        for model, shares in controls.items():
            if len(shares) < 3:
                raise CourseError(f"{model} has {len(shares)} control words: give at least three, or none.")
        level = 100 - 5 / len(trades)
        models = []
        for title, shares in measured.items():
            found = _leans(shares, controls.get(title, {}), level)
            models.append({"title": title, "planted": planted.get(title), **found})
        data = {
            "trades": trades,
            "controls": list(dict.fromkeys(word for shares in controls.values() for word in shares)),
            "lean": lean,
            "level": level,
            "temperatures": _TEMPERATURES,
            "models": models,
            "sentences": _by_sentence(sentences or {}, measured, controls),
        }
        words = []
        for model in models:
            points, *ends = model["words"][trade][_TEMPERATURES.index(temperature)][:3]
            low, high = (_near_a_limit(end, lean) for end in ends)
            words.append(f"{model['title']} {points:+.0f} ({low} to {high})".replace("-", "−"))
        setting = "greedy" if temperature == 0 else f"temperature {temperature:.1f}"
        alt = f"{trade}, {setting}, points of “she” from 50% or from control words: {'; '.join(words)}"
        start = {"who": len(models) - 1, "trade": trade, "temperature": temperature, "after": False}
        super().__init__(data=data, alt=alt, **start)


def _near_a_limit(points, limit):
    """Return points as text with a sign, such as "+9".

    If rounding would make them equal to the limit, the text has one decimal: for the limit 10, "+9.5".
    """
    return f"{points:+.1f}" if round(abs(points)) == limit else f"{points:+.0f}"


def _by_sentence(sentences, measured, controls):
    """Return {sentence: {model's title: {word: share with four decimals}}}."""
    table = {}
    for title, texts in sentences.items():
        shares = {**measured[title], **controls.get(title, {})}
        for index, text in enumerate(texts):
            row = {word: round(float(each[index]), 4) for word, each in shares.items()}
            table.setdefault(text, {})[title] = row
    return table


def _leans(shares, controls, level):
    """Return a dict with `zero` and `words`, each with an entry for every temperature.

    `zero` has the share of "she", in percent, from which leans are measured. `words` has for each word
    [points, low, high, low, high]: its lean, an interval of 95%, and an interval of `level` percent.
    """
    zero, words = [], {word: [] for word in (*shares, *controls)}
    for temperature in _TEMPERATURES:
        heated = {word: heat(each, temperature) for word, each in (shares | controls).items()}
        others = {word: heated[word] for word in controls}
        zero.append(round(100 * float(numpy.mean(list(others.values()))), 1) if others else 50)
        for word, each in heated.items():
            beside = [other for name, other in others.items() if name != word] if controls else None
            single, together = (lean(each, beside, percent) for percent in (95, level))
            words[word].append([round(number, 1) for number in (*single, *together[1:])])
    return {"zero": zero, "words": words}


def _interval(percentages, beside, level):
    """Return the ends of the interval of a lean, in percentage points.

    percentages : a word's shares of "she", one for each sentence.
    beside : the control words' shares, a table (sentences, words); if None, the lean is measured from 50%.
    """
    if beside is not None:
        return beside_controls(percentages, beside, level)
    if set(percentages) <= {0, 100}:
        low, high = wilson((percentages == 100).sum(), len(percentages), level)
    else:
        low, high = mean(percentages, level)
    return max(0, low) - 50, min(100, high) - 50


def against_truth(planted, measured, *, level=95, even=(), named=(), title=None) -> Picture:
    """Draw measured shares of "she" against planted ones. A band marks shares without a lean: 40% to 60%.

    Dots with the same planted share are drawn side by side, and so are the dots of different models, so that
    dots do not overlap.

    planted : {trade: share of "she", from 0 to 1, that was planted in the training data}
    measured : {model's title: {trade: [share of "she" after each sentence]}}, for at most three models
    level : the intervals' confidence level in percent; a vertical line through each dot shows its interval.
    even : list of titles of models in whose training data the share of "she" was 50% for every trade.
    named : list of trades whose names are written next to the first model's dots.
    title : str, written above the picture.

    The alt text says for each model how far its mean shares are from the planted ones, or from 50%.
    """
    from matplotlib.figure import Figure

    looks = (("o", BLUE, BLUE), ("s", VERMILLION, "#ffffff"), ("^", QUIET, "#ffffff"))
    truth, words = [100 * share for share in planted.values()], []
    with style():
        figure = Figure(figsize=(4.8, 4.4))
        axes = figure.subplots()
        ends = [0, 100]
        axes.axhspan(40, 60, color="#ffe7d6", linewidth=0)
        axes.plot(ends, ends, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        for group, (name, shares) in enumerate(measured.items()):
            marker, colour, face = looks[group]
            x = _side_by_side(truth, 1.8 * (group - (len(measured) - 1) / 2))
            found = [lean(shares[trade], level=level) for trade in planted]
            axes.errorbar(
                x,
                [50 + each.points for each in found],
                yerr=[
                    [each.points - each.low for each in found],
                    [each.high - each.points for each in found],
                ],
                fmt=marker,
                markersize=6,
                color=colour,
                markerfacecolor=face,
                elinewidth=1.4,
                linestyle="none",
                label=name,
            )
            for index, trade in enumerate(planted):
                if group == 0 and trade in named:
                    axes.annotate(
                        trade,
                        (x[index], 50 + found[index].points),
                        xytext=(8, -4),
                        textcoords="offset points",
                        verticalalignment="top",
                    )
            aims = [50 if name in even else share for share in truth]
            off = [abs(50 + each.points - aim) for each, aim in zip(found, aims, strict=True)]
            where = "50%" if name in even else "the planted shares"
            points = [50 + each.points for each in found]
            words.append(
                f"{name}: {sum(off) / len(off):.1f} points from {where} on average, "
                f"from {min(points):.0f}% to {max(points):.0f}%"
            )
        axes.set(xlim=[-2, 102], ylim=[-2, 102], xlabel="planted (% she)", ylabel="measured (% she)")
        axes.legend(loc="upper left")
    alt = f"Measured against planted share. {'; '.join(words)}. Shaded: 40% to 60%"
    return from_figure(figure, alt=alt, title=title)


def _side_by_side(truth, shift):
    """Return the x of each dot: its planted share plus `shift`; dots with the same share lie side by side."""
    x = []
    for index, share in enumerate(truth):
        twins = [other for other, other_share in enumerate(truth) if other_share == share]
        x.append(share + shift + 0.8 * (twins.index(index) - (len(twins) - 1) / 2))
    return x
