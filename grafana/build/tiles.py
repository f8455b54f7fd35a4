"""The nouns of a board: tiles (panels), rows of tiles, boards; and the colours that mean something.

In: queries. Out: frozen values `render` draws and `layout` places. A tile states its levels and states; its unit comes
from its queries, its words from the notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from grafana.build.catalogue import DashboardError
from grafana.build.conditions import DEAD
from grafana.build.queries import Query

__all__ = [
    "ACTIVE",
    "AGES",
    "ANY_IS_WRONG",
    "BLUE",
    "FRESH_S",
    "GREEN",
    "GREY",
    "NO_AGE",
    "ORANGE",
    "PRESENT",
    "RED",
    "UP",
    "YELLOW",
    "Board",
    "Column",
    "Kind",
    "Levels",
    "Row",
    "State",
    "Tile",
    "Words",
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


Words = Mapping[int, State]
"""Value -> how it reads."""

ANY_IS_WRONG: Levels = ((0.0, GREEN), (1.0, RED))
UP = {0: State("DOWN", RED), 1: State("UP", GREEN)}
PRESENT = {0: State("MISSING", RED), 1: State("PRESENT", GREEN)}
ACTIVE = {0: State("INACTIVE", YELLOW), 1: State("ACTIVE", GREEN), 2: State("QUIET", YELLOW)}
NO_AGE = {-3: State("DOWN", RED), -2: State("NO FILE", RED), -1: State("NO EVENT", GREY)}
"""The words of `conditions.newest`."""

FRESH_S = 15
"""After so many seconds of silence nobody knows whether it is alive, and nothing shows it as well any more."""
AGES: Levels = ((0.0, GREEN), (float(FRESH_S), YELLOW), (60.0, RED))


def rising(yellow: float, red: float | None = None) -> Levels:
    """Return levels for a value that is good when low: green from 0, yellow, red."""
    return ((0.0, GREEN), (yellow, YELLOW), *([(red, RED)] if red is not None else []))


def places(values: Sequence[str], colors: Mapping[str, str], lasting: Sequence[str] = ()) -> dict[int, State]:
    """Return the words of `queries.which`: 0 for none, then every closed value in its colour.

    What was so when it was last heard of is STALE, but for states in `lasting`, which need nobody to stay so.

    Raises:
        DashboardError: if a value has no colour, or a colour no value.
    """
    if set(values) != set(colors):
        odd = ", ".join(sorted(set(values) ^ set(colors)))
        raise DashboardError(f"states and colours do not match: {odd}; give every state of the contract one colour")
    words: dict[int, State] = {}
    for place, text in enumerate(values, start=1):
        words[place] = State(text.upper(), colors[text])
        words[-place] = words[place] if text in lasting else State(f"STALE: {text.upper()}", ORANGE)
    return {**dict(sorted(words.items())), 0: State("NONE YET", GREY), DEAD: State("DOWN", RED)}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: label or `Value`, its title, colours by text, width in pixels, where a cell leads."""

    label: str
    title: str
    colors: Mapping[str, str] = field(default_factory=dict)
    width: int = 0
    url: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One panel.

    Attributes:
        levels: (from value, colour), rising.
        states: words for values.
        missing: colour of no data.
        more: uid of the board that shows details.
        runbook: section of docs/runbooks that says what to do.
        columns: those of a table.
        sorted_by: title of the column a table begins sorted by, least first.
        bands: colours of a timeline, by state.
    """

    title: str
    kind: Kind
    queries: tuple[Query, ...]
    width: int
    height: int
    levels: Levels = ()
    states: Words | None = None
    missing: str = GREY
    no_data: str = "No data"
    is_stacked: bool = False
    more: str = ""
    runbook: str = ""
    columns: tuple[Column, ...] = ()
    sorted_by: str = ""
    bands: Mapping[str, str] = field(default_factory=dict)

    def leads_to(self, runbook: str) -> Tile:
        """Return it with a link to a section of a runbook, such as `no-metrics.md#exporter_down`."""
        return replace(self, runbook=runbook)

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


def lamp(title: str, *queries: Query, states: Words = UP, width: int = 4, more: str = "") -> Tile:
    """Return a tile that is green or not; no data is red."""
    plain = tuple(query.of("none") for query in queries)
    return Tile(title, "stat", plain, width, 4, states=states, missing=RED, no_data="NO DATA", more=more)


def word(title: str, query: Query, states: Words, width: int = 4, height: int = 4, more: str = "") -> Tile:
    """Return a tile that shows a state by its word and colour; no data is grey."""
    return Tile(title, "stat", (query.of("none"),), width, height, states=states, more=more)


def figure(
    title: str,
    queries: Query | Iterable[Query],
    levels: Levels,
    width: int = 4,
    height: int = 4,
    more: str = "",
    states: Words | None = None,
) -> Tile:
    """Return a tile that shows one number per series, on the colour of its level; no data is grey.

    `states` are words for numbers that are none, all below 0.
    """
    shown = (queries,) if isinstance(queries, Query) else tuple(queries)
    return Tile(title, "stat", shown, width, height, levels=levels, more=more, states=states)


def plot(title: str, *queries: Query, levels: Levels = (), width: int = 8, height: int = 9, more: str = "") -> Tile:
    """Return a time series, its levels drawn as dashed lines.

    Its legend is below it, with room for three lines; for more, make it half a screen wide, and it is beside it.
    """
    return Tile(title, "series", queries, width, height, levels=levels, more=more)


def stack(title: str, *queries: Query, width: int = 8, height: int = 9, more: str = "") -> Tile:
    """Return a time series whose lines add up."""
    return Tile(title, "series", queries, width, height, is_stacked=True, more=more)


@dataclass(frozen=True, slots=True)
class Row:
    """A headline and the tiles below it, from left to right, 24 columns to a line.

    `lines` is the page of the console that shows the lines its figures are made of. A folded row is opened by whoever
    needs it; until then none of its queries is asked.
    """

    title: str
    tiles: tuple[Tile, ...]
    lines: str = ""
    is_folded: bool = False


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
