"""Checks a learner's function, with messages that name the mistake.

    check("2.1", softmax, ([2.0, 1.0, 0.0], 1.0), [0.665, 0.245, 0.09], tolerance=1e-3)

prints "2.1 ✓ ..." or raises `NotYet`, which a notebook shows as one sentence without the traceback.
"""

import array
import builtins
import contextlib
import copy
import itertools
import linecache
import math
import re
import struct
import sys
import unicodedata
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, ValuesView
from decimal import Decimal
from fractions import Fraction

from course_utils import notebook, units
from course_utils.learning import answers, drawn, hints
from course_utils.views.picture import GREEN, QUIET, Picture, card

# The default tolerance, which allows for rounding errors only.
ROUNDING = 1e-6
# The most items that are read from a generator or another iterator.
MOST_ITEMS = 1_000_000
# The largest relative error of one rounding, and how many such errors a right answer may have, by type.
_ONE_ROUNDING = {"float32": 2**-24, "bfloat16": 2**-8, "float16": 2**-11}
_ROUNDINGS = {"float32": 160, "bfloat16": 8, "float16": 8}
PRECISIONS = tuple(_ONE_ROUNDING)
# What a message on a wrong value ends with if the function has also changed its input.
CHANGED_TOO = " And your function changed its input: work on a copy of it."
# Whole numbers of more bits than this are not shown in digits. By default Python writes at most 4,300 digits.
LONGEST_INT = 10_000


class NotYet(AssertionError):
    """Raised if the task is not solved yet. The message says what to look at."""

    def _render_traceback_(self):
        return [f"\x1b[1mNot yet:\x1b[0m {self}"]


def check(
    task: str,
    function: Callable,
    arguments: tuple,
    expected,
    mistakes: dict[str, object] | None = None,
    tolerance: float = ROUNDING,
    about: str = "",
    also: tuple[tuple, ...] = (),
) -> None:
    """Call the learner's function with copies of the arguments, and compare the result with `expected`.

    Parameters: `task` is the exercise's number; `about` says what this check shows ("an even split stays
    even"); `mistakes` maps each message to the wrong value that the message explains, or to a function that
    makes the mistake. Such a function's message is shown only if the function returns what the learner's
    function returns, for `arguments` and for each tuple of arguments in `also`. Two numbers agree if they
    differ by at most tolerance x max(1, |expected|), but with the default tolerance two whole numbers must
    be equal. Lists, tuples, arrays, tensors, Series and generators agree if their values agree. Numbers of
    32 or 16 bits may also differ by their rounding errors.
    Raises: NotYet, whose message names the mistake; TypeError if `arguments` is not a tuple.
    """
    if not isinstance(arguments, tuple):
        raise TypeError("arguments is a tuple: write (value,)")
    call = call_as_text(function, arguments)
    wanted, word = plain(expected), ""
    outcome = {}
    try:
        outcome = attempt(function, arguments)
        shown = _shown(mistakes or {}, outcome, function, arguments, also, tolerance)
        problem = problem_of(outcome, wanted, shown, tolerance, call, about)
        word = word_on_precision(outcome, wanted, tolerance)
    except RecursionError:
        outcome, problem = {}, f": {call} {_NESTED}"
    answer, right = show(outcome.get("value")), problem is None
    unsaved = answers.record("check", task, answer, right=right, run=_praise.run())
    if unsaved:
        print(unsaved)
    is_hidden = isinstance(arguments, drawn.Hidden)
    if problem:
        seed = f" (Drawn with COURSE_SEED={drawn.seed()}.)" if is_hidden else ""
        raise NotYet(f"{task}{problem}{seed}") from None
    print(f"{task} ✓ {about or ('a hidden input' if is_hidden else call)}{word}")
    _praise.add(task)


