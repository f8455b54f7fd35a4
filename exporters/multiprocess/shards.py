"""The files prometheus_client's multiprocess mode writes, one per process and kind of metric: their names and content.

In: a folder. Out: `Shard`s, and the values in one. A file that is being made, cut off or damaged gives what could be
read of it.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

__all__ = ["Entry", "Shard", "list_shards", "read_entries"]

_NAME = re.compile(r"(counter|gauge_[a-z]+|histogram|summary)_(.+)\.db")


class Shard(Struct, frozen=True, order=True):
    """One file: its name, the kind of metrics in it (counter, gauge_livemax, ...), and its process's token."""

    name: str
    kind: str
    token: str

    @property
    def is_gauge(self) -> bool:
        """Whether its values are of the moment, and go with the process."""
        return self.kind.startswith("gauge")


class Entry(Struct, frozen=True):
    """One value in a file."""

    sample: str
    labels: Mapping[str, str]
    value: float


def list_shards(folder: Path) -> list[Shard]:
    """Return the files there are, by name.

    Raises:
        OSError: if the folder cannot be read.
    """
    found = [(path.name, _NAME.fullmatch(path.name)) for path in sorted(folder.iterdir())]
    return [Shard(name, match[1], match[2]) for name, match in found if match is not None]


def read_entries(path: Path) -> Iterator[Entry]:
    """Yield the values of a file, as far as it can be read."""
    from prometheus_client.mmap_dict import MmapedDict

    try:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
            _, sample, labels, _ = json.loads(key)
            if isinstance(sample, str) and isinstance(labels, dict):
                yield Entry(sample, labels, value)
    except (OSError, ValueError, TypeError, RuntimeError, struct.error):
        return
