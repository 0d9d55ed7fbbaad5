"""Attention: which tokens each token looks at, in any layer and head, and the next token after each layer."""

import io
from html import escape

import ipywidgets

from course_utils.errors import CourseError
from course_utils.views.picture import INK, MONO, QUIET, TRACK, Picture, array, card, data_url, tint
from course_utils.views.text import invisible_note, percent, piece_html, top_five, visible
from course_utils.widgets.explorer import Explorer, given, token_choices

# On a page of half width, a cell has room for two digits up to the first number of tokens, and a column has
# room for a word up to the second.
_MOST_WITH_NUMBERS, _MOST_WITH_WORDS = 8, 6
_BAR = 56  # pixels, the height of a bar of 100%
_MAP = 96  # pixels, the side of one head's map
_LONE_SPACE = "␣"  # drawn when a token is one space: a "·" alone looks like dirt


def attention_map(pieces, weights, chosen=None, caption=None):
    """Draw which tokens each token looks at, in one head.

    Parameters
    ----------
    pieces: list of str, the tokens.
    weights: (tokens, tokens), the attention that each token (row) pays to each token (column); each row adds
        up to 1.
    chosen: position of a token; its row is outlined, and drawn a second time as bars over the words.
    caption: str above the picture.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if the shape of the weights does not fit the number of tokens.
    """
    weights = array(weights)
    html = attention_html(pieces, weights, chosen)
    return Picture(card(html, caption, attention_note(pieces)), attention_words(pieces, weights, chosen))


def attention_heads(pieces, weights, chosen=None, caption=None):
    """Draw the maps of several heads side by side, each with a line that says where its attention goes.

    Parameters
    ----------
    pieces: list of str, the tokens; two or more.
    weights: (heads, tokens, tokens), as in `attention_map`.
    chosen: position of a token; the line below each map says what that token looks at most. By default the
        line says where half or more of the attention of all tokens goes.
    caption: str above the picture.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError: if the shape of the weights does not fit the number of tokens, or if there is only one token.
    """
    weights = array(weights)
    if len(pieces) < 2:
        raise ValueError("a map of one token shows nothing: it can look only at itself")
    drawn, said = "", []
    for head, one in enumerate(weights):
        _check(pieces, one)
        habit = _habit(one) if chosen is None else _first_choice(pieces, one, chosen)
        said.append(f"head {head}: {habit}")
        drawn += (
            f'<div style="min-width:0">{_map_image(one, said[-1])}<div style="margin-top:4px;'
            f'line-height:18px"><b>head {head}</b><br>{escape(habit)}</div></div>'
        )
    body = (
        '<div style="display:grid;grid-template-columns:repeat(auto-fill,minmax(96px,1fr));gap:14px 12px">'
        f"{drawn}</div>"
    )
    listed = " ".join(
        f"{position}\N{NO-BREAK SPACE}{visible(piece)}" for position, piece in enumerate(pieces)
    )
    note = (
        f"Rows from the top and columns from the left: {listed}. Row: the token that looks. Column: what it "
        "looks at; the stronger the tint, the more. Above the diagonal: later tokens, which none looks at. "
    )
    if chosen is None:
        note += "Below: where half or more of the attention goes, averaged over all tokens but the first."
    else:
        note += f"Below: what {visible(pieces[chosen])} looks at most."
    return Picture(card(body, caption, note), f"{len(weights)} heads. {'; '.join(said)}")


def logit_lens(pieces, words, probabilities, layers=None, caption=None):
    """Draw the next token that each layer would predict after each token of the prompt.

    Parameters
    ----------
    pieces: list of str, the tokens of the prompt, or a selection of them.
    words: (rows, tokens) nested list of str, the most likely next tokens.
    probabilities: (rows, tokens), the probability of each of them.
    layers: list, the name of each row; by default the rows are numbered from 0.
    caption: str above the picture.

    Returns
    -------
    Picture
    """
    probabilities = array(probabilities)
    layers = list(range(len(words)) if layers is None else layers)
    rows = []
    for row, chances in zip(words, probabilities, strict=True):
        rows.append(
            [
                (
                    f"{token_label(_shown_alone(word))} "
                    f"<span>{escape(percent(chance, 0).rstrip('%'))}</span>",
                    f"background:{tint(chance)};text-align:left;border:1px solid {TRACK}",
                )
                for word, chance in zip(row, chances, strict=True)
            ]
        )
    table = token_table("layer", layers, [token_label(piece) for piece in pieces], rows, widest=140)
    note = (
        "Column: a token of the prompt. Row: a layer, the first on top. Cell: the token that would come next "
        "if the model ended there, and its probability in percent; the stronger the tint, the higher"
    )
    everything = [_shown_alone(word) for row in words for word in row]
    said = "; ".join(
        f"layer {layer}: {visible(_shown_alone(row[-1]))} {percent(chances[-1], 0)}"
        for layer, row, chances in zip(layers, words, probabilities, strict=True)
    )
    lone = f"{_LONE_SPACE} is a space and nothing else" if _LONE_SPACE in everything else ""
    note = ". ".join(filter(None, [note, invisible_note(everything), lone]))
    return Picture(card(table, caption, note), f"After {visible(pieces[-1])}, {said}")


