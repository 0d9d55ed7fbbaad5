"""Temperature, top-k and top-p on one set of logits: which tokens stay in the draw, and what is drawn."""

from html import escape

import ipywidgets
import numpy

from course_utils.views.picture import LINE, Picture, card
from course_utils.views.text import chips, next_token_table, percent, visible

from .base import Explorer

DRAWS = 20


def kept_probabilities(scores, temperature=1.0, top_k=0, top_p=1.0):
    """Apply temperature, then top-k, then top-p, then renormalise: the order in which transformers does it.

    Parameters
    ----------
    scores: (vocabulary,) float64 logits, largest first.
    temperature: divides the logits. top_k: keep this many, 0 for all. top_p: keep the fewest most probable
    tokens that add up to this probability.

    Returns
    -------
    (before, kept): (vocabulary,) probabilities after temperature alone, and (kept tokens,) those after the cuts.
    """
    weights = numpy.exp((scores - scores[0]) / temperature)
    before = weights / weights.sum()
    count = len(scores)
    if top_k:
        # Like transformers, keep every token that ties with the last one in.
        count = int(numpy.count_nonzero(scores >= scores[min(top_k, count) - 1]))
    kept = before[:count] / before[:count].sum()
    if top_p < 1:
        # A token stays if it and all less probable ones add up to more than 1 - top_p; the first always stays.
        tail = numpy.cumsum(kept[::-1])[::-1]
        kept = kept[: max(1, int(numpy.count_nonzero(tail > 1 - top_p)))]
    return before, kept / kept.sum()


class Sampling(Explorer):
    """Sliders for temperature, top-k and top-p over the next-token table, with twenty draws.

    Parameters
    ----------
    logits: (vocabulary,) array or tensor, the model's scores for the next token.
    decode: function from a token id to its text.
    temperature, top_k, top_p: where the sliders start; top_k=0 is off.
    shown: rows in the table.
    """

    def __init__(self, logits, decode, temperature=1.0, top_k=0, top_p=1.0, shown=12):
        logits = numpy.asarray(logits, dtype=numpy.float64)
        self.order = numpy.argsort(-logits, kind="stable")
        self.scores = logits[self.order]
        self.decode = decode
        self.shown = shown
        self.seed = 0
        self.temperature = ipywidgets.FloatSlider(
            value=temperature, min=0.1, max=3.0, step=0.1, description="temperature"
        )
        choices = [(str(k), k) for k in range(1, 101)] + [("off", 0)]
        self.top_k = ipywidgets.SelectionSlider(value=top_k, options=choices, description="top-k (tokens)")
        self.top_p = ipywidgets.FloatSlider(
            value=top_p, min=0.05, max=1.0, step=0.05, description="top-p (probability)"
        )
        self.draw = ipywidgets.Button(description=f"Draw {DRAWS} again")
        super().__init__([self.temperature, self.top_k, self.top_p, self.draw])
        for slider in (self.temperature, self.top_k, self.top_p):
            slider.observe(self.update, "value")
        self.draw.on_click(self._draw_again)

    def _draw_again(self, button):
        self.seed += 1
        self.update()

    def render(self):
        before, kept = kept_probabilities(
            self.scores, self.temperature.value, self.top_k.value, self.top_p.value
        )
        rows = min(self.shown, len(self.order))
        pieces = [self.decode(int(token_id)) for token_id in self.order[:rows]]
        cut = range(len(kept), rows)
        probabilities = [*kept[:rows], *before[len(kept) : rows]]
        table = next_token_table(pieces, probabilities, float(kept[rows:].sum()), {}, cut)
        entropy = -float(numpy.sum(kept * numpy.log2(kept, where=kept > 0, out=numpy.zeros_like(kept))))
        mass = float(before[: len(kept)].sum())
        summary = (
            f"{len(kept):,} of {len(self.order):,} tokens kept, with {percent(mass)} of the probability; "
            f"entropy {entropy + 0:.2f} bits"
        )
        drawn = self._sample(kept)
        body = (
            f'{table}<div style="margin:8px 0;padding-top:8px;border-top:1px solid {LINE}">{escape(summary)}</div>'
            f'<div style="margin-bottom:4px">{DRAWS} draws:</div>{chips(drawn, [None] * DRAWS)}'
        )
        listed = ", ".join(
            f"{visible(piece)} {percent(probability)}"
            for piece, probability in zip(pieces[:5], kept, strict=False)
        )
        return Picture(card(body), f"{summary}. Next token: {listed}")

    def _sample(self, kept):
        chances = numpy.random.default_rng(self.seed).random(DRAWS)
        positions = numpy.searchsorted(numpy.cumsum(kept), chances, side="right").clip(max=len(kept) - 1)
        return [self.decode(int(self.order[position])) for position in positions]
