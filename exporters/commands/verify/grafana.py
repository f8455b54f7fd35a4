"""Asks Grafana: is it well, is there the datasource, does it reach Prometheus, are the dashboards there.

In: a site with credentials, and the dashboards of the repository. Out: checks. Credentials never reach a finding.
"""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporters.commands.verify.client import HttpClient, NoAnswerError
from exporters.commands.verify.finding import Check, Finding, fail, passed

__all__ = ["DATASOURCE", "Dashboard", "check_health", "credentials", "grafana_checks", "read_dashboards"]

DATASOURCE = "prometheus"
"""Name of the datasource. Source: seed 003 looks it up by this name."""

_START = "start Grafana, or give its address with --grafana-url; check its user or token"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard of the repository, as Grafana should have it."""

    uid: str
    title: str


def credentials(environment: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the header that proves who asks; None if the environment holds neither token nor password."""
    token = environment.get("GRAFANA_TOKEN", "").strip()
    if token:
        return {"Authorization": f"Bearer {token}"}
    password = environment.get("GF_SECURITY_ADMIN_PASSWORD", "")
    if not password:
        return None
    user = environment.get("GF_SECURITY_ADMIN_USER", "").strip() or "admin"
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def read_dashboards(folder: Path) -> list[Dashboard]:
    """Return the dashboards of a folder and its subfolders, in file order.

    Raises:
        ValueError: if a file is no dashboard.
    """
    return [_read_dashboard(path) for path in sorted(folder.rglob("*.json"))]


def _read_dashboard(path: Path) -> Dashboard:
    try:
        found = json.loads(path.read_bytes())
        return Dashboard(found["uid"], found["title"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a dashboard with uid and title") from error


def check_health(grafana: HttpClient) -> Check:
    """Is Grafana there, with its database."""

    def ask() -> Iterator[Finding]:
        found = grafana.read_json("/api/health", "grafana/health.json")
        state = found.get("database", "unknown") if isinstance(found, dict) else "unknown"
        if state == "ok":
            yield passed("grafana_health", f"{grafana.base} is well")
        else:
            yield fail("grafana_health", f"{grafana.base}: its database is {state}", "see the log of Grafana")

    return Check("grafana_health", ask, _START)


def grafana_checks(grafana: HttpClient, dashboards: Sequence[Dashboard]) -> list[Check]:
    """Return the checks of the datasource and of each dashboard."""
    return [
        Check("grafana_datasource", lambda: _datasource(grafana), f"provision a datasource named {DATASOURCE}"),
        *(_check_dashboard(grafana, dashboard) for dashboard in dashboards),
    ]


def _datasource(grafana: HttpClient) -> Iterator[Finding]:
    name = "grafana_datasource"
    found = grafana.read_json(f"/api/datasources/name/{DATASOURCE}", "grafana/datasource.json")
    if not isinstance(found, dict) or found.get("type") != "prometheus":
        yield fail(name, f"the datasource {DATASOURCE} is none of type prometheus", "see grafana/provisioning/")
        return
    path = f"/api/datasources/proxy/uid/{_quote(str(found.get('uid')))}/api/v1/query"
    answer = grafana.read_json(path, "grafana/query_up.json", query="up")
    try:
        targets = len(answer["data"]["result"])
    except (KeyError, TypeError) as error:
        raise NoAnswerError(f"{grafana.base.rstrip('/')}{path}: answered no vector to up") from error
    if targets:
        yield passed(name, f"{DATASOURCE} at {found.get('url')} answers, {targets} targets")
    else:
        watcher = "is the url of the datasource the Prometheus that was verified"
        yield fail(name, f"{DATASOURCE} at {found.get('url')} answers, and knows no target", watcher)


def _check_dashboard(grafana: HttpClient, dashboard: Dashboard) -> Check:
    name = f"dashboard_{dashboard.uid}"

    def ask() -> Iterator[Finding]:
        path = f"/api/dashboards/uid/{_quote(dashboard.uid)}"
        found = grafana.read_json(path, f"grafana/{_quote(dashboard.uid)}.json")
        title = found.get("dashboard", {}).get("title") if isinstance(found, dict) else None
        if title == dashboard.title:
            yield passed(name, dashboard.title)
        else:
            watcher = "Grafana shows another version; restart it to provision the files again"
            yield fail(name, f"its title is {title!r}, the file says {dashboard.title!r}", watcher)

    return Check(name, ask, "is grafana/dashboards/ mounted, and its provider provisioned")


def _quote(text: str) -> str:
    return urllib.parse.quote(text, safe="")
