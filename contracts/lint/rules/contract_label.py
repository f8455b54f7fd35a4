"""Labels are closed and harmless: no ids, no secrets, `run_id` and `symbol` only where that was decided.

Ids that have one value per order and secrets are refused by the loader already; here stand the exceptions that were
decided, as a table, and names that say nothing. Source: seed 000 section 2.2; K-01, K-02; 0. of the fact sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SANCTIONED", "SEVERITY", "check"]

SEVERITY: Severity = "error"

SANCTIONED: Mapping[str, tuple[str, ...]] = {
    "run_id": ("peaktrade_ai_",),
    "symbol": ("peaktrade_signals_", "peaktrade_orders_"),
    "strategy_id": ("peaktrade_signals_", "peaktrade_orders_", "peaktrade_strategy_"),
    "limit_id": ("peaktrade_risk_",),
}
"""Label or word -> prefixes of the metrics that may carry it; any other id, user or account may be on none."""

_ENDINGS = ("_id", "_uuid", "_key", "_secret", "_token", "_account", "_user", "_email", "_ip")
_EMPTY = ("type", "name", "value", "label", "data", "key", "id")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield labels that were not decided."""
    for contract in tree.contracts:
        for metric in contract.metrics:
            for label, word in metric.labels.items():
                problem = _problem(metric.name, label, word)
                if problem:
                    yield tree.place_of(contract, metric), problem


def _problem(metric: str, label: str, word: str) -> str:
    if label in _EMPTY:
        return f"the label {quote(label)} of {metric} says nothing; name what it holds"
    for name in (label, word):
        allowed = SANCTIONED.get(name, ())
        if (name in SANCTIONED or name.endswith(_ENDINGS)) and not metric.startswith(allowed):
            where = f"only on {', '.join(prefix + '*' for prefix in allowed)}" if allowed else "on no metric"
            return f"the label {quote(name)} of {metric} was not decided (allowed {where}); drop it"
    return ""
