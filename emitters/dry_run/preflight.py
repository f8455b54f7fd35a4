"""Says whether a run may start, before it writes a line.

In: the plan of a run. Out: what is wrong with it, each with its audit code. Source: facts 3.6.
"""

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["STRATEGIES", "Plan", "check"]

STRATEGIES = ("demo_strategy", "ma_cross")
"""The strategies a dry run knows."""

_MOST_ATTEMPTS = 10


@dataclass(frozen=True)
class Plan:
    """What a run shall do. `attempts` is how often a broker's command is given at most, the first time included."""

    steps: int
    seed: int
    run_id: str
    strategy_id: str
    attempts: int = 3
    commands_per_step: int = 6
    reconcile_every: int = 5


def check(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield code and message of everything that keeps a run from starting."""
    if not plan.run_id.strip():
        yield "C2_REJECT_MISSING_RUN_ID", "the run has no id; give --run-id"
    if not plan.strategy_id.strip():
        yield "C2_REJECT_MISSING_STRATEGY_ID", "no strategy is named; give --strategy-id"
    elif plan.strategy_id not in STRATEGIES:
        known = ", ".join(STRATEGIES)
        yield "C2_REJECT_STRATEGY_NOT_ALLOWED", f"no strategy named {plan.strategy_id!r} (expected {known})"
    if not 1 <= plan.attempts <= _MOST_ATTEMPTS:
        text = f"got {plan.attempts} attempts, expected 1 to {_MOST_ATTEMPTS}; retries are bounded"
        yield "C2_REJECT_BAD_RETRY_CONFIG", text
