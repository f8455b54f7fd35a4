"""Checks every consumer of the contracts - Prometheus, Grafana, docs - against what the contracts promise, offline.

In: a checkout. Out: findings with file, line and remedy. `tree` reads, `rules/` judge (one file each, its docstring is
its documentation), `check` runs them and honours inline exceptions, `report` prints. Rules never print; nothing here
asks a network.
"""
