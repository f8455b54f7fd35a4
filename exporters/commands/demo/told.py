"""Whoever is told in the demo: takes what Alertmanager sends to its receivers, and keeps it as lines.

In: Alertmanager's webhook messages, on a port of this machine. Out: one line per alert and message, such as
`page: EXPORTER_Down at 127.0.0.1:9109 is firing`. It tells nobody else.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Told"]

_POLL_S = 0.05
"""How long stop() may wait for the server to notice."""


class Told:
    """Listens from start() to stop(); `lines` holds what came, oldest first, signs of life left out."""

    def __init__(self, port: int) -> None:
        self.lines: list[str] = []
        self.signs_of_life = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_S,), name="told", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End, and free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, receiver: str, message: Mapping[str, Any]) -> None:
        """Keep what one message says; a sign of life is only counted."""
        if receiver == "alive":
            self.signs_of_life += 1
        else:
            self.lines += _lines(receiver, message)


def _lines(receiver: str, message: Mapping[str, Any]) -> Iterator[str]:
    for alert in message.get("alerts", ()):
        labels = alert["labels"]
        place = labels.get("instance") or labels.get("job") or "the whole fleet"
        yield f"{receiver}: {labels['alertname']} at {place} is {alert['status']}"


def _handler(told: Told) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name the base class asks for
            length = int(self.headers.get("Content-Length") or 0)
            try:
                told.take(self.path.strip("/"), json.loads(self.rfile.read(length)))
            except (ValueError, KeyError, AttributeError, TypeError):  # not Alertmanager's: refused, and not kept
                self.send_response(400)
            else:
                self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class' name
            """Say nothing: the table is on the terminal."""

    return Handler
