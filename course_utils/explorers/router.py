"""An explorer that shows which experts take which token, in any layer and for any text."""

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.picture import array
from course_utils.views.routing import routing

from .base import Explorer, given

MOST_TOKENS = 100


class Router(Explorer):
    """Shows the experts of each token, with a slider for the layer and a list of registers.

    The learner can also type a text. Another text runs the model once; moving the slider does not run it.

    Parameters
    ----------
    route: function text (str) -> (layers, tokens, experts), the shares that the router of each layer gives to
        the experts. If it raises an error, the explorer shows a message.
    tokenizer: the model's fast tokenizer of transformers, which can return the offsets of each token.
    texts: dict from a register (str) to a text (str); the first is shown at the start.
    layer: int, the layer at the start, counted from 0.
    active: int, the number of experts that take each token.

    Raises
    ------
    CourseError: if the first text is empty, too long or has words for which the model has no token, `route`
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
        """Return a text's tokens and their shares; run the model only if the text has changed."""
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
