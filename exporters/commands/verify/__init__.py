"""The operator's check of a running stack: Prometheus, its targets and rules, the exporters' promises, Grafana.

In: addresses, contracts, rule files, dashboards. Out: findings, one line each, and a verdict. It only asks, never
changes anything, and shares no code with the engine whose promises it checks.
"""
