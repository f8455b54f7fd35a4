"""Values by series -> what a page shows: every family from the start, and what the process says about itself.

In: a contract and values. Out: what `exposition` renders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contracts.model import Contract, Metric
from contracts.no_live import live_trading_enabled
from contracts.self_metrics import FOLDER, LIVE
from exporters.engine.values import Sample, Snapshot
from exporters.multiprocess.admission import RECORDED, Series
from exporters.version import VERSION

__all__ = ["About", "about", "first_series", "snapshot_of"]

About = Sequence[tuple[Metric, Sequence[tuple[tuple[str, ...], float]]]]
"""Gauges of this moment, each with its (labels, value) pairs."""

_GAUGES = {**LIVE, **FOLDER}


def first_series(contract: Contract, environment: Mapping[str, str]) -> dict[Series, float]:
    """Return the series that exist before anything was recorded, with their values."""
    defaults = {
        name: word.default.resolve(environment) for name, word in contract.words.items() if word.default is not None
    }
    found: dict[Series, float] = {}
    for metric in contract.metrics:
        words = tuple(metric.labels.values())
        for given in metric.init or contract.closed_label_sets(metric):
            labels = tuple(
                text if text is not None else defaults[name] for text, name in zip(given, words, strict=True)
            )
            found[metric.name, labels] = metric.value if metric.job == "always" else 0.0
    return found


def snapshot_of(contract: Contract, values: Mapping[Series, float], created: float) -> Snapshot:
    """Return the families in the contract's order, their samples sorted by labels."""
    by_metric: dict[str, list[Sample]] = {}
    for (name, labels), value in sorted(values.items()):
        by_metric.setdefault(name, []).append(Sample(labels, value, created))
    return tuple((metric, tuple(by_metric.get(metric.name, ()))) for metric in (*contract.metrics, *RECORDED))


def about(contract: Contract, snapshot: Snapshot, environment: Mapping[str, str], more: Mapping[str, float]) -> About:
    """Return the gauges of this moment; `more` names others that have no label but the exporter's name.

    Raises:
        NoLiveError: if the environment does not say clearly whether live trading is on.
    """
    own = {metric.name for metric in RECORDED}
    plain = {
        "series": float(sum(len(samples) for metric, samples in snapshot if metric.name not in own)),
        "series_budget": float(sum(metric.budget for metric in contract.metrics)),
        "live_trading_enabled": float(live_trading_enabled(environment)),
        **more,
    }
    return [
        (LIVE["build_info"], [((contract.name, VERSION), 1.0)]),
        (LIVE["contract_info"], [((contract.name, contract.path.rsplit("/", 1)[-1], contract.sha256), 1.0)]),
        *((_GAUGES[key], [((contract.name,), value)]) for key, value in plain.items()),
    ]
