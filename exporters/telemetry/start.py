"""How a process begins to record: by the two documented variables, under the contract.

In: the environment, at the first call. Out: a `Recording`. Mode B writes into the shared folder and opens no port;
mode A keeps values in memory and serves them, unless the port is taken.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import contracts
from contracts.load import load_contract
from contracts.model import Contract
from contracts.no_live import live_trading_enabled
from exporters.commands.settings import SettingsError, resolve_created, resolve_folder, resolve_port
from exporters.multiprocess.exposed import first_series
from exporters.telemetry.cells import OwnCells, SharedCells
from exporters.telemetry.page import OwnPage
from exporters.telemetry.recorder import Recorder

__all__ = ["MODE", "Recording", "start"]

MODE = "PEAKTRADE_METRICS_MODE"
"""The variable that turns mode B on, with the value B; anything else is mode A. Source: seed 003."""

_CONTRACT = Path(contracts.__file__).parent / "metricsd.yaml"
_HOST = "0.0.0.0"  # noqa: S104  # as exporters do: Prometheus usually runs in a container

_log = logging.getLogger("peaktrade.telemetry")


class Recording:
    """What records, and what has to be let go of in the child of a fork."""

    def __init__(self, recorder: Recorder, let_go: Callable[[], None]) -> None:
        self.recorder = recorder
        self.let_go = let_go


def start(environment: Mapping[str, str]) -> Recording:
    """Begin to record; every family exists at 0 then.

    Raises:
        OSError: if the folder cannot be written to.
        ModuleNotFoundError: if the client library is missing.
        NoLiveError: if it is not clear whether live trading is on.
    """
    live_trading_enabled(environment)  # a page that cannot say this clearly shows nothing
    contract = load_contract(_CONTRACT)
    if environment.get(MODE, "").strip().upper() == "B":
        return _record_shared(contract, resolve_folder(contract, environment), environment)
    return _record_alone(contract, environment)


def _record_shared(contract: Contract, folder: Path, environment: Mapping[str, str]) -> Recording:
    folder.mkdir(parents=True, exist_ok=True)
    cells = SharedCells(contract, folder)
    recorder = Recorder(contract, cells.make)
    recorder.begin(first_series(contract, environment))
    return Recording(recorder, cells.let_go)


def _record_alone(contract: Contract, environment: Mapping[str, str]) -> Recording:
    cells = OwnCells()
    recorder = Recorder(contract, cells.make)
    recorder.begin(first_series(contract, environment))
    page = OwnPage(contract, recorder.values, time.time())
    try:
        page.with_created = resolve_created(environment)
        page.serve(_HOST, resolve_port(contract, environment))
    except (OSError, SettingsError, ModuleNotFoundError) as error:
        _log.warning("the session records, but has no page of its own: %s", error)
    return Recording(recorder, page.let_go)
