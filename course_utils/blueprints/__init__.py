"""Blueprints: a model at its full published size without its weights, counted on any laptop.

`course.blueprint("llama-3.1-405b")` builds the library's own model on torch's "meta" device, where a tensor
has a shape but holds no numbers, counts its parameters by part and discards it. This takes seconds and
megabytes.

A blueprint is read from the catalogue (`blueprints.toml`), from a config.json or model_index.json file, from
a dict, from a config object, or from the hub, from which only the configs are fetched. The author's own code
is never run. A model that can't be counted raises a CourseError of one sentence.
"""

import contextlib
import copy
import difflib
import inspect
import json
import logging
import math
import os
import re
import textwrap
import warnings
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from course_utils import catalog
from course_utils.errors import CourseError
from course_utils.units import size
from course_utils.views.tables import columns

PARTS = (
    "embedding",
    "attention",
    "feed-forward",
    "experts",
    "router",
    "convolutions",
    "recurrence",
    "conditioning",
    "norms",
    "other",
)
BITS = {"float32": 32, "bfloat16": 16, "int8": 8, "int4": 4}
CONTEXT = 2048  # tokens, unless the model's own limit is lower
# The attributes that the JSON of a blueprint contains, besides its memory.
_FACTS = ("name", "title", "source", "note", "parameters", "active_parameters")
_FACTS += ("active_parameters_without_input", "parts", "bytes", "shipped_as", "layers")
_FACTS += ("attention_heads", "key_value_heads", "head_size", "value_head_size", "rotary_head_size")
_FACTS += ("hidden_size", "context_length", "kv_cache_bytes_per_token", "kv_cache_bytes_per_token_cached")
_LARGEST_FILE = 10_000_000  # bytes: the configs of the hub have thousands
_MOST_LAYERS = 10_000
_MOST_TENSORS = 100_000  # parameter tensors: building more takes minutes and gigabytes


class _Kept(NamedTuple):
    """An entry of a layer's cache: `numbers` numbers for each token, or for each group of `every` tokens."""

    numbers: int
    window: int | None = None  # tokens that are kept; None for all of them
    every: int = 1


