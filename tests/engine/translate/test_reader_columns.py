"""Numbers, times and ids in columns: one value per event, in order, and each odd one refused once."""

import random
from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from contracts.model import Candidate, Read, Word
from exporters.engine.fields import MISTYPED
from exporters.engine.translate.measures import ColumnReader, IdReader, NumberReader, Tally
from exporters.engine.translate.times import SECOND, TimeReader, nanoseconds_of

pytestmark = pytest.mark.thorough

NOW = 1_769_300_000 * SECOND
Refused = dict[tuple[str, str], int]


def test_a_value_that_nothing_gives_and_nothing_refuses_is_absent() -> None:
    paths = from_path(), Candidate(path=("y",))
    events = [event(), event(x="?"), event(x="?", y=1.0), event(y="?"), event(x=0.0), event()]
    for candidates, number in ((paths, 2), ((*paths, Candidate(constant=0.0)), 0)):
        tally, absent = Tally(), Counter[str]()
        NumberReader(Word("n", "number"), read(*candidates)).read(events, NOW, tally, absent)
        assert (tally, absent["n"]) == ({("n", "mistyped"): 2}, number)


def read(*candidates: Candidate) -> Read:
    return Read("word", candidates)


def from_path(**options: object) -> Candidate:
    return Candidate(path=("x",), **options)  # type: ignore[arg-type]


def event(**fields: object) -> object:
    return SimpleNamespace(**{f"f_{name}": value for name, value in ({"x": None, "y": None} | fields).items()})


def values(reader: ColumnReader, *events: dict[str, object]) -> tuple[list[object], Refused]:
    """Return what a reader makes of events, and what it refuses."""
    tally: Tally = Counter()
    return reader.read([event(**fields) for fields in events], NOW, tally, Counter()), dict(tally)


def column(reader: ColumnReader, *raws: object) -> tuple[list[object], Refused]:
    """Return what a reader makes of a column, together and one by one."""
    together = values(reader, *({"x": raw} for raw in raws))
    alone = [values(reader, {"x": raw}) for raw in raws]
    assert together[0] == [found[0] for found, _ in alone]
    assert together[1] == dict(sum((Counter(refused) for _, refused in alone), Counter()))
    return together


SECONDS = NumberReader(Word("latency", "number", minimum=0.0, maximum=100.0), read(from_path()))
MISTAKEN = ("latency", "mistyped")
OUTSIDE = ("latency", "out_of_range")


@pytest.mark.parametrize(
    ("raws", "expected", "refused"),
    [
        ([1.0, 2.5], [1.0, 2.5], {}),
        ([0.0, 100.0], [0.0, 100.0], {}),
        ([1.0, 100.5], [1.0, None], {OUTSIDE: 1}),
        ([0.0, 100.0, MISTYPED], [0.0, 100.0, None], {MISTAKEN: 1}),
        ([], [], {}),
        ([None, None], [None, None], {}),
        ([1.0, None, 3.0], [1.0, None, 3.0], {}),
        ([-0.001, 1.0], [None, 1.0], {OUTSIDE: 1}),
        ([100.5, None, float("inf")], [None, None, None], {OUTSIDE: 2}),
        ([MISTYPED, 2.0, "1 s", True, [], {}], [None, 2.0, None, None, None, None], {MISTAKEN: 5}),
    ],
    ids=str,
)
def test_numbers_stay_in_order_and_each_odd_one_is_refused_once(
    raws: list[object], expected: list[object], refused: Refused
) -> None:
    assert column(SECONDS, *raws) == (expected, refused)


def test_a_word_without_bounds_refuses_what_is_not_finite() -> None:
    reader = NumberReader(Word("n", "number"), read(from_path(scale=10.0)))
    assert column(reader, 1e308, -1e308, -5.0) == ([None, None, -50.0], {("n", "out_of_range"): 2})


