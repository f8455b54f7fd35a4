"""Who holds a port, read from what Linux says of sockets and processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from exporters.commands.demo.ports import holder_of, name_taken
from tests.end_to_end.ports import free_port


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_the_holder_of_a_port_is_named_with_its_pid(family: socket.AddressFamily) -> None:
    command = f"""
import socket, sys
with socket.create_server(("", 0), family=socket.AddressFamily({int(family)})) as server:
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    name = Path(f"/proc/{process.pid}/comm").read_text().strip()
    try:
        assert holder_of(port) == f"{name} (pid {process.pid})"
    finally:
        process.communicate()
    assert holder_of(port) == ""


def test_a_socket_that_only_speaks_to_a_port_or_from_it_is_not_its_holder() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0],
    ):
        assert holder_of(client.getsockname()[1]) == ""


def test_where_the_system_does_not_say_who_it_is_the_port_is_taken_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert holder_of(port).endswith(f"(pid {os.getpid()})")
        assert holder_of(port, tmp_path) == ""
        monkeypatch.setattr("exporters.commands.demo.ports.holder_of", lambda port: "")
        said = f"127.0.0.1:{port}, the port of ai_live, is taken, by a process this user cannot see"
        assert name_taken({"ai_live": port, "shadow_mvs": free_port()}) == [said]