def attention_html(pieces, weights, chosen=None, readout=False):
    """Return one head's map as an HTML table, and below it the chosen token's attention as bars over words.

    Parameters
    ----------
    pieces, weights, chosen: as in `attention_map`.
    readout: bool; if true, each cell also contains a sentence about it in a <span class="course-readout">,
        and the table is inside a <div class="course-map">. The page shows the sentence on hover.
    """
    _check(pieces, weights)
    rows = []
    for looking, row in enumerate(weights):
        cells = []
        for position in range(looking + 1):
            largest = row[position] == row[: looking + 1].max()
            if len(pieces) <= _MOST_WITH_NUMBERS:
                shown = escape(percent(row[position], 0).rstrip("%"))
            else:
                shown = "●" if largest else ""
            if readout:
                shown += (
                    f'<span class="course-readout">{token_label(pieces[looking])} looks at '
                    f"{token_label(pieces[position])}: <b>{escape(percent(row[position]))}</b></span>"
                )
            edges = f"border:1px solid {TRACK}"
            if looking == chosen:
                edges += f";border-top:2px solid {INK};border-bottom:2px solid {INK}"
            cells.append(
                (shown, f"background:{tint(row[position])};{edges};font-weight:{700 if largest else 400}")
            )
        rows.append(cells)
    labels = [f"{position}&nbsp;{token_label(piece)}" for position, piece in enumerate(pieces)]
    with_words = len(pieces) <= _MOST_WITH_WORDS
    heads = [
        f"{position}{f'<br>{token_label(piece)}' if with_words else ''}"
        for position, piece in enumerate(pieces)
    ]
    table = token_table("looks at →", labels, heads, rows, widest=76, label_width=92)
    if readout:
        table = f'<div class="course-map">{table}</div>'
    return table if chosen is None else table + _bars_over_words(pieces, weights[chosen], chosen)


def attention_note(pieces):
    """Return a note that explains how to read the map of one head."""
    marked = "bold" if len(pieces) <= _MOST_WITH_NUMBERS else "●"
    return (
        f"Row: the token that looks. Cells: what it takes from each token, in percent; {marked}: the most. "
        "Blank: later tokens, which no token looks at."
    )


def attention_words(pieces, weights, chosen=None):
    """Describe the map of one head in words: what the chosen token looks at, or each token's first choice."""
    if chosen is not None:
        order = sorted(range(chosen + 1), key=lambda position: -weights[chosen][position])
        seen = [pieces[position] for position in order]
        return f"{visible(pieces[chosen])} looks at {top_five(seen, weights[chosen][order])}"
    return "; ".join(
        f"{visible(piece)} looks most at {_first_choice(pieces, weights, position)}"
        for position, piece in enumerate(pieces)
    )


def token_table(corner, labels, heads, rows, widest, label_width=36, padding="2px"):
    """Return HTML for a table whose cells are equally wide if possible, and at most `widest` pixels each.

    On a narrow page the table shrinks until a token would break; then it scrolls.

    Parameters
    ----------
    corner: HTML above the labels.
    labels, heads: HTML for each row and column.
    rows: list with, for each row, a list of (HTML, style) from the left; a short row ends in blank cells.
    """
    text = f"padding:{padding};font-size:13px;line-height:18px;color:{INK};text-align:center"
    quiet = f"{text};border:none;background:#ffffff;font-weight:400;color:{QUIET};vertical-align:middle"
    body = '<tr style="background:#ffffff">'
    body += f'<td style="{quiet};width:{label_width}px;text-align:right">{corner}</td>'
    body += "".join(
        f'<th style="{quiet};white-space:nowrap;width:{90 / len(heads):.1f}%">{head}</th>' for head in heads
    )
    body += "</tr>"
    for label, row in zip(labels, rows, strict=True):
        body += f'<tr style="background:#ffffff"><th style="{quiet};text-align:right;white-space:nowrap">'
        body += f"{label}</th>"
        body += "".join(f'<td style="{text};white-space:normal;{style}">{html}</td>' for html, style in row)
        if len(row) < len(heads):
            body += f'<td style="{quiet}" colspan="{len(heads) - len(row)}"></td>'
        body += "</tr>"
    most = label_width + widest * len(heads)
    return (
        # width:0 with min-width:100%: if a widget around the table grew with it, the table would not scroll.
        '<div tabindex="0" style="overflow-x:auto;width:0;min-width:100%">'
        f'<table style="width:100%;max-width:{most}px;margin:0;border:none;border-collapse:collapse;'
        f'table-layout:auto"><tbody>{body}</tbody></table></div>'
    )


