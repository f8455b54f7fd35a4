"""Questions over loopback HTTP: an exporter's metrics page, Prometheus' query API.

In: a port and a question. Out: plain values, or None when nobody answers. Only GET, only to this machine.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Series", "ask_prometheus", "read_metrics"]

Series = dict[frozenset[tuple[str, str]], float]
"""Label set -> value."""

_TIMEOUT_S = 5.0


def _get(url: str) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310  # always http://127.0.0.1
            body: bytes = answer.read()
            return body
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return None


def read_metrics(port: int) -> Mapping[str, Series] | None:
    """Return sample name -> series of the exporter on `port`, or None if it does not answer."""
    body = _get(f"http://127.0.0.1:{port}/metrics")
    if body is None:
        return None
    found: dict[str, Series] = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def ask_prometheus(port: int, query: str) -> list[tuple[dict[str, str], float]] | None:
    """Return (labels, value) of each series `query` answers with, or None if Prometheus does not answer."""
    body = _get(f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query}))
    if body is None:
        return None
    return [(item["metric"], float(item["value"][1])) for item in json.loads(body)["data"]["result"]]