@dataclass(frozen=True, eq=False)
class Blueprint:
    """What a model is made of, and the memory that it needs.

    Parameters
    ----------
    name, title: str.
    source: str, where its config is from.
    parameters: int, all of them; a tensor that two layers share counts once.
    active_parameters: int, those that one token uses: of the experts, only the chosen ones; None if the
        config does not say how many are chosen.
    active_parameters_without_input: int, the same without the table that turns tokens into lists of numbers,
        which gives the figures that OpenAI and Meta publish: a token reads one row of it. Equal to
        `active_parameters` if the table is also the output layer, because that reads every row.
    parts: dict from a part of PARTS to its parameters; sums to `parameters`. "embedding" is the table of
        tokens, positions and, where it is a tensor of its own, the output layer; "experts" include shared
        ones; "recurrence" is what replaces attention in Mamba, RWKV and similar models, and carries a
        state of fixed size from token to token; "conditioning" tells the layers of a picture model the
        step of the denoising.
    layers, attention_heads, key_value_heads, head_size, hidden_size, context_length: int, or None where the
        config has no such number; of an encoder-decoder model, the decoder's. `head_size` is that of queries
        and keys.
    value_head_size, rotary_head_size: int, where attention is latent (DeepSeek): the size of a head's values,
        and how many numbers of each query and key RoPE turns; else None.
    note: str, which part is not counted, or which architecture was used to count; "" by default.
    shipped_as: str, the format of the published weights where their config names one, such as "mxfp4".
    shipped_bytes: int, the bytes of the weights in that format; None where there is none, or where its size
        is not known.
    kv_cache_bytes_per_token: int, bytes of keys and values at 16 bits that the design needs for each token
        of each sequence, inside its sliding window if it has one; 0 for a model that caches nothing.
    components: dict from a name to the Blueprint of that part of a pipeline; else empty.
    config: the library's config object; None for a pipeline.
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
    _build: object = None  # from a config (by default its own) to the model on the meta device
    _layer_cache: tuple = ()  # a _Kept for each list that a layer caches
    _source_cache: tuple = ()  # for each layer that caches the encoder's output: (numbers, positions or None)

    @property
    def bytes(self) -> dict[str, int]:
        """Bytes of the weights by data type. "int4" leaves out the scales that real 4-bit formats add.

        A model that is published in another format has a last entry for it, which counts the scales.
        """
        table = {dtype: math.ceil(self.parameters * bits / 8) for dtype, bits in BITS.items()}
        if self.shipped_bytes is not None:
            table[self.shipped_as] = self.shipped_bytes
        return table

    @property
    def kv_cache_bytes_per_token(self) -> int:
        return round(2 * sum(kept.numbers / kept.every for kept in self._layer_cache))

    @cached_property
    def kv_cache_bytes_per_token_cached(self) -> int | None:
        """Bytes per token at 16 bits as transformers caches keys and values; None where it can't be measured.

        Measured: the model is run on the meta device, and the shapes of its cache are read.
        """
        return _measure_cache(self) if self._layer_cache else 0

    def kv_cache_bytes(self, context=None, batch=1, bits=16) -> int:
        """Bytes of the key-value cache by design, for `context` tokens in each of `batch` sequences.

        A layer with a sliding window keeps no more tokens than its window. An encoder-decoder model also
        keeps those of what the encoder read: Whisper of 1,500 positions, others of `context` tokens.

        context : tokens; by default 2,048, or the model's context length where that is shorter
        """
        context, batch = self._checked(context, batch)
        own = sum(
            kept.numbers * (min(context, kept.window or context) // kept.every) for kept in self._layer_cache
        )
        read = sum(numbers * (positions or context) for numbers, positions in self._source_cache)
        return batch * (own + read) * bits // 8

    def memory(self, context=None, batch=1) -> dict[str, dict[str, int]]:
        """Bytes by data type of the weights: {"bfloat16": {"weights": ..., "kv_cache": ..., "total": ...}}.

        The cache is by design, at 32 bits beside 32-bit weights and at 16 bits beside all others, as
        libraries keep it by default. The activations of a forward pass are not included.

        context, batch : as in `kv_cache_bytes`
        """
        table = {}
        for dtype, weights in self.bytes.items():
            kv_cache = self.kv_cache_bytes(context, batch, bits=32 if dtype == "float32" else 16)
            table[dtype] = {"weights": weights, "kv_cache": kv_cache, "total": weights + kv_cache}
        return table

    def fits(self, memory_bytes, context=None, batch=1) -> dict[str, bool]:
        """Returns whether weights and cache fit in `memory_bytes`, by data type of the weights."""
        return {dtype: row["total"] <= memory_bytes for dtype, row in self.memory(context, batch).items()}

    def as_dict(self, context=None, batch=1, memory_bytes=None) -> dict:
        """Returns the blueprint as plain values, as `course blueprint --json` prints it."""
        facts = {name: getattr(self, name) for name in _FACTS}
        context, batch = self._checked(context, batch)
        facts |= {"context": context, "batch": batch, "memory": self.memory(context, batch)}
        if memory_bytes is not None:
            facts |= {"memory_bytes": memory_bytes, "fits": self.fits(memory_bytes, context, batch)}
        if self.components:
            facts["components"] = {
                name: {"title": part.title, "parameters": part.parameters, "parts": part.parts}
                for name, part in self.components.items()
            }
        return facts

    def _checked(self, context, batch):
        if context is None:
            context = min(CONTEXT, self.context_length or CONTEXT)
        for what, value in (("context", context), ("batch", batch)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise CourseError(f"The {what} is {value!r}: give a whole number from 1.")
        return context, batch

    def __str__(self):
        return describe(self)

    def __repr__(self):
        return f"<Blueprint {self.name}: {self.parameters:,} parameters>"

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": _html(self), "text/plain": describe(self)}


def names() -> list[str]:
    """The published models of the catalogue, by the names that `blueprint` takes."""
    return list(_catalogue()["models"])


def blueprint(name=None, *, config=None) -> Blueprint:
    """The blueprint of a model: its parameters by part and its memory, counted without its weights.

    name : one of `names()`, or a hub id such as "Qwen/Qwen2-0.5B", of which only the configs are fetched
    config : instead of a name: a config.json or model_index.json file, a folder that holds one, a dict, a
        config object of transformers or diffusers, or a hub id

    Raises CourseError with one sentence when the name is unknown, or the config can't be had, read or built.
    """
    if (name is None) == (config is None):
        raise CourseError('Give a name, as blueprint("llama-3-8b"), or a config, as blueprint(config=...).')
    if isinstance(name, str) and (known := _catalogue()["names"].get(name.strip().lower())):
        return _from_catalogue(known)
    if config is None:
        if isinstance(name, str) and _is_hub_id(name) and not Path(name).exists():
            return _from_hub(name)
        raise _unknown(name)
    if isinstance(config, str | os.PathLike):
        place = Path(config).expanduser()
        if not place.exists() and isinstance(config, str) and _is_hub_id(config):
            return _from_hub(config)
        return _from_file(place)
    if isinstance(config, dict):
        return _from_dict(dict(config), "your config", "the config")
    return _from_object(config)


def describe(plan, context=None, batch=1, memory_bytes=None) -> str:
    """A blueprint as text of at most 80 columns, as `print` and the `course` command show it.

    context, batch : as in `Blueprint.kv_cache_bytes`
    memory_bytes : bytes of memory; if given, a column says what fits
    """
    asked = context is not None or batch != 1
    context, batch = plan._checked(context, batch)
    text = [plan.title if plan.source == plan.title else f"{plan.title}  ({plan.source})", _total(plan)]
    if without := _without_input(plan):
        text.append(without)
    if plan.note:
        text += textwrap.wrap(plan.note, 78)
    if plan.layers:
        text.append(_dimensions(plan))
    rows = _part_rows(plan)
    text += ["", *columns(rows, right={1, 2})]
    if cache := _cache_sentence(plan):
        text += ["", cache]
    text += ["", f"Memory{_setting(plan, context, batch)}:"]
    text += columns(_memory_rows(plan, context, batch, memory_bytes), right={1, 2, 3})
    if unknown := _unknown_format(plan):
        text.append(unknown)
    design, cached = plan.kv_cache_bytes_per_token, plan.kv_cache_bytes_per_token_cached
    if cached and cached != design:
        kept = plan.kv_cache_bytes(context, batch) * cached // design
        text.append(f"The KV cache is by design; as transformers caches it, 16 bits take {size(kept)}.")
    if plan.context_length and context > plan.context_length and plan._layer_cache:
        text.append(f"The model was made for at most {plan.context_length:,} tokens.")
    if asked and not plan._layer_cache:
        text.append("It caches no keys and values, so context and batch change nothing here.")
    return "\n".join(text)


def describe_all(plans, context=None, batch=None, memory_bytes=None) -> str:
    """Blueprints as one table: parameters, gigabytes by data type, and the key-value cache per token.

    context, batch : if one of them is given, the gigabytes are those of weights and cache together
    memory_bytes : if given, a last column names the widest data type that fits
    """
    with_cache = context is not None or batch is not None
    heading = ["model", "parameters", "active", *BITS, "KV design", "cached"]
    rows = [tuple(heading + ([f"fits {size(memory_bytes)}"] if memory_bytes is not None else []))]
    for plan in plans:
        memory = plan.memory(context, batch or 1)
        row = [
            plan.name,
            f"{plan.parameters:,}",
            _active(plan),
            *(_gigabytes(memory[dtype]["total" if with_cache else "weights"]) for dtype in BITS),
            _kibibytes(plan.kv_cache_bytes_per_token),
            _kibibytes(plan.kv_cache_bytes_per_token_cached),
        ]
        if memory_bytes is not None:
            fits = plan.fits(memory_bytes, context, batch or 1)
            row.append(next((f"as {dtype}" for dtype, yes in fits.items() if yes), "no"))
        rows.append(tuple(row))
    what = "weights"
    if with_cache:
        length = f"{context:,} tokens" if context else f"{CONTEXT:,} tokens or the model's most"
        what = f"weights and the cache of {length}, batch {batch or 1:,}"
    note = f"In GB: {what}. KV: key-value cache at 16 bits, KiB per token, by design and as cached."
    return "\n".join([*columns(rows, right=set(range(1, 9))), *textwrap.wrap(note, 78)])


def _total(plan):
    total = f"{plan.parameters:,} parameters"
    if plan.active_parameters is None:
        return f"{total}; how many are active per token, the config does not say"
    if plan.active_parameters < plan.parameters:
        share = plan.active_parameters / plan.parameters
        return f"{total}, {plan.active_parameters:,} ({share:.0%}) of them active per token"
    return total


def _unknown_format(plan):
    if plan.shipped_as and plan.shipped_bytes is None:
        return f"It is published in the format {plan.shipped_as}, whose size is not counted here."
    return ""


def _active(plan):
    if plan.active_parameters is None:
        return "?"
    return "all" if plan.active_parameters == plan.parameters else f"{plan.active_parameters:,}"


def _without_input(plan):
    """Describes the active parameters as some makers count them; "" if the number is the same."""
    if plan.active_parameters in (None, plan.parameters, plan.active_parameters_without_input):
        return ""
    return (
        f"{plan.active_parameters_without_input:,} active as some makers count: without the input's table,\n"
        "of which a token reads one row"
    )


def _gigabytes(count):
    """Bytes as GB with three figures: 1,623 or 70.6 or 0.151."""
    amount = count / 1e9
    return f"{amount:,.0f}" if amount >= 99.95 else f"{amount:#.3g}"


def _kibibytes(count):
    """Bytes as KiB: 128, or 22.5; a dash for a model that caches nothing, "?" where it was not measured."""
    if count is None:
        return "?"
    if count == 0:
        return "-"
    return f"{count / 1024:,.0f}" if count % 1024 == 0 else f"{count / 1024:,.1f}"


def _dimensions(plan):
    words = [f"{plan.layers} layers"]
    if plan.hidden_size:
        words.append(f"hidden size {plan.hidden_size:,}")
    if plan.value_head_size:
        words.append(
            f"{plan.attention_heads} heads of {plan.head_size} for queries and keys ({plan.rotary_head_size} "
            f"of them turned by RoPE) and {plan.value_head_size} for values"
        )
    elif plan.attention_heads and plan.head_size and plan.key_value_heads:
        heads = f"{plan.attention_heads} heads of {plan.head_size}"
        if plan.key_value_heads != plan.attention_heads:
            heads += f" on {plan.key_value_heads} key-value head{'s' * (plan.key_value_heads > 1)}"
        words.append(heads)
    if plan.context_length:
        words.append(f"context {plan.context_length:,}")
    return ", ".join(words)


def _part_rows(plan):
    """The heading and a row for each part, or of a pipeline for each component: name, parameters, share."""
    if plan.components:
        rows = [("component", "parameters", "share")]
        counts = {
            name if part.title.lower() == name else f"{name} ({part.title})": part.parameters
            for name, part in plan.components.items()
        }
    else:
        rows, counts = [("part", "parameters", "share")], plan.parts
    for name, count in counts.items():
        share = count / plan.parameters
        rows.append((name, f"{count:,}", "<0.1%" if share < 0.0005 else f"{share:.1%}"))
    return rows


def _cache_sentence(plan):
    if not plan._layer_cache:
        return ""
    cached = plan.kv_cache_bytes_per_token_cached
    measured = {None: "not measured", 0: "nothing"}.get(cached, f"{_kibibytes(cached)} KiB")
    sentence = (
        f"Key-value cache, 16 bits: {_kibibytes(plan.kv_cache_bytes_per_token)} KiB per token by design, "
        f"{measured} as transformers caches it."
    )
    if windows := {kept.window for kept in plan._layer_cache if kept.window}:
        layers = sum(kept.window is not None for kept in plan._layer_cache)
        which = "Each layer keeps" if layers == plan.layers else f"{layers} layers keep"
        sentence += f"\n{which} the last {max(windows):,} tokens only."
    if squeezed := sorted({kept.every for kept in plan._layer_cache if kept.every > 1}):
        numbers = " or ".join(f"{every:,}" for every in squeezed)
        sentence += f"\nOf older tokens, one entry stands for each {numbers}."
    return sentence


def _setting(plan, context, batch):
    if not plan._layer_cache:
        return ""
    return f" for a context of {context:,} tokens, batch {batch:,}"


def _memory_rows(plan, context, batch, memory_bytes=None):
    cached = bool(plan._layer_cache)
    heading = ["weights as", "weights", "KV cache", "total"] if cached else ["weights as", "weights"]
    if memory_bytes is not None:
        heading.append(f"fits {size(memory_bytes)}")
        fits = plan.fits(memory_bytes, context, batch)
    rows = [tuple(heading)]
    for dtype, row in plan.memory(context, batch).items():
        cells = [
            size(row[column]) for column in (("weights", "kv_cache", "total") if cached else ("weights",))
        ]
        name = f"{dtype}, as published" if dtype == plan.shipped_as else dtype
        rows.append((name, *cells, *(["yes" if fits[dtype] else "no"] if memory_bytes is not None else [])))
    return rows


def _html(plan):
    """The parts as bars, and below them what the weights and the cache take."""
    from course_utils import views

    unit, divisor = ("billion", 1e9) if plan.parameters >= 1e9 else ("million", 1e6)
    counts = {name: part.parameters for name, part in plan.components.items()} or plan.parts
    amounts = [round(count / divisor, 4) for count in counts.values()]
    title = f"{plan.title}: {_total(plan)}"
    parts = views.bars(list(counts), amounts, f"{unit} parameters", title=title)
    context, batch = plan._checked(None, 1)
    title = f"Memory{_setting(plan, context, batch)}"
    # In print each remark has lines of its own, some without a full stop. Here they form one text.
    remarks = [plan.note, _without_input(plan), plan.layers and _dimensions(plan), _cache_sentence(plan)]
    remarks.append(_unknown_format(plan))
    note = " ".join(remark.rstrip(".") + "." for remark in remarks if remark)
    memory = views.table(_memory_rows(plan, context, batch), {1, 2, 3}, title=title, note=note or None)
    return parts.html + memory.html


def _unknown(name):
    if not isinstance(name, str):
        return CourseError(f"A name is a text such as 'llama-3-8b', not {type(name).__name__}.")
    if Path(name).exists() or name.endswith(".json"):
        return CourseError(f"{name!r} looks like a file: give it as the config (in the command, --config).")
    close = difflib.get_close_matches(name.lower(), _catalogue()["names"], n=1)
    meant = f" (is {close[0]} meant?)" if close else ""
    return CourseError(
        f"There is no blueprint named {name!r}{meant}: the names are {', '.join(names())}; "
        "any other model goes by its hub id (maker/model) or its config file."
    )


@cache
def _catalogue():
    """Returns the tables of blueprints.toml and "names", a dict from each name and alias to the name."""
    tables = catalog.read("blueprints.toml")
    known = {}
    for name, facts in tables["models"].items():
        known |= dict.fromkeys([name, *facts.get("aliases", ())], name)
    return tables | {"names": known}


@cache
def _from_catalogue(name):
    facts = _catalogue()["models"][name]
    if "components" not in facts:
        return _single(name, facts["title"], facts["hub_id"], facts["class"], facts["config"])
    components = {}
    for component, key in facts["components"].items():
        part = _catalogue()["components"][key]
        components[component] = _single(
            component, part["title"], facts["hub_id"], part["class"], part["config"]
        )
    return _pipeline(name, facts["title"], facts["hub_id"], components)


def _is_hub_id(text):
    return re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", text) and not text.endswith(
        (".json", ".gguf", ".safetensors", ".bin")
    )


def _from_file(place):
    """The blueprint of a config.json, of a model_index.json with its parts, or of a folder with either."""
    if not place.exists():
        raise CourseError(f"There is no file {place}: check the path, or give a hub id such as maker/model.")
    if place.is_dir():
        inside = [place / name for name in ("model_index.json", "config.json") if (place / name).is_file()]
        if not inside:
            raise CourseError(
                f"{place} is a folder without a config.json or model_index.json: give the config file itself."
            )
        place = inside[0]
    values = _read_json(place, str(place))

    def part_of(component):
        part = place.parent / component / "config.json"
        return _read_json(part, str(part)) if part.is_file() else None

    return _from_dict(values, place.name, str(place), part_of)


def _from_hub(repository):
    """Returns the blueprint of a model on the hub; only its configs are fetched."""
    from course_utils.loading import sources

    def config_of(file):
        path = sources.fetch_config(repository, file)
        return _read_json(path, f"{file} of {repository}") if path else None

    values = config_of("config.json") or config_of("model_index.json")
    if values is None:
        raise CourseError(
            f"{repository} has no config.json and no model_index.json on the hub: look for the repository "
            "that holds the model itself, not an adapter or a conversion such as GGUF."
        )
    return _from_dict(values, repository, repository, lambda component: config_of(f"{component}/config.json"))


def _read_json(path, source):
    """Reads a dict from a JSON file; raises a CourseError that names what the file holds instead."""
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise CourseError(f"{source} can't be read: {error.strerror}.") from error
    if content.startswith(b"GGUF"):
        raise CourseError(
            f"{source} is a GGUF file, weights in llama.cpp's format: give the config.json of the model that "
            "it was made from."
        )
    if len(content) > _LARGEST_FILE:
        raise CourseError(f"{source} is larger than 10 MB, so it is no config: give the model's config.json.")
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CourseError(
            f"{source} is not JSON ({_first_line(error)}): give the model's config.json."
        ) from error
    if not isinstance(values, dict):
        raise CourseError(
            f"{source} holds a JSON {type(values).__name__}, and a config is an object with names and "
            "values: give the model's config.json."
        )
    return values


def _from_dict(values, title, source, part_of=None):
    """The blueprint of the values of a config.json or model_index.json.

    part_of : a function from a component's name to the values of its config, or None, for a pipeline
    """
    if "peft_type" in values:
        base = values.get("base_model_name_or_path") or "its base model"
        raise CourseError(
            f"{source} is the config of an adapter ({values['peft_type']}), a small addition to {base}: "
            "give the config of that model."
        )
    if "model_type" in values:
        return _single(title, title, source, values.get("architectures"), values)
    kind = values.get("_class_name")
    if not isinstance(kind, str):
        raise CourseError(
            f"{source} has no model_type (transformers) and no _class_name (diffusers), so nothing says "
            "which architecture it is: give the config.json as published."
        )
    listed = {
        name: entry[1]
        for name, entry in values.items()
        if isinstance(entry, list) and len(entry) == 2 and entry[0] in ("transformers", "diffusers")
    }
    if not listed:
        return _single(title, title, source, kind, values)
    components = {}
    for name in listed:
        if part := part_of(name) if part_of else None:
            components[name] = _from_dict(part, name, f"{source}, {name}")
    if not components:
        raise CourseError(
            f"{source} lists the parts of a {kind}, but no part's config.json is beside it: give the whole "
            "folder, or the hub id."
        )
    return _pipeline(title, title, source, components)


def _from_object(config):
    """The blueprint of a config object of transformers, or of a model's `.config` in diffusers."""
    if not hasattr(config, "to_dict"):
        raise CourseError(
            f"A config is a file, a hub id, a dict or a config object of transformers or diffusers, "
            f"not {type(config).__name__}."
        )
    return _from_dict(config.to_dict(), type(config).__name__, "the config")


