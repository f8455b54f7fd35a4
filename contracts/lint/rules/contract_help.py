"""Help is a sentence for the person paged: a capital (or a figure) first, a full stop last, more than the name again."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_LONGEST = 160
"""Characters; a tooltip in Grafana shows about two lines of 80."""


def check(tree: Tree) -> Iterator[Claim]:
    """Yield helps that are no sentence."""
    for contract in tree.contracts:
        for metric in contract.metrics:
            text = metric.help
            if not (text[:1].isupper() or text[:1].isdigit()) or not text.endswith("."):
                problem = f"the help of {metric.name} is no sentence (got {quote(text)}); begin with a capital, end with a full stop"
                yield tree.place_of(contract, metric), problem
            if len(text) > _LONGEST:
                problem = f"the help of {metric.name} is too long (got {len(text)} characters, expected {_LONGEST}); shorten it"
                yield tree.place_of(contract, metric), problem
            if _letters(text) in (_letters(metric.name), _letters(metric.name.partition("_")[2])):
                yield tree.place_of(contract, metric), f"the help of {metric.name} only repeats its name; say what it means"


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalpha())
