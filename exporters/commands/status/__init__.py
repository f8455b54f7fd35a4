"""`peaktrade status`: how things stand, once, without touching anything.

In: metrics pages, event files, the environment and, if asked, a Prometheus. Out: a report and an exit code. `files` and
`pages` read, `collect` puts together and judges, `report` says.
"""

__all__: list[str] = []
