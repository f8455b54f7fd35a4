"""Metric and pair entries of a checked document -> Metrics and Pairs.

In: the `metrics` and `pairs` mappings, already of the right shape, the words and the sources. Out: frozen values, and
a fault for every name that does not resolve, every forbidden label, every budget the contract itself can exceed.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from contracts.document import Faults, Spot, quote
from contracts.model import SOURCE_WORD, Condition, Job, Metric, Pair, Word
from contracts.sources import build_conditions

__all__ = ["FORBIDDEN_LABELS", "RESERVED_PREFIX", "build_metrics", "build_pairs"]

FORBIDDEN_LABELS = frozenset(
    "intent_id order_id client_order_id broker_order_id exchange_order_id venue_order_id correlation_id event_id"
    " request_id session_id idempotency_key account_id fill_id trace_id span_id token secret password api_key".split()
)
"""Names that may never be labels: one value per order, or a secret. Source: seed 000 2.2, seed 004."""

RESERVED_PREFIX = "peak_trade_exporter_"
"""Prefix of the metrics every exporter has about itself."""

_RESERVED_LABELS = frozenset({"le", "quantile", "job", "instance"})
_JOBS: Mapping[str, tuple[Job, ...]] = {
    "counter": ("counts", "rejections"),
    "histogram": ("observes",),
    "gauge": ("sets", "states", "always"),
}
_EXTRAS: Mapping[Job, frozenset[str]] = {
    "counts": frozenset({"amount", "when", "init"}),
    "rejections": frozenset({"init"}),
    "observes": frozenset({"buckets", "when", "init"}),
    "sets": frozenset({"when"}),
    "states": frozenset({"when", "init"}),
    "always": frozenset({"init"}),
}
_COMMON = frozenset({"type", "help", "labels", "budget"})
_SUBJECT_KINDS: Mapping[Job, tuple[str, ...]] = {
    "counts": ("enum", "name"),
    "observes": ("number",),
    "sets": ("number", "time"),
    "states": ("enum",),
}


def build_metrics(spot: Spot, words: Mapping[str, Word], faults: Faults) -> tuple[Metric, ...]:
    """Return the metrics in file order; those with faults may be left out."""
    metrics: list[Metric] = []
    for name, entry in spot.items():
        job = _job_of(entry, faults)
        if job is not None:
            metrics.append(_build_metric(name, job, entry, words, faults))
    taken: dict[str, str] = {}
    for metric, (_, entry) in zip(metrics, spot.items(), strict=False):
        for sample in _sample_names(metric):
            if taken.setdefault(sample, metric.name) != metric.name:
                faults.add(
                    entry, f"its sample {quote(sample)} belongs to {taken[sample]}; rename one of the two"
                )
    return tuple(metrics)


def _job_of(spot: Spot, faults: Faults) -> Job | None:
    kind = spot.text_of("type")
    given = [job for jobs in _JOBS.values() for job in jobs if spot.get(job) is not None]
    if len(given) != 1 or given[0] not in _JOBS[kind]:
        got = " and ".join(given) or "none"
        faults.add(spot, f"got {got}, expected exactly one of {', '.join(_JOBS[kind])} for a {kind}")
        return None
    for key, value in spot.items():
        if key not in _COMMON | _EXTRAS[given[0]] | {given[0]}:
            faults.add(value, f"{quote(key)} says nothing about a {kind} that {given[0]}; delete it")
    return given[0]


def _build_metric(name: str, job: Job, spot: Spot, words: Mapping[str, Word], faults: Faults) -> Metric:
    labels = _build_labels(job, spot.get("labels"), words, faults)
    metric = Metric(
        name=name,
        type=spot.text_of("type"),  # type: ignore[arg-type]  # narrowed by its shape
        job=job,
        help=spot.text_of("help"),
        labels=labels,
        budget=int(spot.number_of("budget", 1)),
        subject=spot.text_of(job) if job in ("counts", "observes", "sets", "states") else None,
        amount=spot.text_of("amount") or None,
        value=spot.number_of("always", 1.0),
        buckets=_build_buckets(spot, job, faults),
        when=_build_when(spot.get("when"), words, faults),
        init=_build_init(job, labels, spot, words, faults),
        reasons={reason: value.text for reason, value in spot.entries("rejections")},
        line=spot.line,
    )
    _check_name(metric, spot, faults)
    _check_subject(metric, spot, words, faults)
    return metric


def _build_labels(job: Job, spot: Spot | None, words: Mapping[str, Word], faults: Faults) -> dict[str, str]:
    labels: dict[str, str] = {}
    for entry in spot.elements() if spot else ():
        pairs = [(entry.text, entry.text)] if isinstance(entry.value, str) else []
        pairs += [(label, word.text) for label, word in entry.items()]
        for label, word in pairs:
            problem = _label_problem(job, label, word, words)
            if label in labels:
                problem = f"the label {quote(label)} stands here twice; delete one"
            if problem:
                faults.add(entry, problem)
            labels[label] = word
    return labels


def _label_problem(job: Job, label: str, word: str, words: Mapping[str, Word]) -> str:
    for name in (label, word):
        if name in FORBIDDEN_LABELS:
            return f"{quote(name)} can never be a label: it has one value per order, or is secret; delete it"
    if label in _RESERVED_LABELS or label.startswith("__"):
        return f"the label {quote(label)} is reserved by Prometheus; rename it: {{other_name: {word}}}"
    if job == "rejections":
        allowed = (SOURCE_WORD, "reason")
        known = word == label and label in allowed
        return (
            "" if known else f"got the label {quote(label)}, expected source or reason, as lines are refused"
        )
    if word == SOURCE_WORD:
        return ""
    if word not in words:
        return f"unknown word {quote(word)}; declare it under vocabulary or use one of {', '.join(sorted(words))}"
    if not words[word].is_label:
        return f"{quote(word)} is of kind {words[word].kind} and cannot be a label; use a word with values or allow"
    return ""


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


def _build_when(spot: Spot | None, words: Mapping[str, Word], faults: Faults) -> tuple[Condition, ...]:
    conditions = build_conditions(spot, faults)
    for condition, (name, entry) in zip(conditions, spot.items() if spot else (), strict=True):
        word = words.get(name)
        if word is None:
            faults.add(entry, f"unknown word {quote(name)}; declare it under vocabulary")
        elif not word.is_label:
            faults.add(
                entry, f"{quote(name)} is of kind {word.kind}: only words with values or allow can be tested"
            )
        elif word.kind == "enum":
            for value in condition.values:
                if str(value) not in word.label_values:
                    expected = ", ".join(word.label_values)
                    faults.add(
                        entry, f"got {quote(str(value))}, expected a value of {quote(name)}: {expected}"
                    )
    return conditions


def _build_init(
    job: Job, labels: Mapping[str, str], spot: Spot, words: Mapping[str, Word], faults: Faults
) -> tuple[tuple[str | None, ...], ...]:
    given = spot.get("init")
    if given is None:
        if job == "always":
            faults.add(
                spot, "init is missing; a constant gauge needs the series it stands for, e.g. init: [{}]"
            )
        return ()
    sets: list[tuple[str | None, ...]] = []
    for entry in given.elements():
        for label, value in entry.items():
            if label not in labels:
                faults.add(value, f"{quote(label)} is no label of this metric; labels: {', '.join(labels)}")
        optional = spot.text_of("states") if job == "states" else ""
        columns = [
            _init_values(entry, label, words.get(word), optional, faults) for label, word in labels.items()
        ]
        sets += product(*columns)
    return tuple(dict.fromkeys(sets))


def _init_values(
    entry: Spot, label: str, word: Word | None, optional: str, faults: Faults
) -> tuple[str | None, ...]:
    given = entry.texts_of(label)
    if word is None:
        return given or (None,)
    if given == ("all",) and "all" not in word.values:
        if word.kind != "enum":
            faults.add(entry, f"all needs a closed list, but {quote(label)} is a name; list its values")
        return word.label_values
    if not given and word.default is None and word.name != optional:
        faults.add(entry, f"the label {quote(label)} is missing and has no default; give its value or all")
    for value in given:
        if word.kind == "enum" and value not in word.label_values:
            expected = ", ".join(word.label_values)
            faults.add(entry, f"got {quote(value)}, expected a value of {quote(word.name)}: {expected}")
    return given or (None,)


def _check_name(metric: Metric, spot: Spot, faults: Faults) -> None:
    name = metric.name
    if name.startswith(RESERVED_PREFIX) or name.startswith("process_"):
        faults.add(
            spot, f"the prefix of {quote(name)} is kept for metrics about the exporter itself; rename it"
        )
    if (metric.type == "counter") != name.endswith("_total"):
        wants = "must end in _total" if metric.type == "counter" else "must not end in _total"
        faults.add(spot, f"{quote(name)} is a {metric.type} and {wants}; rename it")
    for suffix in ("_sum", "_count", "_bucket", "_created", "_info"):
        if name.endswith(suffix):
            faults.add(spot, f"the ending {suffix} of {quote(name)} is reserved by Prometheus; rename it")


def _check_subject(metric: Metric, spot: Spot, words: Mapping[str, Word], faults: Faults) -> None:
    subject = metric.subject
    if metric.job == "states" and subject not in metric.labels.values():
        faults.add(spot, f"states needs {quote(str(subject))} among its labels; add it")
    if metric.amount is not None:
        amount = words.get(metric.amount)
        if amount is None or amount.kind != "number" or (amount.minimum or -1.0) < 0 != amount.minimum:
            faults.add(spot, f"amount needs a number word with min of at least 0, got {quote(metric.amount)}")
    if subject is None or (metric.job == "counts" and subject == "events"):
        return
    if subject not in words:
        faults.add(spot, f"unknown word {quote(subject)} in {metric.job}; declare it under vocabulary")
    elif metric.job in _SUBJECT_KINDS and words[subject].kind not in _SUBJECT_KINDS[metric.job]:
        expected = " or ".join(_SUBJECT_KINDS[metric.job])
        faults.add(
            spot,
            f"{metric.job} needs a word of kind {expected}, but {quote(subject)} is {words[subject].kind}",
        )


def _sample_names(metric: Metric) -> tuple[str, ...]:
    endings = ("", "_bucket", "_sum", "_count") if metric.type == "histogram" else ("",)
    return tuple(metric.name + ending for ending in endings)


def build_pairs(spot: Spot | None, words: Mapping[str, Word], faults: Faults) -> tuple[Pair, ...]:
    """Return the pairs in file order."""
    return tuple(_build_pair(name, entry, words, faults) for name, entry in (spot.items() if spot else ()))


def _build_pair(name: str, spot: Spot, words: Mapping[str, Word], faults: Faults) -> Pair:
    kinds = {"id": "id", "stage": "enum", "at": "time", "edge": "enum", "latency": "number"}
    for key, kind in kinds.items():
        word = words.get(spot.text_of(key))
        if word is None or word.kind != kind:
            got = f"{quote(word.name)}, a {word.kind}" if word else f"unknown word {quote(spot.text_of(key))}"
            faults.add(spot, f"{key} needs a word of kind {kind} (got {got}); declare it under vocabulary")
    stages = words[spot.text_of("stage")].values if spot.text_of("stage") in words else ()
    names = words[spot.text_of("edge")].values if spot.text_of("edge") in words else ()
    edges: dict[str, tuple[str, str]] = {}
    for edge, ends in spot.entries("edges"):
        texts = tuple(item.text for item in ends.elements())
        if edge not in names:
            faults.add(ends, f"got the edge {quote(edge)}, expected one of {', '.join(names)}")
        if len(texts) != 2 or texts[0] == texts[1] or not set(texts) <= set(stages):
            faults.add(
                ends, f"expected [opening stage, closing stage], two different ones of {', '.join(stages)}"
            )
        else:
            edges[edge] = (texts[0], texts[1])
    return Pair(
        name=name,
        id=spot.text_of("id"),
        stage=spot.text_of("stage"),
        at=spot.text_of("at"),
        edge=spot.text_of("edge"),
        latency=spot.text_of("latency"),
        edges=edges,
        timeout_s=spot.number_of("timeout", 300.0),
        max_open=int(spot.number_of("max_open", 20000)),
        line=spot.line,
    )
