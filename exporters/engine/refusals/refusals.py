"""Refused lines are said: where the first one is and what was wrong with it, at most once a minute per reason.

In: batches and what became of their lines. Out: warnings, and the last refusal of each reason. A batch without refusals
costs nothing; only when a reason's minute is over is the first such line of a batch looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Protocol

from contracts.model import Contract
from exporters.engine.records import Change
from exporters.engine.refusals.explain import explain
from exporters.engine.values import Batch, Failure, Refusal

__all__ = ["Refusals", "Warnings"]

Find = Callable[[Set[str]], Iterable[tuple[str, int, bytes]]]
"""Reasons -> reason, offset and text of the first line of a batch refused for each."""


class Warnings(Protocol):
    """What says a sentence at most once a minute per reason."""

    def is_due(self, reason: str) -> bool:
        """Whether something with this reason would be said."""

    def warn(self, reason: str, message: str, error: Exception | None = None) -> None:
        """Say it, if it is due."""


class Refusals:
    """What is known of the lines one contract refused.

    `numbers` counts them since the start, `first` holds the first of each reason since then, `last` the last one looked
    for, those of processes before included. Unless `is_silent`, they are logged.
    """

    def __init__(self, contract: Contract, warnings: Warnings) -> None:
        self.numbers: Counter[str] = Counter()
        self.first: dict[str, Refusal] = {}
        self.last: dict[str, Refusal] = {}
        self.is_silent = False
        self._contract = contract
        self._warnings = warnings
        self._stored: dict[str, Refusal] = {}

    def look(self, batch: Batch, numbers: Counter[str], failures: Sequence[Failure], find: Find, now: float) -> None:
        """Say why lines of a batch were refused, if that was not said within a minute.

        Args:
            numbers: how many, by reason.
            failures: the lines at which a stage raised.
        """
        if not numbers:
            return
        self.numbers.update(numbers)
        for failure in failures[:1]:
            found = Refusal("internal_error", batch.path, failure.offset, now, "a line was not understood; report it")
            self._say(found, numbers, failure.error)
        due = set(filter(self._is_due, numbers)) - {"internal_error"}
        if "too_long" in due:
            why = f"longer than {self._contract.files.max_line_bytes} bytes"
            self._say(Refusal("too_long", batch.path, batch.start, now, why), numbers)
        for reason, offset, line in find(due) if due else ():
            self._say(Refusal(reason, batch.path, offset, now, self._why(reason, line)), numbers)

    def _why(self, reason: str, line: bytes) -> str:
        """Return what was wrong with a line, "" if that cannot be found out."""
        try:
            return explain(self._contract, reason, line)
        except Exception:  # noqa: BLE001  # no line can stop an exporter, and this one is counted already
            return ""

    def _is_due(self, reason: str) -> bool:
        """Whether a refused line is looked for: the first of its reason alone if nothing is said before the end."""
        return reason not in self.first if self.is_silent else self._warnings.is_due(f"refused {reason}")

    def _say(self, found: Refusal, numbers: Counter[str], error: Exception | None = None) -> None:
        self.first.setdefault(found.reason, found)
        self.last[found.reason] = found
        if not self.is_silent:
            self._warnings.warn(f"refused {found.reason}", said(found, numbers[found.reason]), error)

    def summary(self) -> list[str]:
        """Return a line for each reason: how many were refused since the start, and the first of them."""
        known = (reason for reason in self.numbers if reason in self.first)
        return [said(self.first[reason], self.numbers[reason]) for reason in known]

    def changes(self, everything: bool) -> Iterator[Change]:
        """Yield what changed since committed() was last called (or everything)."""
        yield from (one for reason, one in self.last.items() if everything or self._stored.get(reason) != one)

    def committed(self) -> None:
        """Note that changes() have been written."""
        self._stored = dict(self.last)

    def restore(self, stored: Iterable[Refusal]) -> None:
        """Take over what was stored."""
        self.last = {one.reason: one for one in stored}
        self.committed()


def said(found: Refusal, number: int) -> str:
    """Return a sentence about refused lines."""
    lines = "1 line" if number == 1 else f"{number} lines"
    where = f"{'' if number == 1 else 'the first '}at {found.path}@{found.offset}"
    return f"{lines} refused as {found.reason}, {where}" + (f": {found.why}" if found.why else "")
