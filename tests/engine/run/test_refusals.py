"""Refused lines are said: where the first is and what was wrong, once a minute per reason, and never more than that."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

from contracts.model import Contract
from exporters.engine.log import RateLimitedLog
from exporters.engine.pipeline import Pipeline
from exporters.engine.refusals.explain import explain
from exporters.engine.refusals.refusals import Refusals
from exporters.engine.values import Batch, Failure, Refusal
from tests.conftest import FakeClock
from tests.engine.support.commits import Plant
from tests.engine.support.harness import NOW, Event, contract_of, line_of

TEXT = """
vocabulary:
  kind: {values: [sold, lost]}
  till: {allow: a-z, max_length: 8, max_values: 2}
sources:
  shop:
    match: {v: 1}
    expect: {env: [live, test, dev, lab]}
    read: {kind: {path: data.kind, required: true}, till: till}
    require_any: [till]
  desk: {match: {v: 2, error: {present: true}}, by: type, rows: {sale: {kind: sold}}}
  safe: {match: {v: 3, api_key: abc}}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind], help: Kinds., budget: 2}
  tills_total: {type: counter, counts: till, labels: [till], help: Tills., budget: 3}
"""
GOOD: Event = {"v": 1, "env": "live", "data": {"kind": "sold"}, "till": "a"}


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """Return an engine over a file that is not there yet."""
    plant = Plant(tmp_path, TEXT)
    yield plant
    plant.stop()


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return contract_of(tmp_path_factory.mktemp("refusals"), TEXT)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    caplog.clear()
    return found


def offset_of(lines: list[Event], number: int) -> int:
    return sum(len(line_of(line)) for line in lines[:number])


LINES: list[Event] = [GOOD, "", "not json", GOOD, "[1]", {"v": 9}, b"\xff", "not json either", {"v": 1, "env": "live"}]
SAID = [
    (2, "bad_json", 2, "JSON is malformed: invalid character (byte 1)"),
    (4, "not_object", 1, "the line is a list"),
    (5, "unknown_schema", 1, "no source matches; of the nearest, shop, v is a number, wanted 1"),
    (6, "invalid_utf8", 1, "byte 0 of the line is not UTF-8"),
    (8, "missing_fields", 1, "source shop requires kind: data.kind is absent"),
]


def sentences(path: Path, before: int = 0) -> set[str]:
    found = set()
    for place, reason, number, why in SAID:
        first = "1 line refused as {}, at" if number == 1 else f"{number} lines refused as {{}}, the first at"
        found.add(f"{first.format(reason)} {path}@{before + offset_of(LINES, place)}: {why}")
    return found


def test_every_reason_is_said_with_the_place_of_its_first_line_and_what_was_wrong(
    plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    plant.write(*LINES)
    plant.begin()
    plant.step()
    assert set(warnings(caplog)) == sentences(plant.events)
    assert set(plant.engine.ledger.refusals.summary()) == sentences(plant.events)


def test_a_reason_is_said_again_after_a_minute_and_not_looked_for_before(
    plant: Plant, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[set[str]] = []
    refused = Pipeline.refused

    def counted(self: Pipeline, batch: object, now: float, wanted: set[str]) -> object:
        looks.append(wanted)
        return refused(self, batch, now, wanted)  # type: ignore[arg-type]

    monkeypatch.setattr(Pipeline, "refused", counted)
    plant.write("no", GOOD)
    plant.begin()
    plant.step()
    assert len(warnings(caplog)) == len(looks) == 1
    for _ in range(3):
        plant.write(GOOD, "no", "no")
        plant.step(15)
    assert (warnings(caplog), len(looks)) == ([], 1)
    at = plant.events.stat().st_size + len(line_of(GOOD))
    plant.write(GOOD, "no", "no")
    plant.step(30)
    (message,) = warnings(caplog)
    assert message.startswith(f"2 lines refused as bad_json, the first at {plant.events}@{at}: ")
    assert looks == [{"bad_json"}] * 2


def test_batches_without_refusals_are_not_looked_at(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pipeline, "refused", lambda *_: pytest.fail("looked at"))
    plant.write(GOOD, "", {"v": 3, "api_key": "abc"})
    plant.begin()
    plant.step()
    assert plant.shown()["peak_trade_exporter_lines_total", "sample", "applied"][0] == 1


def test_a_line_that_is_too_long_is_said_with_where_it_begins(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    plant.write(GOOD, {"v": 1, "text": "x" * (1 << 20)}, GOOD)
    plant.begin()
    plant.step()
    (message,) = warnings(caplog)
    begin = plant.events.read_bytes().index(b"\n") + 1
    assert message == f"1 line refused as too_long, at {plant.events}@{begin}: longer than 1048576 bytes"


def test_looking_for_a_refused_line_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Names that stand before a refused line take their places in the order of the events all the same."""
    lines: list[Event] = [{**GOOD, "till": name} for name in ("b", "a", "c")]  # type: ignore[dict-item]
    shown = []
    for name, more in (("plain", []), ("refused", ["no"])):
        (tmp_path / name).mkdir()
        plant = Plant(tmp_path / name, TEXT)
        plant.write(*lines, *more)
        plant.begin()
        plant.step()
        shown.append({key: value for key, value in plant.shown().items() if key[0] == "tills_total"})
        plant.stop()
    assert shown[0] == shown[1] == {("tills_total", name): (1, ()) for name in ("b", "a", "other")}
    assert len(warnings(caplog)) == 1


