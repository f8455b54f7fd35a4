"""What the program itself reads and offers, found in its text: environment variables, flags.

In: the root and a pattern. Out: the words found. The lint may not import the exporters, so it reads them.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["find_in_code"]

_FOLDERS = ("contracts", "exporters", "emitters", "grafana")
_FILES = ("compose.yaml", "Makefile", ".ci/run")


def find_in_code(root: Path, pattern: re.Pattern[str]) -> set[str]:
    """Return every match in the packages' Python files, compose.yaml and the Makefile."""
    paths = [path for folder in _FOLDERS for path in (root / folder).rglob("*.py")]
    paths += [root / file for file in _FILES if (root / file).is_file()]
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file())
    return {word for text in texts for word in pattern.findall(text)}
