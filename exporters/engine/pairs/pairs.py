"""Joins two stages of one thing by id: intent -> ack by `intent_id` gives a latency.

In: joins in the order of their lines. Out: observations, and what became of each edge. Times are whole nanoseconds, so
a latency is exact. An edge joins if that is at most the timeout. Memory is bounded: an id not heard of for longer than
the timeout, or the one not heard of longest when there are too many, is forgotten and, if it never joined, counted.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping

from contracts.model import Contract, Pair
from exporters.engine.pairs.segments import (
    HEARD,
    JOINED,
    ORDER,
    SEGMENT,
    STALE,
    Entries,
    Entry,
    Segments,
)
from exporters.engine.records import Change, Gone, PairMeaning, PairProgress, Record, Saved, remembered
from exporters.engine.values import Close, Join, Observe

__all__ = ["Joined", "OpenPairs", "PairTally"]

Missed = tuple[str, str, str]
"""(pair, edge, outcome); outcomes: joined, orphan, repeated, negative, and with edge "" expired, evicted."""

PairTally = Counter[Missed]
Latencies = defaultdict[Close, list[float]]

Joined = tuple[list[Observe], PairTally]

_NEVER = float("-inf")
_SECOND = 1_000_000_000
"""Nanoseconds of a second."""

_SPARE = 4096
"""Places in a queue beyond those that are to be expected, before the stale ones are taken out."""


class _Open:
    """The ids one pair is waiting for.

    `queue` holds an id for every time it was heard of, `entries` how many of its places there are stale: all but the
    last. (An ordered dict instead: 0.1 us more per event.) Nothing is over its time up to the newest time `_until`.
    """

    def __init__(self, pair: Pair) -> None:
        self.entries: Entries = {}
        self.queue: deque[str] = deque()
        self.segments = Segments(pair.name)
        self.newest = self._until = _NEVER
        self.stored = PairProgress(pair.name, _NEVER, 0)
        self._name = pair.name
        self._timeout = round(pair.timeout_s * _SECOND)
        self._max_open = pair.max_open
        self._hearings = 1 + len(pair.openings)
        self._blank: Entry = [*[None] * (len(pair.openings) + len(pair.edges)), None, _NEVER, 0, 0, 0]
        self._expired, self._evicted = (pair.name, "", "expired"), (pair.name, "", "evicted")

    def join(self, joins: Iterable[Join], latencies: Latencies) -> list[Missed]:  # noqa: C901  # 1.5 x as long in parts
        """Take events in order; add the latencies of edges that join, return what became of other edges and of ids."""
        missed: list[Missed] = []
        entries, find, step_out, line_up = self.entries, self.entries.get, self.queue.popleft, self.queue.append
        newest, until, timeout, blank = self.newest, self._until, self._timeout, self._blank
        for identity, at, plan in joins:
            if at > newest and (newest := at) > until:
                until = self.expire(newest, missed)
            entry = find(identity, blank)
            for close in plan.closes:
                opened = entry[close.opened]
                if opened is not None and not entry[close.joined_at] and 0 <= (latency := at - opened) <= timeout:
                    entry[close.joined_at] = entry[JOINED] = True
                    latencies[close].append(latency / 1e9)
                    if entry[SEGMENT]:
                        self.segments.change(identity, entry)
                else:
                    missed.append(_missed(close, entry, at))
            if plan.opens is None:
                continue
            line_up(identity)
            if entry is blank:
                while len(entries) >= self._max_open:  # _leave() where it does something: 0.06 us less per event
                    if (eldest := entries[first := step_out()])[STALE]:
                        eldest[STALE] -= 1
                    elif eldest[ORDER] or not eldest[JOINED]:
                        self._leave(first, eldest, self._evicted, missed)
                    else:
                        del entries[first]
                entry = entries[identity] = blank.copy()
            else:
                entry[STALE] += 1
                if entry[ORDER]:
                    self.segments.hear_again(entry)
            if entry[plan.opens] is None:
                entry[plan.opens] = at
            entry[HEARD] = newest
        self.newest, self._until = newest, until
        return missed

    def expire(self, newest: float, missed: list[Missed]) -> float:
        """Forget what was not heard of within the timeout; return up to which newest time no more will be."""
        while self.queue:
            entry = self.entries[self.queue[0]]
            until: float = entry[HEARD] + self._timeout
            if until >= newest and not entry[STALE]:
                return until
            self._leave(self.queue.popleft(), entry, self._expired, missed)
        return newest + self._timeout

    def take_over(self, entries: Mapping[str, Entry], stored: Mapping[int, list[str]]) -> None:
        """Go on from what was stored; what timed out by then is forgotten, as it would have been."""
        self.entries.update(entries)
        self.queue.extend(entries)
        self.stored = self.progress()
        self.segments.restore(self.entries, stored)
        self._until = self.expire(self.newest, [])

    def committed(self) -> None:
        """Note that what changed has been written."""
        self.segments.committed()
        self.stored = self.progress()

    def progress(self) -> PairProgress:
        """Return how far the pair has come."""
        return PairProgress(self._name, self.newest, self.segments.forgotten)

    def tidy(self) -> None:
        """Take the stale places out of the queue, if it is longer than ids heard of once at each opening make it."""
        if len(self.queue) <= self._hearings * len(self.entries) + _SPARE:
            return
        for _ in range(len(self.queue)):
            first = self.queue.popleft()
            if self.entries[first][STALE]:
                self.entries[first][STALE] -= 1
            else:
                self.queue.append(first)

    def _leave(self, first: str, entry: Entry, why: Missed, missed: list[Missed]) -> None:
        """Take the first place from an id; if it was its last, forget it, and tell why if it never joined."""
        if entry[STALE]:
            entry[STALE] -= 1
            return
        del self.entries[first]
        if entry[ORDER]:
            self.segments.forget(entry)
        if not entry[JOINED]:
            missed.append(why)


def _missed(close: Close, entry: Entry, at: float) -> Missed:
    """Return what becomes of an edge that does not join."""
    if entry[close.opened] is None:
        return close.orphan
    if entry[close.joined_at]:
        return close.repeated
    return close.negative if at < entry[close.opened] else close.orphan


class OpenPairs:
    """The ids one contract's pairs are waiting for, per pair in the order in which they were last heard of."""

    def __init__(self, contract: Contract) -> None:
        self._open = {pair.name: _Open(pair) for pair in contract.pairs}
        self._meanings = {pair.name: _meaning(pair) for pair in contract.pairs}
        self._stored_meanings: Mapping[str, str] = {}
        self._left: list[Record] = []

    def join(self, joins: Iterable[Join]) -> Joined:
        """Take events (Joins) in order; return the latencies they complete and the tally of edges.

        The result does not depend on how the events are cut into calls.
        """
        latencies: Latencies = defaultdict(list)
        tally: PairTally = Counter()
        for name, of_one in self._by_pair(joins):
            tally.update(self._open[name].join(of_one, latencies))
            self._open[name].tidy()
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

    def changes(self, everything: bool = False) -> Iterator[Change]:
        """Yield what changed since committed() was last called (or everything) as records for the state.

        Of two records with one name the later one stands: a pair left at the restart may have begun anew.
        """
        yield from map(Gone, self._left)
        for name, pair in self._open.items():
            progress = pair.progress()
            if everything or progress != pair.stored:
                yield progress if pair.newest > _NEVER else Gone(progress)
            yield from pair.segments.changes(pair.entries, pair.queue, everything)
            if everything or self._stored_meanings.get(name) != self._meanings[name]:
                yield PairMeaning(name, self._meanings[name])

    def committed(self) -> None:
        """Note that changes() have been written."""
        for pair in self._open.values():
            pair.committed()
        self._left.clear()
        self._stored_meanings = self._meanings

    def restore(self, saved: Saved) -> Counter[str]:
        """Take over the stored entries of pairs that are what they were; return how many ids were left, by pair.

        The next commit deletes what was left, so that a later return to the old contract does not wait for ids whose
        other stage went by in between.
        """
        stored = self._stored_meanings = saved.pair_meanings
        same = {name for name, meaning in self._meanings.items() if stored.get(name, meaning) == meaning}
        self._left += [PairMeaning(*item) for item in stored.items() if item[0] not in same]
        self._left += [one for one in saved.pair_progress if one.pair not in same]
        self._left += [one for one in saved.segments if one.pair not in same]
        entries = {
            name: {identity: [*entry, number, 0] for identity, (number, entry) in ids.items()}
            for name, ids in remembered(saved).items()
        }
        segments: dict[str, dict[int, list[str]]] = {name: {} for name in same}
        for one in saved.segments:
            if one.pair in same:
                segments[one.pair][one.number] = [str(identity) for identity, *_ in one.entries]
        for progress in saved.pair_progress:
            if progress.pair in same:
                pair = self._open[progress.pair]
                pair.newest, pair.segments.forgotten = progress.newest, progress.forgotten
        for name in same:
            self._open[name].take_over(entries.get(name, {}), segments[name])
        return Counter({name: len(ids) for name, ids in entries.items() if name not in same and ids})


def _meaning(pair: Pair) -> str:
    """Return what the stored entries of a pair depend on; under another meaning their stages mean something else."""
    return json.dumps([pair.id, pair.stage, pair.at, list(pair.edges.items())])
