"""Temperature, top-k and top-p: which tokens can be drawn, and twenty draws, for lesson 02."""

import base64

import numpy

from course_utils.errors import CourseError
from course_utils.views.picture import array
from course_utils.views.text import percent, visible
from course_utils.widgets.explorer import given
from course_utils.widgets.live_view import LiveView

NAMED = 3000  # the number of most likely tokens whose text the view gets


class Sampling(LiveView):
    """Shows the probability of each possible next token, and twenty draws from these probabilities.

    The learner changes the temperature, top-k and top-p. At the start the temperature is 1. No model runs.

    logits : (vocabulary,) array or tensor, the model's scores for the next token.
    decode : function from a token id (int) to the token's text.

    Raises CourseError if the logits are not a single vector (vocabulary,).
    """

    view = "sampling"

    def __init__(self, logits, decode):
        logits = array(logits)
        if logits.ndim != 1:
            raise CourseError(
                f"Sampling needs the scores of one position, shape (vocabulary,), not {logits.shape}: take "
                "logits[0, -1]."
            )
        order = numpy.argsort(-logits, kind="stable")
        scores = logits[order]
        pieces = [given(decode, int(token_id)) for token_id in order[:NAMED]]
        shares = numpy.exp(scores - scores[0])
        shares /= shares.sum()
        listed = ", ".join(
            f"{visible(piece)} {percent(share)}"
            for piece, share in zip(pieces[:12], shares[:12], strict=True)
        )
        alt = f"The likeliest of {len(scores):,} tokens at temperature 1: {listed}."
        data = {"logits": _at_16_bits(scores), "pieces": pieces}
        super().__init__(data=data, alt=alt, temperature=1.0, top_k=0, top_p=1.0)


def _at_16_bits(values):
    """Store values as 16-bit integers, in less space. The function `numbers` in view.js restores the values.

    Returns a dict with `low`, `step`, and the integers in base64 as `sixteen`. A value is about
    low + step * integer.
    """
    low, high = float(values.min()), float(values.max())
    step = (high - low) / 65535 or 1.0
    stored = numpy.rint((values - low) / step).astype("<u2")
    return {"low": low, "step": step, "sixteen": base64.b64encode(stored.tobytes()).decode("ascii")}
