"""Serves an application on a port, however many clients there are and however they behave.

In: an ASGI application, a listening socket, perhaps a TLS context. Out: HTTP. Part of the exposition stage. A client
that keeps the server waiting, for a handshake, a whole request or room to write an answer, is cut off within 10 s;
there are at most `most_clients()`, beyond which the one that has kept it waiting longest makes room; what clients do is
logged at most once a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import socket
import ssl
import threading

import uvicorn
from starlette.types import ASGIApp

from exporters.engine.exposition.connection import Clients, Connection

__all__ = ["ServeError", "Server", "bind", "most_clients"]

_TICK_S = 1.0
"""Seconds between two looks of the server at itself, at which it also renews its Date header."""

_PATIENCE_S = 9.0
"""Seconds a client may keep the server waiting, found out at the next tick: 10 at most."""

_MOST_CLIENTS = 1500
_BURST = 16
"""Connections accepted before those that are there are listened to: a burst cannot push out what it brought."""

_RETRY_S = 0.1
"""Seconds in which nothing is accepted after the system had no descriptor for it."""

_SAY_EVERY_S = 60.0

_log = logging.getLogger("peaktrade.exporter.http")
_TALKERS = (_log.name, "uvicorn.error", "asyncio")
"""The loggers that speak of clients."""


class ServeError(Exception):
    """The port cannot be had."""


def bind(host: str, port: int, exporter: str) -> socket.socket:
    """Return a listening socket; a port belongs to one process, and there is no other port to fall back to.

    Raises:
        ServeError: naming host, port, exporter and what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named because asyncio turns Nagle's delay (40 ms a scrape) off only where it is
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "the port is taken" if taken else str(getattr(error, "strerror", None) or error).lower()
        remedy = "stop the process that holds it (ss -ltnp)" if taken else "choose another host or port"
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        raise ServeError(f"{shown}:{port}: {exporter} cannot listen here: {reason}; {remedy}") from error
    return listener


def most_clients() -> int:
    """Return how many connections there may be at once: a quarter of the descriptors, at most 1500."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CLIENTS if soft == resource.RLIM_INFINITY else max(1, min(_MOST_CLIENTS, soft // 4))


class _OncePerMinute(logging.Filter):
    """Lets what one place in the code says through once a minute, for each kind of exception."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[object, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether nothing was said there for a minute."""
        place = record.pathname, record.lineno, record.exc_info and record.exc_info[0]
        may_pass = abs(record.created - self._said.get(place, float("-inf"))) >= _SAY_EVERY_S
        if may_pass:
            self._said[place] = record.created
        return may_pass


class _Guarded(uvicorn.Server):
    """A server that accepts by itself, and looks at its connections once a second (idle: 0.2 % of a core)."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        super().__init__(config)
        self._tls = tls
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()
        self._listener = listener
        self._clients = Clients()
        self._arriving: set[asyncio.Task[None]] = set()
        self._most = most_clients()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        self._loop = asyncio.get_running_loop()
        self.servers = []
        self._listener.setblocking(False)
        self._listen(self._loop)
        self.started = True

    async def main_loop(self) -> None:
        """Serve until told to end."""
        loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            self._clients.cut_off_waiting_since(loop.time() - _PATIENCE_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _TICK_S)
        loop.remove_reader(self._listener)

    def end(self) -> None:
        """End serving; may be called from another thread, and before the loop runs."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._ending.set)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self.should_exit:
            loop.add_reader(self._listener, self._accept, loop)

    def _accept(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take in who knocks. At the system's limits wait for a moment, as the listener would be ready all the time."""
        for _ in range(_BURST):
            try:
                client, _ = self._listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    _log.warning("no connection can be accepted now (%s); trying again", (error.strerror or "").lower())
                    loop.remove_reader(self._listener)
                    loop.call_later(_RETRY_S, self._listen, loop)
                    self._clients.make_room()
                return
            if len(self._clients.all) >= self._most:
                _log.warning("more than %d connections at once; those that ask for nothing are closed", self._most)
                if not self._clients.make_room():
                    client.close()
                    continue
            connection = Connection(self._clients, self.config, self.server_state, {})
            arrival = loop.create_task(_take_in(loop, connection, client, self._tls))
            self._arriving.add(arrival)
            arrival.add_done_callback(self._arriving.discard)


async def _take_in(
    loop: asyncio.AbstractEventLoop, connection: Connection, client: socket.socket, tls: ssl.SSLContext | None
) -> None:
    client.setblocking(False)
    if tls is not None:
        connection.shake_hands(asyncio.current_task(loop))
    try:
        await loop.connect_accepted_socket(lambda: connection, client, ssl=tls)
    except (OSError, asyncio.CancelledError):  # it has gone again, or was cut off
        connection.forget()
        client.close()


class Server:
    """Serves an application on a socket in a thread of its own until stop(), over TLS if there is a context."""

    def __init__(self, app: ASGIApp, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        self._once_per_minute = _OncePerMinute()
        config = uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            server_header=False,
        )
        self._server = _Guarded(config, listener, tls)
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        for name in _TALKERS:
            logging.getLogger(name).addFilter(self._once_per_minute)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the server still runs; losing it means losing the port."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop serving and give the port back."""
        self._server.end()
        self._thread.join(timeout=5)
        self._listener.close()
        for name in _TALKERS:
            logging.getLogger(name).removeFilter(self._once_per_minute)

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])
