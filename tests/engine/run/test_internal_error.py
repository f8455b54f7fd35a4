"""A line that no stage foresaw: it costs itself, is counted and said, and nothing else changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from exporters.engine.decode import Decoder
from exporters.engine.pairs.pairs import OpenPairs
from exporters.engine.series import SeriesTable
from exporters.engine.translate.translate import Translator
from tests.engine.support.commits import Plant, Shown
from tests.engine.support.harness import NOW, Event, line_of

pytestmark = pytest.mark.thorough

TEXT = """
vocabulary:
  kind: {values: [sold, lost], otherwise: other}
  run: {allow: a-z, max_length: 8, max_values: 2}
  size: {type: number, min: 0}
  stage: {values: [open, done]}
  edge: {values: [open_to_done]}
  id: {type: id}
  at: {type: time}
  latency: {type: number, unit: seconds, min: 0}
sources:
  shop:
    match: {v: 1}
    read:
      kind: {path: kind, required: true}
      run: run
      size: size
      stage: stage
      id: id
      at: at
  idle: {match: {v: 2}}
pairs:
  order: {id: id, stage: stage, at: at, edge: edge, latency: latency, edges: {open_to_done: [open, done]}}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind, run], help: Kinds., budget: 9}
  size_total: {type: counter, counts: kind, amount: size, help: Sizes., budget: 1}
  open_seconds: {type: histogram, observes: latency, when: {edge: {present: true}}, labels: [edge], buckets: [1, 10],
    help: Edges., budget: 1}
  last_timestamp_seconds: {type: gauge, sets: at, help: Last., budget: 1}
  refused_total: {type: counter, rejections: {bad_json: bad, unknown_schema: schema, missing_fields: missing},
    labels: [source, reason], help: Refused., budget: 9}
"""
POISON = '{"v": 1, "kind": "poison", "run": "poison"}'
ORDINARY: list[Event] = [
    {"v": 1, "kind": "sold", "run": "a", "size": 2, "stage": "open", "id": "o1", "at": NOW - 60},
    {"v": 1, "kind": "lost", "run": "b", "size": -1, "at": NOW - 50},
    "{no json",
    "",
    {"v": 1, "run": "a"},
    {"v": 2},
    {"v": 3},
    "\0\0" + '{"v": 1, "kind": "sold", "run": "c"}',
    {"v": 1, "kind": "sold", "run": "a", "size": 3, "stage": "done", "id": "o1", "at": NOW - 55},
    {"v": 1, "kind": "lost", "stage": "done", "id": "o2", "at": NOW - 40},
]
"""Every outcome: applied, a value refused, a name folded, an edge joined, an orphan; ignored; refused; blank."""


def poisoned(act: Callable[..., Any], is_poison: Callable[[Any], bool]) -> Callable[..., Any]:
    """Return a method that raises if what it is given is poison."""

    def acting(self: object, given: Any, *more: object) -> Any:
        if is_poison(given):
            raise ZeroDivisionError("unforeseen")
        return act(self, given, *more)

    return acting


@pytest.fixture(params=["decode", "translate"])
def stage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have a stage raise at each poisonous line."""
    if request.param == "decode":
        monkeypatch.setattr(Decoder, "decode", poisoned(Decoder.decode, lambda data: b"poison" in data))
    else:

        def holds_poison(events: Sequence[object]) -> bool:
            return any(getattr(event, "f_run", None) == "poison" for event in events)

        monkeypatch.setattr(Translator, "translate", poisoned(Translator.translate, holds_poison))
    return str(request.param)


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Callable[..., Plant]]:
    """Return a function that has an engine read lines as one batch."""
    plants: list[Plant] = []

    def make(name: str, lines: Sequence[Event]) -> Plant:
        (tmp_path / name).mkdir()
        plants.append(Plant(tmp_path / name, TEXT))
        plants[-1].write(*lines)
        plants[-1].begin()
        plants[-1].step()
        return plants[-1]

    yield make
    for plant in plants:
        plant.stop()


