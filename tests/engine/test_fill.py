from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from contracts.model import Candidate, Default, Read, Word
from exporters.engine.fill import IdColumn, NumberColumn, Tally, TextFiller, TimeColumn
from exporters.engine.values import MISTYPED

NOW = 1_000_000.0
COLOUR = Word("colour", "enum", values=("red", "Green"), aliases={"crimson": "red", "verde": "Green"})
OPEN = Word("colour", "enum", values=("red", "Green"), otherwise="other")
RUN = Word("run", "name", allow="A-Za-z0-9._-", max_length=8, max_values=3, otherwise="other")


def read(*candidates: Candidate) -> Read:
    return Read("word", candidates)


def from_path(**options: object) -> Candidate:
    return Candidate(path=("x",), **options)  # type: ignore[arg-type]


def fill(word: Word, raw: object, *candidates: Candidate, y: object = None) -> tuple[str | None, str | None]:
    filler = TextFiller(word, read(*(candidates or (from_path(),))), {})
    return filler.fill({("x",): raw, ("y",): y})


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("red", ("red", None)),
        ("  RED ", ("red", None)),
        ("green", ("Green", None)),
        ("Crimson", ("red", None)),
        ("VERDE", ("Green", None)),
        ("blue", (None, "unknown_value")),
        ("", (None, None)),
        ("   ", (None, None)),
        (None, (None, None)),
        (MISTYPED, (None, "mistyped")),
        (7, (None, "unknown_value")),
    ],
    ids=repr,
)
def test_a_closed_word_takes_its_values_and_spellings_only(raw: object, expected: object) -> None:
    assert fill(COLOUR, raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("blue", ("other", None)), ("", (None, None)), (None, (None, None)), (MISTYPED, (None, "mistyped"))],
    ids=repr,
)
def test_otherwise_stands_for_unknown_texts_but_not_for_absent_ones(raw: object, expected: object) -> None:
    assert fill(OPEN, raw) == expected


def test_whole_numbers_are_texts_and_booleans_are_true_and_false() -> None:
    status = Word("status", "enum", values=("200", "404"))
    assert fill(status, 404) == ("404", None)
    flag = Word("flag", "enum", values=("true", "false"))
    assert [fill(flag, raw) for raw in (True, False, "TRUE")] == [("true", None), ("false", None), ("true", None)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("RISK_limit", "red"),
        ("my_risk_x", "Green"),
        ("risk", "Green"),
        ("special", "red"),
        ("crimson", "red"),
        ("green", "Green"),
        ("zzz", "red"),
        (None, "red"),
    ],
)
def test_aliases_come_before_values_before_prefixes_before_parts_before_otherwise(raw: object, expected: str) -> None:
    candidate = from_path(
        aliases={"special": "red", "risk": "Green"},
        prefixes=(("risk", "red"), ("green", "red")),
        contains=(("risk", "Green"), ("crimson", "Green")),
        otherwise="red",
    )
    assert fill(COLOUR, raw, candidate) == (expected, None)


def test_a_value_of_the_wrong_kind_is_missing_but_counted_even_if_otherwise_stands_in() -> None:
    assert fill(COLOUR, MISTYPED, from_path(otherwise="red")) == ("red", "mistyped")


def test_the_first_candidate_that_gives_a_value_wins() -> None:
    second = Candidate(path=("y",))
    assert fill(COLOUR, "red", from_path(), second, y="green") == ("red", None)
    assert fill(COLOUR, "blue", from_path(), second, y="green") == ("Green", None)
    assert fill(COLOUR, MISTYPED, from_path(), second, y="green") == ("Green", None)
    assert fill(OPEN, MISTYPED, from_path(), second, y="blue") == ("other", None)
    assert fill(COLOUR, "blue", from_path(), second, y=None) == (None, "unknown_value")


@pytest.mark.parametrize(
    ("word", "raw", "expected"),
    [
        (COLOUR, None, ("red", None)),
        (COLOUR, "green", ("Green", None)),
        (COLOUR, "blue", ("red", "unknown_value")),
        (COLOUR, MISTYPED, ("red", "mistyped")),
        (OPEN, "blue", ("other", None)),
        (OPEN, None, ("red", None)),
    ],
    ids=repr,
)
def test_a_constant_stands_for_an_absent_text_never_for_an_unknown_one(
    word: Word, raw: object, expected: object
) -> None:
    assert fill(word, raw, from_path(), Candidate(constant="red")) == expected


