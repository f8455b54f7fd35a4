"""The live dashboard's routes, contract v0.1B: health, runs, and of one run snapshot, tail and alerts."""

from __future__ import annotations

from console.alerts import run_alerts
from console.api.endpoint import Asked, Endpoint, number, run_not_found
from console.index.step_queries import StepAt
from console.runs import Run, find_run, list_runs, newest_steps
from console.times import read_time, show
from console.view import View

__all__ = ["CONTRACT_VERSION", "ENDPOINTS", "run_of"]

CONTRACT_VERSION = "v0.1B"

_MOST_RUNS = 50
_MISSING = "run_not_found|Run not found: <id>"


def run_of(view: View, asked: Asked) -> Run:
    """Return the run that was asked for.

    Raises:
        Failure: 404, if there is none.
    """
    run = find_run(view, asked["run_id"])
    if run is None:
        raise run_not_found(asked["run_id"])
    return run


def _health(view: View, asked: Asked) -> object:
    return {"status": "ok", "contract_version": CONTRACT_VERSION, "server_time": show(int(view.now * 1e9))}


def _runs(view: View, asked: Asked) -> object:
    return [run.row() for run in list_runs(view, _MOST_RUNS)]


def _snapshot(view: View, asked: Asked) -> object:
    return run_of(view, asked).snapshot()


def _tail(view: View, asked: Asked) -> object:
    return [_tail_item(one) for one in newest_steps(view, run_of(view, asked), asked["limit"])]


def _tail_item(one: StepAt) -> dict[str, object]:
    step = one.step
    return {
        "seq": one.seq,
        "ts_bar": show(read_time(step.ts_bar)),
        "ts_event": show(step.at),
        "equity": step.equity,
        "realized_pnl": step.realized,
        "unrealized_pnl": step.unrealized_pnl,
        "position_size": step.position_size,
        "orders_count": step.orders,
        "risk_allowed": step.risk_allowed is not False,
        "risk_reasons": step.risk_reasons or "",
    }


def _alerts(view: View, asked: Asked) -> object:
    return run_alerts(view, run_of(view, asked).meta.run_id, asked["limit"])


ENDPOINTS = (
    Endpoint("/health", _health, "Whether the console answers."),
    Endpoint("/runs", _runs, "The 50 runs with the newest steps, newest first."),
    Endpoint("/runs/{run_id}/snapshot", _snapshot, "Where a run stands.", not_found=_MISSING),
    Endpoint("/runs/{run_id}/tail", _tail, "A run's newest steps, in order.", (number("limit", 50, 1, 500),), _MISSING),
    Endpoint(
        "/runs/{run_id}/alerts", _alerts, "A run's alerts, newest first.", (number("limit", 20, 1, 100),), _MISSING
    ),
)
