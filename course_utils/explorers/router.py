"""Which expert takes which token, layer by layer, on texts of the course or of the learner's own."""

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.picture import array
from course_utils.views.routing import routing

from .base import Explorer, given

MOST_TOKENS = 100


class Router(Explorer):
    """A slider for the layer, a list of registers and a text to type, over the experts of each token.

    Moving the slider runs no model; another text runs it once.

    Parameters
    ----------
    route: function text (str) -> (layers, tokens, experts), what the router of each layer gives each expert.
        What it raises is shown as one sentence.
    tokenizer: the model's fast tokenizer of transformers, which says where each token stands in the text.
    texts: dict from a register (str) to a text (str); the first is shown first.
    layer: int, where the slider starts, counted from 0.
    active: int, experts that take a token.

    Raises
    ------
    CourseError: if the first text is empty, too long or has words that the model has no token for, `route`
        returns another shape, or the model has no such layer.
    """

    def __init__(self, route, tokenizer, texts, layer=0, active=2):
        self.route, self.tokenizer, self.texts, self.active = route, tokenizer, dict(texts), active
        self._read = None
        first = next(iter(self.texts))
        layers = len(self._routed(self.texts[first])[1])
        if layer not in range(layers):
            raise CourseError(f"There is no layer {layer}: choose one from 0 to {layers - 1}.")
        self.layer = ipywidgets.IntSlider(value=layer, max=layers - 1, description="layer")
        self.register = ipywidgets.Dropdown(options=list(self.texts), value=first, description="register")
        self.text = ipywidgets.Text(
            value=self.texts[first], description="text, then Enter", continuous_update=False
        )
        super().__init__([self.layer, self.register, self.text])
        self.text.layout.width = "640px"
        self.layer.observe(self.update, "value")
        self.text.observe(self.update, "value")
        self.register.observe(self._new_register, "value")

    def _new_register(self, change):
        with self.quietly(self.text):
            self.text.value = self.texts[self.register.value]
        self.update()

    def _routed(self, text):
        """The tokens of a text and their shares; the model runs only for a text other than the last one."""
        if self._read is None or self._read[0] != text:
            if not text.strip():
                raise CourseError("There is no text: type a sentence, then press Enter.")
            read = self.tokenizer(text, return_offsets_mapping=True)
            ids, places = read["input_ids"], read["offset_mapping"]
            unknown = [
                text[start:end]
                for number, (start, end) in zip(ids, places, strict=True)
                if number == self.tokenizer.unk_token_id and start < end
            ]
            if unknown:
                listed = ", ".join(f"“{word}”" for word in dict.fromkeys(unknown[:5]))
                raise CourseError(
                    f"The model has no token for {listed}: use words of the texts that the registers show."
                )
            if len(ids) > MOST_TOKENS:
                raise CourseError(f"{len(ids)} tokens are too many: shorten the text to {MOST_TOKENS}.")
            pieces = [
                text[start:end] if start < end else self.tokenizer.convert_ids_to_tokens(number)
                for number, (start, end) in zip(ids, places, strict=True)
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
        return routing(pieces, shares[layer], self.active, f"Layer {layer}: which expert takes which token")
