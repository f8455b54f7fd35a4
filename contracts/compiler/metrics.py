"""Metric entries of a checked document -> Metrics.

In: the `metrics` mapping, already of the right shape, the words and the names of the sources. Out: frozen values, and a
fault for every name that does not resolve, every key that says nothing, every name Prometheus would refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contracts.compiler.document import Faults, Spot, quote
from contracts.compiler.labels import FORBIDDEN_LABELS, build_init, build_labels
from contracts.compiler.when import build_ends, build_when, unknown
from contracts.model import SOURCE_WORD, Job, Metric, Word
from contracts.self_metrics import LIVE_TRADING, RESERVED_PREFIX

__all__ = ["FORBIDDEN_LABELS", "build_metrics"]

_JOBS: Mapping[str, tuple[Job, ...]] = {
    "counter": ("counts", "rejections"),
    "histogram": ("observes",),
    "gauge": ("sets", "adds", "states", "always"),
}
_EXTRAS: Mapping[Job, frozenset[str]] = {
    "counts": frozenset({"amount", "when", "init"}),
    "rejections": frozenset({"init"}),
    "observes": frozenset({"buckets", "when", "init"}),
    "sets": frozenset({"when", "newest_by", "keeps", "ends", "ends_after"}),
    "adds": frozenset({"when", "init", "ends"}),
    "states": frozenset({"when", "init", "newest_by", "ends", "ends_after"}),
    "always": frozenset({"init"}),
}
_RECORDED: Mapping[Job, frozenset[str]] = {
    "counts": frozenset({"init"}),
    "sets": frozenset({"init"}),
    "always": frozenset({"init"}),
}
"""What there is where sessions record: a call moves one series, by one or to a number."""

_COMMON = frozenset({"type", "help", "labels", "budget"})
_SUBJECT_KINDS: Mapping[Job, tuple[str, ...]] = {
    "counts": ("enum", "name"),
    "observes": ("number",),
    "sets": ("number", "time"),
    "adds": ("number",),
    "states": ("enum",),
}
_SAMPLES = {
    "counter": ("", "_total", "_created"),
    "histogram": ("", "_bucket", "_sum", "_count", "_created"),
    "gauge": ("",),
}


def build_metrics(
    spot: Spot, words: Mapping[str, Word], sources: Sequence[str], faults: Faults, *, is_recorded: bool
) -> tuple[Metric, ...]:
    """Return the metrics in file order; those whose job is not clear are left out.

    Args:
        sources: names of the event formats; none where sessions record.
        is_recorded: whether sessions record the values themselves.
    """
    metrics: list[Metric] = []
    taken: dict[str, str] = {}
    for name, entry in spot.items():
        job = _job_of(entry, _RECORDED if is_recorded else _EXTRAS, faults)
        if job is None:
            continue
        metric = _build_metric(name, job, entry, words, sources, faults)
        if is_recorded:
            _check_recorded(metric, entry, words, faults)
        metrics.append(metric)
        samples = [name.removesuffix("_total") + ending for ending in _SAMPLES[metric.type]]
        clash = next((sample for sample in samples if sample in taken), None)
        if clash is not None:
            faults.add(entry, f"its sample {quote(clash)} belongs to {taken[clash]} already; rename one of the two")
        taken |= dict.fromkeys(samples, name)
    return tuple(metrics)


def _job_of(spot: Spot, extras: Mapping[Job, frozenset[str]], faults: Faults) -> Job | None:
    kind = spot.text_of("type")
    given = [job for jobs in _JOBS.values() for job in jobs if spot.get(job) is not None]
    if len(given) != 1 or set(given).isdisjoint(_JOBS[kind]):
        got = " and ".join(given) or "none"
        faults.add(spot, f"got {got}, expected exactly one of {', '.join(_JOBS[kind])} for a {kind}")
        return None
    [job] = given
    if job not in extras:
        faults.add(spot.at(job), f"{job} needs events, but sessions record here; use {', '.join(extras)}")
        return None
    for key, value in spot.items():
        if key not in _COMMON | extras[job] | {job}:
            faults.add(value, f"{quote(key)} says nothing about a {kind} with {job}; delete it")
    return job


def _build_metric(
    name: str, job: Job, spot: Spot, words: Mapping[str, Word], sources: Sequence[str], faults: Faults
) -> Metric:
    labels = build_labels(job, spot.get("labels"), words, faults)
    value = spot.number_of("always", 1.0)
    metric = Metric(
        name=name,
        type=spot.text_of("type"),  # type: ignore[arg-type]  # narrowed by its shape
        job=job,
        help=spot.text_of("help"),
        labels=labels,
        budget=int(spot.at("budget").number),
        subject=spot.text_of(job) if job in _SUBJECT_KINDS else None,
        amount=spot.text_of("amount") or None,
        keeps=spot.text_of("keeps") or None,  # type: ignore[arg-type]  # narrowed by its shape
        ends=build_ends(spot.get("ends"), words, faults),
        ends_after=spot.number_of("ends_after", None),
        value=value,
        buckets=_build_buckets(spot, job, faults),
        when=build_when(spot.get("when"), words, faults),
        init=build_init(job, labels, spot, words, sources, faults),
        reasons={reason: value.text for reason, value in spot.entries("rejections")},
        line=spot.line,
    )
    _check_name(metric, spot, faults)
    _check_subject(metric, spot, words, faults)
    _check_rises(metric, spot, words, faults)
    return metric


def _check_recorded(metric: Metric, spot: Spot, words: Mapping[str, Word], faults: Faults) -> None:
    """A call names the labels of one series and, for a gauge, a number; there is nothing else to go by."""
    if SOURCE_WORD in metric.labels.values():
        faults.add(spot.at("labels"), "there are no sources where sessions record; delete the label source")
    name = str(metric.subject)
    subject = words.get(name)
    if metric.job == "counts" and name not in metric.labels.values() and (subject or name == "events"):
        faults.add(spot.at("counts"), f"where sessions record, counts names one of the labels; got {quote(name)}")
    elif metric.job == "sets" and subject is not None and subject.kind != "number":
        faults.add(spot.at("sets"), f"where sessions record, sets needs a number, but {quote(subject.name)} is none")


def _build_buckets(spot: Spot, job: Job, faults: Faults) -> tuple[float, ...]:
    given = spot.get("buckets")
    if given is None:
        if job == "observes":
            faults.add(spot, "buckets is missing; list the upper bounds, rising")
        return ()
    buckets = tuple(item.number for item in given.elements())
    if list(buckets) != sorted(set(buckets)):
        faults.add(given, "buckets do not rise; sort them and drop doubles")
    return buckets


def _check_name(metric: Metric, spot: Spot, faults: Faults) -> None:
    name = metric.name
    if name == LIVE_TRADING:
        faults.add(spot, f"{quote(name)} is a metric every exporter has about itself; rename it")
    if name.startswith((RESERVED_PREFIX, "process_")):
        faults.add(spot, f"the prefix of {quote(name)} is kept for metrics about the exporter itself; rename it")
    if (metric.type == "counter") != name.endswith("_total"):
        wants = "must end in _total" if metric.type == "counter" else "must not end in _total"
        faults.add(spot, f"{quote(name)} is a {metric.type} and {wants}; rename it")
    for suffix in ("_sum", "_count", "_bucket", "_created"):
        if name.endswith(suffix):
            faults.add(spot, f"the ending {suffix} of {quote(name)} is reserved by Prometheus; rename it")
    if name.endswith("_info") and (metric.job, metric.value) != ("always", 1.0):
        faults.add(spot, f"{quote(name)} ends in _info, so it has to be a gauge with always: 1; rename it")


def _check_subject(metric: Metric, spot: Spot, words: Mapping[str, Word], faults: Faults) -> None:
    subject, job = metric.subject, metric.job
    if subject is None or (job == "counts" and subject == "events"):
        return
    if subject not in words:
        faults.add(spot.at(job), unknown(subject))
        return
    kind, expected = words[subject].kind, " or ".join(_SUBJECT_KINDS[job])
    if kind not in _SUBJECT_KINDS[job]:
        faults.add(spot.at(job), f"{job} needs a word of kind {expected}, but {quote(subject)} is of kind {kind}")
    elif job == "states" and subject not in metric.labels.values():
        faults.add(spot.at(job), f"states needs {quote(subject)} among its labels; add it")


def _check_rises(metric: Metric, spot: Spot, words: Mapping[str, Word], faults: Faults) -> None:
    """What is added to a counter or a histogram must not be negative, or its sum would fall, which reads as a reset."""
    key, what = ("amount", "a counter") if metric.amount else ("observes", "the sum of a histogram")
    name = metric.amount or (metric.subject if metric.job == "observes" else None)
    if name is None:
        return
    word = words.get(name)
    if word is None or word.kind != "number":
        is_sound = metric.amount is None  # what is observed was looked at as the subject
    else:
        is_sound = word.minimum is not None and word.minimum >= 0
    if not is_sound:
        needed = "a word with type: number and a min of at least 0"
        faults.add(spot.at(key), f"{key} needs {needed}, as {what} only rises; got {quote(name)}")
