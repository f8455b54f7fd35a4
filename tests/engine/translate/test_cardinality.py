"""Names beyond their word's cap: what they share, what they never do, and what is told at a glance."""

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.model import Candidate, Contract, Read, Word
from exporters.engine.translate import plan_cache as plan_cache
from exporters.engine.translate.cardinality import name_columns
from exporters.engine.translate.plan import Plan
from exporters.engine.translate.planner import Planner
from exporters.engine.translate.readers import OVERFLOW_TEXT, TextReader
from exporters.engine.values import OVERFLOW
from tests.engine.support.harness import NOW, Bench

RUNS = """
vocabulary:
  kind: {values: [buy, sell, drop]}
  run: {allow: a-z0-9-, max_length: 8, max_values: 2}
  desk: {allow: a-z0-9-, max_length: 8, max_values: 2}
  heat: {type: number}
  at: {type: time}
sources:
  one:
    match: {v: 1}
    read: {kind: {path: kind, required: true}, run: run, desk: desk, heat: heat, at: at}
  quiet: {match: {v: 2}, read: {run: run}}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind, run], when: {kind: [buy, sell]}, help: Kinds., budget: 9}
  desks_total: {type: counter, counts: kind, labels: [desk], when: {kind: drop}, help: Desks., budget: 3}
  heat_celsius: {type: gauge, sets: heat, labels: [run], help: Heat., budget: 3}
  last_timestamp_seconds: {type: gauge, sets: at, labels: [run], help: Last., budget: 3}
"""


def one(**fields: object) -> dict[str, object]:
    return {"v": 1, "kind": "buy", **fields}


@pytest.fixture
def full(bench: Callable[..., Bench]) -> Bench:
    """Return a bench that has seen as many runs and desks as it shows."""
    return bench(RUNS).feed(one(kind="drop", desk="a"), one(kind="drop", desk="b"), one(run="a"), one(run="b"))


@pytest.fixture
def worked_out(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str | None]]:
    """Return a list that takes up the names of every plan that is worked out."""
    asked: list[Sequence[str | None]] = []
    finish = Planner.finish

    def noted(self: Planner, start: object, names: Sequence[str | None], refused: object) -> Plan:
        asked.append(names)
        return finish(self, start, names, refused)  # type: ignore[arg-type]

    monkeypatch.setattr(Planner, "finish", noted)
    return asked


@pytest.mark.parametrize("spelling", ["{}", " {}", "{}!"], ids=["plain", "trimmed", "replaced"])
def test_a_thousand_names_beyond_the_cap_have_one_plan(
    full: Bench, worked_out: list[Sequence[str | None]], spelling: str
) -> None:
    full.feed(*[one(run=spelling.format(f"r{number}")) for number in range(1000)])
    assert full.moved("kinds_total") == {("buy", "a"): 1, ("buy", "b"): 1, ("buy", "other"): 1000}
    assert full.moved("label_overflow_total")["kinds_total", "run"] == 1000
    assert worked_out in ([], [[OVERFLOW, None]])


def test_names_that_fill_the_cap_in_the_same_batch_share_plans_from_the_next_on(
    bench: Callable[..., Bench], worked_out: list[Sequence[str | None]]
) -> None:
    events = [one(run=f"r{number}") for number in range(100)]
    found = bench(RUNS).feed(*events)
    del worked_out[:]
    found.feed(*events)
    assert len(worked_out) <= 4
    assert found.moved("kinds_total") == {("buy", "r0"): 2, ("buy", "r1"): 2, ("buy", "other"): 196}


def test_a_name_that_nothing_shows_needs_no_plan_of_its_own_though_its_cap_is_not_full(
    bench: Callable[..., Bench], worked_out: list[Sequence[str | None]]
) -> None:
    found = bench(RUNS).feed(*[one(desk=f"d{number}", run="a") for number in range(1000)])
    assert found.moved("kinds_total") == {("buy", "a"): 1000}
    assert not found.state.seen["desk"]
    del worked_out[:]
    found.feed(*[one(desk=f"d{number}", run="a") for number in range(1000, 2000)])
    assert len(worked_out) <= 2


def test_two_spellings_of_a_name_share_a_plan_once_it_has_its_place(
    full: Bench, worked_out: list[Sequence[str | None]]
) -> None:
    full.feed(one(run="a "), one(run=" a"), one(run="  a"))
    assert full.moved("kinds_total")["buy", "a"] == 4
    assert len(worked_out) <= 2


