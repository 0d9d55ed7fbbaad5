"""Explorers for the key-value cache: how it grows in one layer, and its size if more or fewer heads share."""

from html import escape

import ipywidgets

from course_utils import blueprints
from course_utils.errors import CourseError
from course_utils.views.cache import cache_blocks, cache_growth, memory_bar
from course_utils.views.picture import QUIET, Picture, card

from .base import Explorer, check_start

TOKENS = tuple(2**power for power in range(18))  # 1 to 131,072
MEMORY = (1, 2, 4, 8, 16, 24, 48, 80, 160, 640)  # GB


class CacheGrowth(Explorer):
    """Shows the blocks of one layer's cache for each way to share heads, with a slider for the tokens in it.

    Moving the slider runs no model.

    Parameters
    ----------
    pieces: list of str, the tokens of a text; the slider goes from the first to all of them.
    heads, kinds: as in `views.cache_growth`.
    kept: int, the number of tokens at the start.

    Raises
    ------
    CourseError: if `kept` is not from 1 to the number of tokens.
    """

    def __init__(self, pieces, heads, kinds, kept):
        self.pieces, self.heads, self.kinds = pieces, heads, kinds
        check_start("tokens in the cache", kept, range(1, len(pieces) + 1))
        self.kept = ipywidgets.IntSlider(
            value=kept, min=1, max=len(pieces), description="tokens in the cache"
        )
        super().__init__([self.kept])
        self.kept.observe(self.update, "value")

    def render(self):
        return cache_growth(self.pieces, self.kept.value, self.heads, self.kinds, "One layer's cache")


class KeyValueCache(Explorer):
    """Shows the blocks of a model's cache, with controls for model, key-value heads, tokens and memory.

    Moving a slider runs no model. Sizes are computed from the design of the model, at 16 bits a number.

    Parameters
    ----------
    plans: list of Blueprint, each for a model that keeps keys and values.
    model: str, the title of the plan at the start; by default the first.
    tokens: int, the number of tokens at the start; one of TOKENS.
    memory: int, the GB (10^9 bytes) available for caches at the start; one of MEMORY.

    Raises
    ------
    CourseError: if a plan has no cache, or a control cannot start at the given value.
    """

    def __init__(self, plans, model=None, tokens=2048, memory=16):
        self.plans = {plan.title: plan for plan in plans}
        for plan in plans:
            if not plan.kv_cache_bytes_per_token or not plan.key_value_heads:
                raise CourseError(f"{plan.title} keeps no keys and values: leave it out.")
        model = next(iter(self.plans)) if model is None else model
        starts = {"model": (model, self.plans), "tokens": (tokens, TOKENS), "memory": (memory, MEMORY)}
        for name, (start, places) in starts.items():
            if start not in places:
                choices = ", ".join(map(str, places))
                raise CourseError(f"There is no {name} {start!r} to choose: choose one of {choices}.")
        self.model = ipywidgets.Dropdown(value=model, options=list(self.plans), description="model")
        self.shared = ipywidgets.SelectionSlider(
            options=self._choices(), value=self._plan().key_value_heads, description="key-value heads"
        )
        self.tokens = ipywidgets.SelectionSlider(
            options=[(f"{place:,}", place) for place in TOKENS], value=tokens, description="tokens"
        )
        self.memory = ipywidgets.SelectionSlider(
            options=[(f"{place:,}", place) for place in MEMORY],
            value=memory,
            description="memory for caches (GB)",
        )
        super().__init__([self.model, self.shared, self.tokens, self.memory])
        self.model.layout.margin = "2px 14px 2px 2px"  # keeps its frame off the next description
        self.model.observe(self._new_model, "value")
        for slider in (self.shared, self.tokens, self.memory):
            slider.observe(self.update, "value")

    def _plan(self):
        return self.plans[self.model.value]

    def _choices(self):
        """Return the numbers of key-value heads to choose from: even shares, and the published number."""
        plan = self._plan()
        heads = plan.attention_heads
        counts = [
            count for count in range(1, heads + 1) if heads % count == 0 or count == plan.key_value_heads
        ]
        return [(str(count), count) for count in counts]

    def _new_model(self, change):
        # hold_sync sends both changes in one message. If the options arrived alone, the slider in the browser
        # would choose a value itself and send it back.
        with self.quietly(self.shared), self.shared.hold_sync():
            self.shared.options = self._choices()
            self.shared.value = self._plan().key_value_heads
        self.update()

    def render(self):
        plan, count, tokens = self._plan(), self.shared.value, self.tokens.value
        memory = self.memory.value * 10**9
        published = plan.kv_cache_bytes(tokens)
        # Only the number of key-value heads changes, so the size of the cache is proportional to it.
        used = published * count // plan.key_value_heads
        most = published * plan.attention_heads // plan.key_value_heads
        texts = memory // used
        kind = _kind(count, plan.attention_heads) + ", as published" * (count == plan.key_value_heads)
        heading = (
            f"{plan.title}: {plan.layers} layers, {_heads(plan.attention_heads, 'query')} on "
            f"{_heads(count, 'key-value')} ({kind})"
        )
        size, whole = blueprints.size(used), blueprints.size(most)
        limit = f"{self.memory.value:,} GB"
        counted = f"{tokens:,} token{'s' * (tokens != 1)}"
        text = f"{counted}: {size}"
        if count < plan.attention_heads:
            text += f", with a pair for each head {whole}"
        fit = f"{limit} hold {f'{texts:,}' if texts else 'not one'} such text{'s' * (texts > 1)} at once"
        length = plan.context_length
        longer = f" The model was made for at most {length:,} tokens." if length and tokens > length else ""
        body = cache_blocks(plan.layers, plan.attention_heads, count)
        body += memory_bar(used, memory, text, limit)
        body += f'<div style="margin-top:4px"><b>{escape(fit)}.</b>'
        body += f'<span style="color:{QUIET}">{escape(longer)}</span></div>'
        note = (
            "A row is a layer, a column a query head. Dark: keeps a key and a value of each token. "
            "Pale: uses those of the dark head on its left. By design, 16 bits a number."
        )
        return Picture(card(body, heading, note), f"{heading}. {text}. {fit}.{longer}")


def _kind(count, heads):
    if count == heads:
        return "multi-head"
    return "multi-query" if count == 1 else "grouped-query"


def _heads(count, kind):
    return f"{count} {kind} head{'s' * (count != 1)}"
