"""Lines of a file with their places, and what stands in them: JSON, decimals, times.

In: paths and bytes. Out: lines, decoded values. A last line without its newline is still being written: it is not read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

__all__ = ["InputError", "decimal_of", "lines_of", "parse_leniently", "seconds_of"]


class InputError(Exception):
    """A file that cannot be used at all; says which and why."""


def lines_of(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Yield (line, its number, its offset in bytes) of a file; the last may lack its newline.

    Raises:
        InputError: if the file cannot be read.
    """
    offset = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield line, number, offset
                offset += len(line)
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: cannot be read ({problem}); give the path of a readable file") from error


def parse_leniently(line: bytes) -> dict[str, Any] | str:
    """Return the object in a line, numbers as exact decimals, `NaN` and `Infinity` too; or what is wrong with it."""
    try:
        found = json.loads(line, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal)
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError):
        return "not JSON"
    return found if isinstance(found, dict) else "not a JSON object"


def decimal_of(value: object) -> Decimal | None:
    """Return a number, or None if it is none; text counts as the number it spells, `nan` as not finite."""
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        return None
    try:
        return Decimal(value.strip())
    except InvalidOperation:
        return None


def seconds_of(text: object) -> float:
    """Return Unix seconds of a time: ISO 8601, a blank instead of the T, or seconds already; UTC unless it says so.

    >>> seconds_of("2021-01-05 10:00:00.1234") == seconds_of("2021-01-05T11:00:00.1234+01:00") == 1609840800.1234
    True
    >>> seconds_of("soon")
    0.0
    """
    if not isinstance(text, str):
        return float(text) if isinstance(text, Decimal) and text.is_finite() else 0.0
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        number = decimal_of(text)
        return float(number) if number is not None and number.is_finite() else 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
