"""Labels and first series of a checked metric entry.

In: a metric's `labels` and `init`, already of the right shape, the words and the names of the sources. Out: label ->
word, and label sets, with a fault for every label that must not be one and every value it can never have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from contracts.compiler.document import Faults, Spot, quote
from contracts.compiler.vocabulary import value_problem
from contracts.model import SOURCE_WORD, UNKNOWN_SOURCE, Job, Word

__all__ = ["FORBIDDEN_LABELS", "build_init", "build_labels"]

FORBIDDEN_LABELS = frozenset(
    {
        *("intent_id", "order_id", "client_order_id", "broker_order_id", "exchange_order_id", "venue_order_id"),
        *("correlation_id", "event_id", "request_id", "session_id", "idempotency_key", "account_id", "fill_id"),
        *("trace_id", "span_id", "token", "secret", "password", "api_key"),
    }
)
"""Names that may never be labels: one value per order, or a secret. Source: seed 000 2.2, seed 004."""

_RESERVED_LABELS = frozenset({"le", "quantile", "job", "instance"})
_ALL = "all"

Labels = Mapping[str, str]
Column = tuple[str | None, ...]


def build_labels(job: Job, spot: Spot | None, words: Mapping[str, Word], faults: Faults) -> dict[str, str]:
    """Return label -> word in file order."""
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
        return f"the label {quote(label)} is reserved; rename it: {{other_name: {word}}}"
    if job == "rejections":
        is_known = word == label and label in (SOURCE_WORD, "reason")
        problem = f"got the label {quote(label)}, expected source or reason, as lines are refused before words are read"
        return "" if is_known else problem
    if word == SOURCE_WORD:
        return ""
    if word not in words:
        return f"unknown word {quote(word)}; declare it under vocabulary or use one of {', '.join(sorted(words))}"
    if not words[word].is_label:
        return f"{quote(word)} is of kind {words[word].kind} and cannot be a label; use a word with values or allow"
    return ""


def build_init(
    job: Job, labels: Labels, spot: Spot, words: Mapping[str, Word], sources: Sequence[str], faults: Faults
) -> tuple[Column, ...]:
    """Return the label sets of `init`, None standing for a word's default."""
    given = spot.get("init")
    if given is None:
        if job == "always":
            faults.add(spot, "init is missing; a constant gauge needs the series it stands for, e.g. init: [{}]")
        return ()
    places = {label: _place(job, label, word, spot, words, sources) for label, word in labels.items()}
    sets: list[Column] = []
    for entry in given.elements():
        for label, value in entry.items():
            if label not in labels:
                known = ", ".join(labels) or "none"
                faults.add(value, f"{quote(label)} is no label of this metric; its labels: {known}")
        columns = [_column(entry, label, place, faults) for label, place in places.items()]
        sets += product(*columns)
    return tuple(dict.fromkeys(sets))


def _place(
    job: Job, label: str, word: str, spot: Spot, words: Mapping[str, Word], sources: Sequence[str]
) -> tuple[Word | None, bool]:
    """Return what a label may hold (None if it is unknown), and whether `init` may leave it out."""
    if job == "rejections":
        reasons = dict.fromkeys(value.text for _, value in spot.entries("rejections"))
        values = (*sources, UNKNOWN_SOURCE) if label == SOURCE_WORD else tuple(reasons)
        return Word(label, "enum", values), False
    if word == SOURCE_WORD:
        return Word(word, "enum", tuple(sources)), False
    found = words.get(word)
    return found, found is None or found.default is not None or word == spot.text_of("states")


def _column(entry: Spot, label: str, place: tuple[Word | None, bool], faults: Faults) -> Column:
    word, is_optional = place
    given = entry.texts_of(label)
    if word is None:
        return (None,)
    if given == (_ALL,) and _ALL not in word.values:
        if word.kind == "name":
            faults.add(entry.at(label), f"all needs a closed list, but {quote(word.name)} is a name; list its values")
        return word.label_values
    if not given and not is_optional:
        faults.add(entry, f"the label {quote(label)} is missing and has no default; give its value or all")
    for value in given:
        problem = value_problem(word, value)
        if problem:
            faults.add(entry.at(label), problem)
    return given or (None,)
