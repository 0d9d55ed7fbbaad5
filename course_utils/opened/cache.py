"""The key-value cache: how it grows token by token, and how its size depends on how many heads share it.

For lesson 04.
"""

from html import escape

import ipywidgets
import numpy
from PIL import Image

from course_utils.errors import CourseError
from course_utils.units import counted, size
from course_utils.views.picture import (
    BLUE,
    INK,
    LINE,
    ORANGE,
    QUIET,
    TRACK,
    Picture,
    card,
    png_url,
    row_html,
    table_html,
)
from course_utils.views.text import visible
from course_utils.widgets.explorer import Explorer, check_choice, labelled

TOKENS = tuple(2**power for power in range(18))  # 1 to 131,072
MEMORY = (1, 2, 4, 8, 16, 24, 48, 80, 160, 640)  # GB
_STRIPES = f"repeating-linear-gradient(45deg,{ORANGE} 0 4px,#ffffff 4px 7px)"
# Sizes in pixels of the image for a whole model. A page shows two image pixels as one.
_WIDEST, _HIGHEST, _LARGEST_BLOCK = 1400, 520, 44
_GAP, _LEAST_WITH_GAP = 2, 9  # pixels: the gap between blocks, and the smallest block with a gap


def cache_growth(pieces, kept, heads, kinds, *, title=None, alt=None) -> Picture:
    """Draw one layer's key-value cache while a text is written: a row for each head, a column for each token.

    A block is a key and a value in the cache. Heads that share a block are drawn below the head that keeps
    it.

    pieces : list of str, the tokens of the whole text.
    kept : int, how many tokens are in the cache; the last of these is the newest.
    heads : int, the number of query heads of the layer.
    kinds : dict from the name of a design, such as "multi-query", to its number of key-value heads, which
        must divide `heads`.
    title : str, written above the picture.
    alt : str, the picture in words; by default the number of blocks in each design.

    Raises ValueError if the heads can't share evenly.
    """
    if uneven := [name for name, count in kinds.items() if heads % count]:
        raise ValueError(f"{heads} query heads can't share evenly in {', '.join(uneven)}")
    html, blocks = "", []
    for name, count in kinds.items():
        blocks.append(f"{name} {count * kept}")
        heading = f"{name}: {counted(count, 'key-value head')}, {counted(count * kept, 'block')}"
        html += (
            f'<div style="margin-top:{14 if html else 0}px;font-weight:600">{escape(heading)}</div>'
            f"{_growth_table(pieces, kept, heads, heads // count)}"
        )
    note = (
        "Solid: a key and a value that are kept. Striped: those of the newest token. ↑: uses the block "
        "above. Empty: tokens still to come."
    )
    words = (
        f"One layer of {counted(heads, 'query head')} after {kept} of {counted(len(pieces), 'token')}. "
        f"Blocks of key and value kept: {', '.join(blocks)}. The newest token is {visible(pieces[kept - 1])}"
    )
    return Picture(card(html, title, note), alt or words)


def _growth_table(pieces, kept, heads, group):
    """Return the HTML table of one design, in which `group` query heads share each key-value head."""
    width = 84 / len(pieces)
    cell = "padding:0;border:2px solid #ffffff;height:20px;text-align:center;line-height:18px;font-size:13px"
    quiet = f"padding:1px 0;border:none;background:#ffffff;color:{QUIET};font-weight:400;font-size:13px"
    labels = "".join(
        f'<th style="{quiet};text-align:center;width:{width:.1f}%;overflow-wrap:anywhere">'
        f"{escape(visible(piece)) if index < kept else ''}</th>"
        for index, piece in enumerate(pieces)
    )
    rows = row_html(f'<td style="{quiet}"></td>{labels}')
    for head in range(heads):
        cells = f'<th style="{quiet};text-align:left;white-space:nowrap">head {head}</th>'
        for index in range(len(pieces)):
            text, background = "", "#ffffff"
            if index < kept and head % group:
                text, background = "↑", TRACK
            elif index < kept:
                background = _STRIPES if index == kept - 1 else BLUE
            cells += f'<td style="{cell};background:{background};color:{QUIET}">{text}</td>'
        rows += row_html(cells)
    return table_html(rows, more="")


