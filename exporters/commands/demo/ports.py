"""Which port each process of the demo gets, and who holds one that is not free.

In: contracts, and the first port if they are not to be the usual ones. Out: name -> port, and for each port that is
taken a sentence that names its holder, as far as this user may know it (Linux says so under /proc).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from contracts.model import Contract

__all__ = ["ALERTMANAGER", "CONSOLE", "PROMETHEUS", "STACK_PORTS", "TOLD", "holder_of", "name_taken", "ports_of"]

PROMETHEUS = "prometheus"
ALERTMANAGER = "alertmanager"
TOLD = "told"
"""Who Alertmanager tells what fires: the demo itself."""

CONSOLE = "console"

STACK_PORTS = {PROMETHEUS: 9092, ALERTMANAGER: 9093, TOLD: 9095, CONSOLE: 8000}
"""Usual ports beside the contracts'. Source: seeds 001, 002 and 003; `prometheus/*.yml` have the same."""

_LISTENS = "0A"
"""The state of a listening socket in /proc/net/tcp; the fields beside it are local address:port and, ninth, inode."""


def ports_of(contracts: Sequence[Contract], first: int | None) -> dict[str, int]:
    """Return name -> port: the contracts' own and the stack's usual ones, or `first` and those that follow it."""
    usual = {contract.name: contract.port for contract in contracts} | STACK_PORTS
    return usual if first is None else {name: first + number for number, name in enumerate(usual)}


def name_taken(ports: Mapping[str, int]) -> list[str]:
    """Return a sentence for each port that cannot be listened on."""
    return [_sentence(name, port) for name, port in ports.items() if not _is_free(port)]


def _sentence(name: str, port: int) -> str:
    holder = holder_of(port)
    text = f"held by {holder}" if holder else "taken, by a process this user cannot see"
    return f"127.0.0.1:{port}, the port of {name}, is {text}"


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def holder_of(port: int, proc: Path = Path("/proc")) -> str:
    """Return the process that listens on a port, as `name (pid 123)`; empty if it cannot be known."""
    wanted = {f"socket:[{inode}]" for inode in _listening(port, proc)}
    for folder in sorted(proc.glob("[0-9]*")) if wanted else ():
        try:
            if any(str(link.readlink()) in wanted for link in (folder / "fd").iterdir()):
                return f"{(folder / 'comm').read_text().strip()} (pid {folder.name})"
        except OSError:  # another user's, or gone meanwhile
            continue
    return ""


def _listening(port: int, proc: Path) -> Iterator[str]:
    for table in (proc / "net/tcp", proc / "net/tcp6"):
        lines = table.read_text().splitlines()[1:] if table.exists() else ()
        for fields in map(str.split, lines):
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]
