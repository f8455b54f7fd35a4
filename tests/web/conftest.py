"""Certificates as openssl makes them, hashes as bcrypt makes them, and a server with who may connect and ask."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from exporters.engine.exposition.serve import Server, bind
from exporters.web.access import Access

__all__ = ["Files", "Site", "basic", "hashed"]


@dataclass(frozen=True)
class Files:
    """A folder with pairs `<name>.pem`, `<name>.key`, each vouching for itself as localhost."""

    folder: Path

    def make(self, name: str) -> None:
        """Make a pair."""
        subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3"]
        out = ["-keyout", str(self.folder / f"{name}.key"), "-out", str(self.folder / f"{name}.pem")]
        subprocess.run(["openssl", "req", "-x509", *kind, *subject, *out], check=True, capture_output=True)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Files:
    files = Files(tmp_path_factory.mktemp("certificates"))
    for name in ("one", "two"):
        files.make(name)
    return files


@pytest.fixture
def folder(made: Files, tmp_path: Path) -> Path:
    """A folder of its own with copies of the pairs `one` and `two`."""
    for path in made.folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def hashed(password: str) -> str:
    """Return a bcrypt hash, as cheap as there are."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def basic(name: str, password: str) -> dict[str, str]:
    """Return the header of a name and its password."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


class Site:
    """A server that answers everything with `page`, for those whom a web configuration lets in."""

    def __init__(self, path: Path) -> None:
        self.folder = path.parent
        self.access = Access(path)
        listener = bind("127.0.0.1", 0, "sample")
        self.port: int = listener.getsockname()[1]

        async def page(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
            await PlainTextResponse(f"page {Request(scope).url.scheme}\n")(scope, receive, send)

        self.server = Server(self.access.guard(page), listener, self.access.tls)
        self.server.start()

    def context(self, *trusted: str, client: str = "") -> ssl.SSLContext:
        """Return what a client trusts, and the pair it shows."""
        context = ssl.create_default_context()
        for name in trusted:
            context.load_verify_locations(self.folder / f"{name}.pem")
        if client:
            context.load_cert_chain(self.folder / f"{client}.pem", self.folder / f"{client}.key")
        return context

    def ask(
        self, context: ssl.SSLContext | None = None, path: str = "/", headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, str]:
        """Return status and body of an answer, and the version of TLS; each time over a new connection."""
        client = (
            http.client.HTTPSConnection("localhost", self.port, timeout=20, context=context)
            if context is not None
            else http.client.HTTPConnection("localhost", self.port, timeout=20)
        )
        with closing(client):
            client.request("GET", path, headers=dict(headers or {}))
            answer = client.getresponse()
            spoken = client.sock
            version = spoken.version() if isinstance(spoken, ssl.SSLSocket) else ""
            return answer.status, answer.read(), version or ""

    def connect(self) -> socket.socket:
        """Return a connection on which nothing was said."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


@pytest.fixture
def sites() -> Iterator[list[Site]]:
    started: list[Site] = []
    yield started
    for site in started:
        site.server.stop()
