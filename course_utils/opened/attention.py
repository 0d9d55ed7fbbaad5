"""Attention: which tokens each token looks at, in each layer and head, for lesson 03."""

import base64

import numpy

from course_utils.errors import CourseError
from course_utils.views.picture import array
from course_utils.views.text import top_five, visible
from course_utils.widgets.explorer import check_choice, given
from course_utils.widgets.live_view import LiveView

MOST_TOKENS = 24


class Attention(LiveView):
    """Shows a small attention map of each head, and a larger map of one head, the open head.

    The learner chooses a token, and a second token that the first one looks at, and can type a text. Only a
    new text runs the model. On the website's page, the same view first shows one head alone.

    attend : function text (str) -> (layers, heads, tokens, tokens) attention weights. If it raises an error,
        the view shows a message.
    split : function text (str) -> list of str, the tokens of the text.
    text : str, the text at the start; at most 24 tokens.
    others : list of str, further texts that can be chosen.
    layer, head : int, the open head at the start, counted from 0.

    Raises CourseError if the text is empty or too long, if `attend` returns another shape, or if the model
    has no such layer or head.
    """

    view = "heads"

    def __init__(self, attend, split, text, *, others=(), layer=0, head=0):
        self.attend, self.split = attend, split
        pieces, weights = self._attended(text)
        layers, heads = weights.shape[:2]
        check_choice("layer", layer, range(layers))
        check_choice("head", head, range(heads))
        row = weights[layer, head, -1]
        order = numpy.argsort(-row)
        chosen = {"row": len(pieces) - 1, "column": int(order[0])}
        sentences = [_packed(pieces, weights) | chosen]
        sentences += [_packed(*self._attended(other)) for other in others]
        seen = top_five([pieces[index] for index in order], row[order])
        super().__init__(
            data={"layers": layers, "heads": heads, "sentences": sentences},
            alt=f"Layer {layer}, head {head}: {visible(pieces[-1])} looks at {seen}",
            sentence=0,
            head=layer * heads + head,
            all=True,
            point="look",
            **chosen,
        )

    def answer(self, want):
        """Return the tokens and all maps of `want["text"]`."""
        return _packed(*self._attended(want["text"]))

    def _attended(self, text):
        """Return a text's tokens and attention weights."""
        pieces = given(self.split, text)
        if not text.strip():
            raise CourseError("There is no text: type a few words, then press Enter.")
        if len(pieces) > MOST_TOKENS:
            raise CourseError(f"{len(pieces)} tokens are too many for one map: shorten it to {MOST_TOKENS}.")
        weights = array(given(self.attend, text))
        if weights.ndim != 4 or weights.shape[2:] != (len(pieces), len(pieces)):
            raise CourseError(
                f"`attend` gave weights of shape {weights.shape}, and {len(pieces)} tokens need (layers, "
                f"heads, {len(pieces)}, {len(pieces)}): join the model's `attentions` with torch.cat."
            )
        return pieces, weights


def _packed(pieces, weights):
    """Return a text's tokens and attention maps, in the form that heads.json has for the website's page.

    "maps" has the lower triangle of each head's map, row by row, in base64. A share from 0 to 1 is stored as
    one byte from 0 to 255.
    """
    rows, columns = numpy.tril_indices(len(pieces))
    shares = (255 * weights[:, :, rows, columns]).round().astype(numpy.uint8)
    return {"tokens": list(pieces), "maps": base64.b64encode(shares.tobytes()).decode("ascii")}
