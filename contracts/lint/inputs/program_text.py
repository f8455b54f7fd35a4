"""What the program itself reads and offers, found in its text: environment variables, flags.

In: the root and a pattern. Out: the words found. The lint may not import the exporters, so it reads them.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

__all__ = ["find_in_code"]

_FOLDERS = ("contracts", "exporters", "emitters", "grafana")
_FILES = ("compose.yaml", "Makefile", ".ci/run")


_HOME = Path(__file__).parents[3]


def find_in_code(root: Path, pattern: re.Pattern[str]) -> set[str]:
    """Return every match in the packages' Python files, compose.yaml and the Makefile: there, and where we are."""
    return _found(root, pattern) | (_found_at_home(pattern) if root.resolve() != _HOME else set())


@cache
def _found_at_home(pattern: re.Pattern[str]) -> set[str]:
    return _found(_HOME, pattern)


def _found(root: Path, pattern: re.Pattern[str]) -> set[str]:
    paths = [path for folder in _FOLDERS for path in (root / folder).rglob("*.py")]
    paths += [root / file for file in _FILES if (root / file).is_file()]
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file())
    return {word for text in texts for word in pattern.findall(text)}
