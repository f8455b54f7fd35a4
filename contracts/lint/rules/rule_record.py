"""A recording is named `level:metric:operation`, and the level names the labels that are left.

Source: prometheus.io/docs/practices/rules. `mode_edge:x:p95_rate5m` has the labels mode and edge; a name that says
otherwise misleads every query built on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity, listed
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_NAME = re.compile(r"[a-z_][a-z0-9_]*:[a-z][a-z0-9_]*:[a-z][a-z0-9_]*")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield recordings with another form of name."""
    for rule in tree.rules:
        if rule.is_alert:
            continue
        if not _NAME.fullmatch(rule.name):
            problem = f"the recording {quote(rule.name)} is not named level:metric:operation"
            yield rule.place, f"{problem}; rename it, such as mode:peak_trade_risk_blocks:rate5m"
            continue
        level = rule.name.partition(":")[0]
        series = tree.catalog.series[rule.name]
        if series.takes_any_label:
            continue
        if _parts(level) != _parts("_".join(series.labels)):
            have = listed(series.labels)
            yield rule.place, f"the level of {quote(rule.name)} is not its labels (got {level}, has {have}); rename it"


def _parts(level: str) -> list[str]:
    """Return the words of a level, in order; an instance implies its job, `all` stands for no label."""
    words = {word for word in level.split("_") if word not in ("", "all")}
    return sorted(words - {"job"} if "instance" in words else words)
