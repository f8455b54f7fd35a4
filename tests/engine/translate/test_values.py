"""Small inputs from people who do this job, and the right values."""

from collections.abc import Callable

import pytest

from contracts.model import Contract
from tests.engine.support.harness import Bench, Event

Make = Callable[..., Bench]

PAIRED = """
vocabulary:
  id: {type: id}
  st: {values: [submit, ack]}
  at: {type: time}
  edge: {values: [submit_to_ack]}
  lat: {type: number, unit: seconds, min: 0}
sources: {f: {match: {}, read: {id: id, st: st, at: {path: ts, scale: 0.001}}}}
pairs: {by_order: {id: id, stage: st, at: at, edge: edge, latency: lat, edges: {submit_to_ack: [submit, ack]}}}
metrics:
  latency_seconds: {type: histogram, observes: lat, labels: [edge], buckets: [0.05, 0.1, 0.25], budget: 1, help: L.}
"""


@pytest.mark.parametrize("form", ["text", "micros", "offset", "number", "whole number"])
def test_twenty_pairs_of_exactly_100_ms_lie_in_the_bucket_of_100_ms(bench: Make, form: str) -> None:
    def stamp(milli: int) -> object:
        forms: dict[str, object] = {
            "text": f"2026-01-01T00:00:{milli // 1000:02}.{milli % 1000:03}Z",
            "micros": f"2026-01-01T00:00:{milli // 1000:02}.{milli % 1000:03}250",
            "offset": f"2026-01-01T02:00:{milli // 1000:02}.{milli % 1000:03}+02:00",
            "number": 1_767_225_600_000.25 + milli,
            "whole number": 1_767_225_600_000 + milli,
        }
        return forms[form]

    events = [
        {"id": f"o{n}", "st": stage, "ts": stamp(n * 17 + late)}
        for n in range(20)
        for stage, late in (("submit", 0), ("ack", 100))
    ]
    (sample,) = bench(PAIRED).feed(*events).samples("latency_seconds")
    assert sample.buckets == (0, 20, 0, 0)
    assert sample.value == pytest.approx(2.0, rel=1e-12)


def test_one_nanosecond_more_is_too_much(bench: Make) -> None:
    events = [{"id": "o", "st": "submit", "ts": "2026-01-01T00:00:00.000000001Z"}]
    events += [{"id": "o", "st": "ack", "ts": "2026-01-01T00:00:00.100000002Z"}]
    (sample,) = bench(PAIRED).feed(*events).samples("latency_seconds")
    assert sample.buckets == (0, 0, 1, 0)


BALANCE = """
vocabulary: {at: {type: time}, bal: {type: number}, run: {values: [idle, running]}}
sources:
  f: {match: {event: b}, read: {at: ts, bal: balance, run: run}}
metrics:
  balance: {type: gauge, sets: bal, budget: 1, help: Balance.}
  balance_timestamp_seconds: {type: gauge, sets: at, budget: 1, help: Time of the newest balance.}
  run: {type: gauge, states: run, labels: [run], budget: 2, help: State.}
"""


def dated(day: str, balance: float, run: str = "idle", **more: object) -> Event:
    return {"event": "b", "ts": f"2026-01-{day}T00:00:00Z" if day else None, "balance": balance, "run": run, **more}


@pytest.mark.parametrize("cut", ["one batch", "a batch each", "restarts"])
def test_yesterdays_balance_never_stands_beside_todays_time(contract: Callable[[str], Contract], cut: str) -> None:
    events = [dated("20", 10.0, "running"), dated("19", 9.0), dated("", 8.0), dated("18", 7.0)]
    spec = contract(BALANCE)
    found = Bench(spec)
    if cut == "one batch":
        found.feed(*events)
    for event in events if cut != "one batch" else ():
        found.feed(event)
        found = Bench(spec, rows=found.rows()) if cut == "restarts" else found
    assert found.values("balance") == {(): 10.0}
    assert found.values("balance_timestamp_seconds") == {(): 1768867200.0}
    assert found.values("run") == {("idle",): 0.0, ("running",): 1.0}
    assert found.moved("absent_values_total") == {("at",): 1}


def test_events_without_a_time_follow_the_lines_until_one_has_a_time(bench: Make) -> None:
    found = bench(BALANCE).feed(dated("", 1.0, "running"), dated("", 2.0))
    assert (found.values("balance"), found.values("run")) == ({(): 2.0}, {("idle",): 1.0, ("running",): 0.0})
    assert found.feed(dated("01", 3.0), dated("", 4.0)).values("balance") == {(): 3.0}


