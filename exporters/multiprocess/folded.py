"""The one file in which the counters of dead processes live on.

In: a folder. Out: `Folded`, read or written whole. It names the files its values contain, so that a process killed
before it could remove them does not count them twice.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct, field

from exporters.multiprocess.claims import FolderError

__all__ = ["FILE", "Folded", "read_folded", "write_folded"]

FILE = "folded.json"


class Folded(Struct, forbid_unknown_fields=True):
    """What the dead counted: (metric, label name -> value, count) each, and since when (UTC epoch seconds).

    `names` are the values of each capped word, in the order in which they took their places; `contains` names the
    files whose values are in `counters` already.
    """

    since: float
    counters: list[tuple[str, dict[str, str], float]] = field(default_factory=list)
    names: dict[str, list[str]] = field(default_factory=dict)
    contains: list[str] = field(default_factory=list)


def read_folded(folder: Path, now: float) -> Folded:
    """Return what was written last; a new beginning if nothing was.

    Raises:
        FolderError: if the file cannot be read; it is left as it is, as its values exist nowhere else.
    """
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Folded)
    except FileNotFoundError:
        return Folded(now)
    except (OSError, msgspec.MsgspecError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise FolderError(f"{path}: cannot be read: {reason}; move it away to begin anew") from error


def write_folded(folder: Path, folded: Folded) -> None:
    """Replace the file, so that it is the old one or the new one whenever the machine stops.

    Raises:
        OSError: if it cannot be written; the old one stays.
    """
    aside = folder / f"{FILE}.new"
    with aside.open("wb") as file:
        file.write(msgspec.json.encode(folded))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / FILE)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
