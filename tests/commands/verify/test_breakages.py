"""Everything that can be broken about a stack: `verify` fails, with one FAIL and the next step for one cause.

In this process: sites answer as four exporters and a Prometheus would, healthy until a breakage changes an answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from contracts.load import load_contracts
from contracts.model import Contract
from exporters.commands.export import CONTRACTS
from exporters.commands.verify.client import HttpClient
from exporters.commands.verify.finding import Finding
from exporters.commands.verify.flow import ILLS
from exporters.commands.verify.golden import GOLDEN
from exporters.commands.verify.plan import Plan, carry_out
from tests.commands.verify.conftest import FakeSite

pytestmark = pytest.mark.thorough

KNOWN = {contract.name: contract for contract in load_contracts(CONTRACTS)}
RULES = frozenset({"A", "b:c:d"})


class FakePrometheus(FakeSite):
    """Answers queries by their text: golden ones with series enough, those after ills with nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = {golden.query: golden.at_least for golden in GOLDEN}

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        parts = urlsplit(path)
        if parts.path != "/api/v1/query":
            return super().answer(path, headers)
        number = self.queries.get(parse_qs(parts.query)["query"][0], 0)
        series = [{"metric": {"instance": "host:1", "n": str(at)}, "value": [0, "700"]} for at in range(number)]
        return 200, json.dumps({"data": {"result": series}}).encode()


class FakeStack:
    """A healthy stack; what a breakage may change are `pages`, `targets`, `alerts`, `rules` and queries."""

    def __init__(self, prometheus: FakePrometheus, exporters: dict[str, FakeSite]) -> None:
        self.prometheus, self.exporters = prometheus, exporters
        self.pages = {name: page(contract) for name, contract in KNOWN.items()}
        self.targets = {contract.job: "up" for contract in KNOWN.values()}
        self.alerts: list[dict[str, Any]] = []
        self.rules = dict.fromkeys(RULES, "ok")
        self.managers = ["http://alertmanager:9093/api/v2/alerts"]
        self.is_ready = True

    def silence(self, exporter: str) -> None:
        """Let no golden query of an exporter answer."""
        for golden in GOLDEN:
            if golden.exporter == exporter:
                self.prometheus.queries[golden.query] = 0

    def ail(self, exporter: str, name: str) -> None:
        """Let the query after an ill find it."""
        [ill] = [one for one in ILLS if one.id == name and one.exporter in ("", exporter)]
        self.prometheus.queries[ill.query.replace("{job}", KNOWN[exporter].job)] = 1

    def page_somebody(self, name: str, job: str = "") -> None:
        """Let an alert of severity page fire."""
        labels = {"alertname": name, "severity": "page", **({"job": job} if job else {})}
        self.alerts.append({"labels": labels, "state": "firing", "annotations": {"runbook_url": "docs"}})

    def edit(self, exporter: str, old: str, new: str) -> None:
        """Change a metrics page."""
        assert old in self.pages[exporter]
        self.pages[exporter] = self.pages[exporter].replace(old, new)

    def verify(self) -> list[Finding]:
        """Ask everything once."""
        told = [{"labels": {"job": job}, "scrapeUrl": job, "health": health} for job, health in self.targets.items()]
        loaded = [{"name": name, "health": health} for name, health in self.rules.items()]
        self.prometheus.say("/-/ready", b"ready", 200 if self.is_ready else 503)
        self.prometheus.say("/api/v1/targets", {"data": {"activeTargets": told}})
        self.prometheus.say("/api/v1/rules", {"data": {"groups": [{"rules": loaded}]}})
        managers = [{"url": url} for url in self.managers]
        self.prometheus.say("/api/v1/alertmanagers", {"data": {"activeAlertmanagers": managers}})
        self.prometheus.say("/api/v1/alerts", {"data": {"alerts": self.alerts}})
        for name, text in self.pages.items():
            self.exporters[name].say("/metrics", text.encode(), 200 if text else 503)
        sites = [HttpClient(f"{self.exporters[name].base}/metrics") for name in KNOWN]
        plan = Plan(self.prometheus.site, None, tuple(KNOWN.values()), sites, RULES, ())
        return carry_out(plan, 0, lambda number, failing: None)


