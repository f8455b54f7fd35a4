"""A template uses labels the alert still has: `{{ $labels.x }}` survives the expression.

Static labels of the rule are not in $labels. A label that was aggregated away prints as nothing, in the one message
that has to be clear. A label that only some results have is asked for first: `{{ if $labels.x }}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity, listed
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.infer import Labels, Value, infer

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_LABEL = re.compile(r"\$labels\.(\w+)")
_ASKED_FOR = re.compile(r"\{\{-?\s*if\s+\$labels\.(\w+)\s*-?\}\}")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield templates with unknown labels or open braces."""
    for rule in tree.rules:
        expr = rule.query.tree
        value = infer(expr, tree.catalog) if expr is not None else Value()
        for name, spot in (*rule.annotations.items(), *rule.labels.items()):
            where = f"alert {rule.name}: {name}"
            if spot.text.count("{{") != spot.text.count("}}"):
                problem = "has a template that is not closed (got unequal {{ and }}); close it"
                yield rule.place.at(spot.line), f"{where} {problem}"
            there = _there(value, spot.text)
            for label in dict.fromkeys(_LABEL.findall(spot.text)):
                if there is not None and label not in there:
                    have = listed(there)
                    problem = f"uses the label {quote(label)}, which not every result has (expected one of {have})"
                    yield rule.place.at(spot.line), f"{where} {problem}; keep it in the expression or drop it here"


def _there(value: Value, text: str) -> Labels:
    """Return the labels every result has, and those some have that the text asks for before it shows them."""
    if value.sure is None or value.labels is None:
        return None
    return value.sure | (value.labels & frozenset(_ASKED_FOR.findall(text)))
