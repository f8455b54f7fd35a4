"""The API's description, as OpenAPI 3.1, made from the routes themselves.

In: routes. Out: a document for /openapi.json, from which the page /docs is made too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from console.api.endpoint import Endpoint, Parameter

__all__ = ["describe"]

_TYPES = {"number": "integer", "flag": "boolean", "word": "string", "choice": "string"}
_FAILURE = {
    "type": "object",
    "required": ["code", "detail"],
    "properties": {"code": {"type": "string"}, "detail": {"type": "string"}},
}


def describe(endpoints: Sequence[Endpoint], version: str) -> dict[str, object]:
    """Return the description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Peak_Trade console",
            "version": version,
            "description": "Watch-only: GET and HEAD. Nothing here can place, change or cancel an order.",
        },
        "paths": {one.path: {"get": _operation(one)} for one in endpoints},
        "components": {"schemas": {"Failure": _FAILURE}},
    }


def _operation(endpoint: Endpoint) -> dict[str, object]:
    return {
        "summary": endpoint.says,
        "operationId": re.sub(r"\W+", "_", endpoint.path).strip("_"),
        "parameters": [*_path_parameters(endpoint), *map(_parameter, endpoint.parameters)],
        "responses": dict(_responses(endpoint)),
    }


def _responses(endpoint: Endpoint) -> Iterator[tuple[str, object]]:
    failure = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    yield "200", {"description": endpoint.says, "content": {"application/json": {}}}
    yield "400", {"description": "A parameter names a path, or a cursor is none.", "content": failure}
    if endpoint.not_found:
        code, _, detail = endpoint.not_found.partition("|")
        yield "404", {"description": detail or code, "content": failure}
    if endpoint.parameters:
        yield "422", {"description": "invalid_parameter: a parameter is out of its limits.", "content": failure}


def _path_parameters(endpoint: Endpoint) -> Iterator[dict[str, object]]:
    for name in re.findall(r"{(\w+)}", endpoint.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "maxLength": 200}}


def _parameter(parameter: Parameter) -> dict[str, object]:
    schema: dict[str, object] = {"type": _TYPES[parameter.kind]}
    if parameter.kind == "number":
        schema |= {"minimum": parameter.low, "maximum": parameter.high}
    if parameter.kind == "word":
        schema["maxLength"] = parameter.high
    if parameter.values:
        schema["enum"] = list(parameter.values)
    if parameter.default is not None:
        schema["default"] = parameter.default
    return {"name": parameter.name, "in": "query", "required": False, "schema": schema}
