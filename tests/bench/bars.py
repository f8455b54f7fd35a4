"""The bars of throughput: how we compare with the others in one scenario, and with ourselves in another.

In: scenarios that were run. Out: readings; what needs a contestant or a scenario that is missing is not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from tests.bench.contestants import DECODE_ONLY, MTAIL, OURS, PER_EVENT
from tests.bench.measure import Scenario
from tests.bench.reading import Reading

__all__ = ["throughput_readings"]

_OPENING = "without the time it takes to open 999 files, which is that of 1,000 empty files less that of one"


def throughput_readings(scenarios: Mapping[str, Scenario], many: Scenario, one: Scenario) -> list[Reading]:
    """Return the ratios that have a bar: of what is quick the median of the ratios of neighbouring runs.

    Args:
        scenarios: key -> what was run.
        many, one: 1,000 empty files, and one.
    """

    def speeds(key: str, name: str = OURS.name) -> list[float]:
        return scenarios[key].speeds(name) if key in scenarios else []

    a, d = speeds("a"), speeds("d")
    opened = _speeds_after_opening(scenarios["e"], many, one) if "e" in scenarios else []
    return [
        Reading("a_mtail", "(a) ours : mtail", _ratio(a, speeds("a", MTAIL.name)), "x", at_least=8),
        Reading("a_per_event", "(a) ours : per event", _ratio(a, speeds("a", PER_EVENT.name)), "x", at_least=4),
        Reading("a_limit", "(a) ours : decode only", _percent(a, speeds("a", DECODE_ONLY.name)), "%", at_least=55),
        Reading("c_a", "(c) : (a), 1 % malformed", _percent(speeds("c"), a), "%", at_least=75),
        Reading("d_per_event", "(d) ours : per event", _ratio(d, speeds("d", PER_EVENT.name)), "x", at_least=1),
        Reading("e_a", "(e) : (a), files open", _percent(opened, a), "%", at_least=60, note=_OPENING),
        Reading("f_a", "(f) : (a), names beyond their cap", _percent(speeds("f"), a), "%", at_least=60),
        Reading("g_a", "(g) : (a), every event paired", _percent(speeds("g"), a), "%", at_least=55),
    ]


def _speeds_after_opening(e: Scenario, many: Scenario, one: Scenario) -> list[float]:
    """Return the lines per second of (e) in each run, the time that opening its files took then left out.

    None at all if that leaves nothing in one: with few lines the noise of two openings is larger than the reading.
    """
    whole, opening, starting = (each.runs.get(OURS.name, []) for each in (e, many, one))
    rounds = zip(whole, opening, starting, strict=True)
    reading_s = [in_all.seconds - (in_many.seconds - in_one.seconds) for in_all, in_many, in_one in rounds]
    return [e.lines / taken for taken in reading_s] if min(reading_s, default=0) > 0 else []


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Return the ratio of two medians, None if one of the two did not run."""
    return median(ours) / median(theirs) if ours and theirs else None


def _percent(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """Return the median of the ratios of neighbouring runs in per cent, None if there are none."""
    if not ours or not theirs:
        return None
    return median(100 * mine / other for mine, other in zip(ours, theirs, strict=True))
