"""What pairs come to, worked out from all events at once, in plain Python; shares nothing with the pairs stage.

In: events (id, stage, time in seconds) in any order. Out: what each closing event comes to, the latencies, and the ids
that never joined. The rules, for one id:

- The first opening of a stage begins a life of it, which lasts for the timeout; later openings within it change
  nothing, the next one after it begins another life.
- Of the closing events within a life of their opening stage the earliest joins, the others are `repeated`. One that is
  within no life is `negative` if a life begins at most the timeout after it, else `orphan`.
- Lives of any stages that begin at most the timeout after another are one episode. An episode none of whose lives
  joined is `expired` once the timeout has passed since its last life began.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["Event", "Truth", "expired_of", "outcomes_of", "truth_of"]

Event = tuple[str, str, float]
Truth = tuple[Counter[tuple[str, str]], Counter[tuple[str, float]]]
"""(edge, outcome) -> number, expired ids as ("", "expired"); (edge, latency in seconds) -> number."""

Edges = Mapping[str, tuple[str, str]]


def truth_of(events: Iterable[Event], edges: Edges, timeout: float) -> Truth:
    """Return what the events come to when nothing follows them."""
    every = list(events)
    outcomes: Counter[tuple[str, str]] = Counter()
    latencies: Counter[tuple[str, float]] = Counter()
    for edge, outcome, latency, _ in outcomes_of(every, edges, timeout):
        outcomes[edge, outcome] += 1
        if latency is not None:
            latencies[edge, latency] += 1
    outcomes["", "expired"] += expired_of(every, edges, timeout)
    return +outcomes, latencies


def outcomes_of(
    events: Iterable[tuple[Any, ...]], edges: Edges, timeout: float
) -> Iterator[tuple[str, str, float | None, tuple[Any, ...]]]:
    """Yield edge, outcome, latency and event for each event that closes an edge; events may have more than 3 parts."""
    for of_one in _by_id(events).values():
        for edge, (opening, closing) in edges.items():
            firsts = _lives(of_one, opening, timeout)
            taken: set[float] = set()
            for event in sorted((one for one in of_one if one[1] == closing), key=lambda one: one[2]):
                inside = [first for first in firsts if 0 <= event[2] - first <= timeout]
                if not inside:
                    is_early = any(0 < first - event[2] <= timeout for first in firsts)
                    yield edge, "negative" if is_early else "orphan", None, event
                elif inside[0] in taken:
                    yield edge, "repeated", None, event
                else:
                    taken.add(inside[0])
                    yield edge, "joined", event[2] - inside[0], event


def expired_of(events: Iterable[tuple[Any, ...]], edges: Edges, timeout: float) -> int:
    """Return how many episodes of ids never joined and are over when the newest event has happened."""
    every = list(events)
    newest = max((event[2] for event in every), default=0.0)
    number = 0
    for of_one in _by_id(every).values():
        openings = dict.fromkeys(opening for opening, _ in edges.values())
        lives = sorted((first, opening) for opening in openings for first in _lives(of_one, opening, timeout))
        joined = {
            (event[2] - latency, edges[edge][0])
            for edge, _, latency, event in outcomes_of(of_one, edges, timeout)
            if latency is not None
        }
        episode: list[tuple[float, str]] = []
        for life, after in zip(lives, [*lives, None][1:], strict=True):
            episode.append(life)
            if after is None or after[0] - life[0] > timeout:
                number += life[0] + timeout < newest and joined.isdisjoint(episode)
                episode = []
    return number


def _by_id(events: Iterable[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    found: defaultdict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for event in events:
        found[event[0]].append(event)
    return found


def _lives(events: Iterable[tuple[Any, ...]], opening: str, timeout: float) -> list[float]:
    firsts: list[float] = []
    for at in sorted(event[2] for event in events if event[1] == opening):
        if not firsts or at - firsts[-1] > timeout:
            firsts.append(at)
    return firsts