def cache_blocks(layers, heads, key_value_heads):
    """Return an <img> of a whole model's cache: a row for each layer, a column for each query head.

    A dark block is in the cache. A pale block stands for a head that uses the nearest dark block on its left.

    layers, heads, key_value_heads : int; if the query heads can't share evenly, the sizes of the groups
        differ by at most one head.
    """
    width, height = (
        max(2, min(_LARGEST_BLOCK, most // count)) for most, count in ((_WIDEST, heads), (_HIGHEST, layers))
    )
    keeps = {head for head in range(heads) if _is_first(head, heads, key_value_heads)}
    row = numpy.full((height, heads * width, 3), 255, dtype=numpy.uint8)  # one layer; all look the same
    right, down = (side - _GAP if side >= _LEAST_WITH_GAP else side for side in (width, height))
    for head in range(heads):
        colour = BLUE if head in keeps else LINE
        row[:down, head * width : head * width + right] = list(bytes.fromhex(colour[1:]))
    image = Image.fromarray(numpy.tile(row, (layers, 1, 1)))
    words = (
        f"{layers} layers by {heads} query heads: {len(keeps)} of {heads} in each layer keep keys and values"
    )
    return (
        f'<img alt="{words}" width="{heads * width // 2}" height="{layers * height // 2}" '
        f'style="display:block;max-width:100%;height:auto;margin:0" src="{png_url(image, optimize=False)}">'
    )


def memory_bar(bytes_used, memory, used_in_words, memory_in_words):
    """Return HTML of a bar whose length is the bytes used, with a dashed line at the size of the memory.

    The full width stands for the memory, or for twice the memory if more bytes are used than it has.
    """
    full = memory if bytes_used <= memory else 2 * memory
    share = min(100, 100 * bytes_used / full)
    more = "»" if bytes_used > full else ""
    return (
        f'<div style="position:relative;height:16px;background:{TRACK};margin-top:8px">'
        f'<div style="height:16px;min-width:2px;width:{share:.1f}%;background:{BLUE};color:#ffffff;'
        f'text-align:right;line-height:15px;font-weight:700">{more}</div>'
        f'<div style="position:absolute;top:-3px;bottom:-3px;left:{100 * memory / full:.0f}%;width:0;'
        f'border-left:2px dashed {INK}"></div></div>'
        f'<div style="display:flex;flex-wrap:wrap;gap:0 18px;margin-top:4px">'
        f"<div>{escape(used_in_words)}</div>"
        f'<div style="color:{QUIET}">dashed line: {escape(memory_in_words)}</div></div>'
    )


def _is_first(head, heads, count):
    """Return whether this head is the first of the heads that use the same key-value head."""
    return head == 0 or head * count // heads != (head - 1) * count // heads


class CacheGrowth(Explorer):
    """Shows one layer's cache for each way to share heads, with a slider for the number of cached tokens.

    Moving the slider runs no model.

    pieces : list of str, the tokens of a text; the slider goes from one token to all of them.
    heads, kinds : as in `cache_growth`.
    kept : int, the number of cached tokens at the start.

    Raises CourseError if `kept` is not from 1 to the number of tokens.
    """

    def __init__(self, pieces, heads, kinds, *, kept):
        self.pieces, self.heads, self.kinds = pieces, heads, kinds
        check_choice("number of tokens", kept, range(1, len(pieces) + 1))
        self.kept = ipywidgets.IntSlider(
            value=kept, min=1, max=len(pieces), description="tokens in the cache"
        )
        super().__init__([self.kept])

    def render(self):
        return cache_growth(self.pieces, self.kept.value, self.heads, self.kinds, title="One layer's cache")


class KeyValueCache(Explorer):
    """Shows the blocks of a model's cache, with controls for model, key-value heads, tokens and memory.

    Moving a slider runs no model. Sizes are computed from the model's design, with 16 bits for each number.

    plans : list of Blueprint, each of a model that caches keys and values.
    model : str, the title of the plan at the start; by default that of the first plan.
    tokens : int, the number of tokens at the start; one of TOKENS.
    memory : int, the GB (10^9 bytes) for caches at the start; one of MEMORY.

    Raises CourseError if a plan has no cache, or if a control has no such value.
    """

    def __init__(self, plans, *, model=None, tokens=2048, memory=16):
        self.plans = {plan.title: plan for plan in plans}
        for plan in plans:
            if not plan.kv_cache_bytes_per_token or not plan.key_value_heads:
                raise CourseError(f"{plan.title} keeps no keys and values: leave it out.")
        model = next(iter(self.plans)) if model is None else model
        check_choice("model", model, self.plans)
        check_choice("number of tokens", tokens, TOKENS)
        check_choice("memory", memory, MEMORY)
        self.model = ipywidgets.Dropdown(value=model, options=list(self.plans), description="model")
        self.shared = ipywidgets.SelectionSlider(
            options=self._choices(), value=self._plan().key_value_heads, description="key-value heads"
        )
        self.tokens = ipywidgets.SelectionSlider(options=labelled(TOKENS), value=tokens, description="tokens")
        self.memory = ipywidgets.SelectionSlider(
            options=labelled(MEMORY), value=memory, description="memory for caches (GB)"
        )
        super().__init__([self.model, self.shared, self.tokens, self.memory], {self.model: self._new_model})
        self.model.layout.margin = "2px 14px 2px 2px"  # keeps its frame away from the next description

    def _plan(self):
        return self.plans[self.model.value]

    def _choices(self):
        """Return the numbers of key-value heads to choose from: all even shares, and the published number."""
        plan = self._plan()
        heads = plan.attention_heads
        counts = [
            count for count in range(1, heads + 1) if heads % count == 0 or count == plan.key_value_heads
        ]
        return [(str(count), count) for count in counts]

    def _new_model(self, change):
        # hold_sync sends both changes in one message. If only the options arrived, the slider in the browser
        # would choose a value by itself and send that back.
        with self.quietly(self.shared), self.shared.hold_sync():
            self.shared.options = self._choices()
            self.shared.value = self._plan().key_value_heads
        self.update()

    def render(self):
        plan, count, tokens = self._plan(), self.shared.value, self.tokens.value
        memory = self.memory.value * 10**9
        published = plan.kv_cache_bytes(tokens)
        # Only the number of key-value heads changes. The size of the cache is proportional to this number.
        used = published * count // plan.key_value_heads
        most = published * plan.attention_heads // plan.key_value_heads
        texts = memory // used
        sharing = _sharing(count, plan.attention_heads) + ", as published" * (count == plan.key_value_heads)
        title = (
            f"{plan.title}: {plan.layers} layers, {counted(plan.attention_heads, 'query head')} on "
            f"{counted(count, 'key-value head')} ({sharing})"
        )
        limit = f"{self.memory.value:,} GB"
        bytes_used = f"{counted(tokens, 'token')}: {size(used)}"
        if count < plan.attention_heads:
            bytes_used += f", with a pair for each head {size(most)}"
        fit = f"{limit} hold {f'{texts:,}' if texts else 'not one'} such text{'s' * (texts > 1)} at once"
        length = plan.context_length
        longer = f" The model was made for at most {length:,} tokens." if length and tokens > length else ""
        html = cache_blocks(plan.layers, plan.attention_heads, count)
        html += memory_bar(used, memory, bytes_used, limit)
        html += f'<div style="margin-top:4px"><b>{escape(fit)}.</b>'
        html += f'<span style="color:{QUIET}">{escape(longer)}</span></div>'
        note = (
            "A row is a layer, a column a query head. Dark: keeps a key and a value of each token. "
            "Pale: uses those of the dark head on its left. By design, 16 bits a number."
        )
        return Picture(card(html, title, note), f"{title}. {bytes_used}. {fit}.{longer}")


def _sharing(count, heads):
    if count == heads:
        return "multi-head"
    return "multi-query" if count == 1 else "grouped-query"
