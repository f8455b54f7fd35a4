"""Scrapes end before the next begins: the timeout is not above the interval."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield jobs whose timeout is too long."""
    for scrape in tree.scrapes:
        for job in scrape.jobs:
            if job.timeout_s > job.interval_s:
                problem = f"the timeout of {quote(job.name)} is above its interval (got {job.timeout_s:g}s, expected"
                yield job.place, f"{problem} at most {job.interval_s:g}s); lower scrape_timeout"
