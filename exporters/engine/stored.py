"""The row each kind of record is stored as, and the way back.

In: records of the stages. Out: (kind, key, value) rows for the store, and back. This is the only place that knows the
stored form: the `state` stage moves rows, the other stages name records. Rows of another version that do not read as
records of this one are refused here, though their digests are right: they were written well, only not for us.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from math import inf, isfinite
from typing import Any, NamedTuple

import msgspec

from exporters.engine.records import (
    Change,
    Gone,
    KnownBackups,
    MetricMeaning,
    PairMeaning,
    PairProgress,
    Record,
    Saved,
    SavedName,
    SavedSegment,
    SavedSeries,
)
from exporters.engine.values import Checkpoint, FileKey, Refusal

__all__ = ["UnreadableError", "read_rows", "row_of"]

_Row = tuple[str, str, object]


class UnreadableError(ValueError):
    """A row is of no known kind, or does not look like one of its kind."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"a row of kind {kind!r}")


class _Kind(NamedTuple):
    """How records of one class are stored: the row's kind, its key, its value, and the way back."""

    name: str
    key: Callable[[Any], str]
    value: Callable[[Any], object]
    read: Callable[[str, object], Record]


def _series_value(one: SavedSeries) -> object:
    """Return what is stored of a series; JSON knows no infinity."""
    at = [one.at] if one.at else []
    return [one.value if isfinite(one.value) else str(one.value), one.created, one.buckets, *at]


def _read_series(key: str, value: object) -> SavedSeries:
    name, *labels = msgspec.json.decode(key, type=list[str])
    fields = msgspec.convert(value, list[Any])
    fields += [0] * (len(fields) == 3)  # without `at`, as long as it is 0
    number, created, buckets, at = msgspec.convert(fields, tuple[float | str, float, list[int] | None, int])
    return SavedSeries(name, tuple(labels), float(number), created, buckets, at)


def _read_name(key: str, value: object) -> SavedName:
    msgspec.convert(value, bool)
    return SavedName(*msgspec.json.decode(key, type=tuple[str, str]))


_MEANING = tuple[str, str, str | None, str | None, tuple[tuple[str, str], ...], tuple[float, ...]]


def _meaning_value(one: MetricMeaning) -> object:
    return json.dumps([one.type, one.job, one.subject, one.amount, one.labels, one.buckets])


def _read_meaning(key: str, value: object) -> MetricMeaning:
    return MetricMeaning(key, *msgspec.json.decode(msgspec.convert(value, str), type=_MEANING))


def _read_progress(key: str, value: object) -> PairProgress:
    """Return a pair's progress; versions before did not store when an id was evicted."""
    newest, forgotten, *evicted = msgspec.convert(value, list[int | float])
    return PairProgress(key, _whole(newest), int(forgotten), *evicted)


def _progress_value(one: PairProgress) -> object:
    return [one.newest, one.forgotten, *([one.evicted] if one.evicted > -inf else [])]  # JSON knows no infinity


def _read_segment(key: str, value: object) -> SavedSegment:
    pair, number = msgspec.json.decode(key, type=tuple[str, int])
    entries = msgspec.convert(value, list[list[str | int | float | bool | None]])
    return SavedSegment(pair, number, [list(map(_whole, entry)) for entry in entries])


def _whole(value: Any) -> Any:
    """Return a value of a pair as it is, but a time in seconds, as earlier versions stored it, in nanoseconds."""
    return round(value * 1e6) * 1000 if isinstance(value, float) else value


def _packed(path: str) -> str:
    """Return a path as text that can be stored: a file's name need not be UTF-8, a row is."""
    return os.fsencode(path).decode("latin-1")


def _unpacked(stored: str) -> str:
    return os.fsdecode(stored.encode("latin-1"))


def _checkpoint_value(one: Checkpoint) -> object:
    return list(msgspec.structs.asdict(msgspec.structs.replace(one, path=_packed(one.path))).values())


def _read_checkpoint(_: str, value: object) -> Checkpoint:
    """Return a checkpoint; fields that a later version added at the end may be missing."""
    fields = dict(zip(Checkpoint.__struct_fields__, msgspec.convert(value, list[Any]), strict=False))
    if len(msgspec.convert(value, list[Any])) > len(fields):
        raise ValueError("too many fields")
    one = msgspec.convert(fields, Checkpoint)
    return msgspec.structs.replace(one, path=_unpacked(one.path))


def _read_known(_: str, value: object) -> KnownBackups:
    return KnownBackups(frozenset(msgspec.convert(value, list[FileKey])))


def _read_refusal(key: str, value: object) -> Refusal:
    path, offset, at, why = msgspec.convert(value, tuple[str, int, float, str])
    return Refusal(key, _unpacked(path), offset, at, why)


_KINDS: Mapping[type, _Kind] = {
    SavedSeries: _Kind("series", lambda one: json.dumps([one.metric, *one.labels]), _series_value, _read_series),
    SavedName: _Kind("seen", lambda one: json.dumps([one.word, one.value]), lambda _: True, _read_name),
    MetricMeaning: _Kind("metric", lambda one: str(one.name), _meaning_value, _read_meaning),
    PairMeaning: _Kind(
        "law",
        lambda one: str(one.name),
        lambda one: one.meaning,
        lambda key, value: PairMeaning(key, msgspec.convert(value, str)),
    ),
    PairProgress: _Kind("newest", lambda one: str(one.pair), _progress_value, _read_progress),
    SavedSegment: _Kind("pair", lambda one: json.dumps([one.pair, one.number]), lambda one: one.entries, _read_segment),
    Checkpoint: _Kind("mark", lambda one: str(one.serial), _checkpoint_value, _read_checkpoint),
    KnownBackups: _Kind("known", lambda _: "", lambda one: sorted(one.keys), _read_known),
    Refusal: _Kind(
        "refused",
        lambda one: str(one.reason),
        lambda one: [_packed(one.path), one.offset, one.at, one.why],
        _read_refusal,
    ),
}
_BY_NAME = {kind.name: kind for kind in _KINDS.values()}


def row_of(change: Change) -> _Row:
    """Return the row a record is stored as; with the value None if it is to be deleted."""
    record = change.record if isinstance(change, Gone) else change
    kind = _KINDS[type(record)]
    return kind.name, kind.key(record), None if isinstance(change, Gone) else kind.value(record)


def read_rows(rows: Iterable[_Row]) -> Saved:
    """Return the records that rows hold.

    Raises:
        UnreadableError: naming the kind of the first row that is no record of this version.
    """
    saved = Saved()
    for kind, key, value in rows:
        try:
            saved.add(_BY_NAME[kind].read(key, value))
        except (KeyError, ValueError, msgspec.MsgspecError) as error:
            raise UnreadableError(kind) from error
    saved.checkpoints.sort(key=lambda one: one.serial)
    return saved