def test_of_two_events_of_one_time_the_later_line_wins(bench: Make) -> None:
    found = bench(BALANCE).feed(dated("20", 1.0), dated("20", 2.0, "running"))
    assert (found.values("balance"), found.moved("run")) == ({(): 2.0}, {("running",): 1.0})
    assert found.feed(dated("20", 3.0)).values("balance") == {(): 3.0}


def test_lines_may_decide_if_the_contract_says_so(bench: Make) -> None:
    found = bench(BALANCE.replace("sets: bal,", "sets: bal, newest_by: lines,"))
    assert found.feed(dated("20", 1.0), dated("19", 2.0)).values("balance") == {(): 2.0}


@pytest.mark.parametrize(
    "one", ["read: {bal: balance, run: run}", "read: {at: ts, seen: seen, bal: balance, run: run}"]
)
def test_without_one_time_that_all_sources_read_the_lines_decide(bench: Make, one: str) -> None:
    text = BALANCE.replace("metrics:", f"  g: {{match: {{event: g}}, {one}}}\nmetrics:")
    text = text.replace("at: {type: time}", "at: {type: time}, seen: {type: time}") if "seen" in one else text
    text = text.replace("read: {at: ts, bal", "read: {at: ts, seen: seen, bal") if "seen" in one else text
    text += "  seen_timestamp_seconds: {type: gauge, sets: seen, budget: 1, help: S.}\n" if "seen" in one else ""
    assert bench(text).feed(dated("20", 1.0), dated("19", 2.0)).values("balance") == {(): 2.0}


def test_a_value_from_before_times_were_kept_gives_way_to_any_event_with_a_time(
    contract: Callable[[str], Contract],
) -> None:
    spec = contract(BALANCE)
    rows = Bench(spec).feed(dated("20", 1.0)).rows()
    old = [
        (kind, key, value[:3] if kind == "series" and isinstance(value, list) else value) for kind, key, value in rows
    ]
    found = Bench(spec, rows=old)
    assert found.values("balance") == {(): 1.0}
    assert found.feed(dated("19", 2.0)).values("balance") == {(): 2.0}
    assert found.values("balance_timestamp_seconds") == {(): 1768867200.0}


CODES = """
vocabulary: {code: {values: [200, 500], otherwise: other}}
sources: {f: {match: {event: r}, read: {code: status}}}
metrics: {req_total: {type: counter, counts: code, labels: [code], budget: 3, help: Requests.}}
"""


def test_a_status_is_a_whole_number_however_it_is_written(bench: Make) -> None:
    lines = [f'{{"event":"r","status":{text}}}' for text in ("200", "200.0", "5e2", '" 500 "', "404", "200.5", "true")]
    found = bench(CODES).feed(*lines)
    assert found.values("req_total") == {("200",): 2, ("500",): 2, ("other",): 1}
    assert found.moved("refused_values_total") == {("code", "mistyped"): 2}
    assert found.moved("lines_total") == {("applied",): 5, ("ignored",): 2}


@pytest.mark.parametrize("zero", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:30:00+01:00"])
def test_a_time_that_was_never_set_is_no_time(bench: Make, zero: str) -> None:
    found = bench(BALANCE).feed({"event": "b", "ts": zero})
    assert found.values("balance_timestamp_seconds") == {}
    assert found.moved("refused_values_total") == {("at", "out_of_range"): 1}
    assert found.moved("lines_total") == {("ignored",): 1}


SUMS = """
vocabulary: {n: {type: number, min: 0}}
sources: {f: {match: {event: r}, read: {n: n}}}
metrics:
  n_total: {type: counter, counts: events, amount: n, budget: 1, help: N.}
  sizes: {type: histogram, observes: n, buckets: [1], budget: 1, help: N.}
"""


@pytest.mark.parametrize("alone", [False, True], ids=["one batch", "a batch each"])
def test_a_value_that_makes_a_sum_infinite_is_refused_and_the_next_counts(bench: Make, alone: bool) -> None:
    events: list[Event] = [{"event": "r", "n": n} for n in (1e308, 1.0, 1e308, 2.0)]
    found = bench(SUMS)
    (found.feed_each if alone else found.feed)(*events)
    assert found.values("n_total") == found.values("sizes") == {(): 1e308}
    assert [sample.buckets for sample in found.samples("sizes")] == [(1, 2)]
    assert found.moved("refused_values_total") == {("n", "out_of_range"): 2}


def test_a_number_that_is_absent_or_refused_moves_nothing_and_is_counted_once(bench: Make) -> None:
    found = bench(SUMS).feed('{"event":"r"}', '{"event":"r","n":null}', '{"event":"r","n":-1}', '{"event":"r","n":NaN}')
    assert found.moved("lines_total") == {("ignored",): 4}
    assert found.moved("absent_values_total") == {("n",): 2}
    assert found.moved("refused_values_total") == {("n", "out_of_range"): 1, ("n", "mistyped"): 1}
