"""Who is told is decided by alerts and severities there are: matchers of Alertmanager's routes and inhibitions.

A route for `severity="critical"` where alerts say `page` tells nobody, and nothing in Alertmanager can know. Values of
`alertname` and `severity` are compared with the alerts of the rules; each alternative of a pattern takes at least one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from contracts.compiler.document import Spot, quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.syntax import alternatives, matches

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_MATCHER = re.compile(r"^\s*\{?\s*\"?(\w+)\"?\s*(=~|!~|!=|=)\s*\"?(.*?)\"?\s*\}?\s*$")
_LISTS = ("matchers", "source_matchers", "target_matchers")
_MAPPINGS = {"match": "=", "match_re": "=~", "source_match": "=", "target_match": "="}


def check(tree: Tree) -> Iterator[Claim]:
    """Yield matchers that take no alert."""
    alerts = [rule for rule in tree.rules if rule.is_alert]
    severities = {rule.labels["severity"].text for rule in alerts if "severity" in rule.labels}
    known = {"alertname": {rule.name for rule in alerts}, "severity": severities | set(tree.settings.severities)}
    for file, document in tree.routes if alerts else ():
        for line, label, operator, value in _matchers(document):
            wrong = _wrong(operator, value, known.get(label, set()))
            if label in known and wrong and not tree.settings.is_foreign_alert(wrong):
                problem = f"no alert has {label} {quote(wrong)} (expected one of {_shown(known, label)})"
                yield Place(file, line), f"{problem}; correct the matcher"


def _wrong(operator: str, value: str, known: set[str]) -> str:
    """Return the value, or the alternative of a pattern, that takes none of what is known."""
    if operator in ("=", "!="):
        return "" if value in known else value
    return next((one for one in alternatives(value) if not any(matches(one, name) for name in known)), "")


def _shown(known: Mapping[str, set[str]], label: str) -> str:
    return ", ".join(sorted(known[label]))


def _matchers(spot: Spot) -> Iterator[tuple[int, str, str, str]]:
    """Yield (line, label, operator, value) of every matcher below."""
    for key, inner in spot.items():
        if key in _LISTS:
            for one in inner.elements():
                found = _MATCHER.match(one.text)
                if found:
                    yield one.line, found[1], found[2], found[3]
        elif key in _MAPPINGS:
            yield from ((one.line, label, _MAPPINGS[key], one.text) for label, one in inner.items())
        else:
            yield from _matchers(inner)
    for inner in spot.elements():
        yield from _matchers(inner)
