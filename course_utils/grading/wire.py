"""Sends and reads the messages between the grader and the sandbox.

A message is its length in bytes, followed by JSON. Nothing that comes out of the sandbox is executed or
unpickled. A message's size, depth and number of parts are limited, and the parts are counted before anything
is decoded. A value can only be None, a boolean, a number, a string, a list, a tuple, a dictionary or a set.
Objects of subclasses of these types are refused.

The grader sends a job (see `Sandbox.messages`). The sandbox then sends, for each cell and at the end:

    {"begin": 3}                                       cell 3 begins
    {"check": name, "outcome": ...}                    a course.check was called (see `checks.attempt`)
    {"cell": 3, "text": ..., "shown": ..., "problem": ...}    cell 3 has ended
    {"done": "visible"}                                the grader answers {"hidden": ..., "seed": ...}
    {"done": "hidden"}
"""

import json
import math
import struct
import time
from collections import Counter

LONGEST_TEXT = 5_000  # the most characters of a cell's text that are kept
LONGEST_IMAGE = 400_000  # base64 characters; a longer picture is not kept
MOST_SHOWN = 3  # how many of the pictures and texts displayed by a cell are kept
LONGEST_MESSAGE = 16 * 2**20  # bytes in the longest message
MOST_PARTS = 500_000  # lists, dictionaries and items in one message

# The limits for all messages of one run together: bytes, parts and messages.
LONGEST_RUN, MOST_PARTS_OF_RUN, MOST_MESSAGES = 64 * 2**20, 2 * MOST_PARTS, 20_000
_LENGTH = struct.Struct("!I")
_DEEPEST = 60  # the most levels of lists inside lists
_LONGEST_INT = 60_000  # bits of the longest whole number
_MOST_ALIKE = 20  # the most members of a set, or keys of a dictionary, that have the same hash
_SCALARS = (bool, int, float, str)


class Garbled(Exception):
    """Raised if a message or a value does not have this module's format. The exception says what arrived."""


def send(connection, message: dict, most_parts: float = math.inf):
    """Send one message.

    Raises OSError if the other side is closed, ValueError if the message is too long or has too many parts.
    """
    data = json.dumps(message).encode()
    if len(data) > LONGEST_MESSAGE or parts(data) > most_parts:
        raise ValueError(f"a message of {len(data):,} bytes and {parts(data):,} parts")
    connection.sendall(_LENGTH.pack(len(data)) + data)


def receive(connection, until: float = math.inf) -> dict | None:
    """Return the next message, or None if the other side has closed the connection.

    Raises TimeoutError when `time.monotonic()` reaches `until`, and Garbled if the message can't be read.
    """
    data = _read_message(connection, until)
    return None if data is None else _decoded(data)


class Reader:
    """Reads the messages of one run of student code.

    Raises Garbled if a message has too many parts, or if all messages together exceed the limits of a run.
    """

    def __init__(self, connection):
        self.connection = connection
        self._bytes = self._parts = self._messages = 0

    def receive(self, until: float = math.inf) -> dict | None:
        """Return the next message, as the function `receive` does."""
        data = _read_message(self.connection, until)
        if data is None:
            return None
        count = parts(data)
        if count > MOST_PARTS:
            raise Garbled(f"a message of {count:,} parts")
        self._bytes += len(data)
        self._parts += count
        self._messages += 1
        if self._bytes > LONGEST_RUN or self._parts > MOST_PARTS_OF_RUN or self._messages > MOST_MESSAGES:
            raise Garbled("more than can be read")
        return _decoded(data)


def parts(data: bytes) -> int:
    """Return an upper bound on the number of lists, dictionaries and items in JSON, without decoding it."""
    return data.count(b"[") + data.count(b"{") + data.count(b",")


def _read_message(connection, until):
    head = _read(connection, _LENGTH.size, until)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > LONGEST_MESSAGE:
        raise Garbled(f"a message of {length:,} bytes")
    return _read(connection, length, until)


def _decoded(data):
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        raise Garbled("a message that is not JSON") from None
    if not isinstance(message, dict):
        raise Garbled("a message that is not a dictionary")
    return message


def _read(connection, length, until):
    received = []
    while length:
        seconds = None if until == math.inf else until - time.monotonic()
        if seconds is not None and seconds <= 0:
            raise TimeoutError
        connection.settimeout(seconds)
        try:
            part = connection.recv(min(length, 1 << 20))
        except ConnectionError:
            return None
        if not part:
            return None
        received.append(part)
        length -= len(part)
    return b"".join(received)


def encode(value):
    """Return a value from `checks.plain` as JSON, in which tuples, sets, dicts and long integers get a tag.

    Raises Garbled for a value of any other type.
    """
    type_ = type(value)
    if type_ is int and value.bit_length() > 1000:
        return {"int": hex(value)}
    if value is None or type_ in _SCALARS:
        return value
    if type_ is list:
        return [encode(item) for item in value]
    if type_ is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if type_ in (tuple, set):
        return {type_.__name__: [encode(item) for item in value]}
    raise Garbled(f"a value of the type {type_.__name__}")


def decode(data, depth: int = _DEEPEST):
    """Return the value that `encode` turned into `data`. Raises Garbled if `data` can't be read."""
    if not depth:
        raise Garbled("lists in lists, too deep")
    if data is None or type(data) in _SCALARS:
        return data
    if type(data) is list:
        return [decode(item, depth - 1) for item in data]
    if type(data) is dict and len(data) == 1:
        ((tag, inside),) = data.items()
        try:
            if tag == "int" and len(inside) < _LONGEST_INT / 4:
                return int(inside, 16)
            if tag in ("tuple", "set"):
                items = [decode(item, depth - 1) for item in inside]
                return tuple(items) if tag == "tuple" else set(_hashed(items))
            if tag == "dict":
                keys = _hashed([decode(key, depth - 1) for key, _ in inside])
                return dict(zip(keys, (decode(item, depth - 1) for _, item in inside), strict=True))
        except (TypeError, ValueError):
            pass
    raise Garbled("a value of an unknown type")


def _hashed(items):
    """Return the items. Raise Garbled if many items have the same hash.

    Python would take long to make a set or a dictionary of such items.
    """
    most = max(Counter(map(hash, items)).values(), default=0)
    if most > _MOST_ALIKE:
        raise Garbled(f"a set or dictionary in which {most:,} members have the same hash")
    return items


def text(value, longest: int = LONGEST_TEXT) -> str:
    """Return the first `longest` characters of a text, or "" if the value is not a text.

    Characters that UTF-8 can't encode are replaced by "?".
    """
    return value.encode(errors="replace").decode()[:longest] if isinstance(value, str) else ""


def shown(displayed) -> list[dict[str, str]]:
    """Return the displayed pictures and texts to keep: the first MOST_SHOWN that are not too long."""
    kept = []
    for data in displayed[:20] if isinstance(displayed, list) else ():
        for type_, longest in (("image/png", LONGEST_IMAGE), ("text/plain", LONGEST_TEXT)):
            content = data.get(type_) if isinstance(data, dict) else None
            if isinstance(content, str) and len(content) <= longest:
                kept.append({type_: content})
                break
    return kept[:MOST_SHOWN]
