"""Flags, environment and contract -> what one exporter process shall do, flag before environment before contract.

In: what the user said. Out: `Settings`, or SettingsError with a message that says what to write instead. Reads the
environment it is given, never the process's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from contracts.model import Contract
from contracts.no_live import NoLiveError, live_trading_enabled
from contracts.places import names_in
from exporters.engine.state.rows import Durability

__all__ = [
    "CREATED_VARIABLE",
    "STATE_DIR",
    "STATE_VARIABLE",
    "Settings",
    "SettingsError",
    "refuse_unclear_gate",
    "resolve_created",
    "resolve_folder",
    "resolve_port",
    "resolve_settings",
    "state_path",
]

STATE_VARIABLE = "PEAK_TRADE_STATE_DIR"
STATE_DIR = ".ops_local/state"

CREATED_VARIABLE = "PEAK_TRADE_CREATED_SERIES"
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})


class SettingsError(Exception):
    """A flag or variable that cannot be used."""


class Settings(Struct, frozen=True):
    """What one exporter process does: which files it reads and where it listens."""

    contract: Contract
    files: tuple[str, ...]
    host: str
    port: int
    state: Path | None
    durability: Durability
    created_series: bool = False


def resolve_settings(
    contract: Contract,
    environment: Mapping[str, str],
    files: Sequence[str] = (),
    host: str = "0.0.0.0",  # noqa: S104  # as exporters do: Prometheus usually runs in a container
    port: int | None = None,
    state_dir: str | None = None,
    durability: Durability = "process",
    created_series: bool | None = None,
) -> Settings:
    """Return the settings in force.

    Raises:
        SettingsError: if an environment variable holds something unusable.
    """
    refuse_unclear_gate(environment)
    if not files:
        variable = contract.files.env
        listed = environment.get(variable, "") if variable else ""
        files = tuple(path.strip() for path in listed.split(":") if path.strip()) or contract.files.default
    if names_in(files):
        contract = replace(contract, files=replace(contract.files, default=tuple(files)))
    files = (*files, *(f"!{path}" for path in contract.files.exclude))
    if port is None:
        port = resolve_port(contract, environment)
    state, created = state_path(contract.name, environment, state_dir), resolve_created(environment, created_series)
    return Settings(contract, tuple(files), host, port, state, durability, created)


def refuse_unclear_gate(environment: Mapping[str, str]) -> None:
    """Raise SettingsError if it is not clear whether live trading is on."""
    try:
        live_trading_enabled(environment)
    except NoLiveError as error:
        raise SettingsError(str(error)) from error


def resolve_created(environment: Mapping[str, str], flag: bool | None = None) -> bool:
    """Return whether OpenMetrics has a `_created` series for each counter and histogram: by flag, else by variable.

    Raises:
        SettingsError: if the variable is neither a clear yes nor a clear no.
    """
    stated = environment.get(CREATED_VARIABLE, "")
    word = stated.strip().lower()
    if flag is None and word not in _YES | _NO:
        raise SettingsError(f"{CREATED_VARIABLE}: got {stated[:80]!r}, expected true or false; unset it for false")
    return word in _YES if flag is None else flag


def state_path(exporter: str, environment: Mapping[str, str], state_dir: str | None) -> Path | None:
    """Return the path of an exporter's state file, or None if everything is kept in memory only."""
    chosen = state_dir or environment.get(STATE_VARIABLE, "").strip() or STATE_DIR
    return None if chosen == "none" else Path(chosen) / f"{exporter}.db"


def resolve_folder(contract: Contract, environment: Mapping[str, str], folder: str | None = None) -> Path:
    """Return the folder in which sessions record, absolute: by flag, else by variable, else by contract."""
    stated = environment.get(contract.files.env, "").strip() if contract.files.env else ""
    return Path(folder or stated or contract.files.default[0]).expanduser().absolute()


def resolve_port(contract: Contract, environment: Mapping[str, str]) -> int:
    """Return the port by variable, else by contract.

    Raises:
        SettingsError: if the variable holds something unusable.
    """
    stated = environment.get(contract.port_env, "").strip() if contract.port_env else ""
    if not stated:
        return contract.port
    if not re.fullmatch("[0-9]{1,5}", stated) or not 1 <= int(stated) <= 65535:
        got = repr(stated[:80])
        raise SettingsError(
            f"{contract.port_env}: got {got}, expected a port from 1 to 65535;"
            f" unset it for the contract's {contract.port}, or give --port"
        )
    return int(stated)
