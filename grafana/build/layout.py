"""Board -> classic dashboard: places, ids, variables, links; and a sketch of the grid for the eye.

In: boards and the notes. Out: one SDK dashboard each. Refuses what is untidy: a line that is not 24 columns wide or
whose tiles differ in height, and a title that does not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from grafana.build.catalogue import DashboardError
from grafana.build.render import draw
from grafana.build.sdk import dashboard
from grafana.build.tiles import Board, Row, Tile
from grafana.build.uids import CONSOLE_RUNS

__all__ = ["assemble", "sketch"]

_COLUMNS = 24
"""Columns of Grafana's grid."""

_COLUMN, _BESIDE, _CHARACTER = 52.7, 58, 7.4
"""Pixels of a column on a screen of 1280, of what stands beside a title, and of one of its characters."""

_SCHEMA_VERSION = 39
"""What Grafana 10.4 writes; later ones raise it on load, none lowers it."""


def assemble(
    board: Board,
    others: Sequence[Board],
    notes: Mapping[str, str],
    variables: list[dashboard.VariableModel],
    annotations: list[dashboard.AnnotationQuery],
) -> dashboard.Dashboard:
    """Return the dashboard of a board, linked to the others; `notes` are its panels' words by title."""
    return dashboard.Dashboard(
        uid=board.uid,
        title=board.title,
        description=board.summary,
        tags=["peak-trade", "generated"],
        timezone="browser",
        editable=False,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val="now-30m", to="now"),
        refresh="10s",
        schema_version=_SCHEMA_VERSION,
        panels=list(_panels(board, notes)),
        templating=dashboard.DashboardDashboardTemplating(list_val=variables),
        annotations=dashboard.AnnotationContainer(list_val=annotations),
        links=[*(_link(other) for other in others if other is not board), _console_link()],
    )


def _link(board: Board) -> dashboard.DashboardLink:
    return dashboard.DashboardLink(
        title=board.title,
        type_val=dashboard.DashboardLinkType.LINK,
        icon="dashboard",
        tooltip=board.summary,
        url=f"/d/{board.uid}",
        tags=[],
        include_vars=True,
        keep_time=True,
    )


def _console_link() -> dashboard.DashboardLink:
    return dashboard.DashboardLink(
        title="Console",
        type_val=dashboard.DashboardLinkType.LINK,
        icon="external link",
        tooltip="What happened to this order in this run, line by line.",
        url=f"${{console:raw}}{CONSOLE_RUNS}",
        tags=[],
    )


def _panels(board: Board, notes: Mapping[str, str]) -> Iterator[dashboard.Panel | dashboard.RowPanel]:
    number, y = 0, 0
    for row in board.rows:
        number += 1
        headline = dashboard.RowPanel(title=row.title, id_val=number, panels=[], collapsed=row.is_folded)
        headline.grid_pos = dashboard.GridPos(h=1, w=_COLUMNS, x=0, y=y)
        y += 1
        below = []
        for tile, x, down in _places(board, row):
            number += 1
            place = dashboard.GridPos(h=tile.height, w=tile.width, x=x, y=y + down)
            below.append(draw(tile, notes[tile.title], number, place, row.lines))
        headline.panels = below if row.is_folded else []
        yield headline
        if not row.is_folded:
            yield from below
            y = max(panel.grid_pos.y + panel.grid_pos.h for panel in below if panel.grid_pos)


def _places(board: Board, row: Row) -> Iterator[tuple[Tile, int, int]]:
    """Yield every tile of a row with its column and line, from the line below the headline."""
    y = 0
    for line in _lines(board, row):
        x = 0
        for tile in line:
            yield tile, x, y
            x += tile.width
        y += line[0].height


def _lines(board: Board, row: Row) -> Iterator[list[Tile]]:
    line: list[Tile] = []
    for tile in row.tiles:
        line.append(tile)
        where = f'{board.uid}, row "{row.title}", tile "{tile.title}"'
        width = sum(one.width for one in line)
        if width > _COLUMNS or tile.height != line[0].height:
            raise DashboardError(f"{where}: the line is {width} columns wide or uneven; make it 24 of one height")
        room = int((tile.width * _COLUMN - _BESIDE) / _CHARACTER)
        if len(tile.title) > room:
            raise DashboardError(f"{where}: the title has {len(tile.title)} characters, a screen of 1280 shows {room}")
        if width == _COLUMNS:
            yield line
            line = []
    if line:
        raise DashboardError(f'{board.uid}, row "{row.title}": the last line is not 24 columns wide; fill it')


def sketch(board: Board) -> str:
    """Return the grid as text, eight characters per column: about what a screen of 1440 pixels shows of a title."""
    lines = [f"{board.title}  [{board.path}]"]
    for row in board.rows:
        lines.append(f"== {row.title} ".ljust(_COLUMNS * 8, "="))
        for line in _lines(board, row):
            lines += [
                "".join(_cell(tile, text) for tile, text in zip(line, texts, strict=True)) for texts in _texts(line)
            ]
    return "\n".join(lines)


def _texts(line: Sequence[Tile]) -> Iterator[list[str]]:
    yield [tile.title for tile in line]
    yield [f"{tile.kind} [{tile.unit}] {tile.width}x{tile.height}" for tile in line]
    yield from ([""] * len(line) for _ in range(line[0].height // 4))


def _cell(tile: Tile, text: str) -> str:
    inside = tile.width * 8 - 3
    return f"| {text[:inside].ljust(inside)}|"