def page(contract: Contract) -> str:
    """Return the page of a healthy exporter, what verify looks at of it."""
    own = f'exporter="{contract.name}"'
    gauges = {"file_present": 1, "files_unreadable": 0, "lag_bytes": 0, "state_ok": 1}
    gauges["last_commit_timestamp_seconds"] = int(time.time())
    lines = [f"peak_trade_exporter_{name}{{{own}}} {value}" for name, value in gauges.items()]
    types = [f"# TYPE peak_trade_exporter_{name} gauge" for name in (*gauges, "build_info", "contract_info")]
    info = f'{own},contract="{contract.name}.yaml",sha256="{contract.sha256}"'
    return "\n".join(
        [
            *(text for pair in zip(types, lines, strict=False) for text in pair),
            *(types[-2], f'peak_trade_exporter_build_info{{{own},version="1"}} 1'),
            *(types[-1], f"peak_trade_exporter_contract_info{{{info}}} 1"),
            *("# TYPE peak_trade_live_trading_enabled gauge", f"peak_trade_live_trading_enabled{{{own}}} 0"),
            "",
        ]
    )


@pytest.fixture(scope="module")
def sites() -> Iterator[tuple[FakePrometheus, dict[str, FakeSite]]]:
    prometheus, exporters = FakePrometheus(), {name: FakeSite() for name in KNOWN}
    yield prometheus, exporters
    for site in (prometheus, *exporters.values()):
        site.close()


@pytest.fixture
def stack(sites: tuple[FakePrometheus, dict[str, FakeSite]]) -> FakeStack:
    prometheus, exporters = sites
    prometheus.queries = {golden.query: golden.at_least for golden in GOLDEN}
    return FakeStack(prometheus, exporters)


def stopped(stack: FakeStack) -> None:
    stack.pages["shadow_mvs"] = ""
    stack.targets["shadow_mvs"] = "down"
    stack.silence("shadow_mvs")
    stack.page_somebody("EXPORTER_Down", "shadow_mvs")


def unreachable(stack: FakeStack) -> None:
    stack.targets["ai_live"] = "down"
    stack.silence("ai_live")
    stack.page_somebody("AI_LIVE_ExporterDown", "ai_live")


def no_target(stack: FakeStack) -> None:
    del stack.targets["execution_watch"]
    stack.silence("execution_watch")


def file_gone(stack: FakeStack) -> None:
    stack.edit("shadow_mvs", 'file_present{exporter="shadow_mvs"} 1', 'file_present{exporter="shadow_mvs"} 0')
    stack.silence("shadow_mvs")
    stack.ail("shadow_mvs", "stale")
    stack.page_somebody("PIPELINE_NoEvents", "shadow_mvs")


def unreadable(stack: FakeStack) -> None:
    stack.edit("ai_live", 'files_unreadable{exporter="ai_live"} 0', 'files_unreadable{exporter="ai_live"} 2')


def behind(stack: FakeStack) -> None:
    stack.edit("ai_live", 'lag_bytes{exporter="ai_live"} 0', 'lag_bytes{exporter="ai_live"} 2000000')
    stack.ail("ai_live", "stale")


def not_kept(stack: FakeStack) -> None:
    stack.edit("ai_live", 'state_ok{exporter="ai_live"} 1', 'state_ok{exporter="ai_live"} 0')


def kept_long_ago(stack: FakeStack) -> None:
    old = next(line for line in stack.pages["ai_live"].splitlines() if "last_commit_timestamp_seconds{" in line)
    stack.edit("ai_live", old, old.rpartition(" ")[0] + f" {time.time() - 600:.0f}")


