"""Random events full of names: plans shared by names beyond a cap do what plans of each signature alone would do."""

import json
import random
from collections.abc import Callable, Sequence
from operator import attrgetter

import pytest

from contracts.model import Contract
from exporters.engine.fields import attribute_of
from exporters.engine.translate import plan_cache as plan_cache
from exporters.engine.translate.plan import Plan
from exporters.engine.translate.planner import Planner
from tests.budget import amount
from tests.engine.support.harness import NOW, Bench

pytestmark = pytest.mark.slow

NAMES = """
vocabulary:
  kind: {values: [buy, sell, hold]}
  run: {allow: "A-Za-z0-9._-", max_length: 6, max_values: 3, default: none}
  desk: {allow: a-z, fold: true, max_length: 8, max_values: 2}
  user: {allow: "a-z ", max_length: 8, max_values: 2, otherwise: else, aliases: {root: [admin]}}
  tag: {allow: a-z_, max_length: 12, max_values: 2}
  stage: {values: [begin, end]}
  size: {type: number, min: 0}
  at: {type: time}
  order: {type: id}
  edge: {values: [taken]}
  state: {values: ["on", "off"]}
  wait: {type: number, unit: seconds, min: 0}
sources:
  one:
    match: {v: 1}
    read:
      kind: {path: kind, required: true}
      run: [{path: run}, {path: session}]
      desk: desk
      user: user
      stage: stage
      tag: tag
      size: size
      at: at
      order: order
      state: state
  two:
    match: {v: 2}
    read: {run: {path: session, prefixes: {x: X}}, user: {path: user, required: true}, at: at, size: size}
    by: kind
    rows:
      buy: {desk: {path: run}, kind: buy}
      sell: {tag: {path: desk, otherwise: none}}
      hold: {}
  three:
    match: {v: 3}
    read: {run: run, desk: desk, tag: {path: tag, aliases: {x: [y]}}, stage: stage, order: order, at: at, state: state}
    require_any: [desk, tag]
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind, run], help: H., budget: 12}
  desks_total: {type: counter, counts: desk, labels: [desk], help: H., budget: 3}
  both_total: {type: counter, counts: events, labels: [run, desk], when: {kind: sell}, help: H., budget: 12}
  no_desk_total: {type: counter, counts: events, labels: [run], when: {desk: {present: false}}, help: H., budget: 4}
  some_total: {type: counter, counts: events, labels: [user], when: {run: [b, zz]}, help: H., budget: 3}
  unlabelled_total: {type: counter, counts: tag, when: {desk: {present: true}}, help: H., budget: 1}
  size_total: {type: counter, counts: events, amount: size, labels: [tag], help: H., budget: 3}
  sizes: {type: histogram, observes: size, labels: [desk, source], buckets: [0, 4], help: H., budget: 9}
  last_timestamp_seconds: {type: gauge, sets: at, labels: [run], help: H., budget: 4}
  level: {type: gauge, sets: size, labels: [desk, run], help: H., budget: 12}
  state: {type: gauge, states: state, labels: [state, user], help: H., budget: 6}
  wait_seconds:
    type: histogram
    observes: wait
    labels: [edge, run]
    when: {edge: {present: true}}
    buckets: [1]
    help: H.
    budget: 4
pairs:
  orders: {id: order, stage: stage, at: at, edge: edge, latency: wait, edges: {taken: [begin, end]}}
"""
ODD: list[object] = [
    None,
    None,
    "",
    " ",
    "\n",
    7,
    True,
    5.5,
    [],
    " a ",
    "A",
    "x/y",
    "€",
    "a\nb",
    "none",
    "other",
    "else",
]
OTHERWISE = {("run", "other"), ("desk", "other"), ("user", "else"), ("tag", "other")}
"""What names beyond their cap become; it takes no place."""

KNOWN: list[object] = ["a", "b", "zz", "y", "admin", "Root", "xa", "a b", "odd one", "a" * 30]


class Alone:
    """Works a plan out for each signature, however many there are, and shares none."""

    def __init__(self, contract: Contract) -> None:
        self._planner = Planner(contract, {})
        self._finder = [path for path, kind in contract.paths().items() if kind == "text" and path != ("order",)]

    def plans_of(self, events: Sequence[object]) -> tuple[list[Plan], list[tuple[str, str]]]:
        read = [attrgetter(attribute_of(path)) for path in self._finder]
        keys = [tuple(get(event) for get in read) for event in events]
        plans = {key: self._planner.plan(dict(zip(self._finder, key, strict=True))) for key in keys}
        names = [name for key in keys for name in plans[key].names]
        return [plans[key] for key in keys], [name for name in names if name not in OTHERWISE]


def alone(bench: Bench) -> Bench:
    """Return the bench with a translator that shares no plan."""
    bench.translator._plans = Alone(bench.contract)  # type: ignore[assignment]
    return bench


