"""Every alert has a firing and a silent case in prometheus/rule_tests, and every case names an alert that exists.

An alert that asks no series always fires, as a dead man's switch must; it has no silent case.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_FOLDER = "prometheus/rule_tests"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield alerts without a case, and cases without an alert."""
    tested = {(test.alert, test.fires) for test in tree.alert_tests}
    alerts = {rule.name for rule in tree.rules if rule.is_alert}
    for rule in tree.rules:
        for fires, word in ((True, "firing"), (False, "silent")):
            can_be_so = fires or any(rule.query.selectors())
            if rule.is_alert and can_be_so and (rule.name, fires) not in tested:
                yield rule.place, f"alert {rule.name}: no test in {_FOLDER} shows it {word}; add one"
    for name in sorted({name for name, _ in tested} - alerts):
        file = next((file for file, text in tree.texts.items() if file.startswith(_FOLDER) and name in text), _FOLDER)
        yield Place(file, _line(tree, file, name)), f"the test names no alert (got {name}); correct or delete it"


def _line(tree: Tree, file: str, name: str) -> int:
    lines = tree.texts.get(file, "").splitlines()
    return next((number for number, line in enumerate(lines, 1) if name in line), 1)
