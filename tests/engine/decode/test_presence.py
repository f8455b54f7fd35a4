"""`{present: true}` asks whether something is there, whatever it is and whatever else is read of the field."""

from collections.abc import Callable

import pytest
from msgspec import Struct
from msgspec.structs import astuple

from contracts.model import Contract
from exporters.engine.decode import Decoder
from tests.engine.support.harness import Bench, Event, line_of

Make = Callable[..., Bench]

ALONE = """
vocabulary: {kind: {values: [failed, fine]}}
sources:
  failed: {match: {error: {present: true}}, read: {kind: {value: failed}}}
  fine: {match: {error: {present: false}}, read: {kind: {value: fine}}}
metrics: {events_total: {type: counter, counts: kind, labels: [kind], help: Events., budget: 2}}
"""
OBJECT = ALONE.replace("kind: {value: failed}", "kind: [{path: error.deep.kind}, {path: error.kind}, {value: failed}]")
NUMBER = ALONE.replace("kind: {values: [failed, fine]}", "kind: {values: [failed, fine]}, size: {type: number, min: 0}")
NUMBER = NUMBER.replace("kind: {value: failed}", "kind: {value: failed}, size: error").replace(
    "metrics: {", "metrics: {sizes: {type: histogram, observes: size, buckets: [2], help: Sizes., budget: 1}, "
)
DEEP = OBJECT.replace("error: {present", "error.deep: {present")
HERE = ["text", "", 0, 1.5, -3, 1e300, 10**30, True, False, [], [None, {}], {}, {"kind": None}, {"*": None}, {"a": [1]}]


def counted(bench: Bench) -> dict[str, float]:
    return {kind: number for (kind,), number in bench.values("events_total").items()}


@pytest.mark.parametrize("text", [ALONE, OBJECT, NUMBER], ids=["read nowhere else", "the object around", "a number"])
@pytest.mark.parametrize("found", HERE, ids=repr)
def test_whatever_stands_in_a_field_is_present(bench: Make, text: str, found: object) -> None:
    assert counted(bench(text).feed({"error": found})) == {"failed": 1, "fine": 0}
    assert counted(bench(text).feed({"error": found}, "not json", {"error": found})) == {"failed": 2, "fine": 0}


@pytest.mark.parametrize("text", [ALONE, OBJECT, NUMBER], ids=["read nowhere else", "the object around", "a number"])
def test_null_is_as_absent_as_no_field(bench: Make, text: str) -> None:
    assert counted(bench(text).feed({"error": None}, {}, {"errors": {}})) == {"failed": 0, "fine": 3}


@pytest.mark.parametrize("odd", [None, True, False, 5, "x"], ids=repr)
def test_a_field_of_an_object_may_be_called_by_a_star(bench: Make, odd: object) -> None:
    assert counted(bench(OBJECT).feed({"error": {"*": odd}}, {"*": odd})) == {"failed": 1, "fine": 1}


def test_an_object_is_present_at_any_depth(bench: Make) -> None:
    events: list[Event] = [
        {"error": {"deep": {}}},
        {"error": {"deep": 1}},
        {"error": {}},
        {"error": {"deep": None}},
        {"error": 1},
    ]
    assert counted(bench(DEEP).feed(*events)) == {"failed": 2, "fine": 3}
    assert counted(bench(DEEP).feed_each(*events)) == {"failed": 2, "fine": 3}


def test_what_is_read_of_a_field_does_not_change_by_asking_whether_it_is_there(bench: Make) -> None:
    sizes = bench(NUMBER).feed({"error": 1}, {"error": 2.5}, {"error": "3 s"}, {})
    assert [(sample.value, sample.buckets) for sample in sizes.samples("sizes")] == [(3.5, (1, 1))]
    assert sizes.moved("refused_values_total") == {("size", "mistyped"): 1}
    kinds = bench(OBJECT).feed({"error": {"kind": "fine"}}, {"error": {"deep": {"kind": "fine"}}}, {"error": {}})
    assert counted(kinds) == {"failed": 1, "fine": 2}


def test_events_that_differ_only_in_what_is_there_are_equal(contract: Callable[[str], Contract]) -> None:
    lines = b"".join(line_of({"error": found}) for found in HERE)
    events = Decoder(contract(ALONE)).decode(lines).events
    assert len(events) == len(HERE)
    assert len({astuple(event) for event in events if isinstance(event, Struct)}) == 1
