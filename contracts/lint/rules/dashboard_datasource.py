"""Every panel, target and query variable asks the datasource the viewer chose: the variable, never a pinned uid.

A pinned uid that the provisioning does not define shows "datasource not found". Grafana's own (`-- Grafana --`,
`-- Mixed --`) are always there. Source: W-46 of the fact sheet.
"""

from __future__ import annotations

from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Place, Severity
from contracts.lint.inputs.dashboards import Dashboard
from contracts.lint.inputs.located_json import Node, nodes_in
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_BUILT_IN = ("grafana", "-- Grafana --", "-- Mixed --", "-- Dashboard --")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield datasources that are not the variable, and panels that name none."""
    for board in tree.dashboards:
        names = [variable.name for variable in board.variables if variable.type == "datasource"]
        names += [str(one.get("name")) for one in _asked_for(board.node.get("__inputs"))]
        allowed = {form for name in names for form in (f"${name}", f"${{{name}}}")}
        for node in nodes_in(board.node):
            source = node.get("datasource")
            uid = source.get("uid") if isinstance(source, dict) else source
            if uid is not None and str(uid) not in allowed and uid not in _BUILT_IN:
                expected = " or ".join(sorted(allowed)) or "a datasource variable"
                problem = f"the datasource is pinned (got {quote(str(uid))}, expected {expected}); use the variable"
                yield Place(board.file, node.line_of("datasource"), node.line, node.last), problem
        yield from _unnamed(board)


def _asked_for(inputs: object) -> list[Node]:
    """Return the datasources a shared dashboard asks for when it is imported."""
    found = [one for one in inputs if isinstance(one, Node)] if isinstance(inputs, list) else []
    return [one for one in found if one.get("type") == "datasource"]


def _unnamed(board: Dashboard) -> Iterator[Claim]:
    for panel in board.panels:
        named = panel.node.get("datasource") or all(
            target.get("datasource") for target in panel.node.get("targets", [])
        )
        if panel.targets and not named:
            yield panel.place, f'panel "{panel.title}" names no datasource; use the variable'
