"""An alert keeps `job` and `instance`, or says that it speaks of the whole fleet.

What is summed over hosts hides the host that is ill behind those that are well: a sum that is not 0 says nothing of the
one that died, and whoever is paged does not learn where to go. An alert that is meant for all hosts together says so in
its summary or description, in the words "whole fleet". What asks no series, such as `vector(1)`, is about everything.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.lint.finding import Claim, Severity, listed
from contracts.lint.inputs.rule_files import Rule
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.infer import infer

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_FLEET = "whole fleet"
_TARGET = frozenset({"job", "instance"})


def check(tree: Tree) -> Iterator[Claim]:
    """Yield alerts that lose the target they speak of."""
    for rule in tree.rules:
        if not rule.is_alert or not any(rule.query.selectors()) or _is_for_all(rule):
            continue
        labels = infer(rule.query.tree, tree.catalog).labels
        if labels is not None and not labels >= _TARGET:
            have = listed(labels)
            problem = f"alert {rule.name}: loses job and instance, so that one host hides another (has {have})"
            yield rule.place, f'{problem}; aggregate by (job, instance, ...), or say "{_FLEET}" in its summary'


def _is_for_all(rule: Rule) -> bool:
    texts = [rule.annotations[name].text for name in ("summary", "description") if name in rule.annotations]
    return any(_FLEET in " ".join(text.split()) for text in texts)