def _pipeline(name, title, source, components):
    parts = dict.fromkeys(PARTS, 0)
    for component in components.values():
        for part, count in component.parts.items():
            parts[part] += count
    return Blueprint(
        name=name,
        title=title,
        source=source,
        parameters=sum(component.parameters for component in components.values()),
        active_parameters=sum(component.active_parameters for component in components.values()),
        active_parameters_without_input=sum(
            component.active_parameters_without_input for component in components.values()
        ),
        parts={part: count for part, count in parts.items() if count},
        components=components,
    )


def _single(name, title, source, class_names, values):
    """Finds the class of one model, builds it on the meta device, and returns its blueprint.

    class_names : the class, or a config's list of "architectures", or None
    """
    _check_values(values, source)
    values, note = _known_elsewhere(values)
    with _refusing(source), _quiet():
        if "model_type" in values:
            config, build = _transformers_builder(values, class_names, source)
        else:
            config, build = _diffusers_builder(values, class_names, source)
        try:
            model = build()
        except ImportError as error:
            config, build, note = _text_alone(config, error, source)
            model = build()
        _check_experts(config, source)
        parts, active, without_input = _count(model, config)
        if _first_number(_text_config(config), "zero_expert_num"):
            note += " Some experts do nothing, so active is the most that a token passes through."
        shape = _shape(model, config, attends="attention" in parts)
        shipped_as, shipped_bytes = _shipped(model, config, values.get("quantization_config"))
    if not parts:
        raise CourseError(f"{source} describes a model without a single parameter: check its sizes.")
    return Blueprint(
        name=name,
        title=title,
        source=source,
        parameters=sum(parts.values()),
        active_parameters=active,
        active_parameters_without_input=without_input,
        note=note.strip(),
        parts=parts,
        shipped_as=shipped_as,
        shipped_bytes=shipped_bytes,
        config=config,
        _build=build,
        **shape,
    )


