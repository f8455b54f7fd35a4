"""Worst-case series are known: a budget says what a metric can reach, no more, and an exporter stays within a scrape.

A budget below the worst case is refused by the loader; one above it would hide the next label somebody adds. The total
counts samples, as a histogram takes one per bucket.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["MAX_SAMPLES", "SEVERITY", "check"]

SEVERITY: Severity = "error"

MAX_SAMPLES = 10_000
"""Samples of one exporter. Source: design section 8, a scrape of 10,000 series in at most 150 ms."""


def check(tree: Tree) -> Iterator[Claim]:
    """Yield budgets that are no bound, and exporters that are too large."""
    for contract in tree.contracts:
        total = 0
        for metric in contract.metrics:
            worst = contract.worst_case_series(metric)
            total += worst * (len(metric.buckets) + 3 if metric.type == "histogram" else 1)
            if metric.budget > worst:
                got = f"got {metric.budget}, expected {worst}"
                problem = f"the budget of {metric.name} is above what it can reach ({got}); lower it"
                yield tree.place_of(contract, metric), problem
        if total > MAX_SAMPLES:
            got = f"got {total} samples, expected at most {MAX_SAMPLES}"
            problem = f"{contract.name} can become too large ({got}); drop a label or shorten a list"
            yield tree.place_of(contract), problem
