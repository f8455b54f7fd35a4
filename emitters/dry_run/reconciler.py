"""Compares own orders with the broker's, as the run goes.

In: the book and the desk. Out: the mismatches by code, or none, or that there was no time for it. A broker that does
not answer ends the comparison with one mismatch for all orders. Source of the codes: facts 3.6.
"""

from collections.abc import Iterator
from decimal import Decimal

from emitters.dry_run.book import Book, LocalOrder
from emitters.dry_run.desk import CutOffError, Desk, UnansweredError
from emitters.dry_run.mock_broker import Report

__all__ = ["compare", "reconcile"]

_EPSILON = Decimal("1e-9")
_STATUS_OF = {"ACK": "open", "PARTIAL": "open", "FILLED": "filled", "CANCELED": "cancelled", "REJECTED": "rejected"}

Mismatch = tuple[str, str]
"""Code and client_order_id."""


def reconcile(book: Book, desk: Desk) -> list[Mismatch] | None:
    """Return what differs now, None if the step has no commands left for it."""
    try:
        listed = {report.request.client_order_id: report for report in desk.list_open()}
        own = list(_own_side(book, listed, desk))
    except UnansweredError as error:
        return [(error.signal, "*")]
    except CutOffError:
        return None
    strangers = sorted(listed.keys() - book.orders.keys())
    return own + [("ghost_broker_order", client_order_id) for client_order_id in strangers]


def _own_side(book: Book, listed: dict[str, Report], desk: Desk) -> Iterator[Mismatch]:
    for client_order_id, order in book.orders.items():
        report = listed.get(client_order_id)
        if report is None and order.state in ("ACK", "PARTIAL"):
            report = desk.query(client_order_id)
            if report is None:
                yield "missing_on_broker", client_order_id
                continue
        if report is not None:
            code = compare(order, report)
            if code:
                yield code, client_order_id


def compare(order: LocalOrder, report: Report) -> str:
    """Return the code of the gravest difference of one order, "" if there is none."""
    quantities = [fill.qty for fill in (*order.fills, *report.fills)]
    if not all(qty.is_finite() for qty in quantities):
        return "invariant_non_finite_qty"
    if any(qty < 0 for qty in quantities):
        return "invariant_negative_qty"
    if max(order.filled, report.filled) > order.request.qty + _EPSILON:
        return "invariant_filled_exceeds_qty"
    if abs(order.filled - report.filled) > _EPSILON:
        return "cancel_race" if order.state == "CANCELED" or report.status == "cancelled" else "partial_fill_mismatch"
    return "" if _STATUS_OF.get(order.state) == report.status else "status_mismatch"
