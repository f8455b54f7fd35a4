"""Joins two stages of one thing by id: intent -> ack by `intent_id` gives a latency.

In: joins in the order of their lines. Out: observations, and what became of each edge. An edge joins if its latency is
at most the pair's timeout. Memory is bounded: an id not heard of for longer than the timeout, or the one not heard of
longest when there are too many, is forgotten and, if it never joined, counted.
"""

from __future__ import annotations

import json
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import cast

from contracts.model import Contract, Pair
from exporters.engine.values import Close, JoinPlan, Observe, Target

__all__ = ["Entry", "Joined", "OpenPairs", "PairTally"]

PairTally = Counter[tuple[str, str, str]]
"""(pair, edge, outcome) -> number; outcomes: joined, orphan, repeated, negative, and with edge "" expired, evicted."""

Entry = dict[str, float]
"""What is remembered of one id: opening stage -> time, " " + joined edge -> latency, "" -> the pair's newest event time
when the id was last heard of, "  " -> its place in the order of hearing, "   " -> 1 once an edge has joined. No stage
is named like these, as texts are trimmed."""

Joined = tuple[list[Observe], PairTally]

_HEARD = ""
_ORDER = "  "
_JOINED = "   "


_NOTHING: Entry = {}
_NEVER = float("-inf")


class _Open:
    """The ids one pair is waiting for, the one not heard of longest first.

    `changed` holds the ids that differ from the last commit, and whether they are new since then.
    """

    __slots__ = ("changed", "entries", "max_open", "newest", "order", "settled", "soonest", "timeout_s")

    def __init__(self, pair: Pair) -> None:
        self.entries: OrderedDict[str, Entry] = OrderedDict()
        self.changed: dict[str, bool] = {}
        self.newest = self.settled = float("-inf")
        self.soonest = float("inf")
        self.order = 0.0
        self.timeout_s = pair.timeout_s
        self.max_open = pair.max_open

    def remember(self, identity: str, stage: str, at: float) -> int:
        """Note a stage that opens edges (its first time stands); return how many ids were evicted unjoined."""
        evicted = 0
        entry = self.entries.get(identity)
        if entry is None:
            while len(self.entries) >= self.max_open:
                evicted += self.forget()
            self.entries[identity] = entry = {stage: at}
            self.changed.setdefault(identity, True)
            if len(self.entries) == 1:
                self.soonest = self.newest + self.timeout_s
        else:
            entry.setdefault(stage, at)
            self.entries.move_to_end(identity)
            self.changed.setdefault(identity, False)
        self.order += 1
        entry[_HEARD], entry[_ORDER] = self.newest, self.order
        return evicted

    def expire(self) -> int:
        """Forget what was not heard of within the timeout; return how many of these ids never joined."""
        expired = 0
        while self.entries:
            self.soonest = next(iter(self.entries.values()))[_HEARD] + self.timeout_s
            if self.soonest >= self.newest:
                return expired
            expired += self.forget()
        self.soonest = float("inf")
        return expired

    def forget(self) -> bool:
        """Drop the id not heard of longest; return whether it never joined."""
        identity, entry = self.entries.popitem(last=False)
        if self.changed.get(identity):  # never written: nothing to delete, nothing to remember
            del self.changed[identity]
        else:
            self.changed[identity] = False
        return _JOINED not in entry


