"""Every contract loads: shape, names, patterns, budgets, ports, jobs.

The loader's own checks, so that `contract lint` alone says everything. While a contract does not load, only the areas
`contract` and `files` are checked: all its metrics would count as unknown.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield the loader's faults."""
    yield from tree.contract_faults
