"""Presents blueprints as text, as tables and as pictures."""

import textwrap

from course_utils.blueprints.counting import BITS
from course_utils.blueprints.kv_cache import CONTEXT
from course_utils.units import size
from course_utils.views.tables import columns


def describe(plan, context=None, batch=1, memory_bytes=None) -> str:
    """Return a blueprint as text of at most 80 columns, as `print` and the `course` command show it.

    context, batch : as in `Blueprint.kv_cache_bytes`
    memory_bytes : bytes of memory; if given, a column says which rows fit in this memory
    """
    changed = context is not None or batch != 1
    context, batch = plan.checked(context, batch)
    lines = [plan.title if plan.source == plan.title else f"{plan.title}  ({plan.source})", _total(plan)]
    lines += _without_input(plan)
    lines += textwrap.wrap(plan.note, 78)
    lines += _dimensions(plan)
    lines += ["", *columns(_part_rows(plan), right={1, 2})]
    if plan.caches:
        lines += ["", *_cache(plan)]
    lines += ["", f"{_memory_title(plan, context, batch)}:"]
    lines += columns(_memory_rows(plan, context, batch, memory_bytes), right={1, 2, 3})
    lines += _unknown_format(plan)
    design, cached = plan.kv_cache_bytes_per_token, plan.kv_cache_bytes_per_token_cached
    if cached and cached != design:
        kept = plan.kv_cache_bytes(context, batch) * cached // design
        lines.append(f"The KV cache is by design; as transformers caches it, 16 bits take {size(kept)}.")
    if plan.caches and plan.context_length and context > plan.context_length:
        lines.append(f"The model was made for at most {plan.context_length:,} tokens.")
    if changed and not plan.caches:
        lines.append("It caches no keys and values, so context and batch change nothing here.")
    return "\n".join(lines)


def describe_all(plans, context=None, batch=None, memory_bytes=None) -> str:
    """Return blueprints as one table, with parameters, gigabytes by data type, and key-value cache per token.

    context, batch : if one of them is given, the gigabytes are those of weights and cache together, otherwise
        those of the weights alone
    memory_bytes : bytes of memory; if given, a last column names the widest data type with which the model
        fits in this memory
    """
    with_cache = context is not None or batch is not None
    heading = ["model", "parameters", "active", *BITS, "KV design", "cached"]
    if memory_bytes is not None:
        heading.append(f"fits {size(memory_bytes)}")
    rows = [tuple(heading)]
    for plan in plans:
        memory = plan.memory(context, batch or 1)
        row = [plan.name, f"{plan.parameters:,}", _active(plan)]
        row += [_gigabytes(memory[dtype]["total" if with_cache else "weights"]) for dtype in BITS]
        row += [_kibibytes(plan.kv_cache_bytes_per_token), _kibibytes(plan.kv_cache_bytes_per_token_cached)]
        if memory_bytes is not None:
            fits = plan.fits(memory_bytes, context, batch or 1)
            row.append(next((f"as {dtype}" for dtype, it_fits in fits.items() if it_fits), "no"))
        rows.append(tuple(row))
    counted = "weights"
    if with_cache:
        length = f"{context:,} tokens" if context else f"{CONTEXT:,} tokens or the model's most"
        counted = f"weights and the cache of {length}, batch {batch or 1:,}"
    note = f"In GB: {counted}. KV: key-value cache at 16 bits, KiB per token, by design and as cached."
    return "\n".join([*columns(rows, right=set(range(1, 9))), *textwrap.wrap(note, 78)])


def html(plan) -> str:
    """Return HTML of a blueprint: the parts as bars, and below them the bytes of weights and cache."""
    from course_utils import views

    unit, divisor = ("billion", 1e9) if plan.parameters >= 1e9 else ("million", 1e6)
    counts = {name: part.parameters for name, part in plan.components.items()} or plan.parts
    amounts = [round(count / divisor, 4) for count in counts.values()]
    parts = views.bars(
        list(counts), amounts, unit=f"{unit} parameters", title=f"{plan.title}: {_total(plan)}"
    )
    context, batch = plan.checked(None, 1)
    # In a terminal, each remark has lines of its own, and some remarks do not end with a full stop. Here the
    # remarks are joined into one text, in which each remark ends with one full stop.
    remarks = [[plan.note], _without_input(plan), _dimensions(plan), _cache(plan), _unknown_format(plan)]
    remarks = ["\n".join(lines).rstrip(".") for lines in remarks]
    memory = views.table(
        _memory_rows(plan, context, batch),
        right={1, 2, 3},
        title=_memory_title(plan, context, batch),
        note=" ".join(f"{remark}." for remark in remarks if remark) or None,
    )
    return parts.html + memory.html


# Functions that write remarks. Each function except `_total` returns a list of lines. The list is empty if
# the remark does not apply.


