from datetime import UTC, datetime, timedelta, timezone
from itertools import islice

from emitters.slots import slots, timestamp

START = datetime(2026, 1, 25, 1, 9, 48, 123_000, tzinfo=UTC)


def test_slot_i_is_i_intervals_after_the_start() -> None:
    assert list(slots(START, 3, timedelta(milliseconds=200))) == [
        (0, START),
        (1, START + timedelta(milliseconds=200)),
        (2, START + timedelta(milliseconds=400)),
    ]


def test_no_count_is_endless() -> None:
    last = list(islice(slots(START, None, timedelta(seconds=1)), 1000))[-1]
    assert last == (999, START + timedelta(seconds=999))


def test_count_zero_is_nothing() -> None:
    assert list(slots(START, 0, timedelta(seconds=1))) == []


def test_a_start_with_an_offset_becomes_utc() -> None:
    start = START.astimezone(timezone(timedelta(hours=2)))
    assert [at.isoformat() for _, at in slots(start, 1, timedelta(0))] == ["2026-01-25T01:09:48.123000+00:00"]


def test_a_timestamp_is_utc_cut_to_milliseconds() -> None:
    moment = datetime(2026, 1, 25, 3, 9, 48, 123_999, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(moment) == "2026-01-25T01:09:48.123Z"
    assert timestamp(datetime(2026, 1, 25, tzinfo=UTC)) == "2026-01-25T00:00:00.000Z"
