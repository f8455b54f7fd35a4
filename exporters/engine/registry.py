"""Committed values -> exposition text, by prometheus_client and a private registry.

In: a snapshot and present-moment gauges. Out: bytes and their content type, text or OpenMetrics as the scraper asks.
Nothing here can change a value; the global registry is never used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from contracts.model import Metric
from exporters.engine.values import Sample, Snapshot

__all__ = ["Gauges", "render"]

Gauges = Sequence[tuple[Metric, Sequence[tuple[tuple[str, ...], float]]]]
"""Present-moment gauges: metric and its (labels, value) pairs."""


class _Committed(Collector):
    """Hands a snapshot to prometheus_client; `_created` samples only where the format has a place for them."""

    def __init__(self, snapshot: Snapshot, gauges: Gauges, with_created: bool) -> None:
        self._snapshot = snapshot
        self._gauges = gauges
        self._with_created = with_created

    def collect(self) -> Iterator[Family]:
        for metric, samples in self._snapshot:
            if samples:
                yield self._family(metric, samples)
        for metric, values in self._gauges:
            family = Family(metric.name.removesuffix("_total"), metric.help, metric.type)
            for labels, value in values:
                family.add_sample(metric.name, _label_map(metric, labels), value)
            yield family

    def _family(self, metric: Metric, samples: Iterable[Sample]) -> Family:
        name = _family_name(metric)
        family = Family(name, metric.help, metric.type)
        for sample in samples:
            labels = _label_map(metric, sample.labels)
            if metric.type == "histogram":
                _add_histogram(family, metric, labels, sample)
            else:
                family.add_sample(metric.name, labels, sample.value)
            if self._with_created and metric.type != "gauge":
                family.add_sample(f"{name}_created", labels, sample.created)
        return family


def _family_name(metric: Metric) -> str:
    return metric.name.removesuffix("_total") if metric.type == "counter" else metric.name


def _label_map(metric: Metric, labels: Sequence[str]) -> dict[str, str]:
    return dict(zip(metric.labels, labels, strict=True))


def _add_histogram(family: Family, metric: Metric, labels: Mapping[str, str], sample: Sample) -> None:
    total = 0
    for bound, number in zip((*metric.buckets, float("inf")), sample.buckets, strict=True):
        total += number
        le = floatToGoString(bound)  # type: ignore[no-untyped-call]  # as prometheus_client's own histograms print it
        family.add_sample(f"{metric.name}_bucket", {**labels, "le": le}, total)
    family.add_sample(f"{metric.name}_count", dict(labels), total)
    family.add_sample(f"{metric.name}_sum", dict(labels), sample.value)


def render(snapshot: Snapshot, gauges: Gauges, accept: str, with_process: bool = True) -> tuple[bytes, str]:
    """Return the exposition and its content type.

    Args:
        accept: the scraper's Accept header; empty means the text format.
        with_process: whether the process_* metrics are added.
    """
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Committed(snapshot, gauges, with_created="openmetrics" in content_type))
    if with_process:
        ProcessCollector(registry=registry)
    return encode(registry), content_type
