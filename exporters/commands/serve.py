"""One exporter as a process: serves until it is told to stop (SIGTERM, Ctrl-C), reads its contract again at SIGHUP.

In: settings. Out: an exit code: 0 told to stop, 1 the port or the state cannot be had, or the server was lost. Signals
are only noted, and seen to between two steps of the engine.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path

import click

from contracts.compiler.document import ContractError
from contracts.load import load_contract
from contracts.model import Contract
from exporters.commands.settings import Settings, SettingsError
from exporters.engine.accounting import status_of
from exporters.engine.clock import SystemClock
from exporters.engine.exposition.app import build_app
from exporters.engine.exposition.render import Kept, render
from exporters.engine.exposition.serve import ServeError, Server, bind
from exporters.engine.run import Engine, ReloadError
from exporters.engine.state.rows import StoreBusyError, StoreError
from exporters.engine.state.store import Store
from exporters.engine.tail.descriptors import raise_limit
from exporters.engine.tail.tail import Tail
from exporters.engine.tail.watcher import Watcher
from exporters.web.access import Access

__all__ = ["Reloader", "serve"]

_log = logging.getLogger("peaktrade.exporter")


class Reloader:
    """Puts the contract that is on disk in force, when asked to and if it is in order.

    Args:
        settings_for: what a start under a contract would be told.
    """

    def __init__(self, settings: Settings, settings_for: Callable[[Contract], Settings]) -> None:
        self._settings = settings
        self._settings_for = settings_for
        self._is_asked = False

    def ask(self, *_: object) -> None:
        """Have the contract read again soon; a signal handler."""
        self._is_asked = True

    def reload_if_asked(self, engine: Engine) -> None:
        """Read the contract again if that was asked for; one that cannot be had is said, and the old one goes on."""
        if not self._is_asked:
            return
        self._is_asked = False
        path = self._settings.contract.path
        try:
            contract = load_contract(Path(path))
            settings = self._settings_for(contract)
            engine.reload(settings.contract)
        except (ContractError, SettingsError, ReloadError) as error:
            engine.is_reload_refused = True
            for fault in str(error).splitlines():
                _log.error("%s", fault)
            _log.error("%s: not reloaded; the contract in force goes on", path)
            return
        _log.info("reloaded exporter=%s contract=%s sha256=%s", contract.name, path, contract.sha256)
        later = self._needs_a_start(settings)
        if later:
            _log.warning("%s: what it says of %s takes effect at the next start", path, ", ".join(later))

    def _needs_a_start(self, settings: Settings) -> list[str]:
        """Return what cannot be changed while running and is not as it was."""
        before, after = self._settings, settings
        kept = {
            "files": (before.files, after.files),
            "max_line_bytes": (before.contract.files.max_line_bytes, after.contract.files.max_line_bytes),
            "port": (before.port, after.port),
        }
        return [name for name, (old, new) in kept.items() if old != new]


def serve(settings: Settings, settings_for: Callable[[Contract], Settings], access: Access) -> int:
    """Serve one exporter to whom `access` lets in, until it is told to stop; return its exit code."""
    contract, reloader = settings.contract, Reloader(settings, settings_for)
    signal.signal(signal.SIGHUP, reloader.ask)
    store = Store(settings.state, contract.name, settings.durability) if settings.state else None
    try:
        listener = bind(settings.host, settings.port, contract.name)
        raise_limit()
        tail = Tail(settings.files, contract.files.max_line_bytes)
        engine = Engine(contract, tail, os.environ, SystemClock(), store).start()
    except (ServeError, StoreError) as error:
        click.echo(_advice(error), err=True)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: engine.stop())
    kept: Kept = {}
    app = build_app(
        lambda: engine.contract,
        engine.scrape,
        lambda accept: render(*engine.published, accept=accept, kept=kept, with_created=settings.created_series),
        lambda: engine.is_ready,
        lambda: status_of(engine.published[0], engine.positions.files(), engine.ledger.refusals.last.values()),
    )
    server, watcher = Server(access.guard(app), listener, access.tls), Watcher(tail.directories, engine.wake)
    server.start()
    watcher.start()
    _log.info("serving exporter=%s address=%s:%d", contract.name, settings.host, settings.port)
    _log.info("reading exporter=%s files=%s", contract.name, ",".join(settings.files))

    def goes_on() -> bool:
        reloader.reload_if_asked(engine)
        return server.is_alive

    try:
        engine.run(goes_on)
    finally:
        watcher.stop()
        alive = server.is_alive
        server.stop()
        tail.close()
    _log.info("stopped exporter=%s", contract.name)
    return 0 if alive else 1


def _advice(error: Exception) -> str:
    """Return the message of an error that keeps an exporter from starting, with what to do about it."""
    if isinstance(error, StoreBusyError):
        return f"{error}; stop that process, or give this one another --state-dir"
    if isinstance(error, StoreError):
        return f"{error}; give --state-dir a folder that can be written to, or `none`"
    return str(error)
