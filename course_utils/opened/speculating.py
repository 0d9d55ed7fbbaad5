"""Lets a helper guess words that a language model then checks in one pass. For lesson 13."""

from collections import Counter, defaultdict
from html import escape

from course_utils.views.picture import BLUE, INK, LINE, QUIET, Picture, card, legend_html

END = "</s>"  # the token that ends a text of TinyWorld
_GUESSED = "#e3edf7"
_PASS = f"display:inline-block;border:2px solid {BLUE};border-radius:5px"


class Followers:
    """A table of the word that most often followed each sequence of one to three words in some texts.

    In lesson 13 the table is the helper. `len` gives the number of rows.

    texts : list of str.
    tokenizer : the tokenizer that cuts the texts into words.
    """

    def __init__(self, texts, tokenizer):
        counts = defaultdict(Counter)
        for text in texts:
            words = [*tokenizer.tokenize(text), END]
            for length in (1, 2, 3):
                for end in range(length, len(words)):
                    counts[tuple(words[end - length : end])][words[end]] += 1
        self._likeliest = {before: found.most_common(1)[0][0] for before, found in counts.items()}

    def __len__(self):
        return len(self._likeliest)

    def after(self, words):
        """Return the word that most often followed the last words of a list, or None if there is no row.

        If the table has no row for the last three words, the row for the last two words is used. If this row
        is missing, too, the row for the last word is used.
        """
        for length in (3, 2, 1):
            word = self._likeliest.get(tuple(words[-length:]))
            if word is not None:
                return word
        return None

    def guess(self, words, count=4) -> list[str]:
        """Return a guess of the next `count` words after a list of words.

        The guess is shorter if the table has no row for the last words, or expects the end of the text.
        """
        guesses = []
        for _ in range(count):
            word = self.after(words + guesses)
            if word in (None, END):
                break
            guesses.append(word)
        return guesses


def own_words(model, tokenizer, words, guesses=()) -> list[str]:
    """Return a model's likeliest next word after a text and after each guess, computed in one pass.

    model, tokenizer : a model of TinyWorld and its tokenizer.
    words : list of str, the text.
    guesses : list of str, how the text may go on. The result has one word more than `guesses`: the first is
        what comes after `words`, the second what comes after the first guess, and so on.
    """
    import torch

    numbers = [tokenizer.bos_token_id, *tokenizer.convert_tokens_to_ids([*words, *guesses])]
    with torch.no_grad():
        scores = model(torch.tensor([numbers], device=model.device)).logits[0]
    return tokenizer.convert_ids_to_tokens(scores[len(words) :].argmax(-1).tolist())


def passes(rows, *, title=None) -> Picture:
    """Draw texts, with a frame around the words that each pass of the model has added.

    rows : dict from a label to a list of passes. A pass is the list of words that it added: guesses that the
        model agreed with, and then one word of the model's own.
    title : str, written above the picture.
    """
    html, sentences = "", []
    for label, made in rows.items():
        frames = "".join(_frame(words) for words in made)
        fact = f"{len(made)} passes"
        html += (
            f'<div style="padding:8px 0 4px 0;border-top:1px solid {LINE}"><div style="margin-bottom:6px">'
            f'<b>{escape(label)}</b> <span style="color:{QUIET}">{fact}</span></div>{frames}</div>'
        )
        words = " | ".join(" ".join(words) for words in made)
        sentences.append(f"{label}, {fact}: {words}")
    guessed, own = (_word("word", colour) for colour in (_GUESSED, "#ffffff"))
    key = legend_html(
        [
            f'<span style="{_PASS};width:20px;height:12px"></span> a pass',
            f"{guessed} guessed, and the model agrees",
            f"{own} the model's own",
        ]
    )
    return Picture(card(html + f'<div style="font-size:13px">{key}</div>', title), ". ".join(sentences))


def _frame(words):
    inner = "".join(_word(word, _GUESSED) for word in words[:-1]) + _word(words[-1], "#ffffff")
    return f'<span style="{_PASS};margin:0 4px 5px 0;padding:1px 2px">{inner}</span> '


def _word(word, colour):
    shown = "(end)" if word == END else word
    return (
        f'<span style="display:inline-block;padding:0 3px;background:{colour};color:{INK};border-radius:3px">'
        f"{escape(shown)}</span>"
    )
