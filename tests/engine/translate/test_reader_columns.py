from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from contracts.model import Candidate, Read, Word
from exporters.engine.translate.readers import IdReader, NumberReader, Tally, TimeReader
from exporters.engine.values import MISTYPED

NOW = 1_000_000.0


def read(*candidates: Candidate) -> Read:
    return Read("word", candidates)


def from_path(**options: object) -> Candidate:
    return Candidate(path=("x",), **options)  # type: ignore[arg-type]


def event(**fields: object) -> object:
    return SimpleNamespace(**{f"f_{name}": value for name, value in ({"x": None, "y": None} | fields).items()})


SECONDS = Word("latency", "number", minimum=0.0, maximum=100.0)


@pytest.mark.parametrize(
    ("column", "expected", "refused"),
    [
        ([1.0, 2.5], [1.0, 2.5], {}),
        ([0.0, 100.0], [0.0, 100.0], {}),
        ([None, None], [], {}),
        ([1.0, None, 3.0], [1.0, 3.0], {}),
        ([-0.001, 1.0], [1.0], {("latency", "out_of_range"): 1}),
        ([100.5], [], {("latency", "out_of_range"): 1}),
        ([MISTYPED, 2.0, MISTYPED], [2.0], {("latency", "mistyped"): 2}),
    ],
    ids=str,
)
def test_numbers_are_taken_in_order_and_each_odd_one_is_refused_once(
    column: list[object], expected: list[float], refused: dict[tuple[str, str], int]
) -> None:
    tally: Tally = Counter()
    assert NumberReader(SECONDS, read(from_path())).read([event(x=x) for x in column], tally) == expected
    assert tally == refused


def test_a_word_without_bounds_refuses_what_is_not_finite() -> None:
    tally: Tally = Counter()
    column = NumberReader(Word("n", "number"), read(from_path(scale=10.0)))
    assert column.read([event(x=1e308), event(x=-1e308), event(x=-5.0)], tally) == [-50.0]
    assert tally == {("n", "out_of_range"): 2}


def test_numbers_fall_back_to_the_next_path_and_are_scaled_by_it() -> None:
    column = NumberReader(SECONDS, read(from_path(), Candidate(path=("y",), scale=0.001)))
    tally: Tally = Counter()
    events = [event(x=1.0, y=7.0), event(y=250.0), event(x=-1.0, y=500.0), event(x=MISTYPED), event(x=MISTYPED, y=-1.0)]
    assert column.read(events, tally) == [1.0, 0.25, 0.5]
    assert tally == {("latency", "mistyped"): 1, ("latency", "out_of_range"): 1}
    assert column.read([event(y=250.0)], tally) == [0.25]


def test_a_constant_number_stands_in_for_absent_and_refused_ones() -> None:
    column = NumberReader(SECONDS, read(from_path(), Candidate(constant=3.0)))
    tally: Tally = Counter()
    assert column.read([event(), event()], tally) == [3.0, 3.0]
    assert column.read([event(x=1.0), event(x=-1.0)], tally) == [1.0, 3.0]
    assert tally == {("latency", "out_of_range"): 1}


AT = Word("at", "time", max_future_s=5.0)
NOON = datetime.fromtimestamp(NOW, UTC)


@pytest.mark.parametrize(
    ("column", "expected", "refused"),
    [
        ([NOON], NOW, {}),
        ([NOON - timedelta(seconds=9), NOON, NOON - timedelta(seconds=3)], NOW, {}),
        ([NOON.replace(tzinfo=None)], NOW, {}),
        ([NOON.replace(tzinfo=None), NOON - timedelta(seconds=1)], NOW, {}),
        ([NOON.astimezone(timezone(timedelta(hours=5)))], NOW, {}),
        ([NOON + timedelta(seconds=5)], NOW + 5, {}),
        ([NOON, NOON + timedelta(seconds=6)], NOW, {("at", "future"): 1}),
        ([NOON + timedelta(seconds=6)], None, {("at", "future"): 1}),
        ([MISTYPED, NOON, MISTYPED], NOW, {("at", "mistyped"): 2}),
        ([MISTYPED], None, {("at", "mistyped"): 1}),
        ([None, NOON, None], NOW, {}),
        ([None], None, {}),
        ([NOW - 1, NOON - timedelta(seconds=3)], NOW - 1, {}),
        ([0.0], 0.0, {}),
    ],
    ids=str,
)
def test_the_newest_time_is_found_and_each_odd_one_is_refused_once(
    column: list[object], expected: float | None, refused: dict[tuple[str, str], int]
) -> None:
    tally: Tally = Counter()
    assert TimeReader(AT, read(from_path())).newest([event(x=x) for x in column], NOW, tally)[0] == expected
    assert tally == refused


@pytest.mark.parametrize(
    ("column", "number"),
    [([NOON, NOON], 2), ([NOON, None, MISTYPED], 1), ([NOON, NOON + timedelta(seconds=6)], 1), ([None, MISTYPED], 0)],
    ids=str,
)
def test_only_events_with_a_time_are_numbered(column: list[object], number: int) -> None:
    assert TimeReader(AT, read(from_path())).newest([event(x=x) for x in column], NOW, Counter())[1] == number


def test_times_fall_back_to_the_next_path_and_numbers_are_scaled() -> None:
    column = TimeReader(AT, read(from_path(), Candidate(path=("y",), scale=0.001)))
    tally: Tally = Counter()
    assert column.read_one(event(x=MISTYPED, y=NOW * 1000), NOW, tally) == NOW
    assert column.newest([event(y=1000.0), event(y=3000.0)], NOW, tally) == (3.0, 2)
    assert column.read_one(event(x=NOW + 60, y=MISTYPED), NOW, tally) is None
    assert tally == {("at", "future"): 1}


def test_a_time_that_is_not_finite_is_no_time() -> None:
    tally: Tally = Counter()
    column = TimeReader(AT, read(from_path(scale=1000.0)))
    assert column.read_one(event(x=-1e308), NOW, tally) is None
    assert tally == {("at", "mistyped"): 1}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"x": "i1"}, "i1"),
        ({"x": "  i1 "}, "i1"),
        ({"x": 0}, "0"),
        ({"x": 7}, "7"),
        ({"x": "", "y": "i2"}, "i2"),
        ({"x": None, "y": 5}, "5"),
        ({"x": MISTYPED, "y": "i2"}, "i2"),
        ({"x": "a" * 128}, "a" * 128),
        ({}, ""),
    ],
    ids=str,
)
def test_an_id_is_the_first_text_or_whole_number_there_is(fields: dict[str, object], expected: str) -> None:
    tally: Tally = Counter()
    assert IdReader(Word("id", "id"), read(from_path(), Candidate(path=("y",)))).read_one(event(**fields), tally) == (
        expected
    )
    assert not tally


@pytest.mark.parametrize("text", ["a" * 129, "ü", "\ud800"], ids=["long", "not ascii", "lone surrogate"])
def test_a_long_or_odd_id_is_kept_as_its_digest(text: str) -> None:
    column, tally = IdReader(Word("id", "id"), read(from_path())), Counter[tuple[str, str]]()
    found = column.read_one(event(x=text), tally)
    assert len(found) == 64
    assert found == column.read_one(event(x=text), tally) != column.read_one(event(x=text + "b"), tally)


def test_an_id_of_the_wrong_kind_is_refused() -> None:
    tally: Tally = Counter()
    assert IdReader(Word("id", "id"), read(from_path())).read_one(event(x=MISTYPED), tally) == ""
    assert tally == {("id", "mistyped"): 1}
