"""`peaktrade contract new`: what it guesses of events, that the result is in order, and that it counts every event."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contracts.load import load_contract
from exporters.commands.contract.cases import Case
from exporters.commands.contract.cli import contract
from exporters.commands.contract.run_case import page_of_case

pytestmark = pytest.mark.thorough

START = datetime(2025, 1, 25, 1, 9, 48, tzinfo=UTC)
Json = dict[str, Any]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(contract, list(map(str, arguments)), prog_name="contract")


def at(number: int) -> str:
    return (START + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")


FORMATS: dict[str, Callable[[int, random.Random], Json]] = {
    "pino": lambda n, r: {
        "level": r.choice([30, 40, 50]),
        "time": 1737767388000 + n,
        "pid": 4242,
        "hostname": "web-1",
        "reqId": f"req-{n}",
        "req": {"method": r.choice(["GET", "POST"]), "url": f"/item/{n}"},
        "responseTime": r.randint(1, 900),
        "msg": "request completed",
    },
    "quoted": lambda n, r: {
        "time_iso8601": at(n).replace("Z", "+00:00"),
        "status": r.choice(["200", "404"]),
        "request_time": f"{r.random():.3f}",
        "body_bytes_sent": str(r.randint(0, 9000)),
        "upstream_response_time": "-",
    },
    "dotted keys": lambda n, r: {
        "@timestamp": at(n),
        "log.level": r.choice(["info", "warn"]),
        "http.response.status_code": 200,
        "labels": {"app.kubernetes.io/name": "api"},
        "a key": "x",
        "ünï": 1.5,
    },
    "lists": lambda n, r: {
        "type": "cycle",
        "fills": [{"qty": 1.5, "side": "buy"}] * r.randint(0, 3),
        "tags": ["a", "b"],
        "nested": {"deep": {"deeper": [[1]]}},
    },
    "changing": lambda n, r: {
        "value": r.choice([1, "1", "one", True, None, [1], {"a": 1}]),
        "amount": r.choice([1.5, "2.5", None, "n/a"]),
        "flag": r.choice([True, False, "yes", None]),
    },
    "sparse": lambda n, r: {"kind": "tick"} | ({"error": "timeout"} if n % 7 == 0 else {}),
    "empty": lambda n, r: {},
    "ids": lambda n, r: {
        "order_id": f"o{n}",
        "user": "anna",
        "token": "x" * 40,
        "hash": f"{r.getrandbits(256):064x}",
        "trace_id": f"{r.getrandbits(128):032x}",
    },
    "reserved words": lambda n, r: {
        "source": "a",
        "events": "b",
        "le": "c",
        "job": "d",
        "instance": "e",
        "quantile": "f",
        "reason": "none",
        "all": "all",
        "other": "other",
        "null": "null",
        "Reason": "yes",
        "count": 3,
        "x_info": 4,
        "total": 5,
    },
    "blanks": lambda n, r: {  # as a web server writes what was no request
        "method": "GET" if n % 9 else "",
        "agent": "curl" if n % 5 else " ",
        "upstream_time": f"{r.random():.3f}" if n % 3 else "",
        "wait_ms": r.choice(["-", "12", "7.5"]),
        "time": f"25/Jan/2025:01:{n % 60:02}:48 +0100",
    },
    "logging": lambda n, r: {"asctime": f"2025-01-25 01:09:48,{n:03}", "levelname": "INFO", "message": f"line {n}"},
    "texts": lambda n, r: {
        "message": f"worker {r.randint(0, 999)} did something at {n}",
        "route": f"/r/{n % 30}",
        "quote": 'say "hi": #1',
        "level": " INFO " if n % 2 else "info",
        "pnl": r.uniform(-5, 5),
        "many": {f"k{r.randint(0, 500)}": 1},
    },
}

EMITTED = {
    f"{name} {form}": import_module(f"emitters.{name}").events(START, 60, interval=timedelta(seconds=1), **options)
    for name, form, options in (
        ("ai_live", "sample", {}),
        ("ai_live", "mixed", {"event_format": "mixed"}),
        ("shadow_mvs", "ledger", {}),
        ("execution_watch", "all", {}),
    )
    if find_spec(f"emitters.{name}")  # without one exporter the others' are tried
}


def lines_of(name: str) -> list[str]:
    if name in EMITTED:
        return [json.dumps(event) for event in EMITTED[name]]
    draw = random.Random(name)
    return [json.dumps(FORMATS[name](number, draw)) for number in range(60)]


@pytest.mark.parametrize("name", [*FORMATS, *EMITTED])
def test_the_result_is_accepted_moves_every_metric_and_counts_every_event(name: str, tmp_path: Path) -> None:
    events, out = tmp_path / "my.jsonl", tmp_path / "my.yaml"
    events.write_text("\n".join(lines_of(name)) + "\n")
    made = run("new", events, "--out", out)
    assert (made.exit_code, made.output) == (0, f"wrote {out}; next: peaktrade contract check {out} --on {events}\n")
    checked = run("check", out, "--on", events)
    assert checked.exit_code == 0, checked.output + out.read_text()
    page = page_of_case(Case(tmp_path, out, (str(events),)))
    total = sum(float(value) for value in re.findall(r"^my_events_total(?:\{.*\})? (\S+)$", page, re.MULTILINE))
    assert total == 60
    assert 'lines_total{exporter="my",outcome="applied"} 60.0' in page


def test_every_guess_has_its_evidence(tmp_path: Path) -> None:
    events = tmp_path / "shop.jsonl"
    lines = [
        {"at": at(n), "kind": "sale" if n % 3 else "refund", "took_ms": 10 * n, "size_kb": 2, "order_id": n, "ok": True}
        | ({"region": "eu"} if n % 2 else {})
        for n in range(1, 13)
    ]
    events.write_text("\n".join(map(json.dumps, lines)))
    result = run("new", events)
    assert (result.exit_code, result.output) == (
        0,
        f"""\
