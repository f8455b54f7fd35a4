"""Shapes of events that ask something else of the exporter each, by seed.

In: a number of lines. Out: lines, and the contract that reads them. All are variations of one ledger in which every
event is paired, so that what a shape costs can be said in times of the plain one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.bench.inputs import mixed_formats

__all__ = ["PLAIN", "SHAPES", "Shape", "write_shape"]

PLAIN = "plain"

_HERE = Path(__file__).parent
_SHIPPED = _HERE.parents[1] / "contracts"
_BEGIN = datetime(2026, 1, 25, tzinfo=UTC)
_STEP = timedelta(milliseconds=7)
_STAGES = ("intent", "submit", "ack", "fill")
_OTHER_STAGES = ("signal", "cancel", "risk_block", "error")
_SYMBOLS = ("BTC/EUR", "ETH/EUR", "SOL/EUR")
_STATES = ("idle", "running", "degraded", "stopped")
_EDGES = ("intent_to_submit", "submit_to_ack", "ack_to_fill")

Event = dict[str, Any]
Change = Callable[[random.Random, int, Event], Event | None]
"""What makes a shape of the plain event: (chance, number of the line, event); None leaves it as changed in place."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape of events.

    Attributes:
        at_most: bar on its cost, in times of the plain shape.
        change: what it makes of the plain event.
        contract: the file that reads it.
        text: event and number of the line -> the line.
        lines: (chance, number) -> all lines, for a shape that is no ledger.
    """

    what: str
    change: Change = lambda chance, index, event: None
    at_most: float = 1.6
    contract: Path = _SHIPPED / "shadow_mvs.yaml"
    text: Callable[[Event, int], str] = lambda event, index: _compact(event)
    lines: Callable[[random.Random, int], Iterator[str]] | None = None


def _compact(event: Event) -> str:
    return json.dumps(event, separators=(",", ":")) + "\n"


def _stamp(index: int) -> str:
    return (_BEGIN + index * _STEP).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _event(chance: random.Random, index: int) -> Event:
    """Return the plain event: one of the four stages of one of eight orders at a time."""
    return {
        "ts": _stamp(index),
        "mode": "shadow",
        "run_id": "bench",
        "stage": _STAGES[index % 32 // 8],
        "strategy_id": "momentum",
        "symbol": _SYMBOLS[index % 3],
        "intent_id": f"int-{index // 32 * 8 + index % 8:09d}",
        "client_order_id": f"co-{chance.getrandbits(32):08x}",
        "status": "created",
        "qty": round(chance.random() * 10, 4),
        "price": round(chance.random() * 50000, 2),
        "fee": 0,
        "reason": "",
        "exchange": "sim",
        "latency_ms": round(chance.random() * 300, 1),
        "order_type": "market",
    }


def _sometimes(share: float, **fields: Any) -> Change:
    """Return a change that sets fields in a share of the events."""

    def change(chance: random.Random, _index: int, event: Event) -> None:
        if chance.random() < share:
            event.update(fields)

    return change


def _without(share: float, *names: str) -> Change:
    def change(chance: random.Random, _index: int, event: Event) -> None:
        for name in names:
            if chance.random() < share:
                if chance.random() < 0.5:
                    del event[name]
                else:
                    event[name] = None

    return change


def _mixed(chance: random.Random, _index: int, event: Event) -> None:
    event["stage"] = chance.choice(_STAGES + _OTHER_STAGES)
    if chance.random() < 0.01:
        event["mode"] = "live"
    if chance.random() < 0.3:
        del event["exchange"]


def _without_ids(chance: random.Random, index: int, event: Event) -> None:
    _mixed(chance, index, event)
    del event["intent_id"], event["client_order_id"]


def _free_text(chance: random.Random) -> str:
    return f"order {chance.getrandbits(40)} short of {chance.random() * 1000:.2f} EUR"


def _text_in_reason(share: float) -> Change:
    def change(chance: random.Random, _index: int, event: Event) -> None:
        if chance.random() < share:
            event["reason"] = _free_text(chance)

    return change


def _searched(chance: random.Random, _index: int, event: Event) -> None:
    event["reason"] = f"{_free_text(chance)}: {chance.choice(('limit', 'cooldown', 'risk', 'locked'))} reached"


def _strategies(number: int, *stages: str) -> Change:
    def change(chance: random.Random, _index: int, event: Event) -> None:
        event["strategy_id"] = f"strategy-{chance.randrange(number)}"
        if stages:
            event["stage"] = chance.choice(stages)

    return change


def _six_fresh(chance: random.Random, _index: int, event: Event) -> None:
    for name in ("strategy_id", "symbol", "reason", "status", "order_type", "exchange"):
        event[name] = f"{name}-{chance.getrandbits(40)}"


def _given(text: bool) -> Change:
    def change(chance: random.Random, index: int, event: Event) -> None:
        event["edge"] = _EDGES[index % 3]
        if text:
            event["latency_ms"] = str(event["latency_ms"])

    return change


def _wide(chance: random.Random, _index: int, event: Event) -> None:
    event["payload"] = {
        "book": [[round(chance.random() * 50000, 2), round(chance.random(), 4)] for _ in range(60)],
        "meta": {f"key_{number}": {"value": chance.random(), "unit": "EUR"} for number in range(12)},
    }


def _unicode(chance: random.Random, _index: int, event: Event) -> None:
    event.update(note="Größe überschritten, 注文", symbol=chance.choice(("BTC/EUR", "Gold/€", "株/円")))


def _times(stamp: Callable[[int], object]) -> Change:
    def change(_chance: random.Random, index: int, event: Event) -> None:
        event["ts"] = stamp(index)

    return change


def _micros(index: int) -> str:
    return (_BEGIN + index * _STEP + timedelta(microseconds=index * 37 % 1000)).isoformat()


def _offset(index: int) -> str:
    return (_BEGIN + index * _STEP + timedelta(hours=2)).isoformat(timespec="milliseconds").replace("+00:00", "+02:00")


def _feeds(chance: random.Random, index: int, event: Event) -> None:
    if index % 4 == 0:
        event.update(feed=chance.choice(("ohlcv", "ticker", "trades")), status=chance.choice(("gap", "ok")))


def _states(chance: random.Random, index: int, event: Event) -> None:
    if index % 4 == 0:
        event["state"] = chance.choice(_STATES)


def _blocks(chance: random.Random, index: int, event: Event) -> None:
    if index % 4 == 0:
        event.update(stage="risk_block", reason=chance.choice(("max_drawdown", "equity_floor", "cooldown")))


def _odd(share: float) -> Callable[[Event, int], str]:
    """Return what makes some lines odd: torn, of the wrong kinds, with tokens that JSON does not have."""
    every = round(1 / share)

    def text(event: Event, index: int) -> str:
        line = _compact(event)
        if index % every:
            return line
        kind = index // every % 4
        if kind == 0:
            return line[:60] + "\n"
        if kind == 1:
            return _compact({**event, "reason": ["a", "list"], "latency_ms": {}})
        return _compact({**event, "latency_ms": float("nan")}) if kind == 2 else "\n"

    return text


def _spaced(event: Event, _index: int) -> str:
    return json.dumps(event) + "\n"


def _deep(_chance: random.Random, _index: int, event: Event) -> Event:
    names = ("stage", "strategy_id", "symbol", "intent_id", "order_type", "qty", "latency_ms")
    inner = {name: event.pop(name) for name in names}
    return {**event, "data": {"order": {"detail": inner, "kind": "spot"}, "v": 1}}


def _basket(number: int) -> Change:
    """Return a change that puts so many parts into each event."""

    def change(chance: random.Random, _index: int, event: Event) -> None:
        event["legs"] = [
            {"symbol": chance.choice(_SYMBOLS), "qty": round(chance.random() * 10, 4)} for _ in range(number)
        ]

    return change


def _in_quotes(_chance: random.Random, _index: int, event: Event) -> None:
    event.update(qty=str(event["qty"]), price=str(event["price"]), latency_ms=str(event["latency_ms"]))


def _said(chance: random.Random, _index: int, event: Event) -> None:
    event["message"] = f"order {chance.getrandbits(20)} took {event['latency_ms']} ms"


def _logged(_chance: random.Random, index: int, event: Event) -> None:
    event["ts"] = (_BEGIN + index * _STEP).strftime("%d/%b/%Y:%H:%M:%S +0000")


SHAPES: Mapping[str, Shape] = {
    PLAIN: Shape("one mode, every event paired"),
    "one_percent_live": Shape("1 % of the events with mode live", _sometimes(0.01, mode="live")),
    "half_live": Shape("half of them with mode live", _sometimes(0.5, mode="live")),
    "no_exchange": Shape("no exchange in a third", _without(0.3, "exchange")),
    "mixed": Shape("all stages, 1 % live, no exchange in some", _mixed),
    "mixed_no_ids": Shape("the same without ids", _without_ids),
    "absent": Shape("fields absent or null", _without(0.5, "status", "reason", "symbol", "order_type", "exchange")),
    "sparse_ids": Shape("no id in half", _without(0.5, "intent_id", "client_order_id")),
    "free_text": Shape("a free text in every reason", _text_in_reason(1.0)),
    "some_text": Shape("a free text in one reason of twenty", _text_in_reason(0.05)),
    "many_names": Shape("5,000 strategies, a cap of 10", _strategies(5000)),
    "shown_names": Shape("5,000 strategies, shown by every event", _strategies(5000, "signal", "submit")),
    "quoted": Shape("latencies in quotes", _given(text=True)),
    "given": Shape("latencies as given", _given(text=False)),
    "unicode": Shape(
        "texts beyond ASCII", _unicode, text=lambda event, _: json.dumps(event, ensure_ascii=False) + "\n"
    ),
    "crlf": Shape("Windows line ends", text=lambda event, _: _compact(event)[:-1] + "\r\n"),
    "spaced": Shape("blanks after separators", text=_spaced),
    "epoch": Shape("times as numbers", _times(lambda index: (_BEGIN + index * _STEP).timestamp())),
    "offset": Shape("times with an offset", _times(_offset)),
    "micros": Shape("times with microseconds", _times(_micros)),
    "sparse_times": Shape("no time in half", _without(0.5, "ts")),
    "reverse": Shape("time runs backwards", _times(lambda index: _stamp(10**6 - index))),
    "odd_per_mille": Shape("one line in 1,000 odd", text=_odd(0.001)),
    "odd_per_cent": Shape("one line in 100 odd", text=_odd(0.01)),
    "conditions": Shape("risk blocks with reasons", _blocks),
    "feeds": Shape("feed gaps", _feeds),
    "states": Shape("run states", _states),
    "formats": Shape("three formats", lines=mixed_formats, contract=_SHIPPED / "ai_live.yaml"),
    "amounts": Shape("amounts, and gauges of numbers", contract=_HERE / "amounts.yaml"),
    "histograms": Shape("four histograms", contract=_HERE / "histograms.yaml"),
    "many_metrics": Shape("a contract with 50 metrics", contract=_HERE / "many_metrics.yaml"),
    "one_part": Shape("one part in each line", _basket(1), contract=_HERE / "parts.yaml"),
    "ten_parts": Shape("ten parts in each line", _basket(10), at_most=6, contract=_HERE / "parts.yaml"),
    "measured": Shape("conditions on numbers, numbers made of two words", contract=_HERE / "measured.yaml"),
    "measured_quoted": Shape("the same with all numbers in quotes", _in_quotes, contract=_HERE / "measured.yaml"),
    "captured": Shape("numbers captured from messages", _said, at_most=2.5, contract=_HERE / "captured.yaml"),
    "logged": Shape("times in a format of their own", _logged, at_most=2.5, contract=_HERE / "captured.yaml"),
    "deep": Shape("deep paths", _deep, contract=_HERE / "deep.yaml"),
    "wide": Shape("lines of 2 kB, nested", _wide, at_most=2.5),
    "new_names": Shape("every strategy new, the cap full", _strategies(10**12, "signal", "submit"), at_most=2.5),
    "unshown_names": Shape("every strategy new, nothing shows it", _strategies(10**12, "intent", "ack"), at_most=2.5),
    "searched": Shape("free texts that hold a searched word", _searched, at_most=2.5),
    "six_fresh": Shape("six new texts in every line", _six_fresh, at_most=5),
}
"""Shape -> what it is."""


def write_shape(key: str, path: Path, number: int, seed: int = 20260125) -> None:
    """Write the lines of a shape; the same seed gives the same bytes."""
    chance, shape = random.Random(seed), SHAPES[key]
    with path.open("w", encoding="utf-8", newline="") as out:
        if shape.lines:
            out.writelines(shape.lines(chance, number))
            return
        for index in range(number):
            event = _event(chance, index)
            out.write(shape.text(shape.change(chance, index, event) or event, index))
