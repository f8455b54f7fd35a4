"""Safety rails: what may not be exceeded, and what it says when it would be.

In: what is about to happen. Out: the rail that forbids it, if one does. A rail that trips is counted and said at once.
Source: the rails of the contract execution_watch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

__all__ = ["MAX_DRAWDOWN", "MAX_POSITION", "Rails"]

MAX_POSITION = Decimal("0.5")
"""Units of one symbol, long or short, open orders included."""

MAX_DRAWDOWN = Decimal("0.02")
"""Share of the highest equity that may be lost."""

_FAILURES_IN_A_ROW = 3


@dataclass
class Rails:
    """The rails of one run. `trip` is told the name of each that trips."""

    trip: Callable[[str], None]
    commands_per_step: int
    is_halted: bool = False
    is_killed: bool = False
    _commands: int = 0
    _is_cut: bool = False
    _failures: int = 0

    def begin_step(self) -> None:
        """A new step has its commands again."""
        self._commands, self._is_cut = 0, False

    def allow_command(self) -> bool:
        """Take one command of the step; without one left `rate_limit` trips, once a step."""
        if self._commands < self.commands_per_step:
            self._commands += 1
            return True
        if not self._is_cut:
            self._is_cut = True
            self.trip("rate_limit")
        return False

    def allow_exposure(self, exposure: Decimal) -> bool:
        """Whether a position may become that large; if not, `max_position` trips."""
        if abs(exposure) <= MAX_POSITION:
            return True
        self.trip("max_position")
        return False

    def watch_drawdown(self, drawdown: Decimal) -> None:
        """Beyond the limit `max_drawdown` trips, once: nothing new is begun from then on."""
        if drawdown > MAX_DRAWDOWN and not self.is_halted:
            self.is_halted = True
            self.trip("max_drawdown")

    def watch_answers(self, answered: bool) -> None:
        """After three commands in a row without an answer, retries included, `kill_switch` trips: the run ends."""
        self._failures = 0 if answered else self._failures + 1
        if self._failures >= _FAILURES_IN_A_ROW and not self.is_killed:
            self.is_killed = True
            self.trip("kill_switch")
