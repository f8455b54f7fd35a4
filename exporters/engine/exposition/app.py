"""What is answered over HTTP: a landing page, /metrics, /-/healthy and /-/ready, read-only.

In: a callable that renders the metrics, and one that says whether the engine is ready. Out: an ASGI application.
Holds nothing mutable. Anything else is 404, any method but GET and HEAD is 405. Only rendering takes a worker thread;
waiting for the engine takes none, so that scrapes that wait long keep nobody from being answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import html
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from math import isfinite

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from contracts.model import Contract
from exporters.engine.values import Status
from exporters.version import VERSION

__all__ = ["build_app"]

Join = Callable[[float], "Future[None]"]
"""Seconds the scraper waits -> what is done when all that was there before has been read and committed."""

Render = Callable[[str], tuple[bytes, str]]
"""Accept header -> (exposition of what is committed, content type)."""

_SCRAPE_TIMEOUT_S = 10.0
"""Prometheus' default scrape_timeout, assumed of a scraper that does not say its own."""

_WAIT_SHARE = 0.9
"""Share of the scraper's time after which it gets what is there, should the engine itself be held up."""

_LANDING_S = 1.0
"""Seconds the landing page waits for what is being read."""

_FILES_SHOWN = 20
"""Files on the landing page; an exporter may read thousands."""

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}}
td,th{{text-align:left;padding:0 1em 0 0;vertical-align:top}}
code{{background:#eee;padding:.1em .3em}}</style>
<h1>{name}</h1><p>{help}</p>
<p>Peak_Trade exporter {version}, watch-only. Contract <code>{path}</code>, sha256 <code>{sha}</code>.</p>
{status}<ul><li><a href="/metrics">/metrics</a></li><li><a href="/-/healthy">/-/healthy</a></li>
<li><a href="/-/ready">/-/ready</a></li></ul></html>
"""


def build_app(
    contract: Callable[[], Contract],
    join: Join,
    render: Render,
    is_ready: Callable[[], bool],
    status: Callable[[], Status] = Status,
) -> Starlette:
    """Return the application of one exporter; `contract` tells which is in force, `status` what was read."""

    async def metrics(request: Request) -> Response:
        timeout_s = _timeout_of(request)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(join(timeout_s)), timeout_s * _WAIT_SHARE)
        return await run_in_threadpool(page_for, request)

    def page_for(request: Request) -> Response:
        body, content_type = render(",".join(request.headers.getlist("accept")))
        headers = {"content-type": content_type, "vary": "accept, accept-encoding"}
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            body = gzip.compress(body, compresslevel=5, mtime=0)
            headers["content-encoding"] = "gzip"
        return Response(body, headers=headers)

    async def landing(_: Request) -> Response:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(join(_LANDING_S)), _LANDING_S)
        return HTMLResponse(_landing_page(contract(), status()))

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def ready(_: Request) -> Response:
        if is_ready():
            return PlainTextResponse("ready\n")
        return PlainTextResponse("reading the event files for the first time\n", status_code=503)

    app = Starlette(
        routes=[
            Route("/", landing),
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/ready", ready),
        ]
    )
    app.router.redirect_slashes = False
    return app


def _landing_page(contract: Contract, status: Status) -> str:
    return _PAGE.format(
        name=html.escape(contract.name),
        help=html.escape(contract.help),
        version=html.escape(VERSION),
        path=html.escape(contract.path.rsplit("/", 1)[-1]),
        sha=contract.sha256,
        status="".join(_tables(status)),
    )


def _tables(status: Status) -> Iterator[str]:
    """Yield the tables of files, lines and refusals; there is none for what there is nothing of."""
    files = [(one.path, f"{one.offset:,}", f"{max(0, one.size - one.offset):,}") for one in status.files]
    more = f"<p>and {len(files) - _FILES_SHOWN} more files</p>" if len(files) > _FILES_SHOWN else ""
    yield _table(("file", "bytes read", "bytes behind"), files[:_FILES_SHOWN]) + more
    yield _table(("lines", "number"), [(outcome, f"{number:,.0f}") for outcome, number in status.lines.items()])
    when = [datetime.fromtimestamp(one.at, UTC).isoformat(timespec="seconds") for one in status.refusals]
    rows = [
        (one.reason, at, f"{one.path}@{one.offset}", one.why) for one, at in zip(status.refusals, when, strict=True)
    ]
    yield _table(("last refused as", "at", "line", "why"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"<tr>{''.join(f'<td>{_escaped(cell)}</td>' for cell in row)}</tr>" for row in rows]
    names = "".join(f"<th>{name}</th>" for name in head)
    return f"<table><tr>{names}</tr>{''.join(lines)}</table>\n" if rows else ""


def _escaped(text: str) -> str:
    return html.escape(text.encode(errors="backslashreplace").decode())


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
