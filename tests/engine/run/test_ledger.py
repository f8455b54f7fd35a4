"""What one batch does to everything that is counted, and what a commit writes of it, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporters.engine.ledger import Ledger
from exporters.engine.log import RateLimitedLog
from exporters.engine.records import Saved
from exporters.engine.values import Batch
from tests.engine.support.commits import StandingClock
from tests.engine.support.harness import NOW, Event, contract_of, line_of

TEXT = """
vocabulary:
  kind: {values: [sold]}
  run: {allow: a-z, max_length: 8, max_values: 2}
  heat: {type: number}
  stage: {values: [open, done]}
  edge: {values: [open_to_done]}
  id: {type: id}
  at: {type: time}
  latency: {type: number, unit: seconds, min: 0}
sources: {all: {match: {}, read: {kind: kind, run: run, heat: heat, stage: stage, id: id, at: at}}}
pairs:
  order: {id: id, stage: stage, at: at, edge: edge, latency: latency, timeout: 50, edges: {open_to_done: [open, done]}}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [run], help: Kinds., budget: 3}
  heat: {type: gauge, adds: heat, labels: [run], help: Heat., budget: 3}
  open_seconds: {type: histogram, observes: latency, labels: [edge], buckets: [1], help: E., budget: 1}
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    clock = StandingClock()
    ledger = Ledger(contract_of(tmp_path, TEXT), {}, clock, RateLimitedLog(clock.monotonic))
    ledger.begin(Saved())
    return ledger


def take(ledger: Ledger, *events: Event) -> None:
    data = b"".join(map(line_of, events))
    ledger.take(Batch("sample.jsonl", 0, len(data), data))


def shown(ledger: Ledger, name: str) -> dict[tuple[str, ...], float]:
    """Return the committed values of a metric that are not 0; of the exporter's own without its name."""
    ledger.commit()
    own = f"peak_trade_exporter_{name}"
    return {
        one.labels[metric.name == own :]: one.value
        for metric, samples in ledger.series.snapshot()
        for one in samples
        if metric.name in (name, own) and one.value
    }


def test_names_take_their_places_in_the_order_of_events_whatever_moves_first(ledger: Ledger) -> None:
    take(ledger, {"heat": 1, "run": "a"}, {"kind": "sold", "run": "b"}, {"kind": "sold", "run": "c"})
    assert shown(ledger, "heat") == {("a",): 1}
    assert shown(ledger, "kinds_total") == {("b",): 1, ("other",): 1}
    assert shown(ledger, "label_overflow_total") == {("kinds_total", "run"): 1}


def test_a_value_that_makes_a_sum_inexact_is_counted_as_refused(ledger: Ledger) -> None:
    take(ledger, {"heat": 2**53 - 1, "run": "a"}, {"heat": 1, "run": "a"})
    assert shown(ledger, "refused_values_total") == {("heat", "out_of_range"): 1}
    assert shown(ledger, "label_overflow_total") == {}


def test_what_waits_is_judged_when_files_end_and_when_nothing_will_be_read_any_more(ledger: Ledger) -> None:
    take(ledger, {"stage": "open", "id": "i", "at": NOW - 100}, {"stage": "open", "id": "j", "at": NOW - 9})
    assert shown(ledger, "pairs_forgotten_total") == {}
    ledger.settle()
    assert shown(ledger, "pairs_forgotten_total") == {("order", "expired"): 1}
    take(ledger, {"stage": "done", "id": "k", "at": NOW - 8})
    ledger.settle()
    assert shown(ledger, "pair_edges_total") == {}
    ledger.conclude()
    assert shown(ledger, "pair_edges_total") == {("order", "open_to_done", "orphan"): 1}


def test_what_was_committed_is_not_written_again(ledger: Ledger) -> None:
    take(ledger, {"kind": "sold", "run": "a", "stage": "open", "id": "i", "at": NOW}, "not json")
    kinds = {type(one).__name__ for one in ledger.changes(everything=False)}
    assert kinds >= {"SavedSeries", "SavedName", "MetricMeaning", "PairProgress", "SavedSegment", "Refusal"}
    ledger.commit()
    assert list(ledger.changes(everything=False)) == []
