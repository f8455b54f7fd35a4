"""The rows of a state and their proof: a digest in every row, and one row that vouches for all the others.

In: (kind, key, value) rows. Out: what is stored of them, and back, or StoreCorruptError. SQLite checks its log but not
its pages, so a flipped bit, a lost page or an old page is found here. Part of the state stage.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

__all__ = [
    "TOTAL",
    "Durability",
    "Row",
    "StoreBusyError",
    "StoreCorruptError",
    "StoreError",
    "Total",
    "check",
    "pack",
    "unpack",
]

Durability = Literal["process", "power"]
"""process: a commit survives kill -9 of the exporter; power: it survives power loss too (one fsync per commit)."""

Row = tuple[str, str, object]
"""(kind, key, value); the value is anything JSON can hold, None deletes the row."""

TOTAL = ("total", "")
"""Kind and key of the row that vouches for the others. It is there from the file's first moment."""

_FORMAT = 3
_DIGEST = 8
"""Bytes of digest before a row's text."""


class StoreError(Exception):
    """The state cannot be written or read now (disk full, no permission); trying again later may help."""


class StoreBusyError(StoreError):
    """Another process has the state."""


class StoreCorruptError(StoreError):
    """The state is damaged, or is not ours."""


class Total(NamedTuple):
    """How many rows there are, and all their digests taken together (XOR, so that one row's change is one step)."""

    number: int = 0
    digest: int = 0

    def without(self, digest: int) -> Total:
        """Return the total after a row with this digest has gone."""
        return Total(self.number - 1, self.digest ^ digest)

    def along(self, digest: int) -> Total:
        """Return the total after a row with this digest has come."""
        return Total(self.number + 1, self.digest ^ digest)

    def packed(self, owner: str) -> bytes:
        """Return what is stored in the row TOTAL."""
        return pack(TOTAL, [_FORMAT, owner, self.number, self.digest])[0]


def pack(name: tuple[str, str], value: object) -> tuple[bytes, int]:
    """Return a value's stored form, digest first, and the digest."""
    text = msgspec.json.encode(value)
    digest = _digest(name, text)
    return digest + text, int.from_bytes(digest, "big")


def unpack(name: tuple[str, str], blob: bytes) -> tuple[object, int]:
    """Return a stored value and its digest.

    Raises:
        ValueError, TypeError: if this was not stored under this name.
    """
    text = blob[_DIGEST:]
    digest = _digest(name, text)
    if digest != blob[:_DIGEST]:
        raise ValueError("digest")
    return msgspec.json.decode(text), int.from_bytes(digest, "big")


def check(path: Path, stored: Iterable[tuple[str, str, bytes]], owner: str) -> tuple[list[Row], Total]:
    """Return the rows and their total.

    Raises:
        StoreCorruptError: if a row is not what was stored, if rows are missing, or if they are another owner's.
    """
    found: list[Row] = []
    total, stated = Total(), None
    try:
        for kind, key, blob in stored:
            value, digest = unpack((kind, key), blob)
            if (kind, key) == TOTAL:
                stated = value
                continue
            total = total.along(digest)
            found.append((kind, key, value))
    except (ValueError, TypeError) as error:
        raise StoreCorruptError(f"{path}: the state is damaged (a row does not match its digest)") from error
    if not isinstance(stated, list) or len(stated) != 4:
        raise StoreCorruptError(f"{path}: the state is damaged (rows are missing)")
    if stated[1] != owner:
        raise StoreCorruptError(f"{path}: the state belongs to {stated[1]!r}, not to {owner!r}")
    if stated[0] != _FORMAT:
        raise StoreCorruptError(f"{path}: the state has format {stated[0]}, this version reads format {_FORMAT}")
    if stated[2:] != list(total):
        raise StoreCorruptError(f"{path}: the state is damaged (rows are missing)")
    return found, total


def _digest(name: tuple[str, str], text: bytes) -> bytes:
    return blake2b("\0".join(name).encode() + b"\0" + text, digest_size=_DIGEST).digest()
