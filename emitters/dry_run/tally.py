"""The run's own counts: what it did, counted where it does it and not where it is written.

In: a metric's name and labels, each time something happens. Out: the value every series must have. The exporters count
the events; that both agree is what the dry run proves.
"""

__all__ = ["EXECUTION", "LEDGER", "Series", "Tally"]

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A metric's name and its labels, sorted."""

EXECUTION = (
    "peak_trade_orders_place_total",
    "peak_trade_orders_cancel_total",
    "peak_trade_orders_query_total",
    "peak_trade_order_state_transitions_total",
    "peak_trade_reconcile_mismatches_total",
    "peak_trade_retry_attempts_total",
    "peak_trade_safety_rail_trips_total",
    "peak_trade_orchestrator_state",
    "peak_trade_last_audit_event_timestamp_seconds",
    "peak_trade_reconciler_last_ok_timestamp_seconds",
)
"""What the execution_watch exporter must show of a run. Source: seed 004, section 3."""

LEDGER = (
    "peak_trade_pipeline_events_total",
    "peak_trade_risk_blocks_total",
    "peak_trade_run_state",
)
"""What the shadow_mvs exporter must show of a run. Source: seed 000, section 4, phase 2."""


class Tally:
    """Series and their values."""

    def __init__(self) -> None:
        self.values: dict[Series, float] = {}

    def add(self, metric: str, **labels: str) -> None:
        """Count one."""
        series = _series(metric, labels)
        self.values[series] = self.values.get(series, 0.0) + 1

    def set(self, metric: str, value: float, **labels: str) -> None:
        """Take a value."""
        self.values[_series(metric, labels)] = value

    def enter(self, metric: str, state: str, states: tuple[str, ...], **labels: str) -> None:
        """Take the state something is in: 1, and 0 for all others."""
        for one in states:
            self.set(metric, float(one == state), state=one, **labels)

    def value(self, metric: str) -> float:
        """Return the sum over all series of a metric."""
        return float(sum(value for (name, _), value in self.values.items() if name == metric))


def _series(metric: str, labels: dict[str, str]) -> Series:
    return metric, tuple(sorted(labels.items()))
