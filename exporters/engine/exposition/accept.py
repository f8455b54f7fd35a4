"""Which exposition format a scraper gets, by its Accept header.

In: the header as it came, however odd. Out: an encoder and the content type it makes. What is asked for in a version
nobody knows is as good as not asked for; whoever asks for nothing that there is gets the text format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

__all__ = ["FORMATS", "Format", "choose_format"]


class Format(Struct, frozen=True):
    """An exposition format: its media type and version, and what writes it."""

    media_type: str
    version: str
    encode: Callable[[Collector], bytes]

    @property
    def content_type(self) -> str:
        """The Content-Type of a page in this format."""
        return f"{self.media_type}; version={self.version}; charset=utf-8"


_TEXT = Format("text/plain", "0.0.4", generate_latest)

FORMATS: Sequence[Format] = (
    _TEXT,
    Format("text/plain", "1.0.0", generate_latest),
    Format("application/openmetrics-text", "1.0.0", generate_openmetrics),
)
"""Every format there is, the preferred one of a media type first.

Text 1.0.0 differs from 0.0.4 in how names beyond [a-zA-Z0-9_:] are written; no contract has such names.
"""

_ENTRY = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
_PARAMETER = re.compile(r';\s*([^;="\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;"]*)')


def choose_format(accept: str) -> Format:
    """Return the format with the highest quality, of equal ones the first in the header."""
    quality, found = max(_offers(accept), key=lambda offer: offer[0], default=(0.0, _TEXT))
    return found if quality > 0 else _TEXT


def _offers(accept: str) -> Iterator[tuple[float, Format]]:
    """Yield what the header asks for and there is, with its quality."""
    for entry in _ENTRY.findall(accept):
        media_range = entry.partition(";")[0].strip().lower()
        stated = {name.lower(): value.strip().strip('"') for name, value in _PARAMETER.findall(entry)}
        for one in FORMATS:
            if media_range in (one.media_type, "text/*", "*/*") and stated.get("version", one.version) == one.version:
                yield _quality(stated.get("q", "1")), one
                break


def _quality(stated: str) -> float:
    """Return a weight from 0 to 1; one that makes no sense is 0."""
    return float(stated) if re.fullmatch(r"0(\.\d*)?|1(\.0*)?", stated) else 0.0