def wrong_values(mistakes: dict, arguments: tuple, also: tuple[tuple, ...] = ()) -> dict:
    """Return {message: list of wrong values} for the known mistakes of a task.

    A mistake that is given as a function is called with the arguments, and then with each tuple of arguments
    in `also`. Its list has the values that it returns. Any other mistake is a wrong value, which is alone in
    its list. A function's message is left out if a call fails, or if the first call returns None. None means
    that these arguments don't show the mistake.
    """
    known = {}
    for says, wrong in mistakes.items():
        if not callable(wrong):
            known[says] = [plain(wrong)]
            continue
        first = attempt(wrong, arguments)
        if first.get("value") is None:
            continue
        outcomes = [first, *(attempt(wrong, given) for given in also)]
        if all("value" in outcome for outcome in outcomes):
            known[says] = [outcome["value"] for outcome in outcomes]
    return known


def _shown(mistakes, outcome, function, arguments, also, tolerance):
    """Yield the message of each known mistake that an outcome shows.

    A mistake may be given as a function. A call of the function can take long, so the function is called only
    when the caller asks this generator for the next message.
    """
    for says, wrong in mistakes.items():
        for known in wrong_values({says: wrong}, arguments).values():
            made = agrees(outcome, known[0], tolerance)
            if made and (not callable(wrong) or _same(function, wrong, also, tolerance)):
                yield says


def _same(function, other, inputs, tolerance) -> bool:
    """Return whether two functions return the same value for each tuple of arguments in `inputs`."""
    for arguments in inputs:
        outcome, wrong = attempt(function, arguments), attempt(other, arguments)
        if "value" not in wrong or not agrees(outcome, wrong["value"], tolerance):
            return False
    return True


class _Praise:
    """Shows, below a cell whose checks all passed, that its task is solved."""

    def __init__(self):
        self.session = uuid.uuid4().hex[:8]
        self.passed = {}  # task -> how many of its checks passed in the cell that runs
        self.shell = None

    def run(self):
        """Return an id of the current run of the current cell."""
        shell = notebook.shell()
        return f"{self.session} {shell.execution_count if shell else 0}"

    def add(self, task):
        shell = notebook.shell()
        if not shell:
            return
        if shell is not self.shell:
            self.shell = shell
            shell.events.register("post_run_cell", self.show)
        self.passed[task] = self.passed.get(task, 0) + 1

    def show(self, result):
        passed, self.passed = self.passed, {}
        if result.success:
            for task, checks in passed.items():
                notebook.show(solved(task, checks))


_praise = _Praise()


def solved(task: str, checks: int) -> Picture:
    """Return what a learner sees below a task whose checks all passed."""
    lesson = int(task.partition(".")[0])
    done = sum(answers.solved_tasks(lesson, answers.read()))
    says = f"{units.counted(checks, 'check')} passed. You have solved {units.counted(done, 'task')} of "
    says += f"lesson {lesson:02}."
    tick = (
        f'<span style="display:inline-block;width:34px;height:34px;line-height:34px;margin-right:12px;'
        f'border-radius:50%;background:{GREEN};color:#ffffff;font-size:20px;text-align:center">✓</span>'
    )
    text = (
        f'<b style="font-size:18px">{task} is solved</b>'
        f'<span style="color:{QUIET};margin-left:12px">{says}</span>'
    )
    return Picture(card(tick + text), f"{task} is solved. {says}")


_NESTED = "met a list that contains itself, or is nested too deeply."


def attempt(function, arguments: tuple) -> dict:
    """Call a learner's function with copies of the arguments, and return the outcome as plain data.

    Returns one of these:
    {"lacks": what was given in place of a function}
    {"unwritten": True}: the function still has the task's `raise` line
    {"stopped": the error, "line": the learner's line that raised it, or ""}; also
    "hint", a sentence for the learner, if the error is a missing name, or a None where a value is needed
    {"unreadable": why the returned value can't be read}
    {"value": the returned value as plain data, "changed": True if the function changed an input}
    The last dictionary may also have "others": other readings of the value, such as a Series as a dictionary;
    and "precision": "float32", "bfloat16" or "float16", if the value's numbers are no more precise than that.
    """
    if not callable(function):
        return {"lacks": "nothing" if function is None else _describe(function)}
    given = _copied(tuple(arguments))
    try:
        returned = function(*given)
        if isinstance(returned, Iterator):
            returned = _items(returned)
    except NotImplementedError:
        return {"unwritten": True}
    except Unreadable as error:
        return {"unreadable": f"returned {error}"}
    except Exception as error:
        return stopped(error, function, given)
    try:
        outcome = {"value": plain(returned), "changed": _changed(arguments, given)}
        others, precision = _other_readings(returned), _precision(returned, outcome["value"])
    except Unreadable as error:
        return {"unreadable": f"returned {error}"}
    except RecursionError:
        return {"unreadable": _NESTED}
    return outcome | ({"others": others} if others else {}) | ({"precision": precision} if precision else {})


