"""notes.toml -> what each panel says to the person paged.

In: the file and the boards. Out: panel title -> note. A panel without a note and a note without a panel end the build.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from grafana.build.catalogue import DashboardError
from grafana.build.tiles import Board

__all__ = ["notes_for"]

_FILE = Path(__file__).parents[1] / "notes.toml"


def notes_for(boards: Iterable[Board], file: Path = _FILE) -> dict[str, str]:
    """Return the note of every panel, its line breaks removed."""
    notes = {title: " ".join(text.split()) for title, text in tomllib.loads(file.read_text(encoding="utf-8")).items()}
    titles = {tile.title for board in boards for tile in board.tiles}
    faults = [
        f'"{title}" has no note; write what it means and what to look at' for title in sorted(titles - set(notes))
    ]
    faults += [f'no panel is called "{title}"; delete the note' for title in sorted(set(notes) - titles)]
    if faults:
        raise DashboardError("\n".join(f"{file.name}: {fault}" for fault in faults))
    return notes
