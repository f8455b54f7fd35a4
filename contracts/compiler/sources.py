"""Source entries of a checked document -> Sources.

In: the `sources` mapping, already of the right shape, and the words. Out: `Source`s in file order, and a fault for
every word that does not exist, every constant that is no value, every read that can never give one.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from contracts.compiler.capture import CaptureError, compile_capture
from contracts.compiler.conditions import build_conditions
from contracts.compiler.document import Faults, Spot, quote
from contracts.compiler.paths import build_path, build_steps
from contracts.compiler.vocabulary import check_number_spellings, number_problem, read_spellings, value_problem
from contracts.model import UNKNOWN_SOURCE, WHOLE, Candidate, Condition, Part, Read, Row, Source, Step, Word
from contracts.spelling import fold
from contracts.times import FormatError, pattern_of

__all__ = ["build_sources"]

_MOST_PARTS = 1000
"""Parts of one line if the contract does not say."""

_TEXTS = ("capture", "none", "format", "zone")
_SPELLINGS = ("aliases", "prefixes", "contains", "otherwise")


def build_sources(spot: Spot, words: Mapping[str, Word], faults: Faults) -> tuple[Source, ...]:
    """Return the sources in the order in which they are tried."""
    sources = tuple(_build_source(name, entry, words, faults) for name, entry in spot.items())
    for number, source in enumerate(sources):
        entry = spot.at(source.name)
        if source.name == UNKNOWN_SOURCE:
            faults.add(entry, 'the name "unknown" stands for lines no source claims; choose another')
        for earlier in sources[:number]:
            if set(map(repr, earlier.match)) <= set(map(repr, source.match)):  # as 1 equals True
                first = quote(earlier.name)
                faults.add(entry, f"never reached, as {first} takes all that this would match; put it before {first}")
    return _with_whole_objects(sources)


def _with_whole_objects(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """Let conditions that ask for the presence of an object, of which other fields are read, say so in their path."""
    paths = [c.path for source in sources for read in source.all_reads() for c in read.candidates]
    paths += [condition.subject for source in sources for condition in (*source.match, *source.expect)]
    objects = {path[:length] for path in (*paths, *(source.by for source in sources)) for length in range(1, len(path))}

    def whole(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        return tuple(
            Condition((*c.subject, WHOLE), c.test) if c.subject in objects and c.test in ("present", "absent") else c
            for c in conditions
        )

    return tuple(replace(source, match=whole(source.match), expect=whole(source.expect)) for source in sources)


def _build_source(name: str, spot: Spot, words: Mapping[str, Word], faults: Faults) -> Source:
    source = Source(
        name=name,
        match=build_conditions(spot.get("match"), faults),
        expect=build_conditions(spot.get("expect"), faults),
        reads=_build_reads(spot.get("read"), words, faults, bare_is_path=True),
        require_any=spot.texts_of("require_any"),
        by=build_path(spot.get("by")),
        rows=_build_rows(spot, words, faults),
        parts=_build_parts(spot, words, faults),
        max_parts=int(spot.number_of("max_parts", _MOST_PARTS)),
        line=spot.line,
    )
    _check_required(source, spot, words, faults)
    return source


def _build_parts(spot: Spot, words: Mapping[str, Word], faults: Faults) -> tuple[Part, ...]:
    if spot.get("max_parts") is not None and spot.get("parts") is None:
        faults.add(spot.at("max_parts"), "max_parts says nothing without parts; delete it")
    return tuple(_build_part(name, entry, words, faults) for name, entry in spot.entries("parts"))


def _build_part(name: str, spot: Spot, words: Mapping[str, Word], faults: Faults) -> Part:
    part = Part(
        name=name,
        of=build_steps(spot.at("of")) or (Step(("",), "[]"),),
        match=build_conditions(spot.get("match"), faults),
        reads=_build_reads(spot.get("read"), words, faults, bare_is_path=True),
        parts=_build_parts(spot, words, faults),
        line=spot.line,
    )
    if not build_steps(spot.at("of")):
        faults.add(
            spot.at("of"), "ends with a key; end it with [] for elements, {} for entries or <> for JSON in a text"
        )
    for read in part.reads:
        if read.required:
            faults.add(spot.at("read", read.word), "a part is never refused; match what it needs and drop required")
    if not part.reads and not part.parts:
        faults.add(spot, "reads nothing, and has no parts that do; let it read a word")
    return part


def _build_rows(spot: Spot, words: Mapping[str, Word], faults: Faults) -> tuple[Row, ...]:
    for has, lacks in (("by", "rows"), ("rows", "by")):
        if spot.get(has) is not None and spot.get(lacks) is None:
            faults.add(spot, f"{has} needs {lacks}; add it or delete {has}")
    rows: dict[str, Row] = {}
    for value, cells in spot.entries("rows"):
        if fold(value) in rows:
            faults.add(cells, f"two rows answer to {quote(fold(value))} (case does not count); delete one")
        rows[fold(value)] = Row(fold(value), _build_reads(cells, words, faults, bare_is_path=False))
    return tuple(rows.values())


def _check_required(source: Source, spot: Spot, words: Mapping[str, Word], faults: Faults) -> None:
    filled = {read.word for read in source.all_reads()}
    for item in spot.at("require_any").elements():
        if item.text not in filled:
            faults.add(item, f"this source never reads {quote(item.text)}; read it or delete it here")
        else:
            _check_refusable(words[item.text], "require_any", item, faults)


def _check_refusable(word: Word, key: str, spot: Spot, faults: Faults) -> None:
    """Only a word whose value can be missing can be asked for, and only a label word is looked at in time."""
    if not word.is_label:
        faults.add(spot, f"{key} needs a word with values or allow, but {quote(word.name)} has none; drop it")
    elif word.default is not None:
        faults.add(spot, f"{key} says nothing about {quote(word.name)}, which has a default; drop one of the two")


def _build_reads(
    spot: Spot | None, words: Mapping[str, Word], faults: Faults, *, bare_is_path: bool
) -> tuple[Read, ...]:
    reads = []
    for name, entry in spot.items() if spot else ():
        word = words.get(name)
        if word is None:
            known = ", ".join(sorted(words))
            faults.add(entry, f"unknown word {quote(name)}; declare it under vocabulary or use one of {known}")
        else:
            if word.made_of is not None:
                faults.add(entry, f"{quote(name)} is made of {' and '.join(word.made_of.words)}; read those instead")
            reads.append(_build_read(word, entry, faults, bare_is_path))
    return tuple(reads)


def _build_read(word: Word, spot: Spot, faults: Faults, bare_is_path: bool) -> Read:
    entries = list(spot.elements()) if isinstance(spot.value, list) else [spot]
    candidates = tuple(_build_candidate(word, entry, faults, bare_is_path) for entry in entries)
    for entry, before in zip(entries[1:], candidates, strict=False):
        if _always_gives(before):
            faults.add(entry, "never used, as the read before it always gives a value; put that one last")
    required = any(entry.text_of("required") == "true" for entry in entries)
    if required:
        _check_refusable(word, "required", spot, faults)
    if required and _always_gives(candidates[-1]):
        faults.add(spot, "required says nothing about a read that always gives a value; drop it")
    return Read(word.name, candidates, required)


def _always_gives(candidate: Candidate) -> bool:
    return candidate.constant is not None or candidate.otherwise is not None


def _build_candidate(word: Word, spot: Spot, faults: Faults, bare_is_path: bool) -> Candidate:
    if isinstance(spot.value, str):
        if bare_is_path:
            return Candidate(path=build_path(spot))
        return Candidate(constant=_constant(word, spot, faults))
    _check_keys(word, spot, faults)
    if word.kind == "number":
        check_number_spellings(word, spot.get("aliases"), faults)
    path, constant, otherwise = spot.get("path"), spot.get("value"), spot.get("otherwise")
    values = word.label_values
    return Candidate(
        path=build_path(path),
        file=spot.text_of("file"),
        constant=_constant(word, constant, faults) if constant else None,
        none=frozenset(fold(item.text) for item in spot.at("none").elements()),
        aliases=read_spellings(spot.get("aliases"), values, faults),
        prefixes=_mapped(word, spot.get("prefixes"), faults),
        contains=_mapped(word, spot.get("contains"), faults),
        otherwise=str(_constant(word, otherwise, faults)) if otherwise and word.is_label else None,
        scale=spot.number_of("scale", 1.0),
        capture=_capture(spot.get("capture"), faults),
        format=_format(spot.get("format"), faults),
        zone=_zone(spot.get("zone"), faults),
    )


def _capture(spot: Spot | None, faults: Faults) -> str:
    if spot is None or faults.touch(spot):
        return ""
    try:
        return compile_capture(spot.text)
    except CaptureError as error:
        faults.add(spot, f"cannot be captured: {error}")
    return ""


def _format(spot: Spot | None, faults: Faults) -> str | None:
    if spot is None or faults.touch(spot):
        return None
    try:
        pattern_of(spot.text)
    except FormatError as error:
        faults.add(spot, f"is no format of a time: {error}")
    return spot.text


def _zone(spot: Spot | None, faults: Faults) -> str | None:
    if spot is None or faults.touch(spot):
        return None
    from zoneinfo import ZoneInfo  # a start without zones need not pay for it

    try:
        ZoneInfo(spot.text)
    except (KeyError, OSError, ValueError):  # no such zone is a KeyError
        got = f"there is no time zone {quote(spot.text)} here"
        faults.add(spot, f"{got}; write one such as Europe/Berlin, or install the package tzdata")
    return spot.text


def _check_keys(word: Word, spot: Spot, faults: Faults) -> None:
    if sum(spot.get(key) is not None for key in ("path", "value", "file")) != 1:
        faults.add(spot, "expected exactly one of path, value, file; keep the one that is meant")
    if spot.get("file") is not None and not word.is_label:
        problem = f"a file's path gives texts, but {quote(word.name)} is of kind {word.kind}"
        faults.add(spot.at("file"), f"{problem}; use a word with values or allow")
    for key, value in spot.items():
        if spot.get("value") is not None and key in (*_SPELLINGS, *_TEXTS, "scale", "required"):
            faults.add(value, f"{key} says nothing about a constant; delete it")
        elif key in _SPELLINGS and not word.is_label and (key, word.kind) != ("aliases", "number"):
            faults.add(value, f"{key} maps texts to values, but {quote(word.name)} is of kind {word.kind}; delete it")
        elif key in ("format", "zone") and word.kind != "time":
            faults.add(
                value, f"{key} says how times are written, but {quote(word.name)} is of kind {word.kind}; delete it"
            )
        elif key == "scale" and word.kind not in ("number", "time"):
            faults.add(value, f"scale multiplies numbers, but {quote(word.name)} is of kind {word.kind}; delete it")


def _mapped(word: Word, spot: Spot | None, faults: Faults) -> tuple[tuple[str, str], ...]:
    if spot is None or not word.is_label:
        return ()
    return tuple((fold(text), str(_constant(word, value, faults))) for text, value in spot.items())


def _constant(word: Word, spot: Spot, faults: Faults) -> str | float:
    if word.kind == "number":
        return _number(word, spot, faults)
    if word.kind in ("id", "time"):
        faults.add(spot, f"a constant says nothing about an event's {word.kind}; give {quote(word.name)} a path")
    problem = value_problem(word, spot.text)
    if problem:
        faults.add(spot, problem)
    return spot.text


def _number(word: Word, spot: Spot, faults: Faults) -> str | float:
    if spot.tag not in ("int", "float"):
        faults.add(spot, f"got {spot.describe()}, expected a number, as {quote(word.name)} is one")
        return spot.text
    problem = number_problem(word, spot.text)
    if problem:
        faults.add(spot, problem)
    return spot.number
