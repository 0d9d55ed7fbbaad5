"""A sliding window: what the last token attends to, and how the model then answers, for lesson 07."""

from course_utils.errors import CourseError
from course_utils.views.text import percent, visible
from course_utils.widgets.explorer import check_choice, given
from course_utils.widgets.live_view import LiveView


class SlidingWindow(LiveView):
    """Shows how far back each layer attends, how information moves through the layers, and the answer.

    The learner drags the edge of the window over the text. The learner also chooses the distance from the
    last token back to the word on which the answer depends.

    ask : function (distance, window) -> list of (word, probability from 0 to 1), the likeliest first: the
        model's next words after the text of this distance, with this window in each layer. If it raises an
        error, the view shows a message.
    texts : dict from a distance in tokens to (pieces, target): the tokens of a text, and the index of the
        token on which the answer depends, at this distance from the last token.
    layers : int, the number of layers of the model.
    window : int, the window at the start; at least 2.
    distance : int, the distance at the start; one of the keys of `texts`.
    name : str, the name of the model, as the subject of a sentence.

    Raises CourseError if `distance` is not a key of `texts`, or if `window` is below 2.
    """

    view = "window"

    def __init__(self, ask, texts, layers, window, distance, name="The model"):
        check_choice("distance", distance, texts)
        if window < 2:
            raise CourseError(f"A window of {window} shows the last token itself at most: take 2 or more.")
        self.ask, self.texts = ask, texts
        pieces, target = texts[distance]
        whole = len(pieces)
        wants = [{"text": str(distance), "size": size} for size in range(whole, 1, -1)]
        answers = [{"want": want, **self.answer(want)} for want in wants]
        said = next(each["top"] for each in answers if each["want"]["size"] == min(window, whole))
        word, share = said[0]
        # In each layer, information moves by at most window - 1 tokens.
        needed = max(1, -(-(whole - 1 - target) // (window - 1)))
        way = f"can arrive through {needed} layers" if needed > 1 else "is in sight"
        alt = (
            f"Each of {layers} layers sees {window} tokens. “{visible(pieces[target])}”, "
            f"{whole - 1 - target} tokens back, {way if needed <= layers else 'cannot arrive'}. "
            f"{name} answers “{word.strip()}”, {percent(share)}."
        )
        super().__init__(
            data={
                "layers": layers,
                "offers": [str(each) for each in sorted(texts)],
                "texts": {
                    str(each): {"pieces": _apart(text), "target": at} for each, (text, at) in texts.items()
                },
                "answers": answers,
            },
            alt=alt,
            text=str(distance),
            size=window,
        )

    def answer(self, want):
        distance = int(want["text"])
        pieces, _ = self.texts[distance]
        said = given(self.ask, distance, want["size"])
        words = _apart([word for word, _ in said])
        top = [[word, float(share)] for word, (_, share) in zip(words, said, strict=True)]
        return {"pieces": _apart(pieces), "top": top}


def as_mistral(model):
    """Copy a Llama model into transformers' Mistral class. The `sliding_window` of the copy can be set.

    Mistral has the same parts as Llama, and a sliding window. The copy has no window at first: its
    `sliding_window` is None.

    model : a model of transformers' Llama class.
    """
    from transformers import MistralConfig, MistralForCausalLM

    config = MistralConfig.from_dict(model.config.to_dict(), sliding_window=None)
    config._attn_implementation = "eager"
    twin = MistralForCausalLM(config).to(model.device, model.dtype).eval()
    twin.load_state_dict(model.state_dict())
    return twin


def stories_by_distance(documents):
    """Group stories of TinyWorld by their distance to a colour: {distance in tokens: documents}.

    The distance is counted from the last token of `story_beginning` back to the colour.
    """
    found = {}
    for document in documents:
        found.setdefault(document.distance("colour") - 1, []).append(document)
    return dict(sorted(found.items()))


def story_beginning(document):
    """Return a story without its last two words, the colour and the thing, which a model has to predict."""
    return document.text.rsplit(" ", 2)[0]


def next_words(model, tokenizer, text):
    """Return the three likeliest next tokens of a text, and their probabilities from 0 to 1: two lists.

    model, tokenizer : a language model of transformers, and its tokenizer.
    """
    probabilities, numbers = _scores_after(model, tokenizer, text).softmax(-1).topk(3)
    return tokenizer.convert_ids_to_tokens(numbers.tolist()), probabilities.tolist()


def largest_move(model, tokenizer, text, changed):
    """Return the largest difference, over all tokens, of the scores after `text` and after `changed`.

    model, tokenizer : as for `next_words`.
    text, changed : str, two texts.
    """
    moves = _scores_after(model, tokenizer, text) - _scores_after(model, tokenizer, changed)
    return moves.abs().max().item()


def window_over_stories(model, tokenizer, stories, *, back, window, name) -> SlidingWindow:
    """Show a window over stories of TinyWorld that tell a colour early and ask for it at the end.

    model : a model in transformers' Mistral class, such as `as_mistral` returns; its window is changed.
    stories : dict from a distance to documents, as `stories_by_distance` returns; the first document of each
        distance is shown.
    back, window : int, the distance and the window at the start.
    name : str, the name of the model.
    """
    beginnings, texts = {}, {}
    for distance, documents in sorted(stories.items()):
        beginnings[distance] = story_beginning(documents[0])
        pieces = tokenizer.convert_ids_to_tokens(tokenizer(beginnings[distance])["input_ids"])
        texts[distance] = pieces, len(pieces) - 1 - distance

    def ask(distance, size):
        model.config.sliding_window = size
        return list(zip(*next_words(model, tokenizer, beginnings[distance]), strict=True))

    layers = model.config.num_hidden_layers
    return SlidingWindow(ask, texts, layers, window, back, name)


def _scores_after(model, tokenizer, text):
    """Return the score of each possible next token: a tensor (vocabulary,)."""
    import torch

    with torch.no_grad():
        return model(**tokenizer(text, return_tensors="pt")).logits[0, -1].float()


def _apart(pieces):
    """Return the tokens, with a space in front of each token that is not a punctuation mark."""
    return [piece if piece[:1] in ".,?!:;”)'" else f" {piece.strip()}" for piece in pieces]
