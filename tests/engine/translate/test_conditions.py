"""Conditions on numbers, on what is not, on any kind of field, and on exact keys; fields of more kinds than one."""

from collections.abc import Callable

import pytest

from tests.engine.support.harness import Bench

Make = Callable[..., Bench]

TRADES = """
vocabulary:
  took: {type: number, unit: seconds, min: 0}
  pnl: {type: number}
  at: {type: time}
sources:
  f: {match: {event: r}, read: {took: s, pnl: pnl, at: at}}
metrics:
  slow_total: {type: counter, counts: events, when: {took: {min: 0.5, not: 0.5}}, budget: 1, help: Slow ones.}
  wins_total: {type: counter, counts: events, when: {pnl: {min: 0, not: 0}}, budget: 1, help: Won.}
  even_total: {type: counter, counts: events, when: {pnl: [0, 0.5]}, budget: 1, help: Even.}
  open_total: {type: counter, counts: events, when: {pnl: {present: false}}, budget: 1, help: Open.}
  timed_total: {type: counter, counts: events, when: {at: {present: true}}, budget: 1, help: With a time.}
  gain: {type: gauge, sets: pnl, newest_by: lines, when: {took: {max: 0.2}}, budget: 1, help: Newest quick gain.}
  quick_seconds: {type: histogram, observes: took, when: {pnl: {min: 0}}, buckets: [1], budget: 1, help: T.}
"""


def test_numbers_are_tested_as_they_are_in_their_word(bench: Make) -> None:
    made = bench(TRADES).feed(
        {"event": "r", "s": 0.7, "pnl": 1.5},
        {"event": "r", "s": "0.1", "pnl": -1.5},
        {"event": "r", "pnl": 0},
        {"event": "r", "s": 0.5},
        {"event": "r", "s": 0.5, "at": "2026-01-01T00:00:00Z", "pnl": 0.5},
    )
    counted = {name: made.values(f"{name}_total")[()] for name in ("slow", "wins", "even", "open", "timed")}
    assert counted == {"slow": 1, "wins": 2, "even": 2, "open": 1, "timed": 1}
    assert made.values("gain") == {(): -1.5}
    assert made.values("quick_seconds") == {(): 1.2}
    assert made.moved("lines_total") == {("applied",): 5}


def test_an_event_whose_number_passes_no_test_is_ignored(bench: Make) -> None:
    made = bench(TRADES).feed({"event": "r", "s": 0.3, "pnl": -1}, {"event": "r", "s": -1, "pnl": -1})
    assert made.moved("lines_total") == {("ignored",): 2}


def test_a_number_at_a_bound_passes_it_and_one_that_no_line_here_can_have_is_absent(bench: Make) -> None:
    made = bench(TRADES.replace("sources:", "sources:\n  g: {match: {event: q}, read: {took: s}}"))
    made.feed({"event": "q", "s": 0.2})
    assert made.values("open_total") == {(): 1}
    made.feed({"event": "r", "s": 0.2, "pnl": 7}, {"event": "r", "s": 0.20001, "pnl": 8})
    assert made.values("gain") == {(): 7}
    assert made.moved("lines_total") == {("applied",): 3}


def test_a_line_that_only_a_test_keeps_from_counting_is_ignored(bench: Make) -> None:
    made = bench("""
vocabulary: {took: {type: number, unit: seconds, min: 0}}
sources: {f: {match: {}, read: {took: s}}}
metrics: {slow_total: {type: counter, counts: events, when: {took: {min: 0.5}}, budget: 1, help: Slow ones.}}
""").feed({"s": 0.3}, {"s": 0.5}, {"s": 0.6}, {})
    assert made.values("slow_total") == {(): 2}
    assert made.moved("lines_total") == {("applied",): 2, ("ignored",): 2}


def by_source(made: Bench) -> list[str]:
    return sorted(label for (label,), number in made.moved("events_total").items() for _ in range(int(number)))


def counting(sources: str) -> str:
    sources = sources.replace("ONE", "read: {all: [{value: one}]}")
    return f"""
vocabulary: {{all: {{values: [one]}}}}
sources: {sources}
metrics:
  events_total: {{type: counter, counts: events, labels: [source], when: {{all: one}}, budget: 9, help: E.}}
"""


