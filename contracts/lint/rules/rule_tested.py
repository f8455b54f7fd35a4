"""Every alert has a firing and a silent case in the rule tests, and every case names an alert that exists.

An alert that asks no series always fires, as a dead man's switch must; it has no silent case.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield alerts without a case, and cases without an alert."""
    tested = {(test.alert, test.fires) for test in tree.alert_tests}
    alerts = {rule.name for rule in tree.rules if rule.is_alert}
    for rule in tree.rules:
        for fires, word in ((True, "firing"), (False, "silent")):
            can_be_so = fires or any(rule.query.selectors())
            if rule.is_alert and can_be_so and (rule.name, fires) not in tested:
                yield rule.place, f"alert {rule.name}: no test of promtool shows it {word}; add one"
    first = {test.alert: test.place for test in reversed(tree.alert_tests)}
    for name in sorted(first.keys() - alerts):
        if not tree.settings.is_foreign_alert(name):
            yield first[name], f"the test names no alert (got {name}); correct or delete it"
