"""What the lint says: a place, what is wrong there and what to do about it.

In: nothing. Out: the frozen nouns `Place` and `Finding`, and how a finding is spelt in a line of text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from contracts.compiler.document import quote

__all__ = ["SEVERITIES", "Claim", "Finding", "Place", "Severity", "listed", "remedy_for"]

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""From worst to mildest."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file (relative to the root); an inline exception anywhere from `first` to `last` covers it."""

    file: str
    line: int
    first: int = 0
    last: int = 0

    def covers(self, line: int) -> bool:
        """Whether an exception that stands for `line` stands for this place."""
        return line == self.line or self.first <= line <= self.last

    def at(self, line: int) -> Place:
        """Return another line of the same thing."""
        return Place(self.file, line, self.first, self.last)


Claim = tuple[Place, str]
"""What a rule yields: where, and `what is wrong (got X, expected Y); what to do`."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One claim of the rule `id` (`area/name`)."""

    place: Place
    id: str
    severity: Severity
    message: str

    def __str__(self) -> str:
        """Render as `file:line: severity: message [area/name]`."""
        return f"{self.place.file}:{self.place.line}: {self.severity}: {self.message} [{self.id}]"


def listed(names: Iterable[str]) -> str:
    """Return names as a message gives them, in order; `none` if there are none.

    >>> listed({"kind", "job"}), listed([])
    ('job, kind', 'none')
    """
    return ", ".join(sorted(names)) or "none"


def remedy_for(name: str, known: Iterable[str], otherwise: str = "correct or delete it") -> str:
    """Return what to do about a name that is not known: ask whether one that is like it was meant.

    >>> remedy_for("kinds", ["kind", "job"]), remedy_for("x", ["kind"])
    ('did you mean "kind"?', 'correct or delete it')
    """
    near = next(iter(get_close_matches(name, list(known))), "")
    return f"did you mean {quote(near)}?" if near else otherwise
