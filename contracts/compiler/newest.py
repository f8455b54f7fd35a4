"""By which time the newest event wins, for gauges of numbers and for states.

In: checked metric entries, the metrics built from them, the sources and the words. Out: the metrics with `newest_by`
settled, and a fault for one that is no time, or that a source does not read.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from contracts.compiler.document import Faults, Spot, quote
from contracts.model import Metric, Source, Word

__all__ = ["BY_LINES", "settle_newest"]

BY_LINES = "lines"
"""Says that the last line read wins, whatever its time."""


def settle_newest(
    spot: Spot, metrics: tuple[Metric, ...], sources: tuple[Source, ...], words: Mapping[str, Word], faults: Faults
) -> tuple[Metric, ...]:
    """Return the metrics, each with the time word that is stated, or else the only one there can be."""
    settled = []
    for metric in metrics:
        entry = spot.at(metric.name)
        one = replace(metric, newest_by=_newest_by(entry, metric, sources, words, faults))
        subject = words.get(one.subject) if one.subject else None
        is_time = one.job == "sets" and subject is not None and subject.kind == "time"
        if one.ends_after and not is_time and one.newest_by is None:
            problem = "ends_after needs a time that tells how old an event is; name a time word in newest_by"
            faults.add(entry.at("ends_after"), problem)
        settled.append(replace(one, keeps="max") if is_time and one.keeps is None else one)
    return tuple(settled)


def _newest_by(
    spot: Spot, metric: Metric, sources: tuple[Source, ...], words: Mapping[str, Word], faults: Faults
) -> str | None:
    subject = words.get(metric.subject) if metric.subject else None
    if metric.job not in ("sets", "states") or subject is None:
        return None
    stated = spot.text_of("newest_by")
    if subject.kind == "time" or metric.keeps:
        if stated:
            stays = "of times, which never goes back" if subject.kind == "time" else "that keeps a value"
            faults.add(spot.at("newest_by"), f"says nothing about a gauge {stays}; delete it")
        return None
    readers = [has for one in sources for own, has in one.levels() if subject.is_filled(own, has)]
    times = [{name for name in has if words[name].kind == "time"} for has in readers]
    common = set.intersection(*times) if times else set()
    if not stated:
        return common.pop() if len(common) == 1 else None
    if stated == BY_LINES and stated not in words:
        return None
    _check_stated(stated, common, subject, sources, words, spot.at("newest_by"), faults)
    return stated


def _check_stated(
    stated: str,
    common: set[str],
    subject: Word,
    sources: tuple[Source, ...],
    words: Mapping[str, Word],
    spot: Spot,
    faults: Faults,
) -> None:
    if stated not in words or words[stated].kind != "time":
        faults.add(spot, f"newest_by needs a word with type: time, or {BY_LINES}; got {quote(stated)}")
    elif stated not in common:
        readers = [(one, has) for one in sources for own, has in one.levels() if subject.is_filled(own, has)]
        lacking = next((one for one, has in readers if stated not in has), None)
        if lacking is not None:
            problem = (
                f"the source {quote(lacking.name)} reads {quote(subject.name)} but not {quote(stated)}; read it there"
            )
            faults.add(spot, problem)
