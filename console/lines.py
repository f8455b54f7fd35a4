"""What one line of a log says: bytes in, an `Entry` or the reason it is refused out.

A line of `logs/execution/` is known by its content, never by its file's name. Lines of formats that are no business of
the console's are passed over; what is no JSON object, has no time, or no id that can be one, is refused and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from console.names import is_id
from console.sources import Place
from console.times import read_time

__all__ = ["PASSED_OVER", "Entry", "decode", "read_entry"]

PASSED_OVER = ""
"""What read_entry() returns of a line that is in order and of no interest."""

TELEMETRY = ("gate", "intent", "order", "fill", "error")
BETA_OUTCOMES = {"FILL": 3, "REJECT": 1, "VALIDATION_REJECT": 1, "RISK_REJECT": 1, "ERROR": 1}
V0_OUTCOMES = {"filled": 3, "canceled": 2, "failed": 1}
LEDGER_OUTCOMES = {"fill": 3, "cancel": 2, "risk_block": 1, "error": 1}
"""What became of an order; the greater stands: an attempt that failed and was repeated until filled is a success."""


class _Line(Struct, gc=False):
    """Whatever any format holds at its top; a value of an unforeseen kind is only that field's loss."""

    schema: Any = None
    schema_version: Any = None
    v: Any = None
    ts_utc: Any = None
    event_utc: Any = None
    created_at_utc: Any = None
    timestamp_utc: Any = None
    ts: Any = None
    created_at: Any = None
    timestamp: Any = None
    run_id: Any = None
    session_id: Any = None
    event_type: Any = None
    event: Any = None
    kind: Any = None
    stage: Any = None
    decision: Any = None
    intent_id: Any = None
    client_order_id: Any = None
    order_id: Any = None
    idempotency_key: Any = None
    correlation_id: Any = None
    severity: Any = None
    payload: msgspec.Raw = msgspec.Raw(b"")


class Entry(NamedTuple):
    """One line: kind and subject of its stream, time (nanoseconds, None if it has none), type, and its order's id.

    `outcome` says what the line makes of its order (3 filled, 2 canceled, 1 failed, 0 nothing yet); `group` is the
    correlation id or the like.
    """

    kind: str
    subject: str
    at: int | None
    type: str
    key: str | None
    outcome: int = 0
    group: str | None = None


_decoder = msgspec.json.Decoder(_Line)
_TIMES = ("ts_utc", "event_utc", "created_at_utc", "timestamp_utc", "ts", "created_at", "timestamp")
_MOST = 200


def decode(raw: bytes) -> _Line | str:
    """Return a line's fields, or why it has none."""
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError:
        return "not_an_object"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "not_json"


def read_entry(raw: bytes, place: Place) -> Entry | str:
    """Return what a line says, or why it is refused."""
    line = decode(raw)
    if isinstance(line, str):
        return line
    if place.kind in _OF_PLACE:
        return _OF_PLACE[place.kind](line, place)
    if isinstance(line.schema, str) and line.schema in _OF_SCHEMA:
        return _OF_SCHEMA[line.schema](line, place)
    if line.schema_version == "BETA_EXEC_V1":
        return _beta(line, place)
    if line.kind in TELEMETRY and isinstance(line.kind, str):
        return _telemetry(line, place)
    return PASSED_OVER


def _time(line: _Line) -> int | str | None:
    """Return the first time there is; `no_time` if there are some and none can be read."""
    if line.ts_utc is not None or (line.event_utc is line.created_at_utc is line.timestamp_utc is None):
        at = read_time(line.ts if line.ts_utc is None else line.ts_utc)
        if at is not None:
            return at
    stated = [value for value in (getattr(line, name) for name in _TIMES) if value is not None]
    for value in stated:
        at = read_time(value)
        if at is not None:
            return at
    return "no_time" if stated else None


def _text(value: object) -> str | None:
    return value[:_MOST] if isinstance(value, str) and value else None


def _entry(
    kind: str, subject: object, line: _Line, type_: object, keys: tuple[object, ...], outcomes: Mapping[str, int]
) -> Entry | str:
    if not is_id(subject):
        return "no_id"
    at = _time(line)
    if isinstance(at, str):
        return at
    name = _text(type_)
    if name is None:
        return "no_type"
    key = None
    for value in keys:
        if isinstance(value, str) and value:
            key = value[:_MOST]
            break
    return Entry(kind, subject, at, name, key, outcomes.get(name, 0), _text(line.correlation_id))  # type: ignore[arg-type]


def _execution(line: _Line, place: Place) -> Entry | str:
    keys = (line.order_id, line.idempotency_key, line.correlation_id)
    found = _entry("execution", line.run_id, line, line.event_type, keys, V0_OUTCOMES)
    if isinstance(found, Entry) and found.type == "failed" and _is_retried(line.payload):
        return found._replace(outcome=0)
    return found


def _is_retried(payload: bytes) -> bool:
    """Whether a failed attempt says of itself that it is not the last."""
    try:
        read = msgspec.json.decode(payload) if payload else None
    except msgspec.DecodeError:
        return False
    return isinstance(read, dict) and read.get("final") is False


def _beta(line: _Line, place: Place) -> Entry | str:
    return _entry("beta", line.run_id, line, line.event_type, (line.intent_id, line.client_order_id), BETA_OUTCOMES)


def _ops(line: _Line, place: Place) -> Entry | str:
    return _entry("ops", line.run_id, line, line.event_type, (line.order_id,), {})


def _telemetry(line: _Line, place: Place) -> Entry | str:
    return _entry("telemetry", line.session_id or place.subject, line, line.kind, (line.intent_id,), {})


def _ledger(line: _Line, place: Place) -> Entry | str:
    keys = (line.intent_id, line.client_order_id, line.order_id)
    return _entry("ledger", line.run_id or "na", line, line.stage, keys, LEDGER_OUTCOMES)


def _ai(line: _Line, place: Place) -> Entry | str:
    if line.v is not None:
        return _entry("ai", line.run_id or "na", line, line.decision, (), {})
    if line.schema_version == "BETA_EXEC_V1" or line.schema == "execution_event_v0":
        return _entry("ai", line.run_id or "na", line, line.event_type, (line.intent_id, line.order_id), {})
    return "unknown_schema"


def _alert(line: _Line, place: Place) -> Entry | str:
    at = _time(line)
    if not isinstance(at, int):
        return "no_time"
    return Entry("alert", _day(at), at, _text(line.severity) or "unknown", _text(line.session_id))


def _day(at: int) -> str:
    return str(at // 86_400_000_000_000)


def _run_alert(line: _Line, place: Place) -> Entry | str:
    return _entry("run_alert", place.subject, line, _text(line.severity) or "unknown", (), {})


def _trade(line: _Line, place: Place) -> Entry | str:
    return _entry("trade", place.subject, line, "trade", (line.order_id,), {})


_Reader = Callable[[_Line, Place], Entry | str]
_OF_PLACE: Mapping[str, _Reader] = {
    "ledger": _ledger,
    "ai": _ai,
    "alert": _alert,
    "run_alert": _run_alert,
    "trade": _trade,
}
_OF_SCHEMA: Mapping[str, _Reader] = {
    "execution_event_v0": _execution,
    "execution_ops_v1": _ops,
    "execution_watch_request_v1": lambda line, place: PASSED_OVER,
}
