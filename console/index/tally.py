"""What is kept of a stream as a whole, so that a list costs a row per stream: counts, sums, last values, a thin curve.

In: entries and steps in the order they were read. Out: the same tally whatever batches they came in. The curve of a run
keeps every n-th step; when it has grown to 240 points every second one is dropped and n doubled.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from console.steps import Step

__all__ = ["CURVE", "Curve", "Tally", "add_steps", "status_of"]

CURVE = ("equity", "realized_pnl", "position_size", "steps", "orders", "blocked", "drawdown")
"""The columns of a curve's points."""

_MOST_POINTS = 240
_LAST = {name: name for name in ("equity", "unrealized_pnl", "position_size", "price")} | {"realized_pnl": "realized"}
"""Value of a tally -> what of the last step that says something of it."""


class Tally(Struct, omit_defaults=True):
    """Sums of one stream; a run's steps have the second half."""

    counts: dict[str, int] = field(default_factory=dict)
    outcomes: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    group: str | None = None
    regressed: bool = False
    steps: int = 0
    orders: int = 0
    blocked: int = 0
    rejected: int = 0
    top: float | None = None
    drawdown: float | None = None
    worst: float | None = None
    equity: float | None = None
    realized_pnl: float | None = None
    unrealized_pnl: float | None = None
    position_size: float | None = None
    price: float | None = None


class Curve(Struct):
    """Every `every`-th step of a run as a point, by `CURVE`."""

    every: int = 1
    points: list[list[float | None]] = field(default_factory=list)


def status_of(tally: Tally) -> str:
    """Return what became of the orders of an execution: failed before canceled before success, by order."""
    _, failed, canceled, filled = tally.outcomes
    return "failed" if failed else "canceled" if canceled else "success" if filled else "unknown"


def add_steps(tally: Tally, curve: Curve, steps: Sequence[Step]) -> None:
    """Take in steps that follow those taken in before."""
    number, every, points = tally.steps, curve.every, curve.points
    orders, blocked, rejected, top, worst = tally.orders, tally.blocked, tally.rejected, tally.top, tally.worst
    drawdown = tally.drawdown
    for step in steps:
        orders += step.orders_filled or step.orders_generated or 0
        if step.orders_blocked:
            blocked += step.orders_blocked
        if step.orders_rejected:
            rejected += step.orders_rejected
        equity = step.equity
        if equity is not None:
            if top is None or equity > top:
                top = equity
            drawdown = (equity - top) / top if top > 0 else 0.0
            if worst is None or drawdown < worst:
                worst = drawdown
        number += 1
        if number % every == 0:
            points.append([equity, step.realized, step.position_size, number, orders, blocked, drawdown])
            if len(points) >= _MOST_POINTS:
                del points[::2]
                every *= 2
    curve.every, tally.steps = every, number
    tally.orders, tally.blocked, tally.rejected = orders, blocked, rejected
    tally.top, tally.worst, tally.drawdown = top, worst, drawdown
    for name, source in _LAST.items():
        last = next((value for step in reversed(steps) if (value := getattr(step, source)) is not None), None)
        setattr(tally, name, getattr(tally, name) if last is None else last)
