"""All boards: from contracts to the text of every file below grafana/dashboards.

In: a folder of contracts. Out: file name -> JSON. A board that asks for something unknown fails here, by its name.
"""

from __future__ import annotations

from collections.abc import Sequence

from contracts.model import Contract
from grafana.build import execution_watch_overview, exporter_health, shadow_pipeline, strategy_risk
from grafana.build.annotations import annotations_of_all
from grafana.build.catalogue import Catalogue, DashboardError
from grafana.build.layout import assemble
from grafana.build.notes import notes_for
from grafana.build.sdk import encode
from grafana.build.tiles import Board
from grafana.build.variables import variables_of

__all__ = ["boards_of", "texts_of"]

_MAKERS = (execution_watch_overview, shadow_pipeline, strategy_risk, exporter_health)


def boards_of(contracts: Sequence[Contract]) -> tuple[Board, ...]:
    """Return every board.

    Raises:
        DashboardError: if one asks for a metric, label or value that does not exist.
    """
    catalogue = Catalogue(contracts)
    boards = []
    for maker in _MAKERS:
        try:
            boards.append(maker.board(catalogue))
        except DashboardError as error:
            raise DashboardError(f"{maker.__name__.rsplit('.', 1)[-1]}: {error}") from error
    return tuple(boards)


def texts_of(contracts: Sequence[Contract]) -> dict[str, str]:
    """Return path below grafana/dashboards -> JSON."""
    catalogue, boards = Catalogue(contracts), boards_of(contracts)
    notes = notes_for(boards)
    annotations = annotations_of_all(contract.job for contract in catalogue.contracts)
    return {
        board.path: encode(assemble(board, boards, notes, variables_of(board.variables, catalogue), annotations))
        for board in boards
    }
