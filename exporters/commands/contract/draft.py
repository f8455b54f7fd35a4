"""A first contract from what events hold: every guess a line, with its evidence as a comment.

In: guesses, and the names of exporter and file. Out: YAML. Every event counts once in `<name>_events_total`, under the
closed lists that together stay within a budget; each other list or name has a counter of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod

from contracts.compiler.labels import FORBIDDEN_LABELS
from exporters.commands.contract.guess import Guess, buckets_of, snake
from exporters.commands.contract.word_causes import dotted

__all__ = ["draft"]

_BUDGET = 200
"""Series of the one counter that has several labels."""

_RESERVED = {*FORBIDDEN_LABELS, "source", "events", "le", "quantile", "job", "instance"}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WORDS_OF_YAML = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "all"}
_ENDINGS = ("_total", "_count", "_sum", "_bucket", "_created", "_info")
"""How the name of no gauge and no histogram may end."""

_ABSENT, _REST = "none", "other"


def draft(name: str, file: str, guesses: Sequence[Guess], events: int, lines: int) -> str:
    """Return the text of a contract."""
    words = _named([guess for guess in guesses if guess.kind != "none"])
    words = words or {"kind": Guess((), "enum", "nothing else can be guessed", is_partial=True)}
    times = [word for word, guess in words.items() if guess.kind == "time"]
    beside = [(words.pop(word), "a time; only the first is shown") for word in times[1:]]
    beside += [(guess, guess.why) for guess in guesses if guess.kind == "none"]
    return "\n".join(
        [
            f"# A first contract, guessed from {events} events in {lines} lines. Read every guess, then try it:",
            f"#   peaktrade contract check {name}.yaml --on {file}",
            *_head(name, file),
            "",
            "vocabulary:",
            *(line for word, guess in words.items() for line in _word_lines(word, guess)),
            *(f"  # left out: {dotted(guess.path)}, {why}" for guess, why in beside),
            "",
            "sources:",
            f"  {name}:",
            "    match: {}  # every object; say what tells these events from others, e.g. {type: request}",
            *_read_lines(words),
            "",
            "metrics:",
            *_metric_lines(name, words),
            "",
        ]
    )


def _head(name: str, file: str) -> Iterator[str]:
    yield "exporter:"
    yield f"  name: {name}"
    yield f"  help: {_text(f'Events of {name}.')}"
    yield "  port: 9200  # any that is free"
    yield f"  job: {name}"
    yield f"files: {{default: {_text(file)}}}"


def _named(guesses: Sequence[Guess]) -> dict[str, Guess]:
    """Return the guesses by their words: the last names of the paths, with more of the path where they collide."""
    words: dict[str, Guess] = {}
    for guess in guesses:
        for length in range(1, len(guess.path) + 1):
            word = "_".join(snake(part) for part in guess.path[-length:])
            if word not in words and word not in _RESERVED and word not in _WORDS_OF_YAML:
                break
        if word in _RESERVED or word in _WORDS_OF_YAML:
            word = f"{word}_value"
        while word in words:
            word += "_"
        words[word] = guess
    return words


def _word_lines(word: str, guess: Guess) -> Iterator[str]:
    yield f"  # {dotted(guess.path) or word}: {guess.why}"
    yield f"  {word}: {_word(guess)}"


def _word(guess: Guess) -> str:
    if guess.kind == "enum":
        values = [value for value in guess.values if value.lower() not in (_ABSENT, _REST)]
        shown = [
            *(value if value in ("true", "false") else _text(value) for value in values),
            *([_ABSENT] if guess.is_partial or len(values) < len(guess.values) else []),
        ]
        listed = f"values: [{', '.join(shown) or _ABSENT}], otherwise: {_REST}"
        return f"{{{listed}, default: {_ABSENT}}}" if guess.is_partial or not shown else f"{{{listed}}}"
    if guess.kind == "name":
        caps = f"max_length: {guess.longest}, max_values: {guess.most}"
        default = f", default: {_ABSENT}" if guess.is_partial else ""
        return f'{{allow: "A-Za-z0-9._/-", {caps}{default}}}'
    if guess.kind == "time":
        return "{type: time}"
    unit = f", unit: {guess.unit}" if guess.unit else ""
    return f"{{type: number{unit}{', min: 0' if guess.kind == 'histogram' else ''}}}"


def _read_lines(words: Mapping[str, Guess]) -> Iterator[str]:
    reads = [f"      {word}: {_read(guess)}" for word, guess in words.items() if guess.path]
    yield from ["    read:", *reads] if reads else ()


def _read(guess: Guess) -> str:
    more = []
    if guess.scale != 1.0:
        more.append(f"scale: {guess.scale:.12f}".rstrip("0").rstrip("."))
    if guess.format:
        more.append(f"format: {_text(guess.format)}")
    if guess.nothing:
        more.append(f"none: [{', '.join(map(_text, guess.nothing))}]")
    path = _path(guess)
    if more:
        return f"{{path: {path.removeprefix('{path: ').removesuffix('}')}, {', '.join(more)}}}"
    return path


def _path(guess: Guess) -> str:
    plain = all(re.fullmatch(r"[A-Za-z_@][A-Za-z0-9_@-]*", part) for part in guess.path)
    if plain:
        return _text(".".join(guess.path))
    return f"{{path: [{', '.join(json.dumps(part, ensure_ascii=False) for part in guess.path)}]}}"


def _metric_lines(name: str, words: dict[str, Guess]) -> Iterator[str]:
    closed = {word: len({*guess.values, _ABSENT, _REST}) for word, guess in words.items() if guess.kind == "enum"}
    together: list[str] = []
    for word in sorted(closed, key=closed.__getitem__):
        if prod(closed[label] for label in (*together, word)) <= _BUDGET:
            together.append(word)
    labels = [word for word in words if word in together]
    yield from _counter(f"{name}_events_total", "Events, each once.", "events", labels, prod(map(closed.get, labels)))  # type: ignore[arg-type]
    for word, guess in words.items():
        what = dotted(guess.path)
        if guess.kind == "enum" and word not in together:
            yield from _counter(f"{name}_{word}_total", f"Events by {what}.", word, [word], closed[word])
        elif guess.kind == "name":
            yield from _counter(f"{name}_{word}_total", f"Events by {what}.", word, [word], guess.most + 1)
        elif guess.kind == "histogram":
            yield f"  {_number_name(name, word, guess)}:"
            buckets = ", ".join(f"{bound:.12f}".rstrip("0").rstrip(".") for bound in buckets_of(guess.numbers))
            yield f"    {{type: histogram, observes: {word}, help: {_text(f'Values of {what}.')}, budget: 1,"
            yield f"     buckets: [{buckets}]}}  # around 98 percent of the values"
        elif guess.kind == "gauge":
            yield f"  {_number_name(name, word, guess)}:"
            yield f"    {{type: gauge, sets: {word}, help: {_text(f'Newest value of {what}.')}, budget: 1}}"
        elif guess.kind == "time":
            yield f"  {name}_last_event_timestamp_seconds:"
            text = _text(f"Time of the newest event, by {what}.")
            yield f"    {{type: gauge, sets: {word}, help: {text}, budget: 1}}"
    yield f"  {name}_refused_lines_total:"
    yield "    {type: counter, help: Lines that could not be used., labels: [reason], budget: 3,"
    yield "     rejections: {bad_json: bad_json, invalid_utf8: bad_json, not_object: not_object, too_long: too_long}}"


def _counter(metric: str, text: str, counts: str, labels: Sequence[str], budget: int) -> Iterator[str]:
    shown = f", labels: [{', '.join(labels)}]" if labels else ""
    yield f"  {metric}:"
    yield f"    {{type: counter, counts: {counts}{shown}, help: {_text(text)}, budget: {budget}}}"


def _number_name(name: str, word: str, guess: Guess) -> str:
    """Return the name of a number's metric: it ends in the base unit, if there is one."""
    parts = word.split("_")
    if guess.unit and len(parts) > 1 and guess.scale != 1.0:
        parts.pop()
    if guess.unit and parts[-1] != guess.unit:
        parts.append(guess.unit)
    shown = f"{name}_{'_'.join(parts)}"
    return f"{shown}_value" if shown.endswith(_ENDINGS) else shown


def _text(text: str) -> str:
    """Return a text as YAML reads it as one."""
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML
    return text if is_plain else json.dumps(text, ensure_ascii=False)
