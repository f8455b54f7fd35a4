"""The bars of throughput: how we compare with the others in one scenario, and with ourselves in another.

In: scenarios that were run. Out: readings; what needs a contestant or a scenario that is missing is not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from tests.bench.contestants import DECODE_ONLY, MTAIL, OURS, PER_EVENT
from tests.bench.measure import Scenario
from tests.bench.reading import Reading

__all__ = ["throughput_readings"]

_OPENING = "without the time it takes to open 999 files, which is that of 1,000 empty files less that of one"


def throughput_readings(scenarios: Mapping[str, Scenario], many: Scenario, one: Scenario) -> list[Reading]:
    """Return the ratios that have a bar.

    Args:
        scenarios: key -> what was run.
        many, one: 1,000 empty files, and one.
    """

    def speed(key: str, name: str = OURS.name) -> float | None:
        return scenarios[key].speed(name) if key in scenarios else None

    a = speed("a")
    opened = _speed_after_opening(scenarios.get("e"), many, one)
    return [
        Reading("a_mtail", "(a) ours : mtail", _ratio(a, speed("a", MTAIL.name)), "x", at_least=8),
        Reading("a_per_event", "(a) ours : per event", _ratio(a, speed("a", PER_EVENT.name)), "x", at_least=4),
        Reading("a_limit", "(a) ours : decode only", _percent(a, speed("a", DECODE_ONLY.name)), "%", at_least=55),
        Reading("c_a", "(c) : (a), 1 % malformed", _percent(speed("c"), a), "%", at_least=75),
        Reading("d_per_event", "(d) ours : per event", _ratio(speed("d"), speed("d", PER_EVENT.name)), "x", at_least=1),
        Reading("e_a", "(e) : (a), files open", _percent(opened, a), "%", at_least=60, note=_OPENING),
        Reading("f_a", "(f) : (a), names beyond their cap", _percent(speed("f"), a), "%", at_least=60),
        Reading("g_a", "(g) : (a), every event paired", _percent(speed("g"), a), "%", at_least=55),
    ]


def _speed_after_opening(e: Scenario | None, many: Scenario, one: Scenario) -> float | None:
    """Return the lines per second of (e), the time that opening its files took in the same round left out.

    None if that leaves nothing: with few lines the noise of two openings is larger than the reading.
    """
    if e is None:
        return None
    whole, opening, starting = (each.runs.get(OURS.name, []) for each in (e, many, one))
    rounds = zip(whole, opening, starting, strict=True)
    reading_s = [in_all.seconds - (in_many.seconds - in_one.seconds) for in_all, in_many, in_one in rounds]
    taken = median(reading_s) if reading_s else 0.0
    return e.lines / taken if taken > 0 else None


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours and theirs else None


def _percent(ours: float | None, theirs: float | None) -> float | None:
    ratio = _ratio(ours, theirs)
    return ratio and ratio * 100