def _bars_over_words(pieces, row, chosen):
    drawn = ""
    for position, piece in enumerate(pieces):
        later = position > chosen
        bar = 0 if later else max(2, round(_BAR * row[position]))
        share = "later" if later else percent(row[position], 0)
        edge = f"2px solid {INK}" if position == chosen else f"1px solid {TRACK}"
        colour = QUIET if later else INK
        drawn += (
            f'<span style="display:inline-block;margin:0 3px 4px 0;vertical-align:bottom;text-align:center">'
            f'<span style="display:block;height:{bar}px;background:{tint(1)}"></span>'
            f'<span style="display:block;padding:1px 5px;border:{edge};border-radius:4px;font-family:{MONO};'
            f'font-size:15px;color:{colour}">{piece_html(piece)}</span>'
            f'<sub style="display:block;position:static;vertical-align:baseline;font-size:13px;'
            f'line-height:18px;color:{colour}">{escape(share)}</sub></span> '
        )
    heading = f"What {token_label(pieces[chosen])} looks at; a bar as high as the line on the left is 100%"
    return (
        f'<div style="margin:12px 0 6px 0">{heading}</div>'
        f'<div><span style="display:inline-block;height:{_BAR}px;width:0;border-left:2px solid {QUIET};'
        f'margin:0 8px 50px 0;vertical-align:bottom"></span>{drawn}</div>'
    )


def _habit(weights):
    """Say where half or more of a head's attention goes, averaged over all tokens but the first."""
    rest = range(1, len(weights))
    shares = {
        "the first token": weights[1:, 0].mean(),
        "itself": weights[rest, rest].mean(),
    }
    if len(weights) > 2:
        # For the second token, the token before is the first token, and counts as that.
        shares["the token before"] = weights[rest[1:], range(1, len(weights) - 1)].mean()
    place = max(shares, key=shares.get)
    return f"{percent(shares[place], 0)} on {place}" if shares[place] >= 0.5 else "spread over several"


def _first_choice(pieces, weights, chosen):
    most = weights[chosen].argmax()
    return f"{visible(pieces[most])} {percent(weights[chosen, most], 0)}"


def _map_image(weights, alt):
    """Return one head's map as a small <img>: as tables, 9 heads of 24 tokens would take 300 kB of HTML."""
    import numpy
    from matplotlib.image import imsave

    side = 2 * _MAP // len(weights)
    colours = [[tuple(bytes.fromhex(tint(weight)[1:])) for weight in row] for row in weights]
    pixels = numpy.array(colours, dtype=numpy.uint8).repeat(side, 0).repeat(side, 1)
    buffer = io.BytesIO()
    imsave(buffer, pixels, format="png", metadata={"Software": None})
    return (
        f'<img alt="{escape(alt)}" width="{_MAP}" height="{_MAP}" style="display:block;max-width:100%;'
        f'height:auto;margin:0;border:1px solid {QUIET}" src="{data_url(buffer.getvalue())}">'
    )


def ranges(flags):
    """Return the positions of the true flags in words: "in layers 0 to 22 and 25"."""
    runs = []
    for position, flag in enumerate(flags):
        if flag and runs and runs[-1][1] == position - 1:
            runs[-1][1] = position
        elif flag:
            runs.append([position, position])
    words = [f"{start}" if start == end else f"{start} to {end}" for start, end in runs]
    return f"in layer{'' if words[0].isdecimal() and len(words) == 1 else 's'} {' and '.join(words)}"


def _check(pieces, weights):
    if weights.shape != (len(pieces), len(pieces)):
        raise ValueError(
            f"{len(pieces)} tokens need weights of that many rows and columns, not {weights.shape}"
        )


def token_label(piece):
    return f'<span style="font-family:{MONO};color:{INK};white-space:nowrap">{piece_html(piece)}</span>'


def _shown_alone(word):
    return _LONE_SPACE if word == " " else word


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
