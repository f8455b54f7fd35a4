"""A run's steps: lines of `events.jsonl` or `events.csv` in, rows of plain numbers out.

The columns are those the runs write; a number that is none (NaN, an empty column, a text) is None, never the text
"nan". A row is refused only if it is no row at all: no JSON object, or not as many columns as the header has.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from console.times import read_time

__all__ = ["Step", "cells_of", "read_csv_row", "read_json_row", "read_json_rows", "step_of"]


class Step(Struct, gc=False):
    """One step of a run as its file has it; numbers and texts are None where it says nothing that is one."""

    step: float | None = None
    ts_bar: str | None = None
    ts_event: str | None = None
    price: float | None = None
    close: float | None = None
    position_size: float | None = None
    cash: float | None = None
    equity: float | None = None
    realized_pnl: float | None = None
    pnl: float | None = None
    unrealized_pnl: float | None = None
    signal: float | None = None
    signal_changed: bool | None = None
    orders_generated: int | None = None
    orders_filled: int | None = None
    orders_rejected: int | None = None
    orders_blocked: int | None = None
    risk_allowed: bool | None = None
    risk_reasons: str | None = None

    @property
    def at(self) -> int | None:
        """When it happened (nanoseconds), or else the time of its bar."""
        at = read_time(self.ts_event)
        return read_time(self.ts_bar) if at is None else at

    @property
    def realized(self) -> float | None:
        """The realised profit, whatever the file calls it."""
        return self.pnl if self.realized_pnl is None else self.realized_pnl

    @property
    def orders(self) -> int:
        """The orders of the step: those filled, or else those generated."""
        return self.orders_filled or self.orders_generated or 0

    @property
    def level(self) -> str:
        """How grave the step is: an order rejected, one blocked, or nothing."""
        if self.orders_rejected:
            return "error"
        return "warning" if self.risk_allowed is False or self.orders_blocked else "info"


_decoder = msgspec.json.Decoder(Step)
_TEXTS = frozenset({"ts_bar", "ts_event"})
_COUNTS = frozenset({"orders_generated", "orders_filled", "orders_rejected", "orders_blocked"})
_TRUTHS = frozenset({"signal_changed", "risk_allowed"})
_NO = frozenset({"false", "0", "no", "0.0"})
_YES = frozenset({"true", "1", "yes", "1.0"})
_NOTHING = frozenset({"", "nan", "nat", "none", "null", "[]"})
_MOST = 1 << 53


def read_json_rows(raws: Sequence[bytes]) -> list[Step] | None:
    """Return the steps of JSON lines that are all as they should be; None if one is not."""
    try:
        return [*map(_decoder.decode, raws)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def read_json_row(raw: bytes) -> Step | str:
    """Return the step of a JSON line, or why there is none."""
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_loosely(raw)


def _read_loosely(raw: bytes) -> Step | str:
    """Read a row whose values are of other kinds; Python's own NaN, which JSON has not, is a number that is none."""
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return "not_json"
    return step_of(row) if isinstance(row, dict) else "not_an_object"


def cells_of(raw: bytes) -> list[str] | None:
    """Return the cells of a CSV line, or None if it is none."""
    try:
        return next(csv.reader([raw.decode().rstrip("\r\n")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return None


def read_csv_row(raw: bytes, header: Sequence[str]) -> dict[str, str] | str:
    """Return the named cells of a CSV line, or why there are none."""
    cells = cells_of(raw)
    if cells is None:
        return "not_csv"
    return dict(zip(header, cells, strict=True)) if len(cells) == len(header) else "other_columns"


def step_of(row: Mapping[str, Any]) -> Step:
    """Return the step of a row whose values may be of any kind."""
    return Step(**{name: _read(name, row[name]) for name in Step.__struct_fields__ if name in row})


def _read(name: str, value: object) -> Any:
    if name == "risk_reasons":
        return _reasons(value)
    if name in _TEXTS:
        return value if isinstance(value, str) else None
    if name in _TRUTHS:
        return _truth(value)
    number = _number(value)
    if name not in _COUNTS:
        return number
    return int(number) if number is not None and 0 <= number < _MOST else None


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _truth(value: object) -> bool | None:
    text = str(value).strip().lower()
    return True if text in _YES else False if text in _NO else None


def _reasons(value: object) -> str | None:
    """Return why risk said no, as one text; lists are joined, and what means nothing is nothing."""
    texts = [one.strip() for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    return ", ".join(text for text in texts if text.lower() not in _NOTHING) or None
