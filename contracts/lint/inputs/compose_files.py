"""Compose files as the lint sees them: services with their image, command, ports and mounts.

In: a YAML document. Out: `Service`s, each with places. What holds a variable (`${PORT}`) has no value here and is left
out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.compiler.document import Spot
from contracts.lint.finding import Place

__all__ = ["Mount", "Published", "Service", "read_services"]

_PORT = re.compile(r"(?:(?:\[[\da-f:]+\]|\d+(?:\.\d+){3}|localhost):)?(?:(\d+):)?(\d+)(?:/(?:tcp|udp))?")


@dataclass(frozen=True, slots=True)
class Published:
    """One port of a container, and that of the machine it is reached by (0: none is stated)."""

    host: int
    container: int
    place: Place


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount: `source` is a path (relative ones begin with `.`) or a volume's name."""

    source: str
    target: str
    is_read_only: bool
    place: Place

    @property
    def is_of_files(self) -> bool:
        """Whether files of this machine are mounted, not a volume."""
        return self.source.startswith((".", "/", "~"))


@dataclass(frozen=True, slots=True)
class Service:
    """One service; `image` without registry and tag, `command` its words."""

    name: str
    image: str
    command: tuple[str, ...]
    ports: tuple[Published, ...]
    mounts: tuple[Mount, ...]
    place: Place

    def words_after(self, flag: str) -> Iterator[str]:
        """Yield the values of a flag, written `--flag=value` or `--flag value`."""
        for number, word in enumerate(self.command):
            if word.startswith(f"{flag}="):
                yield word.partition("=")[2]
            elif word == flag and number + 1 < len(self.command):
                yield self.command[number + 1]


def read_services(file: str, document: Spot) -> Iterator[Service]:
    """Yield the services of one file, in order."""
    for name, spot in document.entries("services"):
        image = spot.text_of("image").partition("@")[0].rpartition("/")[2].partition(":")[0]
        ports = tuple(found for one in spot.at("ports").elements() for found in _published(one, file))
        mounts = tuple(found for one in spot.at("volumes").elements() for found in _mount(one, file))
        command = (*_words(spot.get("entrypoint")), *_words(spot.get("command")))
        yield Service(name, image, command, ports, mounts, Place(file, spot.line))


def _words(spot: Spot | None) -> tuple[str, ...]:
    if spot is None:
        return ()
    if not isinstance(spot.value, str):
        return tuple(one.text for one in spot.elements())
    try:
        return tuple(shlex.split(spot.text))
    except ValueError:  # a quote that is not closed, which the engine refuses
        return tuple(spot.text.split())


def _published(spot: Spot, file: str) -> Iterator[Published]:
    place = Place(file, spot.line)
    if spot.get("target") is not None:
        host, container = spot.text_of("published", "0"), spot.text_of("target")
    else:
        found = _PORT.fullmatch(spot.text)
        host, container = (found[1] or "0", found[2]) if found else ("", "")
    if re.fullmatch(r"\d{1,5}", host) and re.fullmatch(r"\d{1,5}", container):
        yield Published(int(host), int(container), place)


def _mount(spot: Spot, file: str) -> Iterator[Mount]:
    place = Place(file, spot.line)
    if spot.get("target") is not None:
        if spot.text_of("type", "volume") in ("bind", "volume") and "$" not in spot.text_of("source"):
            yield Mount(spot.text_of("source"), spot.text_of("target"), spot.at("read_only").is_true, place)
        return
    parts = spot.text.split(":")
    if len(parts) >= 2 and "$" not in spot.text:
        yield Mount(parts[0], parts[1], "ro" in ":".join(parts[2:]).split(","), place)
