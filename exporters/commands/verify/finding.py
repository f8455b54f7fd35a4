"""What is asked and what was found: checks, findings, and asking again for a bounded time.

In: callables that ask. Out: findings in the order of the checks. What the questions are is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

from exporters.commands.verify.client import NoAnswerError

__all__ = ["Check", "Depth", "Finding", "Level", "fail", "passed", "run_all"]

Level = Literal["PASS", "FAIL", "WARN", "INFO"]


class Depth(IntEnum):
    """How near to the cause a question asks; what asks further away may only show what follows (causes.py)."""

    PAGE = 0
    TARGET = 1
    SOURCE = 2
    LOSS = 3
    STALE = 4
    ANSWER = 5
    APART = 9


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer: how bad, which question, what was found and, where it is bad, what to do next.

    Attributes:
        about: the exporter it is about; "" if it is about none.
    """

    level: Level
    id: str
    message: str
    watcher: str = ""
    about: str = ""
    depth: Depth = Depth.APART

    @property
    def passed(self) -> bool:
        """Whether the stack may be called healthy in spite of it."""
        return self.level != "FAIL"

    def __str__(self) -> str:
        """Render as `PASS|id|message`, always one line."""
        return f"{self.level}|{self.id}|" + " ".join(self.message.split())


@dataclass(frozen=True, slots=True)
class Check:
    """One question. `watcher` says what to do when nobody answers it; `about` and `depth` are those of its findings."""

    id: str
    ask: Callable[[], Iterable[Finding]]
    watcher: str
    about: str = ""
    depth: Depth = Depth.APART

    def run(self) -> list[Finding]:
        """Ask once; no answer is a finding too."""
        try:
            found = list(self.ask())
        except NoAnswerError as error:
            found = [Finding("FAIL", self.id, str(error), self.watcher)]
        return [self._placed(finding) for finding in found]

    def _placed(self, finding: Finding) -> Finding:
        is_placed = bool(finding.about) or not self.about
        return finding if is_placed else replace(finding, about=self.about, depth=self.depth)


def passed(id: str, message: str) -> Finding:  # noqa: A002  # the word the output has
    """Return a good finding."""
    return Finding("PASS", id, message)


def fail(id: str, message: str, watcher: str) -> Finding:  # noqa: A002  # the word the output has
    """Return a bad finding and what to do next."""
    return Finding("FAIL", id, message, watcher)


def run_all(checks: Sequence[Check], retries: int, pause: Callable[[int, int], None]) -> list[Finding]:
    """Run every check, and those that fail again, at most `retries` times.

    Args:
        pause: called before each repetition with its number (from 1) and how many checks fail; it waits.
    """
    found = [check.run() for check in checks]
    for number in range(1, retries + 1):
        failing = [at for at, findings in enumerate(found) if not all(finding.passed for finding in findings)]
        if not failing:
            break
        pause(number, len(failing))
        for at in failing:
            found[at] = checks[at].run()
    return [finding for findings in found for finding in findings]
