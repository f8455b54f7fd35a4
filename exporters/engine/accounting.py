"""The exporter's metrics about itself, and the balance they keep.

In: what each stage says it did. Out: updates of the `peak_trade_exporter_*` series, kept and committed with all others,
and gauges of the present moment. The balance: lines read = applied + ignored + blank + refused by reason; bytes read
= bytes of those lines + bytes skipped; numbers, times and ids that something asks for = used + refused + absent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from contracts.model import UNKNOWN_SOURCE, Contract
from contracts.self_metrics import LABEL_VALUES, LIVE, STORED
from exporters.engine.values import (
    Batch,
    Checkpoint,
    Count,
    Decoded,
    Effect,
    Notice,
    Refusal,
    Snapshot,
    Status,
    Update,
)
from exporters.version import VERSION

__all__ = ["LIVE", "STORED", "Accounting", "Vitals", "status_of"]


_NOTICE_COUNTERS = {"rotated": "rotations_total", "truncated": "truncations_total"}


class Vitals(Struct):
    """What the present-moment gauges show."""

    files_present: int
    files_open: int
    files_unreadable: int
    lag_bytes: int
    series: int
    last_commit_at: float
    state_ok: bool
    state_errors: int
    open_pairs: Mapping[str, int]
    contract_read_at: float
    contract_refused: bool


class Accounting:
    """Turns what the stages say into updates, once each."""

    def __init__(self, contract: Contract, live_trading: bool = False) -> None:
        self._contract = contract
        self._live_trading = live_trading
        self._name = contract.name
        self._budget = sum(metric.budget for metric in contract.metrics)
        self._rejections = [metric for metric in contract.metrics if metric.job == "rejections"]

    def begin(self) -> list[Update]:
        """Return updates by nothing, so that the counters without free labels exist from the start."""
        updates: list[Update] = [
            self._count(name, 0, value)
            for name in ("lines_total", "skipped_bytes_total", "recoveries_total", "state_resets_total")
            for value in LABEL_VALUES[name, list(STORED[name].labels)[-1]]
        ]
        plain = [name for name, metric in STORED.items() if len(metric.labels) == 1]
        updates += [self._count(name, 0) for name in plain]
        names = [name for source in self._contract.sources for part in source.parts for name in part.names(source.name)]
        for name in names:
            updates += [self._count("parts_total", 0, name, kind) for kind in LABEL_VALUES["parts_total", "outcome"]]
        for pair in self._contract.pairs:
            updates += [self._count("pairs_forgotten_total", 0, pair.name, why) for why in ("expired", "evicted")]
            for edge in pair.edges:
                kinds = LABEL_VALUES["pair_edges_total", "outcome"]
                updates += [self._count("pair_edges_total", 0, pair.name, edge, kind) for kind in kinds]
        return updates

    def lines(self, batch: Batch, decoded: Decoded, effect: Effect) -> list[Update]:
        """Account for one batch: every line under one outcome, every byte once."""
        rejected = Counter(effect.rejected)
        rejected.update({(UNKNOWN_SOURCE, reason): number for reason, number in decoded.rejected.items()})
        if batch.too_long:
            rejected[UNKNOWN_SOURCE, "too_long"] += batch.too_long
        outcomes: Counter[str] = Counter({"blank": decoded.blank})
        outcomes.update({str(outcome): number for outcome, number in effect.outcomes.items()})
        for (_, reason), number in rejected.items():
            outcomes[reason] += number
        updates = [self._count("lines_total", number, outcome) for outcome, number in outcomes.items() if number]
        updates.append(self._count("read_bytes_total", batch.end - batch.start))
        filler = batch.skipped_bytes + decoded.skipped_bytes
        for kind, number in (("filler", filler), ("too_long", batch.too_long_bytes)):
            if number:
                updates.append(self._count("skipped_bytes_total", number, kind))
        updates += [self._count("refused_values_total", n, *key) for key, n in effect.refused.items()]
        updates += [self._count("absent_values_total", n, word) for word, n in effect.absent.items()]
        updates += [self._count("parts_total", n, *key) for key, n in effect.parts.items()]
        return [*updates, *self._refusals(rejected)]

    def _refusals(self, rejected: Mapping[tuple[str, str], int]) -> Iterable[Update]:
        """Count refused lines in the metrics the contract declares for them."""
        for metric in self._rejections:
            for (source, reason), number in rejected.items():
                if reason in metric.reasons:
                    values = {"source": source, "reason": metric.reasons[reason]}
                    yield Count(metric, tuple(values[label] for label in metric.labels), float(number))

    def notice(self, notice: Notice) -> list[Update]:
        """Account for something that happened to a file."""
        updates: list[Update] = []
        if notice.lost_bytes:
            updates.append(self._count("lost_bytes_total", notice.lost_bytes))
        if notice.kind in _NOTICE_COUNTERS:
            updates.append(self._count(_NOTICE_COUNTERS[notice.kind], 1))
        if notice.kind == "recovered":
            updates.append(self._count("recoveries_total", 1, notice.outcome))
        return updates

    def joined(self, tally: Mapping[tuple[str, str, str], int]) -> list[Update]:
        """Account for the edges of pairs."""
        return [
            self._count("pair_edges_total", number, pair, edge, outcome)
            if edge
            else self._count("pairs_forgotten_total", number, pair, outcome)
            for (pair, edge, outcome), number in tally.items()
        ]

    def folded(
        self, overflow: Mapping[tuple[str, str], int], refused: Mapping[tuple[str, str], int] | None = None
    ) -> list[Update]:
        """Account for label values folded at their cap, and for values refused as a sum would be infinite."""
        updates: list[Update] = [self._count("label_overflow_total", n, *key) for key, n in overflow.items()]
        return updates + [self._count("refused_values_total", n, *key) for key, n in (refused or {}).items()]

    def reset(self, reason: str, number: int) -> list[Update]:
        """Account for stored values that were not taken over."""
        return [self._count("state_resets_total", number, reason)]

    def gauges(self, vitals: Vitals) -> dict[str, list[tuple[tuple[str, ...], float]]]:
        """Return the present-moment gauges: name in LIVE -> (labels, value) each."""
        name, contract = self._name, self._contract
        plain = {
            "file_present": float(vitals.files_present > 0),
            "files_open": vitals.files_open,
            "files_unreadable": vitals.files_unreadable,
            "lag_bytes": vitals.lag_bytes,
            "series": vitals.series,
            "series_budget": self._budget,
            "last_commit_timestamp_seconds": vitals.last_commit_at,
            "state_ok": float(vitals.state_ok),
            "state_errors_total": vitals.state_errors,
            "config_reload_success": float(not vitals.contract_refused),
            "config_last_reload_success_timestamp_seconds": vitals.contract_read_at,
            "live_trading_enabled": self._live_trading,
        }
        return {
            "build_info": [((name, VERSION), 1.0)],
            "contract_info": [((name, contract.path.rsplit("/", 1)[-1], contract.sha256), 1.0)],
            **{key: [((name,), float(value))] for key, value in plain.items()},
            "open_pairs": [((name, pair), float(number)) for pair, number in vitals.open_pairs.items()],
        }

    def _count(self, name: str, number: float, *labels: str) -> Count:
        return Count(STORED[name], (self._name, *labels), float(number))


def status_of(snapshot: Snapshot, files: Sequence[Checkpoint], refusals: Iterable[Refusal]) -> Status:
    """Return what the landing page says, from committed values."""
    lines = (samples for metric, samples in snapshot if metric is STORED["lines_total"])
    by_outcome = {sample.labels[-1]: sample.value for samples in lines for sample in samples if sample.value}
    return Status(files, by_outcome, list(refusals))
