"""Source entries of a checked document -> Sources.

In: the `sources` mapping, already of the right shape, and the words. Out: `Source`s in file order, and a fault for
every word that does not exist, every constant that is no value, every read that can never give one.
"""

from __future__ import annotations

from collections.abc import Mapping

from contracts.document import Faults, Spot, quote
from contracts.model import UNKNOWN_SOURCE, Candidate, Condition, Read, Row, Scalar, Source, Word
from contracts.vocabulary import fold, read_spellings

__all__ = ["build_conditions", "build_sources"]


def build_sources(spot: Spot, words: Mapping[str, Word], faults: Faults) -> tuple[Source, ...]:
    """Return the sources in the order in which they are tried."""
    sources = tuple(_build_source(name, entry, words, faults) for name, entry in spot.items())
    for source, (name, entry) in zip(sources, spot.items(), strict=True):
        if name == UNKNOWN_SOURCE:
            faults.add(entry, 'the name "unknown" stands for lines no source claims; choose another')
        if not source.match and source is not sources[-1]:
            faults.add(
                entry, "an empty match takes every event, so later sources see none; move it to the end"
            )
    return sources


def build_conditions(spot: Spot | None, faults: Faults) -> tuple[Condition, ...]:
    """Return the conditions of a `match`, `expect` or `when` mapping."""
    return tuple(_build_condition(name, entry, faults) for name, entry in (spot.items() if spot else ()))


def _build_condition(name: str, spot: Spot, faults: Faults) -> Condition:
    subject = tuple(name.split("."))
    if isinstance(spot.value, str):
        return Condition(subject, "equals", (_scalar(spot),))
    if isinstance(spot.value, list):
        return Condition(subject, "in", tuple(_scalar(item) for item in spot.elements()))
    tests = dict(spot.items())
    if len(tests) != 1:
        got = " and ".join(tests) or "an empty mapping"
        faults.add(spot, f"got {got}, expected exactly one of in, present")
    if "in" in tests:
        return Condition(subject, "in", tuple(_scalar(item) for item in tests["in"].elements()))
    return Condition(subject, "present" if spot.text_of("present") != "false" else "absent")


def _scalar(spot: Spot) -> Scalar:
    if spot.tag == "bool":
        return spot.is_true
    return int(spot.text.replace("_", "")) if spot.tag == "int" else spot.text


def _build_source(name: str, spot: Spot, words: Mapping[str, Word], faults: Faults) -> Source:
    reads = _build_reads(spot.get("read"), words, faults, bare_is_path=True)
    rows = tuple(
        Row(fold(value), _build_reads(cells, words, faults, bare_is_path=False))
        for value, cells in spot.entries("rows")
    )
    by = spot.text_of("by")
    if bool(by) != bool(rows):
        has, lacks = ("by", "rows") if by else ("rows", "by")
        faults.add(spot, f"{has} needs {lacks}; add it or delete {has}")
    values = [row.value for row in rows]
    for value in sorted({value for value in values if values.count(value) > 1}):
        faults.add(spot, f"two rows answer to {quote(value)} (case does not count); delete one")
    source = Source(
        name=name,
        match=build_conditions(spot.get("match"), faults),
        expect=build_conditions(spot.get("expect"), faults),
        reads=reads,
        require_any=spot.texts_of("require_any"),
        by=tuple(by.split(".")) if by else (),
        rows=rows,
        line=spot.line,
    )
    filled = {read.word for read in source.all_reads()}
    for read in source.all_reads():
        if read.required and not words[read.word].is_label:
            faults.add(
                spot, f"required needs a word with values or allow, but {quote(read.word)} has none; drop it"
            )
    for word in source.require_any:
        if word in words and not words[word].is_label:
            faults.add(
                spot, f"require_any needs words with values or allow, but {quote(word)} has none; drop it"
            )
        if word not in filled:
            faults.add(
                spot, f"require_any names {quote(word)}, which this source never reads; read it or delete it"
            )
    return source


def _build_reads(
    spot: Spot | None, words: Mapping[str, Word], faults: Faults, *, bare_is_path: bool
) -> tuple[Read, ...]:
    reads = []
    for name, entry in spot.items() if spot else ():
        word = words.get(name)
        if word is None:
            faults.add(
                entry, f"unknown word {quote(name)}; declare it under vocabulary or use {_some(words)}"
            )
        else:
            reads.append(_build_read(word, entry, faults, bare_is_path))
    return tuple(reads)


def _some(words: Mapping[str, Word]) -> str:
    return "one of " + ", ".join(sorted(words)[:12])


def _build_read(word: Word, spot: Spot, faults: Faults, bare_is_path: bool) -> Read:
    entries = list(spot.elements()) if isinstance(spot.value, list) else [spot]
    candidates = tuple(_build_candidate(word, entry, faults, bare_is_path) for entry in entries)
    return Read(word.name, candidates, any(entry.text_of("required") == "true" for entry in entries))


def _build_candidate(word: Word, spot: Spot, faults: Faults, bare_is_path: bool) -> Candidate:
    if isinstance(spot.value, str):
        if bare_is_path:
            return Candidate(path=tuple(spot.text.split(".")))
        return Candidate(constant=_constant(word, spot, faults))
    path, constant = spot.get("path"), spot.get("value")
    if (path is None) == (constant is None):
        faults.add(spot, "expected exactly one of path, value; keep the one that is meant")
    closed = word.kind == "enum"
    for key in ("aliases", "prefixes", "contains", "otherwise"):
        if spot.get(key) is not None and word.kind not in ("enum", "name"):
            faults.add(
                spot, f"{key} maps texts to values, but {quote(word.name)} is a {word.kind}; delete it"
            )
    if spot.get("scale") is not None and word.kind not in ("number", "time"):
        faults.add(
            spot, f"scale multiplies numbers, but {quote(word.name)} is of kind {word.kind}; delete it"
        )
    otherwise = spot.get("otherwise")
    return Candidate(
        path=tuple(path.text.split(".")) if path else (),
        constant=_constant(word, constant, faults) if constant else None,
        aliases=read_spellings(spot.get("aliases"), word.label_values, closed, faults),
        prefixes=_mapped(word, spot.get("prefixes"), faults),
        contains=_mapped(word, spot.get("contains"), faults),
        otherwise=str(_constant(word, otherwise, faults)) if otherwise else None,
        scale=spot.number_of("scale", 1.0),
    )


def _mapped(word: Word, spot: Spot | None, faults: Faults) -> tuple[tuple[str, str], ...]:
    entries = spot.items() if spot else ()
    return tuple((fold(text), str(_constant(word, value, faults))) for text, value in entries)


def _constant(word: Word, spot: Spot, faults: Faults) -> str | float:
    if word.kind == "enum" and spot.text not in word.label_values:
        expected = ", ".join(word.label_values)
        faults.add(spot, f"got {spot.describe()}, expected a value of {quote(word.name)}: {expected}")
    if word.kind == "number":
        if spot.tag not in ("int", "float"):
            faults.add(spot, f"got {spot.describe()}, expected a number, as {quote(word.name)} is one")
            return 0.0
        return spot.number
    if word.kind in ("id", "time"):
        faults.add(
            spot, f"a constant says nothing about an event's {word.kind}; give {quote(word.name)} a path"
        )
    return spot.text
