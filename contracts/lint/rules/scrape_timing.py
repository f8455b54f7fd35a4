"""Scrapes end before the next begins, and come often enough: the timeout is not above the interval, the interval short.

Five minutes after its last sample Prometheus takes a series for gone. An interval above half of that makes every panel
and every alert on it come and go with one late scrape. Source: `--query.lookback-delta`, 5m unless stated.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_LOOKBACK_S = 300.0


def check(tree: Tree) -> Iterator[Claim]:
    """Yield jobs whose timeout or interval is too long."""
    for scrape in tree.scrapes:
        for job in scrape.jobs:
            if job.timeout_s > job.interval_s:
                problem = f"the timeout of {quote(job.name)} is above its interval (got {job.timeout_s:g}s, expected"
                yield job.place, f"{problem} at most {job.interval_s:g}s); lower scrape_timeout"
            if job.interval_s * 2 > _LOOKBACK_S:
                got = f"got {job.interval_s:g}s, expected at most {_LOOKBACK_S / 2:g}s"
                problem = f"the interval of {quote(job.name)} is so long that its series come and go ({got})"
                yield job.place, f"{problem}; shorten scrape_interval"