def _total(plan):
    total = f"{plan.parameters:,} parameters"
    if plan.active_parameters is None:
        return f"{total}; how many are active per token, the config does not say"
    if plan.active_parameters < plan.parameters:
        share = plan.active_parameters / plan.parameters
        return f"{total}, {plan.active_parameters:,} ({share:.0%}) of them active per token"
    return total


def _without_input(plan):
    """Return lines on the active parameters without the input table.

    The list is empty if all parameters are active, if the number of active parameters is not known, or if
    this number is the same with and without the table.
    """
    if plan.active_parameters in (None, plan.parameters, plan.active_parameters_without_input):
        return []
    return [
        f"{plan.active_parameters_without_input:,} active as some makers count: without the input's table,",
        "of which a token reads one row",
    ]


def _dimensions(plan):
    if not plan.layers:
        return []
    dimensions = [f"{plan.layers} layers"]
    if plan.hidden_size:
        dimensions.append(f"hidden size {plan.hidden_size:,}")
    if plan.value_head_size:
        dimensions.append(
            f"{plan.attention_heads} heads of {plan.head_size} for queries and keys ({plan.rotary_head_size} "
            f"of them turned by RoPE) and {plan.value_head_size} for values"
        )
    elif plan.attention_heads and plan.head_size and plan.key_value_heads:
        heads = f"{plan.attention_heads} heads of {plan.head_size}"
        if plan.key_value_heads != plan.attention_heads:
            heads += f" on {plan.key_value_heads} key-value head{'s' * (plan.key_value_heads > 1)}"
        dimensions.append(heads)
    if plan.context_length:
        dimensions.append(f"context {plan.context_length:,}")
    return [", ".join(dimensions)]


def _cache(plan):
    if not plan.caches:
        return []
    cached = plan.kv_cache_bytes_per_token_cached
    measured = {None: "not measured", 0: "nothing"}.get(cached, f"{_kibibytes(cached)} KiB")
    lines = [
        f"Key-value cache, 16 bits: {_kibibytes(plan.kv_cache_bytes_per_token)} KiB per token by design, "
        f"{measured} as transformers caches it."
    ]
    windows = [cached.window for cached in plan._cached_lists if cached.window]
    if windows:
        which = "Each layer keeps" if len(windows) == plan.layers else f"{len(windows)} layers keep"
        lines.append(f"{which} the last {max(windows):,} tokens only.")
    merged = sorted({cached.every for cached in plan._cached_lists if cached.every > 1})
    if merged:
        lines.append(f"Of older tokens, one entry stands for each {' or '.join(map('{:,}'.format, merged))}.")
    return lines


def _unknown_format(plan):
    if plan.shipped_as and plan.shipped_bytes is None:
        return [f"It is published in the format {plan.shipped_as}, whose size is not counted here."]
    return []


# The rows and cells of tables


def _part_rows(plan):
    """Return the table's heading, and a row for each part of a model or for each component of a pipeline."""
    counts = plan.parts
    if plan.components:
        counts = {
            name if part.title.lower() == name else f"{name} ({part.title})": part.parameters
            for name, part in plan.components.items()
        }
    rows = [("component" if plan.components else "part", "parameters", "share")]
    for name, count in counts.items():
        share = count / plan.parameters
        rows.append((name, f"{count:,}", "<0.1%" if share < 0.0005 else f"{share:.1%}"))
    return rows


def _memory_title(plan, context, batch):
    return f"Memory for a context of {context:,} tokens, batch {batch:,}" if plan.caches else "Memory"


def _memory_rows(plan, context, batch, memory_bytes=None):
    heading = ["weights as", "weights", "KV cache", "total"] if plan.caches else ["weights as", "weights"]
    if memory_bytes is not None:
        heading.append(f"fits {size(memory_bytes)}")
    rows = [tuple(heading)]
    for dtype, needed in plan.memory(context, batch).items():
        row = [f"{dtype}, as published" if dtype == plan.shipped_as else dtype, size(needed["weights"])]
        if plan.caches:
            row += [size(needed["kv_cache"]), size(needed["total"])]
        if memory_bytes is not None:
            row.append("yes" if needed["total"] <= memory_bytes else "no")
        rows.append(tuple(row))
    return rows


def _active(plan):
    if plan.active_parameters is None:
        return "?"
    return "all" if plan.active_parameters == plan.parameters else f"{plan.active_parameters:,}"


def _gigabytes(count):
    """Return a number of bytes as GB with at least three digits, such as 1,623 or 70.6 or 0.151."""
    amount = count / 1e9
    return f"{amount:,.0f}" if amount >= 99.95 else f"{amount:#.3g}"


def _kibibytes(count):
    """Return a number of bytes as KiB, such as 128 or 22.5; a dash for no bytes, "?" for None."""
    if count is None:
        return "?"
    if count == 0:
        return "-"
    return f"{count / 1024:,.0f}" if count % 1024 == 0 else f"{count / 1024:,.1f}"
