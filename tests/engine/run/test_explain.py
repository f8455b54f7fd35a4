"""Why a line was refused agrees with what refused it, and is said word by word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.load import load_contract
from contracts.model import Contract
from exporters.engine.log import RateLimitedLog
from exporters.engine.refusals import refusals
from exporters.engine.refusals.explain import explain, failing
from exporters.engine.values import Batch
from tests.conftest import FakeClock
from tests.engine.support.commits import Plant
from tests.engine.support.harness import NOW, Bench, contract_of, line_of

TEXT = """
vocabulary:
  kind: {values: [sold, lost], aliases: {sold: [gone]}}
  till: {allow: a-z, max_length: 8, max_values: 2}
  mood: {values: [good], otherwise: bad}
sources:
  ranged: {match: {v: {min: 5, max: 10}, x: 1}, read: {kind: kind}}
  low: {match: {low: {max: 3}}}
  high: {match: {high: {min: 0.5}}}
  flags: {match: {on: true, count: 1, not: {not: [1, a]}, e: {present: false}}}
  two: {match: {a: 1, b: [x, y, z]}, expect: {c: 1, d: {not: [1, 2, 3, 4]}}}
  rows:
    match: {rows: 1}
    by: type
    read: {till: {path: till, none: ["-"]}}
    require_any: [till, mood]
    rows:
      sale:
        kind: [{path: k1, required: true}, {path: k2, aliases: {lost: [away]}, prefixes: {so: sold}}]
      other: {kind: {path: k3, required: true, contains: {los: lost}}, mood: {path: mood}}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind], help: Kinds., budget: 2}
  tills_total: {type: counter, counts: till, labels: [till], help: Tills., budget: 3}
  moods_total: {type: counter, counts: mood, labels: [mood], help: Moods., budget: 2}
"""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return contract_of(tmp_path_factory.mktemp("explain"), TEXT)


@pytest.mark.parametrize(
    "value",
    [
        *(
            4.999,
            5,
            5.0,
            7,
            10,
            10.0,
            10.001,
            -7,
            10**400,
            -(10**400),
            1e400,
            True,
            None,
            [],
            {},
            "x",
            "",
            " 7",
            "7",
            "7.5",
        ),
        *("5", "10", "1e1", "+7", "1_0", "nan", "inf", "1-2", "0x7", "\uff17", "11", "4"),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_a_bound_fails_for_what_is_not_taken_and_for_nothing_else(spec: Contract, value: object) -> None:
    event = {"v": value, "x": 1, "kind": "sold"}
    taken = Bench(spec).feed(event).moved("kinds_total") == {("sold",): 1}
    source = next(source for source in spec.sources if source.name == "ranged")
    assert (not failing(source.match, event)) == taken


@pytest.mark.parametrize("on", [True, False, 1, "true", None])
@pytest.mark.parametrize("count", [1, 1.0, True, 2])
@pytest.mark.parametrize("other", [True, 1, "a", None, False, 2, "b"])
def test_true_is_told_from_one_where_it_is_said_what_was_wrong(
    spec: Contract, on: object, count: object, other: object
) -> None:
    event = {"on": on, "count": count, "not": other, "till": "a"}
    taken = on is True and count == 1 and count is not True and (other is True or other not in (1, "a"))
    source = next(source for source in spec.sources if source.name == "flags")
    assert (not failing(source.match, event)) == taken


FAR = "no source matches; of the nearest, "


@pytest.mark.parametrize(
    ("reason", "event", "why"),
    [
        (
            "unknown_schema",
            {"x": 1, "e": 1, "not": 1},
            FAR + "ranged, v is absent, wanted a number of at least 5 and at most 10",
        ),
        ("unknown_schema", {"a": 1, "e": 1, "not": 1}, FAR + 'two, b is absent, wanted "x" or "y" or "z"'),
        ("unknown_schema", {"on": True, "not": 1, "e": 5}, FAR + "flags, count is absent, wanted 1"),
        ("unknown_schema", {"on": True, "count": 1, "e": 5}, FAR + "flags, e is a number, wanted nothing"),
        (
            "unknown_schema",
            {"on": True, "count": 1, "not": "a"},
            FAR + 'flags, not is a text of 1 character, wanted anything but 1 or "a"',
        ),
        ("unknown_schema", {"a": 1, "b": "x", "d": 1}, "source two expects more: c is absent, wanted 1"),
        (
            "unknown_schema",
            {"a": 1, "b": "z", "c": 1, "d": 4},
            "source two expects more: d is a number, wanted anything but 1 or 2 or 3 or others",
        ),
        ("unknown_schema", {"rows": 1, "type": "no"}, "source rows: type is a text of 2 characters, which has no row"),
        ("missing_fields", {"rows": 1, "type": "  "}, "source rows: type is a text of 2 characters"),
        ("missing_fields", {"rows": 1}, "source rows: type is absent"),
        (
            "missing_fields",
            {"rows": 1, "type": " SALE", "k1": "?", "k3": "sold"},
            "source rows requires kind: k1 is a text of 1 character, k2 is absent",
        ),
        ("missing_fields", {"rows": 1, "type": "other", "k1": "sold"}, "source rows requires kind: k3 is absent"),
        *(
            ("missing_fields", {"rows": 1, "type": "sale", key: value}, "source rows requires one of till, mood")
            for key, value in [("k1", "SOLD"), ("k1", " gone"), ("k2", "away"), ("k2", "something")]
        ),
        ("missing_fields", {"rows": 1, "type": "other", "k3": "closed"}, "source rows requires one of till, mood"),
        ("missing_fields", {"nothing": 1}, ""),
        ("too_many_parts", {"nothing": 1}, ""),
        ("invalid_utf8", "{}", ""),
        ("not_object", [1], "the line is a list"),
        ("not_object", "x", "the line is a single value"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_first_thing_that_was_wrong_is_named(spec: Contract, reason: str, event: object, why: str) -> None:
    line = line_of(event if isinstance(event, dict) else repr(event).replace("'", '"'))
    assert explain(spec, reason, line) == why
    if reason in ("unknown_schema", "missing_fields") and why:
        assert {found for _, found in Bench(spec).feed(line[:-1]).effect.rejected} == {reason}


@pytest.mark.parametrize("value", [True, False, None, 0, 1, 3, 3.5, "1"])
def test_true_is_no_number_within_a_bound(spec: Contract, value: object) -> None:
    source = next(source for source in spec.sources if source.name == "low")
    taken = Bench(spec).feed({"low": value}).moved("lines_total") == {("ignored",): 1}
    assert (not failing(source.match, {"low": value})) == taken


REQUIRED = """
exporter: {name: sample, help: A sample., port: 9999, job: sample}
files: {default: "{run}.jsonl"}
vocabulary:
  till: {allow: a-z, max_length: 8, max_values: 2}
  kind: {values: [sold, lost], otherwise: odd}
  hue: {values: [red, blue]}
