"""Where the files of a repository are: by the patterns of its settings, or by what they look like.

In: the root and a `Layout`. Out: kind -> paths. Where no layout is given and no contract stands in `contracts/`, every
folder is looked through and a file is known by its first words, so that the lint can be tried as it is.
Folders whose name begins with a dot, and those of installed packages, belong to others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path

__all__ = ["Layout", "find_files"]

_MANUAL = "!contracts/lint/rules.md"
"""The manual of the lint is made of faults."""

_PAGE_FOLDERS = ("contracts", "docs", "emitters", "exporters", "grafana", "prometheus", "runbooks")


@dataclass(frozen=True, slots=True)
class Layout:
    """Kind of file -> patterns from the root (`**` is any number of folders; one after `!` takes files away again)."""

    contracts: tuple[str, ...] = ("contracts/*.yaml",)
    scrape: tuple[str, ...] = ("prometheus/*.yml",)
    rules: tuple[str, ...] = ("prometheus/rules/*.y*ml",)
    rule_tests: tuple[str, ...] = ("prometheus/rule_tests/*.y*ml",)
    dashboards: tuple[str, ...] = ("grafana/dashboards/**/*.json",)
    pages: tuple[str, ...] = ("*.md", *(f"{folder}/**/*.md" for folder in _PAGE_FOLDERS), _MANUAL)
    runbooks: tuple[str, ...] = ("docs/runbooks/*.md", "runbooks/*.md")
    compose: tuple[str, ...] = ("compose.y*ml", "docker-compose.y*ml")
    provisioning: tuple[str, ...] = ("grafana/provisioning/**/*.y*ml",)


_OTHERS = ("node_modules", "site-packages", "__pycache__", "vendor", "venv")

_MOST_FILES = 20_000
"""Files looked at; more is no repository of rules."""

_MOST_BYTES = 4_000_000
"""Of a file, when it is asked what it is. Source: the largest public dashboards have about 1 MB."""

_SIGNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("contracts", (r"^exporter:", r"^metrics:")),
    ("rule_tests", (r"^rule_files:", r"^tests:")),
    ("scrape", (r"^(?:scrape_configs|route):",)),
    ("rules", (r"^(?:groups:|kind: PrometheusRule$)", r"^\s*(?:- )?(?:alert|record):")),
    ("compose", (r"^services:", r"^\s+image:")),
    ("provisioning", (r"^apiVersion: 1", r"^(?:datasources|providers):")),
)
_BOARD = re.compile(r'"panels"\s*:')


def find_files(root: Path, layout: Layout | None) -> Mapping[str, Sequence[Path]]:
    """Return kind -> files, each in order of its path."""
    found = {one.name: _matching(root, getattr(layout or Layout(), one.name)) for one in fields(Layout)}
    if layout is not None or (root / "contracts").is_dir():
        return found
    guessed: dict[str, list[Path]] = {one.name: [] for one in fields(Layout)}
    for path in _walk(root):
        kind = _kind_of(path)
        if kind:
            guessed[kind].append(path)
    guessed["runbooks"] = [path for path in guessed["pages"] if "runbook" in str(path.relative_to(root)).lower()]
    return guessed


def _matching(root: Path, patterns: Sequence[str]) -> list[Path]:
    found: dict[Path, None] = {}
    for pattern in patterns:
        found |= dict.fromkeys(sorted(root.glob(pattern)))  # of one after `!` nothing has the name
    against = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return [path for path in found if not any(fnmatchcase(path.relative_to(root).as_posix(), one) for one in against)]


def _walk(root: Path) -> Iterator[Path]:
    left = _MOST_FILES
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _OTHERS)
        for name in sorted(files):
            left -= 1
            if left < 0:
                return
            yield Path(folder, name)


def _kind_of(path: Path) -> str:
    """Return what a file is, or '' if it is nothing the lint knows."""
    if path.suffix == ".md":
        return "pages"
    if path.suffix not in (".yml", ".yaml", ".rules", ".json"):
        return ""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MOST_BYTES)
    except OSError:
        return ""
    if path.suffix == ".json":
        return "dashboards" if _BOARD.search(text) else ""
    return next((kind for kind, signs in _SIGNS if all(re.search(sign, text, re.MULTILINE) for sign in signs)), "")
