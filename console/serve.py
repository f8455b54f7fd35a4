"""The console as a process: serves until it is told to stop (SIGTERM, Ctrl-C).

In: settings, an address. Out: an exit code: 0 told to stop, 1 port or index cannot be had. A port belongs to one
process; there is no other one to fall back to.
"""

from __future__ import annotations

import errno
import gc
import logging
import signal
import socket
import ssl

import click
import uvicorn

from console.app import Console, build_app
from console.index.index import Index
from console.index.store import IndexStoreError
from console.settings import Settings
from exporters.reading import raise_limit
from exporters.web.access import Access

__all__ = ["ListenError", "freeze_what_stays", "listen", "serve"]

_MOST_CONNECTIONS = 500
_YOUNG = 20_000
"""Values made after which the collector looks at the youngest."""

_log = logging.getLogger("peaktrade.console")


class ListenError(Exception):
    """The port cannot be had."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ListenError: naming host, port and what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "the port is taken" if taken else (error.strerror or str(error)).lower()
        remedy = "stop the process that holds it (ss -ltnp)" if taken else "choose another host or port"
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        raise ListenError(f"{shown}:{port}: the console cannot listen here: {reason}; {remedy}") from error
    return listener


def freeze_what_stays() -> None:
    """Keep the collector from looking again, within answers, at what was made so far and stays: modules and routes.

    An answer makes some ten thousand values that are gone with it; looked for cycles every 700, most of them would be
    taken for lasting ones, and looking at all of those costs more than many an answer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 10)


class _Config(uvicorn.Config):
    """What uvicorn serves by, with a context of our own for TLS."""

    context: ssl.SSLContext | None = None

    def load(self) -> None:
        """Make everything ready to serve."""
        super().load()
        self.ssl = self.context


def serve(settings: Settings, host: str, port: int, access: Access) -> int:
    """Serve the console until it is told to stop; return its exit code.

    Args:
        access: who may connect and ask.
    """
    try:
        listener = listen(host, port)
        raise_limit()
        index = Index(settings)
    except (ListenError, IndexStoreError) as error:
        click.echo(str(error), err=True)
        return 1
    config = _Config(
        access.guard(build_app(Console(settings, index))),
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=1,
    )
    config.context = access.tls
    config.load()
    freeze_what_stays()
    _log.info("serving console address=%s:%d", host, listener.getsockname()[1])
    _log.info("reading runs=%s sessions=%s", settings.base_runs_dir, settings.sessions_dir)
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # uvicorn raises them again once it has ended, for whoever else listens
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listener])
    index.close()
    listener.close()
    _log.info("stopped console")
    return 0
