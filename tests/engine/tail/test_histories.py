"""All short histories of a path, not a sample: see `support/histories.py` for the steps.

Every history of three steps is taken from a file with a few lines, of two from one with more than a page;
and every one of two more steps after beginnings in which rotation was found to go wrong: copytruncate with a writer
that goes on, a late line while a file is packed, two rotations while down, a folder away at the start. Those that lead
to the same files and checkpoints are taken once. PEAK_TRADE_CHAOS=1 goes deeper.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.budget import amount
from tests.engine.support.histories import STEPS, World, explore

BEGINNINGS = {
    "copytruncate": "caPt",
    "a late line while it is packed": "raPfP",
    "two rotations while down": "Krar",
    "the folder away at the start": "mKS",
    "let go, then written to": "raWl",
    "packed, then unpacked names move on": "rafd",
}


def check(folder: Path, begun: int, depth: int, beginning: str = "") -> None:
    number, states, complaints = explore(folder, begun, depth, "".join(STEPS), beginning)
    print(f"{beginning or 'any'}: {number} histories, {states} states")
    assert complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("begun", [3, 60], ids=["a few lines", "more than a page"])
def test_every_history_of_a_few_steps_counts_every_line_once(tmp_path: Path, begun: int) -> None:
    check(tmp_path, begun, amount(3 if begun == 3 else 2, 6 if begun == 3 else 5))


@pytest.mark.slow
@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=list(BEGINNINGS))
def test_every_history_after_a_beginning_that_went_wrong_once(tmp_path: Path, beginning: str) -> None:
    check(tmp_path, 3, amount(2, 4), beginning)


CASES = {
    "r1": "caPta",
    "r1 gz": "caPtafd",
    "r2": "raPflPdP",
    "r3": "KmSPmP",
    "r6": "Krarfa",
}


@pytest.mark.parametrize("begun", [0, 3, 60])
@pytest.mark.parametrize("history", CASES.values(), ids=list(CASES))
def test_the_histories_that_went_wrong_in_the_field(tmp_path: Path, begun: int, history: str) -> None:
    world = World(tmp_path, begun)
    try:
        for step in history:
            if world.may(step):
                world.step(step)
        world.settle()
    finally:
        world.close()


def test_the_model_sees_a_line_counted_twice_and_one_not_counted(tmp_path: Path) -> None:
    world = World(tmp_path, 3)
    try:
        world.settle()
        world.required.add(99)
        with pytest.raises(AssertionError, match=r"not counted: \[99\]"):
            world.check()
        world.counts[0] += 1
        with pytest.raises(AssertionError, match=r"counted twice: \[0\]"):
            world.step("P")
    finally:
        world.close()
