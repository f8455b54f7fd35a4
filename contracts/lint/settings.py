"""What a repository says of itself: `[lint]` of `peaktrade.toml`, or `[tool.peaktrade.lint]` of `pyproject.toml`.

In: the root. Out: `LintSettings`, and what is wrong with the file, which is then as good as not there. Without either,
what holds is what holds for this project. If there are both, `peaktrade.toml` is the one that counts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from contracts.lint.inputs.layout import Layout

__all__ = ["FILE", "LintSettings", "read_settings"]

FILE = "peaktrade.toml"
_PROJECT = "pyproject.toml"
_TABLES = {FILE: ("lint",), _PROJECT: ("tool", "peaktrade", "lint")}


@dataclass(frozen=True, slots=True)
class LintSettings:
    """What differs from one repository to another; `off` is rule -> reason, `file` where all this was read."""

    prefixes: tuple[str, ...] = ("peak_trade_", "peaktrade_", "shadow_mvs_")
    severities: tuple[str, ...] = ("page", "warn", "info", "none")
    foreign_jobs: tuple[str, ...] = ()
    foreign_metrics: tuple[str, ...] = ()
    foreign_alerts: tuple[str, ...] = ()
    target_labels: tuple[str, ...] = ()
    runbook_bases: tuple[str, ...] = ()
    retention: str = ""
    layout: Layout | None = None
    off: Mapping[str, str] = field(default_factory=dict)
    file: str = FILE

    def is_foreign(self, metric: str) -> bool:
        """Whether a metric belongs to somebody else: `foreign_metrics` are names, or patterns such as `node_*`."""
        return any(fnmatchcase(metric, pattern) for pattern in self.foreign_metrics)

    def is_foreign_alert(self, name: str) -> bool:
        """Whether an alert is defined elsewhere: `foreign_alerts` are names or patterns."""
        return any(fnmatchcase(name, pattern) for pattern in self.foreign_alerts)


_KEYS = tuple(one.name for one in fields(LintSettings) if one.name != "file")
_KINDS = tuple(one.name for one in fields(Layout))


def read_settings(root: Path) -> tuple[LintSettings, list[str]]:
    """Return the settings of a repository and what is wrong with its file."""
    for file, keys in _TABLES.items():
        table, problem = _table(root / file, keys)
        if problem and file == FILE:
            return LintSettings(), [problem]
        if table is None:
            continue
        faults = (
            _faults(table) if isinstance(table, dict) else [f"{'.'.join(keys)} is no table; write [{'.'.join(keys)}]"]
        )
        return (LintSettings(file=file), faults) if faults else (_settings(table, file), [])
    return LintSettings(), []


def _table(path: Path, keys: tuple[str, ...]) -> tuple[Any, str]:
    """Return what stands at a path of keys in a file (None if nothing), and why the file cannot be read."""
    try:
        found: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"cannot be read ({error.strerror}); check it and its permissions"
    except RecursionError:
        return None, "is no TOML: nested too deeply; correct it there"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return None, f"is no TOML: {error}; correct it there"
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found, ""


def _settings(table: dict[str, Any], file: str) -> LintSettings:
    plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    if "layout" in plain:
        plain["layout"] = Layout(**{kind: tuple(patterns) for kind, patterns in plain["layout"].items()})
    return LintSettings(**plain, file=file)


def _faults(table: dict[str, Any]) -> list[str]:
    return [problem for key, value in table.items() if (problem := _problem(key, value))]


def _problem(key: str, value: Any) -> str:
    if key not in _KEYS:
        return f"lint.{key}: there is no such setting (expected one of {', '.join(_KEYS)}); correct it"
    if key == "off":
        return _wrong_reasons(value)
    if key == "layout":
        return _wrong_layout(value)
    if key == "retention":
        return "" if isinstance(value, str) else "lint.retention: expected a duration such as '15d'; correct it"
    return _wrong_list(f"lint.{key}", value)


def _wrong_list(key: str, value: Any) -> str:
    if not isinstance(value, list):
        return f"{key}: expected a list of texts; correct it"
    return "" if all(isinstance(text, str) and text for text in value) else f"{key}: holds no texts; write some"


def _wrong_reasons(value: Any) -> str:
    if not isinstance(value, dict):
        return "lint.off: expected a table of rules with reasons; correct it"
    has_reasons = all(isinstance(reason, str) and reason.strip() for reason in value.values())
    return "" if has_reasons else "lint.off: each rule needs a reason; write it"


def _wrong_layout(value: Any) -> str:
    if not isinstance(value, dict):
        return "lint.layout: expected a table of kinds with patterns; correct it"
    for kind, patterns in value.items():
        if kind not in _KINDS:
            return f"lint.layout.{kind}: there is no such kind (expected one of {', '.join(_KINDS)}); correct it"
        problem = _wrong_list(f"lint.layout.{kind}", patterns)
        if problem:
            return problem
        if not all(map(_is_pattern, patterns)):
            return f"lint.layout.{kind}: patterns are from the root and stay in it; correct it"
    return ""


def _is_pattern(text: str) -> bool:
    parts = text.removeprefix("!").split("/")
    return (
        "" not in parts
        and ".." not in parts
        and "\0" not in text
        and all(part == "**" or "**" not in part for part in parts)
    )
