"""Questions to the index: streams, events by position, documents, refused lines; `step_queries` asks for steps.

In: the database, as Index.reading() gives it. Out: plain rows. Each costs what it returns; none looks at a file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from console.documents import Meta, Session, read_meta, read_session
from console.index.streams import Stream
from console.index.tally import Curve, Tally

__all__ = [
    "Event",
    "FileState",
    "Refusal",
    "broken_documents",
    "curve_of",
    "events_after",
    "events_before",
    "events_of_keys",
    "files",
    "files_total",
    "is_file",
    "lines_kept",
    "meta",
    "metas",
    "newest_event",
    "offsets",
    "read_object",
    "reasons",
    "refusals",
    "refused_total",
    "sessions",
    "sessions_count",
    "stream",
    "streams",
    "streams_by_id",
    "unread_tables",
]

_tally = msgspec.json.Decoder(Tally)
_STREAM = "SELECT id, kind, subject, next, first_at, last_at, tally FROM streams"
_EVENT = (
    "SELECT seq, at, type, key, (SELECT path FROM files WHERE id = file), start, raw, streams.kind FROM events%s"
    " JOIN streams ON streams.id = events.stream"
)
_EVENT_BY_KEY, _EVENT = _EVENT % " INDEXED BY events_by_key", _EVENT % ""
"""SQLite would read a whole stream for the few events of an order, as those come in order of `seq` then."""


class Event(NamedTuple):
    """One line of a log: its position, time (nanoseconds), type, order's id, and where it stands."""

    seq: int
    at: int | None
    type: str
    key: str | None
    path: str
    start: int
    raw: bytes
    kind: str

    @property
    def body(self) -> dict[str, object]:
        """The line as JSON has it."""
        return read_object(self.raw)


def read_object(raw: bytes) -> dict[str, object]:
    """Return a line's object; of a number too great for one, infinity; nothing of what cannot be read after all."""
    try:
        read = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        try:
            read = json.loads(raw)
        except (ValueError, RecursionError):
            return {}
    return read if isinstance(read, dict) else {}


class FileState(NamedTuple):
    """What was read of one file: lines, those refused and passed over, bytes, and when last (UTC epoch seconds)."""

    path: str
    lines: int
    refused: int
    passed_over: int
    bytes: int
    read_at: float | None


class Refusal(NamedTuple):
    """One refused line: its file, where it begins, why, and when it was read (UTC epoch seconds)."""

    path: str
    start: int
    reason: str
    at: float


def stream(database: sqlite3.Connection, kind: str, subject: str) -> Stream | None:
    """Return one stream, or None if there is no line of it."""
    row = database.execute(f"{_STREAM} WHERE kind = ? AND subject = ?", (kind, subject)).fetchone()
    return _stream(row) if row else None


def streams(database: sqlite3.Connection, kind: str) -> list[Stream]:
    """Return the streams of a kind, in no order."""
    return [_stream(row) for row in database.execute(f"{_STREAM} WHERE kind = ?", (kind,))]


def streams_by_id(database: sqlite3.Connection, ids: Iterable[int]) -> list[Stream]:
    """Return some streams, in no order."""
    return [_stream(row) for one in ids for row in database.execute(f"{_STREAM} WHERE id = ?", (one,))]


def _stream(row: Sequence[Any]) -> Stream:
    try:
        number, kind, subject, following, first_at, last_at, tally = row
        return Stream(number, kind, subject, following, first_at, last_at, _tally.decode(tally))
    except (msgspec.DecodeError, TypeError) as error:
        raise sqlite3.DatabaseError(f"the tally of a stream is damaged ({error})") from error


def curve_of(database: sqlite3.Connection, run_id: str) -> Curve:
    """Return the curve of a run, without points if there is none."""
    query = "SELECT curve FROM streams WHERE kind = 'step' AND subject = ?"
    row = database.execute(query, (run_id,)).fetchone()
    return msgspec.json.decode(row[0], type=Curve) if row and row[0] else Curve()


def events_after(database: sqlite3.Connection, of: Stream, seq: int, limit: int) -> list[Event]:
    """Return the events from position `seq` on, in order."""
    query = f"{_EVENT} WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT ?"
    return [Event(*row) for row in database.execute(query, (of.id, seq, limit))]


def events_before(
    database: sqlite3.Connection, of: Stream, limit: int, seq: int | None = None, type_: str | None = None
) -> list[Event]:
    """Return the newest events, or the newest before position `seq`, newest first."""
    query = f"{_EVENT} WHERE stream = ? AND seq < ? AND (? IS NULL OR type = ?) ORDER BY seq DESC LIMIT ?"
    rows = database.execute(query, (of.id, of.next if seq is None else seq, type_, type_, limit))
    return [Event(*row) for row in rows]