def stopped(error, function=None, given: tuple = ()) -> dict:
    """Return the outcome of a call that raised an exception, as a dictionary like those of `attempt`.

    given : the arguments of the call
    """
    says = _first_line(error)
    says = says if says.endswith("..") else says.removesuffix(".")
    what = type(error).__name__ + (f": {_shorten(says, 200)}" if says else "")
    outcome = {"stopped": what, "line": _line_of(error, function)}
    hint = ""
    if type(error) is NameError and error.name:
        hint = _on_name(error, function, given)
    elif "NoneType" in what:
        hint = hints.on_none(_by_name(function, given))
    return outcome | ({"hint": hint} if hint else {})


def _on_name(error: NameError, function, given: tuple) -> str:
    """Return a hint on a name that does not exist, or ""."""
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    if "free variable" in str(error):
        return ""
    known = [*code.co_varnames, *trace.tb_frame.f_globals, *dir(builtins)]
    return hints.on_name(error.name, _by_name(function, given), known)


def _by_name(function, given: tuple) -> dict:
    """Return the arguments of a call by their names, or {} if the names are not known."""
    code = getattr(function, "__code__", None)
    return dict(zip(code.co_varnames[: code.co_argcount], given, strict=False)) if code else {}


def problem_of(
    outcome: dict, wanted, mistakes: Iterable[str], tolerance: float, call: str, about: str = ""
) -> str | None:
    """Return what is wrong with a call of the learner's function, or None if nothing is.

    The returned text continues a sentence that begins with the task's number. `outcome` is what `attempt`
    returned, in this process or in another; `call` is the tested call as text; `about` says what the call
    shows. `mistakes` are the messages of the known mistakes that the outcome shows. Only the first message is
    used, and only if the value is wrong.
    """
    if "lacks" in outcome:
        given = outcome["lacks"]
        return f" needs your function, but got {given}: run the cell that defines it with `def` first."
    if "unwritten" in outcome:
        return " is not written yet: replace the `raise` line with your own code."
    if "stopped" in outcome:
        at = f", at your line `{outcome['line']}`," if outcome["line"] else ","
        hint = outcome.get("hint") or hints.on_error(outcome["stopped"])
        return f" stopped with {outcome['stopped']}{at} when called as {call}.{hint and f' {hint}'}"
    if "unreadable" in outcome:
        said = outcome["unreadable"]
        if isinstance(wanted, bool) and said.startswith("returned "):
            said = f"{said.partition(':')[0].rstrip('.')}, where True or False is expected."
        return f": {call} {said}"
    value = outcome["value"]
    if not agrees(outcome, wanted, tolerance):
        changed = CHANGED_TOO if outcome["changed"] else ""
        known = next(iter(mistakes), None)
        if known is not None:
            return f": {known}{changed}"
        if value is None:
            return (
                f": {call} gave nothing back: for any input, a right answer ends at a `return` with a value."
            )
        found = _form(value, wanted, tolerance)
        if not found:
            hint = hints.on_value(value, wanted)
            found = difference(value, wanted, tolerance) + (hint and f" {hint}")
        here = f" Here: {about.rstrip('.')}." if about else ""
        return f": {call} {found}{changed}{here}"
    if outcome["changed"]:
        return f": {call} is right, but your function changed its input: work on a copy of it."
    return None


