"""Says how a wrong result is related to the right one, for example that it is in percent, or reversed.

A task's own `mistakes` name the errors that somebody foresaw. The sentences here follow from the two values
alone, so they also fit answers that nobody foresaw.
"""

import builtins
import difflib
import math
import re
import sys
from collections.abc import Iterable

# Two numbers count as equal for a hint if they differ by at most this part of the larger one.
NEAR = 1e-4
# Lists and dictionaries of more items than this get no hint.
LONGEST = 300
# Numbers larger than this get no hint, because a float can't hold their squares.
LARGEST = 1e150
FACTORS = {
    100: "100 times as much, as percent are of a share.",
    0.01: "a hundredth of it, as a share is of percent.",
    math.log(2): "0.693 times as much, as many as a bit has nats.",
    1 / math.log(2): "1.443 times as much, as many as a nat has bits.",
    2: "twice as much.",
    0.5: "half as much.",
    1e3: "1,000 times as much.",
    1e-3: "a thousandth of it.",
    1e6: "a million times as much.",
    1e-6: "a millionth of it.",
    1e9: "a billion times as much.",
    1e-9: "a billionth of it.",
}
CALLED = (
    "A function stands there without a call: round brackets after its name, `name(...)`, give its result."
)
NONE = (
    "Something is None there: so is what a function without `return` gives, and what `append` or `sort` give."
)
# (exception, part of its message, hint). Only the first hint that fits is shown, so each one must be true of
# every error whose message contains the part.
ERRORS = [
    (
        "ZeroDivisionError",
        "",
        "That divides by 0: a right answer has another divisor there, or asks for this case before.",
    ),
    ("IndexError", "pop from", "Nothing is left there to take: it is empty."),
    ("IndexError", "Dimension out of", "There is no such dimension: its `.shape` shows which there are."),
    ("IndexError", "out of", "There is no such place: n items have the places 0 to n - 1."),
    (
        "IndexError",
        "too many indices",
        "There are more places in the brackets than dimensions: its `.shape` shows how many there are.",
    ),
    ("KeyError", "pop from an empty", "Nothing is left there to take: it is empty."),
    ("KeyError", "dictionary is empty", "Nothing is left there to take: it is empty."),
    ("KeyError", "", "There is no such key there: `in` asks whether there is one."),
    ("UnicodeDecodeError", "", "These bytes are no text in this encoding: they can be read as bytes."),
    (
        "UnboundLocalError",
        "",
        "The name has no value yet in this function: a right answer gives it one before this line.",
    ),
    ("NameError", "free variable", "The name has no value yet in the function around this one."),
    ("NameError", "", "Nothing that has run made this name."),
    ("AttributeError", "'NoneType'", NONE),
    ("AttributeError", "'str' object", "A text stands before the dot, and texts have no such part."),
    ("AttributeError", "'list' object", "A list stands before the dot, and lists have no such part."),
    ("ValueError", "math domain", "0 and numbers below it have no logarithm, those below 0 no root."),
    ("ValueError", "expected a positive", "0 and numbers below it have no logarithm."),
    ("ValueError", "to unpack", "The names on the left are not as many as the values on the right."),
    ("TypeError", "NoneType", NONE),
    ("TypeError", " missing ", "A function was given fewer values than it needs."),
    ("TypeError", "at least", "A function was given fewer values than it needs."),
    ("TypeError", "were given", "A function was given more values than it takes."),
    ("TypeError", "was given", "A function was given more values than it takes."),
    ("TypeError", "function_or_method'", CALLED),
    ("TypeError", "'method' object", CALLED),
    ("TypeError", "'function' object", CALLED),
    ("TypeError", "not iterable", "That is a single thing, and no list to go through."),
    (
        "TypeError",
        "not subscriptable",
        "That has no places in square brackets, as lists and dictionaries have.",
    ),
    (
        "TypeError",
        "string indices",
        "A text stands before the square brackets, and its places are whole numbers.",
    ),
    ("TypeError", "indices must be", "A place in square brackets is a whole number, or two with a colon."),
    (
        "TypeError",
        "can't multiply",
        "A whole list or text stands there, which only a whole number can multiply: it is repeated then.",
    ),
    ("TypeError", "unsupported operand", "Python can't do this with things of the two kinds that it names."),
    ("TypeError", "not supported between", "Python can't compare things of the two kinds that it names."),
    ("RuntimeError", "shapes", "The sizes do not fit: `.shape` shows that of each table."),
    ("RuntimeError", "shape '", "The sizes do not fit: `.shape` shows that of each table."),
    ("RuntimeError", "size of tensor", "The sizes do not fit: `.shape` shows that of each table."),
    ("RuntimeError", "Sizes of tensors", "The sizes do not fit: `.shape` shows that of each table."),
    ("ValueError", "shapes", "The sizes do not fit: `.shape` shows that of each table."),
    ("ValueError", "into shape", "The sizes do not fit: `.shape` shows that of each table."),
]
# A missing name gets a hint if the similarity between it and an existing name is at least this. difflib
# measures the similarity, from 0 to 1.
ALIKE = 0.75


