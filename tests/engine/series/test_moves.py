"""How an update moves a series: sums within what is exact, newest and largest values, and ends."""

import sys
from collections.abc import Sequence

import pytest

from contracts.model import Metric
from exporters.engine.records import SavedSeries
from exporters.engine.series import SeriesTable
from exporters.engine.values import Count, End, Observe, Put, Sample, Update
from tests.engine.support.harness import NOW

LABELS = ("a",)
MOST = 2.0**53 - 1
"""Largest whole number that a gauge that adds tells from the next."""


def metric(name: str, kind: str, job: str, **more: object) -> Metric:
    return Metric(name, kind, job, help="Help.", labels={"run": "run"}, budget=3, **more)  # type: ignore[arg-type]


SUM = metric("sum", "gauge", "adds", subject="size")
AMOUNT = metric("amount_total", "counter", "counts", subject="kind", amount="size")
SECONDS = metric("wait_seconds", "histogram", "observes", subject="wait", buckets=(1.0, 2.0))
GAUGE = metric("value", "gauge", "sets", subject="size")
LOWEST = metric("lowest", "gauge", "sets", subject="size", keeps="min")
HIGHEST = metric("highest", "gauge", "sets", subject="size", keeps="max")
RECENT = metric("recent", "gauge", "sets", subject="size", newest_by="at", ends_after=60.0)
ALL = (SUM, AMOUNT, SECONDS, GAUGE, LOWEST, HIGHEST, RECENT)


def moved(*updates: Update) -> SeriesTable:
    table = SeriesTable(ALL, {})
    for update in updates:
        assert not table.apply([update], now=1.0).refused
    table.commit()
    return table


def shown(table: SeriesTable, wanted: Metric) -> Sample | None:
    """Return the one sample of a metric, None if it shows none."""
    samples: Sequence[Sample] = {found.name: samples for found, samples in table.snapshot()}[wanted.name]
    return samples[0] if samples else None


def value(table: SeriesTable, wanted: Metric) -> float | None:
    sample = shown(table, wanted)
    return sample.value if sample else None


@pytest.mark.parametrize("sign", [1, -1])
def test_a_gauge_that_adds_goes_as_far_as_each_whole_number_can_be_told_from_the_next(sign: int) -> None:
    table = moved(Observe(SUM, LABELS, [sign * (MOST - 1), sign * 1.0]))
    assert value(table, SUM) == sign * MOST
    assert table.apply([Observe(SUM, LABELS, [sign * 1.0])], now=1.0).refused == {("size", "out_of_range"): 1}
    table.commit()
    assert value(table, SUM) == sign * MOST


@pytest.mark.parametrize("values", [[5.0, -5.0], [-5.0, 5.0]])
def test_what_a_gauge_that_adds_holds_does_not_depend_on_where_batches_end(values: list[float]) -> None:
    whole, each = moved(Observe(SUM, LABELS, [MOST - 1])), moved(Observe(SUM, LABELS, [MOST - 1]))
    refused = whole.apply([Observe(SUM, LABELS, values)], now=1.0).refused
    assert refused == sum(
        (each.apply([Observe(SUM, LABELS, [one])], now=1.0).refused for one in values), type(refused)()
    )
    whole.commit()
    each.commit()
    assert value(whole, SUM) == value(each, SUM) == (MOST - 6 if values[0] > 0 else MOST - 1)


def test_a_counter_and_a_histogram_add_as_long_as_their_sum_is_finite() -> None:
    most = sys.float_info.max
    for wanted, key in ((AMOUNT, ("size", "out_of_range")), (SECONDS, ("wait", "out_of_range"))):
        table = moved(Observe(wanted, LABELS, [most]))
        assert table.apply([Observe(wanted, LABELS, [most, 0.0])], now=1.0).refused == {key: 1}
        table.commit()
        assert value(table, wanted) == most


@pytest.mark.parametrize("number", [1, 7, 8, 9, 20])
def test_a_value_at_a_bound_lies_within_its_bucket_however_many_there_are(number: int) -> None:
    table = moved(Observe(SECONDS, LABELS, [value for value in (1.0, 1.5, 2.0, 2.5) for _ in range(number)]))
    sample = shown(table, SECONDS)
    assert sample is not None
    assert (sample.value, sample.buckets) == (7.0 * number, (number, 2 * number, number))


