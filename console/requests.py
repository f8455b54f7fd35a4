"""Tells the execution_watch exporter of requests: one line per answered request of the execution watch, appended.

In: endpoint, method, status, time. Out: lines of schema execution_watch_request_v1 in the execution events file.
Besides the index this is all the console writes; where the file cannot be written, nothing is, and that is said once.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import msgspec

from console.times import show

__all__ = ["Requests"]

_log = logging.getLogger("peaktrade.console")


class Requests:
    """Appends requests to one file; to none if there is no path."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._is_said = False

    def tell(self, now: float, endpoint: str, method: str, status: int, seconds: float) -> None:
        """Append one request, as one write, so that no reader sees lines of two mixed."""
        if self._path is None:
            return
        line = {
            "schema": "execution_watch_request_v1",
            "ts": show(int(now * 1e6) * 1000),
            "endpoint": endpoint,
            "method": method,
            "status": status,
            "latency_ms": round(seconds * 1000, 3),
        }
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            handle = os.open(self._path, flags, 0o644)
            try:
                os.write(handle, msgspec.json.encode(line) + b"\n")
            finally:
                os.close(handle)
        except OSError as error:
            if not self._is_said:
                reason = (error.strerror or str(error)).lower()
                _log.warning(
                    "%s: requests cannot be told (%s); the execution_watch exporter misses them", self._path, reason
                )
            self._is_said = True
