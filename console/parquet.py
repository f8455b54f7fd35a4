"""Parquet files of a run: a path in, its rows as lines of JSON out. Needs the optional extra `parquet` (pyarrow).

Each row is an object of its columns; times are ISO texts in UTC, to the microsecond; what is no number is null. A file
is read whole or not at all: one that is being written has no end yet, and is read once it has.
"""

from __future__ import annotations

import importlib
import os
import stat
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import msgspec

from console.times import show

__all__ = ["BROKEN", "LARGEST", "MISSING", "TOO_LARGE", "UnreadableParquetError", "is_readable", "rows_of"]

MISSING = "is Parquet, and what reads it is not installed: pip install 'peak-trade-exporters[parquet]'"
BROKEN = "cannot be read as Parquet: it is broken, or being written right now"

LARGEST = 256 << 20
"""Bytes; a larger file is not read."""

TOO_LARGE = f"is larger than {LARGEST} bytes"

_ROWS = 2048
"""Rows read at once."""


class UnreadableParquetError(Exception):
    """The file cannot be read; the message says why, to stand behind the file's name."""


def is_readable() -> bool:
    """Return whether what reads Parquet is installed."""
    return find_spec("pyarrow") is not None


def rows_of(path: str, first: int = 0) -> Iterator[list[bytes]]:
    """Yield the rows of a file from row `first` on, each as a line of JSON, some at a time.

    Raises:
        UnreadableParquetError: at once, or in between, if it cannot be read.
    """
    if not is_readable():
        raise UnreadableParquetError(MISSING)
    arrow: Any = importlib.import_module("pyarrow")
    parquet: Any = importlib.import_module("pyarrow.parquet")
    try:
        with _open(path) as file:
            read = parquet.ParquetFile(file, memory_map=False, pre_buffer=False)
            for batch in read.iter_batches(batch_size=_ROWS, use_threads=False):
                if first < batch.num_rows:
                    yield _lines(arrow, batch.slice(first))
                first = max(0, first - batch.num_rows)
    except OSError as error:
        raise UnreadableParquetError(f"cannot be read ({(error.strerror or BROKEN).lower()})") from error
    except (arrow.ArrowException, ArithmeticError, ValueError, TypeError, MemoryError) as error:
        raise UnreadableParquetError(BROKEN) from error


def _open(path: str) -> Any:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    info = os.fstat(handle)
    if not stat.S_ISREG(info.st_mode) or info.st_size > LARGEST:
        os.close(handle)
        raise UnreadableParquetError(TOO_LARGE if stat.S_ISREG(info.st_mode) else "is no regular file")
    return os.fdopen(handle, "rb")


def _lines(arrow: Any, batch: Any) -> list[bytes]:
    """Return the rows of a batch of pyarrow's."""
    names = batch.schema.names
    columns = [_values(arrow, batch.column(place)) for place in range(len(names))]
    encode = msgspec.json.Encoder(enc_hook=str).encode
    return [encode(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]


def _values(arrow: Any, column: Any) -> list[object]:
    """Return the values of a column; times as texts, as a zone's name and more than microseconds help nobody."""
    if not arrow.types.is_timestamp(column.type):
        found: list[object] = column.to_pylist()
        return found
    moments = column.cast(arrow.timestamp("us", column.type.tz), safe=False).cast(arrow.int64())
    return [_moment(at) for at in moments.to_pylist()]


def _moment(microseconds: int | None) -> str | None:
    try:
        return show(None if microseconds is None else microseconds * 1000)
    except OverflowError:
        return None