# A first contract, guessed from 12 events in 12 lines. Read every guess, then try it:
#   peaktrade contract check shop.yaml --on {events}
exporter:
  name: shop
  help: "Events of shop."
  port: 9200  # any that is free
  job: shop
files: {{default: "{events}"}}

vocabulary:
  # at: in 12 of 12 events; like "2025-01-25T01:09:49Z"
  at: {{type: time}}
  # kind: in 12 of 12 events; "sale" 8, "refund" 4
  kind: {{values: [sale, refund], otherwise: other}}
  # took_ms: in 12 of 12 events; from 10 to 120, so seconds
  took_ms: {{type: number, unit: seconds, min: 0}}
  # size_kb: in 12 of 12 events; from 2 to 2, so bytes
  size_kb: {{type: number, unit: bytes, min: 0}}
  # ok: in 12 of 12 events; true 12
  ok: {{values: [true, false], otherwise: other}}
  # region: in 6 of 12 events; "eu" 6
  region: {{values: [eu, none], otherwise: other, default: none}}
  # left out: order_id, in 12 of 12 events; an id, an account or a secret can never be a label

sources:
  shop:
    match: {{}}  # every object; say what tells these events from others, e.g. {{type: request}}
    read:
      at: at
      kind: kind
      took_ms: {{path: took_ms, scale: 0.001}}
      size_kb: {{path: size_kb, scale: 1000}}
      ok: ok
      region: region

metrics:
  shop_events_total:
    {{type: counter, counts: events, labels: [kind, ok, region], help: "Events, each once.", budget: 48}}
  shop_last_event_timestamp_seconds:
    {{type: gauge, sets: at, help: "Time of the newest event, by at.", budget: 1}}
  shop_took_seconds:
    {{type: histogram, observes: took_ms, help: "Values of took_ms.", budget: 1,
     buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25]}}  # around 98 percent of the values
  shop_size_bytes:
    {{type: histogram, observes: size_kb, help: "Values of size_kb.", budget: 1,
     buckets: [1000, 2500]}}  # around 98 percent of the values
  shop_refused_lines_total:
    {{type: counter, help: Lines that could not be used., labels: [reason], budget: 3,
     rejections: {{bad_json: bad_json, invalid_utf8: bad_json, not_object: not_object, too_long: too_long}}}}
""",
    )


@pytest.mark.parametrize(
    ("file", "arguments", "name"),
    [
        ("my-app.log.jsonl", (), "my_app"),
        ("7up.jsonl", (), "x7up"),
        ("engine.jsonl", (), "my"),
        ("a.jsonl", ("--name", "shop"), "shop"),
    ],
)
def test_the_contract_is_named_after_its_events(
    file: str, arguments: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    (tmp_path / file).write_text('{"a": "b"}\n')
    result = run("new", tmp_path / file, *arguments)
    assert f"\n  name: {name}\n" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["{folder}/no.jsonl"], "{folder}/no.jsonl: no such file; give the path of events, or - for standard input"),
        (["{folder}/none.jsonl"], "{folder}/none.jsonl: holds no event in 2 lines; events are JSON objects, "),
        (["{folder}/my.jsonl", "--out", "{folder}/my.jsonl"], "{folder}/my.jsonl: is there already; give --out a path"),
        (["{folder}/my.jsonl", "--out", "{folder}/x.yaml", "--name", "y"], "--name y is not the name of {folder}/x."),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_exit_code_2(arguments: list[str], problem: str, tmp_path: Path) -> None:
    (tmp_path / "my.jsonl").write_text('{"a": "b"}\n')
    (tmp_path / "none.jsonl").write_text("[1]\nno json\n")
    result = run("new", *[one.replace("{folder}", str(tmp_path)) for one in arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem.replace("{folder}", str(tmp_path)) in result.stderr


def test_an_object_whose_keys_come_and_go_is_not_taken_for_fields(tmp_path: Path) -> None:
    lines = [{"prices": {f"S{(n * k) % 97}": 1.5 for k in range(1, 9)}} for n in range(40)]
    (tmp_path / "my.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (left_out,) = [line for line in run("new", tmp_path / "my.jsonl").stdout.splitlines() if "prices" in line]
    assert re.fullmatch(
        r"  # left out: prices, in 40 of 40 events; \d+ keys and more that come and go; "
        r'read as parts: of: "prices\{\}"',
        left_out,
    )


def test_only_so_many_lines_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "my.jsonl").write_text('{"a": "b"}\n' * 5)
    assert run("new", tmp_path / "my.jsonl", "--lines", 3).stdout.startswith(
        "# A first contract, guessed from 3 events in 3 lines."
    )


def test_no_id_and_no_secret_gets_into_a_contract(tmp_path: Path) -> None:
    lines = [
        {"order_id": f"order-{n}-abcdef", "api_key": "SECRETSECRET1", "hash": f"{n:032x}", "Authorization": "Bearer x"}
        for n in range(3)
    ]  # fmt: skip
    (tmp_path / "my.jsonl").write_text("\n".join(map(json.dumps, lines)))
    text = run("new", tmp_path / "my.jsonl").stdout
    assert [word for word in ("abcdef", "SECRET", "0" * 16) if word in text] == []
    (tmp_path / "my.yaml").write_text(text)
    assert set(load_contract(tmp_path / "my.yaml").words) == {"kind"}, "which stands for nothing"
