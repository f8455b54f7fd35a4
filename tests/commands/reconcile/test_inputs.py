"""What the files may look like, and what is said of those that cannot be used."""

from __future__ import annotations

import doctest
import json
from decimal import Decimal
from pathlib import Path

import pytest

from exporters.commands.reconcile import lines
from exporters.commands.reconcile.kraken import read_kraken
from exporters.commands.reconcile.orders import Orders
from tests.commands.reconcile.conftest import make_day, run

QUOTED = (
    '"txid","ordertxid","pair","time","type","ordertype","price","cost","fee","vol","margin","misc","ledgers"\n'
    '"TAAAAA-BBBBB-CCCCC1","OAAAAA-BBBBB-CCCCC1","XXBTZEUR","2021-01-05 10:00:00.1234","buy","limit",'
    '25000.10000,2500.01000,6.50003,0.10000000,0.00000,"","LAAAAA-BBBBB-CCCCC1,LAAAAA-BBBBB-CCCCC2"\n'
    '"TAAAAA-BBBBB-CCCCC2","OAAAAA-BBBBB-CCCCC1","XXBTZEUR","2021-01-05 10:00:01.5","buy","limit",'
    '25000.20000,5000.04000,13.00010,0.20000000,0.00000,"","LAAAAA-BBBBB-CCCCC3,LAAAAA-BBBBB-CCCCC4"\n'
)
PLAIN = QUOTED.replace('"LAAAAA-BBBBB-CCCCC1,LAAAAA-BBBBB-CCCCC2"', "L1").replace(
    '"LAAAAA-BBBBB-CCCCC3,LAAAAA-BBBBB-CCCCC4"', "L2"
)
VARIANTS = {
    "as Kraken writes it": QUOTED,
    "every field in quotes": PLAIN.replace('"', "").replace(",", '","').replace("\n", '"\n"')[:-1].join(['"', ""]),
    "no field in quotes": PLAIN.replace('"', ""),
    "lines that end in CR LF": QUOTED.replace("\n", "\r\n"),
    "with a byte order mark": "\ufeff" + QUOTED,
    "without the last newline": QUOTED.rstrip("\n"),
    "blank lines at the end": QUOTED + "\n\n",
    "newer columns between the old ones": PLAIN.replace('"', "")
    .replace("pair,time", "pair,aclass,subclass,time")
    .replace("XXBTZEUR,2021", "BTC/EUR,forex,crypto,2021")
    .replace("ledgers\n", "ledgers,posttxid,posstatuscode,costusd\n")
    .replace(",L1\n", ",L1,,,\n")
    .replace(",L2\n", ",L2,,,\n"),
    "a quoted field over two lines": QUOTED.replace('"","LAAAAA-BBBBB-CCCCC1', '"a\nb","LAAAAA-BBBBB-CCCCC1'),
}


def kraken(text: str, folder: Path) -> Orders:
    path = folder / "trades.csv"
    path.write_text(text, newline="")
    return read_kraken(path)


@pytest.mark.parametrize("text", VARIANTS.values(), ids=VARIANTS)
def test_every_shape_of_krakens_export_gives_the_same_order(text: str, tmp_path: Path) -> None:
    orders = kraken(text, tmp_path)
    [order] = orders
    assert (orders.lines, orders.unusable, order.broker_order_id) == (2, [], "OAAAAA-BBBBB-CCCCC1")
    assert (str(order.filled), str(order.cost), str(order.fee)) == ("0.30000000", "7500.0500000000000", "19.50013")
    assert (order.first_at, order.last_at) == (1609840800.1234, 1609840801.5)


def test_a_row_has_the_place_of_its_first_line(tmp_path: Path) -> None:
    [order] = kraken(VARIANTS["a quoted field over two lines"], tmp_path)
    assert order.place == (f"{tmp_path}/trades.csv", 2, len(QUOTED.splitlines(keepends=True)[0]))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("0.20000000", "0,2", "price, fee or vol is no number"),
        ('"TAAAAA-BBBBB-CCCCC2"', '""', "no txid or no ordertxid"),
        ('"TAAAAA-BBBBB-CCCCC2"', '"TAAAAA-BBBBB-CCCCC1"', "a trade of this txid came before, with other values"),
    ],
)
def test_a_row_that_cannot_be_used_is_said_with_its_place(old: str, new: str, problem: str, tmp_path: Path) -> None:
    new = f'"{new}"' if old == "0.20000000" else new
    [one] = kraken(QUOTED.replace(old, new), tmp_path).unusable
    offset = len("".join(QUOTED.splitlines(keepends=True)[:2]))
    assert (one.place, one.problem) == ((f"{tmp_path}/trades.csv", 3, offset), problem)


def test_a_row_that_is_cut_off_is_said(tmp_path: Path) -> None:
    [one] = kraken(VARIANTS["no field in quotes"].replace(",13.00010,0.20000000,0.00000,,L2", ""), tmp_path).unusable
    assert one.problem == "8 fields, expected 13"


