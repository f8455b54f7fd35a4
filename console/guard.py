"""What holds for every request: GET and HEAD alone, strict headers, errors without internals.

In: an ASGI application. Out: one that refuses any other method with one sentence, answers HEAD without a body, sets the
headers that keep a browser from running or loading anything that is not ours, and turns what nobody foresaw into one
sentence and a line in the log.
"""

from __future__ import annotations

import logging

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["READ_ONLY", "Guard", "failed", "failure"]

READ_ONLY = "method_not_allowed: read-only api"
"""Source: facts, 4.1."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}
_METHODS = ("GET", "HEAD")
_log = logging.getLogger("peaktrade.console")


def failure(status: int, code: str, detail: str) -> Response:
    """Return an answer that is an error."""
    body = msgspec.json.encode({"code": code, "detail": detail})
    return Response(body, status, {"cache-control": "no-store"}, "application/json")


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        has_begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        if scope["method"] not in _METHODS:
            refused = failure(405, "method_not_allowed", READ_ONLY)
            refused.headers["allow"] = "GET, HEAD"
            await refused(scope, receive, send_guarded)
            return
        try:
            await self._app(scope, receive, send_guarded)
        except Exception:  # noqa: BLE001  # whatever it is, the client gets a sentence and the log the rest
            _log.exception("an answer failed path=%r", str(scope["path"])[:200])
            if not has_begun:
                await failed()(scope, receive, send_guarded)


def failed() -> Response:
    """Return the answer to what nobody foresaw."""
    return failure(500, "internal_error", "the answer could not be made; the console's log says why")
