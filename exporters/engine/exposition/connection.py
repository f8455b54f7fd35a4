"""One client's connection: what it is waited for, and how it is let go. Part of the exposition stage.

In: uvicorn's HTTP/1.1 protocol. Out: the same, which notes since when the client keeps the server waiting, and answers
whoever has closed only its own half.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Clients", "Connection"]


class Clients:
    """Who is connected, those whose connection is being set up included.

    `waiting`: who keeps the server waiting, and since when (the loop's seconds); the longest waiting first.
    """

    def __init__(self) -> None:
        self.all: set[Connection] = set()
        self.waiting: dict[Connection, float] = {}

    def make_room(self) -> bool:
        """Cut off the client that has kept the server waiting longest; whether there was one."""
        for client in self.waiting:
            client.cut_off()
            return True
        return False

    def cut_off_waiting_since(self, moment: float) -> None:
        """Cut off who has kept the server waiting since then, or longer."""
        for client, since in list(self.waiting.items()):
            if since > moment:
                break
            client.cut_off()


class Connection(H11Protocol):
    """One client."""

    def __init__(self, clients: Clients, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clients = clients
        self._is_half_closed = False
        self._arrival: asyncio.Task[None] | None = None
        clients.all.add(self)

    def shake_hands(self, arrival: asyncio.Task[None] | None) -> None:
        """Wait for the client's part of a TLS handshake; `arrival` is what sets the connection up."""
        self._arrival = arrival
        self._wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request."""
        self._arrival = None
        super().connection_made(transport)  # type: ignore[arg-type]  # of a socket
        self._wait()

    def handle_events(self) -> None:
        """Go through what has come; once there is a request, it is the client that waits."""
        super().handle_events()
        if not self._is_answered:
            self._clients.waiting.pop(self, None)

    def on_response_complete(self) -> None:
        """Wait for the answer to be read, and for the next request."""
        super().on_response_complete()
        if self._is_answered:
            self._wait()
            if self._is_half_closed:
                self.transport.close()

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio.Protocol has it
        """Whether the connection stays though the client sends nothing more: until its requests are answered."""
        self._is_half_closed = True
        return not self._is_answered and self.scheme != "https"  # TLS ends for both at once

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        """Go on with the answer."""
        super().resume_writing()
        if not self._is_answered:
            self._clients.waiting.pop(self, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self.forget()
        super().connection_lost(exc)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: whoever asks for an upgrade that there is not goes on in HTTP, as the standard has it."""

    @property
    def _is_answered(self) -> bool:
        """Whether every request that has come whole has its answer."""
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        self._clients.waiting.pop(self, None)
        self._clients.waiting[self] = self.loop.time()

    def forget(self) -> None:
        """Give the place to somebody else."""
        self._clients.waiting.pop(self, None)
        self._clients.all.discard(self)

    def cut_off(self) -> None:
        """End the connection at once, whatever is still to be sent."""
        self.forget()
        if self._arrival is not None:
            self._arrival.cancel()
        else:
            self.transport.abort()