def test_lines_refused_or_ignored_take_no_place_within_the_cap(bench: Callable[..., Bench]) -> None:
    found = bench(RUNS).feed(one(run="x", kind="?"), {"v": 2, "run": "y"}, {"v": 9, "run": "z"}, one(run="p"))
    assert list(found.state.seen["run"]) == ["p"]
    found.feed(one(run="q"), one(run="x", kind="?"), {"v": 2, "run": "y"}, one(run="x"))
    assert found.moved("kinds_total") == {("buy", "p"): 1, ("buy", "q"): 1, ("buy", "other"): 1}


def test_what_stands_in_for_names_is_never_shown_and_never_stored(full: Bench) -> None:
    full.feed(*[one(run=f"r{number}", desk=f"d{number}", heat=number, at=NOW - number) for number in range(99)])
    assert full.moved("heat_celsius") == {("other",): 98}
    labels = {label for _, samples in full.snapshot() for sample in samples for label in sample.labels}
    stored = {part for kind, key, _ in full.rows() if kind in ("series", "seen") for part in json.loads(key)}
    assert OVERFLOW not in labels | stored | set(full.state.seen["run"])
    assert "other" in labels & stored


def test_a_name_spelt_like_the_stand_in_is_no_name(full: Bench) -> None:
    full.feed(*[one(run=OVERFLOW), one(run=f" {OVERFLOW}")] * 20, *[one(run=f"r{number}") for number in range(40)])
    assert full.moved("kinds_total") == {("buy", "a"): 1, ("buy", "b"): 1, ("buy", "other"): 40}


def measured(run: str, desk: str, size: float | None = None) -> dict[str, object]:
    return {"run": run, "desk": desk, "size": size}


SIZES = """
vocabulary:
  run: {allow: a-z0-9, max_length: 8, max_values: 2}
  desk: {allow: a-z0-9, max_length: 8, max_values: 2}
  size: {type: number, min: 0}
sources: {all: {match: {}, read: {run: run, desk: desk, size: size}}}
metrics:
  sizes: {type: histogram, observes: size, labels: [run, desk], buckets: [1], help: Sizes., budget: 9}
  runs_total: {type: counter, counts: run, when: {run: [x, z]}, help: Runs., budget: 1}
"""


@pytest.mark.parametrize("varied", [-1, 10**9], ids=["at a glance", "one by one"])
@pytest.mark.parametrize(("lines", "first"), [("b1 c2! b3!", "c"), ("x1 x2 y3! x4!", "y")])
def test_names_that_share_a_plan_take_places_in_the_order_in_which_they_would_alone(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch, varied: int, lines: str, first: str
) -> None:
    monkeypatch.setattr(plan_cache, "_VARIED", varied)
    found = bench(SIZES).feed(measured("a", "a", 1), measured("a", "b", 1))
    found.feed(*[measured(text[0], f"d{text[1]}", 5 if text.endswith("!") else None) for text in lines.split()])
    assert list(found.state.seen["run"]) == ["a", first]


def test_a_name_shown_only_beside_a_name_told_apart_is_shown(bench: Callable[..., Bench]) -> None:
    text = RUNS.replace("labels: [desk], when: {kind: drop}", "labels: [desk], when: {run: [x, z]}")
    found = bench(text).feed(one(run="y", desk="a"), one(run="x", desk="b"), one(run="z", desk="c"))
    found.feed(one(run="x", desk="d"), one(run="y", desk="e"), one(run="z", desk="b"))
    assert found.moved("desks_total") == {("b",): 2, ("c",): 1, ("other",): 1}


def test_every_event_of_a_gauge_counts_as_folded_and_one_without_a_time_does_not(full: Bench) -> None:
    full.feed(*[one(run="c", heat=1)] * 3, one(run="d", heat="hot"), one(run="d", at=NOW), one(run="e", at=None))
    overflow = full.moved("label_overflow_total")
    assert overflow == {("kinds_total", "run"): 6, ("heat_celsius", "run"): 3, ("last_timestamp_seconds", "run"): 1}


