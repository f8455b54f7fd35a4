"""Joins two stages of one thing by id: intent -> ack by `intent_id` gives a latency.

In: joins in the order of their lines. Out: observations, and what became of each edge. An edge joins if its latency is
at most the pair's timeout. Memory is bounded: an id not heard of for longer than the timeout, or the one not heard of
longest when there are too many, is forgotten and, if it never joined, counted.
"""

from __future__ import annotations

import json
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from contracts.model import Contract, Pair
from exporters.engine.segments import HEARD, JOINED, ORDER, SEGMENT, Entries, Entry, Record, Segments, remembered
from exporters.engine.values import Close, Join, Observe

__all__ = ["Joined", "OpenPairs", "PairTally"]

Told = tuple[str, str, str]
"""(pair, edge, outcome); outcomes: joined, orphan, repeated, negative, and with edge "" expired, evicted."""

PairTally = Counter[Told]
Latencies = defaultdict[Close, list[float]]

Joined = tuple[list[Observe], PairTally]

_NEVER = float("-inf")


class _Open:
    """The ids one pair is waiting for, the one not heard of longest first."""

    def __init__(self, pair: Pair) -> None:
        self.entries: Entries = OrderedDict()
        self.segments = Segments(pair.name)
        self.newest = self._lasting_until = _NEVER
        self.settled = (_NEVER, 0)
        self._timeout_s = pair.timeout_s
        self._max_open = pair.max_open
        self._nothing_yet: Entry = [*[None] * (len(pair.openings) + len(pair.edges)), None, _NEVER, 0, 0]
        self._expired, self._evicted = (pair.name, "", "expired"), (pair.name, "", "evicted")

    def join(self, joins: Iterable[Join], latencies: Latencies) -> list[Told]:  # noqa: C901  # 1.5 x as long in parts
        """Take events in order; add the latencies of edges that join, return what became of other edges and of ids."""
        told: list[Told] = []
        entries, find, forget, tell = self.entries, self.entries.get, self._forget, told.append
        newest, lasting_until = self.newest, self._lasting_until
        timeout_s, max_open = self._timeout_s, self._max_open
        for identity, at, plan in joins:
            if at > newest:
                newest = at
                if newest > lasting_until:
                    lasting_until = self.expire(newest, told)
            entry = find(identity)
            for close in plan.closes:
                if entry is None or (opened := entry[close.opened]) is None:
                    tell(close.orphan)
                elif entry[close.mark]:
                    tell(close.repeated)
                elif 0.0 <= (latency := at - opened) <= timeout_s:
                    entry[close.mark] = entry[JOINED] = True
                    latencies[close].append(latency)
                    if entry[SEGMENT]:
                        self.segments.change(identity, entry)
                else:
                    tell(close.negative if latency < 0 else close.orphan)
            opens = plan.opens
            if opens is None:
                continue
            if entry is None:
                while len(entries) >= max_open:
                    forget(self._evicted, told)
                entry = entries[identity] = self._nothing_yet.copy()
            else:
                entries.move_to_end(identity)
                self.segments.hear_again(entry)
            if entry[opens] is None:
                entry[opens] = at
            entry[HEARD] = newest
        self.newest, self._lasting_until = newest, lasting_until
        return told

    def expire(self, newest: float, told: list[Told]) -> float:
        """Forget what was not heard of within the timeout; return up to which newest time no more will be."""
        while self.entries:
            until: float = next(iter(self.entries.values()))[HEARD] + self._timeout_s
            if until >= newest:
                return until
            self._forget(self._expired, told)
        return newest + self._timeout_s

    def take_over(self, entries: Mapping[str, Entry], stored: Mapping[int, list[str]]) -> None:
        """Go on from what was stored; what timed out by then is forgotten, as it would have been."""
        self.entries.update(entries)
        self.settled = self.newest, self.segments.forgotten
        self.segments.restore(self.entries, stored)
        self._lasting_until = self.expire(self.newest, [])

    def _forget(self, why: Told, told: list[Told]) -> None:
        """Drop the id not heard of longest, and tell why if it never joined."""
        _, entry = self.entries.popitem(last=False)
        if entry[ORDER]:
            self.segments.forget(entry)
        if not entry[JOINED]:
            told.append(why)


