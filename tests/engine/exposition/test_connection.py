"""Who keeps the server waiting and since when, who is cut off and in which order, and how a connection ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from exporters.engine.exposition.connection import Clients, Connection


class Client:
    """A client that notes whether it was cut off."""

    def __init__(self, clients: Clients, since: float) -> None:
        self._clients = clients
        self.is_cut_off = False
        clients.waiting[self] = since  # type: ignore[index]  # it stands for a connection

    def cut_off(self) -> None:
        self.is_cut_off = True
        del self._clients.waiting[self]  # type: ignore[arg-type]  # it stands for a connection


def test_whoever_waits_for_as_long_as_may_be_is_cut_off_and_nobody_else() -> None:
    clients = Clients()
    waiting = [Client(clients, since) for since in (1.0, 2.0, 3.0, 4.0)]
    for moment, expected in ((0.9, 0), (1.0, 1), (3.5, 3), (3.9, 3), (5.0, 4), (6.0, 4)):
        clients.cut_off_waiting_since(moment)
        assert [client.is_cut_off for client in waiting] == [True] * expected + [False] * (4 - expected)


def test_whoever_waits_longest_makes_room_and_nobody_does_if_nobody_waits() -> None:
    clients = Clients()
    waiting = [Client(clients, since) for since in (1.0, 2.0)]
    for expected in ([True, False], [True, True]):
        assert clients.make_room()
        assert [client.is_cut_off for client in waiting] == expected
    assert not clients.make_room()


REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Transport:
    """A way to a client that notes what is done with it."""

    def __init__(self, is_tls: bool = False) -> None:
        self._is_tls = is_tls
        self.sent = b""
        self.end = ""

    def get_extra_info(self, name: str) -> object:
        return self._is_tls if name == "sslcontext" else None

    def write(self, data: bytes) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return bool(self.end)

    def close(self) -> None:
        self.end = "closed"

    def abort(self) -> None:
        self.end = "cut off"


class Scene:
    """Clients of an application that answers with half a page, and with the rest when it is let go."""

    def __init__(self) -> None:
        self.clients = Clients()
        self._rest = asyncio.Event()
        self._config = uvicorn.Config(self._app, interface="asgi3", ws="none", log_config=None)

    def connect(self, is_tls: bool = False) -> tuple[Connection, Transport]:
        transport = Transport(is_tls)
        connection = Connection(self.clients, self._config, ServerState(), {})
        connection.connection_made(transport)  # type: ignore[arg-type]  # it stands for one
        return connection, transport

    @property
    def waiting(self) -> list[Connection]:
        return list(self.clients.waiting)

    async def half(self, transport: Transport) -> None:
        """Return when half the page has been sent."""
        await self._turns()
        assert transport.sent.endswith(b"half")

    async def whole(self, connection: Connection) -> None:
        """Let the rest be sent, and return when it has been."""
        self._rest.set()
        await self._turns()
        assert connection.cycle.response_complete

    @staticmethod
    async def _turns() -> None:
        for _ in range(9):
            await asyncio.sleep(0)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await self._rest.wait()
        await send({"type": "http.response.body", "body": b"rest"})


def test_a_client_is_waited_for_until_its_request_is_whole_and_while_it_does_not_read() -> None:
    async def play() -> None:
        scene = Scene()
        connection, transport = scene.connect()
        assert scene.waiting == [connection]
        connection.data_received(REQUEST[:9])
        assert scene.waiting == [connection]
        connection.data_received(REQUEST[9:])
        assert scene.waiting == []
        await scene.half(transport)
        connection.pause_writing()
        assert scene.waiting == [connection], "it does not read what there is"
        connection.resume_writing()
        assert scene.waiting == [], "it waits for the rest"
        await scene.whole(connection)
        assert scene.waiting == [connection], "for the next request"
        connection.pause_writing()
        connection.resume_writing()
        assert scene.waiting == [connection]
        assert transport.end == ""
        connection.connection_lost(None)
        assert (scene.waiting, scene.clients.all, connection.connections) == ([], set(), set())

    asyncio.run(play())


def test_whoever_reads_no_more_is_waited_for_from_then_on() -> None:
    async def play() -> None:
        scene = Scene()
        (first, _), (second, _) = scene.connect(), scene.connect()
        assert scene.waiting == [first, second]
        first.pause_writing()
        assert scene.waiting == [second, first]

    asyncio.run(play())


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_client_that_sends_no_more_gets_its_answer_but_over_tls(is_tls: bool) -> None:
    async def play() -> None:
        scene = Scene()
        connection, transport = scene.connect(is_tls)
        assert not connection.eof_received(), "it has asked for nothing"
        connection, transport = scene.connect(is_tls)
        connection.data_received(REQUEST)
        await scene.half(transport)
        assert connection.eof_received() == (not is_tls)
        assert transport.end == ""
        await scene.whole(connection)
        assert transport.sent.endswith(b"halfrest")
        assert transport.end == "closed", "nothing more can be asked for"

    asyncio.run(play())


def test_a_client_that_is_cut_off_is_forgotten_at_once_also_while_it_is_being_set_up() -> None:
    async def play() -> None:
        scene = Scene()
        connection, transport = scene.connect()
        connection.cut_off()
        assert (transport.end, scene.waiting, scene.clients.all) == ("cut off", [], set())
        arriving = Connection(scene.clients, scene._config, ServerState(), {})
        assert (scene.waiting, scene.clients.all) == ([], {arriving})
        arrival = asyncio.create_task(asyncio.sleep(9))
        arriving.shake_hands(arrival)
        assert scene.waiting == [arriving]
        arriving.cut_off()
        await asyncio.wait([arrival])
        assert (arrival.cancelled(), scene.clients.all) == (True, set())
        arrived = Connection(scene.clients, scene._config, ServerState(), {})
        arrived.shake_hands(asyncio.create_task(asyncio.sleep(0)))
        arrived.connection_made(transport := Transport(is_tls=True))  # type: ignore[arg-type]  # it stands for one
        arrived.cut_off()
        assert (transport.end, scene.clients.all) == ("cut off", set())

    asyncio.run(play())
