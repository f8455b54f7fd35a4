"""Gauges that go up and down, that keep a largest or smallest value, and that end."""

import json
from collections.abc import Callable

import pytest

from tests.engine.support.harness import NOW, Bench

Make = Callable[..., Bench]

ORDERS = """
vocabulary:
  step: {type: number, aliases: {1: [placed], -1: [done]}}
  state: {values: [placed, done]}
  pnl: {type: number}
  equity: {type: number}
  at: {type: time}
  bot: {allow: a-z, max_length: 5, max_values: 4}
sources:
  f: {match: {}, read: {step: event, state: event, pnl: pnl, at: ts, bot: bot, equity: equity}}
metrics:
  open_orders: {type: gauge, adds: step, budget: 1, help: Open orders.}
  realized_pnl: {type: gauge, adds: pnl, labels: [state], budget: 2, help: Profit so far.}
  bot_pnl: {type: gauge, adds: pnl, labels: [bot], ends: {state: done}, budget: 5, help: Profit of what goes on.}
  high: {type: gauge, sets: equity, keeps: max, budget: 1, help: Highest.}
  low: {type: gauge, sets: equity, keeps: min, budget: 1, help: Lowest.}
  first_timestamp_seconds: {type: gauge, sets: at, keeps: min, budget: 1, help: First.}
  last_timestamp_seconds: {type: gauge, sets: at, labels: [bot], ends: {state: done}, budget: 5, help: Last.}
  equity: {type: gauge, sets: equity, labels: [bot], ends: {state: [done]}, budget: 5, help: Equity.}
  bot_state: {type: gauge, states: state, labels: [bot, state], ends: {state: done}, budget: 10, help: State.}
"""


def at(seconds: float) -> float:
    return NOW - 1000 + seconds


EVENTS = [
    {"event": "placed", "equity": 5, "bot": "a", "ts": at(10), "pnl": 1},
    {"event": "placed", "equity": 7, "bot": "b", "ts": at(20), "pnl": 2},
    {"event": "done", "pnl": 10, "bot": "a", "ts": at(30)},
    {"event": "placed", "ts": at(1)},
    {"event": "done", "pnl": -4, "ts": at(31)},
    {"event": "placed", "equity": 4, "bot": "a", "ts": at(12), "pnl": 64},
    {"event": "placed", "equity": 9, "bot": "b", "ts": at(13)},
]


@pytest.mark.parametrize("cut", ["one batch", "one each", "restarts in between"])
def test_gauges_add_keep_and_end_however_lines_are_cut(bench: Make, cut: str) -> None:
    made = bench(ORDERS)
    if cut == "one batch":
        made.feed(*EVENTS)
    for event in EVENTS if cut != "one batch" else ():
        made = made.feed(event) if cut == "one each" else Bench(made.contract, rows=made.feed(event).rows())
    assert made.values("open_orders") == {(): 3}
    assert made.values("realized_pnl") == {("done",): 6, ("placed",): 67}
    assert made.values("bot_pnl") == {("a",): 64, ("b",): 2}, "a line after the end begins it anew"
    assert (made.values("high"), made.values("low")) == ({(): 9}, {(): 4})
    assert made.values("first_timestamp_seconds") == {(): at(1)}
    assert made.values("last_timestamp_seconds") == {("b",): at(20)}
    assert made.values("equity") == {("b",): 7}, (
        "what is older than the end of a, or than what b shows, changes nothing"
    )
    assert made.moved("bot_state") == {("b", "placed"): 1}


def test_the_end_that_is_read_first_ends_what_is_older(bench: Make) -> None:
    assert bench(ORDERS).feed_each(*reversed(EVENTS)).values("equity") == {("b",): 7}


def test_what_ended_begins_anew_with_a_later_event(bench: Make) -> None:
    made = bench(ORDERS).feed(*EVENTS).feed({"event": "placed", "equity": 1, "bot": "a", "ts": at(40)})
    assert made.values("equity") == {("a",): 1, ("b",): 7}


def test_a_sum_that_goes_up_and_down_begins_at_nothing(bench: Make) -> None:
    assert (bench(ORDERS).values("open_orders"), bench(ORDERS).values("high")) == ({(): 0}, {})


@pytest.mark.parametrize("size", [1, 5])
def test_what_would_make_a_sum_inexact_is_refused(bench: Make, size: int) -> None:
    events = [{"event": "placed", "pnl": value} for value in (2**53 - 2, 1, 1, -1e300, -3)]
    made = bench(ORDERS)
    for start in range(0, len(events), size):
        made.feed(*events[start : start + size])
    assert made.values("realized_pnl")["placed",] == 2**53 - 4
    assert made.moved("refused_values_total")["pnl", "out_of_range"] == 2


