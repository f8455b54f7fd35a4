"""What a route of the API is: path, parameters, handler, and what may go wrong.

In: nothing. Out: values the application, its description and its tests are made from. An error is a status, a code that
never changes and a sentence; nothing of the inside is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from console.names import MAX_LENGTH
from console.view import View

__all__ = ["Asked", "Endpoint", "Failure", "Parameter", "Text", "choice", "flag", "number", "run_not_found", "word"]

Asked = Mapping[str, Any]
"""What was asked, by the names of path and query: ids that can be ones, numbers within their limits, or None."""


class Failure(Exception):  # noqa: N818  # an answer, not a fault
    """An answer that is an error."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Text:
    """An answer that is no JSON."""

    body: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the query.

    Attributes:
        kind: `number` (whole, from `low` to `high`), `word` (at most so many characters), `choice`, `flag`.
        values: what a choice may be; case does not matter.
    """

    name: str
    kind: str
    default: object = None
    low: int = 0
    high: int = 0
    values: tuple[str, ...] = ()


def number(name: str, default: int, low: int, high: int) -> Parameter:
    """Return a parameter that is a whole number."""
    return Parameter(name, "number", default, low, high)


def word(name: str, most: int = MAX_LENGTH) -> Parameter:
    """Return a parameter that is a text, absent by default."""
    return Parameter(name, "word", None, 0, most)


def choice(name: str, *values: str, default: str | None = None) -> Parameter:
    """Return a parameter that is one of some words."""
    return Parameter(name, "choice", default, values=values)


def flag(name: str, default: bool = False) -> Parameter:
    """Return a parameter that is true or false."""
    return Parameter(name, "flag", default)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route: `handler` makes its answer.

    Attributes:
        not_found: what is said of an id there is nothing of, as `code|sentence`, or as a code that is the sentence too.
    """

    path: str
    handler: Callable[[View, Asked], object]
    says: str
    parameters: tuple[Parameter, ...] = field(default=())
    not_found: str = ""

    def missing(self, text: str) -> Failure:
        """Return the answer for an id there is nothing of, or that cannot be one."""
        code, _, detail = self.not_found.partition("|")
        return Failure(404, code, (detail or code).replace("<id>", text[:MAX_LENGTH]))


def run_not_found(run_id: str) -> Failure:
    """Return the answer for a run there is not."""
    return Failure(404, "run_not_found", f"Run not found: {run_id[:MAX_LENGTH]}")
