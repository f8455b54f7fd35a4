"""Batches of lines into the index: each line is a row, part of a block of steps, passed over, or refused and counted.

In: batches of the reading. Out: rows in the open transaction. One bad line costs itself alone; where it stands and why
it was refused is kept, for the newest thousand.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from itertools import accumulate

from console.index.event_rows import EventRows
from console.index.step_rows import StepRows
from console.index.streams import Streams
from console.sources import Place, Sources
from console.steps import cells_of
from exporters.reading import Batch, Notice

__all__ = ["KEPT_REFUSALS", "Ingest"]

KEPT_REFUSALS = 1000
"""How many refused lines are kept with their places; all are counted."""

_COUNT = (
    "UPDATE files SET lines = lines + ?, refused = refused + ?, passed_over = passed_over + ?, bytes = bytes + ?,"
    " read_at = ? WHERE id = ?"
)
_REASON = "INSERT INTO reasons VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET number = number + excluded.number"

Refused = list[tuple[int, str]]
"""Where refused lines begin (byte of their file), and why they were refused."""


class Ingest:
    """Puts batches into one index.

    Args:
        chosen: run -> the name of the file its steps are read from; empty if any will do.
    """

    def __init__(self, database: sqlite3.Connection, sources: Sources, chosen: Callable[[str], str]) -> None:
        self._database = database
        self._sources = sources
        self._chosen = chosen
        self.streams = Streams(database)
        self._files: dict[str, int] = {}
        self._headers: dict[int, list[str] | None] = {}
        self._cut: set[str] = set()
        self._events = EventRows(database, self.streams)
        self._steps = StepRows(database, self.streams)

    def flush(self) -> None:
        """Write what is held, in the transaction of the lines."""
        self._events.flush()
        self.streams.flush()

    def forget(self) -> None:
        """Drop what is held, after a commit that failed."""
        self._events.forget()
        self.streams.forget()
        self._files.clear()
        self._headers.clear()

    def notice(self, notice: Notice) -> None:
        """Note that a file was cut: a run that writes its steps anew from the start has them replaced."""
        if notice.kind == "truncated":
            self._cut.add(notice.path)

    def take(self, batch: Batch, now: float) -> None:
        """Put one batch into the index."""
        place, file = self._sources.place_of(batch.path), self._file(batch.path)
        lines = _lines_of(batch)
        number = len(lines) + batch.too_long
        refused: Refused = [(batch.start, "too_long")] * batch.too_long
        if not _is_text(batch.data):
            refused += [(start, "not_text") for start, raw in lines if not _is_text(raw)]
            lines = [line for line in lines if _is_text(line[1])]
        passed = int(place.is_csv and batch.start == 0 and bool(lines))  # the header
        header = self._header(file, batch.start, lines) if place.is_csv else None
        if place.is_csv and header is None:
            refused += [(start, "no_header") for start, _ in lines]
        elif place.kind == "step":
            passed += self._take_steps(place, file, batch, lines, header, refused)
        else:
            passed += self._events.take(place, file, lines, header, refused)
        self._refuse(file, refused, now)
        self._database.execute(_COUNT, (number, len(refused), passed, batch.end - batch.start, now, file))

    def begin_anew(self, place: Place) -> None:
        """Drop what was read of a table that says something else now."""
        if place.kind == "step":
            self._steps.begin_anew(place.subject)
        else:
            self._events.begin_anew(place.kind, place.subject)

    def take_rows(self, place: Place, path: str, first: int, rows: list[bytes], now: float) -> None:
        """Put rows of a table into the index, from row `first` on; a row's number stands for its place."""
        file = self._file(path)
        lines, passed = list(enumerate(rows, first)), 0
        refused: Refused = []
        if place.kind == "step":
            self._steps.take(place.subject, file, lines, None, refused)
        else:
            passed = self._events.take(place, file, lines, None, refused)
        self._refuse(file, refused, now)
        self._database.execute(_COUNT, (len(rows), len(refused), passed, 0, now, file))

    def note_size(self, path: str, size: int) -> None:
        """Note how large a table was when it was read."""
        self._database.execute("UPDATE files SET bytes = ? WHERE id = ?", (size, self._file(path)))

    def _take_steps(
        self,
        place: Place,
        file: int,
        batch: Batch,
        lines: list[tuple[int, bytes]],
        header: list[str] | None,
        refused: Refused,
    ) -> int:
        name = self._chosen(place.subject)
        if name and not batch.path.rpartition("/")[2].startswith(name):
            return len(lines)
        if batch.path in self._cut and batch.start == 0:
            self._steps.begin_anew(place.subject)
        self._cut.discard(batch.path)
        self._steps.take(place.subject, file, lines, header, refused)
        return 0

    def _file(self, path: str) -> int:
        """Return the number of a file."""
        number = self._files.get(path)
        if number is None:
            self._database.execute("INSERT OR IGNORE INTO files (path) VALUES (?)", (path,))
            (number,) = self._database.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
            self._files[path] = int(number)
        return int(number)

    def _header(self, file: int, start: int, lines: list[tuple[int, bytes]]) -> list[str] | None:
        """Return the columns of a CSV file; its first line, which names them, is taken out of `lines`."""
        if start == 0 and lines:
            header = cells_of(lines.pop(0)[1])
            text = None if header is None else "\x1f".join(header)
            self._database.execute("UPDATE files SET header = ? WHERE id = ?", (text, file))
            self._headers[file] = header
        elif file not in self._headers:
            (text,) = self._database.execute("SELECT header FROM files WHERE id = ?", (file,)).fetchone()
            self._headers[file] = None if text is None else text.split("\x1f")
        return self._headers[file]

    def _refuse(self, file: int, refused: Refused, now: float) -> None:
        if not refused:
            return
        insert = "INSERT INTO refusals (file, start, reason, at) VALUES (?, ?, ?, ?)"
        self._database.executemany(insert, [(file, start, reason, now) for start, reason in refused[-KEPT_REFUSALS:]])
        self._database.executemany(_REASON, [(file, *item) for item in Counter(why for _, why in refused).items()])
        self._database.execute("DELETE FROM refusals WHERE id <= (SELECT max(id) FROM refusals) - ?", (KEPT_REFUSALS,))


def _lines_of(batch: Batch) -> list[tuple[int, bytes]]:
    """Return where each line begins, and its bytes; blank lines are none."""
    raws = batch.data.split(b"\n")
    starts = accumulate([len(raw) + 1 for raw in raws], initial=batch.start + batch.skipped_bytes)
    if not raws[-1]:
        raws.pop()
    found = zip(starts, raws, strict=False)
    has_blanks = b"" in raws or any(map(bytes.isspace, raws))
    return [line for line in found if line[1] and not line[1].isspace()] if has_blanks else list(found)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
