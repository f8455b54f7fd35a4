"""The long description of the wheel: README.md, as it can be read where there is no repository around it.

In: README.md and, in pyproject.toml, `Source` under `[project.urls]`. Out: the same text; what leads into the
repository is absolute if its address is known, else it is the words alone, as a link that leads nowhere helps nobody.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

__all__ = ["Readme", "readable_elsewhere"]

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)\s]+)\)")


def readable_elsewhere(text: str, source: str) -> str:
    """Return Markdown without relative links; `source` is the address of the repository, or ""."""

    def elsewhere(found: re.Match[str]) -> str:
        mark, words, path = found.groups()
        if source:
            kind = "raw" if mark else "blob"
            return f"{mark}[{words}]({source.rstrip('/')}/{kind}/main/{path})"
        return "" if mark else words

    return _LINK.sub(elsewhere, text)


class Readme(MetadataHookInterface):
    """Gives hatchling the long description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the readme."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = readable_elsewhere(text, metadata.get("urls", {}).get("Source", ""))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