def test_the_last_refusal_of_each_reason_outlives_a_restart(plant: Plant) -> None:
    plant.write("no", {"v": 9}, GOOD)
    plant.begin()
    plant.step()
    before = plant.engine.ledger.refusals.last
    plant.stop()
    assert plant.begin().ledger.refusals.last == before
    assert before["bad_json"] == Refusal("bad_json", str(plant.events), 0, NOW + 0.2, before["bad_json"].why)
    assert plant.engine.ledger.refusals.numbers == {}


@pytest.mark.parametrize(
    ("reason", "event", "why"),
    [
        ("unknown_schema", {"v": 2}, "no source matches; of the nearest, desk, error is absent, wanted something"),
        (
            "unknown_schema",
            {"v": 3, "api_key": "hidden"},
            'no source matches; of the nearest, safe, api_key is a text of 6 characters, wanted "abc"',
        ),
        (
            "unknown_schema",
            {"v": 1, "env": "prod"},
            'source shop expects more: env is a text of 4 characters, wanted "live" or "test" or "dev" or others',
        ),
        (
            "unknown_schema",
            {"v": 1, "env": [1]},
            'source shop expects more: env is a list, wanted "live" or "test" or "dev" or others',
        ),
        (
            "unknown_schema",
            {"v": 2, "error": 1, "type": "buy"},
            "source desk: type is a text of 3 characters, which has no row",
        ),
        ("unknown_schema", {"v": True}, "no source matches; of the nearest, shop, v is true, wanted 1"),
        (
            "unknown_schema",
            {"v": "a\n" * 99},
            "no source matches; of the nearest, shop, v is a text of 198 characters, wanted 1",
        ),
        ("missing_fields", {"v": 2, "error": 1}, "source desk: type is absent"),
        (
            "missing_fields",
            {"v": 1, "env": "live", "data": {"kind": "given"}},
            "source shop requires kind: data.kind is a text of 5 characters",
        ),
        ("missing_fields", {"v": 1, "env": "live", "data": {"kind": "sold"}}, "source shop requires one of till"),
        ("not_object", 5, "the line is a single value"),
        ("internal_error", {"v": 1}, ""),
    ],
    ids=str,
)
def test_what_was_wrong_is_told_by_the_field_or_condition_that_failed(
    spec: Contract, reason: str, event: Event, why: str
) -> None:
    assert explain(spec, reason, line_of(event)) == why


def test_nothing_of_a_payload_is_shown(spec: Contract) -> None:
    secret = "s3cret" * 10
    for reason in ("unknown_schema", "missing_fields", "not_object", "bad_json", "invalid_utf8"):
        for event in (
            {"v": 9, "note": secret},
            {"v": 1, "env": "live", "note": secret},
            f'{{"note": "{secret}", ',
            secret,
        ):
            found = explain(spec, reason, line_of(event))
            assert secret[:6] not in found and len(found) < 160


def test_where_nothing_is_said_before_the_end_only_the_first_of_each_reason_is_looked_for(spec: Contract) -> None:
    """To look for a line is slow: a batch is gone through line by line."""
    refusals = Refusals(spec, RateLimitedLog(FakeClock().monotonic))
    refusals.is_silent = True
    asked: list[set[str]] = []

    def find(wanted: Set[str]) -> Iterator[tuple[str, int, bytes]]:
        asked.append(set(wanted))
        return iter([("bad_json", 5, b"not json\n")])

    for _ in range(3):
        refusals.look(Batch("e.jsonl", 0, 9, b""), Counter(bad_json=2), (), find, NOW)
    assert asked == [{"bad_json"}]
    assert [line.partition(",")[0] for line in refusals.summary()] == ["6 lines refused as bad_json"]


def test_of_refusals_a_commit_writes_those_that_are_new(spec: Contract) -> None:
    refusals = Refusals(spec, RateLimitedLog(FakeClock().monotonic))
    line = b"no\n"
    refusals.look(Batch("e.jsonl", 0, 9, b""), Counter(bad_json=1), (), lambda _: [("bad_json", 5, line)], NOW)
    (found,) = refusals.changes(everything=False)
    assert (found.reason, found.offset) == ("bad_json", 5)  # type: ignore[union-attr]
    assert list(refusals.changes(everything=False)) == [found], "until it has been written"
    refusals.committed()
    assert list(refusals.changes(everything=False)) == []
    assert list(refusals.changes(everything=True)) == [found]
    following = Refusals(spec, RateLimitedLog(FakeClock().monotonic))
    following.restore([found])  # type: ignore[list-item]
    assert list(following.changes(everything=False)) == []


def test_of_lines_not_understood_the_first_of_a_batch_is_said(spec: Contract, caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals(spec, RateLimitedLog(FakeClock().monotonic))
    failures = [Failure(offset, ValueError(offset)) for offset in (7, 20, 30)]
    refusals.look(Batch("e.jsonl", 0, 40, b""), Counter(internal_error=3), failures, lambda _: [], NOW)
    (message,) = warnings(caplog)
    assert message == "3 lines refused as internal_error, the first at e.jsonl@7: a line was not understood; report it"
    assert [one.offset for one in refusals.last.values()] == [7]


def test_of_a_batch_the_first_line_of_each_wanted_reason_is_looked_for_and_no_more(spec: Contract) -> None:
    data = b"".join(map(line_of, [GOOD, "no", {"v": 9}, "[1]", "nor this", {"v": 8}, GOOD]))
    offsets = [at for at in range(len(data)) if at == 0 or data[at - 1] == 10]
    batch = Batch("e.jsonl", 100, 100 + len(data), data)
    found = Pipeline(spec, {}).refused(batch, NOW, {"bad_json", "unknown_schema"})
    assert list(found) == [
        ("bad_json", 100 + offsets[1], b"no\n"),
        ("unknown_schema", 100 + offsets[2], line_of({"v": 9})),
    ]
