"""Decisions of the AI layer, and what followed each: the orders that came of it.

In: a view, and a verdict or None. Out: decisions, newest first. A decision that names its order is followed by that
order; of any other it is what its run began from then on until its next decision. A decision older than the orders
that were looked at has no answer, which is not the same as none.
"""

from __future__ import annotations

from dataclasses import dataclass

from console.index import queries
from console.index.queries import Event
from console.index.streams import Stream
from console.timeline import KINDS, Order, orders_of
from console.view import View

__all__ = ["VERDICTS", "Decision", "list_decisions"]

VERDICTS = ("accept", "reject", "noop")

_RUNS, _SHOWN = 5, 20
_LOOKED_AT = 100
"""Newest events of a run, of each kind, among which its orders are looked for."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision, its run, and the orders that followed; None if that cannot be told any more."""

    event: Event
    run_id: str
    followed: tuple[Order, ...] | None


def list_decisions(view: View, verdict: str | None = None) -> list[Decision]:
    """Return the newest decisions of the runs that decided last."""
    found: list[Decision] = []
    for stream in view.streams("ai")[:_RUNS]:
        events = queries.events_before(view.database, stream, _SHOWN, type_=verdict)
        orders = orders_of(view, stream.subject, _LOOKED_AT, _LOOKED_AT) if events else []
        since = _since(view, stream.subject, orders)
        found += [Decision(event, stream.subject, _followed(view, stream, event, orders, since)) for event in events]
    return sorted(found, key=lambda one: one.event.at or 0, reverse=True)[:_SHOWN]


def _since(view: View, run_id: str, orders: list[Order]) -> int:
    """Return the time from which on all orders of a run are among those given: 0 if none was left out."""
    streams = [queries.stream(view.database, kind, run_id) for kind in KINDS]
    is_cut = any(one is not None and one.next > _LOOKED_AT for one in streams)
    return min((order.first_at for order in orders), default=0) if is_cut else 0


def _followed(view: View, stream: Stream, event: Event, orders: list[Order], since: int) -> tuple[Order, ...] | None:
    named = tuple(order for order in orders if order.key == event.key)
    if named or event.at is None or event.at < since:
        return named or None
    if event.key is not None:
        return ()
    later = queries.events_after(view.database, stream, event.seq + 1, 1)
    until = later[0].at if later and later[0].at is not None else None
    return tuple(one for one in orders if event.at <= one.first_at and (until is None or one.first_at < until))
