"""Ports for processes that are started by a test and must be told theirs.

In: how many. Out: numbers nobody listens on, that no other test will be given, of this run or of another, and that the
system will not give to an outgoing connection while the process that owns one is restarted.
"""

from __future__ import annotations

import socket
from random import SystemRandom

__all__ = ["free_port", "free_ports"]

_FIRST, _END = 15_000, 32_000
"""Above what services use, below what Linux hands out by itself (32768 and up)."""


def free_port() -> int:
    """Return one port."""
    return free_ports(1)[0]


def free_ports(number: int) -> list[int]:
    """Return as many ports as asked for, one after the other, the first of them anywhere."""
    for _ in range(1000):
        first = SystemRandom().randrange(_FIRST, _END - number)
        ports = list(range(first, first + number))
        if all(_is_free(port) for port in ports) and _claim(ports):
            return ports
    raise OSError(f"no {number} free ports in a row between {_FIRST} and {_END}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _claim(ports: list[int]) -> bool:
    """Hold the UDP ports of the same numbers until this process ends, as a sign to every other test run."""
    held: list[socket.socket] = []
    for port in ports:
        sign = socket.socket(type=socket.SOCK_DGRAM)
        held.append(sign)
        try:
            sign.bind(("127.0.0.1", port))
        except OSError:
            for one in held:
                one.close()
            return False
    for sign in held:
        sign.detach()  # closed by the end of the process alone
    return True
