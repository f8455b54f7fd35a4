"""Docs mention only commands and flags that exist: on lines with `peaktrade` or `python -m exporters|emitters`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.program_text import find_in_code
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_OURS = re.compile(r"(?:^|[\s/$`(])(?:peaktrade(?![\w.@/-])|python3? -m (?:exporters|emitters|contracts)\b)")
_COMMAND = re.compile(r"(?:^|[\s/$`(])peaktrade ([a-z][\w-]*)")
_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
_DECLARED = re.compile(r"(?<=[\"'/])--[a-z][a-z0-9-]*")
_BUILT_IN = {"--help", "--version"}


def check(tree: Tree) -> Iterator[Claim]:
    """Yield flags and commands nobody declares."""
    flags = find_in_code(tree.root, _DECLARED) | _BUILT_IN
    commands = _commands(tree.root) or {entry.name for entry in entry_points(group="peaktrade.commands")}
    for page in tree.pages:
        for line, code in page.code():
            for part in re.split(r"[|;&]", code):
                ours = _OURS.search(part)
                if ours is None:
                    continue
                for flag in _FLAG.findall(part, ours.start()):  # those before it are of what runs it
                    if flag not in flags:
                        yield (
                            Place(page.file, line),
                            f"no command has the flag {quote(flag)}; see --help and correct it",
                        )
                for name in _COMMAND.findall(part) if commands else ():
                    if name not in commands:
                        expected = ", ".join(sorted(commands))
                        problem = f"peaktrade has no command {quote(name)} (expected one of {expected}); correct it"
                        yield Place(page.file, line), problem


def _commands(root: Path) -> set[str]:
    file = root / "pyproject.toml"
    if not file.is_file():
        return set()
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return set()  # whoever builds the package will be told
    for key in ("project", "entry-points", "peaktrade.commands"):
        found = found.get(key, {}) if isinstance(found, dict) else {}
    return set(found)