@pytest.mark.parametrize("scale", [2.0, 0.5, 1.0])
@pytest.mark.parametrize("raws", [[1.0, 8.0], ["1", "8.0"], [1.0, "8"]], ids=str)
def test_a_number_is_scaled_however_it_is_written(scale: float, raws: list[object]) -> None:
    reader = NumberReader(Word("n", "number"), read(from_path(scale=scale)))
    assert column(reader, *raws) == ([scale, 8 * scale], {})


def test_a_number_that_an_alias_names_stands_for_what_it_says() -> None:
    reader = NumberReader(Word("n", "number", aliases={"7": "1"}), read(from_path(scale=2.0)))
    for raws in ([7.0, 8.0], ["7", "8"], [7.0, "8", MISTYPED]):
        found, _ = column(reader, *raws)
        assert found[:2] == [1.0, 16.0]


def test_numbers_fall_back_to_the_next_path_and_are_scaled_by_it() -> None:
    word = Word("latency", "number", minimum=0.0, maximum=100.0)
    reader = NumberReader(word, read(from_path(), Candidate(path=("y",), scale=0.001)))
    fields: list[dict[str, object]] = [
        {"x": 1.0, "y": 7.0},
        {"y": 250.0},
        {"x": -1.0, "y": 500.0},
        {"x": MISTYPED},
        {"x": MISTYPED, "y": -1.0},
        {"x": -1.0, "y": MISTYPED},
        {},
    ]
    assert values(reader, *fields) == ([1.0, 0.25, 0.5, None, None, None, None], {MISTAKEN: 1, OUTSIDE: 2})
    assert values(reader, {"y": 250.0}) == ([0.25], {})


