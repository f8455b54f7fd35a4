"""The application: routes of the API and the pages over one index.

In: settings and an index. Out: an ASGI application. Handlers run in threads, one at a time over the index; each answer
holds every line that was appended before the request came, unless more is to be read than half a second allows. Of the
long answers one is made at a time, however many are asked for, and short ones in between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.api.endpoint import Asked, Endpoint, Failure, Text
from console.api.execution import WATCHED
from console.api.following import Pulse, follow, stream_of, updates
from console.api.openapi import describe
from console.api.parameters import read_asked
from console.api.routes import ENDPOINTS
from console.api.runs_v0 import events_page
from console.guard import Guard, failed, failure
from console.index.index import Index
from console.metrics import UNKNOWN, Metrics
from console.pages.pages import PAGES
from console.pages.render import STATIC, render
from console.requests import Requests
from console.settings import Settings
from console.snapshot import snapshot
from console.version import VERSION
from console.view import View

__all__ = ["Console", "build_app"]

_EVENTS = "/api/v0/runs/{run_id}/events"
_UPDATES_S = 3600
_LONG = 500
"""Rows asked for from which an answer is a long one."""

P = ParamSpec("P")
T = TypeVar("T")


class Console:
    """What the routes share: the index, the clock, and who follows."""

    def __init__(self, settings: Settings, index: Index, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.index = index
        self.now = now
        self.pulse = Pulse(self._look)
        self.requests: dict[str, int] = {}
        self.metrics = Metrics(settings.counts_requests, settings.needs_client)
        self.told = Requests(settings.requests_file)
        self._long_ones = asyncio.Semaphore(1)

    def _look(self) -> int:
        self.index.catch_up(0.2)
        return self.index.version

    @contextmanager
    def view(self) -> Iterator[View]:
        """Give a view of this moment to one thread."""
        with self.index.reading() as database:
            index = self.index
            state = index.is_behind, index.lag_bytes, index.problems, index.held
            yield View(database, self.settings, self.now(), *state)

    def answer(self, endpoint: Endpoint, asked: Asked) -> Response:
        """Return what a route answers."""
        with self.view() as view:
            found = endpoint.handler(view, {**asked, "runtime_metrics": self.requests})
        if isinstance(found, Text):
            return Response(found.body, media_type=found.media_type)
        return Response(msgspec.json.encode(found), media_type="application/json")

    async def in_turn(self, asked: Asked, make: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Return what `make` returns of what was asked, made in a thread; the long answers one after the other.

        After each as much time is left to the others; whoever waits for the index would else wait for the next, too.
        """
        if (asked.get("limit") or 0) < _LONG:
            return await run_in_threadpool(make, *given, **named)
        await self._long_ones.acquire()
        began = time.perf_counter()
        try:
            return await run_in_threadpool(make, *given, **named)
        finally:
            asyncio.get_running_loop().call_later(time.perf_counter() - began, self._long_ones.release)


def build_app(console: Console) -> ASGIApp:
    """Return the application."""
    description = msgspec.json.encode(describe(ENDPOINTS, VERSION))

    async def openapi(request: Request) -> Response:
        return Response(description, media_type="application/json")

    async def metrics(request: Request) -> Response:
        return console.metrics.page()

    def make_snapshot() -> Response:
        with console.view() as view:
            return Response(render("snapshot.html", snapshot=snapshot(view)), media_type="text/html")

    async def snapshot_page(request: Request) -> Response:
        return await run_in_threadpool(make_snapshot)

    async def follow_updates(request: Request) -> Response:
        console.pulse.enter()
        return stream_of(updates(console.pulse, _UPDATES_S))

    routes: list[BaseRoute] = [Route(one.path, _route(console, one)) for one in ENDPOINTS]
    routes += [Route(one.path, _page(console, one)) for one in PAGES]
    routes += [Route("/api/live/status/snapshot.html", snapshot_page), Route("/metrics", metrics)]
    routes += [Route("/docs", _docs), Route("/static/{name}", _static)]
    routes += [Route("/openapi.json", openapi), Route("/api/v0/updates", follow_updates)]
    handlers = {Failure: _refuse, HTTPException: _refuse_http, Exception: _fail}
    app = Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]  # each takes its own kind
    app.router.redirect_slashes = False
    return Counted(Guard(app), console)