def _transformers_builder(values, class_names, source):
    """The config object, and a function that builds its model, for a config.json of transformers."""
    import torch
    import transformers

    kind = values["model_type"]
    if not isinstance(kind, str) or kind not in transformers.CONFIG_MAPPING:
        code = "its author's own code (auto_map)" if "auto_map" in values else "its author's own code"
        raise CourseError(
            f"{source} has the model_type {str(kind)[:60]!r}, which transformers {transformers.__version__} "
            f"does not know: counting it needs a newer transformers, or {code}, which the course never runs."
        )
    # The storage format of the weights does not change their number.
    plain = {name: value for name, value in values.items() if name not in ("quantization_config", "auto_map")}
    config = transformers.CONFIG_MAPPING[kind].from_dict(plain)
    _check_spelling(plain, config, source)
    automatic = (
        transformers.AutoModelForCausalLM,
        transformers.AutoModelForSeq2SeqLM,
        transformers.AutoModelForSpeechSeq2Seq,
        transformers.AutoModelForImageTextToText,
        transformers.AutoModel,
    )
    makers = {}
    for auto in automatic:
        if type(config) in auto._model_mapping:
            makers.setdefault(auto._model_mapping[type(config)], auto)
    asked = [class_names] if isinstance(class_names, str) else class_names or []
    classes = [getattr(transformers, each, None) for each in asked if isinstance(each, str)]
    classes = [each for each in classes if isinstance(each, type) and hasattr(each, "config_class")]
    fitting = [each for each in classes if each in makers or isinstance(config, each.config_class or ())]
    if classes and not fitting:
        other = getattr(classes[0].config_class, "model_type", None)
        raise CourseError(
            f"{source} has the model_type {kind!r} and the architecture {classes[0].__name__}, which belongs "
            f"to the model_type {other!r}: correct the one that is wrong."
        )
    make = next((each._from_config for each in fitting), None)
    if make is None and makers:
        make = next(iter(makers.values())).from_config
    if make is None:
        raise CourseError(
            f"{source} has the model_type {kind!r}, of which transformers builds no model by itself."
        )

    def build(config=config):
        with torch.device("meta"), _bounded(source):
            return make(config)

    return config, build


# Unknown model types, and the known type whose architecture they share, according to their maker.
_SAME_ARCHITECTURE = {
    # MoonshotAI/Kimi-K2, docs/deploy_guidance.md: the architecture is DeepSeek-V3's; the name differs so that
    # servers can tell the two apart, and may be set to deepseek_v3.
    "kimi_k2": "deepseek_v3",
}


