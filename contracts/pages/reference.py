"""The contract format -> its reference: the tables of README.md and contract.schema.json.

In: the records of `format`, and the present text of a file. Out: that file's text as it should be. Pure; `cli` reads
and writes. What stands outside the markers of a file is written by hand and kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from contracts.compiler.format import CONTRACT, RECORDS
from contracts.compiler.shape import Either, ListOf, MapOf, Record, Shape, Text, json_schema

__all__ = ["BEGIN", "END", "MarkerError", "readme_text", "render_fields", "schema_text"]

BEGIN = "<!-- generated: fields -->"
END = "<!-- end -->"


class MarkerError(Exception):
    """A file lacks the markers between which generated text belongs."""


def schema_text(_present: str) -> str:
    """Return contract.schema.json, whatever it holds now."""
    return json.dumps(json_schema(CONTRACT, "Exporter contract"), indent=2, ensure_ascii=False) + "\n"


def readme_text(present: str) -> str:
    """Return README.md with the field tables as they should be.

    Raises:
        MarkerError: if `present` does not hold both markers, in order.
    """
    before, begin, rest = present.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        missing = END if begin else BEGIN
        raise MarkerError(f"the line {missing} is missing; put it back where the tables {'end' if begin else 'begin'}")
    return f"{before}{BEGIN}\n{render_fields(RECORDS)}{END}{after}"


def render_fields(records: Iterable[Record]) -> str:
    """Return one Markdown section with a table of keys for each record."""
    return "".join(_section(record) for record in records)


def _section(record: Record) -> str:
    rows = [
        f"| `{name}`{' (required)' if key.required else ''} | {_cell(_describe(key.shape))} | {_cell(key.doc)} |"
        for name, key in record.keys.items()
    ]
    return "\n".join(
        (f"\n### {record.name}", "", record.doc, "", "| key | value | meaning |", "|---|---|---|", *rows, "")
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _describe(shape: Shape) -> str:
    if isinstance(shape, Text):
        return "one of " + ", ".join(f"`{choice}`" for choice in shape.choices) if shape.choices else shape.what
    if isinstance(shape, ListOf):
        return f"list: {_describe(shape.item)}"
    if isinstance(shape, MapOf):
        return f"mapping: {shape.key.what} -> {_describe(shape.value)}"
    if isinstance(shape, Record):
        return f"[{shape.name}](#{shape.name})"
    if isinstance(shape, Either):
        inside = (shape.mapping, shape.many.item if isinstance(shape.many, ListOf) else None)
        links = dict.fromkeys(_describe(record) for record in inside if isinstance(record, Record))
        return f"{shape.what} ({', '.join(links)})" if links else shape.what
    return shape.what
