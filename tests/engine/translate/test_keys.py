"""Keys: what of an event decides its plan, no more of it and no less."""

import json
from collections.abc import Callable
from itertools import permutations

import pytest

from contracts.model import Contract
from exporters.engine.decode import Decoder
from exporters.engine.translate.keys import Key, KeyReader
from tests.engine.support.harness import Bench

Make = Callable[..., Bench]

SPEC = """
vocabulary:
  id: {type: id}
  size: {type: number}
  kind: {values: [a, b]}
  at: {type: time}
sources:
  one: {match: {id: {present: true}, size: {min: 0, max: 10}}, read: {id: id, size: size, at: at, kind: kind}}
  two: {match: {at: {present: true}, items: {present: true}}, parts: {item: {of: "items[]", read: {kind: kind}}}}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind, source], help: K., budget: 4}
  ids_total: {type: counter, counts: events, when: {id: {present: true}}, help: I., budget: 1}
  size: {type: gauge, sets: size, help: S., budget: 1}
  last_timestamp_seconds: {type: gauge, sets: at, help: L., budget: 1}
"""


def keys_of(contract: Contract, *events: object) -> list[Key]:
    """Return the keys of events, read all at once."""
    lines = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    return KeyReader(contract, is_inner=False).read(Decoder(contract).decode(lines).events)


@pytest.mark.parametrize(
    ("path", "raws"),
    [
        ("id", ["x", "y", 7, "", True]),
        ("at", ["2026-01-25T00:13:20Z", 1769300000, 0.5, "?", [1], {}]),
        ("items", [[], [{"kind": "a"}], 7, {}, "null", True, "xx"]),
        ("size", [0.5, 1, "9.99", 3e-5]),
        ("size", [11, 1e400, "1e300"]),
        ("size", [-1, -1e400, "-0.5"]),
        ("size", ["", "x", True, [1], {}]),
    ],
)
def test_all_that_conditions_do_not_tell_apart_is_one(
    contract: Callable[[str], Contract], path: str, raws: list[object]
) -> None:
    found = keys_of(contract(SPEC), *({path: raw} for raw in raws), {path: None}, {})
    assert len(set(found[:-2])) == 1
    assert len(set(found[-2:])) == 1, "null is absent"
    assert found[0] != found[-1]


@pytest.mark.parametrize("path", ["size", "kind"])
def test_what_they_do_tell_apart_is_not_whatever_came_before(contract: Callable[[str], Contract], path: str) -> None:
    spec = contract(SPEC)
    for raws in permutations([-1, 0, 5, 10, 11] if path == "size" else ["a", "b", 1, None]):
        assert len(set(keys_of(spec, *({path: raw} for raw in raws)))) == len(raws)


def test_parts_that_are_null_are_not_there(bench: Make) -> None:
    made = bench(SPEC).feed(
        '{"at":0,"items":null}', '{"at":0,"items": null }', '{"at":0,"items":[{"kind":"a"}]}', '{"at":0,"items":[]}'
    )
    assert made.moved("lines_total") == {("unknown_schema",): 2, ("applied",): 1, ("ignored",): 1}


def test_a_part_may_be_asked_whether_there_are_parts_inside_it(bench: Make) -> None:
    made = bench("""
vocabulary: {kind: {values: [a, b]}, n: {type: number}}
sources:
  f:
    match: {}
    parts:
      item:
        of: "items[]"
        match: {inside: {present: true}, kind: {present: true}, sure: {present: true}}
        read: {kind: kind}
        parts: {one: {of: "inside[]", read: {n: n}}}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind], help: K., budget: 2}
  sum: {type: gauge, adds: n, labels: [kind], help: S., budget: 2}
""").feed(
        {"items": [{"inside": None, "kind": "a", "sure": 1}, {"inside": [], "kind": "b", "sure": 0}]},
        {"items": [{"inside": [{"n": 3}], "kind": "a", "sure": []}, {"inside": [{"n": 4}], "kind": "a"}, 5]},
        {"items": [{"inside": "null", "kind": "b", "sure": "x"}, {"kind": "a", "sure": 1}]},
    )
    assert made.moved("kinds_total") == {("a",): 1, ("b",): 2}
    assert made.values("sum") == {("a",): 3, ("b",): 0}
    assert made.moved("parts_total") == {
        ("f.item", "applied"): 3,
        ("f.item", "unmatched"): 4,
        ("f.item.one", "applied"): 1,
        ("f.item.one", "unmatched"): 1,
        ("f.item.one", "mistyped"): 1,
    }


def test_a_field_that_another_source_takes_for_a_flag_is_told_apart_for_parts_too(bench: Make) -> None:
    made = bench("""
vocabulary: {name: {values: ["1", x]}, n: {type: number}}
sources:
  flagged: {match: {kind: flag, v: true}, read: {name: {value: x}}}
  f: {match: {}, read: {name: v}, parts: {item: {of: "items[]", read: {n: n}}}}
metrics:
  names_total: {type: counter, counts: name, labels: [name], help: N., budget: 2}
  sum: {type: gauge, adds: n, labels: [name], help: S., budget: 2}
""").feed(*({"v": raw, "items": [{"n": n}]} for n, raw in ((1, True), (2, 1), (4, [1]), (8, {}), (16, "x"))))
    assert made.moved("names_total") == {("1",): 1, ("x",): 1}
    assert made.values("sum") == {("1",): 2, ("x",): 16}
