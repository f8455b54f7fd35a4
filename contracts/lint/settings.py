"""What a repository says of itself to the lint, in the table `[lint]` of `peaktrade.toml` at its root.

In: the root. Out: `LintSettings`, and what is wrong with the file, which is then as good as not there. Without the
file, what holds is what holds for this project.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

__all__ = ["FILE", "LintSettings", "read_settings"]

FILE = "peaktrade.toml"


@dataclass(frozen=True, slots=True)
class LintSettings:
    """What differs from one repository to another; `off` is rule -> reason."""

    prefixes: tuple[str, ...] = ("peak_trade_", "peaktrade_", "shadow_mvs_")
    severities: tuple[str, ...] = ("page", "warn", "info", "none")
    foreign_jobs: tuple[str, ...] = ()
    foreign_metrics: tuple[str, ...] = ()
    runbook_bases: tuple[str, ...] = ()
    off: Mapping[str, str] = field(default_factory=dict)

    def is_foreign(self, metric: str) -> bool:
        """Whether a metric belongs to somebody else: `foreign_metrics` are names, or patterns such as `node_*`."""
        return any(fnmatchcase(metric, pattern) for pattern in self.foreign_metrics)


def read_settings(root: Path) -> tuple[LintSettings, list[str]]:
    """Return the settings of a repository and what is wrong with its file."""
    try:
        table: Any = tomllib.loads((root / FILE).read_text(encoding="utf-8")).get("lint", {})
    except FileNotFoundError:
        return LintSettings(), []
    except OSError as error:
        return LintSettings(), [f"cannot be read ({error.strerror}); check it and its permissions"]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        return LintSettings(), [f"is no TOML: {error or 'nested too deeply'}; correct it there"]
    if not isinstance(table, dict):
        return LintSettings(), ["lint is no table; write [lint]"]
    faults = [problem for key, value in table.items() if (problem := _problem(key, value))]
    if faults:
        return LintSettings(), faults
    off, lists = table.pop("off", {}), {key: tuple(value) for key, value in table.items()}
    return LintSettings(**lists, off=off), []


def _problem(key: str, value: Any) -> str:
    known = [one.name for one in fields(LintSettings)]
    if key not in known:
        return f"lint.{key}: there is no such setting (expected one of {', '.join(known)}); correct it"
    if key == "off":
        return _wrong_reasons(value)
    if not isinstance(value, list):
        return f"lint.{key}: expected a list of texts; correct it"
    return "" if all(isinstance(text, str) and text for text in value) else f"lint.{key}: holds no texts; write some"


def _wrong_reasons(value: Any) -> str:
    if not isinstance(value, dict):
        return "lint.off: expected a table of rules with reasons; correct it"
    has_reasons = all(isinstance(reason, str) and reason.strip() for reason in value.values())
    return "" if has_reasons else "lint.off: each rule needs a reason; write it"
