"""Board -> classic dashboard: places, ids, variables, links; and a sketch of the grid for the eye.

In: boards. Out: one SDK dashboard each. Refuses what is untidy: a line that is not 24 columns wide, or whose tiles differ
in height.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grafana.build.catalogue import DashboardError
from grafana.build.render import draw
from grafana.build.sdk import dashboard
from grafana.build.tiles import Board, Row, Tile

__all__ = ["assemble", "sketch"]

_COLUMNS = 24
"""Columns of Grafana's grid."""

_SCHEMA_VERSION = 39
"""What Grafana 10.4 writes; later ones raise it on load, none lowers it."""


def assemble(board: Board, others: Sequence[Board], variables: list[dashboard.VariableModel]) -> dashboard.Dashboard:
    """Return the dashboard of a board, linked to the others."""
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
        panels=list(_panels(board)),
        templating=dashboard.DashboardDashboardTemplating(list_val=variables),
        annotations=dashboard.AnnotationContainer(list_val=[]),
        links=[_link(other) for other in others if other is not board],
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


def _panels(board: Board) -> Iterator[dashboard.Panel | dashboard.RowPanel]:
    number = 0
    for item, x, y in _places(board):
        number += 1
        if isinstance(item, Row):
            place = dashboard.GridPos(h=1, w=_COLUMNS, x=0, y=y)
            yield dashboard.RowPanel(title=item.title, grid_pos=place, id_val=number, panels=[])
        else:
            yield draw(item, number, dashboard.GridPos(h=item.height, w=item.width, x=x, y=y))


def _places(board: Board) -> Iterator[tuple[Row | Tile, int, int]]:
    """Yield every headline and tile with its column and line."""
    y = 0
    for row in board.rows:
        yield row, 0, y
        y += 1
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
        width = sum(one.width for one in line)
        if width > _COLUMNS or tile.height != line[0].height:
            where = f'{board.uid}, row "{row.title}", tile "{tile.title}"'
            raise DashboardError(f"{where}: the line is {width} columns wide or uneven; make it 24 of one height")
        if width == _COLUMNS:
            yield line
            line = []
    if line:
        width = sum(one.width for one in line)
        raise DashboardError(f'{board.uid}, row "{row.title}": the last line is {width} of 24 columns wide; fill it')


def sketch(board: Board, cell: int = 6) -> str:
    """Return the grid as text: `cell` characters per column, one line per two grid units, titles cut where they would be."""
    canvas: dict[int, list[str]] = {}
    for item, x, y in _places(board):
        if isinstance(item, Row):
            canvas[2 * y] = list(f"== {item.title} ".ljust(_COLUMNS * cell, "="))
            continue
        inside = item.width * cell - 2
        for line in range(2 * y, 2 * y + item.height):
            row = canvas.setdefault(line, [" "] * _COLUMNS * cell)
            text = {0: item.title, 1: f"({item.kind}, {item.unit})"}.get(line - 2 * y, "")
            text = "_" * inside if line == 2 * y + item.height - 1 and not text else text[:inside].ljust(inside)
            row[x * cell : (x + item.width) * cell] = f"|{text}|"
    lines = ("".join(canvas[line]).rstrip() for line in sorted(canvas))
    return "\n".join((f"{board.title}  [{board.folder}/{board.uid}]", *lines))
