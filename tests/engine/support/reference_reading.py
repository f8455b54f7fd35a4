"""A second reading of the contracts: the words of one event, straight from the YAML, as plainly as can be.

In: a contract's document and one decoded event. Out: source, words and refused values, or RefusedError. It shares no
code with `contracts` and `exporters`, so that agreement with them means something.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from typing import Any

Json = Any
Refusals = Counter[tuple[str, str]]


class RefusedError(Exception):
    """The line is refused, for a reason, in the name of a source."""


def dig(event: Json, path: Json) -> Json:
    """Return what is at a dotted path, or at a list of keys; None if nothing is."""
    for part in path.split(".") if isinstance(path, str) else path:
        event = event.get(part) if isinstance(event, dict) else None
    return event


def tested(conditions: Json, event: Json) -> list[tuple[Json, Json]]:
    """Return tests, and what they test."""
    if isinstance(conditions, dict):
        return [(wanted, dig(event, path)) for path, wanted in conditions.items()]
    return [(one, dig(event, one["path"])) for one in conditions]


def spell(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def text_at(event: Json, path: str) -> str | None:
    """Return the trimmed text at a path: "" if there is none, None if there is something else."""
    raw = dig(event, path)
    if raw is None:
        return ""
    if isinstance(raw, float) and raw == raw // 1:
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        return None
    return str(raw).strip()


def in_quotes(raw: Json) -> Json:
    """Return the number a text is, or else what it is itself."""
    return float(raw) if isinstance(raw, str) and re.fullmatch(r"[-+0-9.eE]+", raw) and is_float(raw) else raw


def is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def number_of(raw: Json, scale: float) -> float | None:
    raw = in_quotes(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float) or math.isnan(raw):
        return None
    return float(raw) * scale


def time_of(raw: Json, scale: float) -> Fraction | float | None:
    """Return epoch seconds, exactly; of a number with a fraction the microseconds."""
    if isinstance(raw, str):
        found = re.fullmatch(r"([0-9-]{10}[Tt ][0-9:]{8})(?:\.([0-9]+))?([Zz]|[+-][0-9:]{4,5})?", raw)
        if is_float(raw) and re.fullmatch(r"[-+0-9.eE]+", raw):
            return Fraction(raw) * Fraction(repr(scale)) if abs(float(raw)) < 1e20 else float("inf")
        try:
            stamp = datetime.fromisoformat(found[1] + (found[3] or "Z")) if found else None
        except ValueError:
            return None
        return (
            None if stamp is None else Fraction(round(stamp.timestamp())) + Fraction(f"0.{(found and found[2]) or 0}")
        )
    number = number_of(raw, 1.0)
    if number is None or not math.isfinite(number):
        return number
    exact = Fraction(raw) * Fraction(repr(scale))
    return exact if isinstance(raw, int) else Fraction(round(exact * 10**6), 10**6)


def is_none(candidate: Json, raw: Json) -> bool:
    """Whether a text is one of those that mean that there is no value."""
    return isinstance(raw, str) and raw.strip().lower() in [spell(one).lower() for one in candidate.get("none", [])]


def captured(candidate: Json, raw: Json) -> Json:
    """Return the part of a text that a read captures, None if it finds none."""
    if "capture" not in candidate or not isinstance(raw, str):
        return raw
    found = re.search(candidate["capture"], raw)
    return found[1] if found else None


def stamped(candidate: Json, raw: Json) -> Json:
    """Return a time in a format of its own as others are written."""
    if "format" not in candidate or not isinstance(raw, str):
        return raw
    try:
        return datetime.strptime(raw, candidate["format"]).isoformat()
    except ValueError:
        return "no time"


def opened(event: Json, of: str) -> list[Json]:
    """Return the elements and entries at a place such as a.b[].c{}."""
    found = [event]
    for path, opens in re.findall(r"([^\[\]{}<>]*)(\[\]|{}|<>)", of):
        inner = [dig(one, path.strip(".")) if path.strip(".") else one for one in found]
        if opens == "[]":
            found = [part for one in inner if isinstance(one, list) for part in one]
        elif opens == "{}":
            found = [{"key": k, "value": v} for one in inner if isinstance(one, dict) for k, v in one.items()]
        else:
            found = [json.loads(one) for one in inner if isinstance(one, str)]
    return [one if isinstance(one, dict) else {"value": one} for one in found]


class Reader:
    """Reads events as one contract says, at one wall time."""

    def __init__(self, document: Json, now: float) -> None:
        self.document = document
        self.now = now
        self.words = document["vocabulary"]

    def read(self, event: Json) -> tuple[str, dict[str, Any], Refusals]:
        """Return the source, the value of every word (and whether it is read at all), and the values refused."""
        name = next((name for name, source in self.document["sources"].items() if self._matches(source, event)), None)
        if name is None:
            raise RefusedError("unknown", "unknown_schema")
        source = self.document["sources"][name]
        if not all(self._holds(wanted, raw) for wanted, raw in tested(source.get("expect", {}), event)):
            raise RefusedError(name, "unknown_schema")
        reads: Json = {
            word: [{"path": read}] if isinstance(read, str) else read for word, read in source.get("read", {}).items()
        }
        reads |= self._row(name, source, event)
        refused: Refusals = Counter()
        words: dict[str, Any] = {}
        for word in self.words:
            candidates: Json = reads.get(word, [])
            words[word] = self._fill(word, candidates if isinstance(candidates, list) else [candidates], event, refused)
            if word in reads and isinstance(reads[word], dict) and reads[word].get("required") and words[word] is None:
                raise RefusedError(name, "missing_fields")
        if source.get("require_any") and all(words[word] is None for word in source["require_any"]):
            raise RefusedError(name, "missing_fields")
        words |= {f"{word} is read": word in reads for word in self.words}
        for made, word in self.words.items():
            if "is" in word:
                left, operation, right = word["is"].split()
                words[f"{made} is read"] = left in reads and right in reads
                words[made] = self._make(made, words[left], operation, words[right], refused)
        return name, words, refused

    def _make(self, name: str, left: Json, operation: str, right: Json, refused: Refusals) -> Any:
        if left is None or right is None:
            return None
        made = float(left - right if operation == "-" else left * right)
        if abs(made) == math.inf or not self.words[name].get("min", made) <= made <= self.words[name].get("max", made):
            refused[name, "out_of_range"] += 1
            return None
        return made

    def parts_of(self, parts: Json, event: Json, words: dict[str, Any]) -> Iterator[tuple[set[str], dict[str, Any]]]:
        """Yield for each part of an event the words it reads itself, and all it has."""
        for part in parts.values():
            for inner in opened(event, part["of"]):
                if not all(self._holds(wanted, raw) for wanted, raw in tested(part.get("match", {}), inner)):
                    continue
                reads = {w: [{"path": r}] if isinstance(r, str) else r for w, r in part.get("read", {}).items()}
                own: dict[str, Any] = {}
                for word, read in reads.items():
                    own[word] = self._fill(word, read if isinstance(read, list) else [read], inner, Counter())
                    own[f"{word} is read"] = True
                yield {*reads}, words | own
                yield from self.parts_of(part.get("parts", {}), inner, words | own)

    def words_of(self, source: Json) -> set[str]:
        """Return every word a source can fill."""
        return {*source.get("read", {}), *(word for row in source.get("rows", {}).values() for word in row)}

    def _row(self, name: str, source: Json, event: Json) -> dict[str, Json]:
        if "by" not in source:
            return {}
        chosen = (text_at(event, source["by"]) or "").lower()
        if not chosen:
            raise RefusedError(name, "missing_fields")
        rows = {key.lower(): row for key, row in source["rows"].items()}
        if chosen not in rows:
            raise RefusedError(name, "unknown_schema")
        return {k: v if isinstance(v, dict | list) else {"value": v} for k, v in rows[chosen].items()}

    def _matches(self, source: Json, event: Json) -> bool:
        return all(self._holds(wanted, raw) for wanted, raw in tested(source["match"], event))

    @staticmethod
    def _holds(wanted: Json, raw: Json) -> bool:
        if isinstance(wanted, dict):
            return all(Reader._passes(test, limit, raw) for test, limit in wanted.items() if test != "path")
        if isinstance(wanted, list):
            return any(Reader._holds(one, raw) for one in wanted)
        if isinstance(raw, float) and raw == raw // 1:
            raw = int(raw)
        return type(raw) is type(wanted) and bool(raw == wanted)

    @staticmethod
    def _passes(test: str, limit: Json, raw: Json) -> bool:
        if test == "present":
            return bool(limit) == (raw is not None)
        if test in ("min", "max"):
            number = number_of(raw, 1.0)
            return number is not None and (number >= limit if test == "min" else number <= limit)
        return Reader._holds(limit, raw) == (test == "in")

    def _fill(self, name: str, candidates: list[Json], event: Json, refused: Refusals) -> Any:
        word = self.words[name]
        kind = word.get("type")
        if kind == "id":
            texts = [text_at(event, c["path"]) for c in candidates if not is_none(c, dig(event, c["path"]))]
            found = next((text for text in texts if text), None)
            if found is None and None in texts:
                refused[name, "mistyped"] += 1
            return found
        if kind:
            return self._measure(name, candidates, event, refused)
        return self._text(name, candidates, event, refused)

    def _measure(self, name: str, candidates: list[Json], event: Json, refused: Refusals) -> Any:
        word, reason = self.words[name], None
        for candidate in candidates:
            raw = captured(candidate, dig(event, candidate["path"]))
            if raw is None or is_none(candidate, raw):
                continue
            spellings = {**word.get("aliases", {}), **candidate.get("aliases", {})}
            stated = [float(n) for n, listed in spellings.items() if spell(raw).strip().lower() in map(spell, listed)]
            if stated:
                return stated[-1]
            timed, scale = word["type"] == "time", candidate.get("scale", 1.0)
            value = time_of(stamped(candidate, raw), scale) if timed else number_of(raw, scale)
            low, high = word.get("min", 0 if timed else -math.inf), word.get("max", math.inf)
            if value is None:
                reason = reason or "mistyped"
            elif not low <= value <= high or abs(value) == math.inf:
                reason = "out_of_range"
            elif timed and value > self.now + word.get("max_future", 5):
                reason = "future"
            else:
                return value
        if reason:
            refused[name, reason] += 1
        return None

    def _text(self, name: str, candidates: list[Json], event: Json, refused: Refusals) -> str | None:
        word = self.words[name]
        default = word.get("default")
        stated = default["value"] if isinstance(default, dict) else default
        fallback = None if stated is None else self._value_of(word, {}, spell(stated))
        reasons: list[str] = []
        for candidate in candidates:
            if "value" in candidate:
                fallback = candidate["value"]
                break
            text = text_at(event, candidate["path"])
            text = "" if text is not None and is_none(candidate, text) else text
            value = self._value_of(word, candidate, text) if text else None
            if value is not None:
                return value
            reasons += ["mistyped"] if text is None else ["unknown_value"] if text else []
            if "otherwise" in candidate and text is not None:
                return str(candidate["otherwise"])
        if "unknown_value" in reasons and "otherwise" in word:
            return str(word["otherwise"])
        if reasons:
            refused[name, max(reasons)] += 1
        return fallback

    @staticmethod
    def _value_of(word: Json, candidate: Json, text: str) -> str | None:
        folded = text.lower()
        spellings = [*candidate.get("aliases", {}).items(), *word.get("aliases", {}).items()]
        spellings += [(value, [value]) for value in (*word.get("values", ()), *filter(None, [word.get("otherwise")]))]
        exact = [str(value) for value, listed in spellings if folded in [str(item).lower() for item in listed]]
        begun = [
            str(value) for prefix, value in candidate.get("prefixes", {}).items() if folded.startswith(prefix.lower())
        ]
        held = [str(value) for part, value in candidate.get("contains", {}).items() if part.lower() in folded]
        found = [*exact, *begun, *held]
        if found or "allow" not in word:
            return found[0] if found else None
        return re.sub(f"[^{word['allow']}]+", "_", folded if word.get("fold") else text)[: word["max_length"]]
