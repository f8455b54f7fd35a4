"""`python -m console` and `peaktrade console`: flags and variables to settings, then serve.

In: the command line and the environment. Out: an exit code: 0 stopped, 1 it cannot be served, 2 the user must change
something. It does not start where live trading is on.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click

from console.settings import PORT, Settings
from contracts.no_live import NoLiveError, refuse_live

__all__ = ["console", "main"]

_FOLDER = click.Path(path_type=Path, file_okay=False)
_STATE = ".ops_local/state"
_YES = frozenset({"1", "true", "yes", "on"})
_REQUESTS = Path("logs/execution/execution_events.jsonl")


@click.command("console")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="TCP port; 0: any.")
@click.option("--base-runs-dir", type=_FOLDER, default=Path("live_runs"), show_default=True, help="Folder of the runs.")
@click.option(
    "--sessions-dir",
    type=_FOLDER,
    default=Path("reports/experiments/live_sessions"),
    show_default=True,
    help="Folder of the session registry.",
)
@click.option(
    "--execution-dir",
    type=_FOLDER,
    default=Path("logs/execution"),
    show_default=True,
    help="Folder of pipeline events and telemetry.",
)
@click.option(
    "--ledger",
    type=click.Path(path_type=Path),
    default=Path("logs/shadow/ledger.jsonl"),
    show_default=True,
    envvar="PEAK_TRADE_SHADOW_EVENTS_JSONL",
    show_envvar=True,
    help="The shadow ledger.",
)
@click.option(
    "--ai-events",
    type=click.Path(path_type=Path),
    default=Path("logs/ai/ai_events.jsonl"),
    show_default=True,
    envvar="PEAK_TRADE_AI_EVENTS_JSONL",
    show_envvar=True,
    help="The file of decisions.",
)
@click.option(
    "--state-dir",
    default=_STATE,
    show_default=True,
    envvar="PEAK_TRADE_STATE_DIR",
    show_envvar=True,
    help="Where the index is kept; `none`: in memory.",
)
@click.option(
    "--auto-refresh-seconds",
    type=click.IntRange(1, 3600),
    default=5,
    show_default=True,
    help="Seconds from one refresh of a page to the next, where there is no JavaScript.",
)
@click.option("--grafana-url", default="http://127.0.0.1:3000", show_default=True, help="Where links to Grafana lead.")
@click.option(
    "--requests-file",
    default=str(_REQUESTS),
    show_default=True,
    help="Where a line per request of the execution watch is appended, for its exporter; `none`: nowhere.",
)
@click.option(
    "--web.config.file",
    "--web-config-file",
    "web_config",
    metavar="FILE",
    help="TLS and passwords, in the format of Prometheus' exporters (docs/runbooks/service.md).",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
    help="Least severe message shown on standard error.",
)
def console(
    host: str,
    port: int,
    state_dir: str,
    auto_refresh_seconds: int,
    requests_file: str,
    web_config: str | None,
    log_level: str,
    **folders: object,
) -> None:
    """Serve the watch-only console: pages and an API over what runs, sessions and exporters leave in files.

    \b
    peaktrade console
    peaktrade console --base-runs-dir live_runs --port 8010 --state-dir none
    """
    logging.basicConfig(
        level=log_level.upper(), format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr, force=True
    )
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    try:
        refuse_live(os.environ, "the console")
    except NoLiveError as error:
        raise click.UsageError(str(error)) from error
    if not str(folders["grafana_url"]).startswith(("http://", "https://")):
        raise click.BadParameter(
            f"{folders['grafana_url']!r}: expected http:// or https://", param_hint="--grafana-url"
        )
    from console.serve import serve  # what --help does not need
    from exporters.web.access import WebConfigError, access_by

    try:
        access = access_by(web_config)
    except WebConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(2)

    settings = Settings(
        state_dir=None if state_dir == "none" else Path(state_dir),
        refresh_seconds=auto_refresh_seconds,
        requests_file=None if requests_file == "none" else Path(requests_file),
        counts_requests=os.environ.get("PEAK_TRADE_PROMETHEUS_ENABLED", "").strip().lower() in _YES,
        needs_client=os.environ.get("REQUIRE_PROMETHEUS_CLIENT") == "1",
        runtime_metrics=os.environ.get("PEAK_TRADE_EXECUTION_WATCH_METRICS_ENABLED") == "1",
        fixed_time=os.environ.get("PEAK_TRADE_FIXED_GENERATED_AT_UTC") or None,
        **folders,  # type: ignore[arg-type]  # each flag is a field of the same name
    )
    sys.exit(serve(settings, host, port, access))


def main() -> None:
    """Run the console as a program."""
    console.main(prog_name="python -m console")
