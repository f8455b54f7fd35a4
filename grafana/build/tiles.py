"""The nouns of a board: tiles (panels), rows of tiles, boards; and the colours that mean something.

In: queries. Out: frozen values `render` draws and `layout` places. A tile states its words, levels and states; its unit
comes from its queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from grafana.build.catalogue import DashboardError
from grafana.build.queries import Query

__all__ = [
    "ACTIVE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PRESENT",
    "RED",
    "UP",
    "YELLOW",
    "Board",
    "Kind",
    "Row",
    "State",
    "Tile",
    "places",
    "rising",
]

Kind = Literal["stat", "bars", "series", "states", "table"]

GREEN, YELLOW, ORANGE, RED, GREY = "green", "yellow", "orange", "red", "#808080"


@dataclass(frozen=True, slots=True)
class State:
    """How one value of a tile reads: word and colour."""

    text: str
    color: str


UP = {0: State("DOWN", RED), 1: State("UP", GREEN)}
PRESENT = {0: State("MISSING", RED), 1: State("PRESENT", GREEN)}
ACTIVE = {0: State("INACTIVE", YELLOW), 1: State("ACTIVE", GREEN)}


def rising(yellow: float, red: float | None = None) -> tuple[tuple[float, str], ...]:
    """Return levels for a value that is good when low: green from 0, yellow, red."""
    return ((0.0, GREEN), (yellow, YELLOW), *([(red, RED)] if red is not None else []))


def places(values: Sequence[str], colors: Mapping[str, str]) -> dict[int, State]:
    """Return the words of `queries.which`: 0 for none, then every closed value in its colour.

    Raises:
        DashboardError: if a value has no colour, or a colour no value.
    """
    if set(values) != set(colors):
        odd = ", ".join(sorted(set(values) ^ set(colors)))
        raise DashboardError(f"states and colours do not match: {odd}; give every state of the contract one colour")
    words = {place: State(text.upper(), colors[text]) for place, text in enumerate(values, start=1)}
    return {0: State("NONE YET", GREY), **words}


@dataclass(frozen=True, slots=True)
class Tile:
    """One panel.

    `note` is for the person paged: what it means, then what to look at. `levels` are (from value, colour), rising.
    `states` gives values words. `missing` is the colour of no data: never green. `more` is the uid of the board that
    shows details.
    """

    title: str
    kind: Kind
    queries: tuple[Query, ...]
    note: str
    width: int
    height: int = 8
    levels: tuple[tuple[float, str], ...] = ()
    states: Mapping[int, State] | None = None
    missing: str = GREY
    no_data: str = "No data"
    is_stacked: bool = False
    by_name: bool = False
    most: float | None = None
    more: str = ""

    @property
    def unit(self) -> str:
        """The unit of all its queries; DashboardError if they differ."""
        units = {query.unit for query in self.queries}
        if len(units) != 1:
            raise DashboardError(f'"{self.title}" mixes the units {", ".join(sorted(units)) or "of no query"}')
        return units.pop()

    @property
    def description(self) -> str:
        """The note, and what the contracts say about each metric shown."""
        families = dict.fromkeys(family for query in self.queries for family in query.families)
        return "\n\n".join((self.note, *(f"`{family.name}`: {family.metric.help}" for family in families)))


@dataclass(frozen=True, slots=True)
class Row:
    """A headline and the tiles below it, from left to right, 24 columns to a line."""

    title: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard: `folder` is its folder in Grafana, `variables` the names of those it offers besides the data source."""

    uid: str
    title: str
    folder: str
    summary: str
    variables: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def path(self) -> str:
        """Where its JSON lies below grafana/dashboards."""
        return f"{self.folder}/{self.uid}.json"
