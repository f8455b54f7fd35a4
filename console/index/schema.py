"""The tables of the index. A stream is all lines of one kind about one subject; `seq` counts from 0 in each.

In: nothing. Out: SQL. `events` holds a row per line; `blocks` holds many steps of one run in one row, as they stand in
the file. Both know file and byte offset, so that the raw line can be shown.
"""

__all__ = ["TABLES", "VERSION"]

VERSION = 1
"""Written into the file; an index of another version is begun anew, as everything in it can be read again."""

TABLES = """
CREATE TABLE positions (kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE files (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE, header TEXT, lines INT DEFAULT 0, refused INT DEFAULT 0,
    passed_over INT DEFAULT 0, bytes INT DEFAULT 0, read_at REAL);
CREATE TABLE streams (
    id INTEGER PRIMARY KEY, kind TEXT, subject TEXT, next INT, first_at INT, last_at INT, tally BLOB, curve BLOB,
    UNIQUE (kind, subject));
CREATE INDEX streams_by_time ON streams (kind, last_at);
CREATE TABLE events (
    stream INT, seq INT, at INT, type TEXT, key TEXT, file INT, start INT, raw BLOB,
    PRIMARY KEY (stream, seq)) WITHOUT ROWID;
CREATE INDEX events_by_key ON events (stream, key) WHERE key IS NOT NULL;
CREATE TABLE outcomes (stream INT, key TEXT, outcome INT, PRIMARY KEY (stream, key)) WITHOUT ROWID;
CREATE TABLE blocks (
    stream INT, first INT, number INT, file INT, places TEXT, header TEXT, data BLOB,
    PRIMARY KEY (stream, first)) WITHOUT ROWID;
CREATE TABLE documents (path TEXT PRIMARY KEY, kind TEXT, subject TEXT, mark TEXT, body BLOB, problem TEXT);
CREATE INDEX documents_by_subject ON documents (kind, subject);
CREATE TABLE refusals (id INTEGER PRIMARY KEY, file INT, start INT, reason TEXT, at REAL);
CREATE TABLE reasons (file INT, reason TEXT, number INT, PRIMARY KEY (file, reason)) WITHOUT ROWID;
"""
