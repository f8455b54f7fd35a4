"""Docs mention only environment variables something reads: those of the contracts and of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity, remedy_for
from contracts.lint.inputs.program_text import find_in_code
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_NAME = re.compile(r"(?<![\w])PEAK_?TRADE_[A-Z0-9_]+(?![\w*])")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield variables nobody reads."""
    known = {name for contract in tree.contracts for name in (contract.port_env, contract.files.env) if name}
    for contract in tree.contracts:
        known |= {word.default.env for word in contract.words.values() if word.default and word.default.env}
    known |= find_in_code(tree.root, _NAME)
    for page in tree.pages:
        for line, code in page.code():
            for name in _NAME.findall(code):
                if name not in known:
                    yield Place(page.file, line), f"nothing reads the variable {quote(name)}; {remedy_for(name, known)}"