class Counted:
    """Counts what is answered, by the route's template, and tells the execution_watch exporter of its requests."""

    def __init__(self, app: ASGIApp, console: Console) -> None:
        self._app = app
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; /metrics itself is not counted."""
        if scope["type"] != "http" or scope["path"] == "/metrics":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        self._console.metrics.begin()
        try:
            await self._app(scope, receive, send_noted)
        finally:
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", UNKNOWN)
        self._console.metrics.end(scope["method"], route, status, seconds)
        if route in WATCHED:
            self._console.told.tell(self._console.now(), route, scope["method"], status, seconds)
            name = f"{route} {status}"
            self._console.requests[name] = self._console.requests.get(name, 0) + 1


def _route(console: Console, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        asked = read_asked(endpoint, request.path_params, request.query_params)
        if endpoint.path == _EVENTS and (asked["sse"] or asked["follow"]):
            return await _follow(console, asked, request)
        return await console.in_turn(asked, console.answer, endpoint, asked)

    return answer


def _page(console: Console, page: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    def make(asked: Asked, path: str) -> Response:
        with console.view() as view:
            found = page.handler(view, asked)
            assert isinstance(found, tuple), "of a page it is a template and what it shows"
            template, shown = found
            filters = {parameter.name: asked[parameter.name] for parameter in page.parameters}
            return _html(template, view.settings, path, filters, **shown)

    async def answer(request: Request) -> Response:
        path = request.url.path
        try:
            asked = read_asked(page, request.path_params, request.query_params)
            return await console.in_turn(asked, make, asked, path)
        except Failure as error:
            said = {"status": error.status, "detail": error.detail, "ribbon": None}
            return _html("failure.html", console.settings, path, {}, error.status, **said)

    return answer


def _html(
    template: str, settings: Settings, path: str, filters: Mapping[str, object], status_code: int = 200, **shown: object
) -> Response:
    refresh = 0 if filters.get("pause") else settings.refresh_seconds
    page = render(template, settings=settings, path=path, filters=filters, refresh=refresh, **shown)
    return Response(page, status_code, {"cache-control": "no-store"}, "text/html")


async def _docs(request: Request) -> Response:
    return Response(render("docs.html", endpoints=ENDPOINTS, version=VERSION), media_type="text/html")


async def _static(request: Request) -> Response:
    found = STATIC.get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    return Response(found[0], headers={"cache-control": "max-age=60"}, media_type=found[1])


async def _follow(console: Console, asked: Asked, request: Request) -> Response:
    """Answer with a stream of a run's events; a client that comes again says itself how far it got."""

    def read(since: int) -> dict[str, object]:
        with console.view() as view:
            return events_page(view, {**asked, "since_seq": since})

    def page(since: int) -> Awaitable[dict[str, object]]:
        return console.in_turn(asked, read, since)

    last = request.headers.get("last-event-id", "")
    since = int(last) + 1 if last.isascii() and last.isdigit() and len(last) < 13 else asked["since_seq"]
    await page(since)
    console.pulse.enter()
    return stream_of(follow(console.pulse, page, since, asked["max_seconds"], asked["follow"]))


async def _fail(request: Request, error: Exception) -> Response:
    return failed()


async def _refuse(request: Request, error: Failure) -> Response:
    return failure(error.status, error.code, error.detail)


async def _refuse_http(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        return failure(404, "not_found", "there is nothing at this address; / lists what there is")
    return failure(error.status_code, "refused", "the request cannot be answered")
