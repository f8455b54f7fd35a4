"""Numbers and times in quotes, texts that mean none, and texts and flags that stand for numbers."""

import math
import sys
from collections.abc import Callable

import pytest

from exporters.engine.translate.measures import number_of
from tests.engine.support.harness import Bench

pytestmark = pytest.mark.thorough

Make = Callable[..., Bench]

SPEC = """
vocabulary:
  took: {type: number, unit: seconds, min: 0}
  heat: {type: number}
  at: {type: time}
  kind: {values: [buy, sell], otherwise: other}
sources:
  f:
    match: {}
    read:
      took: {path: took, scale: 0.001, none: ["-", "", n/a]}
      heat: {path: heat, aliases: {1: [true, open, 7], -1: [shut], 0: [false]}}
      at: {path: ts, scale: 0.001, none: ["-"]}
      kind: {path: kind, none: ["-"]}
metrics:
  took_seconds: {type: histogram, observes: took, buckets: [1], help: T., budget: 1}
  heat: {type: gauge, sets: heat, newest_by: lines, help: H., budget: 1}
  last_timestamp_seconds: {type: gauge, sets: at, help: L., budget: 1}
  kinds_total: {type: counter, counts: kind, labels: [kind], help: K., budget: 3}
"""

GOOD = ["1500", "1500.0", "1.5e3", "1.5E+3", "+1500", "01500", "1500."]
BAD = [
    "",
    " ",
    "1 500",
    " 1500",
    "1500 ",
    "1_500",
    "nan",
    "NaN",
    "inf",
    "Infinity",
    "0x10",
    "1,5",
    "\uff11",
    "1e",
    "--1",
]


@pytest.mark.parametrize("text", GOOD)
@pytest.mark.parametrize("others", [[], [7], [None], ["x"]], ids=repr)
def test_a_plain_decimal_text_is_a_number_whatever_stands_beside_it(
    bench: Make, text: str, others: list[object]
) -> None:
    made = bench(SPEC).feed({"took": text}, *[{"took": other} for other in others])
    assert made.values("took_seconds")[()] == pytest.approx(1.5 + 0.007 * (others == [7]))


@pytest.mark.parametrize("text", [*BAD[2:], "12" * 60 + "x"])
def test_any_other_text_is_no_number(bench: Make, text: str) -> None:
    made = bench(SPEC).feed({"took": text}, {"took": "1"}, {"heat": text})
    assert made.moved("refused_values_total") == {("took", "mistyped"): 1, ("heat", "mistyped"): 1}
    assert made.values("took_seconds")[()] == 0.001


def test_a_number_in_quotes_keeps_to_the_bounds(bench: Make) -> None:
    made = bench(SPEC).feed({"took": "-1"}, {"took": "1e999"}, {"heat": "-1e999"})
    assert made.moved("refused_values_total") == {("took", "out_of_range"): 2, ("heat", "out_of_range"): 1}


@pytest.mark.parametrize("text", ["-", "", "  ", " N/A "])
def test_a_text_that_means_none_is_absent_and_not_refused(bench: Make, text: str) -> None:
    made = bench(SPEC).feed({"took": text, "kind": "-", "ts": "-"}, {"took": 1, "kind": "buy"})
    assert made.moved("refused_values_total") == {}
    assert made.moved("absent_values_total") == {("took",): 1, ("heat",): 2, ("at",): 2}
    assert made.moved("kinds_total") == {("buy",): 1}


@pytest.mark.parametrize(
    ("raw", "value"), [(True, 1), (False, 0), ("OPEN ", 1), ("shut", -1), (7, 1), ("7", 1), (8, 8), ("8.5", 8.5)]
)
def test_texts_and_flags_stand_for_numbers(bench: Make, raw: object, value: float) -> None:
    for beside in (3, raw):
        assert bench(SPEC).feed({"heat": beside}, {"heat": raw}).values("heat") == {(): value}


@pytest.mark.parametrize("raw", ["ajar", [1], {}])
def test_what_no_alias_names_is_refused(bench: Make, raw: object) -> None:
    assert bench(SPEC).feed({"heat": raw}, {"heat": 8}).moved("refused_values_total") == {("heat", "mistyped"): 1}


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("1769299000123", 1769299000.123),
        ("1769299000123.4567", 1769299000.123456),
        ("1.769299000123e12", 1769299000.123),
        ("2026-01-25T00:00:00Z", 1769299200.0),
    ],
)
def test_a_time_in_quotes_is_exact(bench: Make, raw: str, seconds: float) -> None:
    assert bench(SPEC).feed({"ts": raw}).values("last_timestamp_seconds") == {(): seconds}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [("1e999999999", "out_of_range"), ("9" * 5000, "out_of_range"), ("-5", "out_of_range"), ("9e15", "future")],
    ids=["huge exponent", "many digits", "before 1970", "to come"],
)
def test_a_time_in_quotes_that_is_none_is_refused(bench: Make, raw: str, reason: str) -> None:
    assert bench(SPEC).feed({"ts": raw}).moved("refused_values_total") == {("at", reason): 1}


@pytest.mark.parametrize("text", ["\uff11\uff17\uff16\uff19", "\u0661\u0667", "\u00b2", "1e-", "+", "1." * 3])
def test_no_digits_but_plain_ones_are_a_time(bench: Make, text: str) -> None:
    made = bench(SPEC).feed({"ts": text}, {"ts": "1769300000000"})
    assert made.values("last_timestamp_seconds") == {(): 1769300000}
    assert made.moved("refused_values_total") == {("at", "mistyped"): 1}
    assert made.moved("lines_total") == {("applied",): 1, ("ignored",): 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e999999999999999999999", "out_of_range"),
        ("-1e999999999999999999999", "out_of_range"),
        ("1e-999999999999999999999", 0),
        ("-1e-999999999999999999999", "out_of_range"),
        ("0e30", 0),
        ("1e" + "9" * 400, "out_of_range"),
        ("1769300000123." + "0" * 49 + "e0", 1769300000.123),
        ("1769300000123." + "0" * 50 + "e0", 1769300000.123),
        ("1769300000123000." + "0" * 90 + "e-3", 1769300000.123),
        ("0" * 99 + "1769300000123", 1769300000.123),
        ("0" * 99 + "1769300000123.0", 1769300000.123),
        ("999.999999" + "9" * 99, 0.999999),
        ("9" * 20, "future"),
        ("1" + "0" * 20, "out_of_range"),
        ("99999999999999999999.9", "future"),
        ("100000000000000000000.0", "out_of_range"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_time_in_quotes_may_have_any_number_of_digits_and_costs_itself_alone(
    bench: Make, text: str, expected: object
) -> None:
    made = bench(SPEC).feed({"ts": text, "kind": "buy"})
    refused = {reason for _, reason in made.moved("refused_values_total")}
    assert made.values("last_timestamp_seconds").get((), *refused) == expected
    assert made.moved("lines_total") == {("applied",): 1}


def test_whole_numbers_are_numbers_as_far_as_floats_go_and_infinite_beyond() -> None:
    largest = int(sys.float_info.max)
    assert [number_of(raw) for raw in (largest, -largest)] == [float(largest), -float(largest)]
    assert [number_of(raw) for raw in (10**400, -(10**400))] == [math.inf, -math.inf]
