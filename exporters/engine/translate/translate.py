"""Events -> updates, by signature: the contract's rules run once per distinct signature, not once per event.

In: decoded events of one batch. Out: an `Effect`. An event is applied whole or refused whole. Only numbers, times and
ids look at single events, in columns. Knows no files, no counters' present values and no other stage; of the series,
only which names have a place within their cap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contracts.model import Contract
from exporters.engine.fields import file_places
from exporters.engine.translate.effects import effect_of
from exporters.engine.translate.parts import Parts
from exporters.engine.translate.plan_cache import Admitted, Places, PlanCache
from exporters.engine.translate.planner import Planner
from exporters.engine.values import Effect

__all__ = ["Translator"]


class Translator:
    """Translates batches for one contract.

    Args:
        environment: where words with a default from an environment variable find it.
        admitted: the names that have taken a place within their word's cap, as they are at any time; those that an
            effect names are to be among them before the next batch.
    """

    def __init__(self, contract: Contract, environment: Mapping[str, str], admitted: Admitted | None = None) -> None:
        self._planner = Planner(contract, environment)
        self._places = Places(contract, admitted or {})
        self._plans = PlanCache(contract, self._planner, self._places)
        self._pairs = contract.pairs
        self._by_file = [self._plans] if file_places(contract) else []
        has_parts = any(source.parts for source in contract.sources)
        self._parts = Parts(contract, environment, self._plans, self._places) if has_parts else None
        if self._by_file and self._parts is not None:
            self._by_file += self._parts.plans()

    def defaults(self) -> dict[str, str | None]:
        """Return the value each label word takes when an event has none."""
        return self._planner.defaults()

    def translate(self, events: Sequence[object], now: float, file: Mapping[str, str] | None = None) -> Effect:
        """Return what `events` (in file order) do, judged at wall time `now`.

        Args:
            file: placeholder -> what the path of their file has there.
        """
        if not events:
            return Effect()
        if file is not None:
            for plans_of_level in self._by_file:
                plans_of_level.tell(file)
        self._places.look()
        if self._parts is not None:
            return self._parts.translate(events, now)
        plans, names = self._plans.plans_of(events)
        effect, _ = effect_of(events, plans, self._pairs, now)
        effect.names = names
        return effect
