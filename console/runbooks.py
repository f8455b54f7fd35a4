"""The runbooks, as they are shipped: what to do, by name, and which one an alert leads to.

In: a stored alert. Out: a name and the part of the text that speaks of it. Read once at the start; a name that is not
among them leads nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

__all__ = ["RUNBOOKS", "what_to_do"]

_OF_CATEGORY = {"RISK": "risk-blocks", "EXECUTION": "error-spike"}
_OTHERWISE = "stack"
_NAMED = ("title", "source")


def _folder() -> Traversable:
    """Return where they are: in the package, or in the checkout it is run from."""
    packaged = files("exporters").joinpath("assets/docs/runbooks")
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "docs/runbooks"


def _read() -> dict[str, str]:
    folder = _folder()
    pages = [page for page in folder.iterdir() if page.name.endswith(".md")] if folder.is_dir() else []
    return {page.name.removesuffix(".md"): page.read_text(encoding="utf-8") for page in pages}


RUNBOOKS: Mapping[str, str] = _read()
"""Name -> text."""

_BEGINNINGS: Mapping[str, str] = {
    name: re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0].strip() for name, text in RUNBOOKS.items()
}
"""Name -> what a runbook says before its first heading."""

_PARTS: Mapping[str, tuple[str, str]] = {
    part.partition("\n")[0].strip(): (name, part.strip())
    for name, text in RUNBOOKS.items()
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]
}
"""Heading, as the rules name their alerts -> name and part of a runbook."""


def what_to_do(alert: Mapping[str, object]) -> tuple[str, str]:
    """Return the runbook an alert leads to, and its part that speaks of it: of its rule, or else of its category.

    >>> name, part = what_to_do({"title": "PIPELINE_RiskBlocksSpike", "category": "SYSTEM"})
    >>> name, part.splitlines()[0]
    ('risk-blocks', 'PIPELINE_RiskBlocksSpike')
    >>> what_to_do({"title": "odd", "category": "EXECUTION"})[0]
    'error-spike'
    """
    context = alert.get("context")
    named = [alert.get(name) for name in _NAMED] + [context.get("rule") if isinstance(context, dict) else None]
    for word in named:
        if isinstance(word, str) and word in _PARTS:
            return _PARTS[word]
    name = _OF_CATEGORY.get(str(alert.get("category")), _OTHERWISE)
    return name, _BEGINNINGS.get(name, "")
