"""The nouns of a board: tiles (panels), rows of tiles, boards; and the colours that mean something.

In: queries. Out: frozen values `render` draws and `layout` places. A tile states its levels and states; its unit comes
from its queries, its words from the notes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from grafana.build.catalogue import DashboardError
from grafana.build.queries import Query

__all__ = [
    "ACTIVE",
    "ANY_IS_WRONG",
    "BLUE",
    "GREEN",
    "GREY",
    "ORANGE",
    "PRESENT",
    "RED",
    "UP",
    "YELLOW",
    "Board",
    "Kind",
    "Levels",
    "Row",
    "State",
    "Tile",
    "figure",
    "lamp",
    "places",
    "plot",
    "rising",
    "stack",
    "word",
]

Levels = tuple[tuple[float, str], ...]
"""From which value on which colour, rising."""
Kind = Literal["stat", "bars", "series", "states", "table"]

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#808080"


@dataclass(frozen=True, slots=True)
class State:
    """How one value of a tile reads: word and colour."""

    text: str
    color: str


ANY_IS_WRONG: Levels = ((0.0, GREEN), (1.0, RED))
UP = {0: State("DOWN", RED), 1: State("UP", GREEN)}
PRESENT = {0: State("MISSING", RED), 1: State("PRESENT", GREEN)}
ACTIVE = {0: State("INACTIVE", YELLOW), 1: State("ACTIVE", GREEN)}


def rising(yellow: float, red: float | None = None) -> Levels:
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
    """One panel. `levels` are (from value, colour), rising; `states` give values words; `missing` colours no data.

    `more` is the uid of the board that shows details.
    """

    title: str
    kind: Kind
    queries: tuple[Query, ...]
    width: int
    height: int
    levels: Levels = ()
    states: Mapping[int, State] | None = None
    missing: str = GREY
    no_data: str = "No data"
    is_stacked: bool = False
    more: str = ""

    @property
    def unit(self) -> str:
        """The unit of all its queries; DashboardError if they differ."""
        units = {query.unit for query in self.queries}
        if len(units) != 1:
            raise DashboardError(f'"{self.title}" mixes the units {", ".join(sorted(units))}')
        return units.pop()

    @property
    def helps(self) -> tuple[str, ...]:
        """What the contracts say about each metric shown."""
        families = dict.fromkeys(family for query in self.queries for family in query.families)
        return tuple(f"`{family.name}`: {family.metric.help}" for family in families)


def lamp(title: str, *queries: Query, states: Mapping[int, State] = UP, width: int = 4, more: str = "") -> Tile:
    """Return a tile that is green or not; no data is red."""
    plain = tuple(query.of("none") for query in queries)
    return Tile(title, "stat", plain, width, 4, states=states, missing=RED, no_data="NO DATA", more=more)


def word(
    title: str, query: Query, states: Mapping[int, State], width: int = 4, height: int = 4, more: str = ""
) -> Tile:
    """Return a tile that shows a state by its word and colour; no data is grey."""
    return Tile(title, "stat", (query.of("none"),), width, height, states=states, more=more)


def figure(title: str, query: Query, levels: Levels, width: int = 4, height: int = 4, more: str = "") -> Tile:
    """Return a tile that shows one number per series, on the colour of its level; no data is grey."""
    return Tile(title, "stat", (query,), width, height, levels=levels, more=more)


def plot(title: str, *queries: Query, levels: Levels = (), width: int = 8, height: int = 8, more: str = "") -> Tile:
    """Return a time series, its levels drawn as dashed lines."""
    return Tile(title, "series", queries, width, height, levels=levels, more=more)


def stack(title: str, *queries: Query, width: int = 8, height: int = 8, more: str = "") -> Tile:
    """Return a time series whose lines add up."""
    return Tile(title, "series", queries, width, height, is_stacked=True, more=more)


@dataclass(frozen=True, slots=True)
class Row:
    """A headline and the tiles below it, from left to right, 24 columns to a line.

    `lines` is the page of the console that shows the lines its figures are made of.
    """

    title: str
    tiles: tuple[Tile, ...]
    lines: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; `folder` is its folder in Grafana, `variables` are those it offers besides the data source."""

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

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """All its tiles."""
        return tuple(tile for row in self.rows for tile in row.tiles)
