"""The key-value cache: one layer's as it grows, and a published model's if heads shared more or less."""

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
    """A slider for the tokens in one layer's cache, over its blocks for each way to share.

    Moving the slider runs no model.

    Parameters
    ----------
    pieces: list of str, the tokens of a text; the slider goes from the first to all of them.
    heads, kinds: as for `views.cache_growth`.
    kept: int, where the slider starts.

    Raises
    ------
    CourseError: if the start is none of the slider's places.
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
    """Sliders for the model, its key-value heads, the tokens and the memory over the blocks of its cache.

    Moving a slider runs no model. A cache is counted at 16 bits a number, by design.

    Parameters
    ----------
    plans: list of Blueprint, each of a model that keeps keys and values.
    model: str, the title of the plan shown first; by default the first.
    tokens: int, where its slider starts; one of TOKENS.
    memory: int, GB (10^9 bytes) set aside for caches; one of MEMORY.

    Raises
    ------
    CourseError: if a plan has no cache, or a start is none of the slider's places.
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
        self.model.layout.margin = "2px 14px 2px 2px"  # or its frame touches the next description
        self.model.observe(self._new_model, "value")
        for slider in (self.shared, self.tokens, self.memory):
            slider.observe(self.update, "value")

    def _plan(self):
        return self.plans[self.model.value]

    def _choices(self):
        """The numbers of key-value heads that the query heads can share evenly, fewest first."""
        plan = self._plan()
        heads = plan.attention_heads
        counts = [
            count for count in range(1, heads + 1) if heads % count == 0 or count == plan.key_value_heads
        ]
        return [(str(count), count) for count in counts]

    def _new_model(self, change):
        # In one message: a slider that first gets fewer places would answer with one of its own.
        with self.quietly(self.shared), self.shared.hold_sync():
            self.shared.options = self._choices()
            self.shared.value = self._plan().key_value_heads
        self.update()

    def render(self):
        plan, count, tokens = self._plan(), self.shared.value, self.tokens.value
        memory = self.memory.value * 10**9
        published = plan.kv_cache_bytes(tokens)
        # Nothing of a cache but its heads changes, so it changes in proportion.
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
