"""Times as loggers write them: any number of digits, any offset, days far apart; what is no time is none."""

import random
from calendar import timegm
from datetime import datetime, timedelta

import pytest

from exporters.engine.translate.times import nanoseconds_of


def expected(head: datetime, digits: str, offset_minutes: int) -> int:
    """Return the nanoseconds, by way of the calendar module and whole numbers."""
    return (timegm(head.timetuple()) - offset_minutes * 60) * 10**9 + int(digits[:9].ljust(9, "0"))


def test_any_number_of_digits_on_any_day_is_exact() -> None:
    chance = random.Random(5)
    for _ in range(4000):
        head = datetime(1971, 1, 1) + timedelta(seconds=chance.randrange(4 * 10**9))
        digits = "".join(chance.choices("0123456789", k=chance.randrange(14)))
        offset = chance.choice([0, 0, 60, -330, 14 * 60])
        zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}" if offset else "Z"
        text = f"{head:%Y-%m-%dT%H:%M:%S}{'.' * bool(digits)}{digits}{zone}"
        assert nanoseconds_of(text) == expected(head, digits, offset), text


def test_without_an_offset_it_is_utc_whatever_stands_between_date_and_time() -> None:
    for between in "T t":
        for digits in ("", ".5", ".123456789"):
            assert nanoseconds_of(f"2026-01-25{between}05:13:20{digits}") == 1769318000 * 10**9 + int(
                digits[1:].ljust(9, "0") or 0
            )


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "",
        "2026-01-25",
        "2026-01-25T05:13",
        "2026-01-25T05:13:60Z",
        "2026-01-25T24:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-25_05:13:20Z",
        "2026-01-25T05:13:2Z",
        "2026-01-25T05-13-20Z",
        "2026-01-25T05:13:20.123.5Z",
        "2026-01-25T05:13:20.123456.5Z",
        "2026-01-25T05:13:20.1234x",
        "2026-01-25T05:13:20.123٤Z",
        "2026-01-25T05:13:20+24:00",
        "2026-01-25T05:13:20ZZ",
        "２026-01-25T05:13:20Z",
        "-026-01-25T05:13:20Z",
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert nanoseconds_of(text) is None