def without_poison(shown: Shown, number: int) -> Shown:
    """Return what is shown but for the poisonous lines themselves, which must be counted once each."""
    own = "peak_trade_exporter_"
    assert shown[f"{own}lines_total", "sample", "internal_error"] == (number, ())
    names = {(f"{own}lines_total", "sample", "internal_error"), (f"{own}read_bytes_total", "sample")}
    return {name: value for name, value in shown.items() if name not in names}


def records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what was said of lines that were not understood."""
    return [record for record in caplog.records if "refused as internal_error" in record.getMessage()]


@pytest.mark.parametrize("places", [[0], [4], [10], [0, 0, 3, 7, 10]], ids=str)
def test_a_line_at_which_a_stage_raises_costs_itself_alone_and_every_other_keeps_what_it_does(
    stage: str, planted: Callable[..., Plant], places: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    lines = list(ORDINARY)
    for place in reversed(places):
        lines.insert(place, POISON)
    plain, poison = planted("plain", ORDINARY), planted("poison", lines)
    expected = without_poison(plain.shown(), 0)
    assert without_poison(poison.shown(), len(places)) == expected
    assert expected["open_seconds", "open_to_done"] == (5.0, (0, 1, 0))
    bytes_read = poison.own("read_bytes_total")
    assert bytes_read == poison.events.stat().st_size, stage
    offset = sum(len(line_of(line)) for line in lines[: places[0]])
    (said,) = records(caplog)
    number = "1 line refused as internal_error," if len(places) == 1 else "5 lines refused as internal_error, the first"
    assert said.getMessage() == f"{number} at {poison.events}@{offset}: a line was not understood; report it"
    assert said.exc_info is not None
    assert said.exc_info[0] is ZeroDivisionError, "the traceback is what a report needs"


def test_after_a_line_at_which_a_stage_raised_later_lines_are_read_and_kept(
    stage: str, planted: Callable[..., Plant], caplog: pytest.LogCaptureFixture
) -> None:
    plain, poison = planted("plain", ORDINARY), planted("poison", [*ORDINARY, POISON])
    more: list[Event] = [
        {"v": 1, "kind": "sold", "run": "a", "size": 7, "stage": "open", "id": "o3", "at": NOW - 20},
        {"v": 1, "kind": "sold", "stage": "done", "id": "o3", "at": NOW - 18},
    ]
    plain.write(*more)
    poison.write(more[0], POISON, more[1])
    for plant in (plain, poison):
        plant.step(1.5)
    assert len(records(caplog)) == 1, f"said once a minute ({stage})"
    expected = without_poison(plain.shown(), 0)
    assert without_poison(poison.shown(), 2) == expected
    assert without_poison(poison.kept(), 2) == expected


def test_the_offset_of_a_line_not_understood_counts_the_mark_before_the_first_line(
    stage: str, planted: Callable[..., Plant], caplog: pytest.LogCaptureFixture
) -> None:
    first = b"\xef\xbb\xbf" + line_of(ORDINARY[0])[:-1]
    plant = planted("marked", [first, POISON, *ORDINARY[1:]])
    (said,) = records(caplog)
    where = f"{plant.events}@{len(first) + 1}"
    assert said.getMessage() == f"1 line refused as internal_error, at {where}: a line was not understood; report it"
    assert plant.own("lines_total", "internal_error") == 1


@pytest.mark.parametrize("method", [(OpenPairs, "join"), (SeriesTable, "apply")], ids=["join", "apply"])
def test_what_raises_once_values_change_ends_the_process_and_the_next_one_reads_the_batch_again_exactly(
    planted: Callable[..., Plant], monkeypatch: pytest.MonkeyPatch, method: tuple[type, str]
) -> None:
    expected = planted("plain", ORDINARY).shown()
    plant = planted("broken", [])
    act = getattr(*method)

    def act_and_raise(self: object, given: Any, *more: object) -> Any:
        act(self, given, *more)
        raise ZeroDivisionError("unforeseen, half-way")

    with monkeypatch.context() as patch:
        patch.setattr(*method, act_and_raise)
        plant.write(*ORDINARY)
        with pytest.raises(ZeroDivisionError):
            plant.step()
    plant.kill()
    plant.begin()
    plant.step()
    assert plant.shown() == expected