def agrees(outcome, wanted, tolerance) -> bool:
    """Return whether an outcome's value, or one of its other readings, agrees with the wanted value.

    Numbers of 16 or 32 bits may also differ by their rounding errors.

    outcome : as `attempt` returns it
    """
    if "value" not in outcome:
        return False
    readings = [outcome["value"], *outcome.get("others", ())]
    if any(difference(reading, wanted, tolerance) is None for reading in readings):
        return True
    precision = outcome.get("precision")
    if precision is None:
        return False
    snapped = (_snapped(reading, wanted, precision, _largest(wanted)) for reading in readings)
    return any(difference(reading, wanted, tolerance) is None for reading in snapped)


def word_on_precision(outcome: dict, wanted, tolerance: float) -> str:
    """Return a remark if a result is right only within the rounding errors of 16 bits, otherwise ""."""
    precision = outcome.get("precision")
    if precision in (None, "float32") or not agrees(outcome, wanted, tolerance):
        return ""
    if agrees(outcome | {"precision": None}, wanted, tolerance):
        return ""
    digits = 3 if precision == "float16" else 2
    return f" (right as far as {precision} goes, which keeps {digits} digits: float64 keeps 15)"


def _largest(wanted) -> float:
    """Return the largest absolute value of the finite numbers in a plain value, or 0 if it has none."""
    if _is_finite(wanted):
        return abs(wanted)
    items = wanted.values() if isinstance(wanted, dict) else wanted if isinstance(wanted, list) else ()
    return max(map(_largest, items), default=0)


def _snapped(value, wanted, precision, largest):
    """Return a plain value in which each number that is wrong only by rounding is replaced by the wanted one.

    largest : the largest absolute value in `wanted`, to which the errors are relative
    """
    if isinstance(value, list) and isinstance(wanted, list) and len(value) == len(wanted):
        pairs = zip(value, wanted, strict=True)
        return [_snapped(*pair, precision, largest) for pair in pairs]
    if isinstance(value, dict) and isinstance(wanted, dict):
        pairs = {key: (item, wanted.get(key)) for key, item in value.items()}
        return {key: _snapped(*pair, precision, largest) for key, pair in pairs.items()}
    if not (_is_finite(value) and _is_finite(wanted)):
        return value
    one = _ONE_ROUNDING[precision]
    if value == int(value) and wanted == int(wanted) and abs(wanted) <= 1 / one:
        return value  # numbers of this precision store such whole numbers without rounding
    allowed = one * _ROUNDINGS[precision] * largest
    return wanted if abs(value - wanted) <= allowed else value


def _form(value, wanted, tolerance) -> str | None:
    """Return what is wrong with the form of a value whose numbers are right, or None."""

    def right(reading):
        return difference(reading, wanted, tolerance) is None

    if isinstance(value, list) and len(value) == 1 and right(value[0]):
        what = "the list inside it" if isinstance(wanted, list) else "it alone"
        return (
            f"gave what is expected, but in a list of its own: return {what}, without the brackets around it."
        )
    rows = value if isinstance(value, list) else []
    if (
        rows
        and all(isinstance(row, list) and len(row) == 1 for row in rows)
        and right([row[0] for row in rows])
    ):
        return (
            f"gave the right numbers in a column, of shape ({len(rows)}, 1), where a row of {len(rows)} is "
            "expected: return it flat."
        )
    return None


def call_as_text(function, arguments: tuple) -> str:
    """Return a call as a learner would write it, such as "softmax([2.0, 1.0], 1.0)"."""
    return f"{_name(function)}({', '.join(map(show, arguments))})"


def _first_line(error) -> str:
    """Return the first line of an exception's message, or "" if its `__str__` fails."""
    try:
        return str(error).strip().split("\n")[0]
    except Exception:
        return ""


class Unreadable(Exception):
    """Raised for a value that is not plain data. The message says what it is and what to return instead."""


_SCALARS = frozenset([bool, int, float, str])


