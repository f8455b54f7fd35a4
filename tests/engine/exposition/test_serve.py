"""A server with real clients on a real port, which are slow, silent, many, half closed, or talk nonsense."""

import asyncio
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager

import pytest

from contracts.model import Contract
from exporters.engine.exposition import serve
from exporters.engine.exposition.app import build_app
from exporters.engine.exposition.serve import ServeError, Server, bind, most_clients

pytestmark = pytest.mark.thorough

TEXT = """
vocabulary: {kind: {values: [a, b]}}
sources: {all: {match: {}, read: {kind: kind}}}
metrics: {kinds_total: {type: counter, counts: kind, labels: [kind], help: Kinds., budget: 2}}
"""
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
HEALTH = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
WAIT_S = 20.0
"""Longest time a test waits for what must happen at once."""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(bind("127.0.0.1", 0, "sample")) as found:
        yield found


def test_a_taken_port_is_named_and_nothing_else_is_tried(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    for host in ("127.0.0.1", "0.0.0.0"):
        with pytest.raises(ServeError) as caught:
            bind(host, port, "sample")
        assert str(caught.value) == (
            f"{host}:{port}: sample cannot listen here: the port is taken; stop the process that holds it (ss -ltnp)"
        )


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("192.0.2.1", 0, "192.0.2.1:0: sample cannot listen here: cannot assign requested address"),
        ("2001:db8::1", 0, "[2001:db8::1]:0: sample cannot listen here: "),
        ("127.0.0.1", 70000, "127.0.0.1:70000: sample cannot listen here: bind(): port must be 0-65535."),
    ],
)
def test_an_address_that_cannot_be_had_is_named(host: str, port: int, message: str) -> None:
    with pytest.raises(ServeError) as caught:
        bind(host, port, "sample")
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith("; choose another host or port")


