"""Runs the rules over a tree and honours inline exceptions.

In: a tree. Out: findings. The rules are found by their files: `rules/<area>_<name>.py` is the rule `area/name`,
a module with a docstring, a SEVERITY and a function `check(tree)` that yields claims.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from contracts.compiler.document import show
from contracts.lint import rules
from contracts.lint.allowances import Allowance, read_allowances
from contracts.lint.finding import Claim, Finding, Place, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["EXCEPTION_RULE", "RuleModule", "check", "find_rules"]

EXCEPTION_RULE = "lint/exception"
"""Reports exceptions that say no reason, name no rule or excuse nothing."""

_NO_RULE = "the exception names no rule (got {}); use an id `peaktrade contract lint --list` shows"


@dataclass(frozen=True, slots=True)
class RuleModule:
    """One rule: its id, how bad its findings are, its documentation, and the check itself."""

    id: str
    severity: Severity
    doc: str
    check: Callable[[Tree], Iterator[Claim]]


@cache
def find_rules() -> tuple[RuleModule, ...]:
    """Return every rule, by id."""
    found = []
    for info in iter_modules(rules.__path__):
        module = import_module(f"{rules.__name__}.{info.name}")
        area, _, name = info.name.partition("_")
        found.append(RuleModule(f"{area}/{name}", module.SEVERITY, str(module.__doc__), module.check))
    return tuple(sorted(found, key=lambda rule: rule.id))


def check(tree: Tree, only: Sequence[str] = ()) -> list[Finding]:
    """Return the findings of all rules (or of `only` some), inline exceptions applied, in file order."""
    everything = not only or EXCEPTION_RULE in only  # whether an exception is of use, only all rules can tell
    off = tree.settings.off
    chosen = [
        rule for rule in find_rules() if (everything or rule.id in only) and _can_run(rule, tree) and rule.id not in off
    ]
    found = [
        Finding(place, rule.id, rule.severity, message) for rule in chosen for place, message in _claims(rule, tree)
    ]
    allowances = read_allowances(tree)
    used: set[Allowance] = set()
    kept: list[Finding] = []
    for finding in dict.fromkeys(found):
        excuses = [allowance for allowance in allowances if _excuses(allowance, finding)]
        used.update(excuses)
        if not excuses:
            kept.append(finding)
    if tree.is_whole and everything:
        kept += _judge([one for one in allowances if one.id not in off], used)
    unknown = set(off) - {rule.id for rule in find_rules()} - {EXCEPTION_RULE}
    kept += [
        Finding(Place(tree.settings.file, 1), EXCEPTION_RULE, "error", _NO_RULE.format(repr(name)))
        for name in sorted(unknown)
    ]
    return sorted(finding for finding in kept if not only or finding.id in only)


def _claims(rule: RuleModule, tree: Tree) -> Iterator[Claim]:
    """Yield what a rule claims; one that fails says so, and does not keep the others from speaking."""
    try:
        yield from rule.check(tree)
    except Exception as error:  # noqa: BLE001  # whatever stands in somebody's files
        got = f"{type(error).__name__}: {show(str(error))}"
        yield Place(".", 1), f"this rule failed here and judges nothing ({got}); report that with the files, please"


def _can_run(rule: RuleModule, tree: Tree) -> bool:
    """While a contract does not load, rules about its consumers would call all of them wrong."""
    return tree.is_whole or rule.id.startswith(("contract/", "files/"))


def _excuses(allowance: Allowance, finding: Finding) -> bool:
    same = allowance.id == finding.id and allowance.place.file == finding.place.file
    return same and bool(allowance.reason) and finding.place.covers(allowance.covers)


def _judge(allowances: Sequence[Allowance], used: set[Allowance]) -> Iterator[Finding]:
    known = {rule.id for rule in find_rules()}
    for allowance in allowances:
        if allowance.id not in known:
            problem = _NO_RULE.format(repr(allowance.id))
        elif not allowance.reason:
            problem = f"the exception from {allowance.id} gives no reason; add one after a colon"
        elif allowance not in used:
            problem = f"the exception from {allowance.id} excuses nothing here; delete it"
        else:
            continue
        yield Finding(allowance.place, EXCEPTION_RULE, "error", problem)
