"""An explorer that shows which tokens each token looks at, in any layer and head, for any text."""

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.attention import attention_html, attention_note, attention_words
from course_utils.views.picture import INK, Picture, array, card

from .base import Explorer, given, token_choices

MOST_TOKENS = 24

# Pointing at a cell shows its sentence below the map. With the keyboard, the slider over tokens gives the
# same information.
_ON_HOVER = (
    "<style>.course-map{position:relative;padding-bottom:26px}"
    ".course-map td:has(.course-readout):hover{outline:2px solid " + INK + ";outline-offset:-2px}"
    ".course-readout{display:none;position:absolute;left:0;bottom:0;padding:1px 6px;background:#ffffff;"
    "font-weight:400;font-size:14px;line-height:22px}"
    ".course-map td:hover>.course-readout{display:block}</style>"
)


class Attention(Explorer):
    """Shows the attention map of one head, with sliders for the layer, the head and the token that looks.

    The learner can type another text. A new text runs the model once; moving a slider does not run it.

    Parameters
    ----------
    attend: function text (str) -> (layers, heads, tokens, tokens) attention weights. If it raises an error,
        the explorer shows a message.
    split: function text (str) -> list of str, the tokens of the text.
    text: str, the text at the start; at most 24 tokens.
    layer, head: int, the values of the sliders at the start, counted from 0.

    Raises
    ------
    CourseError: if the text is empty or too long, `attend` returns another shape, or the model has no such
        layer or head.
    """

    def __init__(self, attend, split, text, layer=0, head=0):
        self.attend, self.split = attend, split
        self._read, self._tokens_of = None, text
        pieces, weights = self._attended(text)
        layers, heads = weights.shape[:2]
        for name, value, count in (("layer", layer, layers), ("head", head, heads)):
            if value not in range(count):
                raise CourseError(f"There is no {name} {value}: choose one from 0 to {count - 1}.")
        self.layer = ipywidgets.IntSlider(value=layer, max=layers - 1, description="layer")
        self.head = ipywidgets.IntSlider(value=head, max=heads - 1, description="head")
        self.token = ipywidgets.SelectionSlider(
            options=token_choices(pieces), index=len(pieces) - 1, description="token that looks"
        )
        self.text = ipywidgets.Text(value=text, description="text, then Enter", continuous_update=False)
        super().__init__([self.layer, self.head, self.token, self.text])
        self.text.layout.width = "640px"  # a text of 24 tokens is longer than a slider
        for control in self.controls:
            control.observe(self.update, "value")

    def update(self, change=None):
        with self.errors_shown():
            text = self.text.value
            pieces, _ = self._attended(text)
            if text != self._tokens_of:
                # Select the last token, which looks at all others. New options alone would select the first.
                with self.quietly(self.token):
                    self.token.options = token_choices(pieces)
                    self.token.index = len(pieces) - 1
                self._tokens_of = text
            self.show(self.render())

    def _attended(self, text):
        """Return a text's tokens and their weights; run the model only if the text has changed."""
        if self._read is None or self._read[0] != text:
            pieces = given(self.split, text)
            if not text.strip():
                raise CourseError("There is no text: type a few words, then press Enter.")
            if len(pieces) > MOST_TOKENS:
                raise CourseError(
                    f"{len(pieces)} tokens are too many for one map: shorten it to {MOST_TOKENS}."
                )
            weights = array(given(self.attend, text))
            if weights.ndim != 4 or weights.shape[2:] != (len(pieces), len(pieces)):
                raise CourseError(
                    f"`attend` gave weights of shape {weights.shape}, and {len(pieces)} tokens need (layers, "
                    f"heads, {len(pieces)}, {len(pieces)}): join the model's `attentions` with torch.cat."
                )
            self._read = text, pieces, weights
        return self._read[1:]

    def render(self):
        return self._picture(live=True)

    def still(self):
        return self._picture(live=False)

    def _picture(self, live):
        pieces, weights = self._attended(self.text.value)
        layer, head, token = self.layer.value, self.head.value, self.token.value
        weights = weights[layer, head]
        html = attention_html(pieces, weights, token, readout=live)
        note = attention_note(pieces)
        if live:
            html = _ON_HOVER + html
            note += " Point at a cell to read it out."
        where = f"Layer {layer}, head {head}"
        return Picture(card(html, where, note), f"{where}: {attention_words(pieces, weights, token)}")
