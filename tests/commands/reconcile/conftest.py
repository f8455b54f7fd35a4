"""A day of orders as a ledger and as a broker tell it, in both of the broker's formats, and one fault at a time."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from click.testing import CliRunner, Result

from exporters.commands.reconcile.cli import reconcile

__all__ = ["KINDS", "Day", "Kind", "make_day", "run"]

HEADER = ["txid", "ordertxid", "pair", "time", "type", "ordertype", "price", "cost", "fee", "vol"]
HEADER += ["margin", "misc", "ledgers"]


@dataclass
class Day:
    """The lines of both sides; `orders` has the (client, broker) ids of each order."""

    ledger: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, str]] = field(default_factory=list)
    listed: list[dict[str, Any]] = field(default_factory=list)
    orders: list[tuple[str, str]] = field(default_factory=list)

    def of(self, number: int, stage: str) -> list[dict[str, Any]]:
        """Return the ledger lines of an order at a stage."""
        return [
            line for line in self.ledger if line.get("client_order_id") == f"co-{number}" and line["stage"] == stage
        ]

    def trades_of(self, number: int) -> list[dict[str, str]]:
        return [row for row in self.trades if row["ordertxid"] == f"O-{number}"]

    def listed_as(self, number: int) -> dict[str, Any]:
        return next(line for line in self.listed if line.get("client_order_id") == f"co-{number}")

    def shuffled(self, rng: Random) -> Day:
        day = copy.deepcopy(self)
        for lines in (day.ledger, day.trades, day.listed):
            rng.shuffle(lines)
        return day

    def write(self, folder: Path, kind: str) -> list[str]:
        """Write both files; return the arguments that name them."""
        ledger, broker = folder / "ledger.jsonl", folder / ("trades.csv" if kind == "csv" else "mock_broker.jsonl")
        ledger.write_text("".join(json.dumps(line) + "\n" for line in self.ledger))
        if kind == "csv":
            rows = [HEADER, *([row[name] for name in HEADER] for row in self.trades)]
            broker.write_text("".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows))
        else:
            broker.write_text("".join(json.dumps(line) + "\n" for line in self.listed))
        return ["--ledger", str(ledger), "--broker", str(broker)]


def make_day(number: int = 12, seed: int = 7) -> Day:
    """Return a clean day: every third order cancelled after half of it, every fifth rejected, the others filled."""
    rng, day = Random(seed), Day()
    for at in range(number):
        qty = Decimal(rng.randrange(2, 1000, 2)) / 1000
        price = Decimal(rng.randrange(5_000_000, 7_000_000)) / 100
        fills = [qty / 2, qty / 2] if at % 2 else [qty]
        status = "rejected" if at % 5 == 4 else "cancelled" if at % 3 == 2 else "filled"
        fills = {"rejected": [], "cancelled": fills[:1] if at % 2 else [], "filled": fills}[status]
        add_order(day, at, qty, price, fills, status)
    return day


def add_order(day: Day, at: int, qty: Decimal, price: Decimal, fills: list[Decimal], status: str) -> None:
    client, broker = f"co-{at}", f"O-{at}"
    head = {"mode": "live", "run_id": "r", "strategy_id": "s", "symbol": "BTC/EUR", "client_order_id": client}

    def tell(second: int, stage: str, quantity: Decimal, fee: Decimal = Decimal(0), **more: object) -> None:
        line = {"ts": stamp(at, second), **head, "stage": stage, "qty": float(quantity), "price": float(price)}
        day.ledger.append({**line, "fee": float(fee), **more})

    day.orders.append((client, broker))
    tell(0, "intent", qty, intent_id=f"i-{at}")
    tell(1, "submit", qty, intent_id=f"i-{at}")
    if status == "rejected":
        tell(2, "error", qty)
    else:
        tell(2, "ack", qty, broker_order_id=broker)
    for place, filled in enumerate(fills):
        fee = (filled * price * Decimal("0.0026")).quantize(Decimal("0.00001"))
        tell(3 + place, "fill", filled, fee, broker_order_id=broker, fill_id=f"T-{at}-{place}")
        day.trades.append(trade(at, place, price, filled, fee))
    if status == "cancelled":
        tell(9, "cancel", qty, broker_order_id=broker)
    if status != "rejected":
        total = sum(fills, Decimal(0))
        fee = sum((Decimal(row["fee"]) for row in day.trades_of(at)), Decimal(0))
        listed = {"broker_order_id": broker, "client_order_id": client, "qty": str(qty), "filled_qty": str(total)}
        listed |= {"price": str(price), "fee": str(fee), "status": status}
        day.listed.append({"schema": "mock_broker_v1", "ts": stamp(at, 9), "placed_ts": stamp(at, 2), **listed})


def trade(at: int, place: int, price: Decimal, qty: Decimal, fee: Decimal) -> dict[str, str]:
    ids = {"txid": f"T-{at}-{place}", "ordertxid": f"O-{at}", "ledgers": "L1,L2"}
    kind = {"pair": "XXBTZEUR", "type": "buy", "ordertype": "limit"}
    time = stamp(at, 3 + place).replace("T", " ").removesuffix("Z") + "1"
    numbers = {"price": f"{price:.5f}", "cost": f"{price * qty:.5f}", "fee": f"{fee:.5f}", "vol": f"{qty:.8f}"}
    return {**dict.fromkeys(HEADER, ""), **ids, **kind, "time": time, **numbers}


def stamp(minute: int, second: int) -> str:
    return f"2026-01-25T{1 + minute // 60:02d}:{minute % 60:02d}:{second:02d}.000Z"


@dataclass(frozen=True)
class Kind:
    """One fault, put into one order: what is done to the lines, and what must be found."""

    name: str
    order: int
    spoil: Callable[[Day], None]
    code: str
    field: str = "qty"
    formats: tuple[str, ...] = ("jsonl", "csv")


def _without(lines: list[Any], gone: list[Any]) -> None:
    lines[:] = [line for line in lines if not any(line is one for one in gone)]


def _unknown_to_broker(day: Day) -> None:
    _without(day.trades, day.trades_of(0))
    _without(day.listed, [day.listed_as(0)])


def _unknown_to_ledger(day: Day) -> None:
    day.ledger[:] = [line for line in day.ledger if line["client_order_id"] != "co-0"]


def _one_fill_lost(day: Day) -> None:
    _without(day.ledger, day.of(1, "fill")[1:])


def _filled_less_than_told(day: Day) -> None:
    day.trades_of(0)[0]["vol"] = "0.00000001"
    day.listed_as(0).update(filled_qty="0.00000001", status="filled")


def _dearer(day: Day) -> None:
    row = day.trades_of(0)[0]
    row["price"] = day.listed_as(0)["price"] = str(Decimal(row["price"]) + 1)


def _higher_fee(day: Day) -> None:
    row = day.trades_of(0)[0]
    row["fee"] = day.listed_as(0)["fee"] = str(Decimal(row["fee"]) + Decimal("0.01"))


def _still_open(day: Day) -> None:
    day.listed_as(0)["status"] = "open"


def _traded_though_rejected(day: Day) -> None:
    day.trades.append(trade(4, 0, Decimal(60000), Decimal("0.002"), Decimal("0.1")))
    line = {"broker_order_id": "O-4", "client_order_id": "co-4", "status": "filled", "qty": "0.002", "fee": "0.1"}
    day.listed.append({"schema": "mock_broker_v1", "ts": stamp(4, 9), "filled_qty": "0.002", "price": "60000", **line})
    day.of(4, "error")[0]["broker_order_id"] = "O-4"


def _filled_before_the_cancel(day: Day) -> None:
    day.trades.append(trade(5, 1, Decimal(60000), Decimal(day.trades_of(5)[0]["vol"]), Decimal("0.1")))
    listed = day.listed_as(5)
    listed.update(filled_qty=listed["qty"], status="filled")


def _signal(word: str) -> Callable[[Day], None]:
    return lambda day: day.listed.append({"schema": "mock_broker_v1", "ts": stamp(50, 0), "broker_signal": word})


def _quantity(value: object) -> Callable[[Day], None]:
    def spoil(day: Day) -> None:
        day.of(0, "fill")[0]["qty"] = value

    return spoil


def _filled_twice(day: Day) -> None:
    fill = day.of(0, "fill")[0]
    day.ledger.append({**fill, "fill_id": "T-0-9"})


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("an order the broker does not know", 0, _unknown_to_broker, "missing_on_broker", "order"),
        Kind("an order only the broker knows", 0, _unknown_to_ledger, "ghost_broker_order", "order"),
        Kind("a fill the ledger lost", 1, _one_fill_lost, "partial_fill_mismatch"),
        Kind("less filled than told", 0, _filled_less_than_told, "partial_fill_mismatch"),
        Kind("another price", 0, _dearer, "partial_fill_mismatch", "price"),
        Kind("another fee", 0, _higher_fee, "partial_fill_mismatch", "fee"),
        Kind("filled, and still open", 0, _still_open, "status_mismatch", "state", ("jsonl",)),
        Kind("rejected, and traded", 4, _traded_though_rejected, "status_mismatch", "state"),
        Kind("filled before the cancel", 5, _filled_before_the_cancel, "cancel_race"),
        Kind("the broker limits rates", -1, _signal("rate_limit"), "rate_limit", "*", ("jsonl",)),
        Kind("the broker timed out", -1, _signal("timeout"), "timeout", "*", ("jsonl",)),
        Kind("the broker failed for a moment", -1, _signal("transient"), "transient", "*", ("jsonl",)),
        Kind("a quantity that is not finite", 0, _quantity("NaN"), "invariant_non_finite_qty"),
        Kind("a quantity without end", 0, _quantity(float("inf")), "invariant_non_finite_qty"),
        Kind("a quantity below zero", 0, _quantity(-0.5), "invariant_negative_qty"),
        Kind("more filled than ordered", 0, _filled_twice, "invariant_filled_exceeds_qty"),
    )
}


def run(*arguments: str) -> Result:
    """Run the command; the report of a `--json` run is its standard output."""
    return CliRunner().invoke(reconcile, list(arguments))
