"""Reads what was asked: every parameter checked against its limits, ids checked strictly, paths refused.

In: an endpoint, the ids of its path and the query. Out: plain values, or a `Failure` that says which is wrong.
No parameter can name a file: the names by which earlier versions took paths are refused whatever they hold.
"""

from __future__ import annotations

from collections.abc import Mapping

from console.api.endpoint import Asked, Endpoint, Failure, Parameter
from console.names import is_id

__all__ = ["PATHS", "read_asked"]

PATHS = ("root", "filename", "base_dir", "snapshots_path", "path", "file", "dir")
"""Parameters that once named a path."""

_FLAGS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
    "": True,
}


def read_asked(endpoint: Endpoint, ids: Mapping[str, str], query: Mapping[str, str]) -> Asked:
    """Return what was asked.

    Raises:
        Failure: 404 if an id cannot be one, 400 if a path is named, 422 if a parameter is out of its limits.
    """
    for name in PATHS:
        if name in query:
            detail = f"{name}: no parameter names a path; the folders are those the console was started with"
            raise Failure(400, "path_refused", detail)
    for text in ids.values():
        if not is_id(text):
            raise endpoint.missing(text)
    return {**ids, **{one.name: _read(one, query.get(one.name)) for one in endpoint.parameters}}


def _read(parameter: Parameter, text: str | None) -> object:
    if text is None:
        return parameter.default
    if parameter.kind == "number":
        return _read_number(parameter, text)
    if parameter.kind == "flag":
        if text.lower() not in _FLAGS:
            raise _invalid(parameter, "expected true or false")
        return _FLAGS[text.lower()]
    if parameter.kind == "choice":
        return _read_choice(parameter, text)
    if len(text) > parameter.high or "\0" in text:
        raise _invalid(parameter, f"expected at most {parameter.high} characters")
    return text or None


def _read_number(parameter: Parameter, text: str) -> int:
    if not (text.isascii() and text.lstrip("-").isdigit() and len(text) <= 12):
        raise _invalid(parameter, "expected a whole number")
    value = int(text)
    if not parameter.low <= value <= parameter.high:
        raise _invalid(parameter, f"expected {parameter.low} to {parameter.high}")
    return value


def _read_choice(parameter: Parameter, text: str) -> object:
    if not text:
        return parameter.default
    for value in parameter.values:
        if text.lower() == value.lower():
            return value
    raise _invalid(parameter, f"expected one of {', '.join(parameter.values)}")


def _invalid(parameter: Parameter, why: str) -> Failure:
    return Failure(422, "invalid_parameter", f"{parameter.name}: {why}")