@pytest.mark.parametrize(
    ("line", "source"),
    [
        ('{"ms":500}', "slow"),
        ('{"ms":"500.5"}', "slow"),
        ('{"ms":499.9}', "middle"),
        ('{"ms":10}', "fast"),
        ('{"ms":-1e400}', "fast"),
        ('{"ms":"5 ms"}', "text"),
        ('{"ms":true}', "other"),
        ('{"ms":[500]}', "other"),
        ('{"ms":null}', "none"),
        ("{}", "none"),
    ],
)
def test_a_source_may_ask_for_a_range_of_numbers(bench: Make, line: str, source: str) -> None:
    spec = counting(
        "{slow: {match: {ms: {min: 500}}, ONE}, fast: {match: {ms: {max: 10}}, ONE},"
        " middle: {match: {ms: {min: -1e9}}, ONE}, text: {match: {ms: 5 ms}, ONE},"
        " other: {match: {ms: {present: true}}, ONE}, none: {match: {}, ONE}}"
    )
    assert by_source(bench(spec).feed(line, line)) == [source, source]
    assert by_source(bench(spec.replace("text: {match: {ms: 5 ms}", "text: {match: {a: 1}")).feed(line)) == [
        "other" if source == "text" else source
    ]


def test_not_is_true_of_what_is_absent_and_of_another_kind(bench: Make) -> None:
    spec = counting("{some: {match: {v: {not: [1, x], present: true}}, ONE}, none: {match: {v: {not: 1}}, ONE}}")
    made = bench(spec).feed('{"v":1}', '{"v":1.0}', '{"v":true}', '{"v":"1"}', '{"v":"x"}', '{"v":null}', "{}")
    assert by_source(made) == ["none", "none", "none", "some", "some"]
    assert made.moved("lines_total") == {("applied",): 5, ("unknown_schema",): 2}


def test_exact_keys_may_hold_whatever_a_key_can(bench: Make) -> None:
    spec = """
vocabulary: {code: {values: [allow, deny]}, n: {type: number}, level: {values: [info, warn]}}
sources:
  audit:
    match: [{path: ["log.level"], not: debug}, {path: ["a [b] *", "{c}"], present: true}]
    by: ["log.level"]
    rows: {info: {level: info}, warn: {level: warn}}
    read: {code: {path: [annotations, authorization.k8s.io/decision]}, n: {path: ["a [b] *", "{c}"]}}
metrics:
  codes_total: {type: counter, counts: code, labels: [code, level], budget: 4, help: C.}
  n: {type: gauge, sets: n, budget: 1, help: N.}
"""
    event = {"annotations": {"authorization.k8s.io/decision": "allow"}, "a [b] *": {"{c}": "7"}}
    made = bench(spec).feed({"log.level": "warn", **event}, {"log.level": "debug", **event}, {"log": {"level": "info"}})
    assert (made.moved("codes_total"), made.values("n")) == ({("allow", "warn"): 1}, {(): 7})


def test_one_field_may_be_of_more_kinds_than_one(bench: Make) -> None:
    spec = """
vocabulary: {n: {type: number}, name: {values: [low, high, "true", "1"]}, at: {type: time}}
sources:
  flagged: {match: {v: true}, read: {name: v}}
  numbered: {match: {kind: n}, read: {n: v, name: {path: v, aliases: {high: [7]}}}}
  timed: {match: {kind: t}, read: {at: v}}
  named: {match: {}, read: {name: v}}
metrics:
  names_total: {type: counter, counts: name, labels: [source, name], budget: 16, help: N.}
  n: {type: gauge, sets: n, newest_by: lines, budget: 1, help: N.}
  last_timestamp_seconds: {type: gauge, sets: at, budget: 1, help: L.}
"""
    made = bench(spec).feed(
        *('{"v":true}', '{"v":1}', '{"v":1.0}', '{"v":"high"}', '{"v":[1]}', '{"v":{"a":1}}', '{"v":false}'),
        *('{"kind":"n","v":7}', '{"kind":"n","v":"7.5"}', '{"kind":"t","v":1767225600}'),
    )
    assert made.moved("names_total") == {
        ("flagged", "true"): 1,
        ("named", "1"): 2,
        ("named", "high"): 1,
        ("numbered", "high"): 1,
    }
    assert (made.values("n"), made.values("last_timestamp_seconds")) == ({(): 7.5}, {(): 1767225600})
    assert made.moved("refused_values_total") == {("name", "mistyped"): 2, ("name", "unknown_value"): 2}


BOTH = """
vocabulary:
  n: {type: number, min: 0}
  v: {values: ["1", "2"], otherwise: other}
sources:
  one: {match: {}, read: {n: v, v: v}}
metrics:
  things_total: {type: counter, counts: v, labels: [v], help: T., budget: 3}
  ns_total: {type: counter, counts: events, amount: n, help: N., budget: 1}
"""


def test_a_number_beyond_all_floats_costs_its_value_also_where_it_is_a_label_too(bench: Make) -> None:
    made = bench(BOTH).feed({"v": 10**400}, {"v": -(10**400)}, {"v": 1})
    assert made.moved("things_total") == {("1",): 1, ("other",): 2}
    assert made.values("ns_total") == {(): 1}
    assert made.moved("refused_values_total") == {("n", "out_of_range"): 2}
    assert made.moved("lines_total") == {("applied",): 3}
