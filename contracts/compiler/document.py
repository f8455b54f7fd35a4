"""A YAML document with its line numbers, and the list of faults found in it.

In: a tree of `Spot`s made by `load`. Out: `ContractError` holding every `Fault`, in file order.
Nothing here knows what a contract contains.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import TypeVar

from msgspec import Struct, field

__all__ = ["ContractError", "Fault", "Faults", "Spot", "quote", "show"]

_Default = TypeVar("_Default", float, None)


class Spot(Struct, frozen=True):
    """One node of a document: its plain value (str, list of Spots, dict of Spots), line and dotted path.

    `tag` is the YAML type of a scalar: str, int, float, bool or null.
    """

    value: str | list[Spot] | dict[str, Spot]
    line: int
    path: str
    tag: str = ""

    def get(self, key: str) -> Spot | None:
        """Return the value of `key` when this node is a mapping that has it."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def at(self, *keys: str) -> Spot:
        """Return what stands at a path of keys; an empty mapping if nothing does."""
        found: Spot | None = self
        for key in keys:
            found = found.get(key) if found is not None else None
        return found if found is not None else Spot({}, self.line, ".".join([self.path, *keys]).lstrip("."))

    def mentions(self, names: Set[str]) -> bool:
        """Whether one of `names` stands anywhere in this node, as a key or as a scalar."""
        if isinstance(self.value, str):
            return self.value in names
        inside = [*self.elements(), *(spot for _, spot in self.items())]
        return any(key in names for key, _ in self.items()) or any(spot.mentions(names) for spot in inside)

    def items(self) -> Iterator[tuple[str, Spot]]:
        """Yield key and value of a mapping, in file order; nothing for any other node."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def entries(self, key: str) -> Iterator[tuple[str, Spot]]:
        """Yield the entries of the mapping at `key`; nothing if there is none."""
        found = self.get(key)
        if found is not None:
            yield from found.items()

    def elements(self) -> Iterator[Spot]:
        """Yield the elements of a list, in order; nothing for any other node."""
        if isinstance(self.value, list):
            yield from self.value

    @property
    def text(self) -> str:
        """The scalar as written (empty for null, list or mapping)."""
        return self.value if isinstance(self.value, str) else ""

    def text_of(self, key: str, default: str = "") -> str:
        """The scalar at `key` as written, or `default`."""
        found = self.get(key)
        return found.text if found is not None else default

    def number_of(self, key: str, default: _Default) -> float | _Default:
        """The number at `key`, or `default`."""
        found = self.get(key)
        return found.number if found is not None else default

    def texts_of(self, key: str) -> tuple[str, ...]:
        """The scalars of the list at `key` (a single scalar counts as a list of one)."""
        found = self.get(key)
        if found is None:
            return ()
        return (found.text,) if isinstance(found.value, str) else tuple(item.text for item in found.elements())

    @property
    def number(self) -> float:
        """The scalar as a number (checked by its shape before)."""
        return float(self.text)

    @property
    def is_true(self) -> bool:
        """Whether the scalar is `true`."""
        return self.text == "true"

    def describe(self) -> str:
        """Say in a few words what stands here, for an error message."""
        if isinstance(self.value, dict):
            return "a mapping" if self.value else "an empty mapping"
        if isinstance(self.value, list):
            return "a list" if self.value else "an empty list"
        return "nothing" if self.tag == "null" else quote(self.text)


class Fault(Struct, frozen=True, order=True):
    """One thing wrong with a contract: where (file:line, path), what, and what to do about it."""

    file: str
    line: int
    path: str
    problem: str

    def __str__(self) -> str:
        """Render as `file:line: path: what is wrong; what to do`."""
        return f"{self.file}:{self.line}: {self.path}: {self.problem}"


class Faults(Struct):
    """Collects the faults of one file, so that all of them can be shown at once."""

    file: str
    found: list[Fault] = field(default_factory=list)

    def add(self, spot: Spot, problem: str) -> None:
        """Note that something is wrong at `spot`."""
        self.found.append(Fault(self.file, spot.line, spot.path or "(document)", problem))

    def touch(self, spot: Spot) -> bool:
        """Whether something was found wrong at `spot` or inside it."""
        within = (f"{spot.path}.", f"{spot.path}[")
        return any(fault.path == spot.path or fault.path.startswith(within) for fault in self.found)

    def raise_if_any(self) -> None:
        """Raise ContractError with everything found so far, in file order."""
        if self.found:
            raise ContractError(tuple(sorted(set(self.found))))


class ContractError(Exception):
    """A contract that cannot be used; `faults` holds every reason."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


def show(text: str) -> str:
    r"""Return `text` on one line, cut to 80 characters, with escapes for what cannot be seen.

    >>> show("a\tb")
    'a\\tb'
    """
    cut = text if len(text) <= 80 else text[:77] + "..."
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in cut
    )


def quote(text: str) -> str:
    """Return `text` in quotes, as `show` shows it.

    >>> quote("sides")
    '"sides"'
    """
    return f'"{show(text)}"'