def _known_elsewhere(values):
    """Returns (config, note), with a known model_type instead of an unknown one; else (values, "")."""
    import transformers

    kind = values.get("model_type")
    if not isinstance(kind, str) or kind in transformers.CONFIG_MAPPING or kind not in _SAME_ARCHITECTURE:
        return values, ""
    same = _SAME_ARCHITECTURE[kind]
    return values | {"model_type": same}, f"Counted as {same}, which is the architecture of {kind}."


def _text_alone(config, error, source):
    """Returns config, builder and note for only the text part, if a package for the rest is missing."""
    import torch
    import transformers

    text = _text_config(config)
    if text is None or text is config or type(text) not in transformers.AutoModelForCausalLM._model_mapping:
        raise error

    def build(config=text):
        with torch.device("meta"), _bounded(source):
            return transformers.AutoModelForCausalLM.from_config(config)

    missing = re.search(r"requires the (\w+) library", str(error))
    package = f"the package {missing[1]}" if missing else "a package that is not here"
    return text, build, f"Only the part for text is counted: to build the rest, transformers needs {package}."


def _diffusers_builder(values, class_name, source):
    """The config object, and a function that builds its model, for a config.json of diffusers."""
    import diffusers
    import torch

    found = getattr(diffusers, class_name, None)
    if not (isinstance(found, type) and issubclass(found, diffusers.ModelMixin)):
        reason = "has no weights to count" if found else f"is not in diffusers {diffusers.__version__}"
        raise CourseError(
            f"{source} is the config of a {class_name}, which {reason}: give the config.json of a model such "
            "as UNet2DConditionModel or AutoencoderKL."
        )

    taken = {name: each.default for name, each in inspect.signature(found.__init__).parameters.items()}
    _check_names(values, taken, set(taken), source)

    def build():
        with torch.device("meta"), _bounded(source):
            return found.from_config({name: value for name, value in values.items() if name != "_class_name"})

    return dict(values), build


@contextlib.contextmanager
def _quiet():
    """Silences what the libraries print, log and warn about."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            open(os.devnull, "w") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _refusing(source):
    """Turns any error of a library that can't build the model into a CourseError of one sentence."""
    try:
        yield
    except CourseError:
        raise
    except Exception as error:  # wrong values can cause any error in the libraries
        raise CourseError(
            f"{source} can't be built ({_first_line(error)}): compare it with a published config.json."
        ) from error


@contextlib.contextmanager
def _bounded(source):
    """Raises CourseError if a model gets more tensors than any published one, before it fills the memory."""
    from torch.nn.modules.module import register_module_parameter_registration_hook

    built = 0

    def count(module, name, parameter):
        nonlocal built
        built += 1
        if built > _MOST_TENSORS:
            raise CourseError(
                f"{source} describes more than {_MOST_TENSORS:,} tensors, more than any published model: "
                "check its numbers of layers and experts."
            )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


_SIZES = re.compile(
    r"(hidden|vocab|intermediate|ffn_hidden|head|embedding|image|patch)_size|d_model|d_ff|d_kv|n_embd|n_head|n_layer|"
    r"(num_|n_|encoder_|decoder_|)(hidden_|decoder_|encoder_|)layers|(num_|n_|)(attention_|key_value_|kv_|)heads|"
    r"(encoder_|decoder_)attention_heads|(encoder_|decoder_)ffn_dim|head_dim|attention_head_dim|"
    r"max_position_embeddings|n_positions|max_(source|target)_positions|num_mel_bins|"
    r"(in|out|latent)_channels|block_out_channels|layers_per_block|cross_attention_dim|joint_attention_dim"
)
_MANY = re.compile(r"n_layer|(.*_)?(layers|blocks|depth|experts)")
_MAY_BE_ZERO = re.compile(r".*(experts|layers|n_layer).*|intermediate_size|ffn_hidden_size|d_ff|image_size")
# Switches that decide which tensors a model has.
_SWITCHES = re.compile(r"tie_\w+|(\w+_)?bias|multi_query|new_decoder_architecture")
# Names of one size in different families of models.
_SAME_SIZES = (
    ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    ("hidden_size", "d_model", "n_embd"),
    ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    ("num_key_value_heads", "num_kv_heads", "n_kv_heads", "kv_n_heads"),
    ("intermediate_size", "d_ff", "ffn_dim", "ffn_hidden_size", "n_inner"),
)


def _check_values(values, source):
    """Refuses impossible sizes before a library reads them: it might hang, or accept them."""
    for name, value in _flattened(values):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        whole = number and (isinstance(value, int) or value.is_integer())
        if _SIZES.fullmatch(name) and value is not None and not isinstance(value, dict):
            lowest = 0 if _MAY_BE_ZERO.fullmatch(name) else 1
            if not whole or value < lowest:
                raise CourseError(
                    f"{source} has {name} = {str(value)[:40]!r}, and a size is a whole number from {lowest}: "
                    "correct it."
                )
        if number and _MANY.fullmatch(name) and value > _MOST_LAYERS:
            raise CourseError(
                f"{source} has {name} = {f'{value:,}'[:40]}, and no published model comes near "
                f"{_MOST_LAYERS:,}: correct it."
            )
    groups = [values, *(value for value in values.values() if isinstance(value, dict))]
    for group in groups:
        _check_heads(group, source)


def _check_heads(values, source):
    hidden, heads = (
        next((values[name] for name in names if isinstance(values.get(name), int)), None)
        for names in (("hidden_size", "d_model", "n_embd"), ("num_attention_heads", "n_head", "num_heads"))
    )
    stated = any(values.get(name) for name in ("head_dim", "d_kv", "attention_head_dim", "qk_rope_head_dim"))
    if hidden and heads and not stated and "model_type" in values and hidden % heads:
        raise CourseError(
            f"{source} has a hidden size of {hidden:,} and {heads} attention heads, and {hidden:,} can't be "
            f"divided by {heads}: correct one, or give head_dim."
        )
    shared = values.get("num_key_value_heads")
    if heads and isinstance(shared, int) and shared and heads % shared:
        raise CourseError(
            f"{source} has {heads} attention heads and {shared} key-value heads, and {heads} can't be "
            f"divided by {shared}: correct one."
        )


def _check_spelling(values, config, source):
    """Refuses a misspelt size: for an unknown name, a library silently uses its own default."""
    inner = getattr(type(config), "sub_configs", {})
    known = set(getattr(type(config), "__dataclass_fields__", ())) or set(
        inspect.signature(type(config).__init__).parameters
    )
    others = set(getattr(type(config), "attribute_map", ()))
    taken = {name: _attribute(config, name) for name in known}
    _check_names(values, taken, known | others | set(inner), source)
    for name in inner:
        part, built = values.get(name), _attribute(config, name)
        if isinstance(part, dict) and hasattr(built, "to_dict"):
            _check_spelling(part, built, f"{source}, {name},")


