import pytest

from contracts.model import Candidate, Default, Read, Word
from exporters.engine.fields import MISTYPED
from exporters.engine.translate.readers import TextReader

COLOUR = Word("colour", "enum", values=("red", "Green"), aliases={"crimson": "red", "verde": "Green"})
OPEN = Word("colour", "enum", values=("red", "Green"), otherwise="other")
RUN = Word("run", "name", allow="A-Za-z0-9._-", max_length=8, max_values=3, otherwise="other")


def read(*candidates: Candidate) -> Read:
    return Read("word", candidates)


def from_path(**options: object) -> Candidate:
    return Candidate(path=("x",), **options)  # type: ignore[arg-type]


def fill(word: Word, raw: object, *candidates: Candidate, y: object = None) -> tuple[str | None, str | None]:
    filler = TextReader(word, read(*(candidates or (from_path(),))), {})
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


@pytest.mark.parametrize("raw", [MISTYPED, 5.5, float("inf")], ids=repr)
def test_a_value_of_the_wrong_kind_is_missing_and_no_otherwise_takes_it(raw: object) -> None:
    assert fill(COLOUR, raw, from_path(otherwise="red")) == fill(OPEN, raw) == (None, "mistyped")


@pytest.mark.parametrize("raw", [200, 200.0, "200", 2e2], ids=repr)
def test_a_whole_number_is_the_text_of_its_digits(raw: object) -> None:
    assert fill(Word("code", "enum", values=("200", "500"), otherwise="other"), raw) == ("200", None)


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
    assert TextReader(word, None, {}).fill({}) == ("red", None)
    assert TextReader(COLOUR, None, {}).fill({}) == (None, None)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "red"), ({"HUE": ""}, "red"), ({"HUE": " "}, "red"), ({"HUE": " verde "}, "Green"), ({"HUE": "blue"}, "red")],
    ids=str,
)
def test_a_default_comes_from_the_environment_if_the_word_can_take_it(
    environment: dict[str, str], expected: str
) -> None:
    word = Word("colour", "enum", COLOUR.values, COLOUR.aliases, default=Default("red", "HUE"))
    assert TextReader(word, None, environment).default == expected


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
    assert TextReader(word, read(from_path()), {}).fill({("x",): "ABC"}) == ("abc", None)
    assert TextReader(word, read(from_path()), {}).fill({("x",): None}) == ("my_run", None)


def test_a_name_knows_spellings_of_the_word_and_of_the_source() -> None:
    word = Word("run", "name", aliases={"btc": "XBT"}, allow="A-Z", max_length=8, max_values=3)
    candidate = from_path(aliases={"e": "ETH"}, prefixes=(("sol", "SOL"),), contains=(("doge", "DOGE"),))
    texts = ["Btc", "E", "solana", "xdogey", "ABC"]
    assert [fill(word, text, candidate)[0] for text in texts] == ["XBT", "ETH", "SOL", "DOGE", "ABC"]


@pytest.mark.parametrize("allow", ["a-z", "A-Za-z0-9-", "a-z\u00e0-\u00ff"])
@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize(
    "texts",
    [
        ["abc", "de"],
        ["a", "abcdefghijk"],
        ["ABC", "de"],
        ["a b", "c"],
        ["\u00e9t\u00e9", "a"],
        ["a", "1-2"],
        ["#", "?!"],
    ],
    ids=" ".join,
)
def test_names_read_many_at_once_are_what_each_is_alone(allow: str, fold: bool, texts: list[str]) -> None:
    word = Word("run", "name", allow=allow, max_length=8, max_values=3, otherwise="other", fold=fold)
    assert TextReader(word, read(from_path()), {}).names_of(texts) == [fill(word, text)[0] for text in texts]
