"""What passes between the grader and the sandbox: JSON in frames, and plain values as JSON.

Nothing that comes out of the sandbox is executed or unpickled; it is read here, with limits on its size and
depth, and then it is numbers, strings, lists, dictionaries and sets of exactly Python's own types.
"""

import json
import math
import struct
import time

_LENGTH = struct.Struct("!I")
LARGEST = 16 * 2**20  # bytes of one message
_DEEPEST = 60  # lists in lists
_LONGEST_INT = 60_000  # bits
_SCALARS = (bool, int, float, str)


class Garbled(Exception):
    """What came is not what this module sends; the message says why."""


def send(connection, message: dict):
    """Send one message. Raises OSError where nobody listens, ValueError where it is too long."""
    data = json.dumps(message).encode()
    if len(data) > LARGEST:
        raise ValueError(f"a message of {len(data):,} bytes")
    connection.sendall(_LENGTH.pack(len(data)) + data)


def receive(connection, until: float = math.inf) -> dict | None:
    """The next message, or None when the other side has gone.

    `until` is the time of `time.monotonic()` to wait for. Raises TimeoutError, and Garbled.
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
    """A plain value (of `check.plain`) as JSON's own: tuples, sets, dictionaries and long numbers tagged."""
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
    """The plain value of what `encode` gave. Raises Garbled."""
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
