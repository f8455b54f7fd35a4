"""Refused lines are said: where the first one is and what was wrong with it, at most once a minute per reason.

In: batches and what became of their lines. Out: warnings, and the last refusal of each reason. A batch without refusals
costs nothing; only when a reason's minute is over is the first such line of a batch looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from contracts.model import Contract
from exporters.engine.explain import explain
from exporters.engine.log import RateLimitedLog
from exporters.engine.pipeline import Pipeline, Processed
from exporters.engine.records import Change
from exporters.engine.values import Batch, Refusal

__all__ = ["Refusals"]


class Refusals:
    """What is known of the lines one contract refused.

    `numbers` counts them since the start, `first` holds the first of each reason since then, `last` the last one looked
    for, those of processes before included. Unless `is_silent`, they are logged.
    """

    def __init__(self, contract: Contract, warnings: RateLimitedLog) -> None:
        self.numbers: Counter[str] = Counter()
        self.first: dict[str, Refusal] = {}
        self.last: dict[str, Refusal] = {}
        self.is_silent = False
        self._contract = contract
        self._warnings = warnings
        self._stored: dict[str, Refusal] = {}

    def look(self, batch: Batch, done: Processed, pipeline: Pipeline, now: float) -> None:
        """Say why lines of a batch were refused, if any were and it was not said within a minute."""
        if not done.decoded.rejected and not done.effect.rejected and not batch.too_long:
            return
        numbers = Counter(done.decoded.rejected)
        for (_, reason), number in done.effect.rejected.items():
            numbers[reason] += number
        numbers["too_long"] += batch.too_long
        numbers = +numbers
        self.numbers.update(numbers)
        for failure in done.failures[:1]:
            found = Refusal("internal_error", batch.path, failure.offset, now, "a line was not understood; report it")
            self._say(found, numbers, failure.error)
        due = {reason for reason in numbers if self._warnings.is_due(f"refused {reason}")} - {"internal_error"}
        if "too_long" in due:
            limit = self._contract.files.max_line_bytes
            why = f"longer than {limit} bytes, ends before byte {batch.end}"
            self._say(Refusal("too_long", batch.path, batch.start, now, why), numbers)
        for reason, offset, line in pipeline.refused(batch, due, now) if due else ():
            self._say(Refusal(reason, batch.path, offset, now, explain(self._contract, reason, line)), numbers)

    def _say(self, found: Refusal, numbers: Counter[str], error: Exception | None = None) -> None:
        self.first.setdefault(found.reason, found)
        self.last[found.reason] = found
        if not self.is_silent:
            self._warnings.warn(f"refused {found.reason}", said(found, numbers[found.reason]), error)

    def summary(self) -> list[str]:
        """Return a line for each reason: how many were refused since the start, and the first of them."""
        known = (reason for reason in self.numbers if reason in self.first)
        return [said(self.first[reason], self.numbers[reason]) for reason in known]

    def changes(self, everything: bool = False) -> Iterator[Change]:
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
