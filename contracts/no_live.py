"""The NO-LIVE gate: may live trading be on, as `LIVE_TRADING_ENABLED` says. The one place that reads it.

In: an environment. Out: yes or no, or NoLiveError for anything that is neither. Nothing here switches anything on: no
part of this project can trade, so all it can do with a yes is to show it, and to refuse to start.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["VARIABLE", "NoLiveError", "live_trading_enabled", "refuse_live"]

VARIABLE = "LIVE_TRADING_ENABLED"
"""Source: seed 000, phase 0: false by default."""

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})


class NoLiveError(Exception):
    """The variable says yes where it must not, or something that is neither yes nor no."""


def live_trading_enabled(environment: Mapping[str, str]) -> bool:
    """Return whether the environment says that live trading is on; unset or empty is no.

    >>> live_trading_enabled({}), live_trading_enabled({"LIVE_TRADING_ENABLED": " TRUE "})
    (False, True)

    Raises:
        NoLiveError: if the value is neither a clear yes nor a clear no.
    """
    stated = environment.get(VARIABLE, "")
    word = stated.strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise NoLiveError(
        f"{VARIABLE}: got {stated[:80]!r}, expected true or false; unset it, or write false: nothing here trades"
    )


def refuse_live(environment: Mapping[str, str], who: str) -> None:
    """Let `who` start only where live trading is off.

    Raises:
        NoLiveError: if it is on, or if nobody can tell.
    """
    if live_trading_enabled(environment):
        raise NoLiveError(
            f"{VARIABLE}: it is on, and {who} never runs beside live trading; unset it, or write false, and start again"
        )
