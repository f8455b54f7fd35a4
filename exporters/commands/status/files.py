"""What an event file shows of itself: its size, when it was written, and its newest event.

In: paths or globs, and where events say their time. Out: facts by file. Only the last part of a file is read.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contracts.model import Contract
from contracts.places import globs_of
from exporters.engine.fields import Path as FieldPath

__all__ = ["file_facts", "time_paths"]

_TAIL_BYTES = 64 * 1024
_NO_MILLISECONDS = 1e11
"""Unix seconds stay below this for 3,000 years; what is above is milliseconds."""


def time_paths(contract: Contract) -> frozenset[FieldPath]:
    """Return every place at which an event of this contract may say its time."""
    return frozenset(
        candidate.path
        for source in contract.sources
        for read in source.all_reads()
        if contract.words[read.word].kind == "time"
        for candidate in read.candidates
        if candidate.path
    )


def file_facts(patterns: Iterable[str], paths: frozenset[FieldPath], now: float) -> list[dict[str, Any]]:
    """Return path, presence, size, age since written, newest event and its age (Unix seconds, seconds) of each file."""
    found = dict.fromkeys(
        path
        for pattern in globs_of(patterns)
        for path in sorted(glob.glob(pattern)) or [pattern]  # noqa: PTH207  # a pattern may be absolute
    )
    return [_facts(Path(path), paths, now) for path in found]


def _facts(path: Path, paths: frozenset[FieldPath], now: float) -> dict[str, Any]:
    facts: dict[str, Any] = {"path": str(path), "present": False, "size_bytes": None, "written_age_s": None}
    facts |= {"newest_event": None, "newest_event_age_s": None, "problem": None}
    try:
        info = path.stat()
        facts |= {"present": True, "size_bytes": info.st_size, "written_age_s": round(now - info.st_mtime, 3)}
        newest = max(_times(path, info.st_size, paths), default=None)
    except FileNotFoundError:
        return facts
    except OSError as error:
        return {**facts, "problem": (error.strerror or str(error)).lower()}
    if newest is not None:
        facts |= {"newest_event": _shown(newest), "newest_event_age_s": round(now - newest, 3)}
    return facts


def _shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _times(path: Path, size: int, paths: frozenset[FieldPath]) -> Iterator[float]:
    """Yield the times of the whole lines at the end of a file."""
    with path.open("rb") as file:
        start = file.seek(max(0, size - _TAIL_BYTES))
        lines = file.read(_TAIL_BYTES).split(b"\n")[:-1]
    for line in lines[1 if start else 0 :]:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        yield from filter(None, (_seconds_of(_at(event, one)) for one in paths))


def _at(event: object, path: FieldPath) -> object:
    for key in path:
        event = event.get(key) if isinstance(event, Mapping) else None
    return event


def _seconds_of(value: object) -> float | None:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < _NO_MILLISECONDS else None
