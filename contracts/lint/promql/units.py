"""What a number means: its dimension and its scale, and what arithmetic makes of them.

In: metric names, Grafana unit ids. Out: `Unit`s, compared by `rules/dashboard_unit.py`. A `None` is an honest
"cannot tell" and never leads to a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from contracts.model import Metric

__all__ = [
    "COUNT",
    "GRAFANA_UNITS",
    "RATIO",
    "SECONDS",
    "TIMESTAMP",
    "Unit",
    "divide",
    "multiply",
    "per_second",
    "unit_of",
    "unit_of_name",
]


class Unit(NamedTuple):
    """A dimension (seconds, bytes, ratio, timestamp, count, or one of them per second) and the factor shown.

    A ratio shown as percent is ("ratio", 100); a rate per minute is ("count/s", 60).
    """

    dimension: str
    scale: float = 1.0

    def __str__(self) -> str:
        """Render as the dimension, with the factor if it is not 1."""
        return self.dimension if self.scale == 1 else f"{self.dimension} x {self.scale:g}"


SECONDS, BYTES, RATIO = Unit("seconds"), Unit("bytes"), Unit("ratio")
TIMESTAMP, COUNT = Unit("timestamp"), Unit("count")

_ENDINGS = (
    ("_timestamp_seconds", TIMESTAMP),
    ("_start_time_seconds", TIMESTAMP),
    ("_seconds", SECONDS),
    ("_bytes", BYTES),
    ("_ratio", RATIO),
)

_ANY_COUNT = tuple(Unit("count", scale) for scale in (1.0, 60.0))
_PLAIN = (*_ANY_COUNT, Unit("count/s"), Unit("count/s", 60), Unit("count/s", 3600))

GRAFANA_UNITS: Mapping[str, tuple[Unit, ...]] = {
    **dict.fromkeys(("", "none", "short", "locale", "string"), _PLAIN),
    **dict.fromkeys(("bool", "bool_yes_no", "bool_on_off"), (COUNT,)),
    **dict.fromkeys(("s", "dtdurations", "dthms", "clocks"), (SECONDS,)),
    **dict.fromkeys(("ms", "dtdurationms", "clockms"), (Unit("seconds", 1e3),)),
    "µs": (Unit("seconds", 1e6),),
    "ns": (Unit("seconds", 1e9),),
    "m": (Unit("seconds", 1 / 60),),
    "h": (Unit("seconds", 1 / 3600),),
    **dict.fromkeys(("bytes", "decbytes"), (BYTES,)),
    **dict.fromkeys(("Bps", "binBps"), (Unit("bytes/s"),)),
    "percentunit": (RATIO,),
    "percent": (Unit("ratio", 100),),
    **dict.fromkeys(("reqps", "ops", "cps", "eps", "rps", "wps", "iops", "mps"), (Unit("count/s"),)),
    **dict.fromkeys(("reqpm", "opm", "cpm", "epm", "rpm", "wpm", "mpm"), (Unit("count/s", 60),)),
    **dict.fromkeys(
        ("dateTimeAsIso", "dateTimeAsUS", "dateTimeAsLocal", "dateTimeFromNow", "dateTimeAsSystem"),
        (Unit("timestamp", 1e3),),
    ),
}
"""Grafana unit id -> what a value shown with it may be. Source: Grafana's valueFormats/categories.ts."""


def unit_of(metric: Metric, sample: str) -> Unit:
    """Return the unit of one of a metric's sample names (`_bucket` and `_count` count observations)."""
    if metric.type == "histogram" and not sample.endswith("_sum"):
        return COUNT
    return unit_of_name(metric.name)


def unit_of_name(name: str) -> Unit:
    """Return the unit a metric's name states; without one it counts things.

    >>> unit_of_name("x_bytes_total")
    Unit(dimension='bytes', scale=1.0)
    """
    stem = name.removesuffix("_total").split("_by_")[0]
    return next((unit for ending, unit in _ENDINGS if stem.endswith(ending)), COUNT)


def per_second(unit: Unit | None) -> Unit | None:
    """Return the unit of a rate; seconds per second are a ratio."""
    if unit is None or unit.dimension.endswith("/s"):
        return None
    return RATIO if unit == SECONDS else Unit(unit.dimension + "/s", unit.scale)


def multiply(left: Unit | None, factor: float) -> Unit | None:
    """Return the unit of a value times a number."""
    return None if left is None else Unit(left.dimension, left.scale * factor)


def divide(left: Unit | None, right: Unit | None) -> Unit | None:
    """Return the unit of a quotient: like by like is a ratio, anything per count keeps its unit."""
    if left is None or right is None:
        return None
    if left.dimension == right.dimension:
        return Unit("ratio", left.scale / right.scale)
    if left == RATIO and right == Unit("count/s"):  # seconds per second, per event per second
        return SECONDS
    if right.dimension == "count":
        return Unit(left.dimension, left.scale / right.scale)
    return None