def test_a_constant_number_stands_in_for_absent_and_refused_ones() -> None:
    reader = NumberReader(Word("latency", "number", minimum=0.0), read(from_path(), Candidate(constant=3.0)))
    assert column(reader, None, None) == ([3.0, 3.0], {})
    assert column(reader, 1.0, -1.0) == ([1.0, 3.0], {OUTSIDE: 1})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01 00:00:01", SECOND),
        ("1970-01-01t00:00:01z", SECOND),
        ("1970-01-01T00:00:00.1Z", SECOND // 10),
        ("1970-01-01T00:00:00.100Z", SECOND // 10),
        ("1970-01-01T00:00:00.000001", 1000),
        ("1970-01-01T00:00:00.123456789Z", 123_456_789),
        ("1970-01-01T00:00:00.1234567899999Z", 123_456_789),
        ("1970-01-01T02:00:00.5+02:00", SECOND // 2),
        ("1970-01-02T00:00:00+01:00", 82_800 * SECOND),
        ("1970-01-02T00:00:00+0130", 81_000 * SECOND),
        ("1970-01-01T23:59:59+01:00", 82_799 * SECOND),
        ("1970-01-01T00:00:00.123456-0130", 5400 * SECOND + 123_456_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800 * SECOND),
        ("2026-01-25T00:13:20Z", NOW),
        ("2026-01-25T00:13:60Z", None),
        ("2026-01-25T00:13:20.Z", None),
        ("2026-01-25T00:13:20.000x", None),
        ("2026-01-25T00:13:20.123.456Z", None),
        ("2026-01-25T00:13:20.1239.5Z", None),
        ("2026-01-25T00:13:20+24:00", None),
        ("2026-01-25T00:13Z", None),
        ("2026-01-25", None),
        ("2026-01-25T00:13:20.\u0661\u0661\u0661\u0661Z", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_text_is_whole_nanoseconds_or_no_time(text: str, expected: int | None) -> None:
    assert nanoseconds_of(text) == expected


AT = TimeReader(Word("at", "time", max_future_s=5.0), read(from_path()))
FUTURE, BEFORE, NO_TIME = ("at", "future"), ("at", "out_of_range"), ("at", "mistyped")


@pytest.mark.parametrize(
    ("raws", "expected", "refused"),
    [
        (["2026-01-25T00:13:20Z", "2026-01-25T00:13:11.5Z"], [NOW, NOW - 17 * SECOND // 2], {}),
        (["2026-01-25T00:13:20.000001Z", "2026-01-25T00:13:20.5Z"], [NOW + 1000, NOW + SECOND // 2], {}),
        (["2026-01-25T00:13:25Z", "2026-01-25T00:13:25.000000001Z"], [NOW + 5 * SECOND, None], {FUTURE: 1}),
        (["1969-12-31T23:59:59.999Z", "2026-01-25T00:13:20Z"], [None, NOW], {BEFORE: 1}),
        (["?", None, "2026-01-25T00:13:20Z", True, [], {}], [None, None, NOW, None, None, None], {NO_TIME: 4}),
        ([1_769_300_000, 0], [NOW, 0], {}),
        ([1_769_299_999.123456, 0.0], [NOW - 876_544_000, 0], {}),
        ([1_769_299_999.1, 5, "2026-01-25T00:13:20Z"], [NOW - 900_000_000, 5 * SECOND, NOW], {}),
        ([-1, -0.5, float("-inf"), float("inf"), 1e300], [None] * 5, {BEFORE: 4, FUTURE: 1}),
        ([10**30], [None], {FUTURE: 1}),
        (["2026-01-25T00:13:20Z", "2026-01-25T00:13:19.12345678987Z"], [NOW, NOW - SECOND + 123_456_789], {}),
        (["2026-01-25T00:13:20Z", "2026-01-25T00:13:20xZ", "2026-01-25T00:13:20.Z"], [NOW, None, None], {NO_TIME: 2}),
        (["2026-01-25T00:13:25Z", "?", 0], [NOW + 5 * SECOND, None, 0], {NO_TIME: 1}),
    ],
    ids=str,
)
def test_times_are_exact_and_each_odd_one_is_refused_once(
    raws: list[object], expected: list[object], refused: Refused
) -> None:
    assert column(AT, *raws) == (expected, refused)


@pytest.mark.parametrize("behind", ["", "Z", "+01:30"])
@pytest.mark.parametrize("digits", [0, 1, 2, 3, 4, 6, 7, 9, 11])
def test_times_of_many_days_are_what_each_of_them_says(digits: int, behind: str) -> None:
    chance = random.Random(digits)
    seconds = [1_700_000_000 + chance.randrange(50_000_000) for _ in range(40)]
    fractions = ["".join(chance.choices("0123456789", k=digits)) for _ in seconds]
    texts: list[object] = [
        f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}{'.' * bool(digits)}{fraction}{behind}"
        for second, fraction in zip(seconds, fractions, strict=True)
    ]
    expected: list[object] = [
        (second - 5400 * (len(behind) > 1)) * SECOND + int(fraction[:9].ljust(9, "0"))
        for second, fraction in zip(seconds, fractions, strict=True)
    ]
    reader = TimeReader(Word("at", "time", max_future_s=1e9), read(from_path()))
    assert values(reader, *({"x": text} for text in texts)) == (expected, {})
    odd: list[object] = [*texts[:7], None, *texts[7:], "tomorrow"]
    assert values(reader, *({"x": text} for text in odd)) == (
        [*expected[:7], None, *expected[7:], None],
        {("at", "mistyped"): 1},
    )


@pytest.mark.parametrize(
    ("scale", "raw", "expected"),
    [
        (0.001, 1_769_300_000_123, NOW + 123_000_000),
        (0.001, 1_769_300_000_123.456, NOW + 123_456_000),
        (1e-9, 1_769_300_000_123_456_789, NOW + 123_456_789),
        (1e-6, 1_769_300_000_000_001, NOW + 1000),
        (60.0, 29_488_333, NOW - 20 * SECOND),
        (1e-10, 17_692_999_999_999_999_990, NOW - 1),
        (1e-10, 17_692_999_999_999_999_996, NOW),
        (1e-10, "17692999999999999996", NOW - 1),
    ],
)
def test_a_number_is_scaled_exactly(scale: float, raw: object, expected: int) -> None:
    assert column(TimeReader(Word("at", "time", max_future_s=5.0), read(from_path(scale=scale))), raw) == (
        [expected],
        {},
    )


@pytest.mark.parametrize("raws", [[-1, -1], [-1, "?"], ["-1", -1]], ids=str)
def test_one_nanosecond_before_1970_is_too_early(raws: list[object]) -> None:
    reader = TimeReader(Word("at", "time"), read(from_path(scale=1e-9)))
    found, refused = column(reader, *raws)
    assert (found, refused[BEFORE]) == ([None, None], 2 - raws.count("?"))


@pytest.mark.parametrize(
    ("text", "expected", "refused"),
    [
        ("1769300000.5", NOW + SECOND // 2, {}),
        ("1769299999.1234567899", NOW - SECOND + 123_456_789, {}),
        ("5.", 5 * SECOND, {}),
        (".5", SECOND // 2, {}),
        ("1.2345e-0000000000000", 1_234_500_000, {}),
        ("0" * 30 + "7.5", 7_500_000_000, {}),
        ("1" + "0" * 20 + ".5", None, {BEFORE: 1}),
        ("9" * 20 + ".5", None, {FUTURE: 1}),
        ("\u0661.\u0665", None, {NO_TIME: 1}),
        (".", None, {NO_TIME: 1}),
    ],
)
def test_seconds_in_quotes_are_cut_behind_the_nanoseconds(text: str, expected: int | None, refused: Refused) -> None:
    assert column(AT, text, text) == ([expected] * 2, dict.fromkeys(refused, 2))


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e-10])
def test_a_number_of_any_length_is_a_time_in_the_future_or_before_1970(scale: float) -> None:
    reader = TimeReader(Word("at", "time", max_future_s=5.0), read(from_path(scale=scale)))
    assert column(reader, 10**400, -(10**400)) == ([None, None], {FUTURE: 1, BEFORE: 1})


def test_times_fall_back_to_the_next_path() -> None:
    reader = TimeReader(Word("at", "time", max_future_s=5.0), read(from_path(), Candidate(path=("y",), scale=0.001)))
    assert values(reader, {"x": "?", "y": 1000}, {"y": 3000}) == ([SECOND, 3 * SECOND], {})
    assert values(reader, {"x": NOW, "y": "?"}) == ([None], {FUTURE: 1})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"x": "i1"}, "i1"),
        ({"x": "  i1 "}, "i1"),
        ({"x": 0}, "0"),
        ({"x": 7}, "7"),
        ({"x": 7.0}, "7"),
        ({"x": "", "y": "i2"}, "i2"),
        ({"x": None, "y": 5}, "5"),
        ({"x": MISTYPED, "y": "i2"}, "i2"),
        ({"x": "a" * 128}, "a" * 128),
        ({"x": " a b"}, "a b"),
        ({"x": "a\nb"}, "a\nb"),
        ({"x": "a\x7f"}, "a\x7f"),
        ({"x": "a" * 128 + " "}, "a" * 128),
        ({}, None),
    ],
    ids=str,
)
def test_an_id_is_the_first_text_or_whole_number_there_is(fields: dict[str, object], expected: str | None) -> None:
    reader = IdReader(Word("id", "id"), read(from_path(), Candidate(path=("y",))))
    assert values(reader, fields) == ([expected], {})
    assert values(reader, {"x": "i0"}, fields) == (["i0", expected], {})


@pytest.mark.parametrize("text", ["a" * 129, "ü", "\ud800"], ids=["long", "not ascii", "lone surrogate"])
def test_a_long_or_odd_id_is_kept_as_its_digest(text: str) -> None:
    reader = IdReader(Word("id", "id"), read(from_path()))
    for beside in ("short", text + "b"):
        (found, other), _ = column(reader, text, beside)
        assert len(str(found)) == 64
        assert found != other


@pytest.mark.parametrize("raw", [MISTYPED, 7.5], ids=repr)
def test_an_id_of_the_wrong_kind_is_refused(raw: object) -> None:
    assert column(IdReader(Word("id", "id"), read(from_path())), raw) == ([None], {("id", "mistyped"): 1})