def events_of_keys(database: sqlite3.Connection, of: Stream, keys: Sequence[str], most: int = 64) -> list[Event]:
    """Return the events of some orders, at most so many of each, in order."""
    query = f"{_EVENT_BY_KEY} WHERE stream = ? AND key = ? ORDER BY seq LIMIT ?"
    found = [Event(*row) for key in keys for row in database.execute(query, (of.id, key, most))]
    return sorted(found)


def metas(database: sqlite3.Connection) -> list[Meta]:
    """Return what the runs say of themselves, those that are in order."""
    query = "SELECT subject, body FROM documents WHERE kind = 'run' AND problem = ''"
    read = [read_meta(body, subject) for subject, body in database.execute(query)]
    return [one for one in read if isinstance(one, Meta)]


def meta(database: sqlite3.Connection, run_id: str) -> Meta | None:
    """Return what one run says of itself, or None if there is no such run."""
    query = "SELECT body FROM documents WHERE kind = 'run' AND subject = ? AND problem = ''"
    row = database.execute(query, (run_id,)).fetchone()
    read = read_meta(row[0], run_id) if row else None
    return read if isinstance(read, Meta) else None


def sessions(database: sqlite3.Connection) -> list[tuple[Session, str]]:
    """Return the sessions of the registry that are in order, each with the path of its report."""
    query = "SELECT body, path FROM documents WHERE kind = 'session' AND problem = ''"
    read = [(read_session(body), path) for body, path in database.execute(query)]
    return [(one, path) for one, path in read if isinstance(one, Session)]


def broken_documents(database: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return (path, what is wrong) of the documents that are not in order."""
    return list(database.execute("SELECT path, problem FROM documents WHERE problem <> '' ORDER BY path"))


def unread_tables(database: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Return for each run with files that cannot be read as tables, what is wrong with each."""
    query = "SELECT subject, path, problem FROM documents WHERE kind = 'table' AND problem <> '' ORDER BY path"
    found: dict[str, tuple[str, ...]] = {}
    for subject, path, problem in database.execute(query):
        found[subject] = (*found.get(subject, ()), f"{path.rpartition('/')[2]} {problem}")
    return found


def files(database: sqlite3.Connection, limit: int = 200) -> list[FileState]:
    """Return what was read of the files, those read last first."""
    query = "SELECT path, lines, refused, passed_over, bytes, read_at FROM files ORDER BY read_at DESC LIMIT ?"
    return [FileState(*row) for row in database.execute(query, (limit,))]


def files_total(database: sqlite3.Connection) -> dict[str, int]:
    """Return how much was read of all files together, by the names of FileState."""
    names = ("lines", "refused", "passed_over", "bytes")
    sums = database.execute(f"SELECT {', '.join(f'coalesce(sum({name}), 0)' for name in names)} FROM files").fetchone()
    return dict(zip(names, sums, strict=True))


def offsets(database: sqlite3.Connection, limit: int) -> dict[str, int]:
    """Return how many bytes were read of the first files by path."""
    return dict(database.execute("SELECT path, bytes FROM files ORDER BY path LIMIT ?", (limit,)))


def is_file(database: sqlite3.Connection, path: str) -> bool:
    """Whether anything was read of a file."""
    return database.execute("SELECT 1 FROM files WHERE path = ?", (path,)).fetchone() is not None


def refusals(database: sqlite3.Connection, limit: int = 50) -> list[Refusal]:
    """Return the lines refused last, newest first."""
    query = (
        "SELECT path, start, reason, at FROM refusals JOIN files ON files.id = file ORDER BY refusals.id DESC LIMIT ?"
    )
    return [Refusal(*row) for row in database.execute(query, (limit,))]


def refused_total(database: sqlite3.Connection, pattern: str = "*") -> int:
    """Return how many lines of files were refused; `pattern` is a GLOB over their paths."""
    query = "SELECT coalesce(sum(refused), 0) FROM files WHERE path GLOB ?"
    (number,) = database.execute(query, (pattern,)).fetchone()
    return int(number)


def sessions_count(database: sqlite3.Connection) -> int:
    """Return how many sessions of the registry are in order."""
    (number,) = database.execute("SELECT count(*) FROM documents WHERE kind = 'session' AND problem = ''").fetchone()
    return int(number)


def newest_event(database: sqlite3.Connection) -> int | None:
    """Return the time of the newest event there is (nanoseconds)."""
    (at,) = database.execute("SELECT max(last_at) FROM streams").fetchone()
    return at if isinstance(at, int) else None


def reasons(database: sqlite3.Connection) -> list[tuple[str, int]]:
    """Return for each reason how many lines were refused for it, most first."""
    query = "SELECT reason, sum(number) FROM reasons GROUP BY reason ORDER BY 2 DESC, 1"
    return list(database.execute(query))


def lines_kept(database: sqlite3.Connection) -> int:
    """Return how many lines stand in the index."""
    (events,) = database.execute("SELECT coalesce(sum(next), 0) FROM streams").fetchone()
    return int(events)
