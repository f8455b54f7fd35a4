"""Every case: the events of tests/cases/<name>/ through the exporter <name>, compared with expected.prom as a whole."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.load import load_contract
from exporters import telemetry
from exporters.commands.contract.cases import read_case
from exporters.commands.contract.run_case import page_of_case
from exporters.engine.clock import SystemClock
from exporters.engine.exposition.render import render
from exporters.multiprocess.collector import Collector
from exporters.multiprocess.exposed import first_series, snapshot_of
from tests.documents import from_yaml
from tests.engine.support.reference_reading import dig
from tests.telemetry.sessions import SessionProcess, environment_of

ROOT = Path(__file__).parents[1]
CASES = sorted(path.parent for path in (ROOT / "tests/cases").glob("*/events.jsonl"))
NAMES = [case.name for case in CASES]
RECORDED = sorted(path.parent for path in (ROOT / "tests/cases").glob("*/calls.jsonl"))


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_exposition_is_the_expected_one_to_the_byte(case: Path, request: pytest.FixtureRequest) -> None:
    found, golden = page_of_case(read_case(case)), case / "expected.prom"
    if request.config.getoption("--update-golden", default=False):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def events_of(case: Path) -> Iterator[dict[str, Any]]:
    for line in (case / "events.jsonl").read_bytes().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_case_has_an_event_for_every_source_and_row(case: Path) -> None:
    document = from_yaml((ROOT / "contracts" / f"{case.name}.yaml").read_text(encoding="utf-8"))
    events, lacking = list(events_of(case)), []
    for name, source in document["sources"].items():
        plain = {path: wanted for path, wanted in source["match"].items() if not isinstance(wanted, dict)}
        own = [event for event in events if all(dig(event, path) == wanted for path, wanted in plain.items())]
        chosen = {str(dig(event, source["by"])).strip().lower() for event in own} if "by" in source else set()
        lacking += [] if own else [name]
        lacking += [f"{name}: {row}" for row in source.get("rows", {}) if row.lower() not in chosen]
    assert lacking == []


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_case_moves_every_metric_and_has_every_outcome(case: Path) -> None:
    text = (case / "expected.prom").read_text(encoding="utf-8")
    moved = set(re.findall(r"^(\w+?)(?:_count|_sum|_bucket)?(?:\{.*\})? (?!0\.0$)", text, flags=re.MULTILINE))
    contract = load_contract(ROOT / "contracts" / f"{case.name}.yaml")
    assert {metric.name for metric in contract.metrics} <= moved
    outcomes = dict(
        re.findall(r'^peak_trade_exporter_lines_total\{.*outcome="(\w+)"\} (.*)$', text, flags=re.MULTILINE)
    )
    assert {name for name, value in outcomes.items() if value == "0.0"} <= {
        "ignored",
        "too_long",
        "too_many_parts",
        "internal_error",
    }
    assert 'refused_values_total{exporter="' in text


def recorded_exposition(case: Path, folder: Path) -> str:
    """Return the page of the folder in which a session made the calls of a case, while it lives."""
    session = SessionProcess(environment_of(folder))
    for line in (case / "calls.jsonl").read_text().splitlines():
        session.call(*json.loads(line))
    contract = load_contract(ROOT / "contracts" / f"{case.name}.yaml")
    values = {**first_series(contract, {}), **Collector(contract, folder, SystemClock()).open().collect()}
    body, _ = render(snapshot_of(contract, values, 0.0), (), accept="", with_process=False)
    assert session.end() == ""
    return body.decode()


@pytest.mark.parametrize("case", RECORDED, ids=[case.name for case in RECORDED])
def test_what_a_session_tells_is_shown_to_the_byte(case: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    found, golden = recorded_exposition(case, tmp_path), case / "expected.prom"
    if request.config.getoption("--update-golden", default=False):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", RECORDED, ids=[case.name for case in RECORDED])
def test_the_calls_move_every_metric_and_meet_every_refusal(case: Path) -> None:
    text = (case / "expected.prom").read_text(encoding="utf-8")
    moved = set(re.findall(r"^(\w+)(?:\{.*\})? (?!0\.0$)", text, flags=re.MULTILINE))
    contract = load_contract(ROOT / "contracts" / f"{case.name}.yaml")
    assert {metric.name for metric in contract.metrics if metric.job != "always"} <= moved
    reasons = re.findall(r'refused_values_total\{.*reason="(\w+)"', text)
    assert set(reasons) == {"mistyped", "unknown_value", "out_of_range"}
    called = {json.loads(line)[0] for line in (case / "calls.jsonl").read_text().splitlines()}
    assert called == {name for name in telemetry.__all__ if name.startswith("record_")}


@pytest.mark.parametrize("case", [*CASES, *RECORDED], ids=lambda case: case.name)
def test_every_line_has_its_reason_in_the_readme(case: Path) -> None:
    (file,) = (path for name in ("events.jsonl", "calls.jsonl") if (path := case / name).exists())
    lines = file.read_bytes().count(b"\n")
    title, _, rest = (case / "README.md").read_text(encoding="utf-8").partition("\n\n")
    sentence, _, table = rest.partition("\n\n")
    assert title == f"# {case.name}"
    assert re.fullmatch(r"[A-Z][^.\n]+\.", sentence), sentence
    named: list[int] = []
    for first, last in re.findall(r"^\| (\d+)(?:-(\d+))? \| \S", table, flags=re.MULTILINE):
        named += range(int(first), int(last or first) + 1)
    assert named == list(range(1, lines + 1))
