"""Events in, updates out: the contract's rules, run once per distinct signature instead of once per event.

Promise: an event is applied whole or refused whole, whatever shares its batch, and nothing but the contract and the
event decides what it does. `translate` is the stage's door; `planner` turns a signature into a `plan`, `plan_cache`
remembers plans, `texts` keeps signatures few, `effects` runs plans, `columns` reads with `measures`, `times`,
`one_day` and `clocks` what single events hold, `parts` has lines and what `elements` finds inside them go the same way.
"""
