"""The one door for whoever reads event files exactly and keeps what was read elsewhere than in an exporter's state.

In: patterns, and the rows that were kept of the positions. Out: `Batch`es of whole lines, `Notice`s, and the rows of
the positions behind them, to be kept in one `transaction` with what was read. Whoever comes here needs nothing else
of us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from exporters.engine.state.database import transaction
from exporters.engine.state.positions import Positions
from exporters.engine.stored import UnreadableError, read_rows, row_of
from exporters.engine.tail.descriptors import raise_limit
from exporters.engine.tail.tail import Tail
from exporters.engine.values import Batch, Notice

__all__ = ["Batch", "Notice", "Reading", "Row", "raise_limit", "transaction"]

Row = tuple[str, str, object]
"""(kind, key, value) of what is kept of a position; the value is anything JSON can hold, None deletes the row."""


class Reading:
    """Reads every file the patterns match. Not thread-safe; close() gives the descriptors back.

    Args:
        patterns: paths or globs.
        may_follow: whether a path the patterns lead to is to be read.
        max_line_bytes: longest line taken; longer ones are skipped and counted.
    """

    def __init__(
        self, patterns: Sequence[str], may_follow: Callable[[str], bool], max_line_bytes: int = 1 << 20
    ) -> None:
        self._tail = Tail(patterns, max_line_bytes, may_follow=may_follow)
        self._positions = Positions()

    def restore(self, rows: Iterable[Row], monotonic: float) -> list[Notice]:
        """Go on behind the positions that were kept, before the first scan(); rows of another version count as none."""
        try:
            saved = read_rows(rows)
        except UnreadableError:
            saved = read_rows(())
        self._positions.restore(saved)
        return self._tail.recover(saved.checkpoints, saved.known, monotonic)

    def scan(self, monotonic: float) -> list[Notice]:
        """Look which files the patterns lead to now."""
        return self._tail.scan(monotonic, at_once=True)

    def read(self, now: float, monotonic: float) -> Iterator[Batch | Notice]:
        """Yield what is new; whoever stops in between goes on there at the next call."""
        return self._tail.drain(now, monotonic)

    def positions(self) -> list[Row]:
        """Return the rows to be kept with everything yielded so far, those that differ from the kept ones."""
        changes = self._positions.changes(self._tail.checkpoints(), self._tail.known)
        return [row_of(one) for one in changes]

    def kept(self, monotonic: float) -> list[Notice]:
        """Note that positions() are safe, and let go of files that are done with."""
        self._positions.committed()
        return self._tail.release(monotonic)

    @property
    def problems(self) -> dict[str, str]:
        """Path -> why it cannot be read."""
        return self._tail.unreadable

    @property
    def lag_bytes(self) -> int:
        """Bytes seen in open files that are not read yet."""
        return self._tail.lag_bytes

    def close(self) -> None:
        """Give all descriptors back."""
        self._tail.close()
