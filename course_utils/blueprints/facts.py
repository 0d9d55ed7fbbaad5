"""Defines the class Blueprint: what a model is made of, and the memory that it needs."""

import math
from dataclasses import dataclass, field
from functools import cached_property

from course_utils.blueprints import describing, kv_cache
from course_utils.blueprints.counting import BITS
from course_utils.blueprints.kv_cache import CONTEXT
from course_utils.errors import CourseError

# The attributes that the JSON of a blueprint contains. `Blueprint.as_dict` adds further entries.
_IN_JSON = ("name", "title", "source", "note", "parameters", "active_parameters")
_IN_JSON += ("active_parameters_without_input", "parts", "bytes", "shipped_as", "layers")
_IN_JSON += ("attention_heads", "key_value_heads", "head_size", "value_head_size", "rotary_head_size")
_IN_JSON += ("hidden_size", "context_length", "kv_cache_bytes_per_token", "kv_cache_bytes_per_token_cached")


@dataclass(frozen=True, eq=False)
class Blueprint:
    """What a model is made of, and the memory that it needs.

    source : where the config comes from
    parameters : the number of all parameters; a tensor that two layers share counts once
    active_parameters : how many parameters one token uses. Experts that are not chosen for the token are left
        out. None if the config does not say how many experts are chosen
    parts : dict from a part of PARTS to its number of parameters; the sum is `parameters`. "embedding" covers
        the tables of tokens and positions, and the output layer if it is a tensor of its own. "experts"
        include shared experts. "recurrence" replaces attention in Mamba and similar models. "conditioning"
        tells the layers of a picture model the step of the denoising.
    layers, attention_heads, key_value_heads, head_size, hidden_size, context_length : None if the config does
        not state the number; for an encoder-decoder model, the decoder's number. `head_size` is the size of a
        head's queries and keys.
    value_head_size, rotary_head_size : if attention is latent (DeepSeek), the size of a head's values, and
        how many numbers of each query and key RoPE turns; otherwise None
    active_parameters_without_input : `active_parameters` without the input table. This table turns tokens
        into lists of numbers, and each token reads only one row. OpenAI and Meta publish this number. A table
        that is also the output layer counts, because the output layer reads every row.
    note : which part of the model was not counted, or as which other architecture the model was counted; ""
        by default
    shipped_as, shipped_bytes : the format of the published weights, such as "mxfp4", and how many bytes the
        weights have in this format. If the config names no format, these are "" and None. The bytes are also
        None if the course does not know the size of a weight in the format.
    components : for a pipeline, dict from a component's name to its Blueprint; otherwise empty
    config : the library's config object; None for a pipeline
    """

    name: str
    title: str
    source: str
    parameters: int
    active_parameters: int | None
    parts: dict[str, int]
    layers: int | None = None
    attention_heads: int | None = None
    key_value_heads: int | None = None
    head_size: int | None = None
    hidden_size: int | None = None
    context_length: int | None = None
    value_head_size: int | None = None
    rotary_head_size: int | None = None
    active_parameters_without_input: int | None = None
    note: str = ""
    shipped_as: str = ""
    shipped_bytes: int | None = None
    components: dict[str, "Blueprint"] = field(default_factory=dict)
    config: object = None
    _builder: object = None  # function from a config to its model on the meta device
    _cached_lists: tuple = ()  # what the layers cache, as `kv_cache.by_design` returns it
    _source_lists: tuple = ()  # what the layers cache of an encoder's output, as `by_design` returns it

    @property
    def bytes(self) -> dict[str, int]:
        """Bytes of the weights by data type. "int4" omits the scales that real 4-bit formats add.

        If the model is published in another format, the last entry is for that format, with its scales.
        """
        table = {dtype: math.ceil(self.parameters * bits / 8) for dtype, bits in BITS.items()}
        if self.shipped_bytes is not None:
            table[self.shipped_as] = self.shipped_bytes
        return table

    @property
    def caches(self) -> bool:
        """True if the model caches keys and values."""
        return bool(self._cached_lists)

    @property
    def kv_cache_bytes_per_token(self) -> int:
        """How many bytes of keys and values each token of each sequence needs by design, at 16 bits a number.

        A layer with a sliding window keeps only the tokens in its window. A model that caches nothing has 0.
        """
        return round(2 * sum(cached.numbers / cached.every for cached in self._cached_lists))

    @cached_property
    def kv_cache_bytes_per_token_cached(self) -> int | None:
        """How many bytes transformers caches per token in 16-bit numbers; None if that can't be measured."""
        return kv_cache.measure(self._builder, self.config, self._cached_lists, self.layers)

    def kv_cache_bytes(self, context=None, batch=1, bits=16) -> int:
        """Return the bytes of the cache that the design needs, for `batch` sequences of `context` tokens.

        A layer with a sliding window keeps only the tokens in its window. An encoder-decoder model also keeps
        keys and values of the encoder's output: 1,500 positions for Whisper, `context` tokens for others.

        context : tokens; by default 2,048, or the model's context length if that is shorter
        """
        context, batch = self.checked(context, batch)
        own = sum(
            cached.numbers * (min(context, cached.window or context) // cached.every)
            for cached in self._cached_lists
        )
        of_encoder = sum(numbers * (positions or context) for numbers, positions in self._source_lists)
        return batch * (own + of_encoder) * bits // 8

    def full_kv_cache_bytes(self, context=None) -> int | None:
        """Return the bytes at 16 bits that the cache would have if the design did nothing to keep it small.

        In each layer each attention head would then keep its own key and value of each of `context` tokens.
        A recurrent layer counts like a layer with attention; a layer with nothing but experts or a
        feed-forward part does not count. Returns None if the model caches nothing, or if the config does not
        state the heads.

        context : as in `kv_cache_bytes`
        """
        if not (self.caches and self.layers and self.attention_heads and self.head_size):
            return None
        context, _ = self.checked(context, 1)
        pair = self.head_size + (self.value_head_size or self.head_size)  # the numbers of a key and a value
        layers = kv_cache.token_mixing_layers(self.config)
        return context * layers * self.attention_heads * pair * 2

    def memory(self, context=None, batch=1) -> dict[str, dict[str, int]]:
        """Return bytes by data type: {"bfloat16": {"weights": ..., "kv_cache": ..., "total": ...}}.

        The cache is the one that the design needs, with 32 bits for each number if the weights have 32, and
        otherwise with 16, which is the default of libraries. The activations of a forward pass are not
        included.

        context, batch : as in `kv_cache_bytes`
        """
        table = {}
        for dtype, weights in self.bytes.items():
            kv_cache = self.kv_cache_bytes(context, batch, bits=32 if dtype == "float32" else 16)
            table[dtype] = {"weights": weights, "kv_cache": kv_cache, "total": weights + kv_cache}
        return table

    def fits(self, memory_bytes, context=None, batch=1) -> dict[str, bool]:
        """Return, by data type of the weights, whether weights and cache together fit in `memory_bytes`."""
        return {dtype: row["total"] <= memory_bytes for dtype, row in self.memory(context, batch).items()}

    def as_dict(self, context=None, batch=1, memory_bytes=None) -> dict:
        """Return the blueprint as a dict of plain values, which `course blueprint --json` prints."""
        facts = {name: getattr(self, name) for name in _IN_JSON}
        context, batch = self.checked(context, batch)
        facts |= {"context": context, "batch": batch, "memory": self.memory(context, batch)}
        if memory_bytes is not None:
            facts |= {"memory_bytes": memory_bytes, "fits": self.fits(memory_bytes, context, batch)}
        if self.components:
            facts["components"] = {
                name: {"title": part.title, "parameters": part.parameters, "parts": part.parts}
                for name, part in self.components.items()
            }
        return facts

    def checked(self, context, batch) -> tuple[int, int]:
        """Return (context, batch), with the default in place of a context of None.

        Raises CourseError if the context or the batch is not a whole number from 1.
        """
        if context is None:
            context = min(CONTEXT, self.context_length or CONTEXT)
        for name, value in (("context", context), ("batch", batch)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise CourseError(f"The {name} is {value!r}: give a whole number from 1.")
        return context, batch

    def __str__(self):
        return describing.describe(self)

    def __repr__(self):
        return f"<Blueprint {self.name}: {self.parameters:,} parameters>"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": describing.html(self), "text/plain": describing.describe(self)}
