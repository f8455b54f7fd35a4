"""Docs mention only alerts that exist: in code and in headings, names that begin as our alerts do.

A runbook is found by the name of its alert; one that was renamed leads its reader nowhere. A name is taken for that of
an alert if it is `PREFIX_CamelCase` with the prefix of an alert there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity, remedy_for
from contracts.lint.inputs.pages import Page
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_NAME = re.compile(
    r"(?<![\w$-])([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)_([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)(?!\w|\.\w|\*|\.\.\.)"
)
_HEADING = re.compile(r"#{1,6}\s")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield names of alerts nobody defines."""
    alerts = {rule.name for rule in tree.rules if rule.is_alert}
    prefixes = {found[1] for name in alerts if (found := _NAME.fullmatch(name))}
    for page in tree.pages if prefixes else ():
        for line, text in _places(page):
            for prefix, rest in dict.fromkeys(_NAME.findall(text)):
                name = f"{prefix}_{rest}"
                if prefix in prefixes and name not in alerts and not tree.settings.is_foreign_alert(name):
                    yield Place(page.file, line), f"no alert is named {quote(name)}; {remedy_for(name, alerts)}"


def _places(page: Page) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of code and of headings, what looks like one in code included."""
    yield from page.code()
    for number, line in enumerate(page.text.splitlines(), 1):
        if _HEADING.match(line) and "`" not in line:
            yield number, line
