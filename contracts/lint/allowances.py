"""Inline exceptions: `# lint: allow area/name: reason`, each with the line it stands for.

In: the texts of a tree. Out: `Allowance`s. In YAML the comment stands on the line it excuses or right before it; in
Markdown it is an HTML comment right before; in a dashboard it is a PromQL comment in an expression of the panel, and
stands for that panel. The rule lint/exception reports an exception without a reason, of no known rule, or without use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.lint.finding import Place
from contracts.lint.inputs.pages import PAGE_ALLOWANCE
from contracts.lint.inputs.tree import Tree
from contracts.lint.promql.syntax import ALLOWANCE

__all__ = ["Allowance", "read_allowances"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """One exception: where it stands, the line it stands for, the rule, the reason if one is given."""

    place: Place
    covers: int
    id: str
    reason: str | None


def read_allowances(tree: Tree) -> list[Allowance]:
    """Return every exception of a tree."""
    found: list[Allowance] = []
    for file, text in tree.texts.items():
        if file.endswith((".yaml", ".yml")):
            found += _in_text(file, text, ALLOWANCE)
        elif file.endswith(".md"):
            found += _in_text(file, text, PAGE_ALLOWANCE)
    for query in tree.queries:
        if query.place.file.endswith(".json"):
            for match in ALLOWANCE.finditer(query.text):
                place = Place(query.place.file, query.place.line)
                found.append(Allowance(place, place.line, match["id"], match["reason"]))
    return found


def _in_text(file: str, text: str, pattern: re.Pattern[str]) -> Iterator[Allowance]:
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        match = pattern.search(line)
        if match:
            covers = number if line[: match.start()].strip() else _next_line(lines, number)
            yield Allowance(Place(file, number), covers, match["id"], match["reason"])


def _next_line(lines: list[str], number: int) -> int:
    """Return the number of the next line that is neither empty nor a comment."""
    for later, line in enumerate(lines[number:], number + 1):
        if line.strip() and not line.lstrip().startswith(("#", "<!--")):
            return later
    return number
