"""Rules about scrape configurations: what each says of one fault in the small checkout, word by word, and what it accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

BAD = [
    pytest.param('scrape/job', 'prometheus/prometheus.yml', 'job_name: shop', 'job_name: store', ['prometheus/prometheus.yml:1: error: no job scrapes shop; add job_name "shop" with port 9200 [scrape/job]', 'prometheus/prometheus.yml:9: error: the job "store" has no contract (expected one of shop); write one or delete it [scrape/job]'], id='scrape/job a job without a contract, a contract without a job'),
    pytest.param('scrape/job', 'prometheus/prometheus.yml', 'scrape_configs:', 'scrape_configs:\n  - job_name: shop\n    static_configs:\n      - targets: ["127.0.0.1:9200"]', ['prometheus/prometheus.yml:9: error: the job "shop" stands here 2 times; delete all but one [scrape/job]', 'prometheus/prometheus.yml:12: error: the job "shop" stands here 2 times; delete all but one [scrape/job]'], id='scrape/job a job that stands twice'),
    pytest.param('scrape/port', 'prometheus/prometheus.yml', '127.0.0.1:9200', '127.0.0.1:9201', ['prometheus/prometheus.yml:9: error: the job "shop" scrapes another port (got 9201, expected 9200); correct the target or the contract [scrape/port]'], id='scrape/port another port'),
    pytest.param('scrape/port', 'prometheus/prometheus.yml', 'targets: ["127.0.0.1:9200"]', 'targets: []', ['prometheus/prometheus.yml:9: error: the job "shop" has no target with a port (expected 9200); add it [scrape/port]'], id='scrape/port no port'),
    pytest.param('scrape/port', 'prometheus/prometheus.yml', 'job_name: shop', 'job_name: shop\n    metrics_path: /stats', ['prometheus/prometheus.yml:9: error: the job "shop" asks "/stats", expected /metrics; delete metrics_path [scrape/port]'], id='scrape/port another path'),
    pytest.param('scrape/port', 'prometheus/prometheus.yml', 'scrape_configs:', 'scrape_configs:\n  - job_name: other\n    static_configs:\n      - targets: ["127.0.0.1:9200"]', ['prometheus/prometheus.yml:9: error: the job "other" scrapes port 9200, which belongs to "shop"; correct the target [scrape/port]'], id='scrape/port a port that is taken'),
    pytest.param('scrape/rules', 'prometheus/prometheus.yml', 'rules/*.yml', 'rules/*.yaml', ['prometheus/prometheus.yml:1: error: prometheus/rules/shop.yml is not loaded by this configuration; add it to rule_files [scrape/rules]', 'prometheus/prometheus.yml:6: error: the pattern "rules/*.yaml" finds no file in prometheus/rules; correct or delete it [scrape/rules]'], id='scrape/rules a pattern that finds nothing'),
    pytest.param('scrape/timing', 'prometheus/prometheus.yml', 'scrape_timeout: 4s', 'scrape_timeout: 10s', ['prometheus/prometheus.yml:9: error: the timeout of "shop" is above its interval (got 10s, expected at most 5s); lower scrape_timeout [scrape/timing]'], id='scrape/timing a timeout that is too long'),
]

GOOD = [
    pytest.param('scrape/job', 'prometheus/prometheus.yml', 'scrape_configs:', 'scrape_configs:\n  - job_name: prometheus\n    static_configs:\n      - targets: ["127.0.0.1:9092"]', id='scrape/job Prometheus itself'),
    pytest.param('scrape/rules', 'prometheus/prometheus.yml', 'rules/*.yml', '/etc/prometheus/rules/*.yml', id='scrape/rules the path of a container'),
]


@pytest.mark.parametrize(("rule", "file", "old", "new", "expected"), BAD)
def test_a_fault_is_found_and_said(
    small: Checkout, rule: str, file: str, old: str, new: str, expected: list[str]
) -> None:
    before = small.findings(rule)
    small.edit(file, old, new)
    assert [finding for finding in small.findings(rule) if finding not in before] == expected


@pytest.mark.parametrize(("rule", "file", "old", "new"), GOOD)
def test_what_is_right_in_another_way_is_accepted(small: Checkout, rule: str, file: str, old: str, new: str) -> None:
    small.edit(file, old, new)
    assert small.findings(rule) == []
