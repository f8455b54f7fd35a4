"""Help is a sentence for the person paged: a capital or a figure first, a full stop last, more than the name again."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_LONGEST = 160
"""Characters; a tooltip in Grafana shows about two lines of 80."""


def check(tree: Tree) -> Iterator[Claim]:
    """Yield helps that are no sentence."""
    for contract in tree.contracts:
        for metric in contract.metrics:
            for problem in _problems(metric.name, metric.help):
                yield tree.place_of(contract, metric), f"the help of {metric.name} {problem}"


def _problems(name: str, text: str) -> Iterator[str]:
    if not (text[:1].isupper() or text[:1].isdigit()) or not text.endswith("."):
        yield f"is no sentence (got {quote(text)}); begin with a capital, end with a full stop"
    if len(text) > _LONGEST:
        yield f"is too long (got {len(text)} characters, expected {_LONGEST}); shorten it"
    if _letters(text) in (_letters(name), _letters(name.partition("_")[2])):
        yield "only repeats its name; say what it means"


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalpha())