def on_error(stopped: str) -> str:
    """Return a hint on an error, or "" if there is none.

    stopped : the error's type and message, such as "IndexError: list index out of range"
    """
    name, _, says = stopped.partition(": ")
    hint = next((hint for kind, part, hint in ERRORS if kind == name and part in says), "")
    quoted = re.findall(r"'(\w+)'", says)
    if name == "UnboundLocalError" and quoted and hasattr(builtins, quoted[0]):
        mine = f"`{quoted[0]}`"
        return f"The function gives {mine} a value of its own, which hides Python's {mine} in all of it."
    if name == "AttributeError" and len(quoted) == 2:
        for kind, other, others in (("str", list, "lists"), ("list", str, "texts")):
            if quoted[0] == kind and hasattr(other, quoted[1]):
                return f"{hint.removesuffix('.')}: {others} have it."
    return hint


def on_name(name: str, given: dict, known: Iterable[str]) -> str:
    """Return a hint on a name that does not exist, or "" if there is none.

    Parameters: `given` are the function's arguments by their names, in which the missing name may be a key;
    `known` are the names that exist.
    """
    for argument, value in given.items():
        if isinstance(value, dict) and name in value:
            return f'`{name}` is a key of `{argument}`, and not a name of its own: `{argument}["{name}"]`.'
        if isinstance(value, list) and value and isinstance(value[0], dict) and name in value[0]:
            return f"`{name}` is a key of the dictionaries in `{argument}`, and not a name of its own."
    if name in sys.stdlib_module_names:
        return f"`{name}` is a module of Python: `import {name}` makes this name."
    words = {word: word.lower() for word in known if not word.startswith("_")}
    alike = [word for word, small in words.items() if small == name.lower()]
    alike = alike or difflib.get_close_matches(name, words, 1, ALIKE)
    return f"Nothing that has run made this name; `{alike[0]}` is a name like it." if alike else ""


def on_none(given: dict) -> str:
    """Return a sentence that names an argument or an item that is None, or "" if there is none.

    given : {name of an argument: its value}
    """
    for argument, value in given.items():
        if value is None:
            return f"`{argument}` is None in this call."
        keys = [key for key, one in value.items() if one is None] if isinstance(value, dict) else []
        if keys:
            return f'`{argument}["{keys[0]}"]` is None in this call.'
    return ""


def on_value(value, wanted) -> str:
    """Return a sentence on how a wrong plain value is related to the expected one, or "" if none is known."""
    if _near(value, wanted) or _length(value) > LONGEST or _length(wanted) > LONGEST:
        return _on_rounding(value, wanted)
    if _is_number(wanted):
        return _on_number(value, wanted)
    if isinstance(wanted, str):
        return _on_text(value, wanted)
    if isinstance(wanted, list):
        return _on_list(value, wanted)
    if isinstance(wanted, dict):
        return _on_dictionary(value, wanted)
    return ""


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def _length(value) -> int:
    return len(value) if isinstance(value, (list, dict)) else 0


