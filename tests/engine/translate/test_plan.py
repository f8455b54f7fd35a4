from collections.abc import Callable

import pytest

from contracts.model import Contract
from exporters.engine.fields import MISTYPED
from exporters.engine.translate import planner
from exporters.engine.translate.plan import Move, Plan
from exporters.engine.translate.planner import Planner
from tests.engine.support.harness import Bench

CONDITIONS = """
vocabulary: {kind: {values: [a, b]}}
sources:
  equal:    {match: {v: 1, s: "1"}, read: {kind: kind}}
  one_of:   {match: {s: [x, y]}, read: {kind: kind}}
  in_list:  {match: {v: {in: [7, 8]}}, read: {kind: kind}}
  flagged:  {match: {f: true}, read: {kind: kind}}
  there:    {match: {p.q: {present: true}, n: {present: false}}, expect: {v: 5}, read: {kind: kind}}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind, source], help: Kinds., budget: 10}
"""


def plan(contract: Contract, **fields: object) -> Plan:
    paths = dict.fromkeys(contract.paths())
    given = {tuple(name.split("__")): value for name, value in fields.items()}
    assert given.keys() <= paths.keys()
    return Planner(contract, {}).plan({**paths, **given})


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"v": 1, "s": "1"}, "equal"),
        ({"v": 1, "s": 1}, None),
        ({"v": "1", "s": "1"}, None),
        ({"v": True, "s": "1"}, None),
        ({"v": MISTYPED, "s": "1"}, None),
        ({"s": "x"}, "one_of"),
        ({"s": "X"}, None),
        ({"s": " x"}, None),
        ({"v": 8}, "in_list"),
        ({"v": "8"}, None),
        ({"f": True}, "flagged"),
        ({"f": False}, None),
        ({"f": 1}, None),
        ({"f": "true"}, None),
        ({"p__q": "", "v": 5}, "there"),
        ({"p__q": MISTYPED, "v": 5}, "there"),
        ({"p__q": "z", "n": "z", "v": 5}, None),
        ({}, None),
    ],
    ids=str,
)
def test_a_source_takes_an_event_only_if_value_and_kind_agree(
    contract: Callable[[str], Contract], fields: dict[str, object], source: str | None
) -> None:
    found = plan(contract(CONDITIONS), kind="a", **fields)
    if source is None:
        assert found.rejected == ("unknown", "unknown_schema")
    else:
        assert [labels for _, labels in found.counts] == [("a", source)]


def test_an_expectation_that_fails_refuses_the_line_in_the_name_of_its_source(
    contract: Callable[[str], Contract],
) -> None:
    assert plan(contract(CONDITIONS), kind="a", p__q="z", v=4).rejected == ("there", "unknown_schema")


ROWS = """
vocabulary:
  kind: {values: [a, b]}
  size: {values: [s, m], otherwise: odd}
  place: {values: [here], default: here}
sources:
  rows:
    match: {}
    read: {size: size, place: place}
    require_any: [kind, size]
    by: t
    rows:
      Both: {kind: a}
      own: {size: {path: other}, kind: {path: kind, required: true}}
      nothing: {}
metrics:
  kinds_total: {type: counter, counts: kind, labels: [kind], help: Kinds., budget: 10}
  sizes_total: {type: counter, counts: size, labels: [size, place], when: {size: [s, odd]}, help: Sizes., budget: 10}
"""


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"t": "both", "size": "s"}, [("a",), ("s", "here")]),
        ({"t": " BOTH "}, [("a",)]),
        ({"t": "own", "size": "s", "kind": "b"}, [("b",)]),
        ({"t": "own", "other": "?", "kind": "b"}, [("b",), ("odd", "here")]),
        ({"t": "nothing", "size": "m"}, []),
        ({"t": None}, ("rows", "missing_fields")),
        ({"t": "  "}, ("rows", "missing_fields")),
        ({"t": MISTYPED}, ("rows", "missing_fields")),
        ({"t": "else"}, ("rows", "unknown_schema")),
        ({"t": 5}, ("rows", "unknown_schema")),
        ({"t": "own"}, ("rows", "missing_fields")),
        ({"t": "own", "kind": "z"}, ("rows", "missing_fields")),
        ({"t": "own", "kind": MISTYPED}, ("rows", "missing_fields")),
        ({"t": "nothing"}, ("rows", "missing_fields")),
    ],
    ids=str,
)
def test_a_row_reads_besides_its_source_and_refuses_what_is_unlisted_or_incomplete(
    contract: Callable[[str], Contract], fields: dict[str, object], expected: object
) -> None:
    found = plan(contract(ROWS), **fields)
    counts = [labels for _, labels in found.counts]
    assert (found.rejected or counts) == expected
    assert not (found.rejected and counts)