def all_refused(stack: FakeStack) -> None:
    stack.ail("ai_live", "refused")
    stack.silence("ai_live")


def lost(stack: FakeStack) -> None:
    stack.ail("execution_watch", "lost")


def stale(stack: FakeStack) -> None:
    stack.ail("shadow_mvs", "stale")
    stack.silence("shadow_mvs")
    stack.page_somebody("PIPELINE_NoEvents", "shadow_mvs")


def ai_silent(stack: FakeStack) -> None:
    stack.ail("ai_live", "stale")
    stack.silence("ai_live")


def overdue(stack: FakeStack) -> None:
    stack.ail("execution_watch", "reconciliation")


def paging(stack: FakeStack) -> None:
    stack.page_somebody("PROMETHEUS_RulesFailing", "prometheus")


def contradicting(stack: FakeStack) -> None:
    stack.page_somebody("EXPORTER_ConservationBroken", "ai_live")


def wrong_exporter(stack: FakeStack) -> None:
    stack.pages["ai_live"] = stack.pages["shadow_mvs"]
    stack.silence("ai_live")
    stack.page_somebody("AI_LIVE_ExporterDown", "ai_live")


def no_metrics_page(stack: FakeStack) -> None:
    stack.pages["ai_live"] = "<html>hello</html>\n"
    stack.silence("ai_live")


def other_program(stack: FakeStack) -> None:
    stack.pages["ai_live"] = "# TYPE go_goroutines gauge\ngo_goroutines 8\n# TYPE shop_sales gauge\nshop_sales 1\n"
    stack.silence("ai_live")


def empty_page(stack: FakeStack) -> None:
    stack.pages["ai_live"] = "\n"
    stack.silence("ai_live")


def other_contract(stack: FakeStack) -> None:
    stack.edit("ai_live", KNOWN["ai_live"].sha256, "0" * 64)


def live(stack: FakeStack) -> None:
    name = 'peak_trade_live_trading_enabled{exporter="ai_live"}'
    stack.edit("ai_live", f"{name} 0", f"{name} 1")
    stack.page_somebody("EXECUTION_LiveTradingEnabled", "ai_live")


def live_unsaid(stack: FakeStack) -> None:
    stack.edit("ai_live", 'peak_trade_live_trading_enabled{exporter="ai_live"} 0\n', "")


def rule_missing(stack: FakeStack) -> None:
    del stack.rules["A"]


def rule_broken(stack: FakeStack) -> None:
    stack.rules["A"] = "err"


def not_ready(stack: FakeStack) -> None:
    stack.is_ready = False


def foreign_metric(stack: FakeStack) -> None:
    stack.pages["ai_live"] += "# TYPE shop_sales gauge\nshop_sales 1\n"


def manager_down(stack: FakeStack) -> None:
    stack.targets["alertmanager"] = "down"
    stack.page_somebody("ALERTMANAGER_Down", "alertmanager")
    stack.page_somebody("PROMETHEUS_NobodyIsTold", "prometheus")


def no_manager(stack: FakeStack) -> None:
    stack.managers = []
    stack.page_somebody("ALERTMANAGER_Down", "alertmanager")
    stack.page_somebody("PROMETHEUS_NobodyIsTold", "prometheus")


def quiet(stack: FakeStack) -> None:
    stack.prometheus.queries["peaktrade_signals_total"] = 0