def _near(one, other) -> bool:
    """Return whether two plain values are equal, apart from small differences between their numbers."""
    if _is_number(one) and _is_number(other):
        return abs(one - other) <= NEAR * max(abs(one), abs(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_near, one, other))
    return one == other


def _on_rounding(value, wanted) -> str:
    if not (_is_number(value) and _is_number(wanted)) or value in (wanted, int(value)):
        return ""
    is_rounded = any(value == round(wanted, digits) for digits in range(2, 7))
    return "That is rounded: return it with all its digits." if is_rounded else ""


def _on_number(value, wanted) -> str:
    if isinstance(value, (list, dict)):
        return _on_many_for_one(list(value.values()) if isinstance(value, dict) else value, wanted)
    if not _is_number(value):
        return ""
    if isinstance(value, int) and isinstance(wanted, int) and abs(value - wanted) == 1:
        return "That is one too many." if value > wanted else "That is one too few."
    if not wanted:
        return ""
    if value == -wanted:
        return "The size is right, and the sign is not."
    factor = next((factor for factor in FACTORS if _near(value, factor * wanted)), None)
    if factor is not None:
        return f"That is {FACTORS[factor]}"
    if 0 < wanted < 1 and _near(value, 1 - wanted):
        return "That is what the expected number leaves of 1."
    if wanted != int(wanted):
        if _near(value * wanted, 1):
            return "That is 1 divided by the expected number."
        if _near(value, wanted**2):
            return "That is the square of the expected number."
        if _near(value**2, wanted):
            return "That is the root of the expected number."
    return _on_rounding(value, wanted)


def _on_many_for_one(items, wanted) -> str:
    if isinstance(wanted, int) and len(items) == wanted:
        return "It has as many items as the number says: if their number is asked for, take it by `len`."
    if not items or not all(map(_is_number, items)):
        return ""
    if _near(sum(items), wanted):
        return "Their sum is what is expected."
    return "Their mean is what is expected." if _near(sum(items) / len(items), wanted) else ""


def _on_text(value, wanted) -> str:
    if isinstance(value, list):
        is_whole = all(isinstance(item, str) for item in value) and "".join(value) == wanted
        return 'Put the pieces together: `"".join(...)`.' if is_whole else ""
    if not isinstance(value, str) or not value or not wanted:
        return ""
    if value.lower() == wanted.lower():
        return "Only capital and small letters differ."
    if "".join(value.split()) == "".join(wanted.split()):
        return "Only spaces and line ends differ."
    if wanted in value and len(wanted) > 5:  # a short text, such as "no", can also be in a word by chance
        return "The expected text is a part of it, with more around it."
    return "It is a part of the expected text." if value in wanted else ""


def _on_list(value, wanted) -> str:
    if isinstance(value, dict):
        is_inside = _near(list(value), wanted) or _near(list(value.values()), wanted)
        return "What is expected is in the dictionary: return it as a list." if is_inside else ""
    if not isinstance(value, list):
        return _on_one_for_many(value, wanted)
    if len(value) != len(wanted):
        return _on_other_length(value, wanted)
    return _on_same_length(value, wanted) if len(wanted) > 1 else on_value(value[0], wanted[0])


def _on_one_for_many(value, wanted) -> str:
    for place, name in ((0, "first"), (-1, "last")):
        if wanted and value and _near(value, wanted[place]):
            return f"That is the {name} item alone: return all of them, in a list."
    if _is_number(value) and value == len(wanted):
        return "There are as many: if you counted them, return the items themselves."
    return ""


def _on_other_length(value, wanted) -> str:
    if not wanted:
        return ""
    if not value:
        many = "an item belongs" if len(wanted) == 1 else f"{len(wanted)} items belong"
        return f"It is empty, and {many} into it. (A `return` inside a loop can come too early.)"
    for part, name in ((wanted[: len(value)], "end"), (wanted[len(wanted) - len(value) :], "beginning")):
        if len(value) < len(wanted) and _near(value, part):
            return f"What is there is right, and the {name} is missing."
    for part, name in ((value[: len(wanted)], "end"), (value[len(value) - len(wanted) :], "beginning")):
        if len(value) > len(wanted) and _near(part, wanted):
            return f"All that is expected is there, and something too much at the {name}."
    missing, extra = _apart(value, wanted)
    if not extra:
        return "What is there is right, and something is missing."
    return "" if missing else "All that is expected is there, and something too much."


