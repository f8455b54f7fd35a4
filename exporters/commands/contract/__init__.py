"""What of `peaktrade contract` reads events: `test`, `check --on` and `new`; the rest of that group is `contracts.cli`.

In: contracts and event files. Out: reports, and exit codes. Nothing is served and no state is kept. `cases`, `samples`
and `cases_report` are `test`.
"""

__all__: list[str] = []
