"""The routes under /api/v0/ that speak of runs: contracts v0 and v0.2 of the watch-only dashboard."""

from __future__ import annotations

from collections.abc import Callable

from console.alerts import run_alerts
from console.api.endpoint import Asked, Endpoint, Failure, Text, flag, number
from console.api.live import CONTRACT_VERSION
from console.index import queries, step_queries
from console.index.step_queries import StepAt
from console.runs import Run, find_run, list_runs, message_of, newest_steps, run_rows, steps_from
from console.steps import Step
from console.times import show
from console.view import View

__all__ = ["ENDPOINTS", "event_item", "events_page"]

_MISSING = "run_not_found|run_not_found:<id>"
_LOOKED_AT = 10_000
"""Newest steps among which those with orders are looked for. Source: facts, 4.1."""

_LARGEST_TEXT = 8 << 20
"""Bytes of lines in one answer; of longer ones the newest are given."""


def _run(view: View, asked: Asked) -> Run:
    run = find_run(view, asked["run_id"])
    if run is None:
        code = "run_not_found" if queries.stream(view.database, "step", asked["run_id"]) is None else "meta_not_found"
        raise Failure(404, code, f"{code}:{asked['run_id']}")
    return run


def _because(run: Run) -> str:
    """Return why something of a run is not there, where that is known."""
    return f" ({'; '.join(run.problems)})" if run.problems else ""


def _health(view: View, asked: Asked) -> object:
    return {"status": "ok", "contract_version": CONTRACT_VERSION, "server_time": show(int(view.now * 1e9))}


def _health_v02(view: View, asked: Asked) -> object:
    newest = next((run.last_at for run in list_runs(view, 1)), None)
    return {
        "status": "ok",
        "contract_version": "v0.2",
        "watch_only": True,
        "server_time": show(int(view.now * 1e9)),
        "runs": len(run_rows(view)),
        "last_event_time": show(newest),
        "lines_refused": view.refused,
        "is_behind": view.is_behind,
    }


def _runs(view: View, asked: Asked) -> object:
    return [run.row() for run in list_runs(view, 50)]


def _runs_v02(view: View, asked: Asked) -> object:
    rows = [{**run.row(), "status": run.status} for run in list_runs(view, asked["limit"])]
    return {"count": len(rows), "items": rows}


def _meta_of(run: Run) -> dict[str, object]:
    meta = run.meta
    return {
        **run.row(),
        "tags": meta.tags,
        "notes": meta.notes,
        "config_snapshot": meta.config_snapshot,
        "status": run.status,
    }


def _one(view: View, asked: Asked) -> object:
    run = _run(view, asked)
    return {"meta": _meta_of(run), "snapshot": run.snapshot()}


def _detail_v02(view: View, asked: Asked) -> object:
    run = _run(view, asked)
    return {
        "run_id": run.meta.run_id,
        "status": run.status,
        "asof": show(run.last_at),
        "meta": _meta_of(run),
        "snapshot": run.snapshot(),
        "duration_seconds": run.duration_s,
        "alerts": run_alerts(view, run.meta.run_id, 5),
    }


def _metrics(view: View, asked: Asked) -> object:
    run = _run(view, asked)
    tally = run.tally
    return {
        **run.snapshot(),
        "asof": show(run.last_at),
        "max_drawdown": tally.worst,
        "total_rejected_orders": tally.rejected,
        "total_alerts": run.alerts,
    }


def _items(view: View, asked: Asked, item: Callable[[StepAt], dict[str, object]]) -> dict[str, object]:
    """Return the wrapper around a run's newest steps, each as `item` says."""
    run = _run(view, asked)
    steps = newest_steps(view, run, asked["limit"])
    return _wrapped(run, [item(one) for one in steps])


def _wrapped(run: Run, items: list[dict[str, object]]) -> dict[str, object]:
    return {"run_id": run.meta.run_id, "asof": show(run.last_at), "count": len(items), "items": items}


def _placed(one: StepAt) -> dict[str, object]:
    return {"seq": one.seq, "ts": show(one.step.at)}


def _equity(view: View, asked: Asked) -> object:
    found = _items(view, asked, _equity_item)
    if all(one["equity"] is None for one in found["items"]):  # type: ignore[attr-defined]  # a list of items
        raise Failure(404, "equity_not_available", f"equity_not_available{_because(_run(view, asked))}")
    return found


def _equity_item(one: StepAt) -> dict[str, object]:
    step = one.step
    values = {"equity": step.equity, "cash": step.cash, "realized_pnl": step.realized}
    return {**_placed(one), **values, "unrealized_pnl": step.unrealized_pnl}


def _signals(view: View, asked: Asked) -> object:
    def item(one: StepAt) -> dict[str, object]:
        changed = one.step.signal_changed is True
        return {**_placed(one), "signal": one.step.signal, "signal_changed": changed, "price": one.step.price}

    return _items(view, asked, item)


def _positions(view: View, asked: Asked) -> object:
    def item(one: StepAt) -> dict[str, object]:
        return {**_placed(one), "position_size": one.step.position_size, "price": one.step.price, "cash": one.step.cash}

    return _items(view, asked, item)


