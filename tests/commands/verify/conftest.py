"""A site that answers what a test tells it to, on a port of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from exporters.commands.verify.client import HttpClient

__all__ = ["FakeSite"]


class FakeSite:
    """Answers GET by path (the query string does not count); everything else is 404."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.location = ""
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = site.answer(self.path, dict(self.headers))
                self.send_response(status)
                if site.location:
                    self.send_header("Location", site.location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        """Return the address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def site(self) -> HttpClient:
        """Return the address to ask."""
        return HttpClient(self.base)

    def say(self, path: str, answer: Any, status: int = 200) -> None:
        """Answer a path with bytes, or with anything else as JSON."""
        self.answers[path] = (status, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        """Return status and body, and remember that it was asked."""
        self.asked.append(path)
        self.headers.append(headers)
        return self.answers.get(path.split("?")[0], (404, b"not here"))

    def close(self) -> None:
        """Give the port back."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def fake() -> Iterator[FakeSite]:
    site = FakeSite()
    yield site
    site.close()
