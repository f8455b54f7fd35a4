"""Every series name a query may use: those of contracts, exporters, Prometheus and recordings.

In: contracts and the names of scrape jobs. Out: a `Catalog` from sample name to `Series`: kind, labels with their
closed values, unit, greatest value. Names nobody declared are not in it; that is the point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from contracts.lint.promql.units import COUNT, Unit, unit_of, unit_of_name
from contracts.model import Contract, Metric
from contracts.self_metrics import FOLDER, LABEL_VALUES, LIVE, STORED

__all__ = ["Catalog", "Kind", "Series", "build_catalog", "label_text"]

Kind = Literal["counter", "gauge", "bucket"]
_OPEN: tuple[str, ...] = ()
_SCRAPE = "scrape_duration_seconds scrape_samples_scraped scrape_samples_post_metric_relabeling scrape_series_added"
_PROCESS = (
    "process_cpu_seconds_total process_virtual_memory_bytes process_resident_memory_bytes process_start_time_seconds"
    " process_open_fds process_max_fds"
)
_WATCHERS = {
    "prometheus": {
        "prometheus_build_info": ("version", "revision", "branch", "goversion"),
        "prometheus_config_last_reload_successful": (),
        "prometheus_config_last_reload_success_timestamp_seconds": (),
        "prometheus_rule_evaluation_failures_total": ("rule_group",),
        "prometheus_rule_group_iterations_missed_total": ("rule_group",),
        "prometheus_notifications_alertmanagers_discovered": (),
        "prometheus_notifications_dropped_total": (),
        "prometheus_tsdb_head_series": (),
        "prometheus_tsdb_compactions_failed_total": (),
        "prometheus_tsdb_wal_corruptions_total": (),
        "prometheus_target_scrapes_sample_out_of_order_total": (),
        "prometheus_target_scrapes_sample_duplicate_timestamp_total": (),
        "prometheus_target_scrapes_exceeded_sample_limit_total": (),
    },
    "alertmanager": {
        "alertmanager_notifications_total": ("integration",),
        "alertmanager_notifications_failed_total": ("integration",),
        "alertmanager_config_last_reload_successful": (),
    },
}
"""Job -> its own metrics with their labels, if a job of that name scrapes it. Source: Prometheus 2.42 to 3,
Alertmanager 0.25 to 0.28."""


@dataclass(frozen=True, slots=True)
class Series:
    """One sample name. `labels` maps label to closed values (empty: open); `top` is the greatest value, if known."""

    name: str
    kind: Kind
    labels: Mapping[str, tuple[str, ...]]
    unit: Unit | None
    family: str
    owner: str
    buckets: tuple[float, ...] = ()
    top: float | None = None
    takes_any_label: bool = False
    is_ours: bool = True


@dataclass(frozen=True, slots=True)
class Catalog:
    """Sample name -> Series."""

    series: Mapping[str, Series]

    def find(self, name: str | None) -> Series | None:
        """Return the series of a sample name; none of a name that is not known."""
        return self.series.get(name) if name else None

    def knows(self, names: Iterable[str | None]) -> bool:
        """Whether all of these are of contracts and exporters, or recorded from such: of others nothing is judged."""
        return all((series := self.find(name)) is not None and series.is_ours for name in names)

    def families(self) -> set[str]:
        """Return the metric names, without the endings of histograms."""
        return {series.family for series in self.series.values()}

    def with_target_labels(self, added: Sequence[tuple[str, Mapping[str, tuple[str, ...]]]]) -> Catalog:
        """Return a catalog whose scraped series have what targets add: (job, or '' for every job; label -> values).

        A label named `*` stands for any: the names come from service discovery.
        """
        return Catalog({name: _with_labels(series, added) for name, series in self.series.items()})

    def extended(self, more: Iterable[Series]) -> Catalog:
        """Return a catalog with more series."""
        return Catalog({**self.series, **{series.name: series for series in more}})


def _with_labels(series: Series, added: Sequence[tuple[str, Mapping[str, tuple[str, ...]]]]) -> Series:
    jobs = series.labels.get("job", ())
    more: dict[str, tuple[str, ...]] = {}
    for job, labels in added:
        if not job or job in jobs:
            more |= {label: () if label in more else values for label, values in labels.items()}
    takes_any = series.takes_any_label or "*" in more
    labels = {**{label: values for label, values in more.items() if label != "*"}, **series.labels}
    return replace(series, labels=labels, takes_any_label=takes_any) if more else series


def build_catalog(contracts: Sequence[Contract], jobs: Sequence[str], alerts: Sequence[str] = ()) -> Catalog:
    """Return everything that can be scraped by the jobs of these names, and what Prometheus adds to it.

    `alerts` are the names of all alerts there are; without any, ALERTS may have every name.
    """
    own = {series.name: series for contract in contracts for series in _of_contract(contract)}
    every = [*_of_every_exporter(contracts), *_of_prometheus(contracts, tuple(dict.fromkeys(jobs)), tuple(alerts))]
    return Catalog({**own, **{series.name: series for series in every}})


def _of_contract(contract: Contract) -> Iterator[Series]:
    target = {"job": (contract.job,), "instance": _OPEN}
    for metric in contract.metrics:
        labels = {label: contract.label_values(metric, label) for label in metric.labels} | target
        yield from _samples(metric, labels, contract.name)


def _samples(metric: Metric, labels: Mapping[str, tuple[str, ...]], owner: str) -> Iterator[Series]:
    name = metric.name
    if metric.type != "histogram":
        kind: Kind = "counter" if metric.type == "counter" else "gauge"
        constant = metric.value or 1.0  # what is always 0 is 1 where its exporter cannot do its work
        top = constant if metric.job == "always" else 1.0 if metric.job == "states" else None
        yield Series(name, kind, labels, unit_of(metric, name), name, owner, top=top)
        return
    for sample in (f"{name}_sum", f"{name}_count"):
        yield Series(sample, "counter", labels, unit_of(metric, sample), name, owner)
    bounds = {"le": (*(label_text(bound) for bound in metric.buckets), "+Inf")}
    yield Series(f"{name}_bucket", "bucket", {**labels, **bounds}, COUNT, name, owner, metric.buckets)


def label_text(bound: float) -> str:
    """Return a bucket's bound as its `le` label shows it.

    >>> label_text(1), label_text(0.25)
    ('1.0', '0.25')
    """
    return repr(float(bound))


def _of_every_exporter(contracts: Sequence[Contract]) -> Iterator[Series]:
    """Yield the metrics exporters have about themselves; label values come from the contracts."""
    pairs = [pair for contract in contracts for pair in contract.pairs]
    named = {
        "exporter": tuple(contract.name for contract in contracts),
        "contract": tuple(Path(contract.path).name for contract in contracts),
        "metric": tuple(metric.name for contract in contracts for metric in contract.metrics),
        "pair": tuple(pair.name for pair in pairs),
        "edge": tuple(edge for pair in pairs for edge in pair.edges),
        "job": tuple(contract.job for contract in contracts),
    }
    for key, metric in (*STORED.items(), *LIVE.items(), *FOLDER.items()):
        labels = {label: LABEL_VALUES.get((key, label)) or named.get(label, _OPEN) for label in metric.labels}
        for series in _samples(metric, {**labels, "job": named["job"], "instance": _OPEN}, "self"):
            flag = key.endswith("_info") or key in ("file_present", "state_ok", "live_trading_enabled")
            yield Series(
                series.name, series.kind, series.labels, series.unit, series.family, "self", top=1.0 if flag else None
            )


def _of_prometheus(contracts: Sequence[Contract], jobs: tuple[str, ...], alerts: tuple[str, ...]) -> Iterator[Series]:
    target = {"job": jobs, "instance": _OPEN}
    yield Series("up", "gauge", target, COUNT, "up", "prometheus", top=1.0, takes_any_label=not jobs)
    for name in _SCRAPE.split():
        yield _foreign(name, target, not jobs)
    every = tuple(dict.fromkeys([*(contract.job for contract in contracts), *jobs])) if jobs else _OPEN
    own = {"job": every, "instance": _OPEN}
    for name in _PROCESS.split():
        yield _foreign(name, own, not jobs)
    for job in (job for job in _WATCHERS if job in jobs):
        for name, labels in _WATCHERS[job].items():
            yield _foreign(name, {**dict.fromkeys(labels, _OPEN), "job": (job,), "instance": _OPEN})
    state = {"alertstate": ("pending", "firing"), "alertname": alerts}
    yield Series("ALERTS", "gauge", state, COUNT, "ALERTS", "prometheus", top=1.0, takes_any_label=True, is_ours=False)
    name = "ALERTS_FOR_STATE"
    yield Series(
        name,
        "gauge",
        {"alertname": alerts},
        unit_of_name("x_timestamp_seconds"),
        name,
        "prometheus",
        takes_any_label=True,
    )


def _foreign(name: str, labels: Mapping[str, tuple[str, ...]], takes_any_label: bool = False) -> Series:
    """Return a series of Prometheus or another program; which labels its targets have, only their jobs say."""
    kind: Kind = "counter" if name.endswith("_total") else "gauge"
    return Series(
        name, kind, labels, unit_of_name(name), name, "prometheus", takes_any_label=takes_any_label, is_ours=False
    )
