"""What a recipe's events come to, counted event by event with nothing of the program: plain dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

__all__ = ["Counted", "between", "class_of", "seconds"]

Labels = dict[str, str]


class Counted:
    """Samples by their text, as a page spells them: name, then labels in alphabetical order."""

    def __init__(self) -> None:
        self.samples: dict[str, float] = {}

    def add(self, name: str, amount: float = 1.0, **labels: Any) -> None:
        """Count, or add to a sum."""
        key = _key(name, labels)
        self.samples[key] = self.samples.get(key, 0.0) + amount

    def put(self, name: str, value: float, **labels: Any) -> None:
        """Set a gauge."""
        self.samples[_key(name, labels)] = value

    def largest(self, name: str, value: float, **labels: Any) -> None:
        """Set a gauge to the largest value so far."""
        self.put(name, max(value, self.samples.get(_key(name, labels), value)), **labels)

    def smallest(self, name: str, value: float, **labels: Any) -> None:
        """Set a gauge to the smallest value so far."""
        self.put(name, min(value, self.samples.get(_key(name, labels), value)), **labels)

    def observe(self, name: str, value: float, buckets: Sequence[float], **labels: Any) -> None:
        """Put a value into a histogram."""
        for bound in (*buckets, float("inf")):
            if value <= bound:
                le = "+Inf" if bound == float("inf") else str(float(bound))
                self.add(f"{name}_bucket", 1.0, **labels, le=le)
        self.add(f"{name}_count", 1.0, **labels)
        self.add(f"{name}_sum", value, **labels)


def _key(name: str, labels: Labels) -> str:
    inside = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name


def class_of(status: object) -> str:
    """Return 2xx for 200 and the like."""
    first = str(status)[:1]
    return f"{first}xx" if first in "2345" and first else "other"


def seconds(text: str) -> float:
    """Return the Unix seconds of an ISO text, nanoseconds cut to microseconds."""
    head, dot, rest = text.replace("Z", "+00:00").partition(".")
    if dot:
        digits = rest[: next(at for at, character in enumerate(rest) if not character.isdigit())]
        text = f"{head}.{digits[:6].ljust(6, '0')}{rest[len(digits) :]}"
    else:
        text = head
    return datetime.fromisoformat(text).timestamp()


def between(begin: str, end: str) -> float:
    """Return the seconds between two ISO texts, exact to the microsecond."""
    return round((seconds(end) - seconds(begin)) * 1e6) / 1e6
