"""What of `peaktrade contract` reads events: `test`, `check --on` and `new`; the rest of that group is `contracts.cli`.

In: contracts and event files. Out: reports, and exit codes. Nothing is served and no state is kept. `test` is `cases`,
`run_case`, `samples`, `junit`. `check --on` is `survey` (with `probe`, `inside`, `fields`), then `findings` with
`word_causes` and `metric_causes`, printed by `report`; `shown` says how much of a value is shown. `new` is `guess` (of
what `fields` says), then `draft`; `inputs` reads.
"""

__all__: list[str] = []
