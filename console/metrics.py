"""The console's own metrics: its HTTP requests, for the job `peak_trade_web`, and what is said without the client.

In: requests as they are answered. Out: the page /metrics, which is always there. Requests are counted only where that
is asked for; a route is its template, so that no id becomes a label.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from starlette.responses import Response

__all__ = ["UNKNOWN", "Metrics"]

UNKNOWN = "__unknown__"
"""The route of a request that no route takes."""

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PLAIN = "text/plain; version=0.0.4; charset=utf-8"
_FALLBACK = "# TYPE peak_trade_metrics_fallback gauge\npeak_trade_metrics_fallback 1\n"
_LABELS = ("method", "route", "status_code")
_CONSTANT = {"service": "peak_trade_web", "env": "local", "stack": "mini"}


class Metrics:
    """Counts requests, if asked to and if there is a client; renders the page.

    Args:
        counts: whether requests are counted.
        needs_client: whether a missing client is an error, not a fallback.
    """

    def __init__(self, counts: bool, needs_client: bool, environment: Mapping[str, str] = os.environ) -> None:
        self._needs_client = needs_client
        stated = {name: environment.get(f"PEAK_TRADE_{name.upper()}", "") for name in _CONSTANT}
        self._constant = tuple(stated[name] or default for name, default in _CONSTANT.items())
        self._requests: dict[tuple[str, ...], list[float]] = {}
        self._in_flight = 0
        self._counts = counts
        try:
            import prometheus_client

            self._registry = prometheus_client.CollectorRegistry()
            prometheus_client.ProcessCollector(registry=self._registry)
            prometheus_client.PlatformCollector(registry=self._registry)
            self._client = True
            if counts:
                self._registry.register(self)  # type: ignore[arg-type]  # it collects
        except ImportError:
            self._client = False

    def begin(self) -> None:
        """Note that a request has come."""
        self._in_flight += 1

    def end(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note that it was answered."""
        self._in_flight -= 1
        found = self._requests.setdefault((method, route, str(status)), [0.0] * (len(_BUCKETS) + 2))
        found[-1] += seconds
        found[next((place for place, bound in enumerate(_BUCKETS) if seconds <= bound), len(_BUCKETS))] += 1

    def collect(self) -> Iterator[object]:
        """Yield the families, for the client's registry."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        for suffix, names, values in (("", (), ()), ("_labeled", tuple(_CONSTANT), self._constant)):
            labels = (*names, *_LABELS)
            total = f"peak_trade_http_requests{'_total_labeled' if suffix else ''}"
            counter = CounterMetricFamily(total, "Requests answered.", labels=labels)
            duration = HistogramMetricFamily(
                f"peak_trade_http_request_duration_seconds{suffix}", "Time to answer.", labels=labels
            )
            for own, found in sorted(self._requests.items()):
                *buckets, seconds = found
                counter.add_metric((*values, *own), sum(buckets))
                duration.add_metric((*values, *own), _cumulated(buckets), seconds)
            gauge = GaugeMetricFamily(
                f"peak_trade_http_in_flight_requests{suffix}", "Requests being answered.", labels=names
            )
            gauge.add_metric(values, self._in_flight)
            yield from (counter, duration, gauge)

    def page(self) -> Response:
        """Return the page."""
        if not self._client:
            if self._needs_client:
                return Response("prometheus_client is missing, and REQUIRE_PROMETHEUS_CLIENT=1 asks for it\n", 503)
            return Response(_FALLBACK, media_type=_PLAIN)
        from prometheus_client import generate_latest

        return Response(generate_latest(self._registry), headers={"content-type": _PLAIN})


def _cumulated(buckets: list[float]) -> list[tuple[str, float]]:
    total, found = 0.0, []
    for bound, number in zip((*map(str, _BUCKETS), "+Inf"), buckets, strict=True):
        total += number
        found.append((bound, total))
    return found
