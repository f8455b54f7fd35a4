"""One measured number and the bar it is held against.

In: a value, or None if it could not be measured. Out: the same, with its verdict. Knows nothing of how it came about.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured; `at_most` and `at_least` are its bar, in the same unit. `note` says how, or why not."""

    key: str
    what: str
    value: float | None
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def bar(self) -> str:
        """Return the bar in words; empty if there is none."""
        if self.at_most is not None:
            return f"at most {self.at_most:g} {self.unit}".rstrip()
        return f"at least {self.at_least:g} {self.unit}".rstrip() if self.at_least is not None else ""

    @property
    def is_missed(self) -> bool:
        """Whether there is a bar and the value is on its wrong side."""
        if self.value is None:
            return False
        too_high = self.at_most is not None and self.value > self.at_most
        return too_high or (self.at_least is not None and self.value < self.at_least)

    @property
    def verdict(self) -> str:
        """Return met, missed or not measured; empty if there is no bar."""
        if not self.bar:
            return ""
        if self.value is None:
            return "not measured"
        return "missed" if self.is_missed else "met"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {**asdict(self), "bar": self.bar, "verdict": self.verdict}
