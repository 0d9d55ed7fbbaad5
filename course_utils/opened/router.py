"""Shows which experts of a mixture of experts process which token, in each layer and for any text.

For lesson 07.
"""

from course_utils.errors import CourseError
from course_utils.views.picture import array
from course_utils.views.text import percent, visible
from course_utils.widgets.explorer import check_choice, given
from course_utils.widgets.live_view import LiveView

MOST_TOKENS = 100


class Router(LiveView):
    """Shows the experts of each token, and the tokens of each expert.

    The learner chooses a layer, an expert, a token, or a register, or types a text. A new text runs the model
    once.

    route : function text (str) -> (layers, tokens, experts), the shares that each layer's router gives to the
        experts. If it raises an error, the view shows a message.
    tokenizer : the model's fast tokenizer of transformers, which can return the offsets of each token.
    texts : dict from a register (str) to a text (str); the first text is shown at the start.
    layer : int, the layer at the start, counted from 0.
    active : int, the number of experts that process each token.
    by_lot : None, or a function text (str) -> (routers, layers, tokens, experts), the shares that routers of
        random numbers give. With such a function, the learner can also let these routers or dice choose the
        experts.
    sender : str, what chooses the experts at the start: "trained", or with `by_lot` also "random" or "dice".

    Raises CourseError if the first text is empty, too long or has words for which the model has no token, if
    `route` returns another shape, or if the model has no such layer.
    """

    view = "router"

    def __init__(self, route, tokenizer, texts, *, layer=0, active=2, by_lot=None, sender="trained"):
        self.route, self.tokenizer, self.active, self.by_lot = route, tokenizer, active, by_lot
        first = {"text": next(iter(texts.values()))}
        said = {"want": first, **self.answer(first)}
        check_choice("layer", layer, range(len(said["routes"][0])))
        check_choice("sender", sender, ("trained", "random", "dice") if by_lot else ("trained",))
        super().__init__(
            data={
                "experts": self.experts,
                "offers": [list(pair) for pair in texts.items()],
                "answers": [said],
            },
            alt=_in_words(said, layer, sender),
            text=first["text"],
            layer=layer,
            expert=-1,
            sender=sender,
        )

    def answer(self, want):
        text = want["text"]
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
        shares = array(given(self.route, text))
        if shares.ndim != 3 or shares.shape[1] != len(tokens):
            raise CourseError(
                f"`route` gave shares of shape {shares.shape}, and {len(tokens)} tokens need (layers, "
                f"{len(tokens)}, experts): stack the model's `router_logits`, after a softmax."
            )
        self.experts = shares.shape[2]
        # The start token covers no part of the text, so it is left out.
        shown = [position for position, (_, (start, end)) in enumerate(tokens) if start < end]
        pieces = []
        for position in shown:
            start, end = tokens[position][1]
            apart = text[max(0, start - 1)].isspace() and not text[start].isspace()
            pieces.append(" " * apart + text[start:end])
        answer = {"pieces": pieces, "routes": self._routes(shares[:, shown])}
        if self.by_lot:
            by_lot = array(given(self.by_lot, text))[:, :, shown]
            answer["random"] = [
                [
                    # the short form of a route: [first expert, second expert, share of the first expert]
                    [[*route["experts"], route["shares"][0]] for route in layers]
                    for layers in self._routes(one)
                ]
                for one in by_lot
            ]
        return answer

    def _routes(self, shares):
        """Return for each token and layer the chosen experts, and their shares, which add up to 1."""
        chosen = (-shares).argsort(axis=2, kind="stable")[:, :, : self.active]  # the first choice comes first
        return [
            [
                {"experts": experts.tolist(), "shares": (row[experts] / row[experts].sum()).tolist()}
                for row, experts in zip(shares[:, position], chosen[:, position], strict=True)
            ]
            for position in range(shares.shape[1])
        ]


def _in_words(said, layer, sender):
    """Describe the view at its start: the experts that `sender` chooses for each token."""
    if sender == "dice":
        return f"Layer {layer}: dice send each token to experts."
    if sender == "trained":
        shown = [[routes[layer]["experts"], routes[layer]["shares"]] for routes in said["routes"]]
        who = ""
    else:  # the first random router
        short = [routes[layer] for routes in said["random"][0]]
        shown = [[[first, second], [share, 1 - share]] for first, second, share in short]
        who = ", chosen by random numbers in the router's place"
    words = [
        f"{visible(piece)} "
        + " and ".join(f"{expert} {percent(share, 0)}" for expert, share in zip(*route, strict=True))
        for piece, route in zip(said["pieces"], shown, strict=True)
    ]
    return f"Layer {layer}: the experts of each token{who}, with their shares. {'; '.join(words)}."