def test_rows_are_told_apart_among_many_other_values(bench: Callable[..., Bench]) -> None:
    keys: list[object] = ["both", " OWN", "nothing", *(f"no-{number}" for number in range(30)), [], None, 5, True]
    made = bench(ROWS).feed(*({"t": key, "kind": "b", "size": "s"} for key in keys * 2))
    assert made.moved("kinds_total") == {("a",): 2, ("b",): 2}
    assert made.moved("sizes_total") == {("s", "here"): 4}
    assert made.moved("lines_total") == {("applied",): 6, ("unknown_schema",): 62, ("missing_fields",): 6}


def test_a_refused_line_refuses_no_values(contract: Callable[[str], Contract]) -> None:
    assert plan(contract(ROWS), t="own", kind="z").refused == ()
    assert plan(contract(ROWS), t="both", place="there").refused == (("place", "unknown_value"),)


TESTS = """
vocabulary: {kind: {values: [a, b, "true"]}, size: {values: [s, m]}}
sources: {all: {match: {}, read: {kind: kind, size: size}}}
metrics:
  present_total: {type: counter, counts: events, when: {size: {present: true}}, help: Present., budget: 1}
  absent_total: {type: counter, counts: events, when: {size: {present: false}}, help: Absent., budget: 1}
  equal_total: {type: counter, counts: events, when: {kind: "true"}, help: Equal., budget: 1}
  both_total: {type: counter, counts: events, when: {kind: {in: [a, b]}, size: s}, help: Both., budget: 1}
  labelled_total: {type: counter, counts: events, labels: [{dimension: size}], help: Labelled., budget: 2}
"""


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ["absent_total"]),
        ({"size": "s"}, ["present_total", "labelled_total"]),
        ({"kind": "b", "size": "s"}, ["present_total", "both_total", "labelled_total"]),
        ({"kind": "b", "size": "m"}, ["present_total", "labelled_total"]),
        ({"kind": True}, ["absent_total", "equal_total"]),
    ],
    ids=str,
)
def test_a_metric_moves_if_all_its_conditions_hold_and_all_its_labels_have_values(
    contract: Callable[[str], Contract], fields: dict[str, object], expected: list[str]
) -> None:
    assert [metric.name for metric, _ in plan(contract(TESTS), **fields).counts] == expected


STATES = """
vocabulary: {mode: {values: [x, y]}, state: {values: [on, off], otherwise: lost}}
sources: {all: {match: {}, read: {mode: mode, state: state}}}
metrics:
  state: {type: gauge, states: state, labels: [{now: state}, mode], help: SeriesTable., budget: 6}
"""


def test_a_state_is_one_and_every_other_value_of_the_word_is_zero(contract: Callable[[str], Contract]) -> None:
    found = contract(STATES)
    (metric,) = found.metrics
    expected = [Move(metric, (value, "y"), None, float(value == "off")) for value in ("on", "off", "lost")]
    assert list(plan(found, mode="y", state="off").moves) == expected
    assert plan(found, mode="y").moves == plan(found, state="on").moves == ()
    assert not plan(found, mode="y").is_applied


def test_defaults_are_the_values_of_words_an_event_does_not_carry(contract: Callable[[str], Contract]) -> None:
    assert Planner(contract(ROWS), {}).defaults() == {"kind": None, "size": None, "place": "here"}


PAIRED = """
vocabulary:
  stage: {values: [open, done]}
  edge: {values: [open_to_done]}
  desk: {allow: a-z0-9, max_length: 8, max_values: 99}
  id: {type: id}
  at: {type: time}
  latency: {type: number, unit: seconds, min: 0}
sources: {all: {match: {}, read: {stage: stage, id: id, at: at, desk: desk}}}
pairs: {order: {id: id, stage: stage, at: at, edge: edge, latency: latency, edges: {open_to_done: [open, done]}}}
metrics:
  open_seconds: {type: histogram, observes: latency, labels: [edge, desk], buckets: [1], help: E., budget: 100}
"""


def test_only_so_many_plans_and_series_of_pairs_are_remembered(
    contract: Callable[[str], Contract], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "_PLANS_KEPT", 3)
    monkeypatch.setattr(planner, "_TARGETS_KEPT", 3)
    spec = contract(PAIRED)
    paths = dict.fromkeys(spec.paths())
    planned = Planner(spec, {})
    for number in range(20):
        fields = {**paths, ("stage",): "done", ("desk",): f"d{number}"}
        found = planned.plan(fields)
        assert number or planned.plan(fields) is found, "one that does the same is the same"
        ((_, labels),) = found.steps[0].plan.closes[0].targets
        assert labels == ("open_to_done", f"d{number}")
        assert len(planned._same) <= 3 and len(planned._targets) <= 4
