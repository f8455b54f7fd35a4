"""What is read from an expression: its names, numbers, quantiles and windows, with variables and recordings."""

from __future__ import annotations

import pytest

from contracts.lint.promql.numbers import constants, named_quantiles, quantiles, value_of, windows
from contracts.lint.promql.syntax import (
    QueryError,
    alternatives,
    is_comparison,
    is_pattern,
    matches,
    name_of,
    number_of,
    operator_of,
    parse,
    selectors,
)

RECORDS = {
    "a": [parse("rate(x[7m]) > 7"), parse("x offset 8m")],
    "b": [parse("histogram_quantile(0.7, a)")],
    "c": [parse("b + 70")],
    "d": [parse("c + 700")],
    "e": [parse("d + 7000")],
}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("rate(x[$__rate_interval])", "rate(x[5m])"),
        ("rate(x[${w}s])", "rate(x[5m])"),
        ("rate(x[5m:$step])", "rate(x[5m:5m])"),
        ("x offset $back", "x offset 5m"),
        ("x offset 5m + $n", "x offset 5m + 1"),
        ("x[5m] # $n", "x[5m]"),
        ("sum by (a, # (b)\n $c) (x)", "sum by (a, _variable_) (x)"),
        ("x * $n", "x * 1"),
        ("x * [[n]]", "x * 1"),
        ("$n", "1"),
        ("$f(x)", "sum(x)"),
        ("$f by (a) (x)", "sum by (a) (x)"),
        ("sum by ($a) (x)", "sum by (_variable_) (x)"),
        ("sum by (b, ${a}) (x)", "sum by (b, _variable_) (x)"),
        ("x * on ($a) y", "x * on (_variable_) y"),
        ('x{$a="b"}', 'x{_variable_="b"}'),
        ('x{b="$c"}', 'x{b="$c"}'),
        ("x{b='$c'}", "x{b='$c'}"),
        ("x_$a", "x__variable_"),
        ("x$a", "x_variable_"),
        ("sum(x$a)", "sum(x_variable_)"),
        ("x:$a", "x:_variable_"),
        ("${a}_total", "_variable__total"),
        ('$a{b="c"}', '_variable_{b="c"}'),
        ("$a[5m]", "_variable_[5m]"),
        ("1 - $n", "1 - 1"),
        ("(x) > $n", "(x) > 1"),
    ],
)
def test_a_variable_becomes_what_may_stand_there(written: str, meant: str) -> None:
    assert str(parse(written)) == str(parse(meant))


@pytest.mark.parametrize("written", ["x +", "sum(", "x{", "rate(x)"])
def test_what_is_no_promql_says_so(written: str) -> None:
    with pytest.raises(QueryError, match=r"\w"):
        parse(written)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("x", "x"),
        ('x{job="y"}', "x"),
        ('{__name__="x"}', "x"),
        ('{job="y", __name__="x"}', "x"),
        ('{__name__=~"x"}', None),
        ('{__name__!="x", job="y"}', None),
        ('{job="y"}', None),
        ('{__name__="$x"}', None),
        ("x_$a", None),
    ],
)
def test_a_selector_has_the_name_it_states(written: str, name: str | None) -> None:
    [selector] = selectors(parse(written))
    assert name_of(selector) == name


@pytest.mark.parametrize(
    ("written", "number"),
    [("1", 1), ("-1", -1), ("(-(1.5))", 1.5 * -1), ("+2", 2), ("--3", 3), ("x", None), ("-x", None), ("1 + 1", None)],
)
def test_a_number_is_one_with_its_sign_and_parentheses(written: str, number: float | None) -> None:
    assert number_of(parse(written)) == number


@pytest.mark.parametrize(
    ("written", "operator", "compares"),
    [
        ("x + y", "+", False),
        ("x > y", ">", True),
        ("x == bool y", "==", True),
        ("sum(x)", "sum", False),
        ("rate(x[5m])", "rate", False),
        ("x", "", False),
        ("1", "", False),
        ("x and y", "and", False),
    ],
)
def test_a_node_has_its_operator(written: str, operator: str, compares: bool) -> None:
    assert (operator_of(parse(written)), is_comparison(parse(written))) == (operator, compares)


