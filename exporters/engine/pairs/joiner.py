"""One pair: joins the events of an id, whatever order they are read in.

In: joins in the order of their lines. Out: latencies, and what became of edges and ids. An event that closes an edge
waits for its opening: for as long as other files may still be read, and then for the timeout. Part of the pairs stage.
"""

from __future__ import annotations

from collections.abc import Sequence

from exporters.engine.pairs.bulk import Bulk, copies_of
from exporters.engine.pairs.entry import (
    HEARD,
    JOINED,
    LAST,
    MOST,
    ODD,
    ORDER,
    SECOND,
    SEGMENT,
    STALE,
    Entry,
    Latencies,
    Life,
    Missed,
    Odd,
    Waiting,
    outcome_of,
    pack,
    unpack,
)
from exporters.engine.values import FIRST_PLACE, Close, Joins

__all__ = ["Joiner"]

_NONE: tuple[Close, ...] = ()


class Joiner(Bulk):
    """Joins the events of one pair."""

    def join(self, joins: Joins, latencies: Latencies) -> list[Missed]:
        """Take events in order; add the latencies of edges that join, return what became of other edges and of ids."""
        if not self.join_at_once(joins, latencies):
            self.spread()
            self._join_each(joins, latencies)
        return self._missed_so_far()

    def _join_each(self, joins: Joins, latencies: Latencies) -> None:  # noqa: C901  # 1.5 x as long in parts
        """Take events one by one."""
        self._latencies, ids = latencies, copies_of(joins.ids)
        entries, find, line_up, blank = self.entries, self.entries.get, self.queue.append, self._blank
        newest, timeout = self.newest, self._timeout
        for identity, at, plan in zip(ids, joins.times, map(joins.steps.__getitem__, joins.plans), strict=True):
            if at > newest:
                newest = self.newest = at
            entry, late, place = find(identity, blank), _NONE, plan.opens
            for close in plan.closes:
                opened = entry[close.opened]
                if opened is not None and not entry[close.joined_at] and 0 <= (latency := at - opened) <= timeout:
                    entry[close.joined_at] = entry[JOINED] = True
                    latencies[close].append(latency / SECOND)
                    if entry[SEGMENT]:
                        self.segments.change(identity, entry)
                else:
                    late += (close,)
            if late:
                self._take_late(identity, at, late, place, entry)
                continue
            if place is None:
                continue
            if entry is blank:
                if len(entries) >= self._max_open:
                    self._make_room(self._max_open - 1)
                entry = entries[identity] = blank.copy()
                entry[JOINED] = False if at - self.evicted <= timeout else None
            elif entry[place] is None and entry[ODD] is None and 0 <= at - entry[LAST] <= timeout:
                entry[STALE] += 1
                if entry[ORDER]:
                    self.segments.hear_again(entry)
            else:
                self._open_again(at, place, self._hear(identity, entry))
                continue
            line_up(identity)
            entry[place] = entry[LAST] = at
            entry[HEARD] = newest

    def _take_late(self, identity: str, at: int, late: tuple[Close, ...], place: int | None, entry: Entry) -> None:
        """Take an event some of whose edges do not join at once, and which may open others."""
        odd: Odd | None = entry[ODD]
        is_heard = False
        for close in late:
            first = entry[close.opened]
            if first is not None and 0 <= at - first <= self._timeout:
                self._missed.append(close.repeated)
                continue
            if odd is not None and odd.lives and self._join_other_life(identity, at, close, entry):
                continue
            if not is_heard:
                entry, is_heard = self._hear(identity, entry), True
            if odd is None:
                odd = entry[ODD] = Odd([], ())
            odd.waiting.append(Waiting(at, close, at - self.evicted > self._timeout))
        if odd is not None and len(odd.waiting) > MOST:
            self._drop_first_waiting(odd, entry)
        if place is not None:
            self._open_again(at, place, entry if is_heard else self._hear(identity, entry))

    def _join_other_life(self, identity: str, at: int, close: Close, entry: Entry) -> bool:
        """Join an event with a life of its opening that is not the newest; return whether there is one for it."""
        for life in entry[ODD].lives:
            if life.place == close.opened and 0 <= at - life.first <= self._timeout:
                self._join(Waiting(at, close), life)
                if entry[SEGMENT]:
                    self.segments.change(identity, entry)
                return True
        return False

    def _drop_first_waiting(self, odd: Odd, entry: Entry) -> None:
        """Forget the events that have waited longest of an id for which too many wait."""
        while len(odd.waiting) > MOST:
            first = odd.waiting.pop(0)
            is_over = first.at + self._timeout < self.newest
            self._missed.append(outcome_of(first, entry, self._timeout) if is_over else first.close.evicted)

    def _open_again(self, at: int, place: int, entry: Entry) -> None:
        """Take an opening of an id that has just been heard of and may have others, or events that wait."""
        odd: Odd | None = entry[ODD]
        last, opened, timeout = entry[LAST], entry[place], self._timeout
        if opened is not None and 0 <= at - opened <= timeout:
            return  # of the same life
        if odd is not None and (odd.lives or self._has_many) and self._may_be_of_another(at, place, odd):
            self._open_between(at, place, entry)
            return
        if last is not None and at - last > timeout:  # the first of an episode that is newer than all
            odd = self._put_behind(entry)
        elif opened is not None or (last is not None and last - at > timeout):
            self._open_between(at, place, entry)
            return
        entry[place], entry[LAST] = at, at if last is None or at > last else last
        if odd is not None:
            self._join_in_front(at, place, entry, odd)
        if not entry[JOINED] and at - self.evicted <= timeout:
            entry[JOINED] = False

    def _may_be_of_another(self, at: int, place: int, odd: Odd) -> bool:
        """Whether an opening may belong to a life that is not in front, or be one more than are remembered."""
        if len(odd.lives) + len(self._edges) >= MOST:
            return True
        return any(life.place == place and abs(at - life.first) <= self._timeout for life in odd.lives)

    def _put_behind(self, entry: Entry) -> Odd:
        """Have no life of an id in front; return what else is remembered of it."""
        waiting = entry[ODD].waiting if entry[ODD] else []
        odd = entry[ODD] = Odd(waiting, unpack(entry, self._edges))
        entry[FIRST_PLACE:] = [None] * (len(entry) - FIRST_PLACE)
        entry[JOINED] = None
        return odd

    def _open_between(self, at: int, place: int, entry: Entry) -> None:
        """Take an opening of an id that has lives before and after it, or one of the same stage."""
        odd: Odd | None = entry[ODD]
        lives = unpack(entry, self._edges)
        mine = [life for life in lives if life.place == place]
        if any(0 <= at - life.first <= self._timeout for life in mine):
            return
        life = next((one for one in mine if 0 < one.first - at <= self._timeout), None)
        if life is None:
            life = Life(place, at, [], at - self.evicted > self._timeout)
            lives.append(life)
        life.first = at
        if odd:
            self._join_waiting(life, odd)
        if len(lives) > MOST:
            self._drop_first(lives)
        pack(entry, lives, odd.waiting if odd else [], self._edges, self._timeout)

    def _join_in_front(self, at: int, place: int, entry: Entry, odd: Odd) -> None:
        """Join the events that wait for an opening which is the first of its stage."""
        for one in odd.waiting:
            if one.close.opened == place and 0 <= one.at - at <= self._timeout:
                for edge in self._join_waiting(Life(place, at, []), odd):
                    entry[edge] = entry[JOINED] = True
                entry[ODD] = odd if odd.waiting or odd.lives else None
                break

    def _join_waiting(self, life: Life, odd: Odd) -> Sequence[int]:
        """Join the events that wait for a life's opening, in the order of their times; return the edges that joined."""
        inside = [
            one for one in odd.waiting if one.close.opened == life.place and 0 <= one.at - life.first <= self._timeout
        ]
        if inside:
            for one in sorted(inside, key=lambda found: found.at):
                self._join(one, life)
            odd.waiting = [one for one in odd.waiting if one not in inside]
        return life.joined

    def _join(self, one: Waiting, life: Life) -> None:
        """Join an event with the opening of a life, unless its edge has joined there."""
        if one.close.joined_at in life.joined:
            self._missed.append(one.close.repeated)
        else:
            life.joined.append(one.close.joined_at)
            self._latencies[one.close].append((one.at - life.first) / SECOND)
