"""Times of one day are read all at once, and are what they are one by one."""

import random
from collections.abc import Iterator

import pytest

from exporters.engine.translate.one_day import _ones, times_of_one_day
from exporters.engine.translate.times import nanoseconds_of

CHARACTERS = "0123456789:.-+ZTz \n/;é\x00"


def begin(text: str) -> int:
    return known(f"{text}Z")


def tail(text: str) -> int:
    return known(f"1970-01-02T00:00:00{text}") - 86_400 * 10**9


def known(text: str) -> int:
    found = nanoseconds_of(text)
    if found is None:
        raise ValueError(text)
    return found


def read(texts: list[str]) -> list[int] | None:
    try:
        return times_of_one_day(texts, begin, tail)
    except ValueError:
        return None


def texts_of_a_day(chance: random.Random, fraction: int, behind: str, between: str = "T") -> list[str]:
    def text() -> str:
        hour, minute, second = chance.randrange(24), chance.randrange(60), chance.randrange(60)
        digits = "".join(chance.choices("0123456789", k=fraction))
        return f"2024-02-29{between}{hour:02}:{minute:02}:{second:02}{'.' * bool(fraction)}{digits}{behind}"

    return [text() for _ in range(30)]


@pytest.mark.parametrize("behind", ["", "Z", "z", "+01:00", "-0130"])
@pytest.mark.parametrize("fraction", [0, 3, 6, 9])
def test_all_at_once_is_what_it_is_one_by_one(fraction: int, behind: str) -> None:
    chance = random.Random(fraction)
    for between in "T ":
        texts = texts_of_a_day(chance, fraction, behind, between)
        assert read(texts) == [nanoseconds_of(text) for text in texts]


def test_what_hour_minute_and_second_have_in_common_is_added_once() -> None:
    for texts in (
        ["2024-02-29T05:13:20.001Z"] * 9,
        [f"2024-02-29T05:{minute}:20.5{minute}Z" for minute in range(10, 60)],
    ):
        assert read(texts) == [nanoseconds_of(text) for text in texts]


@pytest.mark.parametrize(
    ("day", "is_read"), [("1970-01-02", True), ("2262-04-11", True), ("2262-04-12", False), ("9999-12-31", False)]
)
def test_what_eight_bytes_may_not_hold_is_left_alone(day: str, is_read: bool) -> None:
    texts = [f"{day}T{hour:02}:59:59.999999999Z" for hour in range(24)]
    assert read(texts) == ([nanoseconds_of(text) for text in texts] if is_read else None)


def test_for_batches_of_any_length_only_some_numbers_are_kept() -> None:
    for number in range(1, 100):
        assert read(["2024-02-29T05:13:20Z"] * number) == [nanoseconds_of("2024-02-29T05:13:20Z")] * number
    assert _ones.cache_info().currsize <= 16


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-29T05x13x20Z",
        "2024-02-29T05:13:20.123.5Z",
        "2024-02-29T05:13:20.123+25:00",
        "2024-02-30T05:13:20Z",
        "2024-02-29T24:00:00Z",
        "2024-02-29T05:60:00Z",
        "2024-02-29T05:13:60.000Z",
        "2024-02-29x05:13:20Z",
        "2024-02-29T05:13:20.12Z",
        "1706677200",
        "",
    ],
)
def test_what_all_write_in_a_wrong_way_is_left_alone(text: str) -> None:
    assert read([text] * 3) is None


@pytest.mark.parametrize("text", ["24:13:20.000", "05:60:20.000", "05:13:60.000", "05:13:2x.000", "05:13:20.0/0"])
def test_one_that_is_no_time_of_day_among_those_that_are_is_seen(text: str) -> None:
    assert read(["2024-02-29T05:13:20.000Z", f"2024-02-29T{text}Z", "2024-02-29T23:59:59.999Z"]) is None
    assert read(["2024-02-29T05:13:20.000Z", "2024-02-29T23:59:59.999Z"]) is not None


def changed(chance: random.Random, texts: list[str]) -> Iterator[list[str]]:
    """Yield the texts with some characters of one or two of them replaced, left out or put in."""
    for _ in range(1500):
        some = list(texts)
        for at in chance.choices(range(len(some)), k=chance.choice((1, 1, 2))):
            text, place, more = some[at], chance.randrange(25), chance.choice(CHARACTERS)
            some[at] = text[:place] + chance.choice((more, "", more + text[place : place + 1])) + text[place + 1 :]
        if chance.random() < 0.2:
            first, second = chance.sample(range(len(some)), 2)
            some[first], some[second] = f"{some[first]}\n{some[second]}", ""
        yield some


def test_a_text_that_is_no_time_is_never_taken_for_one() -> None:
    chance = random.Random(7)
    found = [(some, read(some)) for some in changed(chance, texts_of_a_day(chance, 3, "Z"))]
    taken = [(some, times) for some, times in found if times is not None]
    assert 20 < len(taken) < len(found)
    assert all(times == [nanoseconds_of(text) for text in some] for some, times in taken)


def test_long_texts_are_left_alone() -> None:
    assert [read(["2024-02-29T05:13:20" + "0" * length] * 3) for length in range(17, 43)] == [None] * 26
