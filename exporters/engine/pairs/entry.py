"""What a pair remembers of one id, and what becomes of it when it is forgotten.

In: an entry. Out: its lives and waiting events, and back; the form in which they are stored. Part of the pairs stage.
Most ids need no more than the plain places of an entry: each stage opened once, in the order of their times. What else
can be remembered of an id stands in its `Odd`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from contracts.model import Contract, Metric, Pair
from exporters.engine.values import FIRST_PLACE, Close, Target

__all__ = [
    "HEARD",
    "JOINED",
    "LAST",
    "MOST",
    "NEVER",
    "ODD",
    "ORDER",
    "SECOND",
    "SEGMENT",
    "STALE",
    "Entries",
    "Entry",
    "EntryCodec",
    "Latencies",
    "Life",
    "Missed",
    "Odd",
    "PairTally",
    "Waiting",
    "episodes",
    "outcome_of",
    "pack",
    "unpack",
]

Entry = list[Any]
"""What is remembered of one id. First what goes for its newest life of every stage: True if an edge joined, None if
none did, False if none did and what could have joined may have been evicted before; the time of the newest opening; the
`Odd` or None. Then the pair's newest event time when the id was last heard of, its place in the order of hearing (0:
not written since), the number of its segment (0: changed since), and how many of its places in the queue are stale.
Then those lives themselves: the time of each opening, and True for every edge that joined (None until then). Times are
in UTC epoch nanoseconds."""

JOINED, LAST, ODD, HEARD, ORDER, SEGMENT, STALE = range(FIRST_PLACE)
"""Counted from the front: Python 3.11 reads and writes a list three times as fast there as counted from its end."""

Entries = dict[str, Entry]
"""Id -> what is remembered of it."""

Missed = tuple[str, str, str]
"""(pair, edge, outcome); outcomes: joined, orphan, repeated, negative, evicted, and with edge "" expired, evicted."""

PairTally = Counter[Missed]

Latencies = defaultdict[Close, list[float]]
"""Latencies of the edges that joined, in seconds: the exact difference of two times, divided once."""

NEVER = float("-inf")
SECOND = 1_000_000_000
"""Nanoseconds of a second."""

MOST = 32
"""Waiting events, and lives, that are remembered of one id."""


class Life(Struct, gc=False):
    """An opening, all that opens the same stage again within the timeout included, and the edges that joined it.

    `place` is the stage's, `first` its time; not `is_certain` if what might join it may have been evicted before.
    """

    place: int
    first: int
    joined: list[int]
    is_certain: bool = True


class Waiting(Struct, frozen=True, eq=False, gc=False):
    """An event that closes an edge whose opening has not been read, or not been found in time."""

    at: int
    close: Close
    is_certain: bool = True


class Odd(Struct, gc=False):
    """What else is remembered of an id: events that wait, and lives other than the newest of their stage."""

    waiting: list[Waiting]
    lives: Sequence[Life]


def unpack(entry: Entry, edges: Mapping[int, Sequence[int]]) -> list[Life]:
    """Return all lives of an id.

    Args:
        edges: place of a stage -> places of the edges it opens.
    """
    lives = list(entry[ODD].lives) if entry[ODD] else []
    for place, opened in edges.items():
        if entry[place] is not None:
            joined = [edge for edge in opened if entry[edge]]
            lives.append(Life(place, entry[place], joined, entry[JOINED] is not False))
    return lives


def pack(
    entry: Entry, lives: list[Life], waiting: list[Waiting], edges: Mapping[int, Sequence[int]], timeout: int
) -> None:
    """Put lives and waiting events into an entry: in front, of the newest episode, the newest life of each stage."""
    entry[FIRST_PLACE:] = [None] * (len(entry) - FIRST_PLACE)
    newest = {life.place: life for life in list(episodes(lives, timeout))[-1]} if lives else {}
    for life in newest.values():
        entry[life.place] = life.first
        for edge in life.joined:
            entry[edge] = True
    front = newest.values()
    is_joined = any(life.joined for life in front)
    entry[JOINED] = True if is_joined else None if all(life.is_certain for life in front) else False
    entry[LAST] = max((life.first for life in front), default=None)
    others = [life for life in lives if newest.get(life.place) is not life]
    entry[ODD] = Odd(waiting, others) if waiting or others else None


def episodes(lives: list[Life], timeout: int) -> Iterator[list[Life]]:
    """Yield the lives of an id in the order of their times, those together that begin within the timeout."""
    episode: list[Life] = []
    for life in sorted(lives, key=lambda one: one.first):
        if episode and life.first - episode[-1].first > timeout:
            yield episode
            episode = []
        episode.append(life)
    if episode:
        yield episode


def outcome_of(waiting: Waiting, entry: Entry, timeout: int) -> Missed:
    """Return what becomes of an event of an id that waited in vain, when nothing can come any more for it."""
    close, at, first = waiting.close, waiting.at, entry[waiting.close.opened]
    if not waiting.is_certain:
        return close.evicted
    if first is not None and 0 < first - at <= timeout:
        return close.negative
    for life in entry[ODD].lives:
        if life.place == close.opened and 0 < life.first - at <= timeout:
            return close.negative
    return close.orphan


class EntryCodec:
    """Entries as they are stored, for one pair: the id, the places, then the rest up to that in the order of hearing.

    Stored places are counted from 0.
    """

    def __init__(self, pair: Pair, contract: Contract) -> None:
        self._metrics: dict[str, Metric] = {metric.name: metric for metric in contract.metrics}
        self._pair = pair
        self._edges = dict(enumerate(pair.edges, start=len(pair.openings)))
        self._length = len(pair.openings) + len(pair.edges)

    @staticmethod
    def stored(entry: Entry) -> list[Any]:
        """Return what is stored of an entry."""
        odd: Odd | None = entry[ODD]
        if odd is None:
            return entry[FIRST_PLACE:] + entry[:SEGMENT]
        waiting = [
            [
                one.at,
                one.close.joined_at - FIRST_PLACE,
                one.is_certain,
                [[metric.name, *labels] for metric, labels in one.close.targets],
            ]
            for one in odd.waiting
        ]
        lives = [
            [one.place - FIRST_PLACE, one.first, [at - FIRST_PLACE for at in one.joined], one.is_certain]
            for one in odd.lives
        ]
        text = json.dumps([waiting, lives])
        return [*entry[FIRST_PLACE:], *entry[:ODD], text, *entry[ODD + 1 : SEGMENT]]

    def entry(self, stored: list[Any], segment: int) -> Entry:
        """Return the entry that was stored; versions before had neither the newest opening nor an `Odd`."""
        if len(stored) == self._length + 3:
            times = [at for at in stored[: len(self._pair.openings)] if at is not None]
            stored = [*stored[:-2], max(times, default=None), None, *stored[-2:]]
        entry = [*stored[self._length :], segment, 0, *stored[: self._length]]
        if entry[ODD] is not None:
            waiting, lives = json.loads(entry[ODD])
            entry[ODD] = Odd([self._waiting(*one) for one in waiting], [_life(*one) for one in lives])
        return entry

    def _waiting(self, at: int, joined_at: int, is_certain: bool, targets: list[list[str]]) -> Waiting:
        """Return an event that waited; of what it moves, what the contract has no longer is left out."""
        name, edge = self._pair.name, self._edges[joined_at]
        opened = FIRST_PLACE + self._pair.openings.index(self._pair.edges[edge][0])
        found = tuple(target for target in map(self._target, targets) if target is not None)
        outcomes = ((name, edge, outcome) for outcome in ("joined", "orphan", "repeated", "negative", "evicted"))
        return Waiting(at, Close(opened, FIRST_PLACE + joined_at, found, *outcomes), is_certain)

    def _target(self, stored: list[str]) -> Target | None:
        name, *labels = stored
        metric = self._metrics.get(name)
        if metric is None or metric.subject != self._pair.latency or len(metric.labels) != len(labels):
            return None
        return metric, tuple(labels)


def _life(place: int, first: int, joined: list[int], is_certain: bool) -> Life:
    return Life(FIRST_PLACE + place, first, [FIRST_PLACE + at for at in joined], is_certain)
