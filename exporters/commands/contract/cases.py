"""A case: a folder with a contract, events, and the samples they must come to.

In: folders. Out: `Case`s, or CaseError with what to put right. Nothing is read here but which files there are.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct, field

__all__ = ["EXPECTED", "REFUSED", "Case", "CaseError", "find_cases", "read_case"]

EVENTS, EXPECTED, REFUSED, SETTINGS = "events.jsonl", "expected.prom", "refused.txt", "case.toml"

_KEYS = ("contract", "events", "environment", "now")


class CaseError(Exception):
    """A case that cannot be run."""


class Case(Struct, frozen=True):
    """One case: paths as they are to be opened, the variables it runs with, and its present (UTC epoch seconds)."""

    folder: Path
    contract: Path
    events: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    now: float | None = None

    @property
    def expected(self) -> Path:
        """Where the samples stand."""
        return self.folder / EXPECTED

    @property
    def refused(self) -> Path:
        """Where the refused lines stand, if the case names them."""
        return self.folder / REFUSED


def find_cases(roots: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the folders at or below the given ones that are cases: those with events.jsonl or case.toml.

    Raises:
        CaseError: for a folder that holds none.
    """
    for root in roots:
        settled = {path.parent for name in (EVENTS, SETTINGS) for path in root.rglob(name)}
        inner = {folder for folder in settled if any(outer in settled for outer in folder.parents)}
        if not settled:
            raise CaseError(f"{root}: holds no case; a case is a folder with {EVENTS} (or {SETTINGS}) and a contract")
        yield from sorted(settled - inner)


def read_case(folder: Path) -> Case:
    """Return the case a folder holds.

    Raises:
        CaseError: if it lacks something, or its case.toml says something else than it can.
    """
    stated = _settings(folder / SETTINGS)
    unknown = sorted(stated.keys() - set(_KEYS))
    if unknown:
        raise CaseError(f'{folder / SETTINGS}: unknown key "{unknown[0]}"; known keys: {", ".join(_KEYS)}')
    events = stated.get("events", EVENTS)
    listed = events if isinstance(events, list) else [events]
    return Case(
        folder,
        folder / str(stated["contract"]) if "contract" in stated else _only_contract(folder),
        tuple(str(folder / str(name)) for name in listed),
        {str(name): str(value) for name, value in _table(folder, stated.get("environment", {})).items()},
        _moment(folder, stated["now"]) if "now" in stated else None,
    )


def _settings(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise CaseError(f"{path}: cannot be read ({error}); correct it there") from error


def _only_contract(folder: Path) -> Path:
    found = sorted(folder.glob("*.yaml"))
    if len(found) == 1:
        return found[0]
    there = f"{len(found)} of them ({', '.join(path.name for path in found)})" if found else "none"
    raise CaseError(
        f'{folder}: expected one contract (*.yaml), there is {there}; name it in {SETTINGS}: contract = "../my.yaml"'
    )


def _table(folder: Path, stated: object) -> Mapping[str, object]:
    if not isinstance(stated, dict):
        raise CaseError(f'{folder / SETTINGS}: environment has to be a table: environment = {{NAME = "value"}}')
    return stated


def _moment(folder: Path, stated: object) -> float:
    if isinstance(stated, datetime) and stated.tzinfo is not None:
        return stated.timestamp()
    raise CaseError(f"{folder / SETTINGS}: now has to be a time with an offset: now = 2026-01-25T01:09:48Z")
