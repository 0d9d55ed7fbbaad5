"""Attention: which tokens each token looks at, in each layer and head, and the next token after each layer.

For lesson 03.
"""

from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.picture import INK, MONO, QUIET, TRACK, Picture, array, card, tint
from course_utils.views.text import (
    below,
    invisible_note,
    percent,
    piece_html,
    token_html,
    token_table,
    top_five,
    visible,
)
from course_utils.widgets.explorer import Explorer, check_choice, given, token_choices

MOST_TOKENS = 24
# On a page of half the usual width, a cell has room for two digits if there are at most 8 tokens, and a
# column has room for a word if there are at most 6.
_MOST_WITH_NUMBERS, _MOST_WITH_WORDS = 8, 6
_BAR = 56  # height of a bar of 100%, in pixels
_LONE_SPACE = "␣"  # drawn when a token is one space: a "·" alone looks like dirt

# If the mouse points at a cell, the cell's sentence appears below the map. With the keyboard, the slider over
# tokens gives the same information.
_ON_HOVER = (
    "<style>.course-map{position:relative;padding-bottom:26px}"
    ".course-map td:has(.course-readout):hover{outline:2px solid " + INK + ";outline-offset:-2px}"
    ".course-readout{display:none;position:absolute;left:0;bottom:0;padding:1px 6px;background:#ffffff;"
    "font-weight:400;font-size:14px;line-height:22px}"
    ".course-map td:hover>.course-readout{display:block}</style>"
)


def attention_map(pieces, weights, chosen, *, title=None, live=False) -> Picture:
    """Draw which tokens each token looks at in one head.

    pieces : list of str, the tokens.
    weights : (tokens, tokens), the attention that each token (row) pays to each token (column); each row adds
        up to 1.
    chosen : index of a token; its row is outlined, and is also drawn as bars over the words.
    title : str, written above the picture.
    live : bool, whether each cell also contains a sentence about itself, shown while the mouse points at it.
    """
    weights = array(weights)
    with_numbers, with_words = len(pieces) <= _MOST_WITH_NUMBERS, len(pieces) <= _MOST_WITH_WORDS
    rows = []
    for looking, row in enumerate(weights):
        cells = []
        edges = f"border:1px solid {TRACK}"
        if looking == chosen:
            edges += f";border-top:2px solid {INK};border-bottom:2px solid {INK}"
        for index in range(looking + 1):
            largest = row[index] == row[: looking + 1].max()
            shown = escape(percent(row[index], 0).rstrip("%")) if with_numbers else ("●" if largest else "")
            if live:
                shown += (
                    f'<span class="course-readout">{token_html(pieces[looking])} looks at '
                    f"{token_html(pieces[index])}: <b>{escape(percent(row[index]))}</b></span>"
                )
            weight = 700 if largest else 400
            cells.append((shown, f"background:{tint(row[index])};{edges};font-weight:{weight}"))
        rows.append(cells)
    labels = [f"{index}&nbsp;{token_html(piece)}" for index, piece in enumerate(pieces)]
    heads = [
        f"{index}{f'<br>{token_html(piece)}' if with_words else ''}" for index, piece in enumerate(pieces)
    ]
    html = token_table("looks at →", labels, heads, rows, widest=76, label_width=92)
    note = (
        "Row: the token that looks. Cells: what it takes from each token, in percent; "
        f"{'bold' if with_numbers else '●'}: the most. Blank: later tokens, which no token looks at."
    )
    if live:
        html = f'{_ON_HOVER}<div class="course-map">{html}</div>'
        note += " Point at a cell to read it out."
    html += _bars_over_words(pieces, weights[chosen], chosen)
    order = sorted(range(chosen + 1), key=lambda index: -weights[chosen][index])
    seen = top_five([pieces[index] for index in order], weights[chosen][order])
    return Picture(card(html, title, note), f"{visible(pieces[chosen])} looks at {seen}")


def _bars_over_words(pieces, row, chosen):
    bars = ""
    for index, piece in enumerate(pieces):
        later = index > chosen
        height = 0 if later else max(2, round(_BAR * row[index]))
        edge = f"2px solid {INK}" if index == chosen else f"1px solid {TRACK}"
        colour = QUIET if later else INK
        bars += (
            f'<span style="display:inline-block;margin:0 3px 4px 0;vertical-align:bottom;text-align:center">'
            f'<span style="display:block;height:{height}px;background:{tint(1)}"></span>'
            f'<span style="display:block;padding:1px 5px;border:{edge};border-radius:4px;font-family:{MONO};'
            f'font-size:15px;color:{colour}">{piece_html(piece)}</span>'
            f"{below('later' if later else escape(percent(row[index], 0)), colour)}</span> "
        )
    heading = f"What {token_html(pieces[chosen])} looks at; a bar as high as the line on the left is 100%"
    return (
        f'<div style="margin:12px 0 6px 0">{heading}</div>'
        f'<div><span style="display:inline-block;height:{_BAR}px;width:0;border-left:2px solid {QUIET};'
        f'margin:0 8px 50px 0;vertical-align:bottom"></span>{bars}</div>'
    )


