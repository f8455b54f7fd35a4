"""What a session tells about strategy and risk; the one package of ours a session imports.

In: one call per event. Out: series under contracts/metricsd.yaml, shown by metricsd (mode B:
`PEAKTRADE_METRICS_MODE=B`, folder `PEAKTRADE_METRICS_MULTIPROC_DIR`) or by the session's own page on port 9111 (mode A,
otherwise). Telemetry never stops a session: no call raises, what cannot be recorded is one warning and then silence.

A value that is not in the contract is refused and counted; names beyond their cap become `other`. No argument may tell
symbols, orders, runs or accounts apart: there are no such labels.
"""

from __future__ import annotations

from exporters.telemetry.session import Session

__all__ = [
    "ensure_registered",
    "record_limit_utilization",
    "record_position_gross_exposure",
    "record_risk_block",
    "record_risk_check",
    "record_strategy_decision",
    "record_strategy_signal",
]

_SESSION = Session()


def ensure_registered() -> bool:
    """Make every family exist at 0; the first call of a process, or of the child of a fork, decides on mode and folder.

    Returns:
        Whether calls are recorded. Calling it again changes nothing.
    """
    return _SESSION.ensure()


def record_strategy_decision(strategy_id: str, decision: str) -> None:
    """Count a decision about an order: entry_long, exit_long, entry_short, exit_short, close_long or close_short."""
    _SESSION.count("peaktrade_strategy_decisions_total", strategy_id, decision)


def record_strategy_signal(strategy_id: str, signal: str) -> None:
    """Count a change of a strategy's signal, by the new one: long, short or flat."""
    _SESSION.count("peaktrade_strategy_signals_total", strategy_id, signal)


def record_position_gross_exposure(strategy_id: str, ccy: str, exposure: float) -> None:
    """Show a position's size times its price, in the quote currency `ccy`; the sign does not matter."""
    _SESSION.show("peaktrade_strategy_position_gross_exposure", abs, exposure, strategy_id, ccy)


def record_risk_check(check: str, result: str) -> None:
    """Count a risk check by its result: allow, block, warn, disabled or error.

    Args:
        check: live_limits.check_orders or runtime_risk.evaluate_pre_order.
    """
    _SESSION.count("peaktrade_risk_checks_total", check, result)


def record_limit_utilization(limit_id: str, utilization: float) -> None:
    """Show the share of a limit that is used; below 0 counts as 0, above 1 as 1.

    Args:
        limit_id: max_order_notional, max_total_exposure, max_symbol_exposure, max_open_positions, max_daily_loss_abs
            or max_daily_loss_pct.
    """
    _SESSION.show("peaktrade_risk_limit_utilization", _within_one, utilization, limit_id)


def record_risk_block(reason: str) -> None:
    """Count an order that risk stopped, once for each reason: `limit:` and a limit's id, or `runtime:` and a word.

    Args:
        reason: e.g. limit:max_order_notional; runtime:reject, runtime:halt, runtime:pause or runtime:unknown.
    """
    _SESSION.count("peaktrade_risk_blocks_total", reason)


def _within_one(value: float) -> float:
    return min(max(value, 0.0), 1.0)
