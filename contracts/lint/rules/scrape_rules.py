"""Every rule file is loaded by every Prometheus configuration, and every pattern finds a file.

Compared by the last folder and the name, as a container mounts the folder elsewhere. A rule file nobody loads
never pages anyone.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatch

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"


def check(tree: Tree) -> Iterator[Claim]:
    """Yield files without a pattern, and patterns without a file."""
    files = tree.rule_files
    for scrape in tree.scrapes:
        endings = [("/".join(pattern.split("/")[-2:]), pattern, place) for pattern, place in scrape.rule_files]
        for ending, pattern, place in endings:
            if not any(fnmatch(file, f"*{ending}") for file in files):
                yield place, f"the pattern {quote(pattern)} finds no file of rules; correct or delete it"
        for file in files:
            if not any(fnmatch(file, f"*{ending}") for ending, _, _ in endings):
                problem = f"{file} is not loaded by this configuration; add it to rule_files"
                yield Place(scrape.file, 1), problem
