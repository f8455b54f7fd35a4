"""Names beyond their word's cap: what they share, and when a name takes a place within it."""

from collections.abc import Callable

import pytest

from contracts.model import Contract
from exporters.engine.decode import Decoder
from exporters.engine.translate import plan_cache, texts
from exporters.engine.translate.plan import Plan
from exporters.engine.translate.planner import Fields, Planner
from exporters.engine.translate.translate import Translator
from tests.engine.support.harness import NOW, Bench, line_of

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
def worked_out(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Return a list that takes up every plan that is worked out."""
    found: list[Plan] = []
    plan = Planner.plan

    def noted(self: Planner, fields: Fields) -> Plan:
        found.append(plan(self, fields))
        return found[-1]

    monkeypatch.setattr(Planner, "plan", noted)
    return found


@pytest.mark.parametrize("spelling", ["{}", " {}", "{}!"], ids=["plain", "trimmed", "replaced"])
def test_a_thousand_names_beyond_the_cap_have_one_plan(full: Bench, worked_out: list[Plan], spelling: str) -> None:
    full.feed(*[one(run=spelling.format(f"r{number}")) for number in range(1000)])
    assert full.moved("kinds_total") == {("buy", "a"): 1, ("buy", "b"): 1, ("buy", "other"): 1000}
    assert full.moved("label_overflow_total")["kinds_total", "run"] == 1000
    assert len(worked_out) == 1


def test_names_that_fill_the_cap_in_the_same_batch_share_plans_from_the_next_on(
    bench: Callable[..., Bench], worked_out: list[Plan]
) -> None:
    events = [one(run=f"r{number}") for number in range(100)]
    found = bench(RUNS).feed(*events)
    del worked_out[:]
    found.feed(*events)
    assert len(worked_out) <= 4
    assert found.moved("kinds_total") == {("buy", "r0"): 2, ("buy", "r1"): 2, ("buy", "other"): 196}


def test_a_name_that_nothing_shows_needs_no_plan_of_its_own_though_its_cap_is_not_full(
    bench: Callable[..., Bench], worked_out: list[Plan]
) -> None:
    found = bench(RUNS).feed(*[one(desk=f"d{number}", run="a") for number in range(1000)])
    assert found.moved("kinds_total") == {("buy", "a"): 1000}
    assert not found.state.seen["desk"]
    del worked_out[:]
    found.feed(*[one(desk=f"d{number}", run="a") for number in range(1000, 2000)])
    assert len(worked_out) <= 2


def test_two_spellings_of_a_name_share_a_plan_once_it_has_its_place(full: Bench, worked_out: list[Plan]) -> None:
    full.feed(one(run="a "), one(run=" a"), one(run="  a"))
    assert full.moved("kinds_total")["buy", "a"] == 4
    assert len(worked_out) <= 2


def test_lines_refused_or_ignored_take_no_place_within_the_cap(bench: Callable[..., Bench]) -> None:
    found = bench(RUNS).feed(one(run="x", kind="?"), {"v": 2, "run": "y"}, {"v": 9, "run": "z"}, one(run="p"))
    assert list(found.state.seen["run"]) == ["p"]
    found.feed(one(run="q"), one(run="x", kind="?"), {"v": 2, "run": "y"}, one(run="x"))
    assert found.moved("kinds_total") == {("buy", "p"): 1, ("buy", "q"): 1, ("buy", "other"): 1}


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


@pytest.mark.parametrize("varied", [-1, 10**9], ids=["replaced", "as they are"])
def test_a_name_takes_a_place_when_an_event_comes_that_could_show_it(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch, varied: int
) -> None:
    """Whether its number is there does not matter, so that a place never depends on what else is in a batch."""
    monkeypatch.setattr(plan_cache, "_VARIED", varied)
    found = bench(SIZES).feed(measured("a", "a"), measured("b", "b", 1), measured("c", "c", 1))
    assert {word: list(names) for word, names in found.state.seen.items()} == {"run": ["a", "b"], "desk": ["a", "b"]}
    assert found.moved("sizes") == {("b", "b"): 1, ("other", "other"): 1}


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
    monkeypatch.setattr(texts, "_KEPT", 40)
    for begin in range(0, 400, 40):
        full.feed(*[one(run=text.format(number), kind=f"k{number}") for number in range(begin, begin + 40)])
        full.feed(*[one(run=text.format(number)) for number in range(begin, begin + 40)])
    plans = full.translator._plans
    assert max(len(plans._known), len(plans._plans)) <= 20
    assert max(len(one._known) for one in plans._texts) <= 40
    assert full.moved("kinds_total")["buy", "other"] == 400
    assert len(full.state._known) < 40


def test_it_is_so_too_where_half_of_the_names_come_again(full: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_KEPT", 40)
    for end in (30, 60, 90):
        full.feed(*[one(run=f"x{number}") for number in range(end - 60, end)])
        full.feed(*[one(run=f"x{number}") for number in range(end - 30, end)])
        assert max(len(one._known) for one in full.translator._plans._texts) <= 40
    assert full.moved("kinds_total")["buy", "other"] == 270


@pytest.mark.parametrize("field", ["run", "kind"])
def test_overlong_texts_are_not_remembered_beyond_the_cap_either(full: Bench, field: str) -> None:
    full.feed(*[one(**{field: f"{number}" * 5000}) for number in range(10, 40)])
    plans = full.translator._plans
    assert all(len(str(value)) <= 100 for memory in (plans._known, plans._plans) for key in memory for value in key)
    assert all(len(str(raw)) <= 100 for one in plans._texts for raw in one._known)


TWO_NAMES = """
vocabulary:
  bot: {allow: a-z, max_length: 5, max_values: 2}
  desk: {allow: a-z, max_length: 5, max_values: 2}
sources: {s: {match: {}, read: {bot: bot, desk: desk}}}
metrics: {bots_total: {type: counter, counts: events, labels: [bot, desk], budget: 9, help: B.}}
"""


def test_only_those_have_a_place_of_whom_whoever_keeps_them_says_so(contract: Callable[[str], Contract]) -> None:
    admitted: dict[str, dict[str, None]] = {"bot": {}, "desk": {}}
    spec = contract(TWO_NAMES)
    translator, decoder = Translator(spec, {}, admitted), Decoder(spec)

    def told(*bots: str) -> tuple[list[tuple[str, str]], list[tuple[str, ...]]]:
        lines = b"".join(line_of({"bot": bot, "desk": "x"}) for bot in bots)
        effect = translator.translate(decoder.decode(lines).events, NOW)
        return list(effect.names), [update.labels for update in effect.updates]

    assert told("a")[0] == [("bot", "a"), ("desk", "x")]
    assert told("b")[0] == [("bot", "b"), ("desk", "x")], "what that batch took was never kept"
    admitted["desk"]["x"] = None
    assert told("other") == ([], [("other", "x")]), "what stands for all others needs no place"
    assert told("a")[0] == [("bot", "a")]
    admitted["bot"] |= {"b": None, "c": None}
    assert told("d", "c", "b") == ([], [("d", "x"), ("c", "x"), ("b", "x")])


def test_where_many_values_stand_in_one_field_the_others_still_tell_events_apart(bench: Callable[..., Bench]) -> None:
    made = bench(TWO_NAMES.replace("max_values: 2", "max_values: 50").replace("budget: 9", "budget: 2601"))
    made.feed({"bot": "b", "desk": "a"})
    bots = [f"n{letter}" for letter in "abcdefghijklmnopqrst"]
    made.feed(*({"bot": bot, "desk": "x"} for bot in bots), *({"bot": bot, "desk": "y"} for bot in bots))
    made.feed({"bot": "a", "desk": "b"}, *({"bot": bot, "desk": "z"} for bot in bots), {"bot": "b", "desk": "a"})
    expected = {(bot, desk): 1 for bot in bots for desk in "xyz"} | {("b", "a"): 2, ("a", "b"): 1}
    assert made.moved("bots_total") == expected


def test_what_was_known_before_a_field_held_many_values_is_not_taken_for_what_comes_then(
    bench: Callable[..., Bench],
) -> None:
    values = "a, b, c, d, e, f, g, h, i, j, k, l"
    made = bench(f"""
vocabulary: {{left: {{values: [{values}]}}, right: {{values: [{values}]}}}}
sources: {{s: {{match: {{}}, read: {{left: left, right: right}}}}}}
metrics: {{seen_total: {{type: counter, counts: events, labels: [left, right], budget: 144, help: S.}}}}
""")
    made.feed({"left": "b", "right": "a"}, {"left": "a", "right": "c"})
    made.feed(*({"left": left, "right": "c"} for left in values.split(", ")))
    made.feed({"left": "a", "right": "b"}, {"left": "c", "right": "a"})
    once = {(left, "c"): 1 for left in values.split(", ")}
    assert made.moved("seen_total") == once | {("b", "a"): 1, ("a", "b"): 1, ("c", "a"): 1, ("a", "c"): 2}
