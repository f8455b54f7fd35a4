"""Whole batches joined at once: of a pair with one edge, as long as every id opens once and joins at most once.

In: the joins of a batch. Out: latencies, or that the batch has to be taken event by event. It comes to the same either
way, to the last id: this way an event costs two thirds. Part of the pairs stage.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import compress, repeat
from operator import sub

from exporters.engine.pairs.entry import JOINED, SECOND, SEGMENT, Entries, Latencies
from exporters.engine.pairs.fresh import Part
from exporters.engine.pairs.memory import Memory
from exporters.engine.values import Close, Joins

__all__ = ["Bulk", "copies_of"]

_FEWEST = 64
"""Joins of a batch that is taken at once; fewer are not worth it."""

_MOST_WAITING = 1024
"""Ids that may wait for what closes them: each batch looks at all."""

_LONGEST_PAUSE = 64
"""Batches that are not looked at after one that had to be taken event by event, at most; twice as many each time."""


class Bulk(Memory):
    """What one pair remembers, and how it takes batches that hold nothing odd."""

    _pause = _left = 0

    def join_at_once(self, joins: Joins, latencies: Latencies) -> bool:
        """Take a batch and add its latencies, or return False: nothing has changed then."""
        if self.only_edge is None or len(joins.ids) < _FEWEST or len(self.waiting) > _MOST_WAITING:
            return False
        if self._left:
            self._left -= 1
            return False
        is_taken = self._take(joins, latencies, *self.only_edge)
        self._pause = self._left = 0 if is_taken else min(2 * self._pause + 1, _LONGEST_PAUSE)
        return is_taken

    def _take(self, joins: Joins, latencies: Latencies, opening: int, edge: int) -> bool:
        if joins.times[0] < self.newest or joins.times != sorted(joins.times):
            return False
        closing, closes = _closing_of(joins)
        opens = [not is_closing for is_closing in closes]
        ids, begins = copies_of(list(compress(joins.ids, opens))), list(compress(joins.times, opens))
        waiting = self.waiting.copy()
        waiting.update(zip(ids, begins, strict=True))
        is_once = len(waiting) == len(self.waiting) + len(ids)
        if not (is_once and self.entries.keys().isdisjoint(ids) and self.fresh.has_none_of(ids)):
            return False
        closed = list(compress(joins.ids, closes))
        begun = list(map(waiting.pop, closed, repeat(None)))
        entries = self._entries_of(closed, begun, opening, edge) if None in begun else {}
        if entries is None:
            return False
        taken = list(map(sub, compress(joins.times, closes), begun))
        if taken and (max(taken) > self._timeout or (min(taken) <= 0 and not _in_order(joins.ids, opens))):
            return False
        if not self._make_room_for(ids, begins, waiting, entries):
            return False
        for identity, entry in entries.items():
            entry[edge] = entry[JOINED] = True
            if entry[SEGMENT]:
                self.segments.change(identity, entry)
        self.fresh.add(Part(ids, begins))
        self.waiting, self.newest = waiting, joins.times[-1]
        _add([latency / SECOND for latency in taken], compress(joins.plans, closes), closing, latencies)
        return True

    def _entries_of(self, closed: Sequence[str], begun: list[int | None], opening: int, edge: int) -> Entries | None:
        """Return the entries of ids that close and are not fresh, None if one of them does not join with an entry.

        Args:
            begun: when each of them opened, None if that is not known; what an entry says is put there.
        """
        found = Entries()
        for place, identity in enumerate(closed):
            if begun[place] is not None:
                continue
            entry = self.entries.get(identity)
            if entry is None or entry[opening] is None or entry[edge] or identity in found:
                return None
            found[identity], begun[place] = entry, entry[opening]
        return found

    def _make_room_for(
        self, ids: Sequence[str], times: Sequence[int], waiting: dict[str, int], needed: Entries
    ) -> bool:
        """Forget as many ids as a batch opens too many, or return False: nothing has changed then.

        Args:
            waiting: the ids that will not have joined after the batch, those it opens last.
            needed: entries that the batch joins with, which might have to go before.
        """
        over = max(0, self.size() + len(ids) - self._max_open)
        of_fresh = max(0, over - len(self.entries))
        gone = self.fresh.first(of_fresh)
        lost = self.waiting.keys() & gone.ids
        if over > len(ids) or of_fresh > len(self.fresh) or not lost <= waiting.keys():
            return False
        if needed and not needed.keys().isdisjoint(self.first_ids(over)):
            return False
        heard = [self.evicted]
        for at in times[len(ids) - over : len(ids) - of_fresh]:
            self.newest = at
            self._make_room(len(self.entries) - 1)
            heard.append(self.evicted)
        for one, at in zip(gone.ids, times[len(ids) - of_fresh :], strict=True) if lost else ():
            if one in lost:
                is_over = waiting.pop(one) + self._timeout < at
                self._missed.append(self._expired if is_over and one not in self.unsure else self._evicted)
        heard += gone.times
        self.fresh.forget(gone)
        self.evicted = heard[-1]
        self.unsure &= waiting.keys()
        if times and times[0] - self.evicted <= self._timeout:
            self._note_unsure(ids, heard, waiting)
        return True

    def _note_unsure(self, ids: Sequence[str], heard: Sequence[float], waiting: dict[str, int]) -> None:
        """Note of which ids that a batch opens and that wait the other half may have been forgotten before.

        Args:
            heard: when those were heard of that were forgotten, the last one before the batch and then for each id
                from some place on.
        """
        place, before = 0, len(ids) - len(heard) + 1
        for identity, at in waiting.items():
            if identity not in self.waiting:
                place = ids.index(identity, place)
                if at - heard[max(0, place + 1 - before)] <= self._timeout:
                    self.unsure.add(identity)


def _closing_of(joins: Joins) -> tuple[dict[Hashable, Close], list[bool]]:
    """Return the plans of events that close and what these close, and whether each event does."""
    closing = {plan: step.closes[0] for plan, step in joins.steps.items() if step.opens is None}
    if len(closing) == 1:
        (only,) = closing
        return closing, [plan is only for plan in joins.plans]
    return closing, [plan in closing for plan in joins.plans]


def copies_of(ids: list[str]) -> list[str]:
    """Return copies of ids, next to each other: one that is remembered would keep a page of its batch's memory.

    All of decoding and joining would take 0.05 us an event longer.
    """
    copies = "\n".join(ids).split("\n")
    return copies if len(copies) == len(ids) else ids


def _in_order(ids: Iterable[str], opens: Iterable[bool]) -> bool:
    """Whether no id that opens here closes before it opens."""
    closed: set[str] = set()
    for identity, is_opening in zip(ids, opens, strict=True):
        if not is_opening:
            closed.add(identity)
        elif identity in closed:
            return False
    return True


def _add(
    seconds: list[float], plans: Iterable[Hashable], closing: Mapping[Hashable, Close], latencies: Latencies
) -> None:
    """Add the latencies of events with these plans to those of what they close, in the order in which these come."""
    if len(closing) == 1 and seconds:
        latencies[next(iter(closing.values()))] += seconds
        return
    each = list(plans)
    for plan in dict.fromkeys(each):
        latencies[closing[plan]] += compress(seconds, [one is plan for one in each])
