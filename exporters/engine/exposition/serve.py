"""HTTP: a landing page, /metrics, /-/healthy and /-/ready, read-only.

In: a callable that renders the metrics, one that says whether the engine is ready, and a listening socket. Out: bytes.
Holds nothing mutable. Anything else is 404, any method but GET and HEAD is 405.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gzip
import html
import re
import socket
import threading
from collections.abc import Callable
from math import isfinite

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from contracts.model import Contract
from exporters.version import VERSION

__all__ = ["ServeError", "Server", "bind", "build_app"]

Render = Callable[[str, float], tuple[bytes, str]]
"""(Accept header, seconds the scraper waits) -> (exposition, content type)."""

_SCRAPE_TIMEOUT_S = 10.0
"""Prometheus' default scrape_timeout, assumed of a scraper that does not say its own."""

_TICK_S = 1.0
"""Seconds between two looks of the server at itself, at which it also renews its Date header."""

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}}
code{{background:#eee;padding:.1em .3em}}</style>
<h1>{name}</h1><p>{help}</p>
<p>Peak_Trade exporter {version}, watch-only. Contract <code>{path}</code>, sha256 <code>{sha}</code>.</p>
<ul><li><a href="/metrics">/metrics</a></li><li><a href="/-/healthy">/-/healthy</a></li>
<li><a href="/-/ready">/-/ready</a></li></ul></html>
"""


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
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "the port is taken" if taken else str(getattr(error, "strerror", None) or error).lower()
        remedy = "stop the process that holds it (ss -ltnp)" if taken else "choose another host or port"
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        raise ServeError(f"{shown}:{port}: {exporter} cannot listen here: {reason}; {remedy}") from error
    return listener


def build_app(contract: Contract, render: Render, is_ready: Callable[[], bool]) -> Starlette:
    """Return the application of one exporter."""
    page = _PAGE.format(
        name=html.escape(contract.name),
        help=html.escape(contract.help),
        version=html.escape(VERSION),
        path=html.escape(contract.path.rsplit("/", 1)[-1]),
        sha=contract.sha256,
    )

    def metrics(request: Request) -> Response:
        body, content_type = render(request.headers.get("accept", ""), _timeout_of(request))
        headers = {"content-type": content_type, "vary": "accept, accept-encoding"}
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            body = gzip.compress(body, compresslevel=5, mtime=0)
            headers["content-encoding"] = "gzip"
        return Response(body, headers=headers)

    def ready(_: Request) -> Response:
        if is_ready():
            return PlainTextResponse("ready\n")
        return PlainTextResponse("reading the event files for the first time\n", status_code=503)

    app = Starlette(
        routes=[
            Route("/", lambda _: HTMLResponse(page)),
            Route("/metrics", metrics),
            Route("/-/healthy", lambda _: PlainTextResponse("healthy\n")),
            Route("/-/ready", ready),
        ]
    )
    app.router.redirect_slashes = False
    return app


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip and does not refuse it with q=0."""
    for entry in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        if name == "gzip":
            return not any(re.fullmatch(r"q\s*=\s*0(\.0*)?", parameter) for parameter in parameters)
    return False


def _timeout_of(request: Request) -> float:
    """Return the scraper's own timeout in seconds, within reason; one that makes no sense is ignored."""
    try:
        stated = float(request.headers.get("x-prometheus-scrape-timeout-seconds", ""))
    except ValueError:
        return _SCRAPE_TIMEOUT_S
    return min(max(stated, 0.1), 60.0) if isfinite(stated) and stated > 0 else _SCRAPE_TIMEOUT_S


class _Quiet(uvicorn.Server):
    """A server that looks once a second whether it should end, not ten times: idle that is 0.2 % of a core."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()

    async def main_loop(self) -> None:
        """Serve until told to end."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _TICK_S)

    def end(self) -> None:
        """End serving; may be called from another thread, and before the loop runs."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._ending.set)


class Server:
    """Serves an application on a socket in a thread of its own until stop()."""

    def __init__(self, app: Starlette, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
            server_header=False,
        )
        self._server = _Quiet(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
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

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])
