"""Serves what sessions record: a target that stays up while they come and go.

In: a contract with a folder, an address. Out: a process that serves until it is told to stop. The port is taken before
anything on disk changes. Without the client library there is one warning and a page that says so, as a target that is
down would tell an operator less.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from importlib.util import find_spec
from pathlib import Path
from types import FrameType

import click

from contracts.model import Contract
from exporters.engine.clock import Clock, SystemClock
from exporters.engine.exposition.app import build_app
from exporters.engine.exposition.serve import ServeError, Server, bind
from exporters.multiprocess.claims import FolderError
from exporters.multiprocess.collector import Collector
from exporters.multiprocess.exposed import about, first_series, snapshot_of
from exporters.web.access import Access

__all__ = ["FALLBACK", "Page", "Render", "at_once", "serve_folder"]

FALLBACK = "peak_trade_metrics_fallback"
"""The one family of a page where the client library is missing. Source: the predecessor's web page."""

_PLAIN = "text/plain; version=0.0.4; charset=utf-8"

_TIDY_S = 5.0
"""Seconds between two looks for what the dead left, if nobody scrapes."""

_log = logging.getLogger("peaktrade.exporter")

Render = Callable[[str], tuple[bytes, str]]
"""Accept header -> (exposition, content type)."""


class Page:
    """The folder as a metrics page; safe to be asked from several threads."""

    def __init__(self, contract: Contract, folder: Path, clock: Clock, with_created: bool = False) -> None:
        self._collector = Collector(contract, folder, clock)
        self._contract = contract
        self._first = first_series(contract, os.environ)
        self._clock = clock
        self._with_created = with_created
        self._guard = threading.Lock()

    def open(self) -> None:
        """Take the folder.

        Raises:
            FolderError: if it cannot be had.
        """
        self._collector.open()

    def tidy(self) -> None:
        """Fold what dead processes left."""
        with self._guard:
            self._collector.tidy()

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the page in the format a scraper accepts."""
        from exporters.engine.exposition.render import render

        collector = self._collector
        with self._guard:
            snapshot = snapshot_of(self._contract, {**self._first, **collector.collect()}, collector.since)
            more = {
                "recorders": float(collector.recorders),
                "refused_series": float(collector.refused),
                "state_ok": float(collector.is_ok),
                "state_errors_total": float(collector.errors),
            }
        gauges = about(self._contract, snapshot, os.environ, more)
        return render(snapshot, gauges, accept, with_created=self._with_created)

    def close(self) -> None:
        """Give the folder back."""
        self._collector.close()


def at_once(_timeout_s: float) -> Future[None]:
    """Return what a scrape need not wait for: everything recorded is in the files already."""
    done: Future[None] = Future()
    done.set_result(None)
    return done


def serve_folder(
    contract: Contract,
    host: str,
    port: int,
    folder: Path,
    access: Access,
    with_created: bool = False,
) -> int:
    """Serve until told to stop; return the exit code.

    Args:
        folder: where sessions record, an absolute path.
        access: who may connect and ask.
        with_created: whether OpenMetrics says when each series began.
    """
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # for whatever asks the client library where the files are
    has_client = find_spec("prometheus_client") is not None
    page = Page(contract, folder, SystemClock(), with_created) if has_client else None
    try:
        listener = bind(host, port, contract.name)
        if page is not None:
            page.open()
    except (ServeError, FolderError) as error:
        click.echo(str(error), err=True)
        return 1
    if page is None:
        _log.warning("prometheus_client is missing: the page says so and shows nothing else; install it and restart")
    app = build_app(lambda: contract, at_once, page.render if page is not None else _fallback, lambda: True)
    server = Server(access.guard(app), listener, access.tls)
    stopping = _stop_on_signals()
    server.start()
    _log.info("%s started address=%s:%d multiproc_dir=%s", contract.name, host, port, folder)
    while server.is_alive and not stopping.wait(_TIDY_S):
        if page is not None:
            page.tidy()
    alive = server.is_alive
    server.stop()
    if page is not None:
        page.close()
    _log.info("stopped exporter=%s", contract.name)
    return 0 if alive else 1


def _stop_on_signals() -> threading.Event:
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, _say_restart)
    return stopping


def _say_restart(number: int, frame: FrameType | None) -> None:
    _log.warning("the contract is read at the start only; restart to read it again: what was counted stays")


def _fallback(_accept: str) -> tuple[bytes, str]:
    text = f"# HELP {FALLBACK} 1 if the client library is missing, so that nothing can be shown.\n"
    return f"{text}# TYPE {FALLBACK} gauge\n{FALLBACK} 1\n".encode(), _PLAIN
