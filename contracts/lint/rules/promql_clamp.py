"""A guard against zero does not change the result: its floor is far below any real value.

`clamp_min(rate, 1)` as a denominator makes every rate below one event per second look healthier than it is. The floor
of a rate is at most 1e-3 per second, that of a count at most 1. Source: W-49 of the fact sheet.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.infer import infer
from contracts.lint.promql.syntax import number_of, operator_of, strip

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_RATE_FLOOR = 1e-3
_COUNT_FLOOR = 1.0


def check(tree: Tree) -> Iterator[Claim]:
    """Yield denominators whose floor is too high."""
    for query in tree.queries:
        for node in query.nodes() if not query.is_asked_by_hand else ():
            if operator_of(node) != "/":
                continue
            divisor = strip(node.rhs)
            if operator_of(divisor) != "clamp_min":
                continue
            unit, floor = infer(divisor.args[0], tree.catalog).unit, number_of(divisor.args[1])
            is_rate = unit is not None and unit.dimension.endswith("/s")
            most = _RATE_FLOOR if is_rate else _COUNT_FLOOR
            if unit is not None and floor is not None and floor > most:
                problem = f"the floor of the denominator changes the result (got {floor:g}, expected at most {most:g})"
                yield query.place, f"{query.owner}: {problem}; write 1e-9"