def _apart(value, wanted) -> tuple[list, list]:
    """Return the items of `wanted` that `value` lacks, and the items of `value` that are not in `wanted`."""
    missing, extra = list(wanted), []
    for item in value:
        place = next((at for at, other in enumerate(missing) if _near(item, other)), None)
        if place is None:
            extra.append(item)
        else:
            del missing[place]
    return missing, extra


def _kinds(items) -> int:
    return sum(item not in items[:at] for at, item in enumerate(items))


def _on_same_length(value, wanted) -> str:
    if _near(value, wanted[::-1]):
        return "Those are the two, the other way round." if len(wanted) == 2 else "The order is reversed."
    if _kinds(wanted) > 2 and not any(_apart(value, wanted)):
        return "These are the right items, in another order."
    if all(isinstance(item, list) and len(item) == 2 for item in value) and _near(
        [item[::-1] for item in value], wanted
    ):
        return "Each pair is the other way round."
    same = _same_for_all(value, wanted)
    if same:
        return same
    wrong = [at for at, pair in enumerate(zip(value, wanted, strict=True)) if not _near(*pair)]
    if len(wrong) == 1:
        at = wrong[0]
        name = {0: "the first", len(wanted) - 1: "the last"}.get(at, f"number {at}, counting from 0")
        says = f"All items are right but {name}."
        if len(wanted) == 2:
            right, other = ("second", "first") if at == 0 else ("first", "second")
            says = f"The {right} is right, and the {other} is not."
        inside = on_value(value[at], wanted[at])
        if inside and isinstance(value[at], list):
            inside = f"In it: {inside[0].lower()}{inside[1:]}"
        return f"{says} {inside}".rstrip()
    if wrong == list(range(1, len(wanted))):
        return "The first item is right, and no other one."
    return ""


def _same_for_all(value, wanted) -> str:
    """Return a sentence if all numbers of a list are wrong in the same way, otherwise ""."""
    if not (all(map(_is_number, value)) and all(map(_is_number, wanted))):
        return ""
    apart = {one - other for one, other in zip(value, wanted, strict=True)}
    if apart in ({1}, {-1}):
        return f"Each is one too {'large' if apart == {1} else 'small'}."
    pairs = [pair for pair in zip(value, wanted, strict=True) if any(pair)]
    if len(pairs) < 2 or not all(map(all, pairs)):
        return ""
    factor = pairs[0][0] / pairs[0][1]
    if not all(_near(one, factor * other) for one, other in pairs):
        return ""
    if factor == -1:
        return "The sizes are right, and the signs are not."
    if not _near(factor, 100) and _near(sum(wanted), 1):
        return "Their proportions are right: divide each by the sum of all, so that they add up to 1."
    known = next(
        (FACTORS[known] for known in FACTORS if _near(factor, known)), f"{factor:.4g} times as much."
    )
    return f"Each is {known}"


def _as_text(key):
    return str(key) if _is_number(key) else key


def _on_dictionary(value, wanted) -> str:
    if isinstance(value, list):
        for items, name in ((list(wanted.values()), "values"), (list(wanted), "keys")):
            if value and _near(value, items):
                return f"Those are its {name} alone: return a dictionary."
    if not isinstance(value, dict) or not value:
        return ""
    if value.keys() == wanted.keys():
        values, expected = [value[key] for key in wanted], list(wanted.values())
        if _kinds(expected) > 1 and not any(_apart(values, expected)):
            return "These are the right values, at other keys."
        return _same_for_all(values, expected)
    if set(map(_as_text, value)) == set(map(_as_text, wanted)):
        return "The keys are of another kind, such as a text where a number is expected."
    missing = wanted.keys() - value.keys()
    if not value.keys() - wanted.keys():
        return "Its keys are right, and some are missing."
    return "" if missing else "All expected keys are there, and others, too."
