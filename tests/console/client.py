"""Asks an application without a network: a loop that lives as long as the client, requests one after the other."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

__all__ = ["Client"]


class Client:
    """A client of one application; close() at the end."""

    def __init__(self, app: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console")

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer to one request."""
        return self._loop.run_until_complete(self._client.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Return the answer to a GET."""
        return self.request("GET", path, **options)

    def head(self, path: str) -> httpx.Response:
        """Return the answer to a HEAD."""
        return self.request("HEAD", path)

    def json(self, path: str, status: int = 200) -> Any:
        """Return the body of an answer that must have this status."""
        answer = self.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()

    def close(self) -> None:
        """Give the loop and its threads back."""
        self._loop.run_until_complete(self._client.aclose())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
