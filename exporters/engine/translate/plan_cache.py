"""Which plan an event has: signatures, and the plans remembered by them.

In: events, and which names have taken a place within their word's cap. Out: the plan of each event, and which names
take a place now. A signature is what an event has at all paths that decide its plan; where many different values
stand, each is replaced by one that is like it, so that signatures stay few. Memory is bounded whatever the events hold.
Part of the translate stage.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import compress
from operator import attrgetter, itemgetter
from typing import cast

from msgspec import Struct
from msgspec.structs import astuple

from contracts.model import Contract
from contracts.spelling import spelling
from exporters.engine.fields import MISTYPED, Path, attribute_of, deciding_paths, file_places
from exporters.engine.objects import FLAGS
from exporters.engine.translate.measures import number_of
from exporters.engine.translate.plan import Plan
from exporters.engine.translate.planner import Planner

__all__ = ["Admitted", "Key", "Places", "PlanCache"]

_PLANS_KEPT = 8192
_KEY_LENGTH = 2048
"""Signatures whose plans are remembered, and most characters of one; beyond the first the memory starts anew, and a
longer one is worked out each time, so that odd input cannot fill it."""

_SAMPLE = 64
_VARIED = 8
"""If the first signatures of a batch have more different values than this at a path, all of its values are replaced."""

Admitted = Mapping[str, Collection[str]]
"""Name word -> its values that have taken a place within the cap; a place once taken stays taken."""

Name = tuple[str, str]
"""A name word and one of its values."""

Key = tuple[object, ...]


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
        in_events = deciding_paths(contract)
        self._of_files = file_places(contract)
        self._paths = (*in_events, *self._of_files)
        self._file_values: tuple[str | None, ...] = (None,) * len(self._of_files)
        self._read = _reader_of_first(in_events)
        self._prepared = {
            at: found for at, path in enumerate(in_events) if (found := _preparer_of(contract, path, is_inner))
        }
        self._texts = [planner.texts_at(path, self._distinguished) for path in self._paths]
        self._of_names = [bool(texts.names) for texts in self._texts]
        self._plans: dict[Key, Plan] = {}
        self._known: dict[Key, Plan] = {}
        self._version = -1

    def plans_of(self, events: Sequence[object]) -> tuple[list[Plan], list[Name]]:
        """Return the plan of each event, and the names that take a place within their cap, in order.

        A name takes a place when the first event comes that can move a series labelled with it.
        """
        keys = self._keys_of(events)
        plans = self._look_up(keys)
        names = self._admit(keys, plans)
        if names:
            self._forget()
            plans = self._look_up(keys)
        return plans, names

    def tell(self, file: Mapping[str, str]) -> None:
        """Take over what the path of the file says from which the next events are."""
        self._file_values = tuple(file.get(name) for _, name in self._of_files)

    def without_names(self, events: Sequence[object]) -> list[Plan]:
        """Return the plan of each event as if none took a place for its names."""
        return self._look_up(self._keys_of(events))

    def _keys_of(self, events: Sequence[object]) -> list[Key]:
        if self._version != self._all.version:
            self._forget()
        keys = self._read(events)
        if self._prepared:
            columns = list(zip(*keys, strict=True))
            for at, prepare in self._prepared.items():
                columns[at] = tuple(map(prepare, columns[at]))
            keys = list(zip(*columns, strict=True))
        return [(*key, *self._file_values) for key in keys] if self._file_values else keys

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
        with suppress(KeyError):
            return list(map(known.__getitem__, keys))
        varied = [at for at, column in enumerate(zip(*keys[:_SAMPLE], strict=True)) if len(set(column)) > _VARIED]
        if varied:
            keys = self._alike(keys, varied)
            with suppress(KeyError):
                return list(map(known.__getitem__, keys))
        plans = list(map(known.get, keys))
        new = dict.fromkeys(key for key, plan in zip(keys, plans, strict=True) if plan is None)
        found = dict(zip(new, map(self._plan_of, self._alike(new, range(len(self._paths)))), strict=True))
        for key, plan in found.items():
            _keep(known, key, plan)
        return [plan or found[key] for key, plan in zip(keys, plans, strict=True)]

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

    def _admit(self, keys: Sequence[Key], plans: Sequence[Plan]) -> list[Name]:
        """Return the names that take a place, in the order of the events that bring them."""
        undecided = {plan for plan in set(plans) if any(map(self._takes_place, plan.names))}
        if not undecided:
            return []
        chosen = compress(keys, map(undecided.__contains__, plans))
        as_they_are = self._alike(chosen, [at for at, is_name in enumerate(self._of_names) if not is_name])
        words = {name[0] for plan in undecided for name in plan.names if self._takes_place(name)}
        admitted: list[Name] = []
        for key in dict.fromkeys(as_they_are):
            for name in self._plan_of(key).names:
                if self._takes_place(name):
                    self._all.take(name)
                    admitted.append(name)
            if all(len(self._all.taken[word]) >= self._all.caps[word] for word in words):
                break
        return admitted

    def _takes_place(self, name: Name) -> bool:
        word, value = name
        places = self._all.taken[word]
        return value not in places and len(places) < self._all.caps[word] and name not in self._otherwise


def _keep(memory: dict[Key, Plan], key: Key, plan: Plan) -> None:
    if sum(len(value) for value in key if isinstance(value, str)) > _KEY_LENGTH:
        return
    if len(memory) >= _PLANS_KEPT:
        memory.clear()
    memory[key] = plan


def _reader_of_first(paths: Sequence[Path]) -> Callable[[Sequence[object]], list[Key]]:
    """Return what reads the paths that events hold first from many of them, a tuple from each."""
    if all(len(path) == 1 for path in paths):  # 14 of 17 in 0.1 instead of 0.3 us
        first = itemgetter(slice(len(paths)))

        def read(events: Sequence[object]) -> list[Key]:
            rows = list(map(astuple, cast(Sequence[Struct], events)))
            return rows if rows and len(rows[0]) == len(paths) else list(map(first, rows))

        return read
    get = attrgetter(*map(attribute_of, paths))
    return lambda events: list(map(get, events)) if len(paths) > 1 else list(zip(map(get, events), strict=True))


def _preparer_of(contract: Contract, path: Path, is_inner: bool) -> Callable[[object], object] | None:
    """Return what makes a part of a key of what stands at a path, where it could not be one or would tell too much.

    True is told from 1; of numbers that are only compared with bounds all between two bounds are one, and so is all
    that is only asked whether it is there.
    """
    kind = contract.paths()[path]
    if kind == "parts":
        return _is_there
    conditions = [c for source in contract.sources for c in (*source.match, *source.expect) if c.subject == path]
    reads = [read for source in contract.sources for read in source.all_reads()]
    texts = [read for read in reads if contract.words[read.word].is_label and path in [c.path for c in read.candidates]]
    if not (texts or any(c.values for c in conditions) or path in [source.by for source in contract.sources]):
        bounds = {bound for c in conditions if c.test == "within" for bound in (c.minimum, c.maximum)}
        return _Between(sorted(bounds)) if bounds else None if kind == "any" else _as_there
    return _comparable if is_inner or kind == "mixed" else None


class _Between:
    """Replaces numbers by the first one met that is within the same of some bounds, any other value by MISTYPED."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._met: dict[int, float] = {}

    def __call__(self, raw: object) -> object:
        number = number_of(raw)
        if number is None:
            return None if raw is None else MISTYPED
        place = bisect_left(self._bounds, number) + bisect_right(self._bounds, number)
        return self._met.setdefault(place, number)


def _is_there(raw: object) -> object:
    """Return whether something is there, of what is opened later."""
    return None if raw is None or raw == b"null" else MISTYPED


def _as_there(raw: object) -> object:
    return None if raw is None else MISTYPED


def _comparable(raw: object) -> object:
    """Return what can be told from all that means something else; no condition or text is made of lists or objects."""
    if isinstance(raw, bool):
        return FLAGS[raw]
    return MISTYPED if isinstance(raw, list | dict) else raw


def _values_asked_for(contract: Contract, word: str) -> frozenset[str]:
    """Return the values of a name word that a plan depends on other than by showing them."""
    asked = {contract.words[word].otherwise or ""}
    for metric in contract.metrics:
        asked |= {spelling(value) for test in metric.when if test.subject == (word,) for value in test.values}
    return frozenset(asked)
