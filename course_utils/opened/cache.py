"""Shows how many texts' key-value caches fit in memory if heads share keys and values, and if they don't.

For lesson 06.
"""

from course_utils.blueprints import blueprint
from course_utils.errors import CourseError
from course_utils.units import counted, size
from course_utils.widgets.explorer import check_choice
from course_utils.widgets.live_view import LiveView

TOKENS = tuple(2**power for power in range(18))  # 1 to 131,072
MEMORY = 16  # GB
SHOWN = ("llama-2-7b", "llama-3-8b", "mistral-7b", "falcon-7b", "falcon-40b", "llama-3.1-405b")


def states() -> dict:
    """Return facts on the caches of published models, for `cache.js`."""
    return {"plans": [facts(blueprint(name)) for name in SHOWN], "memory": MEMORY}


def facts(plan) -> dict:
    """Return the facts that determine the size of a Blueprint's cache."""
    return {
        "title": plan.title,
        "heads": plan.attention_heads,
        "keyValueHeads": plan.key_value_heads,
        "perToken": plan.kv_cache_bytes_per_token,
        "window": window(plan),
    }


def window(plan) -> int | None:
    """Return how many tokens the cache of a Blueprint keeps, or None if it keeps all or caches nothing."""
    longest = 10**9  # tokens, more than any window
    per_token = plan.kv_cache_bytes_per_token
    grown = plan.kv_cache_bytes(longest) - plan.kv_cache_bytes(1) + per_token
    return None if grown == longest * per_token else grown // per_token


class KeyValueCache(LiveView):
    """Shows how many texts fit in a memory, for each way in which a model's heads can share keys and values.

    Sizes are computed from the model's design, with 16 bits for each number.

    plans : list of Blueprint, each of a model that caches keys and values.
    model : str, the title of the Blueprint that is shown at the start; by default the first of `plans`.
    tokens : int, the number of tokens of each text at the start; one of TOKENS.
    memory : int, the memory for caches in GB (10^9 bytes).

    Raises CourseError if a plan has no cache, or if `model` or `tokens` is not one of the choices.
    """

    view = "cache"

    def __init__(self, plans, *, model=None, tokens=2048, memory=MEMORY):
        plans = {plan.title: plan for plan in plans}
        for title, each in plans.items():
            if not each.kv_cache_bytes_per_token or not each.key_value_heads:
                raise CourseError(f"{title} keeps no keys and values: leave it out.")
        model = next(iter(plans)) if model is None else model
        check_choice("model", model, plans)
        check_choice("number of tokens", tokens, TOKENS)
        plan, room = plans[model], memory * 10**9
        used = plan.kv_cache_bytes(tokens)
        unshared = used * plan.attention_heads // plan.key_value_heads
        alt = (
            f"{model}: {counted(plan.attention_heads, 'query head')} on "
            f"{counted(plan.key_value_heads, 'key-value head')}. {counted(tokens, 'token')}: "
            f"{size(used, decimals=2)}, with a pair for each head {size(unshared, decimals=2)}. "
            f"{memory:,} GB hold {room // used:,} such texts at once, "
            f"with a pair for each head {room // unshared:,}."
        )
        data = {"plans": [facts(each) for each in plans.values()], "memory": memory}
        super().__init__(data=data, alt=alt, plan=model, tokens=tokens)
