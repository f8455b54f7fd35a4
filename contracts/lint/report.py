"""Findings -> text, JSON, SARIF or GitHub workflow annotations, and the exit code.

In: findings in any order. Out: a text, and 0, 1 or 2. Nothing here judges: what is a finding was decided before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from contracts.lint.finding import SEVERITIES, Finding, Severity
from contracts.lint.sarif import sarif

__all__ = ["FORMATS", "exit_code", "render"]

_GITHUB_COMMANDS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}


def _text(findings: Sequence[Finding]) -> str:
    number = Counter(finding.severity for finding in findings)
    parts = [f"{number[severity]} {severity}{_plural(number[severity], severity)}" for severity in SEVERITIES]
    return "\n".join([*map(str, findings), ", ".join(parts)])


def _plural(number: int, severity: Severity) -> str:
    return "" if number == 1 or severity == "info" else "s"


def _json(findings: Sequence[Finding]) -> str:
    entries = [
        {
            "id": finding.id,
            "severity": finding.severity,
            "file": finding.place.file,
            "line": finding.place.line,
            "message": finding.message,
        }
        for finding in findings
    ]
    return json.dumps(entries, indent=2, ensure_ascii=False)


def _github(findings: Sequence[Finding]) -> str:
    return "\n".join(
        f"::{_GITHUB_COMMANDS[finding.severity]} file={_property(finding.place.file)},line={finding.place.line},"
        f"title={_property(finding.id)}::{_data(finding.message)}"
        for finding in findings
    )


def _data(text: str) -> str:
    """Escape what GitHub would take for syntax. Source: its toolkit, packages/core/src/command.ts."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "sarif": sarif,
}


def render(findings: Sequence[Finding], form: str = "text") -> str:
    """Return the report in one of FORMATS, in order of file and line; bytes of names that are no UTF-8 are escaped."""
    return FORMATS[form](sorted(findings)).encode(errors="backslashreplace").decode()


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 0 if there is nothing (or only info), else 1; 2 is kept for a lint that could not run."""
    return int(any(finding.severity != "info" for finding in findings))
