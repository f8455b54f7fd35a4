"""A run's steps, kept as blocks of lines as they stand in the file, packed; the run's tally and curve move with them.

In: lines of one run's file. Out: rows of `blocks`. A block holds lines that follow each other in the file without a
refused one between them being shown: refused lines are left out of it, and their place is noted elsewhere.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator

from console.index.streams import Streams
from console.index.tally import Curve, Tally, add_steps
from console.steps import Step, read_csv_row, read_json_row, read_json_rows, step_of

__all__ = ["StepRows", "lines_in", "read_rows"]

_BLOCK_LINES = 256
_PACKED_FROM = 2048
"""Bytes from which a block is packed; a live run's few lines are not."""

_INSERT = "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)"


class StepRows:
    """Writes steps into one index."""

    def __init__(self, database: sqlite3.Connection, streams: Streams) -> None:
        self._database = database
        self._streams = streams

    def take(
        self,
        run_id: str,
        file: int,
        lines: list[tuple[int, bytes]],
        header: list[str] | None,
        refused: list[tuple[int, str]],
    ) -> None:
        """Write the steps of some lines."""
        stream = self._streams.get("step", run_id)
        stream.curve = stream.curve or Curve()
        kept, steps = _read(lines, header, refused)
        if not steps:
            return
        add_steps(stream.tally, stream.curve, steps)
        stream.first_at = steps[0].at if stream.first_at is None else stream.first_at
        stream.last_at = next((at for step in reversed(steps) if (at := step.at) is not None), stream.last_at)
        for some in _parts(kept):
            data = b"\n".join(raw for _, raw in some)
            packed = zlib.compress(data, 1) if len(data) >= _PACKED_FROM else data
            places = _packed_places(some, len(data))
            self._database.execute(_INSERT, (stream.id, stream.next, len(some), file, places, _text(header), packed))
            stream.next += len(some)

    def begin_anew(self, run_id: str) -> None:
        """Drop what was read of a run whose file was rewritten; positions go on where they stood."""
        stream = self._streams.get("step", run_id)
        self._database.execute("DELETE FROM blocks WHERE stream = ?", (stream.id,))
        stream.tally, stream.curve, stream.first_at, stream.last_at = Tally(), Curve(), None, None


def _read(
    lines: list[tuple[int, bytes]], header: list[str] | None, refused: list[tuple[int, str]]
) -> tuple[list[tuple[int, bytes]], list[Step]]:
    """Return the lines that are steps, and the steps; all at once if all of them are."""
    whole = read_json_rows([raw for _, raw in lines]) if header is None else None
    if whole is not None:
        return lines, whole
    kept, steps = [], []
    for start, raw in lines:
        step = _read_row(raw, header)
        if isinstance(step, str):
            refused.append((start, step))
        else:
            kept.append((start, raw))
            steps.append(step)
    return kept, steps


def _parts(kept: list[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    for at in range(0, len(kept), _BLOCK_LINES):
        yield kept[at : at + _BLOCK_LINES]


def _packed_places(some: list[tuple[int, bytes]], length: int) -> str:
    """Return where a block's lines begin: the first place, and the others only if they do not follow each other.

    Args:
        length: bytes of the block. Lines left out lie between others, so the last place alone says whether any was.
    """
    (first, _), (last, raw) = some[0], some[-1]
    follows = last - first == length - len(raw)
    return str(first) if follows else ",".join(str(start) for start, _ in some)


def _text(header: list[str] | None) -> str | None:
    return None if header is None else "\x1f".join(header)


def lines_in(places: str, data: bytes) -> list[tuple[int, bytes]]:
    """Return where each line of a block begins in its file, and its bytes."""
    raws = (zlib.decompress(data) if data[:1] == b"\x78" else data).split(b"\n")
    starts = [int(place) for place in str(places).split(",")]
    while len(starts) < len(raws):
        starts.append(starts[-1] + len(raws[len(starts) - 1]) + 1)
    return list(zip(starts, raws, strict=True))


def read_rows(lines: list[tuple[int, bytes]], header: list[str] | None) -> list[Step]:
    """Return the steps of a block's lines, all of which can be read, as nothing else is taken in."""
    steps = _read(lines, header, [])[1]
    assert len(steps) == len(lines), "only what can be read is taken in"
    return steps


def _read_row(raw: bytes, header: list[str] | None) -> Step | str:
    """Return the step of a line, or why there is none."""
    if header is None:
        return read_json_row(raw)
    row = read_csv_row(raw, header)
    return row if isinstance(row, str) else step_of(row)
