"""A template uses labels the alert still has: `{{ $labels.x }}` survives the expression.

Static labels of the rule are not in $labels. A label that was aggregated away prints as nothing, in the one message
that has to be clear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.infer import infer

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_LABEL = re.compile(r"\$labels\.(\w+)")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield templates with unknown labels or open braces."""
    for rule in tree.rules:
        expr = rule.query.tree
        sure = infer(expr, tree.catalog).sure if expr is not None else None
        for name, spot in (*rule.annotations.items(), *rule.labels.items()):
            where = f"alert {rule.name}: {name}"
            if spot.text.count("{{") != spot.text.count("}}"):
                problem = "has a template that is not closed (got unequal {{ and }}); close it"
                yield rule.place.at(spot.line), f"{where} {problem}"
            for label in dict.fromkeys(_LABEL.findall(spot.text)):
                if sure is not None and label not in sure:
                    have = ", ".join(sorted(sure)) or "none"
                    problem = f"uses the label {quote(label)}, which not every result has (expected one of {have})"
                    yield rule.place.at(spot.line), f"{where} {problem}; keep it in the expression or drop it here"
