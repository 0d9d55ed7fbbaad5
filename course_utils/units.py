"""Formats bytes, times and counts for a reader, and reads sizes that a reader types."""

import re

from course_utils.errors import CourseError

_DECIMAL = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15, "EB": 10**18}
_TYPED = {"": 1} | {unit.upper(): count for unit, count in _DECIMAL.items() if count <= 10**12}
_TYPED |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


def size(count, smallest="B", decimals=1) -> str:
    """Return a number of bytes in decimal units, such as "8.2 kB", "16.8 MB" or "812 GB".

    An amount of less than 100 units has `decimals` decimals. The unit `smallest` has no decimals: with "MB",
    16.8 million bytes are "17 MB", and 20,000 bytes are "0 MB".
    """
    for unit in reversed(_DECIMAL):
        if unit == smallest:
            break
        if count >= 0.9995 * _DECIMAL[unit]:
            amount = count / _DECIMAL[unit]
            return f"{amount:,.0f} {unit}" if amount >= 99.95 else f"{amount:.{decimals}f} {unit}"
    return f"{count / _DECIMAL[smallest]:,.0f} {smallest}"


def parse_size(text) -> int:
    """Return the number of bytes that a text such as "16GB", "7.5 GiB" or "512 MB" means.

    Raises CourseError for any other text, and for less than a megabyte, where the unit was probably
    forgotten.
    """
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)\s*([KMGT]?I?B?)", text.strip().upper())
    if not found or found[2] not in _TYPED or float(found[1]) * _TYPED[found[2]] < 1e6:
        raise CourseError(f"{text!r} is not an amount of memory: write it as 16GB or 24GiB.")
    return int(float(found[1]) * _TYPED[found[2]])


def speed(bytes_per_second) -> str:
    """Return a speed such as "1.3 MB/s"."""
    return f"{bytes_per_second / 1e6:.1f} MB/s"


def duration(seconds) -> str:
    """Return a length of time as a forecast, such as "under a minute", "about 12 min" or "about 3 hours"."""
    minutes = seconds / 60
    if minutes < 1:
        return "under a minute"
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.0f} hours"


def counted(number, noun) -> str:
    """Return a number and what it counts: "1 token" or "2,048 tokens"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