def plain(value):
    """Return the value as plain Python: None, bool, int, float, str, or a list, dict or set of these.

    Only exact, well-known types are read, so an object with its own `__eq__` can't pass for a number.
    Raises: Unreadable.
    """
    type_ = type(value)
    if value is None or type_ in _SCALARS:
        return value
    if type_ in (list, tuple):
        return list(value) if _SCALARS.issuperset(map(type, value)) else [plain(item) for item in value]
    if isinstance(value, tuple):  # a named tuple: its items are read without its class
        return [plain(item) for item in tuple.__iter__(value)]
    if type_ in (set, frozenset):
        return {_key(item) for item in value}
    if type_ in (dict, OrderedDict, defaultdict, Counter):
        return {_key(key): plain(item) for key, item in value.items()}
    if _is_tensor(value):
        try:
            return value.detach().cpu().tolist()
        except RuntimeError:
            raise Unreadable(
                "a tensor whose values can't be listed: return an ordinary one (a sparse one's .to_dense())."
            ) from None
    if _is_array(value):
        if (
            value.dtype.kind == "f" and value.dtype.itemsize > 8
        ):  # this is a long double, for which Python has no type
            value = value.astype("float64")
        return plain(value.tolist()) if value.dtype.kind == "O" else value.tolist()
    if type_ in (Fraction, Decimal):
        return _number(value)
    if _is_series(value) or _is_frame(value):
        return plain(value.to_numpy().tolist())
    if _gives_items(value):
        return plain(_items(value))
    if isinstance(value, (bytes, bytearray)):
        raise Unreadable("bytes, which are not a text: a check reads texts, numbers and lists of them.")
    if isinstance(value, Iterable):
        raise Unreadable(f"{_describe(value)}: if you mean the items in it, return list(...) of it.")
    raise Unreadable(f"{_describe(value)}: return numbers, strings, lists, dictionaries, arrays or tensors.")


def _number(value: Fraction | Decimal):
    """Return an exact number as an int if it is whole, else as a float.

    Raises Unreadable if a Fraction is too large for a float.
    """
    try:
        number = float(value)
        whole = math.isfinite(number) and value == int(value)
    except (OverflowError, ValueError):
        raise Unreadable(f"{_describe(value)} that no float can hold: return an int or a float.") from None
    return int(value) if whole else number


def _gives_items(value) -> bool:
    """Return whether a value is an iterator, a view of a dictionary, a range, a deque or an `array.array`."""
    views = (KeysView, ValuesView, ItemsView, Iterator)
    return type(value) in (range, deque, array.array) or isinstance(value, views)


def _items(value) -> list:
    """Return the items of an iterable as a list. Raises Unreadable if it has more than MOST_ITEMS."""
    items = list(itertools.islice(value, MOST_ITEMS + 1))
    if len(items) > MOST_ITEMS:
        raise Unreadable(f"{_describe(value)} that goes on for more than {MOST_ITEMS:,} items.")
    return items


def _pandas(name):
    pandas = sys.modules.get("pandas")
    return getattr(pandas, name, None) if pandas else None


def _is_series(value) -> bool:
    return type(value) is _pandas("Series") or isinstance(value, _pandas("Index") or ())


def _is_frame(value) -> bool:
    return type(value) is _pandas("DataFrame")


def _other_readings(value) -> list:
    """Return the other readings of a value as plain values: see `attempt`.

    An array or tensor of shape (1, ...) is also read without this dimension, because models give their
    results in batches of one. A Series is also read as a dictionary, and the keys of a dictionary as a set.
    """
    if type(value) is _pandas("Series"):
        return [{_key(key): plain(item) for key, item in value.to_dict().items()}]
    if isinstance(value, KeysView):
        return [set(map(_key, value))]
    found = []
    if _is_tensor(value) or _is_array(value):
        while len(value.shape) and value.shape[0] == 1:
            value = value[0]
            found.append(plain(value))
    return found


def _precision(value, read) -> str | None:
    """Return the type of the least precise numbers in a value, such as "float32", or None for 64 bits.

    read : the same value as plain data. If 32 bits can store each of its fractions exactly, the fractions
        probably come from a model that computes with 32 bits.
    """
    names = set(_types_of_numbers(value))
    found = next((name for name in ("bfloat16", "float16", "float32") if name in names), None)
    if found is None:
        numbers = [number for number in _floats(read) if number != int(number)]
        found = "float32" if numbers and all(map(_fits_32_bits, numbers)) else None
    return found


