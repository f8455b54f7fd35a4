"""A copy of the repository for a test to spoil or to run in.

In: a folder to make. Out: every file that belongs to the repository, and the compiled files beside them, which are good
for the copy too (the times are kept), so that nothing there has to be compiled anew.
"""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["copy_of_the_house"]

ROOT = Path(__file__).parents[1]
_CACHES = {".look", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"}
_NOT_OURS = {".git", ".venv", ".ops_local", "logs", "out"} | _CACHES


def copy_of_the_house(folder: Path) -> Path:
    """Return the folder, once everything is in it."""
    shutil.copytree(ROOT, folder, ignore=lambda place, names: _NOT_OURS if Path(place) == ROOT else set())
    return folder
