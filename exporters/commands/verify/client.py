"""Questions over HTTP: an exporter's metrics page, Prometheus' and Grafana's APIs.

In: the address of a site and a path. Out: bytes, JSON or series, or NoAnswerError saying who did not answer and why.
Only GET, only http and https, no proxy and no redirect: nobody is asked but the one that was named.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Answer", "HttpClient", "NoAnswerError", "query", "read_families"]

Answer = list[tuple[dict[str, str], float]]
"""Labels and value of each series of an instant query."""

_TIMEOUT_S = 5.0
_MAX_BYTES = 64 * 1024 * 1024
"""More than any answer here has; a page without end does not fill the memory."""

_OPENER = urllib.request.OpenerDirector()
for _handler in (
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPErrorProcessor,
):
    _OPENER.add_handler(_handler())


class NoAnswerError(Exception):
    """Nobody answered, or not what was asked for; says which address and why."""


def _forget(name: str, answer: bytes) -> None:
    """Keep nothing."""


@dataclass(frozen=True, slots=True)
class HttpClient:
    """One address to ask. `keep` is handed every answer with the name the question gave it."""

    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    keep: Callable[[str, bytes], None] = _forget

    def __post_init__(self) -> None:
        try:
            parts = urllib.parse.urlsplit(self.base)
            is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_good = False
        if not is_good:
            raise ValueError(f"{self.base!r} is no address to ask; write it like http://127.0.0.1:9092")
        if "@" in parts.netloc:
            raise ValueError("a password has no place in an address; use the environment variables for it")

    def read(self, path: str = "", name: str = "", **parameters: str) -> bytes:
        """Return the answer to GET base + path.

        Raises:
            NoAnswerError: unless the answer is 200 and came in time.
        """
        address = self.base.rstrip("/") + path
        url = address + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
        answer = _read(address, urllib.request.Request(url, headers=dict(self.headers)))  # noqa: S310  # checked above
        if name:
            self.keep(name, answer)
        return answer

    def read_json(self, path: str, name: str = "", **parameters: str) -> Any:
        """Return the answer as JSON.

        Raises:
            NoAnswerError: as read() does, and if the answer is not JSON.
        """
        answer = self.read(path, name, **parameters)
        try:
            return json.loads(answer)
        except ValueError as error:
            raise NoAnswerError(f"{self.base.rstrip('/')}{path}: answered something that is not JSON") from error


def _read(address: str, request: urllib.request.Request) -> bytes:
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_S) as response:
            answer: bytes = response.read(_MAX_BYTES)
            return answer
    except urllib.error.HTTPError as error:
        with error:
            raise NoAnswerError(f"{address}: answered {error.code}") from error
    except TimeoutError as error:
        raise NoAnswerError(f"{address}: no answer within {_TIMEOUT_S:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(f"{address}: {_reason_of(error)}") from error


def _reason_of(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {_TIMEOUT_S:g} s"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return "answered something that is not HTTP" if isinstance(cause, http.client.HTTPException) else str(cause).lower()


def query(prometheus: HttpClient, promql: str, name: str = "") -> Answer:
    """Return what Prometheus answers to an instant query.

    Raises:
        NoAnswerError: if it does not answer, or not with a vector.
    """
    found = prometheus.read_json("/api/v1/query", name, query=promql)
    try:
        return [(item["metric"], float(item["value"][1])) for item in found["data"]["result"]]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise NoAnswerError(f"{prometheus.base.rstrip('/')}/api/v1/query: answered no vector to {promql}") from error


def read_families(page: bytes) -> Iterable[Family]:
    """Return the metric families of a metrics page.

    Raises:
        ValueError: if it is none.
    """
    return list(text_string_to_metric_families(page.decode("utf-8")))
