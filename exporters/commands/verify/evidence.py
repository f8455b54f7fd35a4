"""Keeps what was answered: one file per answer, and a summary.

In: a folder, answers by name, lines. Out: files. A name is a relative path below the folder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Evidence"]


@dataclass(slots=True)
class Evidence:
    """Writes into `folder`; without one it keeps nothing."""

    folder: Path | None
    _lines: list[str] = field(default_factory=list)

    def keep(self, name: str, answer: bytes) -> None:
        """Write an answer; a later answer to the same question replaces it."""
        if self.folder is not None:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(answer)

    def note(self, line: str) -> None:
        """Remember a line for the summary."""
        self._lines.append(line)

    def close(self) -> None:
        """Write summary.txt."""
        self.keep("summary.txt", ("\n".join(self._lines) + "\n").encode())
