"""Evidence at places before the offset: proof that a shorter text is how a file began. Part of the tail stage.

In: the bytes of a file as they are read. Out: digests of the 64 bytes before certain places, in the form kept on disk.
The places follow from the offset alone, so only digests are kept: close together at the start and over the last
quarter of a megabyte, then twice as far apart each time the distance from the offset doubles. A place that is no longer
among them never comes back, so they can be kept up to date without reading anything twice.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

from exporters.engine.values import Checkpoint

__all__ = ["WINDOW", "Evidence", "digest_before", "evidence_of", "places"]

WINDOW = 64
"""Bytes before a place that its digest is made of."""

_STEP = 1 << 14
_START = (16, 32, *range(64, 1024, 64), *range(1024, 4 * _STEP + 1, 1024))
"""The places in a file's first 64 KiB: a copy made early proves itself however far the file was read since."""

_KEPT = 16
"""Places kept at each distance between two of them: a copy that is a megabyte short is proved to within 128 KiB."""

_DIGEST = 8
_UNKNOWN = bytes(_DIGEST)
_FRESH = 2048
"""Places passed between two checkpoints beyond which those no longer wanted are dropped."""


def places(offset: int) -> tuple[int, ...]:
    """Return the places at which a file read up to `offset` is proved, in ascending order.

    >>> places(200)
    (16, 32, 64, 128, 192)
    >>> len(places(5 << 30))
    211
    """
    return _START[: bisect_right(_START, offset)] if offset < _START[-1] else (*_START, *_later(offset // _STEP))


@lru_cache(maxsize=64)
def _later(steps: int) -> tuple[int, ...]:
    """Return the places beyond the first 64 KiB of a file in which so many whole steps were read."""
    found: set[int] = set()
    distance = 1
    while distance <= steps:
        last = steps - steps % distance
        found |= {at for at in range(last, max(4, last - _KEPT * distance), -distance) if at > 4}
        distance *= 2
    return tuple(at * _STEP for at in sorted(found))


class Evidence:
    """The evidence of one file, kept up to date as it is read.

    Holds what is proved up to the last settle(), and the bytes before each place passed since.
    """

    def __init__(self, stored: str = "", offset: int = 0) -> None:
        """Take over what `stored` proves of a file read up to `offset`; nothing if it was not stored for that."""
        self._offset = offset
        wanted = len(places(offset)) * _DIGEST
        packed = b64decode(stored)
        self._packed = packed if len(packed) == wanted else bytes(wanted)
        self._stored = b64encode(self._packed).decode()
        self._fresh: dict[int, bytes] = {}
        self._next = _place_after(offset)

    @classmethod
    def of_file(cls, fd: int, offset: int) -> Evidence:
        """Return the evidence of an open file that holds all that was read of it."""
        evidence = cls()
        evidence._fresh = {at: os.pread(fd, min(at, WINDOW), at - min(at, WINDOW)) for at in places(offset)}
        evidence._settle(offset)
        return evidence

    def add(self, before: bytes, data: bytes, offset: int, end: int) -> None:
        """Note the places passed by reading `data` from `offset` up to `end`; `before` is what stands before it."""
        while self._next <= end:
            at = self._next - offset
            self._fresh[self._next] = data[at - WINDOW : at] if at >= WINDOW else (before + data[:at])[-WINDOW:]
            self._next = _place_after(self._next)
        if len(self._fresh) > _FRESH:
            self._settle(end)

    def skip(self, offset: int) -> None:
        """Go on at `offset`, behind bytes that were never held in memory and prove nothing."""
        self._settle(offset)

    def stored(self, offset: int) -> str:
        """Return the evidence in the form kept on disk; `offset` is that of the last add()."""
        if self._fresh:
            self._settle(offset)
        return self._stored

    def _settle(self, offset: int) -> None:
        known = dict(zip(places(self._offset), _digests(self._packed), strict=True))
        self._packed = b"".join(known.get(place) or self._digest(place) for place in places(offset))
        self._stored = b64encode(self._packed).decode()
        self._offset, self._next = offset, _place_after(offset)
        self._fresh.clear()

    def _digest(self, place: int) -> bytes:
        window = self._fresh.get(place)
        return _UNKNOWN if window is None else digest_before(window)


def evidence_of(checkpoint: Checkpoint) -> list[tuple[int, bytes]]:
    """Return the places of which a checkpoint knows the bytes, with the digest of those before each."""
    packed, wanted = b64decode(checkpoint.evidence), places(checkpoint.offset)
    if len(packed) != len(wanted) * _DIGEST:
        return []
    return [(place, known) for place, known in zip(wanted, _digests(packed), strict=True) if known != _UNKNOWN]


def digest_before(window: bytes) -> bytes:
    """Return the digest of the bytes before a place."""
    return blake2b(window, digest_size=_DIGEST).digest()


def _place_after(offset: int) -> int:
    at = bisect_right(_START, offset)
    return _START[at] if at < len(_START) else offset - offset % _STEP + _STEP


def _digests(packed: bytes) -> Iterator[bytes]:
    return (packed[at : at + _DIGEST] for at in range(0, len(packed), _DIGEST))