def _check_names(values, taken, known, source):
    """Refuses an unknown name that probably means a size that the config lacks.

    Published configs hold many names that the library does not know, such as settings of their makers' own
    code. They pass. Refused is only a whole number under a name within a letter or two of a missing size, or
    under another family's name for it, and a true or false under nearly the name of a switch that decides
    which tensors there are; and only if the library uses another value: it accepts some names that it does
    not list.

    taken : dict from each name of the library to the value that it took
    """
    missing = [name for name in taken if name not in values]
    sizes = [
        name for name in missing if _SIZES.fullmatch(name) or _MANY.fullmatch(name) or name in _CHOSEN_COUNTS
    ]
    switches = [name for name in missing if _SWITCHES.fullmatch(name) and isinstance(taken[name], bool)]
    for name, value in values.items():
        if name in known:
            continue
        if isinstance(value, bool):
            meant = difflib.get_close_matches(name, switches, n=1, cutoff=0.9)
            number = value
        else:
            meant = difflib.get_close_matches(name, sizes, n=1, cutoff=0.85) or _same_size(
                name, taken, values
            )
            number = _whole_number(value)
        if meant and number is not None and taken[meant[0]] != number:
            shown = f"{value:,}" if type(value) is int else repr(value)[:40]
            raise CourseError(
                f"{source} has {name} = {shown}, and this architecture knows no such name: is {meant[0]} "
                "meant?"
            )


def _same_size(name, taken, values):
    """Returns a list of the library's name for the size that other families call `name`; empty if none fits.

    None fits if the config also states the size under another name, or if the library works it out later.
    """
    for same in _SAME_SIZES:
        if name in same and not any(other in values for other in same if other in taken):
            return [other for other in same if taken.get(other) is not None]
    return []


def _whole_number(value):
    """Returns the whole number that a value of a config stands for, even as text; None if it is none."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value.strip()):
        return int(value)
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return value
    return None


def _check_experts(config, source):
    text = _text_config(config)
    experts, chosen = _first_number(text, *_EXPERT_COUNTS), _first_number(text, *_CHOSEN_COUNTS)
    if experts and chosen and chosen > experts:
        raise CourseError(
            f"{source} chooses {chosen:,} experts for each token and has {experts:,}: correct one of the two."
        )


def _flattened(values, name=""):
    """Each (name, value) of a config, with the values of inner objects and lists."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _flattened(value, str(key))
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _flattened(value, name)
    else:
        yield name, values


def _first_line(error):
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."


# The part that a segment of a parameter's name indicates. The innermost segment is tried first.
_SEGMENTS = [
    ("conditioning", re.compile(r"time_(emb|text|proj)\w*|add_embedding|adaln\w*|\w*modulation\w*")),
    ("recurrence", re.compile(r"mamba|ssm|linear_attn|time_mixing?|rg_lru")),
    (
        "attention",
        re.compile(r"\w*attn\w*|\w*attention\w*|([qkvo]|qkv|out)_proj|query_key_value|to_(q|k|v|out)"),
    ),
    (
        "feed-forward",
        re.compile(
            r"mlp|ffns?|ffn_output|ff|ff_context|feed_?forward|proj_mlp|fc[12]|dense_h_to_4h|dense_4h_to_h|densereludense|intermediate|"
            r"(gate|up|down|gate_up)_proj|shared_mlp"
        ),
    ),
    ("embedding", re.compile(r"\w*embed\w*|wte|wpe|lm_head|shared")),
]
# Classes that replace attention and carry a state of fixed size. The class name identifies them, because
# their matrices have the same names as those of attention.
_RECURRENT = re.compile(
    r"\w*Mamba2?Mixer|FalconH1Mixer|\w*GatedDeltaNet|\w*DeltaAttention|\w*LightningAttention|"
    r"Rwkv\w*Attention|xLSTMLayer|\w*RecurrentBlock"
)
_SHORT_CONVOLUTION = re.compile(r"\w*ShortConv(olution)?")
_EXPERT_COUNTS = (
    "num_local_experts",
    "num_experts",
    "n_routed_experts",
    "moe_num_experts",
    "num_routed_experts",
)
_CHOSEN_COUNTS = (
    "num_experts_per_tok",
    "num_experts_per_token",
    "moe_topk",
    "moe_top_k",
    "top_k_experts",
    "num_selected_experts",
    "moe_k",
)
_SHARED_HEADS = ("num_key_value_heads", "num_kv_heads", "kv_n_heads")
_HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads")
_CHOSEN_BY_CODE = {"switch_transformers": 1, "nllb-moe": 2}  # no config contains this number


def _attribute(config, name):
    try:
        return getattr(config, name, None)
    except Exception:  # transformers refuses a name whose value differs from layer to layer
        return None


