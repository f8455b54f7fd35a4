"""What a number means, by its name and by arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.lint.inputs.unit_ids import meant
from contracts.lint.promql.units import GRAFANA_UNITS, Unit, divide, multiply, per_second, unit_of, unit_of_name
from contracts.model import Metric

RATE = Unit("count/s")


@pytest.mark.parametrize(
    ("function", "given", "unit"),
    [
        (unit_of_name, ("x_seconds",), Unit("seconds")),
        (unit_of_name, ("x_bytes_total",), Unit("bytes")),
        (unit_of_name, ("x_ratio",), Unit("ratio")),
        (unit_of_name, ("x_timestamp_seconds",), Unit("timestamp")),
        (unit_of_name, ("process_start_time_seconds",), Unit("timestamp")),
        (unit_of_name, ("x_seconds_by_kind_bytes",), Unit("seconds")),
        (unit_of_name, ("x_seconds_y",), Unit("count")),
        (per_second, (Unit("bytes"),), Unit("bytes/s")),
        (per_second, (Unit("bytes", 2),), Unit("bytes/s", 2)),
        (per_second, (Unit("seconds"),), Unit("ratio")),
        (per_second, (RATE,), None),
        (per_second, (None,), None),
        (
            multiply,
            (
                Unit("seconds", 2),
                3,
            ),
            Unit("seconds", 6),
        ),
        (
            multiply,
            (
                None,
                3,
            ),
            None,
        ),
        (
            divide,
            (
                Unit("seconds", 6),
                Unit("seconds", 2),
            ),
            Unit("ratio", 3),
        ),
        (
            divide,
            (
                Unit("bytes", 6),
                Unit("count", 2),
            ),
            Unit("bytes", 3),
        ),
        (
            divide,
            (
                Unit("ratio"),
                RATE,
            ),
            Unit("seconds"),
        ),
        (
            divide,
            (
                Unit("bytes"),
                RATE,
            ),
            None,
        ),
        (
            divide,
            (
                None,
                RATE,
            ),
            None,
        ),
        (
            divide,
            (
                RATE,
                None,
            ),
            None,
        ),
    ],
)
def test_units_are_calculated_with(function: Any, given: tuple[Any, ...], unit: Unit | None) -> None:
    assert function(*given) == unit


def test_a_unit_is_written_with_its_scale_unless_it_is_one() -> None:
    assert [str(Unit("seconds", scale)) for scale in (1, 1000, 0.5)] == ["seconds", "seconds x 1000", "seconds x 0.5"]


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("secs", "s"),
        ("millis", "ms"),
        ("min", "m"),
        ("hours", "h"),
        ("octets", "bytes"),
        ("bytes/s", "Bps"),
        ("pct", "percent"),
        ("share", "percentunit"),
        ("requests/s", "reqps"),
        ("count", "short"),
    ],
)
def test_of_what_people_write_instead_of_an_id_the_id_is_told(written: str, unit: str) -> None:
    assert meant(written) == unit


@pytest.mark.parametrize(
    ("ids", "unit"),
    [
        ("bool bool_yes_no bool_on_off short none", Unit("count")),
        ("short locale string", Unit("count", 60)),
        ("reqps ops cps eps rps wps iops mps short", Unit("count/s")),
        ("reqpm opm cpm epm rpm wpm mpm short", Unit("count/s", 60)),
        ("short", Unit("count/s", 3600)),
        ("s dtdurations dthms clocks", Unit("seconds")),
        ("ms dtdurationms clockms", Unit("seconds", 1000)),
        ("µs", Unit("seconds", 1e6)),
        ("ns", Unit("seconds", 1e9)),
        ("m", Unit("seconds", 1 / 60)),
        ("h", Unit("seconds", 1 / 3600)),
        ("bytes decbytes", Unit("bytes")),
        ("Bps binBps", Unit("bytes/s")),
        ("percentunit", Unit("ratio")),
        ("percent", Unit("ratio", 100)),
        ("dateTimeAsIso dateTimeAsUS dateTimeAsLocal dateTimeFromNow dateTimeAsSystem", Unit("timestamp", 1000)),
    ],
)
def test_grafanas_units_show_values_of_a_dimension_on_a_scale(ids: str, unit: Unit) -> None:
    assert [one for one in ids.split() if unit not in GRAFANA_UNITS[one]] == []


def test_the_buckets_and_the_count_of_a_histogram_count_and_its_sum_has_the_unit() -> None:
    metric = Metric("x_seconds", "histogram", "observes", "", {}, 1)
    found = [unit_of(metric, f"x_seconds{ending}").dimension for ending in ("_bucket", "_count", "_sum")]
    assert found == ["count", "count", "seconds"]
    assert unit_of(Metric("x_seconds", "gauge", "sets", "", {}, 1), "x_seconds") == Unit("seconds")