def test_a_word_no_source_reads_has_its_default() -> None:
    word = Word("colour", "enum", values=("red",), default=Default("red"))
    assert TextFiller(word, None, {}).fill({}) == ("red", None)
    assert TextFiller(COLOUR, None, {}).fill({}) == (None, None)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "red"), ({"HUE": ""}, "red"), ({"HUE": " "}, "red"), ({"HUE": " verde "}, "Green"), ({"HUE": "blue"}, "red")],
    ids=str,
)
def test_a_default_comes_from_the_environment_if_the_word_can_take_it(
    environment: dict[str, str], expected: str
) -> None:
    word = Word("colour", "enum", COLOUR.values, COLOUR.aliases, default=Default("red", "HUE"))
    assert TextFiller(word, None, environment).default == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Demo.A", "Demo.A"),
        ("  a b  ", "a_b"),
        ("a€€/b", "a_b"),
        ("123456789", "12345678"),
        (42, "42"),
        ("€", "_"),
        ('"\n\\', "_"),
    ],
)
def test_a_name_keeps_allowed_characters_joins_others_and_is_cut(raw: object, expected: str) -> None:
    assert fill(RUN, raw) == (expected, None)


def test_a_folded_name_is_lower_case_and_its_default_is_normalised_too() -> None:
    word = Word(
        "run", "name", allow="a-z", max_length=8, max_values=3, otherwise="other", fold=True, default=Default("My Run")
    )
    assert TextFiller(word, read(from_path()), {}).fill({("x",): "ABC"}) == ("abc", None)
    assert TextFiller(word, read(from_path()), {}).fill({("x",): None}) == ("my_run", None)


def test_a_name_knows_spellings_of_the_word_and_of_the_source() -> None:
    word = Word("run", "name", aliases={"btc": "XBT"}, allow="A-Z", max_length=8, max_values=3)
    candidate = from_path(aliases={"e": "ETH"}, prefixes=(("sol", "SOL"),), contains=(("doge", "DOGE"),))
    texts = ["Btc", "E", "solana", "xdogey", "ABC"]
    assert [fill(word, text, candidate)[0] for text in texts] == ["XBT", "ETH", "SOL", "DOGE", "ABC"]


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
    assert NumberColumn(SECONDS, read(from_path())).read([event(x=x) for x in column], tally) == expected
    assert tally == refused


def test_a_word_without_bounds_refuses_what_is_not_finite() -> None:
    tally: Tally = Counter()
    column = NumberColumn(Word("n", "number"), read(from_path(scale=10.0)))
    assert column.read([event(x=1e308), event(x=-1e308), event(x=-5.0)], tally) == [-50.0]
    assert tally == {("n", "out_of_range"): 2}


def test_numbers_fall_back_to_the_next_path_and_are_scaled_by_it() -> None:
    column = NumberColumn(SECONDS, read(from_path(), Candidate(path=("y",), scale=0.001)))
    tally: Tally = Counter()
    events = [event(x=1.0, y=7.0), event(y=250.0), event(x=-1.0, y=500.0), event(x=MISTYPED), event(x=MISTYPED, y=-1.0)]
    assert column.read(events, tally) == [1.0, 0.25, 0.5]
    assert tally == {("latency", "mistyped"): 1, ("latency", "out_of_range"): 1}
    assert column.read([event(y=250.0)], tally) == [0.25]


def test_a_constant_number_stands_in_for_absent_and_refused_ones() -> None:
    column = NumberColumn(SECONDS, read(from_path(), Candidate(constant=3.0)))
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
    assert TimeColumn(AT, read(from_path())).newest([event(x=x) for x in column], NOW, tally) == expected
    assert tally == refused


def test_times_fall_back_to_the_next_path_and_numbers_are_scaled() -> None:
    column = TimeColumn(AT, read(from_path(), Candidate(path=("y",), scale=0.001)))
    tally: Tally = Counter()
    assert column.read_one(event(x=MISTYPED, y=NOW * 1000), NOW, tally) == NOW
    assert column.newest([event(y=1000.0), event(y=3000.0)], NOW, tally) == 3.0
    assert column.read_one(event(x=NOW + 60, y=MISTYPED), NOW, tally) is None
    assert tally == {("at", "future"): 1}


def test_a_time_that_is_not_finite_is_no_time() -> None:
    tally: Tally = Counter()
    column = TimeColumn(AT, read(from_path(scale=1000.0)))
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
    assert IdColumn(Word("id", "id"), read(from_path(), Candidate(path=("y",)))).read_one(event(**fields), tally) == (
        expected
    )
    assert not tally


@pytest.mark.parametrize("text", ["a" * 129, "ü", "\ud800"], ids=["long", "not ascii", "lone surrogate"])
def test_a_long_or_odd_id_is_kept_as_its_digest(text: str) -> None:
    column, tally = IdColumn(Word("id", "id"), read(from_path())), Counter[tuple[str, str]]()
    found = column.read_one(event(x=text), tally)
    assert len(found) == 64
    assert found == column.read_one(event(x=text), tally) != column.read_one(event(x=text + "b"), tally)


def test_an_id_of_the_wrong_kind_is_refused() -> None:
    tally: Tally = Counter()
    assert IdColumn(Word("id", "id"), read(from_path())).read_one(event(x=MISTYPED), tally) == ""
    assert tally == {("id", "mistyped"): 1}