def _types_of_numbers(value):
    if _is_tensor(value) or _is_array(value):
        yield str(value.dtype).removeprefix("torch.")
    elif _is_series(value):
        yield str(value.dtype)
    elif type(value) in (list, tuple):
        for item in value:
            yield from _types_of_numbers(item)
    elif type(value) is dict:
        for item in value.values():
            yield from _types_of_numbers(item)


def _floats(value):
    """Yield the finite floats of a plain value."""
    if isinstance(value, float) and math.isfinite(value):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _floats(item)


def _fits_32_bits(number) -> bool:
    try:
        return struct.unpack("f", struct.pack("f", number))[0] == number
    except OverflowError:
        return False


def _key(value):
    value = plain(value)
    return tuple(map(_key, value)) if isinstance(value, list) else value


def _is_tensor(value) -> bool:
    torch = sys.modules.get("torch")  # if torch was never imported, nothing is a tensor
    return torch is not None and type(value) in (torch.Tensor, torch.nn.Parameter) and not value.is_complex()


def _is_array(value) -> bool:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return False
    scalar = isinstance(value, numpy.generic) and type(value).__module__ == "numpy"
    return (scalar or type(value) is numpy.ndarray) and value.dtype.kind in "biufUO"


def difference(value, wanted, tolerance: float) -> str | None:
    """Return how two plain values differ, as text that completes "f(x) …", or None if they agree."""
    if value == wanted:
        return None
    if _is_number(wanted):
        return _number_difference(value, wanted, tolerance)
    if isinstance(wanted, str):
        if not isinstance(value, str):
            return f"gave {_describe(value)}, {show(value)}, where the string {show(wanted)} is expected."
        return _text_difference(value, wanted)
    if isinstance(wanted, list):
        return _list_difference(value, wanted, tolerance)
    if isinstance(wanted, dict):
        return _dictionary_difference(value, wanted, tolerance)
    if isinstance(wanted, set):
        if isinstance(value, list):
            return "gave a list where a set is expected (no order, nothing twice): wrap it in set(...)."
        if isinstance(value, set):
            return _members(wanted - value, value - wanted, "")
    return f"gave {_describe(value)}, {show(value)}, where {show(wanted)} is expected."


def _number_difference(value, wanted, tolerance):
    if not _is_number(value):
        if isinstance(value, str) and value.strip().lower() in ("true", "false", "inf"):
            return f"gave the text {show(value)} where {show(wanted)} is expected: write it without quotes."
        if isinstance(wanted, bool):
            return f"gave {_describe(value)}, {show(value)}, where True or False is expected."
        hint = (
            ": convert it with float(...) or int(...)"
            if isinstance(value, str) and _reads_as_number(value)
            else ""
        )
        return f"gave {_describe(value)}, {show(value)}, where a number is expected{hint}."
    if _numbers_agree(value, wanted, tolerance):
        return None
    if isinstance(value, float) and math.isnan(value):
        return (
            "gave nan, which is not a number: 0/0 gives it, and so do infinity minus infinity "
            "and the logarithm of a number below zero."
        )
    return "gave {}, expected {}.".format(*_show_both(value, wanted))


def _reads_as_number(text) -> bool:
    with contextlib.suppress(ValueError):
        return math.isfinite(float(text))
    return False


def _numbers_agree(value, wanted, tolerance):
    if value != value or wanted != wanted:  # at least one is nan, the only number that differs from itself
        return value != value and wanted != wanted
    if math.inf in (abs(value), abs(wanted)):
        return False  # `difference` has already accepted equal infinities
    if tolerance == ROUNDING and value == int(value) and wanted == int(wanted):
        return False  # with the default tolerance, different whole numbers never agree
    try:
        return abs(value - wanted) <= tolerance * max(1, abs(wanted))
    except OverflowError:  # one of the two is a whole number that is too large for a float
        return False


