"""A contract by the name people type: one of those shipped, or a file.

In: a name. Out: the contract, or the end of the process with exit code 2 and every fault, as a user's mistake.
"""

from __future__ import annotations

from pathlib import Path

import click

from contracts.compiler.document import ContractError
from contracts.load import load_contract
from contracts.model import Contract

__all__ = ["SHIPPED", "read_named"]

SHIPPED = Path(__file__).parents[1]
"""The folder of the contracts that are shipped."""


def read_named(name: str) -> Contract:
    """Return the shipped contract of that name, or the one in the file of that name (ending in .yaml or .yml)."""
    path = SHIPPED / f"{name}.yaml" if not name.endswith((".yaml", ".yml")) else Path(name)
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in SHIPPED.glob("*.yaml")))
        raise click.UsageError(f"no contract {name!r} (expected one of {known}, or a FILE); correct the name")
    try:
        return load_contract(path)
    except ContractError as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from error
