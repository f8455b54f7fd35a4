"""What has been read, kept in SQLite: positions and rows in one commit, so that nothing is read twice or lost.

`store` is the file, `schema` its tables, `ingest` puts batches of lines into it, `tally` says what is kept of a stream
as a whole, `documents` keeps what is no log (meta.json, the session registry), `index` brings all of it up to date, and
`queries` asks. A stream is all lines of one kind about one subject; a line's position in it never changes.
"""

__all__: list[str] = []