def _first_number(config, *names):
    """Returns the first of these attributes that is a positive whole number, here or in the inner configs."""
    for place in (config, *(_attribute(config, inner) for inner in ("ffn_config", "attn_config"))):
        for name in names:
            value = _attribute(place, name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


def _text_config(config):
    """Returns the config of the part that writes text."""
    if isinstance(config, dict):
        return None
    try:
        return config.get_text_config(decoder=True)
    except (ValueError, AttributeError):
        return config


def _count(model, config):
    """Returns the parameters by part, the number that one token uses, and this number without the table that
    turns tokens into lists of numbers.
    """
    text = _text_config(config)
    experts = _first_number(text, *_EXPERT_COUNTS) or 0
    chosen = _first_number(text, *_CHOSEN_COUNTS) or _CHOSEN_BY_CODE.get(getattr(config, "model_type", None))
    zero = _first_number(text, "zero_expert_num") or 0
    output = getattr(model, "get_output_embeddings", lambda: None)()
    parts, idle, seen = dict.fromkeys(PARTS, 0), 0, set()
    modules = dict(model.named_modules())
    for path, module in modules.items():
        tensors = [(name, tensor) for name, tensor in module.named_parameters(recurse=False)]
        if not tensors:
            continue
        names = path.split(".")
        kinds = [type(modules[".".join(names[: depth + 1])]).__name__ for depth in range(len(names))]
        for name, tensor in tensors:
            if id(tensor) in seen:
                continue
            seen.add(id(tensor))
            count = tensor.numel()
            if any(_RECURRENT.fullmatch(kind) for kind in kinds[:-1]) or _RECURRENT.fullmatch(kinds[-1]):
                part = "norms" if "norm" in kinds[-1].lower() else "recurrence"
            elif _is_expert(path, tensor, experts):
                part = "experts"
                if zero and len(tensor) == experts + zero:  # some experts do nothing, but have rows here
                    count = count * experts // len(tensor)
                idle += count - count * chosen // experts if chosen and experts else math.nan
            else:
                part = "embedding" if module is output else _part(path, name, kinds, tensor, experts)
            parts[part] += count
    total = sum(parts.values())
    parts = {part: count for part, count in parts.items() if count}
    if math.isnan(idle):
        return parts, None, None
    return parts, total - idle, total - idle - _input_table(model, output)


def _input_table(model, output):
    """Counts the table that turns tokens into lists of numbers; 0 if it is also the output layer."""
    try:
        table = model.get_input_embeddings().weight
    except (AttributeError, NotImplementedError):
        return 0
    return 0 if getattr(output, "weight", None) is table else table.numel()


def _shipped(model, config, settings):
    """(name of the format of the published weights, their bytes) by the config's quantization_config.

    Returns ("", None) if there is none, and (name, None) for a format whose size is not known here.
    """
    settings = settings or getattr(_text_config(config), "quantization_config", None)
    if not isinstance(settings, dict) or not isinstance(settings.get("quant_method"), str):
        return "", None
    name, bits = _format(settings)
    if bits is None:
        return name, None
    experts = _first_number(_text_config(config), *_EXPERT_COUNTS) or 0
    left_out = settings.get("modules_to_not_convert") or settings.get("ignore") or []
    output = getattr(model, "get_output_embeddings", lambda: None)()
    seen, total = set(), 0
    for path, module in model.named_modules():
        for tensor_name, tensor in module.named_parameters(recurse=False):
            if id(tensor) in seen:
                continue
            seen.add(id(tensor))
            matrix = _is_expert(path, tensor, experts) and "bias" not in tensor_name
            if name != "mxfp4":  # mxfp4 stores only the experts in 4 bits
                matrix = matrix or (type(module).__name__ in ("Linear", "Conv1D") and tensor.dim() == 2)
            kept = module is output or any(_named(path, each) for each in left_out)
            total += tensor.numel() * (bits if matrix and not kept else 16)
    return name, math.ceil(total / 8)


def _format(settings):
    """(name, bits of a weight with its share of the scales) of a quantization_config; None if unknown."""
    method = settings["quant_method"]
    bits, group = settings.get("bits"), settings.get("group_size")
    if method == "mxfp4":
        return "mxfp4", 4 + 8 / 32  # 32 weights share a scale of 8 bits
    if method == "fp8":
        block = settings.get("weight_block_size")
        return "fp8", 8 + 32 / math.prod(block) if block else 8
    if method in ("gptq", "awq") and bits and group and group > 0:
        return f"{method}, {bits} bits", bits + (16 + bits) / group  # a scale and a zero point for each group
    if method == "bitsandbytes" and settings.get("load_in_4bit"):
        return "4 bits, bitsandbytes", 4 + 32 / 64
    if method == "bitsandbytes" and settings.get("load_in_8bit"):
        return "8 bits, bitsandbytes", 8
    groups = list((settings.get("config_groups") or {}).values())
    weights = groups[0].get("weights") if method == "compressed-tensors" and len(groups) == 1 else None
    if weights and weights.get("num_bits"):
        bits, group = weights["num_bits"], weights.get("group_size") or 0
        kind = "fp" if weights.get("type") == "float" else "int"
        return (f"{kind}{bits} in groups", bits + 16 / group) if group > 0 else (f"{kind}{bits} by row", bits)
    return method, None


def _named(path, pattern):
    """Returns whether `pattern`, a part of a module's name or "re:" and a regular expression, fits `path`."""
    if pattern.startswith("re:"):
        return re.match(pattern[3:], path) is not None
    return pattern in path


def _is_expert(path, tensor, experts):
    """Returns whether a tensor belongs to routed experts, by its name or as one stack of all experts."""
    segments = path.split(".")
    if any("shared" in segment or segment == "router" for segment in segments):
        return False
    if segments[-1] == "experts" and tensor.dim() == 1:  # a bias that all of them share
        return False
    return "experts" in segments or (experts > 1 and tensor.dim() == 3 and tensor.shape[0] == experts)


def _part(path, name, kinds, tensor, experts):
    kind = kinds[-1]
    segments = path.lower().split(".")
    if re.search(r"norm", kind, re.IGNORECASE):
        return "norms"
    if any(_SHORT_CONVOLUTION.fullmatch(each) for each in kinds):
        return "convolutions"
    if any("shared_expert" in segment for segment in segments):
        return "router" if segments[-1].endswith("gate") else "experts"
    if any("router" in segment for segment in segments) or name == "e_score_correction_bias":
        return "router"
    if experts > 1 and segments[-1] in ("gate", "wg", "classifier") and tensor.shape[0] == experts:
        return "router"
    for segment in reversed([*segments, name]):
        for part, pattern in _SEGMENTS:
            if pattern.fullmatch(segment):
                return part
        if re.fullmatch(r"norm\w*", segment):  # a layer inside a norm, which turns the time step into a scale
            return "conditioning"
    if ("Conv" in kind and kind != "Conv1D") or "conv" in segments:  # GPT-2's Conv1D is a linear layer
        return "convolutions"
    if kind == "Embedding":
        return "embedding"
    if "layer" in segments and "output" in segments:  # BERT's second feed-forward matrix
        return "feed-forward"
    return "other"


def _heads(config, kind=None):
    """Returns (key-value heads, size of a head's key, size of its value), each None if the config lacks it.

    kind : the layer's type, because some models have other heads in layers with a sliding window
    """
    hidden, heads = _first_number(config, "hidden_size", "d_model", "n_embd"), _first_number(config, *_HEADS)
    sizes, shared = ("head_dim", "d_kv", "dim_head", "kv_channels"), _SHARED_HEADS
    if kind and "sliding" in kind:
        sizes, shared = ("swa_head_dim", *sizes), ("swa_num_key_value_heads", *shared)
    size = _first_number(config, *sizes) or (hidden // heads if hidden and heads else None)
    value = _first_number(config, "v_head_dim") or size
    if _first_number(config, "kv_lora_rank"):
        size = sum(_first_number(config, f"qk_{part}_head_dim") or 0 for part in ("nope", "rope")) or size
    if _attribute(config, "multi_query") and not _attribute(config, "new_decoder_architecture"):
        return 1, size, value
    return _first_number(config, *shared) or heads, size, value


def _cache_of_layer(config, kind, index):
    """Returns what a layer caches, as a list of _Kept; an empty list for a layer without attention.

    config : the layer's config, or the model's if all layers are alike
    kind : the layer's type, such as "sliding_attention", or None if the config names none
    index : the layer's index
    """
    if kind is not None and ("linear" in kind or not re.search("attention|hybrid", kind)):
        return []
    heads, size, value = _heads(config, kind)
    window = _first_number(config, "sliding_window", "attention_chunk_size")
    everywhere = kind is None and _attribute(config, "use_sliding_window") is not False
    if not (everywhere or (kind and re.search("sliding|chunked|compressed", kind))):
        window = None
    # Layers that choose which tokens to read also cache a short key of each token for this choice.
    indexer = _first_number(config, "index_head_dim", "indexer_head_dim") or 0
    rates = _attribute(config, "compress_rates")
    if isinstance(rates, dict):  # DeepSeek-V4: one list serves as key and value, and older lists are merged
        kept, every = [_Kept(heads * size, window)], rates.get(kind)
        if every:
            kept.append(_Kept(heads * size + (indexer if "sparse" in kind else 0), None, every))
        return kept
    if latent := _first_number(config, "kv_lora_rank"):  # multi-head latent attention keeps one short vector
        kept = [_Kept(latent + (_first_number(config, "qk_rope_head_dim") or 0), window)]
    elif size and heads:
        kept = [_Kept(heads * (size + value), window)]
    else:
        return []
    roles = _attribute(config, "indexer_types")
    own = not (isinstance(roles, list) and roles[index] == "shared")
    if kind and own and ("indexed" in kind or _first_number(config, "indexer_head_dim")):
        kept.append(_Kept(indexer))
    return kept


def _projected(model):
    """Returns {layer index: size of a key plus size of a value}, from the layer's own matrices."""
    made = {}
    for path, module in model.named_modules():
        found = re.fullmatch(r"(?!.*(encoder|vision|audio|cross)).*layers\.(\d+)\.\w+\.[kv]_proj", path)
        if found and hasattr(module, "out_features"):
            made.setdefault(int(found[2]), []).append(module.out_features)
    return {index: sum(sizes) for index, sizes in made.items() if len(sizes) == 2}


def _shape(model, config, attends):
    """Returns the dimensions and the cache of a model, from its config, as arguments of `Blueprint`."""
    text = _text_config(config)
    if text is None:
        return {}
    layers = _first_number(config, "decoder_layers", "num_decoder_layers") or _first_number(
        text, "num_hidden_layers", "n_layer", "num_layers", "n_layers"
    )
    heads = _first_number(config, "decoder_attention_heads") or _first_number(text, *_HEADS)
    each = list(_attribute(text, "per_layer_config") or ())
    if len(each) != layers:
        each = [text] * (layers or 1)
    shared, sizes = ({_heads(layer)[index] for layer in each} for index in (0, 1))
    facts = {
        "layers": layers,
        "attention_heads": heads,
        "key_value_heads": shared.pop() if len(shared) == 1 else None,  # None where layers differ
        "head_size": sizes.pop() if len(sizes) == 1 else None,
        "hidden_size": _first_number(text, "hidden_size", "d_model", "n_embd"),
        "context_length": _first_number(
            text, "max_target_positions", "max_position_embeddings", "n_positions", "max_seq_len"
        ),
    }
    if _first_number(text, "kv_lora_rank"):
        facts["value_head_size"] = _heads(text)[2]
        facts["rotary_head_size"] = _first_number(text, "qk_rope_head_dim")
    writes = getattr(model, "can_generate", lambda: False)()
    # BERT and similar models, which are trained to fill gaps, cache only if `is_decoder` is set. Configs of
    # others, such as GPT-NeoX's, have the same setting, but no layer reads it.
    decoders = [getattr(module, "is_decoder", None) for module in model.modules()]
    fills_gaps = getattr(config, "is_decoder", None) is False and False in decoders and True not in decoders
    if not (writes and layers and attends) or fills_gaps:
        return facts
    kinds = _attribute(text, "layer_types") or _attribute(text, "layers_block_type") or [None] * layers
    # In some models the last layers use the cache of earlier ones. In others, some layers read a picture, and
    # their cache does not grow with the text.
    own = layers - (_first_number(text, "num_kv_shared_layers") or 0)
    pictures = _attribute(text, "cross_attention_layers") or ()
    projected, kept = _projected(model), []
    order = list(range(own))
    if _attribute(text, "recurrent_kv_cache_mode") == "per_loop":  # Dory runs its middle layers several times
        first = text.n_input_layers
        order += list(range(first, first + text.n_recurrent_layers)) * (text.n_recurrent_loops - 1)
    for index in order:
        if index in pictures:
            continue
        lists = _cache_of_layer(each[index], kinds[index], index)
        if len(lists) == 1 and index in projected and not _first_number(text, "kv_lora_rank"):
            lists = [lists[0]._replace(numbers=projected[index])]
        kept += lists
    facts["_layer_cache"] = tuple(kept)
    if getattr(model.config, "is_encoder_decoder", False):
        positions = _first_number(config, "max_source_positions") if hasattr(config, "num_mel_bins") else None
        facts["_source_cache"] = tuple((own.numbers, positions) for own in kept)
    return facts


def _two_layers(plan):
    """Returns a copy of the plan's config with two layers, or None if its layers differ in kind."""
    values = plan.config.to_dict()
    uneven = re.compile(
        r".*(types?|period|interval|pattern|sharing|every|offset|cross).*|text_config|decoder|per_layer_config"
    )
    alike = len(set(plan._layer_cache)) == 1 and len(plan._layer_cache) == plan.layers
    if not alike or any(values[name] for name in values if uneven.fullmatch(name) and name != "model_type"):
        return None
    config = copy.deepcopy(plan.config)
    for name in ("num_hidden_layers", "encoder_layers", "decoder_layers", "num_decoder_layers"):
        if hasattr(config, name):
            setattr(config, name, 2)
    return config


def _measure_cache(plan):
    """Returns bytes per token, at 16 bits, of the library's cache; None if the model can't be run.

    It is the difference between the cache of three tokens and that of two.
    """
    if any(kept.every > 1 for kept in plan._layer_cache):
        return None  # what one more token adds depends on how many came before
    with _quiet():
        try:
            if (short := _two_layers(plan)) and (more := _growth(plan, short)) % 2 == 0:
                return 2 * (more // 2) * plan.layers
            return 2 * _growth(plan, plan.config)
        except Exception:  # the model needs other inputs, or reads the values of tensors
            return None


def _growth(plan, config):
    """Returns how many more numbers the library caches for three tokens than for two."""
    import torch

    # 16 bits, because on the meta device torch's grouped product of experts has no other data type.
    model = plan._build(config).to(torch.bfloat16).eval()
    model.set_attn_implementation("eager")  # other implementations read the values of the mask
    kept = []
    for tokens in (2, 3):
        ids = torch.zeros((1, tokens), dtype=torch.long, device="meta")
        inputs = {"input_ids": ids}
        if getattr(model.config, "is_encoder_decoder", False):
            read = torch.zeros((1, 2), dtype=torch.long, device="meta")
            inputs = {"input_ids": read, "decoder_input_ids": ids}
            if model.main_input_name == "input_features":
                del inputs["input_ids"]
                frames = (1, config.num_mel_bins, 2 * config.max_source_positions)
                inputs["input_features"] = torch.zeros(frames, dtype=torch.bfloat16, device="meta")
        with torch.device("meta"), torch.no_grad():
            output = model(**inputs, use_cache=True)
        # transformers 5.24 renamed this output.
        kept.append(_numbers_inside(output.get("cache", output.get("past_key_values")), set()))
    return kept[1] - kept[0]


def _numbers_inside(kept, seen):
    """Counts the numbers in all float tensors inside an object, its lists and dicts; each tensor once."""
    import torch

    if kept is None or id(kept) in seen or isinstance(kept, str | int | float | type):
        return 0
    seen.add(id(kept))
    if torch.is_tensor(kept):
        return kept.numel() if kept.is_floating_point() else 0
    if isinstance(kept, dict):
        inside = kept.values()
    elif isinstance(kept, list | tuple):
        inside = kept
    else:
        inside = getattr(kept, "__dict__", {}).values()
    return sum(_numbers_inside(each, seen) for each in inside)
