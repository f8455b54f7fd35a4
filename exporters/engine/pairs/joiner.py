"""One pair: joins the events of an id, whatever order they are read in, and forgets ids in bounded memory.

In: joins in the order of their lines. Out: latencies, and what became of edges and ids. An event that closes an edge
waits for its opening: for as long as other files may still be read, and then for the timeout. Part of the pairs stage.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
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
    Waiting,
    episodes,
    outcome_of,
    pack,
    put_in_front,
    unpack,
)
from exporters.engine.pairs.segments import Segments
from exporters.engine.records import PairProgress
from exporters.engine.values import FIRST_PLACE, Close, Join

__all__ = ["Joiner"]

_SPARE = 4096
"""Places in a queue beyond those that are to be expected, before the stale ones are taken out."""


class Joiner:
    """The ids one pair remembers.

    `queue` holds an id for every time it was heard of, `entries` how many of its places there are stale: all but the
    last. (An ordered dict instead: 0.1 us more per event.) `evicted` is when the last id was heard of that had to go
    for want of room: what is not later by more than the timeout may have lost its other half.
    """

    def __init__(self, pair: Pair, contract: Contract) -> None:
        self.entries: Entries = {}
        self.queue: deque[str] = deque()
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
        self._latencies: Latencies = defaultdict(list)
        self._missed: list[Missed] = []
        self._blank: Entry = [None, None, None, NEVER, 0, 0, 0, *[None] * (len(places) + len(pair.edges))]
        self._expired, self._evicted = (pair.name, "", "expired"), (pair.name, "", "evicted")

    def join(self, joins: Iterable[Join], latencies: Latencies) -> list[Missed]:  # noqa: C901  # 1.5 x as long in parts
        """Take events in order; add the latencies of edges that join, return what became of other edges and of ids."""
        self._latencies, missed = latencies, self._missed
        entries, find, step_out, line_up = self.entries, self.entries.get, self.queue.popleft, self.queue.append
        newest, evicted, timeout, blank = self.newest, self.evicted, self._timeout, self._blank
        for identity, at, plan in joins:
            newest = at if at > newest else newest
            entry = find(identity, blank)
            for close in plan.closes:
                opened = entry[close.opened]
                if opened is not None and not entry[close.joined_at] and 0 <= (latency := at - opened) <= timeout:
                    entry[close.joined_at] = entry[JOINED] = True
                    latencies[close].append(latency / SECOND)
                    if entry[SEGMENT]:
                        self.segments.change(identity, entry)
                else:
                    entry, evicted = self._close_late(identity, at, close, newest, evicted)
            if plan.opens is None:
                continue
            if entry is blank:
                while len(entries) >= self._max_open:  # _leave() where it does something: 0.06 us less per event
                    eldest = entries[first := step_out()]
                    if eldest[ORDER] or eldest[STALE] or eldest[ODD] or not eldest[JOINED]:
                        evicted = self._leave(first, eldest, newest) or evicted
                    else:
                        evicted = eldest[HEARD]
                        del entries[first]
                entry = entries[identity] = blank.copy()
                entry[JOINED] = False if at - evicted <= timeout else None
            elif entry[plan.opens] is None and entry[ODD] is None and 0 <= at - entry[LAST] <= timeout:
                entry[STALE] += 1
                if entry[ORDER]:
                    self.segments.hear_again(entry)
            else:
                evicted = self._open_again(identity, at, plan.opens, entry, newest, evicted)
                continue
            line_up(identity)
            entry[plan.opens] = entry[LAST] = at
            entry[HEARD] = newest
        self.newest, self.evicted, self._missed = newest, evicted, []
        return missed

    def _close_late(self, identity: str, at: int, close: Close, newest: float, evicted: float) -> tuple[Entry, float]:
        """Take an event whose edge does not join at once; return what is then remembered of its id, and `evicted`."""
        self.newest, self.evicted = newest, evicted
        entry = self.entries.get(identity, self._blank)
        first, odd = entry[close.opened], entry[ODD]
        if first is not None and 0 <= at - first <= self._timeout:
            self._missed.append(close.repeated)
            return entry, self.evicted
        for life in odd.lives if odd else ():
            if life.place == close.opened and 0 <= at - life.first <= self._timeout:
                self._join(Waiting(at, close), life)
                if entry[SEGMENT]:
                    self.segments.change(identity, entry)
                return entry, self.evicted
        entry = self._hear(identity)
        odd = entry[ODD] = odd or Odd([], [])
        odd.waiting.append(Waiting(at, close, at - self.evicted > self._timeout))
        if len(odd.waiting) > MOST:
            first_in = odd.waiting.pop(0)
            is_over = first_in.at + self._timeout < self.newest
            self._missed.append(outcome_of(first_in, entry, self._timeout, is_over))
        return entry, self.evicted

    def _open_again(self, identity: str, at: int, place: int, entry: Entry, newest: float, evicted: float) -> float:
        """Take an opening of an id that is not simply the next one of a stage not opened yet; return `evicted`."""
        self.newest, self.evicted = newest, evicted
        self._hear(identity)
        odd: Odd | None = entry[ODD]
        waiting = odd.waiting if odd else []
        is_next = entry[place] is None and (entry[LAST] is None or 0 <= at - entry[LAST] <= self._timeout)
        is_plain = is_next and not (odd and odd.lives)
        lives = [] if is_plain else unpack(entry, self._edges)
        mine = [life for life in lives if life.place == place]
        if any(0 <= at - life.first <= self._timeout for life in mine):
            return self.evicted
        life = next((one for one in mine if 0 < one.first - at <= self._timeout), None)
        if life is None:
            life = Life(place, at, [], at - self.evicted > self._timeout)
            lives.append(life)
        life.first = at
        inside = [one for one in waiting if one.close.opened == place and 0 <= one.at - at <= self._timeout]
        for one in sorted(inside, key=lambda found: found.at):
            self._join(one, life)
        if inside:
            waiting = [one for one in waiting if one not in inside]
        if len(lives) > MOST:
            self._drop_first(lives)
        if is_plain:
            put_in_front(entry, life, waiting)
        else:
            pack(entry, lives, waiting, self._edges, self._timeout)
        return self.evicted

    def _join(self, one: Waiting, life: Life) -> None:
        """Join an event with the opening of a life, unless its edge has joined there."""
        if one.close.joined_at in life.joined:
            self._missed.append(one.close.repeated)
        else:
            life.joined.append(one.close.joined_at)
            self._latencies[one.close].append((one.at - life.first) / SECOND)

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

    def _hear(self, identity: str) -> Entry:
        """Move an id behind all others, and return what is remembered of it; the first time after making room."""
        entry = self.entries.get(identity)
        if entry is None:
            while len(self.entries) >= self._max_open:
                first = self.queue.popleft()
                self.evicted = self._leave(first, self.entries[first], self.newest) or self.evicted
            entry = self.entries[identity] = self._blank.copy()
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

    def settle(self) -> list[Missed]:
        """Forget what was not heard of within the timeout, when all there is has been read; return what to count."""
        while self.queue:
            entry = self.entries[self.queue[0]]
            if not entry[STALE] and entry[HEARD] + self._timeout >= self.newest:
                break
            self._leave(self.queue.popleft(), entry, self.newest)
        return self._missed_so_far()

    def conclude(self) -> list[Missed]:
        """Forget, when nothing will ever come, all but the ids whose timeout is not over; return what to count."""
        over = [identity for identity, entry in self.entries.items() if not self._conclude(entry)]
        for identity in over:
            self.entries[identity][STALE] = 0
            self._leave(identity, self.entries[identity], inf)
        self.queue = deque(filter(self.entries.__contains__, self.queue)) if over else self.queue
        return self._missed_so_far()

    def _missed_so_far(self) -> list[Missed]:
        """Return what is to be counted, once."""
        missed, self._missed = self._missed, []
        return missed

    def _conclude(self, entry: Entry) -> bool:
        """Forget what else is remembered of an id; return whether its newest episode is still within its timeout."""
        odd: Odd | None = entry[ODD]
        found = list(episodes(unpack(entry, self._edges), self._timeout)) if odd and odd.lives else []
        last = found[-1][-1].first if found else entry[LAST]
        if last is None or last + self._timeout < self.newest:
            return False
        if odd:
            self._missed += [outcome_of(one, entry, self._timeout, is_over=True) for one in odd.waiting]
            entry[ODD] = None
        for episode in found[:-1]:
            self._missed += self._episode_outcome(episode, is_over=True)
        if found:
            pack(entry, found[-1], [], self._edges, self._timeout)
        return True

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

    def _leave(self, first: str, entry: Entry, newest: float) -> float | None:
        """Take the first place from an id; if it was its last, forget it, and return when it was heard of."""
        if entry[STALE]:
            entry[STALE] -= 1
            return None
        del self.entries[first]
        if entry[ORDER]:
            self.segments.forget(entry)
        is_over = entry[HEARD] + self._timeout < newest
        odd: Odd | None = entry[ODD]
        if odd is not None:
            self._missed += [outcome_of(one, entry, self._timeout, is_over) for one in odd.waiting]
        if odd is not None and odd.lives:
            for episode in episodes(unpack(entry, self._edges), self._timeout):
                self._missed += self._episode_outcome(episode, is_over)
        elif not entry[JOINED] and entry[LAST] is not None:
            self._missed.append(self._expired if is_over and entry[JOINED] is None else self._evicted)
        heard: float = entry[HEARD]
        return heard