def _text_difference(value, wanted):
    at = next((i for i, pair in enumerate(zip(value, wanted, strict=False)) if pair[0] != pair[1]), None)
    if at is None:
        at = min(len(value), len(wanted))
    yours = f"you have {_character(value[at])}" if at < len(value) else "yours ends"
    theirs = f"{_character(wanted[at])} is expected" if at < len(wanted) else "it should end"
    start = max(0, at - 30)
    shown = [
        repr(("…" if start else "") + text[start : at + 30] + ("…" if len(text) > at + 30 else ""))
        for text in (value, wanted)
    ]
    return f"gave {shown[0]}, expected {shown[1]}: they differ at character {at + 1}, {yours} where {theirs}."


def _character(character):
    names = {" ": "a space", "\n": "a newline", "\t": "a tab", "\r": "a carriage return"}
    if character in names:
        return names[character]
    if character.isascii() and character.isprintable():
        return repr(character)
    return f"{character!r} ({unicodedata.name(character, 'a control character').lower()})"


def _list_difference(value, wanted, tolerance):
    if isinstance(value, set):
        return "gave a set, which has no order and holds nothing twice, where a list is expected."
    if not isinstance(value, list):
        return f"gave {_describe(value)}, {show(value)}, where a list of {_count(wanted)} is expected."
    if any(isinstance(items[0], list) for items in (value, wanted) if items):
        shape, wanted_shape = _shape(value), _shape(wanted)
        if shape and wanted_shape and shape != wanted_shape:
            return f"gave values of shape {shape}, expected shape {wanted_shape}."
    if len(value) != len(wanted):
        return f"gave a list of {_count(value)}, {show(value)}, expected {_count(wanted)}, {show(wanted)}."
    problems = (difference(*pair, tolerance) for pair in zip(value, wanted, strict=True))
    first, problem = next(((i, problem) for i, problem in enumerate(problems) if problem), (None, None))
    if problem and _is_number(wanted[first]) and _is_number(value[first]) and len(wanted) <= 8:
        nan = "; nan is not a number, and 0/0 gives it" if value[first] != value[first] else ""
        return "gave {}, expected {}{}.".format(*_show_both(value, wanted), nan)
    if problem:
        inner, text = _ITEM.match(problem), "gave a list whose item {}, counting from 0, is wrong: it {}"
        if inner:  # the wrong item is in an inner list, so name both places together, such as [0][2]
            place = inner[1] if "[" in inner[1] else f"[{inner[1]}]"
            return text.format(f"[{first}]{place}", problem[inner.end() :])
        return text.format(first, problem)
    return None


_ITEM = re.compile(r"gave a list whose item (\S+), counting from 0, is wrong: it ")


def _shape(value) -> tuple | None:
    """Return the shape of evenly nested lists of numbers; () for a single number, None for anything else."""
    if _is_number(value):
        return ()
    if not isinstance(value, list):
        return None
    shapes = {_shape(item) for item in value}
    inner = shapes.pop() if len(shapes) == 1 else None
    return None if inner is None else (len(value), *inner)


def _dictionary_difference(value, wanted, tolerance):
    if not isinstance(value, dict):
        return f"gave {_describe(value)}, {show(value)}, where a dictionary is expected."
    if value.keys() != wanted.keys():
        return _members(wanted.keys() - value.keys(), value.keys() - wanted.keys(), "key ")
    for key in wanted:
        problem = difference(value[key], wanted[key], tolerance)
        if problem:
            return f"gave a dictionary in which the key {_show(key, float)} is wrong: it {problem}"
    return None


def _members(missing, extra, word):
    parts = [
        f"{name} {word}{_shorten(', '.join(sorted(_show(member, float) for member in members)), 160)}"
        for name, members in (("lacks", missing), ("has too many:", extra))
        if members
    ]
    return f"gave a result that {' and '.join(parts)}."


