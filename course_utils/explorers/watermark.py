"""An explorer for a watermarked text, with swaps and a length: which tokens are green, and the value of z."""

import ipywidgets
import numpy

from course_utils.errors import CourseError
from course_utils.views.picture import signed
from course_utils.views.watermark import green_tokens

from .base import Explorer, check_start


class Watermark(Explorer):
    """Shows a text with its green tokens and its z, for a chosen bonus, share of swapped words and length.

    Moving a control runs no model.

    Parameters
    ----------
    texts: dict from (bonus, share of the words swapped) to the token ids of a text. Every bonus occurs with
        every share, and each text has at least 25 tokens.
    pieces: list of str, the text of each token of the vocabulary.
    green: bool array (vocabulary, vocabulary), [first, second]: whether the second token is green after the
        first.
    ratio: float, the share of the vocabulary that is green.
    threshold: float, the z above which a text counts as marked.
    bonus, swapped, length: the values at the start; by default the largest bonus, the smallest share of swaps
        and the length of the shortest text.

    Raises
    ------
    CourseError: if a text is missing, or a control cannot start at the given value.
    """

    def __init__(self, texts, pieces, green, ratio, threshold, bonus=None, swapped=None, length=None):
        self.texts, self.pieces, self.green = texts, pieces, green
        self.ratio, self.threshold = ratio, threshold
        bonuses, shares = (sorted({key[place] for key in texts}) for place in (0, 1))
        for key in ((one, other) for one in bonuses for other in shares):
            if key not in texts:
                raise CourseError(f"There is no text for bonus {key[0]} with {key[1]:.0%} swapped: give one.")
        longest = min(map(len, texts.values()))
        lengths = range(25, longest + 1)
        bonus = bonuses[-1] if bonus is None else bonus
        swapped = shares[0] if swapped is None else swapped
        length = longest if length is None else length
        for name, start, places in (
            ("the bonus", bonus, bonuses),
            ("the swapped words", swapped, shares),
            ("the length", length, lengths),
        ):
            check_start(name, start, places)
        self.bonus = ipywidgets.SelectionSlider(options=bonuses, value=bonus, description="bonus")
        shares = [(f"{share:.0%}", share) for share in shares]
        self.swapped = ipywidgets.SelectionSlider(options=shares, value=swapped, description="words swapped")
        self.length = ipywidgets.IntSlider(length, lengths[0], longest, description="tokens")
        super().__init__([self.bonus, self.swapped, self.length])
        for control in self.controls:
            control.observe(self.update, "value")

    def render(self):
        tokens = numpy.asarray(self.texts[self.bonus.value, self.swapped.value])[: self.length.value]
        marks = self.green[tokens[:-1], tokens[1:]]
        expected = self.ratio * len(marks)
        z = (marks.sum() - expected) / (expected * (1 - self.ratio)) ** 0.5
        verdict = "over" if z > self.threshold else "not over"
        title = (
            f"Bonus {self.bonus.value}, {self.swapped.value:.0%} of the words with a list swapped: "
            f"z = {signed(z, 2)}, {verdict} {self.threshold}"
        )
        note = f"{marks.sum()} of {len(marks)} green; without a mark about {expected:.0f}."
        pieces = [self.pieces[token] for token in tokens]
        alt = f"{title}. {note} {' '.join(pieces)}"
        return green_tokens(pieces, [None, *marks.tolist()], title, note, alt)
