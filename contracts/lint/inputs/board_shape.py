"""What of a dashboard has to be an object, a list or a number, so that the rules can look at it.

In: a parsed dashboard of any shape. Out: the same without what is of another shape than Grafana's, and what that was.
`null` is as good as nothing, which is how Grafana means it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.lint.inputs.located_json import Node

__all__ = ["shaped"]

Shape = Mapping[str, Any]
"""Key -> what stands there: a Shape for an object, a list of one Shape for a list of objects, `float` for a number."""

_OBJECT: Shape = {}
_PANEL: dict[str, Any] = {
    "targets": [_OBJECT],
    "gridPos": dict.fromkeys("xywh", float),
    "fieldConfig": {"defaults": _OBJECT, "overrides": [{"matcher": _OBJECT, "properties": [_OBJECT]}]},
}
_PANEL["panels"] = [_PANEL]
_BOARD: Shape = {"panels": [_PANEL], "templating": {"list": [_OBJECT]}, "annotations": {"list": [_OBJECT]}}


def shaped(board: Node) -> tuple[Node, list[tuple[int, str]]]:
    """Return a dashboard as far as it is one, and (line, problem) of everything left out."""
    faults: list[tuple[int, str]] = []
    return _object(board, _BOARD, "", faults), faults


def _object(node: Node, shape: Shape, path: str, faults: list[tuple[int, str]]) -> Node:
    found = Node(node.line)
    found.last, found.key_lines = node.last, node.key_lines
    for key, value in node.items():
        if key not in shape:
            found[key] = value
        elif value is not None:
            kept = _fitting(value, shape[key], f"{path}.{key}".lstrip("."), node.line_of(key), faults)
            if kept is not None:
                found[key] = kept
    return found


def _fitting(value: Any, shape: Any, path: str, line: int, faults: list[tuple[int, str]]) -> Any:
    """Return what of a value is of the shape; None if nothing is."""
    if isinstance(shape, list) and isinstance(value, list):
        items = [_fitting(item, shape[0], f"{path}[{number}]", line, faults) for number, item in enumerate(value)]
        return [item for item in items if item is not None]
    if isinstance(shape, Mapping) and isinstance(value, Node):
        return _object(value, shape, path, faults)
    if shape is float and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    faults.append((line, f"{path} is {_kind(value)} (expected {_kind_of(shape)}); correct it"))
    return None


def _kind(value: Any) -> str:
    names = {bool: "true or false", str: "a text", list: "a list", Node: "an object", type(None): "null"}
    return names.get(type(value), "a number")


def _kind_of(shape: Any) -> str:
    return "a number" if shape is float else "a list" if isinstance(shape, list) else "an object"
