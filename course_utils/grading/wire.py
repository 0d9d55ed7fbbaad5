"""The messages between the grader and the sandbox: JSON, each with its length in front.

Nothing that comes out of the sandbox is executed or unpickled. It is read here, with limits on its size and
depth. The results are only None, booleans, numbers, strings, lists, tuples, dictionaries and sets, of exactly
Python's own types.
"""

import json
import math
import struct
import time

_LENGTH = struct.Struct("!I")
LARGEST = 16 * 2**20  # bytes of the longest message
_DEEPEST = 60  # levels of lists in lists
_LONGEST_INT = 60_000  # bits
_SCALARS = (bool, int, float, str)


class Garbled(Exception):
    """Raised if a message or a value is not in this module's format; the text says why."""


def send(connection, message: dict):
    """Sends one message. Raises OSError if the other side has closed, ValueError if it is too long."""
    data = json.dumps(message).encode()
    if len(data) > LARGEST:
        raise ValueError(f"a message of {len(data):,} bytes")
    connection.sendall(_LENGTH.pack(len(data)) + data)


def receive(connection, until: float = math.inf) -> dict | None:
    """Returns the next message, or None if the other side has closed the connection.

    Raises TimeoutError when `time.monotonic()` reaches `until`, and Garbled if the message can't be read.
    """
    head = _read(connection, _LENGTH.size, until)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > LARGEST:
        raise Garbled(f"a message of {length:,} bytes")
    data = _read(connection, length, until)
    if data is None:
        return None
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        raise Garbled("a message that is no JSON") from None
    if not isinstance(message, dict):
        raise Garbled("a message that is no dictionary")
    return message


def _read(connection, length, until):
    parts = []
    while length:
        if until == math.inf:
            connection.settimeout(None)
        else:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
        try:
            part = connection.recv(min(length, 1 << 20))
        except ConnectionError:
            return None
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def encode(value):
    """Returns a value from `check.plain` as JSON. Tuples, sets, dictionaries and long integers get a tag.

    Raises Garbled for any other kind of value.
    """
    kind = type(value)
    if kind is int and value.bit_length() > 1000:
        return {"int": hex(value)}
    if value is None or kind in _SCALARS:
        return value
    if kind is list:
        return [encode(item) for item in value]
    if kind is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if kind in (tuple, set):
        return {kind.__name__: [encode(item) for item in value]}
    raise Garbled(f"a value of the kind {kind.__name__}")


def decode(data, depth: int = _DEEPEST):
    """Returns the value that `encode` turned into `data`. Raises Garbled if `data` can't be read."""
    if not depth:
        raise Garbled("lists in lists, too deep")
    kind = type(data)
    if data is None or kind in _SCALARS:
        return data
    if kind is list:
        return [decode(item, depth - 1) for item in data]
    if kind is dict and len(data) == 1:
        ((tag, inside),) = data.items()
        try:
            if tag == "int" and len(inside) < _LONGEST_INT / 4:
                return int(inside, 16)
            if tag in ("tuple", "set"):
                items = [decode(item, depth - 1) for item in inside]
                return tuple(items) if tag == "tuple" else set(items)
            if tag == "dict":
                return {decode(key, depth - 1): decode(item, depth - 1) for key, item in inside}
        except (TypeError, ValueError):
            pass
    raise Garbled("a value of no kind that is known")