def test_a_gauge_ends_when_its_newest_event_is_too_old(bench: Make) -> None:
    spec = ORDERS.replace("keeps: max,", "ends_after: 60,").replace(
        "ends: {state: done}, budget: 5", "ends_after: 60, budget: 5"
    )
    spec = spec.replace("adds: pnl, labels: [bot], ends_after: 60", "adds: pnl, labels: [bot]")
    made = bench(spec).feed({"event": "placed", "equity": 5, "bot": "a", "ts": NOW - 30})
    made.state.commit(NOW + 29)
    assert (made.values("high"), made.values("last_timestamp_seconds")) == ({(): 5}, {("a",): NOW - 30})
    made.state.commit(NOW + 31)
    assert (made.values("high"), made.values("last_timestamp_seconds")) == ({}, {})
    again = Bench(made.contract, rows=json.loads(json.dumps(made.rows())))
    again.state.commit(NOW + 31)
    assert again.values("high") == {}
    again.feed({"event": "placed", "equity": 6, "bot": "a", "ts": NOW})
    again.state.commit(NOW + 32)
    assert again.values("high") == {(): 6}


@pytest.mark.parametrize(("keeps", "values"), [("max", (9, 4, 3)), ("min", (1, 4, 5))])
@pytest.mark.parametrize("alone", [False, True], ids=["one batch", "a batch each"])
def test_a_highest_or_lowest_number_begins_anew_behind_the_line_that_ends_it(
    bench: Make, keeps: str, values: tuple[int, ...], alone: bool
) -> None:
    made = bench(ORDERS.replace("keeps: max, budget", f"keeps: {keeps}, ends: {{state: done}}, budget"))
    first, *others = [{"event": "placed", "equity": value, "ts": at(50)} for value in values]
    events = [first, {"event": "done", "ts": at(10)}, *others]
    (made.feed_each if alone else made.feed)(*events)
    assert made.values("high") == {(): 4}
    assert made.feed({"event": "done", "equity": 6}).values("high") == {}


def test_every_event_of_a_name_beyond_the_cap_is_counted_also_before_an_end(bench: Make) -> None:
    names = [{"event": "placed", "pnl": 1, "equity": 1, "bot": bot, "ts": at(1)} for bot in "abcd"]
    beyond = [
        {"event": event, "pnl": 2, "equity": 2, "bot": "e", "ts": at(2)} for event in ("placed", "placed", "done")
    ]
    one, each = bench(ORDERS).feed(*names, *beyond), bench(ORDERS).feed(*names).feed_each(*beyond)
    assert one.moved("label_overflow_total") == each.moved("label_overflow_total")
    assert one.moved("label_overflow_total")["bot_pnl", "bot"] == 3
    assert one.everything() == each.everything()


@pytest.mark.parametrize("alone", [False, True], ids=["one batch", "a batch each"])
def test_an_event_without_the_value_changes_nothing_unless_it_is_the_end(bench: Make, alone: bool) -> None:
    made = bench(ORDERS)
    events = [{"event": "placed", "equity": 5, "bot": "a", "ts": at(1)}, {"event": "placed", "bot": "a", "ts": at(2)}]
    (made.feed_each if alone else made.feed)(*events)
    assert made.values("equity") == {("a",): 5}
    assert made.feed({"event": "done", "bot": "a", "ts": at(3)}).values("equity") == {}


def test_a_state_without_any_time_is_that_of_the_last_line(bench: Make) -> None:
    made = bench("""
vocabulary: {state: {values: ["on", "off"]}}
sources: {f: {match: {}, read: {state: state}}}
metrics: {state: {type: gauge, states: state, labels: [state], budget: 2, help: State.}}
""").feed({"state": "on"}, {"state": "off"}, {})
    assert made.values("state") == {("on",): 0, ("off",): 1}


def test_a_series_ends_when_all_conditions_hold_and_a_first_time_stays_the_first_until_then(bench: Make) -> None:
    spec = ORDERS.replace(
        "first_timestamp_seconds: {type: gauge, sets: at, keeps: min,",
        "first_timestamp_seconds: {type: gauge, sets: at, keeps: min, ends: {state: done, bot: a},",
    )
    made = bench(spec).feed(
        {"event": "placed", "ts": at(5)}, {"event": "placed", "ts": at(3)}, {"event": "placed", "ts": at(9)}
    )
    assert made.values("first_timestamp_seconds") == {(): at(3)}
    made.feed({"event": "done", "bot": "b", "ts": at(10)}, {"event": "placed", "bot": "a", "ts": at(11)})
    assert made.values("first_timestamp_seconds") == {(): at(3)}
    assert made.feed({"event": "done", "bot": "a", "ts": at(12)}).values("first_timestamp_seconds") == {}
    assert made.feed({"event": "placed", "ts": at(13)}).values("first_timestamp_seconds") == {(): at(13)}
