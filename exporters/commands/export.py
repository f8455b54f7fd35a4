"""The command line of one exporter, shared by every room and by `peaktrade export`.

In: flags, environment, a contract file. Out: a process that serves until it is told to stop, or one exposition on
standard output (`--once`). Exit codes: 0 done, 1 the port or a file cannot be had, 2 the user must change something.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

import contracts
from contracts.compiler.document import ContractError
from contracts.load import load_contract
from contracts.model import Contract
from exporters.commands.settings import STATE_DIR, STATE_VARIABLE, Settings, SettingsError, resolve_settings
from exporters.engine.state.rows import Durability

__all__ = ["CONTRACTS", "export", "export_options", "read_contract", "room"]

CONTRACTS = Path(contracts.__file__).parent
"""Where the contracts of the rooms live."""

_LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def export_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags every exporter has."""
    options = (
        click.option(
            "--file",
            "files",
            multiple=True,
            metavar="PATH",
            help="Event file or glob; repeatable. With --once also packed (.gz, .bz2, .xz, .zst), a pipe, or `-`.",
        ),
        click.option("--port", type=click.IntRange(1, 65535), help="TCP port to serve on."),
        click.option("--host", default="0.0.0.0", show_default=True, help="Address to listen on."),  # noqa: S104
        click.option(
            "--state-dir",
            metavar="DIR",
            help=f"Where offsets and values are kept; `none`: in memory. Default ${STATE_VARIABLE} or {STATE_DIR}.",
        ),
        click.option(
            "--durability",
            type=click.Choice(get_args(Durability)),
            default="process",
            show_default=True,
            help="What a commit survives: kill -9, or power loss too (one fsync per commit).",
        ),
        click.option(
            "--once",
            is_flag=True,
            help="Read from the start to the end, the last line with or without newline, print the metrics, exit."
            " Keeps no state.",
        ),
        click.option(
            "--log-level",
            type=click.Choice(["debug", "info", "warning", "error"]),
            default="info",
            show_default=True,
            help="Least severe message shown on standard error.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def room(name: str) -> click.Command:
    """Return the command of the exporter `name`, for its `__main__`."""
    contract = read_contract(CONTRACTS / f"{name}.yaml")
    port = f"{contract.port}, or ${contract.port_env}" if contract.port_env else str(contract.port)
    paths = ", ".join(contract.files.default) + (f", or ${contract.files.env}" if contract.files.env else "")

    @click.command(name, help=f"{contract.help}\n\nDefaults: port {port}; file {paths}. A flag wins over a variable.")
    @export_options
    @click.version_option(package_name="peak-trade-exporters", prog_name=f"exporters.{name}")
    def command(**flags: Any) -> None:
        export(contract, **flags)

    return command


def read_contract(path: Path) -> Contract:
    """Return the contract at `path`; a broken one ends the process with every fault and exit code 2."""
    try:
        return load_contract(path)
    except ContractError as error:
        click.echo(str(error), err=True)
        count = len(error.faults)
        click.echo(f"{path}: {count} fault{'s' if count > 1 else ''}; nothing was started", err=True)
        sys.exit(2)


def export(contract: Contract, once: bool, log_level: str, **flags: Any) -> None:
    """Run one exporter as its flags say; `flags` are the arguments of resolve_settings()."""
    logging.basicConfig(level=log_level.upper(), format=_LOG_FORMAT, stream=sys.stderr, force=True)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)

    def settings_for(contract: Contract) -> Settings:
        return resolve_settings(contract, os.environ, **flags)

    try:
        settings = settings_for(contract)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    if once:
        from exporters.commands.once import print_once  # what the other way of running needs costs a start 60 ms

        sys.exit(print_once(settings))
    if "-" in settings.files:
        raise click.UsageError("--file -: standard input can only be read once; add --once, or name a file")
    from exporters.commands.serve import serve

    sys.exit(serve(settings, settings_for))
