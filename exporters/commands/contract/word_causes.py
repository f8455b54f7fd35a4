"""Why events do not fill a word: what stands at its paths instead, or near them.

In: a contract, the lines one source took, one of its reads. Out: sentences. What a text comes to is asked of the
engine's pipeline, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches

import msgspec
from msgspec.structs import replace

from contracts.model import Contract, Read, Source, Word
from contracts.sources import Part
from exporters.commands.contract.fields import ELEMENT, Fields, Path
from exporters.commands.contract.inputs import event_of
from exporters.commands.contract.inside import elements_of
from exporters.commands.contract.probe import probe_of
from exporters.commands.contract.shown import shown, shown_name
from exporters.commands.contract.survey import Level, Line
from exporters.engine.pipeline import Pipeline
from exporters.engine.refusals.explain import value_at
from exporters.engine.values import Batch

__all__ = ["dotted", "word_remarks"]

Where = Callable[[Line], str]
"""A line -> how it is named."""

_MOST_NAMES, _MOST_TEXTS, _MOST_ASKED = 8, 5, 64


def word_remarks(
    contract: Contract,
    source: Source,
    around: Sequence[Part],
    read: Read,
    level: Level,
    where: Where,
    environment: Mapping[str, str],
) -> Iterator[str]:
    """Yield why a word was absent or refused in events of a source, or in parts of it.

    Args:
        around: the parts to go through to where the word is read, from the outside in; none for a line.
    """
    count, word = level.words[read.word], contract.words[read.word]
    paths = [candidate.path for candidate in read.candidates if candidate.path]
    if "absent" in count.first:
        begin = f"absent first in {where(count.first['absent'])}"
        causes = [cause for path in paths if (cause := _absence(path, level))]
        there = _found(paths, around, count.first["absent"]) if not around else []
        captures = {candidate.path: candidate.capture for candidate in read.candidates}
        for path, value in there:
            finds = ", in which capture finds nothing" if captures[path] else ""
            causes.append(f"{dotted(path)} is {shown(path, value)}{finds}")
        placeholders = [candidate.file for candidate in read.candidates if candidate.file]
        causes += [f"no path in files with {{{name}}} fits that of the file" for name in placeholders]
        yield f"{begin}: {'; '.join(causes)}" if causes else begin
    for reason in count.refused:
        if reason in count.first:
            line = count.first[reason]
            formats = ", ".join(f" like {candidate.format}" for candidate in read.candidates if candidate.format)
            yield f"{reason} first in {where(line)}: {_refusal(reason, word, _found(paths, around, line))}{formats}"
    if word.kind == "enum":
        yield from _texts(contract, source, read, level, environment)


def _absence(path: Path, level: Level) -> str:
    """Say why nothing stands at a path, in all or some of the lines."""
    fields, name = level.fields, dotted(path)
    found = fields.known.get(path)
    if found is None:
        return f'path "{name}" is in none{_instead(path, fields)}'
    lacking = fields.events - found.events
    parts = [f'path "{name}" is in {found.events} of {fields.events}'] if lacking else []
    nulls = found.kinds["null"]
    parts += [f"{'null' if parts else f'path {name!r} is null'} in {nulls}"] if nulls else []
    return ", ".join(parts)


def _instead(path: Path, fields: Fields) -> str:
    """Say what is there instead of a path that no event has."""
    for length in range(len(path) - 1, 0, -1):
        around = fields.known.get(path[:length])
        if around is not None and around.kinds["list"]:
            return f'; "{dotted(path[:length])}" is a list, whose elements are read as parts'
        if around is not None and not around.kinds["object"]:
            return f'; "{dotted(path[:length])}" is no object'
    leaves = [known for known, _ in fields.leaves() if ELEMENT not in known]
    near = _nearest(path, leaves)
    asked = f'; did you mean "{dotted(near)}"?' if near else ""
    names = [dotted(known) for known in leaves]
    more = f", {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{asked}{' ' if asked else '; '}the lines have {', '.join(names[:_MOST_NAMES])}{more}" if names else asked


def _nearest(path: Path, leaves: Sequence[Path]) -> Path | None:
    wanted = dotted(path)
    for like in (
        lambda known: dotted(known).lower() == wanted.lower(),
        lambda known: known[-1] == path[-1],
        lambda known: _letters(known[-1]) == _letters(path[-1]),
    ):
        found = next(filter(like, leaves), None)
        if found is not None:
            return found
    names = {dotted(known): known for known in leaves}
    close = get_close_matches(wanted, names, n=1, cutoff=0.6)
    return names[close[0]] if close else None


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _found(paths: Sequence[Path], around: Sequence[Part], line: Line) -> list[tuple[Path, object]]:
    """Return what stands at some paths of a line, or of the parts inside it."""
    events = [event for event in (event_of(line.data),) if event is not None]
    for part in around:
        events = [inner for event in events for inner in elements_of(part, event)]
    return [(path, value) for event in events for path in paths if (value := value_at(path, event)) is not None]


def _refusal(reason: str, word: Word, there: Sequence[tuple[Path, object]]) -> str:
    """Say which value was refused."""
    there = [one for one in there if _may_be(reason, word, one[1])] or there
    if not there:
        return "its value is made of others"
    path, value = there[-1]
    said = f"{dotted(path)} is {shown(path, value)}"
    if isinstance(value, list):
        return f"{said}; elements of lists are read as parts"
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if word.kind == "time" and number is not None and reason in ("future", "out_of_range"):
        return said + _magnitude(number)
    if reason == "out_of_range" and number is not None:
        limits = (("at least", word.minimum), ("at most", word.maximum))
        bounds = [f"{side} {limit:g}" for side, limit in limits if limit is not None]
        return f"{said}, wanted {' and '.join(bounds)}" if bounds else said
    wanted = {"number": "a number", "time": "a time"}.get(word.kind, "")
    return f"{said}, wanted {wanted}" if reason == "mistyped" and wanted else said


def _may_be(reason: str, word: Word, value: object) -> bool:
    """Whether a value is of the kind that is refused so, as of several parts in a line only some are."""
    if reason == "mistyped" and word.kind in ("number", "time"):
        return not isinstance(value, int | float) or isinstance(value, bool)
    return reason != "out_of_range" or isinstance(value, int | float | str)


def _magnitude(number: float) -> str:
    for scale, name in ((1e-3, "milliseconds"), (1e-6, "microseconds"), (1e-9, "nanoseconds")):
        if 1e8 < number * scale < 1e10:
            return f", which would be {name}: scale: {scale:.10f}".rstrip("0")
    return ""


def _texts(
    contract: Contract, source: Source, read: Read, level: Level, environment: Mapping[str, str]
) -> Iterator[str]:
    """Yield the texts no list of an enum knows: refused ones, and those that become `otherwise`."""
    word = contract.words[read.word]
    bare = replace(
        source, match=(), expect=(), reads=(replace(read, required=False),), require_any=(), by=(), rows=(), parts=()
    )
    pipeline = Pipeline(probe_of(replace(contract, sources=(bare,))), environment)
    unknown: list[str] = []
    others: dict[str, list[str]] = {}
    for candidate in read.candidates:
        found = level.fields.known.get(candidate.path) if candidate.path else None
        for value, number in found.values.most_common(_MOST_ASKED) if found else ():
            line = msgspec.json.encode(_nested(candidate.path, value)) + b"\n"
            done = pipeline.process(Batch("", 0, len(line), line), 0.0)
            said = f"{shown(candidate.path, value)} {number}"
            come_to = next((u.labels[1] for u in done.updates if len(u.labels) > 1), None)
            if any(reason == "unknown_value" for _, reason in done.effect.refused):
                unknown.append(said)
            elif come_to == (candidate.otherwise or word.otherwise) and come_to not in (None, value):
                others.setdefault(str(come_to), []).append(said)
    if unknown:
        yield f"no value for {_few(unknown)}: add aliases, or otherwise"
    for value, texts in others.items():
        yield f"{value} stands for {_few(texts)}"


def _few(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _MOST_TEXTS} more" if len(texts) > _MOST_TEXTS else ""
    return ", ".join(texts[:_MOST_TEXTS]) + more


def _nested(path: Path, value: object) -> dict[str, object]:
    found: object = value
    for part in reversed(path):
        found = {part: found}
    assert isinstance(found, dict)
    return found


def dotted(path: Sequence[str]) -> str:
    """Return how a path is written, its names cut if they seem to be ids."""
    keys = list(map(shown_name, path))
    if any(set(key) & {".", " "} for key in keys):
        return f"[{', '.join(keys)}]"
    return ".".join(keys).replace(f".{ELEMENT}", ELEMENT)
