"""What has been read, kept in SQLite: positions and rows in one commit, so that nothing is read twice or lost.

`store` is the file, `schema` its tables, `ingest` puts batches of lines into it, `tally` says what is kept of a stream
as a whole, `documents` keeps what is no log (meta.json, the session registry), `turns` spreads the looks at what rests,
`index` brings all of it up to date. `queries` and `step_queries` ask, `held` keeps what was asked until a commit
changes it. A stream is all lines of one kind about one subject; a line's position in it never changes.
"""

__all__: list[str] = []
