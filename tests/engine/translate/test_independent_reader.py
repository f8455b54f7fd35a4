"""Random contracts, events, cutting into batches and restarts in between: a second reading agrees on every series.

The second reading (`support/reference`) shares no code with the contracts' compiler or the engine. The events come from
two files, of which either is read further at any time.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.budget import amount
from tests.engine.support.harness import HEAD, NOW, Bench, contract_of
from tests.engine.support.random_contracts import contract_text, lines
from tests.engine.support.reference import Reference

pytestmark = pytest.mark.thorough

KEPT = ("lines_total", "refused_values_total", "absent_values_total", "pair_edges_total", "pairs_forgotten_total")
"""What the exporter counts about itself that the second reading counts, too."""


def shown(bench: Bench) -> dict[str, float]:
    """Return what a page shows, as `Reference.series` says it."""
    found: dict[str, float] = {}
    for metric, samples in bench.snapshot():
        for sample in samples if metric in bench.contract.metrics else ():
            pairs = dict(sorted(zip(metric.labels, sample.labels, strict=True)))
            found[f"{metric.name}{'_sum' * (metric.type == 'histogram')}{pairs}"] = sample.value
            count = 0
            for bound, number in zip((*metric.buckets, math.inf), sample.buckets, strict=False):
                count += number
                le = {"le": "+Inf" if bound == math.inf else str(float(bound))}
                found[f"{metric.name}_bucket{dict(sorted((pairs | le).items()))}"] = count
            if metric.type == "histogram":
                found[f"{metric.name}_count{pairs}"] = count
    return found


def batches(chance: Random) -> Iterator[list[str]]:
    """Yield the lines of two files, openings in one and closings in the other, of which either is read further."""
    stages = (["open", "open", "open", "note"], ["ack", "done"])
    files = [list(lines(chance, chance.choice([10, 40, 100]), of_one)) for of_one in stages]
    while any(files):
        file = chance.choice([one for one in files if one])
        size = chance.choice([1, 2, 7, 50, 200])
        yield file[:size]
        del file[:size]


def counted_by(reference: Reference) -> dict[str, dict[tuple[str, ...], float]]:
    """Return what a second reading says of `KEPT`."""
    found: list[dict[tuple[str, ...], float]] = [
        {(outcome,): number for outcome, number in reference.lines.items()},
        {(word, why): number for (word, why), number in reference.refused.items()},
        {(word,): number for word, number in reference.absent.items()},
        {("orders", *key): number for key, number in reference.edges.items()},
        {("orders", why): number for why, number in reference.forgotten.items()},
    ]
    return {name: {key: number for key, number in one.items() if number} for name, one in zip(KEPT, found, strict=True)}


@settings(max_examples=amount(15, 400), deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_second_reading_of_a_random_contract_agrees_on_every_series(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = Random(seed)
    folder: Path = tmp_path_factory.getbasetemp()
    text = contract_text(chance)
    spec = contract_of(folder, text)
    path = folder / "reference.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    reference, bench = Reference(path, NOW), Bench(spec)
    bench.files_end = False
    for batch in batches(chance):
        bench.feed(*batch)
        for one in batch:
            reference.feed(one)
        if chance.random() < 0.2:
            counted = {name: bench.moved(name) for name in KEPT}
            bench = Bench(spec, rows=bench.rows())
            bench.files_end = False
            assert counted == {name: bench.moved(name) for name in KEPT}
    bench.conclude()
    reference.conclude()
    mine, theirs = shown(bench), reference.series()
    assert {key: value for key, value in mine.items() if value} == pytest.approx(
        {key: value for key, value in theirs.items() if value}
    )
    assert {name: bench.moved(name) for name in KEPT} == counted_by(reference)
    assert {word: [*names] for word, names in bench.state.seen.items() if names} == {
        word: [*names] for word, names in reference.places.items() if names and word in spec.words
    }
