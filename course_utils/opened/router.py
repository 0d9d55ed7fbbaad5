"""The router of a mixture of experts: which experts process which token, in each layer and for any text.

For lesson 05.
"""

from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.charts import bar_table
from course_utils.views.picture import INK, LINE, MONO, QUIET, Picture, array, card
from course_utils.views.text import above_number, below, invisible_note, percent, piece_html, visible
from course_utils.widgets.explorer import Explorer, check_choice, given

MOST_TOKENS = 100
# One tint for each of eight experts; a ninth expert has the first tint again. Below each token is the number
# of its expert.
_TINTS = ("#cfe6f5", "#ffe3b3", "#cdeee2", "#f7d9e8", "#fbf6bf", "#f8d3bd", "#e2e5ea", "#d9d2ee")


def routing(pieces, shares, *, active=2, title=None) -> Picture:
    """Draw which experts process each token of a text, and how the tokens are distributed over the experts.

    pieces : list of str, the tokens.
    shares : (tokens, experts), the share that the router gives to each expert; each row adds up to 1.
    active : int, the number of experts that process each token.
    title : str, written above the picture.
    """
    shares = array(shares)
    chosen = (-shares).argsort(axis=1, kind="stable")[:, :active]  # (tokens, active), first choice first
    html, words = "", []
    for piece, row, experts in zip(pieces, shares, chosen, strict=True):
        weights = [percent(weight, 0) for weight in row[experts] / row[experts].sum()]
        listed = [f"{expert} {weight}" for expert, weight in zip(experts, weights, strict=True)]
        words.append(f"{visible(piece)} {' and '.join(listed)}")
        others = "".join(below(escape(text)) for text in listed[1:])
        html += above_number(
            f'<span style="display:block;padding:0 4px;background:{_TINTS[experts[0] % len(_TINTS)]};'
            f'border-bottom:1px solid {QUIET};font-family:{MONO};font-size:14px;color:{INK}">'
            f"{piece_html(piece)}</span>{below(f'<b>{experts[0]}</b> {weights[0]}', INK)}{others}"
        )
    experts = shares.shape[1]
    load = [100 * (chosen == expert).sum() / chosen.size for expert in range(experts)]
    labels = [f"expert\N{NO-BREAK SPACE}{expert}" for expert in range(experts)]
    even = 100 / experts
    bars = bar_table(labels, [round(share, 1) for share in load], "%", [even] * experts)
    html += (
        f'<div style="margin-top:6px;padding-top:8px;border-top:1px solid {LINE}">'
        f"Who takes how much of this text</div>{bars}"
    )
    note = (
        "Below each token: the experts that take it, the first choice in bold, and the weight of each. Bars: "
        f"share of all places; dashed line: an even share, {even:.3g}%"
    )
    note = ". ".join(filter(None, [note, invisible_note(pieces)]))
    loads = ", ".join(f"expert {expert} {share:.0f}%" for expert, share in enumerate(load))
    return Picture(card(html, title, note), f"{'; '.join(words)}. Load: {loads}; even would be {even:.3g}%")


class Router(Explorer):
    """Shows the experts of each token, with a slider for the layer and a list of registers.

    The learner can also type a text. A new text runs the model once; moving the slider does not run the
    model.

    route : function text (str) -> (layers, tokens, experts), the shares that each layer's router gives to the
        experts. If it raises an error, the explorer shows a message.
    tokenizer : the model's fast tokenizer of transformers, which can return the offsets of each token.
    texts : dict from a register (str) to a text (str); the first text is shown at the start.
    layer : int, the layer at the start, counted from 0.
    active : int, the number of experts that process each token.

    Raises CourseError if the first text is empty, too long or has words for which the model has no token, if
    `route` returns another shape, or if the model has no such layer.
    """

    def __init__(self, route, tokenizer, texts, *, layer=0, active=2):
        self.route, self.tokenizer, self.texts, self.active = route, tokenizer, dict(texts), active
        self._read = None
        first = next(iter(self.texts))
        layers = len(self._routed(self.texts[first])[1])
        check_choice("layer", layer, range(layers))
        self.layer = ipywidgets.IntSlider(value=layer, max=layers - 1, description="layer")
        self.register = ipywidgets.Dropdown(options=list(self.texts), value=first, description="register")
        self.text = ipywidgets.Text(
            value=self.texts[first], description="text, then Enter", continuous_update=False
        )
        super().__init__([self.layer, self.register, self.text], {self.register: self._new_register})
        self.text.layout.width = "640px"

    def _new_register(self, change):
        with self.quietly(self.text):
            self.text.value = self.texts[self.register.value]
        self.update()

    def _routed(self, text):
        """Return a text's tokens and the routers' shares. Run the model only if the text has changed."""
        if self._read is None or self._read[0] != text:
            if not text.strip():
                raise CourseError("There is no text: type a sentence, then press Enter.")
            read = self.tokenizer(text, return_offsets_mapping=True)
            tokens = list(zip(read["input_ids"], read["offset_mapping"], strict=True))
            unknown = [
                text[start:end]
                for token, (start, end) in tokens
                if token == self.tokenizer.unk_token_id and start < end
            ]
            if unknown:
                listed = ", ".join(f"“{word}”" for word in dict.fromkeys(unknown[:5]))
                raise CourseError(
                    f"The model has no token for {listed}: use words of the texts that the registers show."
                )
            if len(tokens) > MOST_TOKENS:
                raise CourseError(f"{len(tokens)} tokens are too many: shorten the text to {MOST_TOKENS}.")
            pieces = [
                text[start:end] if start < end else self.tokenizer.convert_ids_to_tokens(token)
                for token, (start, end) in tokens
            ]
            shares = array(given(self.route, text))
            if shares.ndim != 3 or shares.shape[1] != len(pieces):
                raise CourseError(
                    f"`route` gave shares of shape {shares.shape}, and {len(pieces)} tokens need (layers, "
                    f"{len(pieces)}, experts): stack the model's `router_logits`, after a softmax."
                )
            self._read = text, pieces, shares
        return self._read[1:]

    def render(self):
        pieces, shares = self._routed(self.text.value)
        layer = self.layer.value
        title = f"Layer {layer}: which expert takes which token"
        return routing(pieces, shares[layer], active=self.active, title=title)
