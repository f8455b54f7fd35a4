"""Keeps what was answered: a folder per run, in it a file per answer, a summary, where it comes from, and checksums.

In: a folder, answers by name, lines. Out: files below `FOLDER/<date>Z/`, which is new for every run, so that nothing is
ever overwritten. A name is a relative path below it.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from exporters.version import VERSION

__all__ = ["Evidence", "commit_of"]


@dataclass(slots=True)
class Evidence:
    """Writes below `folder`; without one it keeps nothing. `place` is where this run's files are.

    Raises:
        OSError: if the folder cannot be made.
    """

    folder: Path | None
    place: Path | None = None
    _lines: list[str] = field(default_factory=list)
    _sums: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folder is not None:
            self.place = _new_folder(self.folder, datetime.now(UTC))

    def keep(self, name: str, answer: bytes) -> None:
        """Write an answer; a later answer to the same question replaces it."""
        if self.place is not None:
            path = self.place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(answer)
            self._sums[name] = hashlib.sha256(answer).hexdigest()

    def note(self, line: str) -> None:
        """Remember a line for the summary."""
        self._lines.append(line)

    def close(self, facts: Mapping[str, str]) -> None:
        """Write summary.txt, META.txt (`facts` beside host and versions) and SHA256SUMS, which `sha256sum -c` reads."""
        own = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "host": platform.node(),
            "peaktrade": VERSION,
            "commit": commit_of(Path(__file__).parents[3]) or "unknown",
            "python": platform.python_version(),
        }
        self.keep("META.txt", "".join(f"{name}={value}\n" for name, value in (own | dict(facts)).items()).encode())
        self.keep("summary.txt", ("\n".join(self._lines) + "\n").encode())
        sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(self._sums.items()))
        self.keep("SHA256SUMS", sums.encode())


def _new_folder(folder: Path, now: datetime) -> Path:
    name = now.strftime("%Y-%m-%dT%H-%M-%SZ")
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1000):
        path = folder / (f"{name}-{number}" if number else name)
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise OSError(f"{folder}: has a thousand folders of this second")


def commit_of(root: Path) -> str:
    """Return the commit a checkout is at, read from its .git; "" if it is no checkout."""
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).is_file():
            return (git / name).read_text().strip()
        packed = (git / "packed-refs").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")