LEDGERS = '"txid","refid","time","type","subtype","aclass","asset","amount","fee","balance"\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty; export the trades again, with all columns"),
        (
            LEDGERS.encode(),
            "no export of trades: it lacks ordertxid, price, vol"
            " (got 'txid, refid, time, type, subtype, aclass, asset, amount, fee, balance');"
            " on Kraken, export Trades (not Ledgers) with all columns",
        ),
        (b'"txid"x\n', "not CSV (',' expected after '\"'); export it again"),
        (b"txid,\xff\n", "not UTF-8; export it again"),
    ],
    ids=["empty", "ledgers", "not-csv", "not-utf8"],
)
def test_a_broker_file_that_is_none_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    arguments = make_day(1).write(tmp_path, "csv")
    Path(arguments[3]).write_bytes(content)
    result = run(*arguments)
    where = arguments[3] if not content else f"{arguments[3]}:1"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"reconcile: {where}: {message}\n")


@pytest.mark.parametrize("place", [1, 3])
def test_a_file_that_is_not_there_is_refused(place: int, tmp_path: Path) -> None:
    arguments = make_day(1).write(tmp_path, "csv")
    arguments[place] = str(tmp_path / "nowhere")
    result = run(*arguments)
    problem = "cannot be read (no such file or directory); give the path of a readable file"
    assert (result.exit_code, result.stderr) == (2, f"reconcile: {tmp_path}/nowhere: {problem}\n")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{half", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"stage":"\xff"}', "not UTF-8"),
        (b'{"stage":"fill","client_order_id":"co-0","qty":"much","price":1}', "qty: of a wrong type"),
        (b'{"stage":"fill","client_order_id":7,"qty":1,"price":1}', "client_order_id: of a wrong type"),
        (b'{"stage":"fill","client_order_id":"co-0","qty":1}', "a fill without qty and price"),
        (b'{"stage":"ack","qty":1}', "neither client_order_id nor broker_order_id"),
    ],
)
def test_a_ledger_line_that_cannot_be_used_leaves_the_answer_unknown(line: bytes, problem: str, tmp_path: Path) -> None:
    arguments = make_day(1).write(tmp_path, "jsonl")
    ledger = Path(arguments[1])
    before = ledger.read_bytes()
    ledger.write_bytes(before + line + b"\n")
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout.splitlines()[:2] == [
        "ledger: 5 lines, 0 of something else, 1 unusable",
        f"  {ledger}:5@{len(before)}: {problem}",
    ]
    assert result.stdout.splitlines()[-1] == "result: unknown, as lines could not be used"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"schema": "x"}, "no line of mock_broker_v1"),
        ({"broker_signal": "asleep"}, "an unknown broker_signal (expected rate_limit, timeout, transient)"),
        ({"status": "open"}, "neither broker_order_id nor client_order_id"),
        ({"broker_order_id": "O-9"}, "an unknown status (expected open, cancelled, filled, rejected)"),
        ({"broker_order_id": "O-9", "status": "open", "qty": "much", "fee": []}, "qty, fee: no number"),
    ],
)
def test_a_line_of_the_mock_broker_that_cannot_be_used_leaves_the_answer_unknown(
    line: dict[str, object], problem: str, tmp_path: Path
) -> None:
    day = make_day(1)
    day.listed.append({"schema": "mock_broker_v1", **line})
    report = json.loads(run(*day.write(tmp_path, "jsonl"), "--json").stdout)
    assert [one["problem"] for one in report["broker"]["unusable"]] == [problem]
    assert report["result"] == "unknown"


def test_what_is_no_order_and_what_is_not_finished_is_left_out_and_counted(tmp_path: Path) -> None:
    arguments = make_day(1).write(tmp_path, "jsonl")
    with Path(arguments[1]).open("ab") as ledger:
        ledger.write(
            b'{"stage":"signal"}\n{"state":"running"}\n{"stage":"error","feed":"ohlcv"}\n\n{"stage":"fill","cl'
        )
    result = run(*arguments)
    first = "ledger: 8 lines, 3 of something else, 0 unusable, the last one unfinished"
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, first)


def test_a_mock_broker_that_tells_an_order_twice_means_the_newer(tmp_path: Path) -> None:
    day = make_day(1)
    day.listed.append({**day.listed_as(0), "ts": "2026-01-25T00:00:00Z", "status": "open", "filled_qty": "0"})
    assert run(*day.write(tmp_path, "jsonl")).exit_code == 0


@pytest.mark.parametrize("text", [Decimal("NaN"), Decimal("Infinity"), "nan", "inf", None, [], True])
def test_what_is_no_time_is_no_time(text: object) -> None:
    assert lines.seconds_of(text) == 0.0


def test_the_example_of_a_time_is_true() -> None:
    assert doctest.testmod(lines).failed == 0


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("--fee-tolerance", "nan", "'nan' is no tolerance; write a number from 0 on, like 0.0001."),
        ("--qty-tolerance", "-1", "'-1' is no tolerance; write a number from 0 on, like 0.0001."),
        ("--since", "yesterday", "'yesterday' is no time; write it like 2026-01-25T01:09:48Z."),
    ],
)
def test_a_flag_that_cannot_be_used_is_a_usage_error(flag: str, value: str, message: str, tmp_path: Path) -> None:
    result = run(*make_day(1).write(tmp_path, "csv"), flag, value)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"Error: Invalid value for '{flag}': {message}\n")