class OpenPairs:
    """The ids one contract's pairs are waiting for, per pair in the order in which they were last heard of."""

    def __init__(self, contract: Contract) -> None:
        self._open = {pair.name: _Open(pair) for pair in contract.pairs}
        self._laws = {pair.name: _law(pair) for pair in contract.pairs}
        self._stored_laws: Mapping[str, object] = {}
        self._left: list[tuple[str, str]] = []

    def join(self, joins: Iterable[Join]) -> Joined:
        """Take events (Joins) in order; return the latencies they complete and the tally of edges.

        The result does not depend on how the events are cut into calls.
        """
        latencies: Latencies = defaultdict(list)
        tally: PairTally = Counter()
        for name, of_one in self._by_pair(joins):
            tally.update(self._open[name].join(of_one, latencies))
        found: dict[int, Observe] = {}
        for close, values in latencies.items():
            tally[close.joined] += len(values)
            for target in close.targets:
                found.setdefault(id(target), Observe(*target, [])).values.extend(values)
        return list(found.values()), tally

    def _by_pair(self, joins: Iterable[Join]) -> Iterable[tuple[str, Iterable[Join]]]:
        """Return the events of each pair, in order; the pairs have nothing to do with each other."""
        if len(self._open) == 1:
            return [(next(iter(self._open)), joins)]
        by_pair: dict[str, list[Join]] = {}
        for join in joins:
            by_pair.setdefault(join[2].pair, []).append(join)
        return by_pair.items()

    def sizes(self) -> dict[str, int]:
        """Return how many ids each pair remembers."""
        return {name: len(pair.entries) for name, pair in self._open.items()}

    def rows(self, everything: bool = False) -> Iterator[tuple[str, str, object]]:
        """Yield what changed since settled() was last called (or everything); None deletes a row.

        Of two rows with one name the later one stands: a pair left at the restart may have begun anew.
        """
        for kind, key in self._left:
            yield kind, key, None
        for name, pair in self._open.items():
            state = pair.newest, pair.segments.forgotten
            if everything or state != pair.settled:
                yield "newest", name, list(state) if pair.newest > _NEVER else None
            yield from pair.segments.rows(pair.entries, everything)

    def laws(self, everything: bool = False) -> Iterator[tuple[str, str, object]]:
        """Yield what the rows depend on, by pair, if it is not what is stored (or always)."""
        for name, law in self._laws.items():
            if everything or self._stored_laws.get(name) != law:
                yield "law", name, law

    def settled(self) -> None:
        """Note that rows() and laws() have been written."""
        for pair in self._open.values():
            pair.segments.settled()
            pair.settled = pair.newest, pair.segments.forgotten
        self._left.clear()
        self._stored_laws = self._laws

    def restore(self, rows: Iterable[tuple[str, str, object]]) -> Counter[str]:
        """Take over the stored entries of pairs that are what they were; return how many ids were left, by pair.

        The next commit deletes what was left, so that a later return to the old contract does not wait for ids whose
        other stage went by in between.
        """
        listed = [row for row in rows if row[0] in ("pair", "newest", "law")]
        self._stored_laws = {key: value for kind, key, value in listed if kind == "law"}
        same = {name for name, law in self._laws.items() if self._stored_laws.get(name, law) == law}
        entries = remembered(listed)
        segments: dict[str, dict[int, list[str]]] = {name: {} for name in same}
        for kind, key, value in listed:
            name, number = json.loads(key) if kind == "pair" else (key, 0)
            if name not in same:
                self._left.append((kind, key))
            elif kind == "pair":
                segments[name][number] = [one for one, *_ in cast(list[Record], value)]
            elif kind == "newest":
                self._open[name].newest, self._open[name].segments.forgotten = cast(tuple[float, int], value)
        for name in same:
            self._open[name].take_over(entries.get(name, {}), segments[name])
        return Counter({name: len(ids) for name, ids in entries.items() if name not in same and ids})


def _law(pair: Pair) -> str:
    """Return what the stored entries of a pair depend on; under another law their stages mean something else."""
    return json.dumps([pair.id, pair.stage, pair.at, list(pair.edges.items())])