BREAKAGES: dict[Callable[[FakeStack], None], str] = {
    stopped: "FAIL|shadow_mvs_metrics|{base}/metrics: answered 503",
    unreachable: "FAIL|target_ai_live|ai_live is down: no reason given",
    no_target: "FAIL|target_execution_watch|Prometheus has no target of job execution_watch",
    file_gone: "FAIL|shadow_mvs_file|none of its event files exists",
    unreadable: "FAIL|ai_live_file|it may not read 2 of its event files",
    behind: "FAIL|ai_live_lag|it is 2000000 bytes behind its event files (at most 1048576 are well)",
    not_kept: "FAIL|ai_live_state|it cannot keep its state; what it shows is what it kept last",
    kept_long_ago: "FAIL|ai_live_state|it kept its state {age} s ago (at most 60 s are well)",
    all_refused: "FAIL|ai_live_refused|70000% of the lines of the last 5 minutes were refused at host:1"
    " (at most 1% is well)",
    lost: "FAIL|execution_watch_lost|700 bytes of events were destroyed within the last hour before host:1 could read"
    " them",
    stale: "FAIL|shadow_mvs_stale|the run at host:1 says it is alive, and its newest event is 700 s old",
    ai_silent: "FAIL|ai_live_stale|a run is alive, and the AI layer at host:1 has been silent for more than a minute",
    overdue: "FAIL|execution_watch_reconciliation|the orchestrator at host:1 runs, and last reconciled 700 s ago"
    " (at most 600 s are well)",
    paging: "FAIL|alert_PROMETHEUS_RulesFailing|PROMETHEUS_RulesFailing fires",
    contradicting: "FAIL|alert_EXPORTER_ConservationBroken|EXPORTER_ConservationBroken fires",
    wrong_exporter: "FAIL|ai_live_metrics|{base}/metrics: this is shadow_mvs, not ai_live",
    no_metrics_page: "FAIL|ai_live_metrics|{base}/metrics: not a metrics page (",
    other_program: "FAIL|ai_live_metrics|{base}/metrics: this is no exporter of ours, but what shows go_goroutines",
    empty_page: "FAIL|ai_live_metrics|{base}/metrics: the page is empty",
    other_contract: "FAIL|ai_live_contract|runs another ai_live.yaml (000000000000) than the one on disk (",
    live: "FAIL|ai_live_no_live|LIVE_TRADING_ENABLED is on where ai_live runs; this system only ever watches",
    live_unsaid: "FAIL|ai_live_no_live|the page does not say whether live trading is enabled",
    rule_missing: "FAIL|rules|1 of 2 rules are loaded; missing: A",
    rule_broken: "FAIL|rules|1 rules cannot be evaluated: A (None)",
    not_ready: "FAIL|prometheus_ready|{base}/-/ready: answered 503",
    manager_down: "FAIL|target_alertmanager|alertmanager is down: no reason given",
    no_manager: "FAIL|alertmanagers|Prometheus has no Alertmanager, so nobody is told what fires",
    foreign_metric: "FAIL|ai_live_metrics|shop_sales is not in the contract",
    quiet: "FAIL|signals|peaktrade_signals_total: 0 series, expected at least 1",
}


def test_a_healthy_stack_passes(stack: FakeStack) -> None:
    assert [str(finding) for finding in stack.verify() if finding.level in ("FAIL", "WARN")] == []


@pytest.mark.parametrize("spoil", BREAKAGES, ids=lambda spoil: spoil.__name__)
def test_one_cause_is_one_failure_with_the_next_step_and_what_follows_says_so(
    stack: FakeStack, spoil: Callable[[FakeStack], None]
) -> None:
    spoil(stack)
    found = stack.verify()
    [failure] = [finding for finding in found if not finding.passed]
    bases = [site.base for site in (stack.prometheus, *stack.exporters.values())]
    expected = [BREAKAGES[spoil].replace("{base}", base).replace("{age}", age) for base in bases for age in AGES]
    assert any(str(failure).startswith(text) for text in expected), str(failure)
    assert failure.watcher
    followers = [finding for finding in found if finding.level == "WARN" and finding.id != "prometheus"]
    assert all(finding.message.startswith(f"follows from {failure.id}: ") for finding in followers)


AGES = ("599", "600", "601", "602")


def test_there_are_more_than_twenty_breakages() -> None:
    assert len(BREAKAGES) > 20