sources:
  all:
    match: {}
    read:
      till: [{path: t, required: true}, {file: run}]
      kind: {path: k, required: true}
      hue: {path: h, required: true}
metrics:
  tills_total: {type: counter, counts: till, labels: [till], help: Tills., budget: 3}
  kinds_total: {type: counter, counts: kind, labels: [kind, hue], help: Kinds., budget: 6}
"""


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"k": "sold", "h": "red"}, "till: t is absent, the path of its file gives no run"),
        ({"t": "x", "h": "red"}, "kind: k is absent"),
        ({"t": "x", "k": [], "h": "red"}, "kind: k is a list"),
        ({"t": "x", "k": "neither", "h": "green"}, "hue: h is a text of 5 characters"),
        ({"t": "?", "k": "sold"}, "hue: h is absent"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_first_required_word_that_has_no_value_is_named(tmp_path: Path, event: dict[str, object], why: str) -> None:
    path = tmp_path / "sample.yaml"
    path.write_text(REQUIRED, encoding="utf-8")
    spec = load_contract(path)
    assert explain(spec, "missing_fields", line_of(event)) == f"source all requires {why}"
    assert Bench(spec).feed(event).moved("lines_total") == {("missing_fields",): 1}


def test_one_bound_alone_is_said_alone(contract: Callable[[str], Contract]) -> None:
    for bound, wanted in (("max: 3", "of at most 3"), ("min: 0.5", "of at least 0.5")):
        spec = contract(f"""
vocabulary: {{kind: {{values: [a]}}}}
sources: {{one: {{match: {{v: {{{bound}}}}}, read: {{kind: kind}}}}}}
metrics: {{kinds_total: {{type: counter, counts: kind, labels: [kind], help: Kinds., budget: 1}}}}
""")
        assert explain(spec, "unknown_schema", b"{}") == f"{FAR}one, v is absent, wanted a number {wanted}"


def test_what_stands_there_is_shown_to_who_asks_about_a_file_of_their_own(spec: Contract) -> None:
    found = explain(
        spec, "missing_fields", line_of({"rows": 1, "type": "sale", "k1": "?"}), lambda _, value: repr(value)
    )
    assert found == "source rows requires kind: k1 is '?', k2 is None"


def test_what_a_parser_says_is_cut(spec: Contract) -> None:
    found = explain(spec, "unknown_schema", b'{"v":1' + b"0" * 5000 + b"}")
    assert (found[:20], len(found)) == ("Exceeds the limit (4", 80)


@pytest.mark.parametrize("digits", [300, 400, 5000])
def test_a_number_of_any_length_refuses_its_line_and_stops_nothing(tmp_path: Path, digits: int) -> None:
    plant = Plant(tmp_path, TEXT)
    plant.write(b'{"v":1' + b"0" * digits + b',"x":1}', {"v": 7, "x": 1, "kind": "sold"})
    plant.begin()
    plant.step()
    assert (plant.own("lines_total", "unknown_schema"), plant.own("lines_total", "applied")) == (1, 1)
    plant.stop()


def test_a_line_whose_fault_cannot_be_found_out_is_said_without_it(
    spec: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "explain", lambda *_: 1 / 0)
    found = refusals.Refusals(spec, RateLimitedLog(FakeClock().monotonic))
    found.look(Batch("e.jsonl", 0, 3, b"{}\n"), Counter(bad_json=1), (), lambda _: [("bad_json", 5, b"{}\n")], NOW)
    assert found.summary() == ["1 line refused as bad_json, at e.jsonl@5"]
