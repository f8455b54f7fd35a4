"""Events in, updates out: the contract's rules, run once per distinct signature instead of once per event.

Promise: an event is applied whole or refused whole, whatever shares its batch, and nothing but the contract and the
event decides what it does. `translate` is the stage's door; `planner` turns a signature into a `plan`, `plan_cache`
remembers plans, `readers` reads single fields, `cardinality` keeps names beyond their cap out of signatures.
"""
