"""Who is cut off, and in which order, of those that keep the server waiting."""

from exporters.engine.exposition.connection import Clients


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
