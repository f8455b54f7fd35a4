"""Reads which rules Prometheus should have.

In: a folder of rule files. Out: the names of their alerts and recordings.
"""

from __future__ import annotations

from pathlib import Path

from contracts.load import read_document

__all__ = ["read_rule_names"]


def read_rule_names(folder: Path) -> frozenset[str]:
    """Return every `alert` and `record` name in the rule files of a folder.

    Raises:
        ContractError: if a file is not YAML.
    """
    names: set[str] = set()
    for path in sorted(folder.glob("*.yml")):
        document, _, _ = read_document(path)
        for group in document.at("groups").elements():
            for rule in group.at("rules").elements():
                names.add(rule.text_of("alert") or rule.text_of("record"))
    return frozenset(names - {""})
