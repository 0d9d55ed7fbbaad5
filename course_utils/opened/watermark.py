"""Finds the watermark of a text, at any length and with swapped words. For lesson 12.

A watermark adds a bonus to the scores of a quarter of the tokens, the green ones. Which tokens are green
depends on the token before. The z-score says how far a text's number of green tokens is above chance.
"""

import itertools
from html import escape

import numpy

from course_utils.errors import CourseError
from course_utils.views.picture import GREEN, INK, MONO, QUIET, Picture, card, signed
from course_utils.widgets.explorer import check_choice
from course_utils.widgets.live_view import LiveView

KEY = 15485863  # the key that transformers' watermark takes if no other key is given
RATIO = 0.25  # the share of the vocabulary that is green


def marked_text(tokens, green, tokenizer, *, title) -> Picture:
    """Draw a text with a tint and a thick line at its green tokens, and say in the title how many there are.

    tokens : list of int, the text; its first token is not counted
    green : as `green_table` returns it
    tokenizer : the tokenizer that cut the text
    title : str
    """
    pieces = tokenizer.convert_ids_to_tokens(tokens)
    marks = [False, *(bool(green[pair]) for pair in itertools.pairwise(tokens))]
    count = f"{sum(marks)} of {len(marks) - 1} tokens green"
    mark = f"border-bottom:3px solid {GREEN};background:#dff3ea"
    text = " ".join(
        f'<span style="display:inline-block;padding:0 2px;{mark if is_green else f"color:{INK}"}">'
        f"{escape(piece)}</span>"
        for piece, is_green in zip(pieces, marks, strict=True)
    )
    html = (
        f'<div style="font-family:{MONO};font-size:14px;line-height:1.9;color:{INK}">{text}</div>'
        f'<div style="margin-top:6px;font-size:13px;color:{QUIET}">'
        f'<span style="padding:0 2px;{mark};color:{INK}">Tint and line</span>: green after the token before '
        "it. Bare: not green.</div>"
    )
    return Picture(card(html, f"{title}: {count}"), f"{count}: {' '.join(pieces)}")


def green_table(size):
    """Return a bool array: element [first, second] says whether the second token is green after the first.

    size : int, the number of tokens of the vocabulary
    """
    import torch

    green = numpy.zeros((size, size), bool)
    for before in range(size):
        order = torch.randperm(size, generator=torch.Generator().manual_seed(KEY * before))
        green[before, order[: int(size * RATIO)]] = True
    return green


def z_score(tokens, green, *, ratio=RATIO):
    """Return how far a text's number of green tokens is above the number expected by chance.

    The unit is one standard deviation.

    tokens : list of int, the text; its first token is not counted
    green : as `green_table` returns it
    ratio : float, the share of the vocabulary that is green after each token
    """
    tokens = numpy.asarray(tokens)
    count = len(tokens) - 1
    hits = green[tokens[:-1], tokens[1:]].sum()
    return float((hits - ratio * count) / (count * ratio * (1 - ratio)) ** 0.5)


def z_scores(tokens, length, green):
    """Cut a list of tokens into texts of `length` tokens, and return the z-score of each text, as a list."""
    starts = range(0, len(tokens) - length + 1, length)
    return [z_score(tokens[start : start + length], green) for start in starts]


def write_marked(model, tokenizer, bonus, green, *, documents=200):
    """Let a model write watermarked documents at temperature 1, and return all their tokens in one int array.

    The watermark is the same as that of transformers' WatermarkingConfig with this bonus.

    model, tokenizer : a model of TinyWorld, and its tokenizer
    bonus : number, what is added to the scores of green tokens; 0 for no mark
    green : as `green_table` returns it
    documents : int, how many the model writes
    """
    import torch

    rng = numpy.random.default_rng(10)
    listed = torch.from_numpy(green)

    def draw(ids, scores):  # with Gumbel noise added, the token with the largest score is a random draw
        noise = torch.from_numpy(rng.gumbel(size=scores.shape)).float()
        return scores + bonus * listed[ids[:, -1]] + noise

    begin = torch.full((documents, 1), tokenizer.bos_token_id)
    with torch.no_grad():
        texts = model.generate(
            begin, logits_processor=[draw], max_new_tokens=96, do_sample=False, pad_token_id=0
        )
    return numpy.array([token for text in texts.tolist() for token in text if token > 2])  # 0 to 2: special