@pytest.mark.parametrize("text", ["x{}", "x {}"], ids=["plain", "odd"])
def test_what_is_remembered_of_names_is_bounded(full: Bench, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(plan_cache, "_PLANS_KEPT", 20)
    for begin in range(0, 400, 40):
        full.feed(*[one(run=text.format(number), kind=f"k{number}") for number in range(begin, begin + 40)])
        full.feed(*[one(run=text.format(number)) for number in range(begin, begin + 40)])
    plans = full.translator._plans
    assert max(len(plans._by_key), len(plans._starts), len(plans._by_names)) <= 20
    assert full.moved("kinds_total")["buy", "other"] == 400
    assert len(full.state._known) < 30


@pytest.mark.parametrize("field", ["run", "kind"])
def test_overlong_texts_are_not_remembered_beyond_the_cap_either(full: Bench, field: str) -> None:
    full.feed(*[one(**{field: f"{number}" * 5000}) for number in range(10, 40)])
    assert not full.translator._plans._by_key
    assert len(full.translator._plans._starts) == 2


def hidden(spec: Contract, column: Sequence[object]) -> list[object]:
    """Return what is hidden of a column of runs when a and b have their places and t is told apart."""
    (names,) = name_columns(spec, [("run",)], {"run": {"a": None, "b": None}}, {"run": {"t", "other"}})
    return [raw for raw, shown in zip(column, names.hide(column), strict=True) if shown is OVERFLOW_TEXT]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("allow: a-z0-9, max_length: 4", ["c", "dd", "7"]),
        ("allow: A-Za-z, max_length: 4", ["c", "dd", "A", "Bc"]),
        ("allow: A-Za-z, max_length: 4, fold: true", ["c", "dd", "Bc"]),
        ("allow: A-Z, max_length: 4, fold: true", []),
        (r"allow: '^a-z', max_length: 4", []),
        (r"allow: '^a-z\s', max_length: 4", []),
        ("allow: 'a-z ', max_length: 4", []),
        ("allow: a-z, max_length: 4, aliases: {a: [c]}", []),
    ],
)
def test_a_text_is_hidden_if_it_is_a_name_beyond_the_cap_as_it_stands(
    contract: Callable[[str], Contract], spec: str, expected: list[object]
) -> None:
    text = RUNS.replace("run: {allow: a-z0-9-, max_length: 8,", f"run: {{{spec},")
    column = ["a", "t", "other", "c", " c", "dd", "A", "ü", "eeeee", "f\ng", "", None, 7, "7", True, "Bc", "c"]
    found = hidden(contract(text), column)
    assert list(dict.fromkeys(found)) == expected
    assert found.count("c") == 2 * ("c" in expected)


@pytest.mark.parametrize(
    ("mapping", "text"),
    [("aliases: {a: [nick]}", "nick"), ("prefixes: {n: a}", "nick"), ("contains: {ic: a}", "nick")],
    ids=["aliases", "prefixes", "contains"],
)
@pytest.mark.parametrize("count", [1, 100])
def test_a_text_that_a_read_maps_to_a_name_with_a_place_is_never_folded_however_full_and_varied_the_batch(
    bench: Callable[..., Bench], mapping: str, text: str, count: int
) -> None:
    found = bench(RUNS.replace("run: run, desk: desk", f"run: {{path: run, {mapping}}}, desk: desk"))
    found.feed(one(run="a"), one(run="b"))
    found.feed(*[one(run=f"x{number}") for number in range(count)], one(run=text), one(run="a"))
    assert found.moved("kinds_total") == {("buy", "a"): 3, ("buy", "b"): 1, ("buy", "other"): count}
    assert found.moved("label_overflow_total")["kinds_total", "run"] == count


def test_nothing_is_hidden_while_there_are_places_or_two_words_read_one_text(
    contract: Callable[[str], Contract],
) -> None:
    spec = contract(RUNS)
    (names,) = name_columns(spec, [("run",)], {"run": {"a": None}}, {"run": set()})
    assert names.hide(["a", "c"]) == ["a", "c"]
    assert hidden(contract(RUNS.replace("desk: desk", "desk: run")), ["c"]) == []


@given(
    texts=st.lists(st.text("aAbB1_-. \n\u2003\u0130\u212aé", max_size=6), min_size=1, max_size=30),
    allow=st.sampled_from(["a-z", "A-Z", "A-Za-z0-9", "a-z_.-", r"\w", r"\w\-.", r"^a", r"\S"]),
    fold=st.booleans(),
)
def test_a_hidden_text_always_comes_to_a_name_beyond_the_cap(texts: list[str], allow: str, fold: bool) -> None:
    word = Word("run", "name", allow=allow, max_length=3, max_values=2, otherwise="other", fold=fold)
    read = Read("run", (Candidate(path=("run",)),))
    source = SourceOf((read,))
    admitted, distinguished = {"run": {"a": None, "_": None}}, {"run": {"b", "other"}}
    (names,) = name_columns(LawOf({"run": word}, (source,)), [("run",)], admitted, distinguished)  # type: ignore[arg-type]
    filler = TextReader(word, read, {})
    for text, shown in zip(texts, names.hide(texts), strict=True):
        if shown is OVERFLOW_TEXT:
            assert filler.fill({("run",): text})[0] not in {None, "a", "_", "b", "other"}
        else:
            assert shown is text


class SourceOf:
    """As much of a source as says what it reads."""

    def __init__(self, reads: tuple[Read, ...]) -> None:
        self.all_reads = lambda: reads


class LawOf:
    """As much of a contract as says what is read where."""

    def __init__(self, words: dict[str, Word], sources: tuple[SourceOf, ...]) -> None:
        self.words = words
        self.sources = sources
