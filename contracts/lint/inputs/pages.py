"""Markdown pages as the lint sees them: code, queries, links and headings.

In: text. Out: a `Page`. Prose is never judged; only what stands in code (backticks or a fence) and in links is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.lint.finding import Place
from contracts.lint.promql.query import Query

__all__ = ["PAGE_ALLOWANCE", "Page", "slug"]

PAGE_ALLOWANCE = re.compile(
    r"^\s*<!--\s*lint:\s*allow\s+(?P<id>[\w/-]*)\s*(?::\s*(?P<reason>.*?))?\s*-->\s*$", re.MULTILINE
)
"""An inline exception in Markdown, on a line of its own: `<!-- lint: allow area/name: reason -->`."""

_ASKED = re.compile(r"promtool query (?:instant|range)(?: --?\S+)* \S+ '([^']+)'")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file."""

    file: str
    text: str

    def code(self) -> Iterator[tuple[int, str]]:
        """Yield (line, text) of everything in backticks or fences."""
        fenced = False
        for number, line in enumerate(self.text.splitlines(), 1):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            elif fenced:
                yield number, line
            else:
                yield from ((number, code) for code in re.findall(r"`([^`]+)`", line))

    def queries(self) -> Iterator[Query]:
        """Yield the expressions the page tells its reader to ask: `promtool query instant URL 'EXPRESSION'`."""
        for number, line in self.code():
            for text in _ASKED.findall(line) if "..." not in line else ():
                yield Query(text, Place(self.file, number), "page", "page")

    def links(self) -> Iterator[tuple[int, str]]:
        """Yield (line, target) of every link outside of code."""
        fenced = False
        for number, line in enumerate(self.text.splitlines(), 1):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            elif not fenced:
                yield from ((number, target) for target in _LINK.findall(re.sub(r"`[^`]*`", "", line)))

    def anchors(self) -> set[str]:
        """Return the anchor of every heading, doubles numbered as on GitHub."""
        found: set[str] = set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", self.text))
        fenced = False
        for line in self.text.splitlines():
            fenced ^= line.lstrip().startswith("```")
            heading = None if fenced else _HEADING.match(line)
            if heading:
                anchor, number = slug(heading.group(1)), 0
                while anchor in found:
                    number += 1
                    anchor = f"{slug(heading.group(1))}-{number}"
                found.add(anchor)
        return found


def slug(heading: str) -> str:
    """Return the anchor of a heading as GitHub makes it.

    >>> slug("R-1: `up` is 0!")
    'r-1-up-is-0'
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
