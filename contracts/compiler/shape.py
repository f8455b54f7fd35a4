"""Shapes a document can be checked against: scalars, lists, maps and records with documented keys.

In: a shape and a `Spot`. Out: faults for everything that does not fit, and the same shape as JSON Schema.
The shapes of a contract stand in `format`; this module knows only how to check and to print any shape.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from msgspec import Struct

from contracts.compiler.document import Faults, Spot, quote

__all__ = ["Either", "Flag", "Key", "ListOf", "MapOf", "Number", "Record", "Shape", "Text", "json_schema"]

JsonSchema = dict[str, object]


class Text(Struct, frozen=True):
    """A scalar; `choices` or `pattern` (a full match) narrow it; numbers and booleans count as their spelling.

    `hints` say what to write instead of a text that does not match: what is found in it -> the remedy, the first one
    found is told.
    """

    what: str = "text"
    pattern: str = ""
    choices: tuple[str, ...] = ()
    hints: tuple[tuple[str, str], ...] = ()
    may_be_blank: bool = False

    def check(self, spot: Spot, faults: Faults) -> None:
        """Add a fault if `spot` is not such a scalar."""
        if not isinstance(spot.value, str) or spot.tag == "null" or not (self.may_be_blank or spot.value.strip()):
            faults.add(spot, f"got {spot.describe()}, expected {self.what}")
        elif self.choices and spot.value not in self.choices:
            faults.add(spot, f"got {quote(spot.value)}, expected one of {', '.join(self.choices)}")
        elif not self.fits(spot.value):
            faults.add(spot, f"got {quote(spot.value)}, {self.wanted(spot.value)}")

    def fits(self, text: str) -> bool:
        """Whether `text` is all that the pattern asks for."""
        return not self.pattern or re.fullmatch(self.pattern, text) is not None

    def wanted(self, text: str) -> str:
        """Say what was expected instead of `text`, which does not fit."""
        remedy = next((remedy for found, remedy in self.hints if re.search(found, text)), None)
        return f"expected {self.what}; {remedy}" if remedy else f"expected {self.what} (pattern {self.pattern})"

    def schema(self) -> JsonSchema:
        """Return the JSON Schema of this scalar."""
        if self.choices:
            return {"enum": list(self.choices)}
        if self.may_be_blank and not self.pattern:
            return {"type": ["string", "number", "boolean"], "description": self.what}
        pattern = self.pattern or r"(?s:.*\S.*)"
        others = [kind for kind, sample in (("number", "1"), ("boolean", "true")) if re.fullmatch(pattern, sample)]
        shown = f"^(?:{self.pattern})$" if self.pattern else r"\S"
        return {"type": ["string", *others] if others else "string", "pattern": shown, "description": self.what}


class Flag(Struct, frozen=True):
    """true or false, unquoted."""

    what: str = "true or false"

    def check(self, spot: Spot, faults: Faults) -> None:
        """Add a fault if `spot` is neither."""
        if spot.tag != "bool":
            faults.add(spot, f"got {spot.describe()}, expected {self.what} (unquoted)")

    def schema(self) -> JsonSchema:
        """Return the JSON Schema of true and false."""
        return {"type": "boolean"}


class Number(Struct, frozen=True):
    """A finite number; `integer` narrows it to whole ones, `above` excludes a bound, `minimum` includes it."""

    what: str = "a number"
    integer: bool = False
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None

    def check(self, spot: Spot, faults: Faults) -> None:
        """Add a fault if `spot` is not such a number."""
        fits = spot.tag == "int" or (spot.tag == "float" and not self.integer)
        number = spot.number if fits else math.nan
        low = self.minimum if self.minimum is not None else -math.inf
        high = self.maximum if self.maximum is not None else math.inf
        is_above = self.above is None or number > self.above
        if not math.isfinite(number) or not low <= number <= high or not is_above:
            faults.add(spot, f"got {spot.describe()}, expected {self.what}")

    def schema(self) -> JsonSchema:
        """Return the JSON Schema of this number."""
        out: JsonSchema = {"type": "integer" if self.integer else "number", "description": self.what}
        if self.minimum is not None:
            out["minimum"] = self.minimum
        if self.maximum is not None:
            out["maximum"] = self.maximum
        if self.above is not None:
            out["exclusiveMinimum"] = self.above
        return out


class ListOf(Struct, frozen=True):
    """A non-empty list of one shape."""

    item: Shape

    def check(self, spot: Spot, faults: Faults) -> None:
        """Add a fault if `spot` is not a list, or for each element that does not fit."""
        if not isinstance(spot.value, list) or not spot.value:
            faults.add(spot, f"got {spot.describe()}, expected a list with at least one element")
        for element in spot.elements():
            self.item.check(element, faults)

    def schema(self) -> JsonSchema:
        """Return the JSON Schema of this list."""
        return {"type": "array", "items": self.item.schema(), "minItems": 1}


class MapOf(Struct, frozen=True):
    """A mapping from free names that fit `key` to one shape."""

    value: Shape
    key: Text
    may_be_empty: bool = False

    def check(self, spot: Spot, faults: Faults) -> None:
        """Add a fault if `spot` is not a mapping, or for each key or value that does not fit."""
        if not isinstance(spot.value, dict) or (not spot.value and not self.may_be_empty):
            faults.add(spot, f"got {spot.describe()}, expected a mapping with at least one entry")
        for name, value in spot.items():
            if not self.key.fits(name):
                faults.add(value, f"got the key {quote(name)}, {self.key.wanted(name)}")
            self.value.check(value, faults)

    def schema(self) -> JsonSchema:
        """Return the JSON Schema of this mapping."""
        return {
            "type": "object",
            "additionalProperties": self.value.schema(),
            "propertyNames": {"pattern": f"^(?:{self.key.pattern})$"},
            "minProperties": 0 if self.may_be_empty else 1,
        }


class Key(Struct, frozen=True):
    """One key of a record: its shape, whether it must be there, and its documentation in one sentence."""

    shape: Shape
    doc: str
    required: bool = False

    def schema(self) -> JsonSchema:
        """Return the JSON Schema of its value, documented."""
        return {**self.shape.schema(), "description": self.doc}


class Record(Struct, frozen=True):
    """A mapping with known keys only."""

    name: str
    doc: str
    keys: Mapping[str, Key]

    def check(self, spot: Spot, faults: Faults) -> None:
        """Add a fault for a wrong node, each unknown key, each missing key, and whatever is wrong inside."""
        if not isinstance(spot.value, dict):
            keys = ", ".join([*list(self.keys)[:3], "..."])
            faults.add(spot, f"got {spot.describe()}, expected a mapping ({self.name}: {keys})")
            return
        for name, value in spot.items():
            key = self.keys.get(name)
            if key is None:
                faults.add(value, self._unknown(name))
            else:
                key.shape.check(value, faults)
        for name, key in self.keys.items():
            if key.required and name not in spot.value:
                faults.add(spot, f"the key {quote(name)} is missing; add it: {key.doc.rstrip('.')}")

    def _unknown(self, name: str) -> str:
        close = next(iter(get_close_matches(name, self.keys)), "")
        hint = f"did you mean {quote(close)}?" if close else f"known keys: {', '.join(self.keys)}"
        return f"unknown key {quote(name)}; {hint}"

    def schema(self) -> JsonSchema:
        """Return a reference to the JSON Schema of this record, which stands under $defs."""
        return {"$ref": f"#/$defs/{self.name}"}

    def definition(self) -> JsonSchema:
        """Return the JSON Schema of this record itself."""
        return {
            "type": "object",
            "description": self.doc,
            "additionalProperties": False,
            "required": [name for name, key in self.keys.items() if key.required],
            "properties": {name: key.schema() for name, key in self.keys.items()},
        }


class Either(Struct, frozen=True):
    """The first shape whose kind of node (scalar, list, mapping) matches decides; `what` names them all."""

    what: str
    scalar: Shape | None = None
    many: Shape | None = None
    mapping: Shape | None = None

    def check(self, spot: Spot, faults: Faults) -> None:
        """Check `spot` against the alternative for its kind of node."""
        if isinstance(spot.value, dict):
            chosen = self.mapping
        elif isinstance(spot.value, list):
            chosen = self.many
        else:
            chosen = self.scalar
        if chosen is None:
            faults.add(spot, f"got {spot.describe()}, expected {self.what}")
        else:
            chosen.check(spot, faults)

    def schema(self) -> JsonSchema:
        """Return the JSON Schema: any of the alternatives."""
        shapes = (self.scalar, self.many, self.mapping)
        return {"anyOf": [shape.schema() for shape in shapes if shape is not None]}


Shape = Text | Flag | Number | ListOf | MapOf | Record | Either


def json_schema(shape: Record, title: str) -> JsonSchema:
    """Return a whole JSON Schema document (draft 2020-12) for `shape`."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    inside = {record.name: record.definition() for record in _records(shape) if record is not shape}
    return {**head, **shape.definition(), "$defs": inside}


def _records(shape: Shape | None, known: tuple[Record, ...] = ()) -> Iterator[Record]:
    """Yield every record within a shape, itself included; some more than once, but none inside itself."""
    if isinstance(shape, Record) and not any(shape is one for one in known):
        yield shape
        for key in shape.keys.values():
            yield from _records(key.shape, (*known, shape))
    elif isinstance(shape, ListOf):
        yield from _records(shape.item, known)
    elif isinstance(shape, MapOf):
        yield from _records(shape.value, known)
    elif isinstance(shape, Either):
        for chosen in (shape.scalar, shape.many, shape.mapping):
            yield from _records(chosen, known)
