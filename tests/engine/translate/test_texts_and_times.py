"""What is captured from texts, and times in formats and zones of their own."""

from collections.abc import Callable

import pytest

from exporters.engine.translate import clocks, times
from tests.engine.support.harness import Bench

Make = Callable[..., Bench]

LOG = """
vocabulary:
  took: {type: number, unit: seconds, min: 0}
  level: {values: [info, error], otherwise: other}
  user: {allow: a-z, max_length: 9, max_values: 2}
  at: {type: time, max_future: 1e9}
sources:
  log:
    match: {}
    read:
      took: {path: msg, capture: 'took (\\S+) ms', none: ["-"], scale: 0.001}
      level: {path: msg, capture: '^\\[([^\\]]*)\\]', aliases: {error: [err]}}
      user: [{path: msg, capture: 'user=(\\w+)'}, {path: user}]
      at: {path: msg, capture: 'at (.*)$', format: "%Y-%m-%d %H:%M:%S,%f"}
metrics:
  took_seconds: {type: histogram, observes: took, buckets: [1], help: T., budget: 1}
  levels_total: {type: counter, counts: level, labels: [level], help: L., budget: 3}
  users_total: {type: counter, counts: user, labels: [user], help: U., budget: 3}
  last_timestamp_seconds: {type: gauge, sets: at, help: L., budget: 1}
"""


def test_a_part_of_a_text_is_read_before_anything_else(bench: Make) -> None:
    lines = [
        {"msg": "[INFO] user=bob took 250 ms at 2026-01-25 01:09:48,123"},
        {"msg": "[ERR] took - ms", "user": "eve"},
        {"msg": "[odd] took 5x ms user=ann"},
        {"msg": "nothing of it"},
        {"msg": "[] took  ms"},
    ]
    made = bench(LOG).feed(*lines * 40)
    (took,) = made.samples("took_seconds")
    assert took.value == pytest.approx(10)
    assert took.buckets == (40, 0)
    assert made.moved("levels_total") == {("info",): 40, ("error",): 40, ("other",): 40}
    assert made.moved("users_total") == {("bob",): 40, ("eve",): 40, ("other",): 40}
    assert made.values("last_timestamp_seconds") == {(): 1769303388.123}
    assert made.moved("refused_values_total") == {("took", "mistyped"): 40}
    assert made.moved("absent_values_total") == {("took",): 120, ("at",): 160}


def test_a_number_where_a_part_of_a_text_is_read_is_taken_as_it_is(bench: Make) -> None:
    made = bench(LOG).feed({"msg": 250}, {"msg": None}, {"msg": "took 500 ms"})
    assert made.values("took_seconds") == {(): 0.75}
    assert not made.effect.rejected


def test_texts_are_told_apart_by_a_part_beside_words_that_take_them_whole(bench: Make) -> None:
    made = bench("""
vocabulary: {level: {values: [info, error]}, topic: {values: [db, web]}}
sources:
  f:
    match: {}
    read: {level: {path: msg, capture: '^.(\\w+)'}, topic: {path: msg, contains: {sql: db, http: web}}}
metrics:
  lines_seen_total: {type: counter, counts: events, labels: [level, topic], budget: 4, help: L.}
""").feed(*({"msg": f"[{('info', 'error')[n % 2]}] {('sql', 'http')[n % 3 > 0]} {n}"} for n in range(60)))
    assert made.values("lines_seen_total") == {
        ("info", "db"): 10,
        ("error", "db"): 10,
        ("info", "web"): 20,
        ("error", "web"): 20,
    }


def last(bench: Make, options: str, raw: object) -> object:
    made = bench(f"""
vocabulary: {{at: {{type: time, max_future: 1e9}}}}
sources: {{s: {{match: {{}}, read: {{at: {{path: t, {options}}}}}}}}}
metrics: {{last_timestamp_seconds: {{type: gauge, sets: at, help: L., budget: 1}}}}
""").feed({"t": raw}, {"t": raw})
    refused = {reason for _, reason in made.moved("refused_values_total")}
    return made.values("last_timestamp_seconds").get((), *refused)


@pytest.mark.parametrize(
    ("options", "raw", "expected"),
    [
        ('format: "%d/%b/%Y:%H:%M:%S %z"', "25/Jan/2026:02:09:48 +0100", 1769303388),
        ('format: "%d/%b/%Y:%H:%M:%S %z"', "25/Jan/2026:06:54:48 +0545", 1769303388),
        ('format: "%a %b %d %H:%M:%S %Y"', "Sun Jan 25 01:09:48 2026", 1769303388),
        ('format: "%a %b %d %H:%M:%S %Y"', "Sun Jan  4 01:09:48 2026", 1767488988),
        ('format: "%Y-%m-%d %H:%M:%S,%f"', "2026-01-25 01:09:48,123", 1769303388.123),
        ('format: "%Y-%m-%d %H:%M:%S,%f"', "2026-01-25 01:09:48.123", "mistyped"),
        ('format: "%d.%m.%Y %H:%M"', "25.01.2026 01:09", 1769303340),
        ('format: "%d %b %Y"', "25 January 2026", 1769299200),
        ('format: "%Y-%m-%d"', "2026-02-30", "mistyped"),
        ('format: "%Y-%m-%d"', 1769303388, 1769303388),
        ('format: "%d/%b/%Y"', "25/Foo/2026", "mistyped"),
        ("zone: Europe/Berlin", "2026-01-25T02:09:48", 1769303388),
        ("zone: Europe/Berlin", "2026-01-25T02:09:48.5", 1769303388.5),
        ("zone: Europe/Berlin", "2026-01-25T01:09:48Z", 1769303388),
        ("zone: Europe/Berlin", "2026-01-24T20:09:48-05:00", 1769303388),
        ("zone: Europe/Berlin", "2026-01-24T21:39:48-03:30", 1769303388),
        ("zone: Europe/Berlin", "2026-01-25T11:39:48+10:30", 1769303388),
        ("zone: America/New_York", "2026-01-24 20:09:48", 1769303388),
        ("zone: Europe/Berlin", "yesterday", "mistyped"),
        ("zone: Europe/Berlin", "1969-12-31 23:00:00", "out_of_range"),
        ("zone: Europe/Berlin", "2026-03-29T02:30:00", 1774747800),
        ("zone: Europe/Berlin", "2026-03-29T03:30:00", 1774747800),
        ("zone: Europe/Berlin", "2025-10-26T02:30:00", 1761438600),
    ],
    ids=lambda value: str(value),
)
def test_a_time_is_read_in_its_format_and_zone(bench: Make, options: str, raw: object, expected: object) -> None:
    assert last(bench, options, raw) == expected


@pytest.mark.parametrize("digits", ["1", "123", "123456789", "1234567899"])
def test_a_fraction_in_a_zone_is_cut_behind_the_nanoseconds(digits: str) -> None:
    clock = clocks.Clock(None, "Europe/Berlin")
    assert clock(f"2026-01-25T02:09:48.{digits}") == 1769303388 * 10**9 + int(digits[:9].ljust(9, "0"))


def test_of_many_different_times_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "_TEXTS_KEPT", 3)
    monkeypatch.setattr(clocks, "_KEPT", 3)
    clock = clocks.Clock("%Y-%m-%d %H:%M:%S", "Europe/Berlin")
    texts = times._Memory(len)
    for second in range(10):
        assert texts["x" * second] == second
        assert clock(f"2026-01-25 00:13:2{second}") == (1769300000 - 3600 + second) * 10**9
        assert len(texts) <= 3 and len(clock._known) <= 3
