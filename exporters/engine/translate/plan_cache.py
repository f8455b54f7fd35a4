"""Which plan an event has: signatures, and the plans remembered by them.

In: events, and which names have taken a place within their word's cap. Out: the plan of each event, and which names
take a place now. A signature is what an event has at all paths that decide its plan; where many different values
stand, each is replaced by one that is like it, so that signatures stay few. Memory is bounded whatever the events hold.
Part of the translate stage.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import compress
from operator import itemgetter

from contracts.model import Contract
from contracts.spelling import spelling
from exporters.engine.translate.keys import Key, KeyReader
from exporters.engine.translate.plan import Plan
from exporters.engine.translate.planner import Planner

__all__ = ["Admitted", "Places", "PlanCache"]

_PLANS_KEPT = 8192
_KEY_LENGTH = 2048
"""Signatures whose plans are remembered, and most characters of one; beyond the first the memory starts anew, and a
longer one is worked out each time, so that odd input cannot fill it."""

_SAMPLE = 64
_VARIED = 8
"""If the first keys of a batch have more different values than this at a path, its values are replaced from then on."""

Admitted = Mapping[str, Collection[str]]
"""Name word -> its values that have taken a place within the cap; a place once taken stays taken."""

Name = tuple[str, str]
"""A name word and one of its values."""


class Places:
    """Which names have a place within their word's cap; one for all plans of a contract.

    Args:
        admitted: those that have, as they are at any time; whoever keeps them gives places to those that a batch
            takes before the next one.
    """

    def __init__(self, contract: Contract, admitted: Admitted) -> None:
        names = [word for word in contract.words.values() if word.kind == "name"]
        self.caps = {word.name: word.max_values for word in names}
        self.taken: dict[str, dict[str, None]] = {}
        self.version = 0
        self._admitted = admitted
        self.go_back()

    def look(self) -> None:
        """Take over what others say is admitted, if that is not what is known here."""
        if any(len(self.taken[word]) != len(values) for word, values in self._admitted.items()):
            self.go_back()

    def go_back(self) -> None:
        """Have the names that others say are admitted, and no others."""
        self.taken = {word: dict.fromkeys(self._admitted.get(word, ())) for word in self.caps}
        self.version += 1

    def take(self, name: Name) -> None:
        """Give a name a place."""
        self.taken[name[0]][name[1]] = None
        self.version += 1


class PlanCache:
    """The plans of one contract.

    Args:
        is_inner: whether events are parts of lines, whose fields may be of kinds that only the lines' sources know.
    """

    def __init__(self, contract: Contract, planner: Planner, places: Places, is_inner: bool = False) -> None:
        self._planner = planner
        self._all = places
        names = [word for word in contract.words.values() if word.kind == "name"]
        self._otherwise = {(word.name, word.otherwise) for word in names}
        self._conditioned = {word.name: _values_asked_for(contract, word.name) for word in names}
        self._distinguished: dict[str, set[str]] = {word.name: set() for word in names}
        self._keys = KeyReader(contract, is_inner)
        self._paths = self._keys.paths
        self._texts = [planner.texts_at(path, self._distinguished) for path in self._paths]
        self._of_names = [bool(texts.names) for texts in self._texts]
        self._plans: dict[Key, Plan] = {}
        self._known: dict[Key, Plan] = {}
        self._version = -1
        self._varied: list[int] = []
        self._rest: Callable[[Key], object] = _nothing

    def plans_of(self, events: Sequence[object]) -> tuple[list[Plan], list[Name]]:
        """Return the plan of each event, and the names that take a place within their cap, in order."""
        return self.take_names(*self.before_names(events))

    def before_names(self, events: Sequence[object]) -> tuple[list[Key], list[Plan]]:
        """Return the key of each event, and its plan as if none took a place for its names."""
        if self._version != self._all.version:
            self._forget()
        keys = self._keys.read(events)
        return keys, self._look_up(keys)

    def take_names(self, keys: list[Key], plans: list[Plan]) -> tuple[list[Plan], list[Name]]:
        """Return plans, and the names that take a place within their cap, in order.

        A name takes a place when the first event comes that can move a series labelled with it.
        """
        names: list[Name] = []
        if not self._all.caps:
            return plans, names
        number = _SAMPLE
        while taken := self._admit(keys, plans, number):  # once a cap is full, most keys are alike
            names += taken
            number *= 2
            self._forget()
            plans = self._look_up(keys)
        return plans, names

    def tell(self, file: Mapping[str, str]) -> None:
        """Take over what the path of the file says from which the next events are."""
        self._keys.tell(file)

    def _forget(self) -> None:
        """Look at all texts anew: other names than before stand for themselves."""
        self._version = self._all.version
        self._known.clear()
        for word, distinguished in self._distinguished.items():
            distinguished.clear()
            distinguished.update(self._conditioned[word], self._all.taken[word])
        for texts in self._texts:
            texts.forget()

    def _look_up(self, keys: list[Key]) -> list[Plan]:
        known = self._known
        signatures = self._signatures(keys)
        with suppress(KeyError):
            return list(map(known.__getitem__, signatures))
        if self._vary(keys[:_SAMPLE]):
            signatures = self._signatures(keys)
        plans = list(map(known.get, signatures))
        new = {signature: key for signature, key, plan in zip(signatures, keys, plans, strict=True) if plan is None}
        found = dict(zip(new, map(self._plan_of, self._alike(new.values(), range(len(self._paths)))), strict=True))
        for signature, plan in found.items():
            _keep(known, signature, plan)
        return [plan or found[signature] for signature, plan in zip(signatures, plans, strict=True)]

    def _signatures(self, keys: list[Key]) -> list[Key]:
        """Return what tells the plans of keys: what stands where values vary by its stand-in, all else as it is."""
        if not self._varied or not keys:
            return keys
        columns = [self._texts[at].alike(list(map(itemgetter(at), keys))) for at in self._varied]
        return list(zip(map(self._rest, keys), *columns, strict=True))

    def _vary(self, sample: Sequence[Key]) -> bool:
        """Note at which further places many different values stand; return whether there are any."""
        columns = enumerate(zip(*sample, strict=True))
        varied = {at for at, column in columns if at not in self._varied and len(set(column)) > _VARIED}
        if varied:
            self._varied = sorted({*self._varied, *varied})
            rest = [at for at in range(len(self._paths)) if at not in self._varied]
            self._rest = itemgetter(*rest) if rest else _nothing
            self._known.clear()
        return bool(varied)

    def _alike(self, keys: Iterable[Key], places: Iterable[int]) -> list[Key]:
        """Return the keys with stand-ins at some of their places."""
        keys = list(keys)
        columns: list[Sequence[object]] = list(zip(*keys, strict=True))
        for at in places if columns else ():
            columns[at] = self._texts[at].alike(columns[at])
        return list(zip(*columns, strict=True)) if columns else keys  # where nothing decides, all keys are alike

    def _plan_of(self, key: Key) -> Plan:
        plan = self._plans.get(key)
        if plan is None:
            plan = self._planner.plan(dict(zip(self._paths, key, strict=True)))
            _keep(self._plans, key, plan)
        return plan

    def _admit(self, keys: Sequence[Key], plans: Sequence[Plan], number: int) -> list[Name]:
        """Return the names that take a place, in the order of the events that bring them.

        Args:
            number: of so many different keys, or as many again; what is behind those that bring names is left out.
        """
        undecided = {plan for plan in set(plans) if any(map(self._takes_place, plan.names))}
        if not undecided:
            return []
        chosen = compress(keys, map(undecided.__contains__, plans))
        as_they_are = self._alike(chosen, [at for at, is_name in enumerate(self._of_names) if not is_name])
        admitted: list[Name] = []
        for at, key in enumerate(dict.fromkeys(as_they_are), start=1):
            for name in self._plan_of(key).names:
                if self._takes_place(name):
                    self._all.take(name)
                    admitted.append(name)
            if admitted and at % number == 0:
                break
        return admitted

    def _takes_place(self, name: Name) -> bool:
        word, value = name
        places = self._all.taken[word]
        return value not in places and len(places) < self._all.caps[word] and name not in self._otherwise


def _nothing(_key: Key) -> object:
    return ()


def _keep(memory: dict[Key, Plan], key: Key, plan: Plan) -> None:
    if _length(key) > _KEY_LENGTH:
        return
    if len(memory) >= _PLANS_KEPT:
        memory.clear()
    memory[key] = plan


def _length(part: object) -> int:
    """Return how many characters a key or a signature has."""
    if isinstance(part, tuple):
        return sum(map(_length, part))
    return len(part) if isinstance(part, str) else 0


def _values_asked_for(contract: Contract, word: str) -> frozenset[str]:
    """Return the values of a name word that a plan depends on other than by showing them."""
    asked = {contract.words[word].otherwise or ""}
    for metric in contract.metrics:
        asked |= {spelling(value) for test in metric.when if test.subject == (word,) for value in test.values}
    return frozenset(asked)