@pytest.mark.parametrize("sign", ["==", "!=", ">", "<", ">=", "<="])
def test_each_comparison_is_one(sign: str) -> None:
    assert is_comparison(parse(f"x {sign} 1"))


def test_patterns_are_told_from_names_and_taken_apart() -> None:
    assert [sign for sign in ".*+?\\^$()[]{}|-_ :/" if not is_pattern(f"a{sign}b")] == [*"-_ :/"]
    assert [alternatives(pattern) for pattern in ("a|b|c", "a[|]b", "a\\|b", "a(|)b", "a")] == [
        ["a", "b", "c"],
        ["a[|]b"],
        ["a\\|b"],
        ["a(|)b"],
        ["a"],
    ]
    taken = [("[[:alpha:]]", "1"), ("(", "x"), ("a.*", "ab")]
    assert [matches(*one) for one in (*taken, ("a", "ab"))] == [True, True, True, False]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("4 * 3600", 14400),
        ("7 - 2", 5),
        ("7 + 2", 9),
        ("7 / 2", 3.5),
        ("2 ^ 3", 8),
        ("(1 + 1) * -2", -4),
        ("1 / 0", None),
        ("(-8) ^ 0.5", None),
        ("1 + x", None),
        ("x + 1", None),
        ("7 % 2", None),
        ("x", None),
    ],
)
def test_constant_arithmetic_has_its_value(written: str, value: float | None) -> None:
    assert value_of(parse(written)) == value


def test_there_is_no_value_of_nothing() -> None:
    assert value_of(None) is None


@pytest.mark.parametrize(
    ("written", "numbers"),
    [
        ("x > 5", {5}),
        ("x > -5", {5, -5}),
        ("x > 4 * 3", {4, 3, 12}),
        ("a", {7}),
        ("b", {0.7, 7}),
        ("c", {70, 0.7, 7}),
        ("d", {700, 70, 0.7}),
        ("d > 5", {5, 700, 70, 0.7}),
        ("e", {7000, 700, 70}),
        ("x", set()),
    ],
)
def test_numbers_are_those_of_the_expression_and_of_three_recordings_deep(written: str, numbers: set[float]) -> None:
    assert constants(parse(written), RECORDS) == numbers


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("rate(x[5m])", {300}),
        ("rate(x[5m] offset 1h)", {300, 3600}),
        ("x offset -1m", {60}),
        ("max_over_time(x[5m:1m])", {300}),
        ("x", set()),
        ("a", {420, 480}),
        ("c", {420, 480}),
        ("d", set()),
    ],
)
def test_windows_are_those_of_the_expression_and_of_three_recordings_deep(written: str, seconds: set[float]) -> None:
    assert windows(parse(written), RECORDS) == seconds


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("histogram_quantile(0.95, x)", {0.95}),
        ("quantile_over_time(0.5, x[5m])", {0.5}),
        ("quantile(0.9, x)", {0.9}),
        ("quantile(scalar(x), x)", set()),
        ("histogram_quantile(scalar(x), y)", set()),
        ("histogram_quantile(0.1234567, x)", {0.123457}),
        ("quantile(0.1234567, x)", {0.123457}),
        ("histogram_quantile(1 - 0.05, x)", {0.95}),
        ('x{quantile="0.9"}', {0.9}),
        ('x{quantile=".5"}', {0.5}),
        ('x{quantile="1", job="0"}', {1}),
        ('x{quantile="0"}', {0}),
        ('x{quantile="$q"}', set()),
        ('x{quantile="9"}', set()),
        ('x{share="0.9"}', set()),
        ("b", {0.7}),
        ("d", {0.7}),
        ("e", set()),
        ("x", set()),
    ],
)
def test_quantiles_are_those_of_the_expression_and_of_three_recordings_deep(written: str, found: set[float]) -> None:
    assert quantiles(parse(written), RECORDS) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("p95", {0.95}),
        ("P99.9", {0.999}),
        ("p999", {0.999}),
        ("the 50th percentile", {0.5}),
        ("99.95th percentile", {0.9995}),
        ("p5", set()),
        ("up95", set()),
        ("p95x", set()),
        ("p9599", set()),
        ("p50 and p99", {0.5, 0.99}),
        ("99.12345678th percentile", {0.991235}),
    ],
)
def test_a_text_names_quantiles(text: str, found: set[float]) -> None:
    assert named_quantiles(text) == found