class OpenPairs:
    """The ids one contract's pairs are waiting for, per pair in the order in which they were last heard of."""

    def __init__(self, contract: Contract) -> None:
        self._open = {pair.name: _Open(pair) for pair in contract.pairs}
        self._laws = {pair.name: _law(pair) for pair in contract.pairs}
        self._stored_laws: Mapping[str, object] = {}
        self._left: list[tuple[str, str]] = []

    def join(self, joins: Iterable[tuple[str, float, JoinPlan]]) -> Joined:
        """Take events (Joins) in order; return the latencies they complete and the tally of edges.

        The result does not depend on how the events are cut into calls.
        """
        tally: PairTally = Counter()
        found: dict[int, tuple[Target, list[float]]] = {}
        joined: list[tuple[str, str, str]] = []
        for identity, at, plan in joins:
            pair = self._open[plan.pair]
            if at > pair.newest:
                pair.newest = at
                if at > pair.soonest and (expired := pair.expire()):
                    tally[plan.pair, "", "expired"] += expired
            if plan.closes:
                entry = pair.entries.get(identity, _NOTHING)
                for close in plan.closes:
                    mark, latency = close.mark, at - entry.get(close.opening, _NEVER)
                    if mark in entry or not 0.0 <= latency <= pair.timeout_s:
                        tally[plan.pair, close.edge, _why_not(entry, close, latency)] += 1
                        continue
                    entry[mark], entry[_JOINED] = latency, 1.0
                    pair.changed.setdefault(identity, False)
                    joined.append(close.joined)
                    for target in close.targets:
                        known = found.get(id(target)) or found.setdefault(id(target), (target, []))
                        known[1].append(latency)
            if plan.opens and (evicted := pair.remember(identity, plan.stage, at)):
                tally[plan.pair, "", "evicted"] += evicted
        tally.update(joined)
        return [Observe(*target, latencies) for target, latencies in found.values()], tally

    def sizes(self) -> dict[str, int]:
        """Return how many ids each pair remembers."""
        return {name: len(pair.entries) for name, pair in self._open.items()}

    def rows(self, everything: bool = False) -> Iterator[tuple[str, str, object]]:
        """Yield what changed since settled() was last called (or everything); a forgotten id is None.

        Of two rows with one name the later one stands: a pair left at the restart may have begun anew.
        """
        for kind, key in self._left:
            yield kind, key, None
        for name, pair in self._open.items():
            if everything or pair.newest != pair.settled:
                yield "newest", name, pair.newest if pair.newest > float("-inf") else None
            for identity in pair.entries.keys() if everything else pair.changed:
                yield "pair", json.dumps([name, identity]), pair.entries.get(identity)

    def laws(self, everything: bool = False) -> Iterator[tuple[str, str, object]]:
        """Yield what the rows depend on, by pair, if it is not what is stored (or always)."""
        for name, law in self._laws.items():
            if everything or self._stored_laws.get(name) != law:
                yield "law", name, law

    def settled(self) -> None:
        """Note that rows() and laws() have been written."""
        for pair in self._open.values():
            pair.changed.clear()
            pair.settled = pair.newest
        self._left.clear()
        self._stored_laws = self._laws

    def restore(self, rows: Iterable[tuple[str, str, object]]) -> Counter[str]:
        """Take over the stored entries of pairs that are what they were; return how many ids were left, by pair.

        The next commit deletes what was left, so that a later return to the old contract does not wait for ids whose
        other stage went by in between.
        """
        listed = list(rows)
        self._stored_laws = {key: value for kind, key, value in listed if kind == "law"}
        same = {name for name, law in self._laws.items() if self._stored_laws.get(name, law) == law}
        left: Counter[str] = Counter()
        found: list[tuple[float, str, str, Entry]] = []
        for kind, key, value in listed:
            name, *identity = json.loads(key) if kind == "pair" else [key]
            if kind in ("pair", "newest", "law") and name not in same:
                self._left.append((kind, key))
                left[name] += len(identity)
            elif kind == "newest":
                self._open[key].newest = self._open[key].settled = cast(float, value)
            elif kind == "pair":
                entry = {stage: float(at) for stage, at in cast(Entry, value).items()}
                found.append((entry[_ORDER], name, *identity, entry))
        for order, name, text, entry in sorted(found, key=itemgetter(0)):
            pair = self._open[name]
            pair.entries[text], pair.order = entry, order
        for pair in self._open.values():
            pair.expire()
        return +left


def _why_not(entry: Entry, close: Close, latency: float) -> str:
    """Return what becomes of an edge that does not join."""
    if close.opening not in entry:
        return "orphan"
    if close.mark in entry:
        return "repeated"
    return "negative" if latency < 0 else "orphan"


def _law(pair: Pair) -> str:
    """Return what the stored entries of a pair depend on; under another law their stages mean something else."""
    return json.dumps([pair.id, pair.stage, pair.at, list(pair.edges.items())])
