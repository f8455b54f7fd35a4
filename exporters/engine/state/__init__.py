"""Rows on disk: one transaction per commit, proved by digests, and kept through the days on which the disk says no.

Promise: a state is either the last commit, whole, or it is set aside and said to be damaged; it is never half of one.
`keeper` is the stage's door; `store` is one SQLite file (`database`, `rows`), `stored` says what each kind of row
holds, `readonly` reads a state that another process writes.
"""
