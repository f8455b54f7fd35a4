"""Findings as SARIF 2.1.0, which code hosts and editors read.

In: findings, in order. Out: a JSON text: one run, its rules with their documentation, one result for each finding.
Source: OASIS SARIF 2.1.0, 3.13 to 3.52.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from contracts.lint.finding import Finding, Severity

__all__ = ["sarif"]

_LEVELS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


_FIRST = re.compile(r".*?(?=[.:](?: |$)|$)")
"""What a rule is about in a few words: all up to the first full stop or colon."""


def sarif(findings: Sequence[Finding]) -> str:
    """Return one run with these findings; paths are relative to the root, `%SRCROOT%`."""
    from contracts.lint.check import find_rules  # which asks for the parser of PromQL

    docs = {rule.id: " ".join(rule.doc.split()) for rule in find_rules()}
    ids = sorted({finding.id for finding in findings})
    driver = {"name": "peaktrade contract lint", "rules": [_rule(name, docs.get(name, "")) for name in ids]}
    results = [_result(finding, ids.index(finding.id)) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(name: str, doc: str) -> Mapping[str, object]:
    return {
        "id": name,
        "shortDescription": {"text": _FIRST.findall(doc)[0] or name},
        "fullDescription": {"text": doc or name},
    }


def _result(finding: Finding, index: int) -> Mapping[str, object]:
    place = finding.place
    region = {"startLine": max(1, place.line)}
    artifact = {"uri": quote(place.file, errors="surrogateescape"), "uriBaseId": "%SRCROOT%"}
    return {
        "ruleId": finding.id,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
    }
