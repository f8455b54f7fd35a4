"""Joins two stages of one thing by id: intent -> ack by `intent_id` gives a latency.

In: joins in the order of their lines, their times in nanoseconds. Out: observations in seconds, and what became of each
edge. Which events join does not depend on the order in which files are read; `joiner` says how, for one pair, `memory`
for how long ids are remembered, `entry` what is remembered of one, `segments` how that is stored.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from contracts.model import Contract, Pair
from exporters.engine.pairs.entry import NEVER, Latencies, Missed, PairTally
from exporters.engine.pairs.joiner import Joiner
from exporters.engine.pairs.segments import remembered
from exporters.engine.records import Change, Gone, PairMeaning, PairProgress, Record, Saved
from exporters.engine.values import Joins, Observe

__all__ = ["Joined", "OpenPairs", "PairTally"]

Joined = tuple[list[Observe], PairTally]


class OpenPairs:
    """The ids one contract's pairs are waiting for, per pair in the order in which they were last heard of."""

    def __init__(self, contract: Contract) -> None:
        self._open = {pair.name: Joiner(pair, contract) for pair in contract.pairs}
        self._meanings = {pair.name: _meaning(pair) for pair in contract.pairs}
        self._stored_meanings: Mapping[str, str] = {}
        self._left: list[Record] = []

    def join(self, joins: Iterable[Joins]) -> Joined:
        """Take events in order; return the latencies they complete and the tally of edges.

        The result does not depend on how the events are cut into calls.
        """
        latencies: Latencies = defaultdict(list)
        tally: PairTally = Counter()
        for of_one in joins:
            pair = self._open[of_one.pair]
            tally.update(pair.join(of_one, latencies))
            pair.tidy()
        found: dict[int, Observe] = {}
        for close, values in latencies.items():
            tally[close.joined] += len(values)
            for target in close.targets:
                found.setdefault(id(target), Observe(*target, [])).values.extend(values)
        return list(found.values()), tally

    def settle(self) -> PairTally:
        """Forget what has waited for the timeout; to be called when all there is to read has been read."""
        return self._tally_of(Joiner.settle)

    def conclude(self) -> PairTally:
        """Forget all but what is still within its timeout; to be called when nothing will be read any more."""
        return self._tally_of(Joiner.conclude)

    def _tally_of(self, forget: Callable[[Joiner], list[Missed]]) -> PairTally:
        return Counter(missed for pair in self._open.values() for missed in forget(pair))

    def sizes(self) -> dict[str, int]:
        """Return how many ids each pair remembers."""
        return {name: pair.size() for name, pair in self._open.items()}

    def changes(self, everything: bool = False) -> Iterator[Change]:
        """Yield what changed since committed() was last called (or everything) as records for the state.

        Of two records with one name the later one stands: a pair left at the restart may have begun anew.
        """
        yield from map(Gone, self._left)
        for name, pair in self._open.items():
            progress = pair.progress()
            if everything or progress != pair.saved:
                yield progress if pair.newest > NEVER else Gone(progress)
            pair.spread()
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
        entries = remembered(saved)
        segments: dict[str, dict[int, list[str]]] = {name: {} for name in same}
        for one in saved.segments:
            if one.pair in same:
                segments[one.pair][one.number] = [str(identity) for identity, *_ in one.entries]
        progress = {one.pair: one for one in saved.pair_progress}
        for name in same:
            read = self._open[name].codec.entry
            found = {identity: read(entry, number) for identity, (number, entry) in entries.get(name, {}).items()}
            self._open[name].take_over(found, segments[name], progress.get(name, PairProgress(name, NEVER, 0)))
        return Counter({name: len(ids) for name, ids in entries.items() if name not in same and ids})


def _meaning(pair: Pair) -> str:
    """Return what the stored entries of a pair depend on; under another meaning their stages mean something else."""
    return json.dumps([pair.id, pair.stage, pair.at, list(pair.edges.items())])
