"""The key-value cache: how it grows token by token, and how its size depends on how many heads share it.

For lesson 06.
"""

from course_utils.blueprints import blueprint
from course_utils.errors import CourseError
from course_utils.units import counted, size
from course_utils.widgets.explorer import check_choice
from course_utils.widgets.live_view import LiveView

TOKENS = tuple(2**power for power in range(18))  # 1 to 131,072
MEMORY = (1, 2, 4, 8, 16, 24, 48, 80, 160, 640)  # GB
# "The nurse liked her work. Then she walked to the old mill." in the tokens of TinyWorld's models
PIECES = ["<s>", "The", "nurse", "liked", "her", "work", "."]
PIECES += ["Then", "she", "walked", "to", "the", "old", "mill", "."]
SHOWN = ("llama-2-7b", "llama-3-8b", "mistral-7b", "falcon-7b", "falcon-40b", "falcon-180b", "llama-3.1-405b")


def states() -> dict:
    """Return a short text, and the cache of published models, for `cache.js`."""
    return {"pieces": PIECES, "plans": [facts(blueprint(name)) for name in SHOWN]}


def facts(plan) -> dict:
    """Return what the size of a Blueprint's cache follows from."""
    return {
        "title": plan.title,
        "layers": plan.layers,
        "heads": plan.attention_heads,
        "keyValueHeads": plan.key_value_heads,
        "perToken": plan.kv_cache_bytes_per_token,
        "window": window(plan),
        "limit": plan.context_length,
    }


def window(plan) -> int | None:
    """Return how many tokens the cache of a Blueprint keeps, or None if it keeps all or caches nothing."""
    longest = 10**9  # tokens, more than any window
    per_token = plan.kv_cache_bytes_per_token
    grown = plan.kv_cache_bytes(longest) - plan.kv_cache_bytes(1) + per_token
    return None if grown == longest * per_token else grown // per_token


class CacheGrowth(LiveView):
    """Shows one layer's cache for each way to share heads, while a text grows token by token.

    pieces : list of str, the tokens of a text.
    heads : int, the number of query heads of the layer.
    kinds : dict from the name of a design, such as "multi-query", to its number of key-value heads, which
        must divide `heads`.
    kept : int, the number of cached tokens at the start.

    Raises CourseError if `kept` is not from 1 to the number of tokens, or if the heads can't share evenly.
    """

    view = "cache"

    def __init__(self, pieces, heads, kinds, *, kept):
        check_choice("number of tokens", kept, range(1, len(pieces) + 1))
        if uneven := [name for name, count in kinds.items() if heads % count]:
            raise CourseError(f"{heads} query heads can't share evenly in {', '.join(uneven)}.")
        blocks = ", ".join(f"{name} {count * kept}" for name, count in kinds.items())
        alt = (
            f"One layer of {counted(heads, 'query head')} after {kept} of {counted(len(pieces), 'token')}. "
            f"Blocks of key and value kept: {blocks}. The newest token is {pieces[kept - 1]}"
        )
        super().__init__(data={"pieces": pieces, "heads": heads, "kinds": kinds}, alt=alt, tokens=kept)


class KeyValueCache(LiveView):
    """Shows how many texts fit in a memory, for each way in which a model's heads can share keys and values.

    Sizes are computed from the model's design, with 16 bits for each number.

    plans : list of Blueprint, each of a model that caches keys and values.
    model : str, the title of the plan at the start; by default that of the first plan.
    tokens : int, the number of tokens at the start; one of TOKENS.
    memory : int, the GB (10^9 bytes) for caches at the start; one of MEMORY.

    Raises CourseError if a plan has no cache, or if there is no such choice.
    """

    view = "cache"

    def __init__(self, plans, *, model=None, tokens=2048, memory=16):
        plans = {plan.title: plan for plan in plans}
        for title, each in plans.items():
            if not each.kv_cache_bytes_per_token or not each.key_value_heads:
                raise CourseError(f"{title} keeps no keys and values: leave it out.")
        model = next(iter(plans)) if model is None else model
        check_choice("model", model, plans)
        check_choice("number of tokens", tokens, TOKENS)
        check_choice("memory", memory, MEMORY)
        plan, room = plans[model], memory * 10**9
        used = plan.kv_cache_bytes(tokens)
        unshared = used * plan.attention_heads // plan.key_value_heads
        alt = (
            f"{model}: {counted(plan.attention_heads, 'query head')} on "
            f"{counted(plan.key_value_heads, 'key-value head')}. {counted(tokens, 'token')}: {size(used)}, "
            f"with a pair for each head {size(unshared)}. {memory:,} GB hold {room // used:,} such texts at "
            f"once, with a pair for each head {room // unshared:,}."
        )
        data = {"pieces": PIECES, "plans": [facts(each) for each in plans.values()]}
        super().__init__(data=data, alt=alt, plan=model, tokens=tokens, memory=memory, shared=0)