class Site:
    """A server whose scrapes wait until they are let go, and whose page is of a size."""

    def __init__(self, contract: Contract, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self.page = b"page\n"
        self.turns: list[Future[None]] = []
        self.holds = False
        self._has_turn = threading.Semaphore(0)
        app = build_app(lambda: contract, self._join, lambda _: (self.page, "text/plain"), lambda: True)
        self.server = Server(app, listener)

    def connect(self, sent: bytes = b"", room: int = 0) -> socket.socket:
        """Return a connection on which something has been sent; `room` bytes of answer are taken without being read."""
        client = socket.socket()
        if room:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        client.settimeout(WAIT_S)
        client.connect(("127.0.0.1", self.port))
        client.sendall(sent)
        return client

    def ask(self, sent: bytes = HEALTH) -> bytes:
        """Return all that is answered until the connection ends."""
        with closing(self.connect(sent)) as client:
            return read_all(client)

    def await_scrapes(self, number: int) -> None:
        """Return when so many more scrapes have come."""
        for _ in range(number):
            assert self._has_turn.acquire(timeout=WAIT_S)

    def _join(self, timeout_s: float) -> Future[None]:
        turn: Future[None] = Future()
        self.turns.append(turn)
        if not self.holds:
            turn.set_result(None)
        self._has_turn.release()
        return turn


def read_all(client: socket.socket) -> bytes:
    """Return what comes until the other side ends the connection, in whatever way."""
    parts = []
    try:
        while part := client.recv(1 << 16):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server look at its clients all the time, and wait for none."""
    monkeypatch.setattr(serve, "_TICK_S", 0.01)
    monkeypatch.setattr(serve, "_PATIENCE_S", 0.05)


@pytest.fixture
def site(contract: Callable[[str], Contract], listener: socket.socket) -> Iterator[Site]:
    site = Site(contract(TEXT), listener)
    site.server.start()
    yield site
    for turn in site.turns:
        if not turn.done():
            turn.set_result(None)
    site.server.stop()


def test_a_server_serves_until_it_is_stopped_and_gives_the_port_back(site: Site) -> None:
    assert site.ask(b"GET /metrics HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\npage\n")
    assert b"server:" not in site.ask().lower()
    assert site.server.is_alive
    site.server.stop()
    assert not site.server.is_alive
    bind("127.0.0.1", site.port, "sample").close()


def test_the_date_of_an_answer_moves_with_the_clock(site: Site) -> None:
    dates: set[bytes] = set()
    deadline = time.monotonic() + WAIT_S
    while len(dates) < 2:
        assert time.monotonic() < deadline
        dates |= {line for line in site.ask().split(b"\r\n") if line.startswith(b"date: ")}


def test_by_default_a_client_keeps_the_server_waiting_for_ten_seconds_at_most() -> None:
    assert serve._PATIENCE_S + serve._TICK_S == 10
    assert serve._TICK_S == 1, "the Date of an answer says the second"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nA: b"])
def test_a_client_that_sends_no_whole_request_is_cut_off(site: Site, sent: bytes) -> None:
    assert site.ask(sent) == b""


@pytest.mark.usefixtures("impatient")
def test_a_client_that_goes_on_with_half_a_request_after_an_answer_is_cut_off(site: Site) -> None:
    answer = site.ask(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\nGET /-/healthy HT")
    assert answer.count(b"HTTP/1.1 200 OK") == 1


@pytest.mark.usefixtures("impatient")
def test_a_client_that_drips_a_request_is_cut_off(site: Site) -> None:
    with closing(site.connect(b"GET / HTTP/1.1\r\n")) as client:
        with pytest.raises(OSError):
            while site.ask().endswith(b"healthy\n"):
                client.sendall(b"A: b\r\n")
        assert read_all(client) == b""


@pytest.mark.usefixtures("impatient")
def test_a_client_that_does_not_read_its_answer_is_cut_off(site: Site) -> None:
    site.page = b"x" * 20_000_000
    with closing(site.connect(SCRAPE, room=1)) as client:
        assert client.recv(1) == b"H"
        for _ in range(3):
            assert site.ask(b"GET") == b"", "clients are cut off in the order in which they began to be waited for"
        assert 0 < len(read_all(client)) < 20_000_000


@pytest.mark.usefixtures("impatient")
def test_a_client_that_waits_for_the_engine_is_not_cut_off(site: Site) -> None:
    site.holds = True
    with closing(site.connect(SCRAPE)) as client:
        site.await_scrapes(1)
        for _ in range(3):
            assert site.ask(b"GET") == b"", "meanwhile others, who came later, are cut off"
        site.turns[0].set_result(None)
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")


@contextmanager
def connected(site: Site, number: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    """Have a number of clients that are there one after the other."""
    with ExitStack() as stack:
        clients = []
        for _ in range(number):
            clients.append(stack.enter_context(closing(site.connect(sent))))
            site.ask()
        yield clients


def test_a_quarter_of_the_descriptors_is_for_clients() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        for limit, expected in ((100, 25), (1024, 256), (5999, 1499), (min(hard, 20_000), 1500)):
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
            assert most_clients() == expected
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def three_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "most_clients", lambda: 3)


@pytest.mark.usefixtures("three_clients")
def test_beyond_the_cap_the_longest_silent_client_makes_room_and_it_is_said_once(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(site, 2) as early, connected(site, 3) as late:
        assert [read_all(client) for client in early] == [b"", b""]
        for _ in range(20):
            assert site.ask().endswith(b"healthy\n")
        assert read_all(late[0]) == b""
        late[2].sendall(HEALTH)
        assert read_all(late[2]).endswith(b"healthy\n"), "the last one is still there"
    assert messages(caplog) == ["more than 3 connections at once; those that ask for nothing are closed"]


@pytest.mark.usefixtures("three_clients")
def test_clients_that_are_being_answered_make_no_room(site: Site) -> None:
    site.holds = True
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(site.connect(SCRAPE))) for _ in range(3)]
        site.await_scrapes(3)
        assert site.ask() == b""
        for turn in site.turns:
            turn.set_result(None)
        for client in clients:
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")
    assert site.ask().endswith(b"healthy\n")


def test_scrapes_that_wait_keep_nobody_from_being_answered(site: Site) -> None:
    site.holds = True
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(site.connect(SCRAPE))) for _ in range(100)]
        site.await_scrapes(100)
        assert site.ask().endswith(b"healthy\n")
        for turn in site.turns:
            turn.set_result(None)
        for client in clients:
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("sent", [SCRAPE, SCRAPE * 3, SCRAPE + b"GET /met"])
def test_a_half_closed_client_gets_all_its_answers(site: Site, sent: bytes) -> None:
    site.holds = True
    with closing(site.connect(sent)) as client:
        client.shutdown(socket.SHUT_WR)
        for number in range(sent.count(SCRAPE)):
            site.await_scrapes(1)
            assert site.ask().endswith(b"healthy\n"), "meanwhile others are answered"
            site.turns[number].set_result(None)
        assert read_all(client).count(b"page\n") == sent.count(SCRAPE)


def test_a_client_that_closes_without_a_request_gets_nothing(site: Site) -> None:
    with closing(site.connect(b"GET /met")) as client:
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == b""


def test_what_clients_do_is_said_once_a_minute(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(50):
        assert site.ask(b"\0\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert messages(caplog) == ["Invalid HTTP request received."]


def test_an_upgrade_is_not_taken_up_and_nothing_is_said(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    asked = HEALTH.replace(b"Connection: ", b"Upgrade: websocket\r\nConnection: upgrade, ")
    assert site.ask(asked).endswith(b"healthy\n")
    assert messages(caplog) == []


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open nothing, unless it closes something before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        held = [os.dup(0) for _ in range(50)]
        for fd in held:
            stack.callback(os.close, fd)
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(held) + 1, hard))
        yield


def test_without_a_descriptor_a_silent_client_makes_room(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with closing(socket.socket()) as client, connected(site, 1) as (silent,):
        client.settimeout(WAIT_S)
        with no_descriptor_left():
            client.connect(("127.0.0.1", site.port))
            client.sendall(HEALTH)
            assert read_all(silent) == b""
            assert read_all(client).endswith(b"healthy\n")
    assert messages(caplog) == ["no connection can be accepted now (too many open files); trying again"]


def test_without_a_descriptor_it_waits_between_two_tries(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site.ask().endswith(b"healthy\n")
    tries = threading.Semaphore(0)
    accept = serve._Guarded._accept

    def try_once(server: serve._Guarded, loop: asyncio.AbstractEventLoop) -> None:
        tries.release()
        accept(server, loop)

    monkeypatch.setattr(serve._Guarded, "_accept", try_once)
    monkeypatch.setattr(serve, "_RETRY_S", 0.05)
    with closing(socket.socket()) as client:
        client.settimeout(WAIT_S)
        with no_descriptor_left():
            client.connect(("127.0.0.1", site.port))
            client.sendall(HEALTH)
            began = time.monotonic()
            for _ in range(4):
                assert tries.acquire(timeout=WAIT_S)
            assert time.monotonic() - began >= 3 * 0.05
        assert read_all(client).endswith(b"healthy\n")
    assert messages(caplog) == ["no connection can be accepted now (too many open files); trying again"]


def test_pages_are_not_made_for_a_client_that_reads_none_of_those_before(site: Site) -> None:
    site.page = b"x" * 12_000_000
    with closing(site.connect(SCRAPE * 3)) as client:
        site.await_scrapes(2)
        for _ in range(9):
            assert site.ask().endswith(b"healthy\n")
        assert len(site.turns) == 2
        client.shutdown(socket.SHUT_WR)
        assert read_all(client).count(b"x") > 3 * len(site.page), "all of them are, once it reads"
