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

_CHARACTERS = 9
"""Characters of a title one column shows on a screen of 1600 pixels."""

_SCHEMA_VERSION = 39
"""What Grafana 10.4 writes; later ones raise it on load, none lowers it."""


def assemble(
    board: Board, others: Sequence[Board], notes: Mapping[str, str], variables: list[dashboard.VariableModel]
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
        annotations=dashboard.AnnotationContainer(list_val=[]),
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
    lines = ""
    for number, (item, x, y) in enumerate(_places(board), start=1):
        if isinstance(item, Row):
            lines = item.lines
            place = dashboard.GridPos(h=1, w=_COLUMNS, x=0, y=y)
            yield dashboard.RowPanel(title=item.title, grid_pos=place, id_val=number, panels=[])
        else:
            place = dashboard.GridPos(h=item.height, w=item.width, x=x, y=y)
            yield draw(item, notes[item.title], number, place, lines)


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
        where = f'{board.uid}, row "{row.title}", tile "{tile.title}"'
        width = sum(one.width for one in line)
        if width > _COLUMNS or tile.height != line[0].height:
            raise DashboardError(f"{where}: the line is {width} columns wide or uneven; make it 24 of one height")
        if len(tile.title) > tile.width * _CHARACTERS:
            raise DashboardError(f"{where}: the title needs {len(tile.title)} characters, its width shows fewer")
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
