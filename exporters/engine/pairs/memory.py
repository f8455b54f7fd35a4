"""Which ids a pair remembers, and for how long: those heard of last, in bounded memory.

In: ids as they are heard of. Out: what is remembered of each, and what became of those that are forgotten. Part of the
pairs stage.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from itertools import chain
from math import inf

from contracts.model import Contract, Pair
from exporters.engine.pairs.entry import (
    HEARD,
    JOINED,
    LAST,
    MOST,
    NEVER,
    ODD,
    ORDER,
    SECOND,
    SEGMENT,
    STALE,
    Entries,
    Entry,
    EntryCodec,
    Latencies,
    Life,
    Missed,
    Odd,
    episodes,
    outcome_of,
    pack,
    unpack,
)
from exporters.engine.pairs.fresh import Fresh
from exporters.engine.pairs.segments import Segments
from exporters.engine.records import PairProgress
from exporters.engine.values import FIRST_PLACE

__all__ = ["Memory"]

_SPARE = 4096
"""Places in a queue beyond those that are to be expected, before the stale ones are taken out."""


class Memory:
    """The ids one pair remembers.

    `queue` holds an id for every time it was heard of, `entries` how many of its places there are stale: all but the
    last. (An ordered dict instead: 0.1 us more per event.) Behind them come the ids of batches that were taken at once,
    heard of when they opened: they are in `fresh`, and in `waiting` if they have not joined; of these, `unsure` has
    those whose entry would say False for that. `evicted` is when the last id was heard of that had to go for want of
    room: what is not later by more than the timeout may have lost its other half. `only_edge` has, of a pair with one
    edge, the places of its opening and of the edge.
    """

    def __init__(self, pair: Pair, contract: Contract) -> None:
        self.entries: Entries = {}
        self.queue: deque[str] = deque()
        self.fresh = Fresh()
        self.waiting: dict[str, int] = {}
        self.unsure: set[str] = set()
        self.codec = EntryCodec(pair, contract)
        self.segments = Segments(pair.name, self.codec.stored)
        self.newest = self.evicted = NEVER
        self.saved = PairProgress(pair.name, NEVER, 0)
        self._name = pair.name
        self._timeout = round(pair.timeout_s * SECOND)
        self._max_open = pair.max_open
        self._hearings = 1 + len(pair.openings)
        places = {opening: place for place, opening in enumerate(pair.openings, start=FIRST_PLACE)}
        self._edges: dict[int, list[int]] = {place: [] for place in places.values()}
        for edge, (opening, _) in enumerate(pair.edges.values(), start=FIRST_PLACE + len(places)):
            self._edges[places[opening]].append(edge)
        self._has_many = len(self._edges) >= MOST
        places_of_edges = [(opening, edge) for opening, edges in self._edges.items() for edge in edges]
        self.only_edge = places_of_edges[0] if len(places_of_edges) == 1 else None
        self._latencies: Latencies = defaultdict(list)
        self._missed: list[Missed] = []
        self._blank: Entry = [None, None, None, NEVER, 0, 0, 0, *[None] * (len(places) + len(pair.edges))]
        self._expired, self._evicted = (pair.name, "", "expired"), (pair.name, "", "evicted")

    def _hear(self, identity: str, entry: Entry) -> Entry:
        """Move an id behind all others, and return what is remembered of it; the first time after making room."""
        if entry is self._blank:
            if len(self.entries) >= self._max_open:
                self._make_room(self._max_open - 1)
            entry = self.entries[identity] = entry.copy()
        elif self.queue[-1] == identity:
            if entry[SEGMENT]:
                self.segments.change(identity, entry)
            entry[HEARD] = self.newest
            return entry
        else:
            entry[STALE] += 1
            if entry[ORDER]:
                self.segments.hear_again(entry)
        self.queue.append(identity)
        entry[HEARD] = self.newest
        return entry

    def _make_room(self, most: int) -> None:
        """Forget the ids that were not heard of for longest, until there are no more entries than `most`."""
        while len(self.entries) > most:
            entry = self.entries[first := self.queue.popleft()]
            if entry[STALE]:
                entry[STALE] -= 1
                continue
            self.evicted = entry[HEARD]
            if entry[JOINED] and entry[ODD] is None and not entry[ORDER]:  # _forget() in short: 0.1 us less
                del self.entries[first]
            else:
                self._forget(first, entry, self.newest)

    def first_ids(self, number: int) -> list[str]:
        """Return the ids with entries that would be forgotten first, if so many had to be."""
        seen: Counter[str] = Counter()
        first: list[str] = []
        for identity in self.queue:
            if len(first) == number:
                break
            seen[identity] += 1
            if seen[identity] > self.entries[identity][STALE]:
                first.append(identity)
        return first

    def _forget(self, identity: str, entry: Entry, newest: float) -> None:
        """Forget an id, and count what it waited for in vain."""
        del self.entries[identity]
        if entry[ORDER]:
            self.segments.forget(entry)
        is_over = entry[HEARD] + self._timeout < newest
        odd: Odd | None = entry[ODD]
        if odd is not None:
            for one in odd.waiting:
                self._missed.append(outcome_of(one, entry, self._timeout) if is_over else one.close.evicted)
        if odd is not None and odd.lives:
            for episode in episodes(unpack(entry, self._edges), self._timeout):
                self._missed += self._episode_outcome(episode, is_over)
        elif not entry[JOINED] and entry[LAST] is not None:
            self._missed.append(self._expired if is_over and entry[JOINED] is None else self._evicted)

    def _drop_first(self, lives: list[Life]) -> None:
        """Forget the first episode of an id that has too many lives."""
        first = next(episodes(lives, self._timeout))[: len(lives) - 1]
        self._missed += self._episode_outcome(first, first[-1].first + self._timeout < self.newest)
        self.evicted = max(self.evicted, first[-1].first)
        lives[:] = [life for life in lives if life not in first]

    def _episode_outcome(self, episode: list[Life], is_over: bool) -> list[Missed]:
        """Return what is to be counted of an episode that is forgotten: something if it never joined."""
        if any(life.joined for life in episode):
            return []
        return [self._expired if is_over and all(life.is_certain for life in episode) else self._evicted]

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

    def spread(self) -> None:
        """Have entries for all ids that are remembered."""
        if not self.fresh or self.only_edge is None:
            return
        blank, (place, edge) = self._blank, self.only_edge
        for identity, at in chain.from_iterable(zip(*part, strict=True) for part in self.fresh):
            entry = self.entries[identity] = blank.copy()
            entry[place] = entry[LAST] = entry[HEARD] = at
            if identity not in self.waiting:
                entry[edge] = entry[JOINED] = True
            elif identity in self.unsure:
                entry[JOINED] = False
            self.queue.append(identity)
        self.fresh, self.waiting, self.unsure = Fresh(), {}, set()

    def size(self) -> int:
        """Return how many ids are remembered."""
        return len(self.entries) + len(self.fresh)

    def settle(self) -> list[Missed]:
        """Forget what was not heard of within the timeout, when all there is has been read; return what to count."""
        self._forget_fresh()
        while self.queue:
            entry = self.entries[self.queue[0]]
            if entry[STALE]:
                entry[STALE] -= 1
            elif entry[HEARD] + self._timeout < self.newest:
                self._forget(self.queue[0], entry, self.newest)
            else:
                break
            self.queue.popleft()
        return self._missed_so_far()

    def conclude(self) -> list[Missed]:
        """Forget, when nothing will ever come, all but the ids whose timeout is not over; return what to count."""
        self._forget_fresh()
        over = [identity for identity, entry in self.entries.items() if not self._conclude(entry)]
        for identity in over:
            self._forget(identity, self.entries[identity], inf)
        self.queue = deque(filter(self.entries.__contains__, self.queue)) if over else self.queue
        return self._missed_so_far()

    def _forget_fresh(self) -> None:
        """Forget the fresh ids that were not heard of within the timeout; they stand in the order of their times."""
        over = self.fresh.first(self.fresh.number_before(self.newest - self._timeout))
        for identity in over.ids:
            if self.waiting.pop(identity, None) is not None:
                self._missed.append(self._evicted if identity in self.unsure else self._expired)
                self.unsure.discard(identity)
        self.fresh.forget(over)

    def _conclude(self, entry: Entry) -> bool:
        """Forget what else is remembered of an id; return whether its newest episode is still within its timeout."""
        odd: Odd | None = entry[ODD]
        found = list(episodes(unpack(entry, self._edges), self._timeout)) if odd and odd.lives else []
        last = found[-1][-1].first if found else entry[LAST]
        if last is None or last + self._timeout < self.newest:
            return False
        if odd:
            self._missed += [outcome_of(one, entry, self._timeout) for one in odd.waiting]
            entry[ODD] = None
        for episode in found[:-1]:
            self._missed += self._episode_outcome(episode, is_over=True)
        if found:
            pack(entry, found[-1], [], self._edges, self._timeout)
        return True

    def _missed_so_far(self) -> list[Missed]:
        """Return what is to be counted, once."""
        missed, self._missed = self._missed, []
        return missed

    def take_over(self, entries: Mapping[str, Entry], stored: Mapping[int, list[str]], progress: PairProgress) -> None:
        """Go on from what was stored."""
        self.entries.update(entries)
        self.queue.extend(entries)
        self.newest, self.evicted = progress.newest, progress.evicted
        self.segments.forgotten = progress.forgotten
        self.saved = self.progress()
        self.segments.restore(self.entries, stored)

    def committed(self) -> None:
        """Note that what changed has been written."""
        self.segments.committed()
        self.saved = self.progress()

    def progress(self) -> PairProgress:
        """Return how far the pair has come."""
        return PairProgress(self._name, self.newest, self.segments.forgotten, self.evicted)
