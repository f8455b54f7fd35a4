"""Random events of the shipped contracts: the engine and a naive second reading must agree, however batched."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import contracts
from contracts.load import load_contract
from tests.budget import amount
from tests.documents import from_yaml
from tests.engine.support.harness import NOW, Bench, Values
from tests.engine.support.reference import Reference

pytestmark = pytest.mark.slow

SHIPPED = sorted(Path(contracts.__path__[0]).glob("*.yaml"))
CONTRACTS = [path for path in SHIPPED if not load_contract(path).is_recorded]
JUNK: list[object] = [None, True, False, 5.5, 7, [], {}, "", "  ", "weird", "BLOCKED_by_odd Thing", 10**20, "\u2028"]
NUMBERS: list[object] = [float("nan"), float("inf"), 0, 1, 85.0, 2, 40, 12.5, 250, 60000, -1, "85", True, None, 1e300]
TIMES: list[object] = [
    *(datetime.fromtimestamp(NOW + seconds, UTC).isoformat() for seconds in (-900, -310, -301, -9, -2, -1, 0, 4, 6)),
    datetime.fromtimestamp(NOW - 3, UTC).replace(tzinfo=None).isoformat(),
    datetime.fromtimestamp(NOW - 4, UTC).isoformat().replace("+00:00", "Z"),
    "2026-01-25T05:13:00+05:00",
    NOW - 5,
    "yesterday",
    "",
    None,
    True,
]
IDS: list[object] = ["i1", "i2", "i3", " i1 ", 1, "1", "", None, 2.5, True]
ODD_LINES = ["", "  ", "{", "[1]", "null", "7", '"text"', "{}", '{"v":1}{"v":1}', '{"v":NaN}', '{"ts":Infinity}']


def candidates_of(read: Any) -> list[Any]:
    listed = read if isinstance(read, list) else [read]
    return [each if isinstance(each, dict) else {"path": each} for each in listed]


def pool_of(document: Any, word: str, candidate: Any) -> list[object]:
    """Return values that a path of `word` may hold: good, odd and wrong ones."""
    kind = document["vocabulary"][word]
    if kind.get("type"):
        return {"number": NUMBERS, "time": TIMES, "id": IDS}[kind["type"]]
    values = [*kind.get("values", ()), *(["Demo.A", "b c"] if "allow" in kind else ())]
    spellings = [item for owner in (kind, candidate) for listed in owner.get("aliases", {}).values() for item in listed]
    parts = [f"{prefix}X" for prefix in candidate.get("prefixes", {})]
    parts += [f"x{part}y".upper() for part in candidate.get("contains", {})]
    good = [*values, *spellings, *parts, *(str(value).upper() for value in values)]
    return [*good, *good, *(JUNK[:7] if "allow" in kind else JUNK)]


def fields_of(document: Any, source: Any) -> Iterator[tuple[str, list[object]]]:
    """Yield every path of a source and what it may hold."""
    for path, wanted in (*source["match"].items(), *source.get("expect", {}).items()):
        yield path, [1 if isinstance(wanted, dict) else wanted] * 12 + [True, 1.0, "1", 2, None]
    if "by" in source:
        rows = list(source["rows"])
        yield source["by"], rows * 3 + [row.swapcase() for row in rows] + JUNK
    reads = [*source.get("read", {}).items()]
    reads += [
        cell for row in source.get("rows", {}).values() for cell in row.items() if isinstance(cell[1], dict | list)
    ]
    for word, read in reads:
        for candidate in candidates_of(read):
            if "path" in candidate:
                yield candidate["path"], pool_of(document, word, candidate)


@st.composite
def lines(draw: st.DrawFn, document: Any) -> str:
    """Draw one line: mostly an event of one of the contract's sources."""
    if draw(st.integers(0, 15)) == 0:
        return draw(st.sampled_from(ODD_LINES))
    source = document["sources"][draw(st.sampled_from(sorted(document["sources"])))]
    event: dict[str, object] = {}
    for path, pool in fields_of(document, source):
        if path in source["match"] or path == source.get("by") or draw(st.integers(0, 3)):
            event[path] = draw(st.sampled_from(pool))
    return json.dumps(event)


def batches(path: Path) -> st.SearchStrategy[list[list[str]]]:
    document = from_yaml(path.read_text(encoding="utf-8"))
    return st.lists(st.lists(lines(document), min_size=1, max_size=8), min_size=1, max_size=6)


def assert_same(bench: Bench, reference: Reference) -> None:
    """Compare every series that moved."""
    names = {metric.name for metric in bench.contract.metrics if metric.job != "always"}
    mine: Values = {}
    buckets: Values = {}
    for metric, samples in bench.snapshot():
        for sample in samples if metric.name in names else ():
            mine[metric.name, *sample.labels] = sample.value
            for bound, number in zip((*metric.buckets, math.inf), sample.buckets, strict=False):
                buckets[metric.name, *sample.labels, str(bound)] = number
    assert {key: value for key, value in mine.items() if value} == pytest.approx(
        {key: value for key, value in reference.values.items() if value}
    )
    assert {key: number for key, number in buckets.items() if number} == dict(reference.buckets)
    assert bench.moved("lines_total") == {(key,): number for key, number in reference.lines.items()}
    assert bench.moved("refused_values_total") == {key: number for key, number in reference.refused.items() if number}
    absent = {key[0]: number for key, number in bench.moved("absent_values_total").items()}
    assert absent == dict(reference.absent)
    edges = {key[1:]: number for key, number in bench.moved("pair_edges_total").items()}
    assert edges == dict(reference.edges)
    forgotten = {key[1]: number for key, number in bench.moved("pairs_forgotten_total").items()}
    assert forgotten == {key: number for key, number in reference.forgotten.items() if number}


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.stem)
def test_the_engine_agrees_with_a_naive_reading_of_the_contract(path: Path) -> None:
    contract = load_contract(path)

    @settings(
        max_examples=amount(8, 500),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(batches(path))
    def agree(drawn: list[list[str]]) -> None:
        bench, reference = Bench(contract), Reference(path, NOW)
        bench.files_end = False
        for batch in drawn:
            bench.feed(*batch)
            for line in batch:
                reference.feed(line)
        reference.conclude()
        bench.conclude()
        assert_same(bench, reference)

    agree()
