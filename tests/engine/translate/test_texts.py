"""Many different values at one path: each counts as what it comes to, and those that come to the same have one plan."""

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from exporters.engine.translate.planner import Planner
from tests.engine.support.harness import Bench

Make = Callable[..., Bench]

SPEC = """
vocabulary: {topic: {values: [db, web, "7", none], otherwise: other}}
sources:
  f:
    match: {}
    read:
      topic:
        {path: msg, aliases: {none: [nil]}, prefixes: {select: db, ht: web}, contains: {sql: db, http: web, "=7": "7"}}
metrics: {topics_total: {type: counter, counts: topic, labels: [topic], help: T., budget: 5}}
"""
KINDS: dict[str, list[object]] = {
    "db": [
        *(f"Select {n}" for n in range(20)),
        *(f"a {n} MySQL" for n in range(20)),
        *(f"{n} http sql" for n in "abc"),
    ],
    "web": [*(f"http {n}" for n in range(20)), *(f"ht {n} sql" for n in range(20)), "WEB", " web ", "to http"],
    "7": [7.0, "7", " 7", *(f"n=7{n}" for n in range(9))],
    "none": ["nil", "None", " NIL"],
    "other": [8, 9.0, "8", "0.5", *(f"sel {n}" for n in range(20)), *(f"a select {n}" for n in range(20)), *"xyz"],
    "": [*(n + 0.5 for n in range(20)), 1e400, -0.25, True, [7], {}, None, "", "  "],
}


@pytest.fixture
def mixed() -> list[tuple[str, object]]:
    """Return all values with what they come to, in no order."""
    found = [(kind, raw) for kind, raws in KINDS.items() for raw in raws]
    Random(7).shuffle(found)
    return found


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
def test_each_of_many_values_counts_as_what_it_comes_to(
    bench: Make, mixed: list[tuple[str, object]], size: int
) -> None:
    made = bench(SPEC)
    for begin in range(0, len(mixed), size):
        made.feed(*({"msg": raw} for _, raw in mixed[begin : begin + size]))
    expected = Counter(kind for kind, _ in mixed if kind)
    assert made.moved("topics_total") == {(kind,): number for kind, number in expected.items()}


@pytest.mark.parametrize("kind", list(KINDS))
def test_values_that_come_to_the_same_have_one_stand_in(bench: Make, kind: str) -> None:
    texts = Planner(bench(SPEC).contract, {}).texts_at(("msg",), {})
    raws = [raw for raw in KINDS[kind] if isinstance(raw, str | int | float) and not isinstance(raw, bool)]
    found = texts.alike([*raws, "select", 9, "else"])
    assert len({repr(one) for one in found[: len(raws)]}) == (2 if not kind else 1), (
        "but nothing is not of a wrong kind"
    )


def test_a_long_text_stands_in_for_others_with_no_more_of_it_than_makes_a_difference(bench: Make) -> None:
    texts = Planner(bench(SPEC).contract, {}).texts_at(("msg",), {})
    begins, ends = [f"ht{'x' * 200} {n}" for n in range(9)], [f"{'x' * 200} {n} sql" for n in range(9)]
    found = texts.alike([*begins, *ends, "x" * 200])
    assert [*map(len, map(str, found))] == [100] * 9 + [len(ends[0])] * 9 + [100]
    assert bench(SPEC).feed(*({"msg": text} for text in ends)).moved("topics_total") == {("db",): 9}


def test_a_text_that_no_list_knows_is_refused_as_that_whatever_else_stands_in_another_field(bench: Make) -> None:
    made = bench(
        SPEC.replace(", otherwise: other", "").replace(
            "      topic:\n        {path: msg,", "      topic:\n        - {path: other}\n        - {path: msg,"
        )
    )
    made.feed({"other": "?", "msg": [1]}, {"other": [1], "msg": "?"}, {"other": [1], "msg": {}})
    assert made.moved("refused_values_total") == {("topic", "unknown_value"): 2, ("topic", "mistyped"): 1}