def _copied(value):
    """Return a copy of a list, tuple, dictionary, set, array or tensor. Return other objects as they are."""
    if type(value) in (list, tuple):
        return type(value)(map(_copied, value))
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    if type(value) is set:
        return set(value)
    if _is_tensor(value):
        return value.detach().clone()
    if _is_array(value):
        return copy.copy(value)
    return value


def _changed(arguments, given) -> bool:
    for before, after in zip(arguments, given, strict=True):
        try:
            if difference(plain(after), plain(before), 0):
                return True
        except Unreadable:
            continue  # the value is a model or another object that was not copied
    return False


def _line_of(error, function) -> str:
    """Return the last line of the learner's own code in a traceback: in the function's file, or in a cell."""
    home = getattr(getattr(function, "__code__", None), "co_filename", None)
    line, trace = "", error.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if file != __file__ and (file == home or "ipykernel" in file or "ipython-input" in file):
            line = linecache.getline(file, trace.tb_lineno, trace.tb_frame.f_globals).strip() or line
        trace = trace.tb_next
    return line


def show(value) -> str:
    """Return a value as text, cut off if long. Numbers have 4 decimals, or 4 digits if below 0.001."""
    return _shorten(_show(value, lambda x: float(f"{x:.4g}") if abs(x) < 1e-3 else round(x, 4)), 160)


def _show_both(value, wanted):
    """Return both values as text, in the form of `show`, or with all digits if they would look the same."""
    if show(value) == show(wanted):
        return _shorten(_show(value, float), 300), _shorten(_show(wanted, float), 300)
    return show(value), show(wanted)


def _show(value, rounded, depth=8) -> str:
    def inner(item):
        return _show(item, rounded, depth - 1)

    if depth == 0:  # the value is nested too deeply, perhaps in a list that contains itself
        return "…"
    if _is_tensor(value) or _is_array(value):
        with contextlib.suppress(Unreadable):
            value = plain(value)
    type_ = type(value)
    if type_ is float:
        return repr(rounded(value)) if math.isfinite(value) else str(value)
    if type_ is str:
        return repr(_shorten(value, 60))
    if type_ in (list, tuple, set):
        value = sorted(value, key=inner) if type_ is set else value
        items = [inner(item) for item in value[:8]]
        if len(value) > 8:
            items = [*items[:4], "…", inner(value[-1])]
        inside = ", ".join(items)
        if type_ is tuple:
            return f"({inside},)" if len(value) == 1 else f"({inside})"
        if type_ is set:
            return f"{{{inside}}}" if value else "set()"
        return f"[{inside}]"
    if type_ is dict:
        items = [f"{inner(key)}: {inner(item)}" for key, item in list(value.items())[:6]]
        return "{" + ", ".join(items + ["…"] * (len(value) > 6)) + "}"
    if type_ is int and value.bit_length() > LONGEST_INT:
        return f"<a whole number of {value.bit_length():,} bits>"
    if value is None or type_ in (bool, int):
        return repr(value)
    return _name(value) if callable(value) and hasattr(value, "__name__") else f"<{type_.__name__}>"


def _shorten(text, length):
    return text if len(text) <= length else f"{text[: length - 10]}…{text[-9:]}"


def _name(function) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return "your_function" if name == "<lambda>" else name


def _is_number(value) -> bool:
    return isinstance(value, (bool, int, float))


def _is_finite(value) -> bool:
    """Return whether a plain value is a number that is neither infinite nor too large for a float."""
    return _is_number(value) and -sys.float_info.max <= value <= sys.float_info.max


def _count(items) -> str:
    return units.counted(len(items), "item")


def _describe(value) -> str:
    """Name a value in a learner's words: "a string", "a list of 3 items", "an object of the class Robot"."""
    if value is None:
        return "nothing (None)"
    type_ = type(value)
    if type_ is list:
        return f"a list of {_count(value)}"
    if type_ in _SCALARS:
        return "a string" if type_ is str else "a number"
    if type_ in (dict, set):
        return "a dictionary" if type_ is dict else "a set"
    if callable(value) and hasattr(value, "__name__"):
        return f"{value.__name__} itself, not its result"
    return f"an object of the class {type_.__name__}"
