"""What a panel makes of a value: the text and the colour of mappings and thresholds.

In: a panel as Grafana has it. Out: for a value, or for no value, the colour and the text shown, as far as they are
stated. Nothing here knows what is healthy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contracts.lint.inputs.located_json import Node

__all__ = ["Shown", "mapped_specials", "shown_for"]

Shown = tuple[str, str]
"""Colour and text; '' where none is stated."""


def mapped_specials(defaults: Node) -> Iterator[tuple[str, int, Shown]]:
    """Yield (what is matched, line, what is shown) of the mappings of null, NaN and empty texts."""
    for mapping in _objects(defaults.get("mappings")):
        options = mapping.get("options")
        if mapping.get("type") == "special" and isinstance(options, Node):
            yield str(options.get("match")), options.line, _result(options.get("result"))
        elif isinstance(options, Node) and mapping.get("type") == "value" and isinstance(options.get("null"), Node):
            yield "null", options.line_of("null"), _result(options["null"])
        elif str(mapping.get("value")) == "null":  # as boards before Grafana 8 say it
            yield "null", mapping.line, ("", mapping.text_of("text"))


def shown_for(defaults: Node, value: float) -> Shown:
    """Return what is shown for a number: by the first mapping that takes it, else by the thresholds."""
    colour, text = "", ""
    for mapping in _objects(defaults.get("mappings")):
        found = _mapped(mapping, value)
        if found is not None:
            colour, text = found
            break
    return colour or _threshold(defaults, value), text


def _mapped(mapping: Node, value: float) -> Shown | None:
    options = mapping.get("options")
    if mapping.get("type") == "value" and isinstance(options, Node):
        found = next((result for key, result in options.items() if _number(key) == value), None)
        return _result(found) if found is not None else None
    if mapping.get("type") == "range" and isinstance(options, Node):
        low, high = _number(options.get("from")), _number(options.get("to"))
        inside = (low is None or value >= low) and (high is None or value <= high)
        return _result(options.get("result")) if inside else None
    return ("", mapping.text_of("text")) if _number(mapping.get("value")) == value else None


def _threshold(defaults: Node, value: float) -> str:
    """Return the colour of the highest step a value reaches; '' if the panel is not coloured by fixed steps."""
    stated, mode = defaults.get("thresholds"), defaults.get("color")
    if not isinstance(stated, Node) or stated.get("mode") == "percentage":
        return ""
    if isinstance(mode, Node) and mode.get("mode") not in (None, "thresholds"):
        return ""
    colour = ""
    for step in _objects(stated.get("steps")):
        bound = _number(step.get("value"))
        if bound is None or value >= bound:
            colour = step.text_of("color")
    return colour


def _result(result: Any) -> Shown:
    return (result.text_of("color"), result.text_of("text")) if isinstance(result, Node) else ("", "")


def _number(value: Any) -> float | None:
    try:
        return float(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError):
        return None


def _objects(value: Any) -> list[Node]:
    return [one for one in value if isinstance(one, Node)] if isinstance(value, list) else []