def swap_words(tokens, share, world, tokenizer):
    """Return a text in which words are swapped for others of the same word list, such as gladly for happily.

    tokens : int array
    share : float, the probability that a word is swapped, if it is in a list
    world : `tinyworld.World`
    """
    lists = [tokenizer.convert_tokens_to_ids(world.words_of(name)) for name in world.words]
    kin = {token: listed for listed in lists for token in listed}
    rng = numpy.random.default_rng(10)
    other = [rng.choice(kin.get(token, [token])) for token in tokens]
    return numpy.where(rng.random(len(tokens)) < share, other, tokens)


def copied_texts(world, tokenizer, *, length=200):
    """Return up to 500 texts without a watermark: int arrays of `length` tokens.

    Each text repeats one document of the world, again and again.
    """
    told = [tokenizer.encode(document.text)[1:] for document in world.documents(4_000, seed="unmarked")]
    return [numpy.tile(text, 8)[:length] for text in told if len(text) > 24][:500]


def count_along(texts, green, world, tokenizer, *, length=200):
    """Return a `Watermark` of each text's first tokens, as written and with words swapped.

    texts : {bonus: int array, the tokens of a text}
    green : as `green_table` returns it
    world : `tinyworld.World`
    length : int, how many tokens of each text are shown
    """
    shown = {}
    for bonus, tokens in texts.items():
        for share in (0, 0.25, 0.5, 1):
            shown[bonus, share] = swap_words(tokens[:length], share, world, tokenizer)
    pieces = tokenizer.convert_ids_to_tokens(range(len(green)))
    return Watermark(shown, pieces, green, ratio=RATIO, threshold=4, bonus=2)


class Watermark(LiveView):
    """Shows a text with its green tokens marked, and its z-score.

    The learner chooses the bonus, the share of swapped words and the length, or pastes a text, of which only
    tokens of the vocabulary are counted.

    texts : dict from (bonus, share of swapped words) to the token ids of a text. There is a text for each
        pair of a bonus and a share, and each text has at least 25 tokens.
    pieces : list of str, the text of each token of the vocabulary.
    green : bool array. The element [first, second] says whether the second token is green after the first.
    ratio : float, the share of the vocabulary that is green.
    threshold : float, the z-score above which a text counts as watermarked.
    bonus, swapped, length : the values at the start; by default the largest bonus, the smallest share of
        swapped words and the length of the shortest text.

    Raises CourseError if a text is missing, or if there is no such bonus, share or length.
    """

    view = "watermark"

    def __init__(self, texts, pieces, green, *, ratio, threshold, bonus=None, swapped=None, length=None):
        self.green = numpy.asarray(green)
        bonuses = sorted({bonus for bonus, _ in texts})
        shares = sorted({share for _, share in texts})
        for key in itertools.product(bonuses, shares):
            if key not in texts:
                raise CourseError(f"There is no text for bonus {key[0]} with {key[1]:.0%} swapped: give one.")
        lengths = range(25, min(map(len, texts.values())) + 1)
        bonus = bonuses[-1] if bonus is None else bonus
        swapped = shares[0] if swapped is None else swapped
        length = lengths[-1] if length is None else length
        check_choice("bonus", bonus, bonuses)
        check_choice("share of swapped words", swapped, shares)
        check_choice("length", length, lengths)
        data = {"vocabulary": list(pieces), "ratio": ratio, "threshold": threshold, "texts": []}
        for (strength, share), tokens in sorted(texts.items()):
            ids = [int(token) for token in tokens]
            text = {"bonus": strength, "swapped": share, "ids": ids, "green": self._marks(ids)}
            data["texts"].append(text)
        shown = numpy.asarray(texts[bonus, swapped])[:length]
        marks = self._marks(shown)
        z = z_score(shown, self.green, ratio=ratio)
        verdict = "over" if z > threshold else "not over"
        alt = (
            f"Bonus {bonus}, {swapped:.0%} of the words with a list swapped: z = {signed(z, 2)}, {verdict} "
            f"{threshold}. {marks.count('1')} of {len(marks)} green; without a mark about "
            f"{ratio * len(marks):.0f}. {' '.join(pieces[token] for token in shown)}"
        )
        chosen = {"text": str(bonus), "swapped": swapped, "length": length, "own": ""}
        super().__init__(data=data, alt=alt, **chosen)

    def answer(self, want):
        return {"green": self._marks(want["ids"])}

    def _marks(self, ids):
        """Return a str with one character for each token from the second on.

        "1" is green, "0" is not green, and "-" means that this token or the one before it is unknown.
        """
        pairs = itertools.pairwise(ids)
        return "".join("-" if min(pair) < 0 else str(int(self.green[pair])) for pair in pairs)
