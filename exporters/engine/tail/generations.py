"""The generations of every path: the file it leads to, and those before it that are still open. Part of the tail stage.

In: what a scan found, and time. Out: where a generation starts to be read, and which may be let go.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from exporters.engine.tail.classify import Held
from exporters.engine.tail.families import Families
from exporters.engine.tail.finder import Inode
from exporters.engine.tail.stream import Stream

__all__ = ["Chain", "Generation", "OpenFiles", "held", "predecessor"]

_MIN_REWRITE = 32
"""Bytes of equal content below which a file is not taken for the rewrite of another."""


_HELD = 64
"""Drained files kept open though nothing has taken their place, as the writer may still have them. The longest quiet
ones beyond it are let go, so that files moved out of a glob one by one do not use up the descriptors."""


_MANY = 256
_QUIET_S = 10.0
"""Of many files, those quiet for so long are not asked at every poll whether they have changed."""


class Generation(Struct, eq=False):
    """A stream and its life: since when no path leads to it, when it last gave bytes, whether it has been begun.

    `serial` orders the generations of a path. `after_gap`: the path led nowhere for a while before this file appeared,
    so it cannot be an atomic rewrite. `is_packed`: the stream is a packed file's text, which has no name of its own.
    """

    stream: Stream
    is_begun: bool
    active_at: float
    after_gap: bool = False
    serial: int = 0
    moved_at: float | None = None
    is_packed: bool = False

    @property
    def inode(self) -> Inode:
        """Device and inode of the open file; of none if packed, as that file is not held and another may get them."""
        return (0, 0) if self.is_packed else (self.stream.key.dev, self.stream.key.ino)

    @property
    def is_live(self) -> bool:
        """Whether a path led to it at the last scan."""
        return self.moved_at is None

    @property
    def quiet_since(self) -> float:
        """When it moved away or last gave bytes, whichever came later."""
        return self.active_at if self.moved_at is None else max(self.moved_at, self.active_at)

    @property
    def is_read(self) -> bool:
        """Whether there is nothing in it that has not been looked at."""
        return self.is_begun and self.stream.is_read

    def look(self, path: str | None, monotonic: float) -> None:
        """Note what a scan found: the name it has now, or that no path leads to it."""
        if path is not None:
            self.stream.path, self.moved_at = path, None
        elif self.moved_at is None:
            self.moved_at = monotonic

    def is_quiet(self, monotonic: float, grace_s: float) -> bool:
        """Whether it has been read to its end and been left alone for `grace_s`, since it moved away if it did."""
        return monotonic - self.quiet_since >= grace_s and not self.stream.has_changed

    def begin(self, before: Stream | None) -> None:
        """Decide where it starts: at 0, or where its deleted predecessor ended if it is its rewrite.

        Raises:
            OSError: if the file cannot be read; it is not begun then.
        """
        if not self.is_begun:
            if before is not None and not self.after_gap and len(before.proof.anchor) >= _MIN_REWRITE:
                self.stream.take_over(before)
            self.is_begun = True


Chain = list[Generation]
"""Generations in the order they are read, the newest last."""


def held(chain: Chain) -> list[Held]:
    """Return how far the generations of a chain have been read."""
    return [Held(gen.stream.checkpoint(gen.serial), gen.stream.fd, gen.is_live) for gen in chain]


def predecessor(gen: Generation, chain: Chain) -> Stream | None:
    """Return the stream of the newest earlier generation that had the same name and is deleted."""
    earlier = (one.stream for one in reversed(chain[: chain.index(gen)]) if not one.is_packed)
    return next((one for one in earlier if one.path == gen.stream.path and one.is_deleted), None)


class OpenFiles:
    """Every open file. A chain keeps the name its first file was opened by, whatever rotation makes of that file."""

    def __init__(self) -> None:
        self._open_files: dict[str, Chain] = {}
        self._families = Families()
        self.serial = 0

    def at(self, key: str) -> Chain:
        """Return the chain of that name, which may be empty."""
        if key not in self._open_files:
            self._open_files[key] = []
            self._families.add(key)
        return self._open_files[key]

    def held(self, key: str) -> list[Held]:
        """Return how far the generations of the chain of that name have been read."""
        return held(self._open_files.get(key, []))

    def held_by_family(self, key: str) -> list[Held]:
        """Return the same of all chains whose names are of one family."""
        return self.held_beside(key, self._open_files.get(key, []))

    def held_beside(self, path: str, chain: Chain) -> list[Held]:
        """Return the same of a chain, and of all others whose names are of the family of `path`."""
        family = [self._open_files.get(name, []) for name in self._families.of(path)]
        return [one for other in [chain, *(other for other in family if other is not chain)] for one in held(other)]

    def restless(self, monotonic: float, everything: bool) -> Iterator[Chain]:
        """Yield the chains in which something may be new, without those whose one file has not changed.

        Args:
            everything: whether to ask those too that have been quiet for long, if they are many.
        """
        is_asked = everything or len(self._open_files) < _MANY
        for chain in filter(None, list(self._open_files.values())):
            gen, *others = chain
            if not others and gen.is_begun:
                is_recent = monotonic - gen.active_at < _QUIET_S
                if not (is_asked or is_recent) or gen.stream.is_unchanged:
                    continue
            yield chain

    def count(self) -> int:
        """Return how many files are open."""
        return sum(map(len, self._open_files.values()))

    def keys(self) -> list[str]:
        """Return the names of the chains that have a generation."""
        return [key for key, chain in self._open_files.items() if chain]

    def items(self) -> list[tuple[str, Chain]]:
        """Return the chains with their names."""
        return list(self._open_files.items())

    def generations(self) -> Iterator[Generation]:
        """Yield every generation."""
        return (gen for chain in list(self._open_files.values()) for gen in list(chain))

    def add(self, gen: Generation, chain: Chain, before: Generation | None = None) -> None:
        """Put a generation at the end of a chain, or in front of `before`, and number those from there on."""
        at = len(chain) if before is None else chain.index(before)
        chain.insert(at, gen)
        for later in chain[at:]:
            later.serial = self.next_serial()

    def next_serial(self) -> int:
        """Return a number larger than any before it."""
        self.serial += 1
        return self.serial

    def drop(self, gen: Generation) -> None:
        """Forget a generation."""
        for key, chain in self.items():
            if gen in chain:
                chain.remove(gen)
                if not chain:
                    del self._open_files[key]
                    self._families.discard(key)
                return

    def names(self) -> dict[str, str]:
        """Return which chain each name led to when last seen. The watcher's thread asks, too, while chains change."""
        names: dict[str, str] = {}
        for key, chain in self.items():
            for gen in chain:
                if gen.is_live or gen.stream.path not in names:
                    names[gen.stream.path] = key
        return names

    def live(self) -> dict[str, Generation]:
        """Return the generation that each chain's path leads to."""
        return {key: chain[-1] for key, chain in self._open_files.items() if chain and chain[-1].is_live}

    def missed(self) -> set[str]:
        """Return the names that led to a file once and lead to none now."""
        return {*self.keys(), *self.names()} - {gen.stream.path for gen in self.generations() if gen.is_live}

    def done(self, monotonic: float, grace_s: float, is_short: bool) -> list[Generation]:
        """Return the generations to let go: quiet, and deleted or replaced, or too many.

        Args:
            is_short: whether descriptors are wanted; files that have a name are let go at once then, and found again by
                it if they grow.
        """
        done: list[Generation] = []
        kept: list[Generation] = []
        for chain in self._open_files.values():
            for gen in chain:
                if gen.moved_at is None:
                    continue
                is_wanted = is_short and not gen.stream.is_deleted
                if gen.is_quiet(monotonic, 0.0 if is_wanted else grace_s):
                    is_replaced = is_wanted or gen is not chain[-1] or any(other.is_live for other in chain)
                    (done if is_replaced or gen.stream.is_deleted else kept).append(gen)
        kept.sort(key=lambda gen: gen.quiet_since)
        return done + kept[:-_HELD]
