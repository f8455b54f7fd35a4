"""Joins two stages of one thing by id: intent -> ack by `intent_id` gives a latency.

In: joins in the order of their lines. Out: observations, and what became of each edge. Memory is bounded: an id older
than the pair's timeout (in event time) or beyond its cap is forgotten and, if it never joined, counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from contracts.model import Contract, Metric, Pair
from exporters.engine.values import Join, JoinPlan, Observe

__all__ = ["Joined", "OpenPairs", "PairTally"]

PairTally = Counter[tuple[str, str, str]]
"""(pair, edge, outcome) -> number; outcomes: joined, orphan, repeated, negative, and with edge "" expired, evicted."""

Entry = dict[str, float]
"""What is remembered of one id: opening stage -> time, and joined edge -> 0 (the two never share a name)."""

Joined = tuple[list[Observe], PairTally]


class OpenPairs:
    """The ids one contract's pairs are waiting for."""

    def __init__(self, contract: Contract) -> None:
        self._pairs: Mapping[str, Pair] = {pair.name: pair for pair in contract.pairs}
        self._open: dict[str, dict[str, Entry]] = {pair.name: {} for pair in contract.pairs}
        self._newest: dict[str, float] = {}
        self._changed: dict[str, set[str]] = {pair.name: set() for pair in contract.pairs}

    def join(self, joins: Iterable[Join]) -> Joined:
        """Take events in order; return the latencies they complete and the tally of edges."""
        tally: PairTally = Counter()
        latencies: defaultdict[tuple[str, tuple[str, ...]], list[float]] = defaultdict(list)
        metrics: dict[str, Metric] = {}
        for identity, at, plan in joins:
            entries = self._open[plan.pair]
            entry = entries.get(identity)
            for close in plan.closes:
                outcome = self._close(entry, close.opening, close.edge, at)
                tally[plan.pair, close.edge, outcome] += 1
                if outcome == "joined" and entry is not None:
                    entry[close.edge] = 0.0
                    self._changed[plan.pair].add(identity)
                    for metric, labels in close.targets:
                        metrics[metric.name] = metric
                        latencies[metric.name, labels].append(at - entry[close.opening])
            if plan.opens:
                self._remember(plan, identity, entry, at)
        for name, pair in self._pairs.items():
            self._forget(pair, self._open[name], tally)
        return [Observe(metrics[name], labels, found) for (name, labels), found in latencies.items()], tally

    @staticmethod
    def _close(entry: Entry | None, opening: str, edge: str, at: float) -> str:
        if entry is None or opening not in entry:
            return "orphan"
        if edge in entry:
            return "repeated"
        return "joined" if at >= entry[opening] else "negative"

    def _remember(self, plan: JoinPlan, identity: str, entry: Entry | None, at: float) -> None:
        if entry is None:
            entry = self._open[plan.pair][identity] = {}
        entry.setdefault(plan.stage, at)
        self._changed[plan.pair].add(identity)
        if at > self._newest.get(plan.pair, at - 1):
            self._newest[plan.pair] = at

    def _forget(self, pair: Pair, entries: dict[str, Entry], tally: PairTally) -> None:
        """Drop the oldest ids: those past the timeout, and those beyond the cap."""
        horizon = self._newest.get(pair.name, float("-inf")) - pair.timeout_s
        while entries:
            identity = next(iter(entries))
            entry = entries[identity]
            excess = len(entries) > pair.max_open
            if not excess and max(entry.values()) >= horizon:
                return
            del entries[identity]
            self._changed[pair.name].add(identity)
            if pair.edges.keys().isdisjoint(entry):
                tally[pair.name, "", "evicted" if excess else "expired"] += 1

    def sizes(self) -> dict[str, int]:
        """Return how many ids each pair remembers."""
        return {name: len(entries) for name, entries in self._open.items()}

    def take_changes(self) -> list[tuple[str, str, Entry | None]]:
        """Return (pair, id, entry or None if forgotten) of everything changed since the last call."""
        changes = [
            (name, identity, self._open[name].get(identity))
            for name, ids in self._changed.items()
            for identity in ids
        ]
        for ids in self._changed.values():
            ids.clear()
        return changes
