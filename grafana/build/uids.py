"""Where links lead: the boards' uids, which never change, the console's address and pages, and the runbooks'."""

from __future__ import annotations

__all__ = [
    "CONSOLE",
    "CONSOLE_EXECUTIONS",
    "CONSOLE_RUNS",
    "CONSOLE_RUN_CHOSEN",
    "CONSOLE_SOURCES",
    "EXPORTERS",
    "OVERVIEW",
    "RUNBOOKS",
    "SHADOW",
    "STRATEGY",
]

OVERVIEW = "peaktrade-execution-watch-overview"
SHADOW = "peaktrade-shadow-pipeline-mvs"
EXPORTERS = "peaktrade-exporter-health"
STRATEGY = "peaktrade-strategy-risk"

CONSOLE = "http://127.0.0.1:8000"
"""The console's usual address; a board has it in its hidden variable `console`. Source: seed 002."""

CONSOLE_RUNS = "/"
CONSOLE_EXECUTIONS = "/execution_watch"
CONSOLE_RUN_CHOSEN = "/execution_watch?run_id=${run_id:text}"
"""The orders of the run chosen at the top of the board; of `All` the console shows the list."""

CONSOLE_SOURCES = "/watch"

RUNBOOKS = "https://runbooks.example.net"
"""Where the pages of docs/runbooks are served; a board has it in its hidden variable `runbooks`. To be filled in:
`peaktrade assets --runbooks URL` does. Source: `runbooks` in prometheus/prometheus.yml."""