def name(chance: random.Random, variety: int) -> object:
    """Return what may stand where a name is read: mostly one of `variety` names."""
    draw = chance.random()
    if draw < 0.7:
        return f"{chance.choice('aBn')}{chance.randrange(variety)}"
    return chance.choice(KNOWN if draw < 0.9 else ODD)


def event(chance: random.Random, variety: int) -> str:
    fields = {
        path: name(chance, variety) for path in ("run", "session", "desk", "user", "tag") if chance.random() < 0.8
    }
    fields["stage"] = chance.choice(["begin", "end", "END", "?", None])
    fields["v"] = chance.choice([1, 1, 2, 3, 4])
    fields["kind"] = chance.choice(["buy", "sell", "hold", "buy", "sell", "?", None])
    fields["size"] = chance.choice([None, 1, 2.5, -3, "wide"])
    fields["at"] = chance.choice([None, NOW + 99, *(NOW - chance.randrange(100) for _ in range(4))])
    fields["order"] = chance.choice([None, *(f"o{chance.randrange(9)}" for _ in range(4))])
    fields["state"] = chance.choice([None, "on", "off"])
    return json.dumps(fields)


def rows_of(bench: Bench) -> list[str]:
    """Return what is stored but for pairs, whose waiting events hold names beyond the cap as they were read."""
    return sorted(str(row) for row in bench.rows() if row[0] != "pair")


@pytest.mark.parametrize("varied", [-1, 8, 10**9], ids=["all replaced", "as is", "as they are"])
@pytest.mark.parametrize("seed", range(amount(4, 60)))
def test_shared_plans_do_what_a_plan_for_each_signature_does(
    contract: Callable[[str], Contract], monkeypatch: pytest.MonkeyPatch, seed: int, varied: int
) -> None:
    monkeypatch.setattr(plan_cache, "_VARIED", varied)
    chance = random.Random(seed)
    spec = contract(NAMES)
    mine, theirs = Bench(spec), alone(Bench(spec))
    for number in (3, 60, 1, 150, 150):
        if number == 1:  # a restart
            mine, theirs = Bench(spec, rows=mine.rows()), alone(Bench(spec, rows=theirs.rows()))
        batch = [event(chance, 6 if chance.random() < 0.5 else 500) for _ in range(number)]
        assert mine.feed(*batch).snapshot() == theirs.feed(*batch).snapshot()
        assert rows_of(mine) == rows_of(theirs)
    assert mine.moved("label_overflow_total")


@pytest.mark.parametrize("seed", range(4))
def test_after_a_restart_with_a_lower_cap_they_do_so_too(contract: Callable[[str], Contract], seed: int) -> None:
    chance = random.Random(seed)
    spec = contract(NAMES)
    mine, theirs = Bench(spec), alone(Bench(spec))
    batch = [event(chance, 500) for _ in range(100)]
    assert rows_of(mine.feed(*batch)) == rows_of(theirs.feed(*batch))
    lower = contract(NAMES.replace("max_values: 3", "max_values: 1").replace("max_values: 2", "max_values: 1"))
    mine, theirs = Bench(lower, rows=mine.rows()), alone(Bench(lower, rows=theirs.rows()))
    for _ in range(3):
        batch = [event(chance, 500) for _ in range(100)]
        assert mine.feed(*batch).snapshot() == theirs.feed(*batch).snapshot()
        assert rows_of(mine) == rows_of(theirs)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_folded_does_not_depend_on_how_lines_are_cut_into_batches(
    contract: Callable[[str], Contract], seed: int
) -> None:
    chance = random.Random(seed)
    spec = contract(NAMES)
    first = [event(chance, 500) for _ in range(200)]
    before = Bench(spec).feed(*first)
    second = [event(chance, 500) for _ in range(100)]
    whole, each = Bench(spec, rows=before.rows()).feed(*second), Bench(spec, rows=before.rows()).feed_each(*second)
    assert whole.moved("label_overflow_total") == each.moved("label_overflow_total")


@pytest.mark.parametrize("seed", range(amount(4, 60)))
def test_which_names_take_a_place_depends_on_the_events_and_their_order_alone(
    contract: Callable[[str], Contract], seed: int
) -> None:
    chance = random.Random(seed)
    spec = contract(NAMES)
    events = [event(chance, 8 if chance.random() < 0.3 else 500) for _ in range(300)]
    whole, each, parts = Bench(spec).feed(*events), Bench(spec).feed_each(*events), Bench(spec)
    for begin in range(0, 300, 37):
        parts.feed(*events[begin : begin + 37])
    assert whole.everything() == each.everything() == parts.everything()
    assert rows_of(whole) == rows_of(each) == rows_of(parts)
    assert all(len(whole.state.seen[word]) == cap for word, cap in (("run", 3), ("desk", 2), ("user", 2), ("tag", 2)))