def logit_lens(pieces, words, probabilities, *, layers=None, title=None) -> Picture:
    """Draw the next token that each layer would predict after each token of the prompt.

    pieces : list of str, the tokens of the prompt, or a selection of them.
    words : (rows, tokens) nested list of str, the most likely next token after each token.
    probabilities : (rows, tokens), the probability of each of these next tokens.
    layers : list, the name of each row; by default the rows are numbered from 0.
    title : str, written above the picture.
    """
    probabilities = array(probabilities)
    words = [[_LONE_SPACE if word == " " else word for word in row] for row in words]
    layers = list(range(len(words)) if layers is None else layers)
    rows = [
        [
            (
                f"{token_html(word)} <span>{escape(percent(probability, 0).rstrip('%'))}</span>",
                f"background:{tint(probability)};text-align:left;border:1px solid {TRACK}",
            )
            for word, probability in zip(row, row_probabilities, strict=True)
        ]
        for row, row_probabilities in zip(words, probabilities, strict=True)
    ]
    table = token_table("layer", layers, [token_html(piece) for piece in pieces], rows, widest=140)
    note = (
        "Column: a token of the prompt. Row: a layer, the first on top. Cell: the token that would come next "
        "if the model ended there, and its probability in percent; the stronger the tint, the higher"
    )
    everything = [word for row in words for word in row]
    lone = f"{_LONE_SPACE} is a space and nothing else" if _LONE_SPACE in everything else ""
    note = ". ".join(filter(None, [note, invisible_note(everything), lone]))
    last = "; ".join(
        f"layer {layer}: {visible(row[-1])} {percent(row_probabilities[-1], 0)}"
        for layer, row, row_probabilities in zip(layers, words, probabilities, strict=True)
    )
    return Picture(card(table, title, note), f"After {visible(pieces[-1])}, {last}")


class Attention(Explorer):
    """Shows the attention map of one head.

    Sliders choose the layer, the head, and the token whose attention is shown. The learner can type another
    text. A new text runs the model once; moving a slider does not run the model.

    attend : function text (str) -> (layers, heads, tokens, tokens) attention weights. If it raises an error,
        the explorer shows a message.
    split : function text (str) -> list of str, the tokens of the text.
    text : str, the text at the start; at most 24 tokens.
    layer, head : int, the values of the sliders at the start, counted from 0.

    Raises CourseError if the text is empty or too long, if `attend` returns another shape, or if the model
    has no such layer or head.
    """

    def __init__(self, attend, split, text, *, layer=0, head=0):
        self.attend, self.split = attend, split
        self._read, self._tokens_of = None, text
        pieces, weights = self._attended(text)
        layers, heads = weights.shape[:2]
        check_choice("layer", layer, range(layers))
        check_choice("head", head, range(heads))
        self.layer = ipywidgets.IntSlider(value=layer, max=layers - 1, description="layer")
        self.head = ipywidgets.IntSlider(value=head, max=heads - 1, description="head")
        self.token = ipywidgets.SelectionSlider(
            options=token_choices(pieces), index=len(pieces) - 1, description="token that looks"
        )
        self.text = ipywidgets.Text(value=text, description="text, then Enter", continuous_update=False)
        super().__init__([self.layer, self.head, self.token, self.text])
        self.text.layout.width = "640px"  # a text of 24 tokens is longer than a slider

    def update(self, change=None):
        with self.errors_shown():
            text = self.text.value
            pieces, _ = self._attended(text)
            if text != self._tokens_of:
                # Select the last token, which looks at all others. By default the first would be selected.
                with self.quietly(self.token):
                    self.token.options = token_choices(pieces)
                    self.token.index = len(pieces) - 1
                self._tokens_of = text
            self.show(self.render())

    def _attended(self, text):
        """Return a text's tokens and attention weights. Run the model only if the text has changed."""
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
        layer, head = self.layer.value, self.head.value
        title = f"Layer {layer}, head {head}"
        picture = attention_map(pieces, weights[layer, head], self.token.value, title=title, live=live)
        return Picture(picture.html, f"{title}: {picture.alt}")