def _orders(view: View, asked: Asked) -> object:
    run = _run(view, asked)
    if not asked["only_nonzero"] or run.steps is None:
        steps = newest_steps(view, run, asked["limit"])
    else:
        steps = step_queries.steps_before(view.database, run.steps, asked["limit"], _LOOKED_AT, _has_orders)
    return _wrapped(run, [_order_item(one) for one in steps])


_ORDERS = ("orders_generated", "orders_filled", "orders_rejected", "orders_blocked")


def _has_orders(step: Step) -> bool:
    return bool(step.orders_generated or step.orders_filled or step.orders_rejected or step.orders_blocked)


def _order_item(one: StepAt) -> dict[str, object]:
    counts = {name: getattr(one.step, name) or 0 for name in _ORDERS}
    allowed = one.step.risk_allowed is not False
    return {**_placed(one), **counts, "risk_allowed": allowed, "risk_reasons": one.step.risk_reasons or ""}


def _trades(view: View, asked: Asked) -> object:
    run = _run(view, asked)
    stream = queries.stream(view.database, "trade", run.meta.run_id)
    if stream is None:
        raise Failure(404, "trades_not_available", f"trades_not_available{_because(run)}")
    events = reversed(queries.events_before(view.database, stream, asked["limit"]))
    return _wrapped(run, [{"seq": event.seq, "ts": show(event.at), **event.body} for event in events])


def _events(view: View, asked: Asked) -> object:
    return events_page(view, asked)


def events_page(view: View, asked: Asked) -> dict[str, object]:
    """Return a run's events from a position on.

    Raises:
        Failure: 404, if there is no such run, or nothing of it has been written yet.
    """
    run = _run(view, asked)
    if run.steps is None:
        raise Failure(404, "events_not_available", f"events_not_available:{run.meta.run_id}{_because(run)}")
    steps = steps_from(view, run, asked["since_seq"], asked["limit"])
    items = [event_item(one, run.meta.run_id) for one in steps]
    following = steps[-1].seq + 1 if steps else min(asked["since_seq"], run.steps.next)
    asof = show(run.last_at)
    return {"run_id": run.meta.run_id, "asof": asof, "next_seq": following, "count": len(items), "items": items}


def _lines(view: View, asked: Asked) -> object:
    """Return the newest steps as they stand in their file, CSV with the line that names its columns."""
    run = _run(view, asked)
    steps = newest_steps(view, run, asked["limit"])
    header = step_queries.header_of(view.database, run.steps) if run.steps else None
    kept, room = [], _LARGEST_TEXT
    for one in reversed(steps):
        room -= len(one.raw)
        if room < 0:
            break
        kept.append(one.raw.decode("utf-8", "replace").rstrip("\r"))
    lines = kept[::-1] if header is None else [header, *reversed(kept)]
    return Text("".join(f"{line}\n" for line in lines), "text/plain")


def event_item(one: StepAt, run_id: str) -> dict[str, object]:
    """Return a step as an event of the run."""
    told = {"level": one.step.level, "component": "run", "msg": message_of(one)}
    return {**_placed(one), **told, "run_id": run_id}


_EVENTS = (
    number("since_seq", 0, 0, 10**12 - 1),
    number("limit", 200, 1, 2000),
    flag("follow"),
    number("max_seconds", 30, 1, 600),
    flag("sse"),
)
_LIMIT = (number("limit", 200, 1, 5000),)
_R = "/api/v0/runs/{run_id}"

ENDPOINTS = (
    Endpoint("/api/v0/health", _health, "Whether the console answers."),
    Endpoint("/api/v0/health_v02", _health_v02, "The same, with how much there is."),
    Endpoint("/api/v0/runs", _runs, "The 50 runs with the newest steps, newest first."),
    Endpoint("/api/v0/runs_v02", _runs_v02, "Runs with their status, newest first.", (number("limit", 50, 1, 200),)),
    Endpoint(_R, _one, "What a run says of itself, and where it stands.", not_found=_MISSING),
    Endpoint(f"{_R}/detail_v02", _detail_v02, "A run with its newest alerts.", not_found=_MISSING),
    Endpoint(f"{_R}/metrics", _metrics, "A run's sums and last values.", not_found=_MISSING),
    Endpoint(f"{_R}/equity", _equity, "Equity by step, the newest steps.", (number("limit", 500, 1, 5000),), _MISSING),
    Endpoint(f"{_R}/signals", _signals, "Signals by step, the newest steps.", _LIMIT, _MISSING),
    Endpoint(f"{_R}/positions", _positions, "Positions by step, the newest steps.", _LIMIT, _MISSING),
    Endpoint(
        f"{_R}/orders",
        _orders,
        "Orders by step, the newest steps.",
        (number("limit", 500, 1, 5000), flag("only_nonzero", True)),
        _MISSING,
    ),
    Endpoint(f"{_R}/trades", _trades, "A run's newest trades.", (number("limit", 500, 1, 5000),), _MISSING),
    Endpoint(f"{_R}/lines", _lines, "The newest lines of a run's steps as text, as they stand.", _LIMIT, _MISSING),
    Endpoint(f"{_R}/events", _events, "A run's events from a position on; with sse as they come.", _EVENTS, _MISSING),
)
