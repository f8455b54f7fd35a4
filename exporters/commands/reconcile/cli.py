"""`peaktrade reconcile`: the ledger against a broker's export, once.

In: flags. Out: a report on standard output; exit code 0 no mismatch, 1 mismatches, 2 input that cannot be used.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from exporters.commands.reconcile.compare import Tolerances, Window, compare
from exporters.commands.reconcile.kraken import read_kraken
from exporters.commands.reconcile.ledger import read_ledger
from exporters.commands.reconcile.lines import InputError, lines_of, seconds_of
from exporters.commands.reconcile.mock_broker import read_mock_broker
from exporters.commands.reconcile.orders import Orders
from exporters.commands.reconcile.report import events_of, exit_code, object_of, text_of
from exporters.engine.clock import SystemClock

__all__ = ["reconcile"]

_PATH = click.Path(path_type=Path)


def _read_tolerance(ctx: click.Context, param: click.Parameter, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0:
        raise click.BadParameter(f"{text!r} is no tolerance; write a number from 0 on, like 0.0001.")
    return number


def _read_moment(ctx: click.Context, param: click.Parameter, text: str | None) -> float | None:
    found = None if text is None else seconds_of(text)
    if found == 0.0:
        raise click.BadParameter(f"{text!r} is no time; write it like 2026-01-25T01:09:48Z.")
    return found


def _tolerance(name: str, default: str, text: str) -> click.Option:
    return click.Option(
        [name], callback=_read_tolerance, default=default, show_default=True, metavar="NUMBER", help=text
    )


def _moment(name: str, text: str) -> click.Option:
    return click.Option([name], callback=_read_moment, metavar="ISO8601", help=text)


_OPTIONS = (
    click.Option(["--ledger", "ledgers"], type=_PATH, multiple=True, required=True, help="Ledger file; repeatable."),
    click.Option(["--broker"], type=_PATH, required=True, help="The broker's export: CSV or JSONL."),
    click.Option(
        ["--mode"],
        type=click.Choice(["live", "shadow", "all"]),
        help="Ledger lines to compare. Default: live against a CSV, all against JSONL.",
    ),
    _tolerance("--qty-tolerance", "1e-9", "How far filled quantities may differ."),
    _tolerance("--price-tolerance", "1e-6", "How far average prices may differ, relatively."),
    _tolerance("--fee-tolerance", "1e-4", "How far fees of one order may differ, in the fee's currency."),
    _moment("--since", "Leave out orders that began before."),
    _moment("--until", "Leave out orders last heard of after this."),
    click.Option(["--emit"], type=_PATH, metavar="FILE", help="Append the result to this event file."),
    click.Option(["--run-id"], default="reconcile", show_default=True, help="The run_id field of those events."),
    _moment("--at", "Time of those events. Default: now."),
    click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object instead of text."),
)


def _reconcile(
    ledgers: tuple[Path, ...],
    broker: Path,
    mode: str | None,
    qty_tolerance: Decimal,
    price_tolerance: Decimal,
    fee_tolerance: Decimal,
    since: float | None,
    until: float | None,
    emit: Path | None,
    run_id: str,
    at: float | None,
    as_json: bool,
) -> None:
    tolerances = Tolerances(qty_tolerance, price_tolerance, fee_tolerance)
    window = Window(*(given if given is not None else bound for given, bound in ((since, _FIRST), (until, _LAST))))
    try:
        theirs = _read_broker(broker)
        chosen = mode or ("all" if theirs.states_are_told else "live")
        own = read_ledger(ledgers, None if chosen == "all" else chosen)
        found = compare(own, theirs, tolerances, window)
        code = exit_code(own, theirs, found)
        if emit is not None:
            events = events_of(found, code, SystemClock().now() if at is None else at, run_id)
            _append(emit, "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in events))
    except InputError as error:
        click.echo(f"reconcile: {error}", err=True)
        raise SystemExit(2) from error
    if as_json:
        click.echo(json.dumps(object_of(own, theirs, found, tolerances), indent=2))
    else:
        click.echo("\n".join(text_of(own, theirs, found, tolerances)))
    raise SystemExit(code)


_FIRST, _LAST = Window().since, Window().until


def _read_broker(path: Path) -> Orders:
    """Return the broker's orders; what kind of file it is, its first character tells."""
    first = next((line.strip() for line, _, _ in lines_of(path) if line.strip()), b"")
    return read_mock_broker(path) if first.startswith(b"{") else read_kraken(path)


def _append(path: Path, text: str) -> None:
    """Append whole lines in one write, as an exporter may be reading."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            data = text.encode()
            while data:
                data = data[file.write(data) :]
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: cannot be written ({problem}); give --emit a path this user can write") from error


reconcile = click.Command(
    "reconcile",
    callback=_reconcile,
    params=list(_OPTIONS),
    help="""Compare own orders with the broker's, once; files are only read.

    The broker's file is Kraken's export of trades (CSV, with all columns) or the JSONL of the dry run's mock broker.
    Orders are matched by broker_order_id, else by client_order_id; filled quantity, average price and fees must agree
    within the tolerances, and states where the broker's file tells them. A ledger line `fill` is one fill, with its own
    qty, price and fee. Exit code: 0 no mismatch, 1 mismatches, 2 a file or a line cannot be used.

    \b
    peaktrade reconcile --ledger logs/shadow/ledger.jsonl --broker trades.csv
    peaktrade reconcile --ledger ledger.jsonl --broker out/finish_c/mock_broker.jsonl --json
    peaktrade reconcile --ledger ledger.jsonl --broker trades.csv --emit logs/execution/execution_events.jsonl
    """,
)
"""The command, ready to be mounted."""
