"""The command line of one exporter, shared by every room and by `peaktrade export`.

In: flags, environment, a contract file. Out: a process that serves until it is told to stop, or one exposition on
standard output (`--once`). Exit codes: 0 done, 1 the port or a file cannot be had, 2 the user must change something.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.core import ParameterSource

import contracts
from contracts.compiler.document import ContractError
from contracts.load import load_contract
from contracts.model import Contract
from exporters.commands.settings import (
    CREATED_VARIABLE,
    STATE_DIR,
    STATE_VARIABLE,
    Settings,
    SettingsError,
    refuse_unclear_gate,
    resolve_created,
    resolve_folder,
    resolve_port,
    resolve_settings,
)
from exporters.engine.state.rows import Durability

if TYPE_CHECKING:
    from exporters.web.access import Access

__all__ = ["CONTRACTS", "export", "export_options", "read_contract", "room"]

CONTRACTS = Path(contracts.__file__).parent
"""Where the contracts of the rooms live."""

_OF_FILES_ALONE = ("files", "state_dir", "durability", "once")
_LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


_SHARED = (
    click.option("--port", type=click.IntRange(1, 65535), help="TCP port to serve on."),
    click.option("--host", default="0.0.0.0", show_default=True, help="Address to listen on."),  # noqa: S104
    click.option(
        "--created-series/--no-created-series",
        default=None,
        help="Tell OpenMetrics scrapers when each counter and histogram began: one series more for each."
        f" Default ${CREATED_VARIABLE} or no.",
    ),
    click.option(
        "--web.config.file",
        "--web-config-file",
        "web_config",
        metavar="FILE",
        help="TLS and passwords, in the format of Prometheus' exporters (docs/runbooks/service.md).",
    ),
    click.option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
        default="info",
        show_default=True,
        help="Least severe message shown on standard error.",
    ),
)
_OF_FILES = (
    click.option(
        "--file",
        "files",
        multiple=True,
        metavar="PATH",
        help="Event file or glob; repeatable. With --once also packed (.gz, .bz2, .xz, .zst), a pipe, or `-`.",
    ),
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
)
_OF_A_FOLDER = (
    click.option("--multiproc-dir", metavar="DIR", help="Folder in which sessions record; made if it is missing."),
)


def export_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags of every exporter, whether it reads files or a folder."""
    return _with_options(command, (*_OF_FILES, *_OF_A_FOLDER, *_SHARED))


def _with_options(command: Callable[..., Any], options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def room(name: str) -> click.Command:
    """Return the command of the exporter `name`, for its `__main__`."""
    contract = read_contract(CONTRACTS / f"{name}.yaml")
    port = f"{contract.port}, or ${contract.port_env}" if contract.port_env else str(contract.port)
    paths = ", ".join(contract.files.default) + (f", or ${contract.files.env}" if contract.files.env else "")
    what = "folder" if contract.is_recorded else "file"

    def command(**flags: Any) -> None:
        export(contract, **flags)

    options = (*(_OF_A_FOLDER if contract.is_recorded else _OF_FILES), *_SHARED)
    version = click.version_option(package_name="peak-trade-exporters", prog_name=f"exporters.{name}")
    text = f"{contract.help}\n\nDefaults: port {port}; {what} {paths}. A flag wins over a variable."
    return click.command(name, help=text)(_with_options(version(command), options))


def read_contract(path: Path) -> Contract:
    """Return the contract at `path`; a broken one ends the process with every fault and exit code 2."""
    try:
        return load_contract(path)
    except ContractError as error:
        click.echo(str(error), err=True)
        count = len(error.faults)
        click.echo(f"{path}: {count} fault{'s' if count > 1 else ''}; nothing was started", err=True)
        sys.exit(2)


def export(contract: Contract, log_level: str, **flags: Any) -> None:
    """Run one exporter as its flags say."""
    logging.basicConfig(level=log_level.upper(), format=_LOG_FORMAT, stream=sys.stderr, force=True)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    run = _export_folder if contract.is_recorded else _export_files
    _refuse(contract, _OF_FILES_ALONE if contract.is_recorded else ("multiproc_dir",), flags)
    try:
        sys.exit(run(contract, **flags))
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def _refuse(contract: Contract, names: Sequence[str], flags: dict[str, Any]) -> None:
    """Take out the flags of the other kind of exporter; one that was given is a mistake."""
    kind = "what sessions record in a folder" if contract.is_recorded else "event files"
    for name in names:
        flags.pop(name, None)
        if click.get_current_context().get_parameter_source(name) not in (None, ParameterSource.DEFAULT):
            flag = "--file" if name == "files" else f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{flag} says nothing to {contract.name}, which serves {kind}; leave it out")


def _export_files(contract: Contract, once: bool, web_config: str | None, **flags: Any) -> int:
    def settings_for(contract: Contract) -> Settings:
        return resolve_settings(contract, os.environ, **flags)

    settings = settings_for(contract)
    try:
        if once:
            from exporters.commands.once import print_once  # what the other way of running needs costs a start 60 ms

            return print_once(settings)
        if "-" in settings.files:
            raise click.UsageError("--file -: standard input can only be read once; add --once, or name a file")
        from exporters.commands.serve import serve
    except ModuleNotFoundError as error:
        click.echo(f"{contract.name} cannot run without {error.name}; pip install peak-trade-exporters", err=True)
        return 1
    return serve(settings, settings_for, _access_of(web_config))


def _access_of(web_config: str | None) -> Access:
    """Return who may connect and ask; a file that cannot be used ends the process with every fault and exit code 2."""
    from exporters.web.access import WebConfigError, access_by

    try:
        return access_by(web_config)
    except WebConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


def _export_folder(
    contract: Contract,
    host: str,
    port: int | None = None,
    multiproc_dir: str | None = None,
    created_series: bool | None = None,
    web_config: str | None = None,
) -> int:
    refuse_unclear_gate(os.environ)
    from exporters.multiprocess.service import serve_folder

    folder = resolve_folder(contract, os.environ, multiproc_dir)
    created = resolve_created(os.environ, created_series)
    return serve_folder(
        contract, host, port or resolve_port(contract, os.environ), folder, _access_of(web_config), created
    )
