"""What each kind of row looks like, so that rows another version wrote cannot surprise whoever takes them over.

In: rows read back. Out: nothing, or StoreCorruptError. Their digests may be right all the same: what was written was
written well, only not for us. Part of the state stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from exporters.engine.state.rows import Row, StoreCorruptError
from exporters.engine.values import Checkpoint, FileKey

__all__ = ["CHECKPOINT", "check_shapes"]

CHECKPOINT: Any = tuple[tuple(get_type_hints(Checkpoint).values())]  # type: ignore[misc]  # made at run time, of Mark's own fields
"""The fields of a checkpoint, in their order."""

_VALUES: Mapping[str, Any] = {
    "series": tuple[float | str, float, list[int] | None],
    "seen": bool,
    "metric": str,
    "pair": list[list[str | float | bool | None]],
    "newest": tuple[float, int],
    "law": str,
    "mark": CHECKPOINT,
    "known": list[FileKey],
}
_KEYS: Mapping[str, Any] = {"series": list[str], "seen": tuple[str, str], "pair": tuple[str, int]}
"""Kinds whose key is JSON."""


def check_shapes(path: Path, rows: Iterable[Row]) -> None:
    """Make sure that every row is of a known kind and looks like one of it.

    Raises:
        StoreCorruptError: naming the kind of the first row that does not.
    """
    for kind, key, value in rows:
        try:
            if kind in _KEYS:
                msgspec.json.decode(key, type=_KEYS[kind])
            msgspec.convert(value, _VALUES[kind])
        except (KeyError, msgspec.MsgspecError) as error:
            raise StoreCorruptError(f"{path}: the state is not one of this version (a row of kind {kind!r})") from error
