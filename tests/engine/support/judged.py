"""A pair whose batches may be taken at once, beside the same pair taken event by event; and what is written for them.

In: events. Out: what both come to, which has to be the same, and what is remembered.
"""

from __future__ import annotations

from collections.abc import Hashable
from random import Random

from contracts.model import Contract
from exporters.engine.pairs.pairs import Joined, OpenPairs
from exporters.engine.values import FIRST_PLACE, Close, JoinPlan, Joins
from tests.engine.pairs.test_segments import Rows, commit, listed
from tests.engine.support.harness import stored as stored_as
from tests.engine.support.stages import STAGES

__all__ = ["ONE_EDGE", "Event", "Judged", "Writer", "plain"]

Event = tuple[str, str, float]
"""A plan (of `steps_of`), an id, and when (seconds)."""

EDGES = "edges: {open_to_ack: [open, ack], ack_to_done: [ack, done], open_to_done: [open, done]}"
ONE_EDGE = STAGES.replace(EDGES, "edges: {open_to_ack: [open, ack]}")


def steps_of(contract: Contract) -> dict[Hashable, JoinPlan]:
    """Return two ways to open and two to close, which observe in part the same."""
    metrics = {metric.name: metric for metric in contract.metrics}
    target = (metrics["edge_seconds"], ("open_to_ack",))
    tallies = [("order", "open_to_ack", outcome) for outcome in ("joined", "orphan", "repeated", "negative", "evicted")]
    closes = [
        Close(FIRST_PLACE, FIRST_PLACE + 1, targets, *tallies)
        for targets in ((target,), (target, (metrics["exact_seconds"], ())))
    ]
    opening, other = JoinPlan("order", FIRST_PLACE, ()), JoinPlan("order", FIRST_PLACE, ())
    return {
        "open": opening,
        "OPEN": other,
        **{name: JoinPlan("order", None, (close,)) for name, close in zip(("close", "CLOSE"), closes, strict=True)},
    }


class Judged:
    """A pair, and beside it the same pair taken event by event, which has to come to the same."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.steps = steps_of(contract)
        self.both = self._begin()
        self.stored: tuple[Rows, Rows] = {}, {}

    def _begin(self) -> tuple[OpenPairs, OpenPairs]:
        both = OpenPairs(self.contract), OpenPairs(self.contract)
        both[1]._open["order"].only_edge = None
        return both

    @property
    def at_once(self) -> int:
        """How many ids are remembered of batches that were taken at once."""
        return len(self.both[0]._open["order"].fresh)

    def read(self, *events: Event) -> Joined:
        """Join a batch."""
        plans = [next(one for one in self.steps if one == plan) for plan, _, _ in events]  # a plan is one object
        times = [round(at * 1_000_000_000) for _, _, at in events]
        joins = Joins("order", [identity for _, identity, _ in events], times, plans, self.steps)  # type: ignore[arg-type]
        found, expected = (pairs.join([joins]) for pairs in self.both)
        assert found == expected
        self._compare()
        return found

    def settle(self) -> None:
        """Forget what nothing can come to any more."""
        found, expected = (pairs.settle() for pairs in self.both)
        assert found == expected
        self._compare()

    def restart(self, contract: Contract | None = None) -> None:
        """Commit, and go on from what was written, under another contract if one is given."""
        for pairs, stored in zip(self.both, self.stored, strict=True):
            commit(pairs, stored)
        assert self.stored[0] == self.stored[1]
        self.contract = contract or self.contract
        self.both = self._begin()
        for pairs, stored in zip(self.both, self.stored, strict=True):
            pairs.restore(listed(stored))

    def end(self) -> None:
        """Compare all that is remembered, and what is left of it when nothing comes any more."""
        found, expected = (pairs.conclude() for pairs in self.both)
        assert found == expected
        found, expected = (stored_as(pairs.changes(everything=True)) for pairs in self.both)  # type: ignore[assignment]
        assert found == expected

    def _compare(self) -> None:
        joiner = self.both[0]._open["order"]
        assert joiner.unsure <= joiner.waiting.keys(), "nothing stays behind"
        found, expected = ((pairs.sizes(), pairs._open["order"].progress()) for pairs in self.both)
        assert found == expected


class Writer:
    """Writes batches most of which hold nothing odd: what opens closes once, soon, and in the order of its times."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.at, self.opened = 1000.0, 0
        self.waiting: list[str] = []
        self.closed: list[str] = []

    def batch(self) -> list[Event]:
        """Return the next events."""
        odds = self.chance.choice([0, 0, 0, 0.02, 0.3])
        step, keeps = self.chance.choice([0, 0.2, 1, 5]), self.chance.choice([2, 8, 8, 40])
        return [
            self._odd() if self.chance.random() < odds else self.plain(step, keeps)
            for _ in range(self.chance.choice([3, 30, 90]))
        ]

    def plain(self, step: float, keeps: int) -> Event:
        """Return the next event in which nothing is odd."""
        self.at += step * self.chance.choice([0, 1])
        if len(self.waiting) < keeps or self.chance.random() < 0.1:
            self.opened += 1
            self.waiting.append(f"i{self.opened}")
            return self.chance.choice(["open", "open", "OPEN"]), f"i{self.opened}", self.at
        self.closed.append(self.waiting.pop(self.chance.randrange(len(self.waiting))))
        return self.chance.choice(["close", "close", "CLOSE"]), self.closed[-1], self.at

    def _odd(self) -> Event:
        known = f"i{self.chance.randrange(max(1, self.opened - 50), self.opened + 3)}"
        at = self.at + self.chance.choice([-300, -1, 0, 0, 0, 1])
        self.at = max(self.at, at)
        return self.chance.choice(["open", "close"]), known, at


def plain(first: int, number: int, at: float, apart: float = 0.01) -> list[Event]:
    """Return events of new ids, each of which closes right after it opened."""
    return [(plan, f"i{one}", at + apart * one) for one in range(first, first + number) for plan in ("open", "close")]
