"""Questions to the index for the steps of a run: from the end or from a position.

In: the database, as Index.reading() gives it. Out: plain rows. Each costs what it returns, and the rest of a block.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from console.index.step_rows import lines_in, read_rows
from console.index.streams import Stream
from console.steps import Step

__all__ = ["StepAt", "header_of", "steps_after", "steps_before"]


class StepAt(NamedTuple):
    """One step of a run: its position, what it says, and where it stands."""

    seq: int
    step: Step
    path: str
    start: int
    raw: bytes


def steps_before(
    database: sqlite3.Connection, of: Stream, limit: int, most: int = 1 << 62, wanted: Callable[[Step], object] = bool
) -> list[StepAt]:
    """Return the newest steps, in order; those that are `wanted`, among about so many newest."""
    found: list[StepAt] = []
    query = "SELECT first, file, places, header, data FROM blocks WHERE stream = ? ORDER BY first DESC"
    for row in database.execute(query, (of.id,)):
        steps = list(_steps_in(database, row))
        most -= len(steps)
        found[:0] = (one for one in steps if wanted(one.step))
        if len(found) >= limit or most <= 0:
            break
    return found[-limit:] if limit else []


def steps_after(database: sqlite3.Connection, of: Stream, seq: int, limit: int) -> list[StepAt]:
    """Return the steps from position `seq` on, in order."""
    found: list[StepAt] = []
    query = (
        "SELECT first, file, places, header, data FROM blocks WHERE stream = ? AND first >="
        " coalesce((SELECT max(first) FROM blocks WHERE stream = ? AND first <= ?), 0) ORDER BY first"
    )
    for row in database.execute(query, (of.id, of.id, seq)):
        found += (one for one in _steps_in(database, row) if one.seq >= seq)
        if len(found) >= limit:
            break
    return found[:limit]


def header_of(database: sqlite3.Connection, of: Stream) -> str | None:
    """Return the line that names the columns of a run's newest steps; None if they are no CSV."""
    query = "SELECT header FROM blocks WHERE stream = ? ORDER BY first DESC LIMIT 1"
    row = database.execute(query, (of.id,)).fetchone()
    if row is None or row[0] is None:
        return None
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(row[0].split("\x1f"))
    return line.getvalue()


def _steps_in(database: sqlite3.Connection, row: Sequence[object]) -> Iterator[StepAt]:
    first, file, places, header, data = row
    (path,) = database.execute("SELECT path FROM files WHERE id = ?", (file,)).fetchone()
    columns = header.split("\x1f") if isinstance(header, str) else None
    assert isinstance(first, int)
    assert isinstance(data, bytes)
    lines = lines_in(str(places), data)
    for number, ((start, raw), step) in enumerate(zip(lines, read_rows(lines, columns), strict=True), first):
        yield StepAt(number, step, path, start, raw)
