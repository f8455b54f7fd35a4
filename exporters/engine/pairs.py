"""Joins two stages of one thing by id: intent -> ack by `intent_id` gives a latency.

In: joins in the order of their lines. Out: observations, and what became of each edge. An edge joins if its latency is
at most the pair's timeout. Memory is bounded: an id not heard of for longer than the timeout, or the one not heard of
longest when there are too many, is forgotten and, if it never joined, counted.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import cast

from contracts.model import Contract, Metric, Pair
from exporters.engine.values import Join, JoinPlan, Observe

__all__ = ["Entry", "Joined", "OpenPairs", "PairTally"]

PairTally = Counter[tuple[str, str, str]]
"""(pair, edge, outcome) -> number; outcomes: joined, orphan, repeated, negative, and with edge "" expired, evicted."""

Entry = dict[str, float]
"""What is remembered of one id: opening stage -> time, " " + joined edge -> latency, "" -> the pair's newest event time
when the id was last heard of. No stage is named like the latter two, as texts are trimmed."""

Joined = tuple[list[Observe], PairTally]

_HEARD = ""
_EDGE = " "


class OpenPairs:
    """The ids one contract's pairs are waiting for, per pair in the order in which they were last heard of."""

    def __init__(self, contract: Contract) -> None:
        self._pairs: Mapping[str, Pair] = {pair.name: pair for pair in contract.pairs}
        self._open: dict[str, dict[str, Entry]] = {pair.name: {} for pair in contract.pairs}
        self._newest: dict[str, float] = {pair.name: float("-inf") for pair in contract.pairs}
        self._settled = dict(self._newest)
        self._changed: dict[str, set[str]] = {pair.name: set() for pair in contract.pairs}
        self._fresh: dict[str, set[str]] = {pair.name: set() for pair in contract.pairs}
        self._laws = {pair.name: _law(pair) for pair in contract.pairs}
        self._stored_laws: Mapping[str, object] = {}
        self._left: list[tuple[str, str]] = []
        self._order: dict[tuple[str, str], int] = {}
        self._next = 0

    def join(self, joins: Iterable[Join]) -> Joined:
        """Take events in order; return the latencies they complete and the tally of edges.

        The result does not depend on how the events are cut into calls.
        """
        tally: PairTally = Counter()
        latencies: defaultdict[tuple[str, tuple[str, ...]], list[float]] = defaultdict(list)
        metrics: dict[str, Metric] = {}
        for identity, at, plan in joins:
            if at > self._newest[plan.pair]:
                self._newest[plan.pair] = at
                self._expire(plan.pair, tally)
            entry = self._open[plan.pair].get(identity)
            for close in plan.closes:
                latency, outcome = self._close(plan.pair, entry, close.opening, close.edge, at)
                tally[plan.pair, close.edge, outcome] += 1
                if outcome == "joined" and entry is not None:
                    entry[_EDGE + close.edge] = latency
                    self._changed[plan.pair].add(identity)
                    for metric, labels in close.targets:
                        metrics[metric.name] = metric
                        latencies[metric.name, labels].append(latency)
            if plan.opens:
                self._remember(plan, identity, at, tally)
        return [Observe(metrics[name], labels, found) for (name, labels), found in latencies.items()], tally

    def _close(self, pair: str, entry: Entry | None, opening: str, edge: str, at: float) -> tuple[float, str]:
        """Return the latency of an edge and what became of it."""
        if entry is None or opening not in entry:
            return 0.0, "orphan"
        latency = at - entry[opening]
        if _EDGE + edge in entry:
            return latency, "repeated"
        if latency < 0:
            return latency, "negative"
        return latency, "joined" if latency <= self._pairs[pair].timeout_s else "orphan"

    def _remember(self, plan: JoinPlan, identity: str, at: float, tally: PairTally) -> None:
        """Note a stage that opens edges; the first time of a stage stands."""
        entries = self._open[plan.pair]
        entry = entries.pop(identity, None)
        if entry is None:
            entry = {}
            if identity not in self._changed[plan.pair]:
                self._fresh[plan.pair].add(identity)
            while len(entries) >= self._pairs[plan.pair].max_open:
                self._forget(plan.pair, "evicted", tally)
        entry.setdefault(plan.stage, at)
        entry[_HEARD] = self._newest[plan.pair]
        entries[identity] = entry
        self._order[plan.pair, identity] = self._next
        self._next += 1
        self._changed[plan.pair].add(identity)

    def _expire(self, pair: str, tally: PairTally) -> None:
        entries, horizon = self._open[pair], self._newest[pair] - self._pairs[pair].timeout_s
        while entries and next(iter(entries.values()))[_HEARD] < horizon:
            self._forget(pair, "expired", tally)

    def _forget(self, pair: str, reason: str, tally: PairTally) -> None:
        """Drop the id not heard of longest."""
        entries = self._open[pair]
        identity = next(iter(entries))
        entry = entries.pop(identity)
        del self._order[pair, identity]
        if identity in self._fresh[pair]:  # never written: nothing to delete, nothing to remember
            self._fresh[pair].discard(identity)
            self._changed[pair].discard(identity)
        else:
            self._changed[pair].add(identity)
        if not any(name.startswith(_EDGE) for name in entry):
            tally[pair, "", reason] += 1

    def sizes(self) -> dict[str, int]:
        """Return how many ids each pair remembers."""
        return {name: len(entries) for name, entries in self._open.items()}

    def rows(self, everything: bool = False) -> Iterator[tuple[str, str, object]]:
        """Yield what changed since settled() was last called (or everything); a forgotten id is None.

        Of two rows with one name the later one stands: a pair left at the restart may have begun anew.
        """
        for kind, key in self._left:
            yield kind, key, None
        for name, changed in self._changed.items():
            if everything or self._newest[name] != self._settled[name]:
                newest = self._newest[name]
                yield "newest", name, newest if newest > float("-inf") else None
            for identity in self._open[name].keys() if everything else changed:
                entry = self._open[name].get(identity)
                yield "pair", json.dumps([name, identity]), entry and [self._order[name, identity], entry]

    def laws(self, everything: bool = False) -> Iterator[tuple[str, str, object]]:
        """Yield what the rows depend on, by pair, if it is not what is stored (or always)."""
        for name, law in self._laws.items():
            if everything or self._stored_laws.get(name) != law:
                yield "law", name, law

    def settled(self) -> None:
        """Note that rows() and laws() have been written."""
        for ids in (*self._changed.values(), *self._fresh.values()):
            ids.clear()
        self._left.clear()
        self._stored_laws = self._laws
        self._settled = dict(self._newest)

    def restore(self, rows: Iterable[tuple[str, str, object]]) -> Counter[str]:
        """Take over the stored entries of pairs that are what they were; return how many ids were left, by pair.

        The next commit deletes what was left, so that a later return to the old contract does not wait for ids whose
        other stage went by in between.
        """
        listed = list(rows)
        self._stored_laws = {key: value for kind, key, value in listed if kind == "law"}
        same = {name for name, law in self._laws.items() if self._stored_laws.get(name, law) == law}
        left: Counter[str] = Counter()
        found: list[tuple[int, Entry, str, str]] = []
        for kind, key, value in listed:
            name, *identity = json.loads(key) if kind == "pair" else [key]
            if kind in ("pair", "newest", "law") and name not in same:
                self._left.append((kind, key))
                left[name] += len(identity)
            elif kind == "newest":
                self._newest[key] = cast(float, value)
            elif kind == "pair":
                order, entry = cast(tuple[int, Entry], value)
                found.append((order, entry, name, *identity))
        for order, entry, name, text in sorted(found, key=itemgetter(0)):
            self._open[name][text] = {stage: float(at) for stage, at in entry.items()}
            self._order[name, text] = order
            self._next = max(self._next, order + 1)
        self._settled = dict(self._newest)
        return +left


def _law(pair: Pair) -> str:
    """Return what the stored entries of a pair depend on; under another law their stages mean something else."""
    return json.dumps([pair.id, pair.stage, pair.at, list(pair.edges.items())])
