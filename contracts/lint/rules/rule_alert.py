"""Every alert says who is to act, what is wrong and what to do: severity, summary, description, runbook_url.

Names are CamelCase words joined by `_`, severities those the operator routes by; `none` is for an alert that always
fires, the dead man's switch. Source: 6.1 of the fact sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.rule_files import Rule
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_ANNOTATIONS = ("summary", "description", "runbook_url")
_NAME = re.compile(r"[A-Z][A-Za-z0-9]*(_[A-Z][A-Za-z0-9]*)*(_[A-Z][A-Za-z0-9]*)?")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield alerts that leave something out."""
    for rule in tree.rules:
        if rule.is_alert:
            for problem in _problems(rule, tree.settings.severities):
                yield rule.place, f"alert {rule.name}: {problem}"


def _problems(rule: Rule, severities: tuple[str, ...]) -> Iterator[str]:
    if not _NAME.fullmatch(rule.name):
        yield f"the name is not in CamelCase (got {quote(rule.name)}); rename it"
    severity = rule.labels.get("severity")
    if severity is None or severity.text not in severities:
        got = quote(severity.text) if severity is not None else "none"
        yield f"the severity is not one to route by (got {got}, expected one of {', '.join(severities)}); set it"
    for name in _ANNOTATIONS:
        if name not in rule.annotations or not rule.annotations[name].text.strip():
            yield f"the annotation {name} is missing; write it"
