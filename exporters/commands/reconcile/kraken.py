"""Reads the broker's side from Kraken's export of trades (CSV), one fill a row, into orders.

In: the file. Out: `Orders`. Columns are found by name, whatever their order and whatever others there are; fields may
be quoted or not. A trade has no state of its order: how far an order came is known by what was filled.
Source: exports of 2017 to 2026; txid and ordertxid, time in UTC with four decimals, price, cost, fee, vol.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from decimal import localcontext
from pathlib import Path

from exporters.commands.reconcile.lines import InputError, decimal_of, lines_of, seconds_of
from exporters.commands.reconcile.orders import CONTEXT, STAGES, ZERO, Orders, Place, Unusable

__all__ = ["read_kraken"]

_NEEDED = ("txid", "ordertxid", "time", "price", "fee", "vol")
_FILL = STAGES.index("fill")


class _Rows:
    """The rows of a CSV file and the place of each: a quoted field may go over several lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = lines_of(path)
        self._next = (1, 0)
        self.place = Place(str(path), 1, 0)

    def __iter__(self) -> Iterator[list[str]]:
        reader = csv.reader(self._texts(), strict=True)
        while True:
            self.place = Place(str(self._path), *self._next)
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise InputError(f"{self._path}:{self.place.line}: not CSV ({error}); export it again") from error
            yield row

    def _texts(self) -> Iterator[str]:
        for line, number, offset in self._lines:
            self._next = (number + 1, offset + len(line))
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"{self._path}:{number}: not UTF-8; export it again") from error


def read_kraken(path: Path) -> Orders:
    """Return the orders behind the trades of an export.

    Raises:
        InputError: if the file cannot be read, or is no export of trades.
    """
    orders, trades = Orders(), dict[str, int]()
    orders.states_are_told = False
    rows = _Rows(path)
    columns: Mapping[str, int] = {}
    with localcontext(CONTEXT):
        for row in rows:
            if not columns:
                columns = _columns(path, row)
                continue
            if not any(row):
                continue
            orders.lines += 1
            problem = _take(row, columns, rows.place, orders, trades)
            orders.unusable += [Unusable(rows.place, problem)] if problem else []
    if not columns:
        raise InputError(f"{path}: empty; export the trades again, with all columns")
    return orders


def _columns(path: Path, header: list[str]) -> Mapping[str, int]:
    columns = {name.strip().lower(): place for place, name in enumerate(header)}
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        found = ", ".join(columns)[:80]
        raise InputError(
            f"{path}:1: no export of trades: it lacks {', '.join(missing)} (got {found!r});"
            " on Kraken, export Trades (not Ledgers) with all columns"
        )
    return columns


def _take(row: list[str], columns: Mapping[str, int], place: Place, orders: Orders, trades: dict[str, int]) -> str:
    """Bring one trade to account; return what is wrong with its row, if anything is."""
    if len(row) <= max(columns[name] for name in _NEEDED):
        return f"{len(row)} fields, expected {len(columns)}"
    txid, ordertxid, time, *texts = (row[columns[name]].strip() for name in _NEEDED)
    if not txid or not ordertxid:
        return "no txid or no ordertxid"
    numbers = [decimal_of(text) for text in texts]
    price, fee, vol = (number if number is not None else ZERO for number in numbers)
    if None in numbers:
        return "price, fee or vol is no number"
    told = hash((ordertxid, *texts))
    if txid in trades:
        orders.left_out += 1  # exports that overlap hold a trade twice
        return "" if trades[txid] == told else "a trade of this txid came before, with other values"
    trades[txid] = told
    order = orders.order_of("", ordertxid)
    order.see(_FILL, seconds_of(time), place)
    order.add_fill(vol, price, fee)
    return ""