def test_a_lowest_and_a_highest_value_stay_and_begin_with_any() -> None:
    values = (3.0, 5.0, -1.0, 2.0)
    assert value(moved(*(Put(LOWEST, LABELS, one, "min") for one in values)), LOWEST) == -1.0
    assert value(moved(*(Put(HIGHEST, LABELS, one, "max") for one in values)), HIGHEST) == 5.0


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        (Put(GAUGE, LABELS, -2.0), -2.0),
        (Put(HIGHEST, LABELS, -2.0, "max"), -2.0),
        (Put(LOWEST, LABELS, 9.0, "min"), 9.0),
        (Observe(SUM, LABELS, [3.0, 4.0]), 7.0),
    ],
    ids=lambda one: one.metric.name if hasattr(one, "metric") else str(one),
)
def test_what_was_ended_is_not_shown_and_begins_anew_with_whatever_comes(again: Update, expected: float) -> None:
    ended = again.metric
    first = Observe(SUM, LABELS, [1.0]) if ended is SUM else Put(ended, LABELS, 5.0)
    table = moved(first, End(ended, LABELS))
    assert shown(table, ended) is None
    table.apply([again], now=2.0)
    table.commit()
    assert value(table, ended) == expected


def test_what_is_older_than_the_newest_event_or_the_end_changes_nothing() -> None:
    table = moved(Put(GAUGE, LABELS, 1.0, at=50), End(GAUGE, LABELS, at=49), Put(GAUGE, LABELS, 2.0, at=49))
    assert shown(table, GAUGE) == Sample(LABELS, 1.0, 1.0, at=50)
    table = moved(End(GAUGE, LABELS, at=50), Put(GAUGE, LABELS, 1.0, at=49))
    assert shown(table, GAUGE) is None
    table.apply([Put(GAUGE, LABELS, 2.0, at=50)], now=1.0)
    table.commit()
    assert shown(table, GAUGE) == Sample(LABELS, 2.0, 1.0, at=50)


def test_where_no_time_decides_the_last_line_wins_over_one_that_had_a_time() -> None:
    """As after a contract that went by the time of events."""
    table = moved(Put(GAUGE, LABELS, 1.0, at=50), Put(GAUGE, LABELS, 2.0))
    assert shown(table, GAUGE) == Sample(LABELS, 2.0, 1.0, at=0)
    table = moved(Put(GAUGE, LABELS, 1.0, at=50), End(GAUGE, LABELS))
    assert shown(table, GAUGE) is None
    (stored,) = [one for one in table.changes(everything=True) if isinstance(one, SavedSeries)]
    assert stored.at == 0


def test_a_gauge_ends_once_its_newest_event_is_older_than_it_says() -> None:
    newest = round(NOW) * 10**9
    table = moved(Put(RECENT, LABELS, 1.0, at=newest), Put(GAUGE, LABELS, 1.0, at=1))
    before = table.snapshot()
    table.commit(NOW + 60)
    assert table.snapshot() == before, "just as old as it says"
    table.commit(NOW + 60.1)
    assert shown(table, RECENT) is None
    assert value(table, GAUGE) == 1.0, "of a metric that does not end"
    table.apply([Put(RECENT, LABELS, 2.0, at=newest + 10**9)], now=1.0)
    table.commit(NOW + 60.1)
    assert value(table, RECENT) == 2.0


def test_samples_are_the_same_object_until_one_of_them_changes() -> None:
    table = moved(Put(RECENT, LABELS, 1.0, at=1), Put(GAUGE, LABELS, 1.0), Count(AMOUNT, LABELS, 1.0))
    table.apply([Put(RECENT, ("b",), 1.0, at=2000 * 10**9)], now=1.0)
    table.commit(1060.0)
    before = {found.name: samples for found, samples in table.snapshot()}
    table.apply([Put(GAUGE, LABELS, 2.0)], now=1.0)
    table.commit(1061.0)
    after = {found.name: samples for found, samples in table.snapshot()}
    assert [name for name in before if after[name] is not before[name]] == ["value"]
