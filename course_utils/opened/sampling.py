"""Temperature, top-k and top-p: which tokens can be drawn, and twenty draws, for lesson 02."""

import ipywidgets
import numpy

from course_utils.errors import CourseError
from course_utils.views.picture import LINE, Picture, array, card
from course_utils.views.text import chips, next_token_table, percent, top_five, visible
from course_utils.widgets.explorer import Explorer, given

DRAWS = 20


def warp(scores, temperature=1.0, top_k=0, top_p=1.0):
    """Apply temperature, then top-k, then top-p, and renormalise, with the rules of transformers.

    scores : (vocabulary,) float64 logits, largest first.
    temperature : number by which the logits are divided.
    top_k : int, how many of the most likely tokens are kept; 0 switches this cut off.
    top_p : the smallest set of most likely tokens with at least this probability is kept; 1 switches this
        off.

    Returns the probabilities of all tokens after temperature alone, and the probabilities of the kept tokens,
    which have the largest logits, after both cuts.
    """
    before = numpy.exp((scores - scores[0]) / temperature)
    before /= before.sum()
    count = len(scores)
    if top_k:
        # Tokens with the same score as the last of the top_k are kept, too.
        count = numpy.count_nonzero(scores >= scores[min(top_k, count) - 1])
    kept = before[:count] / before[:count].sum()
    if top_p < 1:
        # For each token, add up the probabilities of this token and of all less probable ones. If the sum is
        # at most 1 - top_p, the token is cut.
        mass_from_here_down = numpy.cumsum(kept[::-1])[::-1]
        kept = kept[: max(1, numpy.count_nonzero(mass_from_here_down > 1 - top_p))]
    return before, kept / kept.sum()


def entropy_bits(probabilities):
    """Return the entropy in bits: 0 if one token is certain, log2(n) if n tokens are equally probable."""
    positive = probabilities[probabilities > 0]
    return abs(float(positive @ numpy.log2(positive)))


class Sampling(Explorer):
    """Shows the next-token table and twenty seeded draws, with sliders for temperature, top-k and top-p.

    logits : (vocabulary,) array or tensor, the model's scores for the next token.
    decode : function from a token id (int) to the token's text.
    temperature, top_k, top_p : the values at the start; top_k=0 switches that cut off.
    shown : int, how many tokens have a row in the table.

    Raises CourseError if the logits are not a single vector (vocabulary,).
    """

    def __init__(self, logits, decode, *, temperature=1.0, top_k=0, top_p=1.0, shown=12):
        logits = array(logits)
        if logits.ndim != 1:
            raise CourseError(
                f"Sampling needs the scores of one position, shape (vocabulary,), not {logits.shape}: take "
                "logits[0, -1]."
            )
        # Neither temperature nor a cut changes the order, so the tokens need to be sorted only once.
        self.order = numpy.argsort(-logits, kind="stable")
        self.scores = logits[self.order]
        self.decode = decode
        self.shown = shown
        self.seed = 0
        self.temperature = ipywidgets.FloatSlider(
            value=temperature, min=0.1, max=3.0, step=0.1, readout_format=".1f", description="temperature"
        )
        self.top_k = ipywidgets.SelectionSlider(
            value=top_k,
            options=[*((str(k), k) for k in range(1, 101)), ("off", 0)],
            description="top-k (tokens)",
        )
        self.top_p = ipywidgets.FloatSlider(
            value=top_p, min=0.05, max=1.0, step=0.05, description="top-p (share)"
        )
        self.draw = ipywidgets.Button(description=f"Draw {DRAWS} again")
        controls = [self.temperature, self.top_k, self.top_p, self.draw]
        super().__init__(controls, {self.draw: self._draw_again})

    def _draw_again(self, button):
        self.seed += 1
        self.update()

    def render(self):
        before, kept = warp(self.scores, self.temperature.value, self.top_k.value, self.top_p.value)
        pieces = [given(self.decode, int(token_id)) for token_id in self.order[: self.shown]]
        # In the table, a cut token has the probability that it had before the cut.
        now = numpy.concatenate([kept, before[len(kept) :]])
        all_others_cut = len(kept) <= self.shown < len(before)
        table = next_token_table(
            pieces,
            now[: self.shown],
            others=float((now if all_others_cut else kept)[self.shown :].sum()),
            cut=range(len(kept), self.shown),
            others_cut=all_others_cut,
        )
        summary = f"All {len(before):,} tokens can be drawn."
        if len(kept) < len(before):
            mass = percent(before[: len(kept)].sum())
            summary = f"{len(kept):,} of {len(before):,} tokens kept; before the cut they held {mass}."
        summary += f" Entropy: {entropy_bits(kept):.2f} bits."
        draws = self._sample(kept)
        different = len(set(draws))
        heading = f"{DRAWS} draws, {f'{different} different tokens' if different > 1 else 'all the same'}"
        html = (
            f'{table}<div style="margin:10px 0 6px 0;padding-top:10px;border-top:1px solid {LINE}">{summary}'
            f'</div><div style="margin-bottom:4px;font-weight:600">{heading}</div>{chips(draws)}'
        )
        alt = (
            f"At temperature {self.temperature.value:.1f}, top-k {self.top_k.label}, "
            f"top-p {self.top_p.value:.2f}: {summary} "
            f"Next token: {top_five(pieces[: len(kept)], kept[: len(pieces)])}. "
            f"{heading}: {', '.join(map(visible, draws))}."
        )
        return Picture(card(html), alt)

    def _sample(self, kept):
        chances = numpy.random.default_rng(self.seed).random(DRAWS)
        positions = numpy.searchsorted(kept.cumsum(), chances, side="right").clip(max=len(kept) - 1)
        return [given(self.decode, int(token_id)) for token_id in self.order[positions]]
