"""Positions yield what differs from what is stored, or everything."""

from __future__ import annotations

from exporters.engine.records import Gone, KnownBackups
from exporters.engine.state.positions import Positions
from exporters.engine.tail.classify import no_checkpoint
from exporters.engine.values import FileKey


def test_only_what_differs_from_what_is_stored_is_written_unless_everything_is_asked_for() -> None:
    positions, known = Positions(), frozenset({FileKey(1, 2)})
    first, second, third = (no_checkpoint(path, serial) for serial, path in enumerate("abc", start=1))
    assert list(positions.changes([first, second], known)) == [first, second, KnownBackups(known)]
    positions.committed()
    again = [first, third]
    assert list(positions.changes(again, known)) == [third, Gone(second)]
    assert list(positions.changes(again, known, everything=True)) == [first, third, KnownBackups(known)]
    positions.committed()
    assert list(positions.changes(again, known)) == []
    assert list(positions.changes([first], frozenset())) == [Gone(third), KnownBackups(frozenset())]
    assert positions.files() == []
