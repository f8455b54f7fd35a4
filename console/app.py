"""The application: routes of the API and the pages over one index.

In: settings and an index. Out: an ASGI application. Handlers run in threads, one at a time over the index; each answer
holds every line that was appended before the request came, unless more is to be read than half a second allows.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from console.api.endpoint import Asked, Endpoint, Failure, Text
from console.api.following import Pulse, follow, stream_of, updates
from console.api.openapi import describe
from console.api.parameters import read_asked
from console.api.routes import ENDPOINTS
from console.api.runs_v0 import events_page
from console.guard import Guard, failed, failure
from console.index.index import Index
from console.settings import Settings
from console.version import VERSION
from console.view import View

__all__ = ["Console", "build_app"]

_EVENTS = "/api/v0/runs/{run_id}/events"
_UPDATES_S = 3600


class Console:
    """What the routes share: the index, the clock, and who follows."""

    def __init__(self, settings: Settings, index: Index, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.index = index
        self.now = now
        self.pulse = Pulse(self._look)
        self.requests: dict[str, int] = {}

    def _look(self) -> int:
        self.index.catch_up(0.2)
        return self.index.version

    @contextmanager
    def view(self) -> Iterator[View]:
        """Give a view of this moment to one thread."""
        with self.index.reading() as database:
            index = self.index
            yield View(database, self.settings, self.now(), index.is_behind, index.lag_bytes, index.problems)

    def answer(self, endpoint: Endpoint, asked: Asked) -> object:
        """Return what a route answers."""
        with self.view() as view:
            return endpoint.handler(view, {**asked, "runtime_metrics": self.requests})


def build_app(console: Console) -> Guard:
    """Return the application."""
    description = msgspec.json.encode(describe(ENDPOINTS, VERSION))

    async def openapi(request: Request) -> Response:
        return Response(description, media_type="application/json")

    async def follow_updates(request: Request) -> Response:
        console.pulse.enter()
        return stream_of(updates(console.pulse, _UPDATES_S))

    routes: list[BaseRoute] = [Route(one.path, _route(console, one)) for one in ENDPOINTS]
    routes += [Route("/openapi.json", openapi), Route("/api/v0/updates", follow_updates)]
    handlers = {Failure: _refuse, HTTPException: _refuse_http, Exception: _fail}
    app = Starlette(routes=routes, exception_handlers=handlers)  # type: ignore[arg-type]  # each takes its own kind
    app.router.redirect_slashes = False
    return Guard(app)


def _route(console: Console, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        asked = read_asked(endpoint, request.path_params, request.query_params)
        if endpoint.path == _EVENTS and (asked["sse"] or asked["follow"]):
            return await _follow(console, asked, request)
        found = await run_in_threadpool(console.answer, endpoint, asked)
        if isinstance(found, Text):
            return Response(found.body, media_type=found.media_type)
        return Response(msgspec.json.encode(found), media_type="application/json")

    return answer


async def _follow(console: Console, asked: Asked, request: Request) -> Response:
    """Answer with a stream of a run's events; a client that comes again says itself how far it got."""

    def page(since: int) -> dict[str, object]:
        with console.view() as view:
            return events_page(view, {**asked, "since_seq": since})

    last = request.headers.get("last-event-id", "")
    since = int(last) + 1 if last.isascii() and last.isdigit() and len(last) < 13 else asked["since_seq"]
    await run_in_threadpool(page, since)
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
