"""Keeps clients informed as lines come: one look at the files a tick for all of them, then server-sent events to each.

In: the index. Out: events `pt_event` of one run from a position on, and `pt_update` whenever anything changed. A client
that does not read is not waited for: what it misses it asks for again by position.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from console.api.endpoint import Failure

__all__ = ["MOST_CLIENTS", "Pulse", "follow", "stream_of", "updates"]

MOST_CLIENTS = 100
"""Clients that may follow at once."""

_TICK_S = 0.5
_PING_S = 5.0


class Pulse:
    """Tells who follows that the index has changed; looks only while somebody does.

    Args:
        look: brings the index up to date and returns its version.
    """

    def __init__(self, look: Callable[[], int]) -> None:
        self._look = look
        self._followers = 0
        self._looked_at = float("-inf")
        self._looking = asyncio.Lock()
        self.version = 0

    def enter(self) -> None:
        """Begin to follow.

        Raises:
            Failure: 503, if too many do.
        """
        if self._followers >= MOST_CLIENTS:
            raise Failure(503, "too_many_streams", f"more than {MOST_CLIENTS} clients follow; ask again later")
        self._followers += 1

    def leave(self) -> None:
        """End following."""
        self._followers -= 1

    async def changed(self, since: int, seconds: float) -> int:
        """Return the version once it is another than `since`, or after so many seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self.version == since and loop.time() < deadline:
            async with self._looking:
                if loop.time() - self._looked_at >= _TICK_S:
                    self.version = await run_in_threadpool(self._look)
                    self._looked_at = loop.time()
            if self.version == since:
                await asyncio.sleep(min(_TICK_S, max(0.0, deadline - loop.time())))
        return self.version


def event(name: str, data: object, number: int | None = None) -> bytes:
    """Return one server-sent event."""
    head = b"" if number is None else f"id: {number}\n".encode()
    return head + f"event: {name}\n".encode() + b"data: " + msgspec.json.encode(data) + b"\n\n"


async def follow(
    pulse: Pulse,
    page: Callable[[int], Awaitable[dict[str, object]]],
    since: int,
    seconds: float,
    goes_on: bool,
) -> AsyncIterator[bytes]:
    """Yield the events of a run from `since` on; with `goes_on` those that come within so many seconds, too."""
    loop = asyncio.get_running_loop()
    deadline, version = loop.time() + seconds, -1
    try:
        while True:
            found = await page(since)
            items = found["items"]
            assert isinstance(items, list)
            for item in items:
                yield event("pt_event", item, item["seq"])
            since = int(str(found["next_seq"]))
            if items:
                continue
            if not goes_on or loop.time() >= deadline:
                return
            version, before = await pulse.changed(version, min(_PING_S, deadline - loop.time())), version
            if version == before:
                yield b": ping\n\n"
    finally:
        pulse.leave()


async def updates(pulse: Pulse, seconds: float) -> AsyncIterator[bytes]:
    """Yield `pt_update` whenever the index changed, and a ping where it did not for long."""
    loop = asyncio.get_running_loop()
    deadline, version = loop.time() + seconds, pulse.version
    yield b"retry: 2000\n\n" + event("pt_update", {"version": version})
    try:
        while loop.time() < deadline:
            found = await pulse.changed(version, min(_PING_S, deadline - loop.time()))
            yield b": ping\n\n" if found == version else event("pt_update", {"version": found})
            version = found
    finally:
        pulse.leave()


def stream_of(body: AsyncIterator[bytes]) -> StreamingResponse:
    """Return a stream as an answer."""
    return StreamingResponse(body, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
