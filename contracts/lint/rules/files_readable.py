"""Every linted file is well-formed: UTF-8, YAML without double keys, JSON without double keys.

A file that cannot be read is not checked any further, so this comes before all else.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield the faults met while reading."""
    yield from tree.faults
