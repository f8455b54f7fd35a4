"""Prometheus' and compose's files are read as those programs read them, with what they leave out filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contracts.lint.finding import Place
from contracts.lint.inputs.compose_files import Mount, Published, read_services
from contracts.lint.inputs.scrape_files import Relabelling, seconds_of

if TYPE_CHECKING:
    from contracts.lint.inputs.scrape_files import ScrapeFile
    from tests.lint.conftest import Checkout

FILE = "prometheus/prometheus.yml"


def scrape(small: Checkout, text: str) -> ScrapeFile:
    (small.root / FILE).write_text(text)
    [found] = small.tree().scrapes
    return found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15s", 15),
        ("1m30s", 90),
        ("500ms", 0.5),
        ("2h", 7200),
        ("1d", 86400),
        ("1w", 604800),
        ("1y", 31536000),
        ("", 0),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert seconds_of(text) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    ("everywhere", "own", "interval", "timeout"),
    [
        ("", "", 60, 10),
        ("scrape_interval: 5s", "", 5, 5),
        ("scrape_interval: 15s", "", 15, 10),
        ("scrape_interval: 500ms", "", 0.5, 0.5),
        ("scrape_interval: 15s, scrape_timeout: 12s", "", 15, 12),
        ("scrape_timeout: 4s", "", 60, 4),
        ("scrape_interval: 15s", "scrape_interval: 5s", 5, 5),
        ("scrape_interval: 5s", "scrape_interval: 30s", 30, 5),
        ("scrape_interval: 15s", "scrape_timeout: 7s", 15, 7),
        ("scrape_interval: 15s", "scrape_interval: 5s, scrape_timeout: 7s", 5, 7),
        ("scrape_timeout: 4s", "scrape_interval: 30s", 30, 4),
    ],
)
def test_intervals_and_timeouts_that_are_not_stated_are_those_of_prometheus(
    small: Checkout, everywhere: str, own: str, interval: float, timeout: float
) -> None:
    more = f", {own}" if own else ""
    [job] = scrape(small, f"global: {{{everywhere}}}\nscrape_configs: [{{job_name: a{more}}}]\n").jobs
    assert (job.interval_s, job.timeout_s) == (interval, timeout)


def test_what_a_configuration_says_is_read_with_its_place(small: Checkout) -> None:
    found = scrape(
        small,
        "global: {external_labels: {base: x, zone: y}}\n"
        "rule_files:\n- a.yml\n- b.yml\n"
        "scrape_configs:\n"
        "- job_name: one\n"
        "  metrics_path: /m\n"
        "  static_configs: [{targets: ['h:1', '[::1]:22', bare, 'x:123456', 'y:z']}, {targets: ['i:3']}]\n"
        "- job_name: two\n"
        "\n",
    )
    assert found.external_labels == ("base", "zone")
    assert found.rule_files == (("a.yml", Place(FILE, 3)), ("b.yml", Place(FILE, 4)))
    one, two = found.jobs
    assert (one.name, one.path, one.place, one.ports) == ("one", "/m", Place(FILE, 6, 6, 8), (1, 22, 3))
    assert one.targets == ("h:1", "[::1]:22", "bare", "x:123456", "y:z", "i:3")
    assert (two.name, two.path, two.place, two.ports, two.targets) == ("two", "/metrics", Place(FILE, 9, 9, 10), (), ())
    assert (two.added_labels, two.relabellings) == ({}, ())


def test_a_relabelling_has_what_it_leaves_out_as_prometheus_does(small: Checkout) -> None:
    [job] = scrape(
        small,
        "scrape_configs:\n- job_name: a\n  metric_relabel_configs:\n  - target_label: x\n"
        "  - {action: DROP, source_labels: [b, c], separator: '-', regex: r, target_label: t, replacement: p}\n",
    ).jobs
    assert job.relabellings == (
        Relabelling("replace", (), ";", "(.*)", "x", "$1", Place(FILE, 4)),
        Relabelling("drop", ("b", "c"), "-", "r", "t", "p", Place(FILE, 5)),
    )


@pytest.mark.parametrize(
    ("job", "labels"),
    [
        ("static_configs: [{targets: [x], labels: {a: b, c: d}}, {labels: {a: e}}]", {"a": ("b", "e"), "c": ("d",)}),
        ("static_configs: [{labels: {job: b, instance: c}}]", {}),
        ("relabel_configs: [{target_label: a}, {target_label: __x}, {target_label: job}, {action: drop}]", {"a": ()}),
        ("relabel_configs: [{action: labelmap}]", {"*": ()}),
        ("file_sd_configs: [{files: [x]}]", {"*": ()}),
        ("static_configs: [{labels: {a: b}}], relabel_configs: [{target_label: a}]", {"a": ()}),
    ],
)
def test_the_labels_that_targets_add_are_known(small: Checkout, job: str, labels: object) -> None:
    [found] = scrape(small, f"scrape_configs: [{{job_name: a, {job}}}]\n").jobs
    assert found.added_labels == labels


def test_rules_and_their_tests_are_read_with_their_places(small: Checkout) -> None:
    rules, tests = "prometheus/rules/shop.yml", "prometheus/rule_tests/shop.yml"
    (small.root / rules).write_text(
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr:\n      up\n    for: 5m\n    keep_firing_for: 1h\n"
        "    labels: {a: b}\n    annotations: {c: d}\n  - record: R\n    expr: up\n- name: h\n  rules:\n  - {}\n\n"
    )
    (small.root / tests).write_text(
        "tests:\n- alert_rule_test:\n  - {alertname: A, exp_alerts: [{}]}\n  - {exp_alerts: [],\n     alertname: B}\n"
    )
    tree = small.tree()
    one, two, three = tree.rules
    assert (one.name, one.is_alert, one.group, one.place, one.query.place.line) == (
        "A",
        True,
        "g",
        Place(rules, 4, 4, 10),
        5,
    )
    assert (one.waits_s, one.keeps_s, one.query.kind, one.query.owner) == (300, 3600, "alert", "alert A")
    assert ([*one.labels], [*one.annotations]) == (["a"], ["c"])
    assert (two.name, two.is_alert, two.place, two.query.owner) == ("R", False, Place(rules, 11, 11, 14), "record R")
    assert (two.waits_s, two.keeps_s, two.labels, two.annotations) == (0, 0, {}, {})
    assert (three.group, three.place) == ("h", Place(rules, 15, 15, 16))
    assert [(test.alert, test.fires, test.place) for test in tree.alert_tests] == [
        ("A", True, Place(tests, 3)),
        ("B", False, Place(tests, 5)),
    ]


def test_a_compose_file_is_read_in_its_short_and_its_long_form(small: Checkout) -> None:
    (small.root / "compose.yaml").write_text(
        "services:\n"
        "  a:\n"
        "    image: host:5000/org/prom:v1@sha256:abc\n"
        "    entrypoint: [run, --flag=x]\n"
        "    command: go 'a b' --flag y --flag=z=1 --flag\n"
        "    ports: ['80', '81:82', '127.0.0.1:83:84/tcp', {target: 85}, {target: 9, published: 1-2},"
        " {target: 86, published: 87},"
        " '${X}:88', x, '123456']\n"
        "    volumes: ['./x:/y', 'v:/w:ro', '/z:/q:rw,ro', '/r:/s:rox', '$X:/t', lone,\n"
        "      {type: bind, source: ~/m, target: /n, read_only: true}, {source: o, target: /p},\n"
        "      {type: tmpfs, target: /u}, {type: bind, source: '${Y}', target: /t}]\n"
        '  b: {image: plain, command: "it\'s"}\n'
    )
    [(file, document)] = small.tree().compose
    one, two = read_services(file, document)
    assert (one.name, one.image, one.place, two.image) == ("a", "prom", Place(file, 2), "plain")
    assert one.command == ("run", "--flag=x", "go", "a b", "--flag", "y", "--flag=z=1", "--flag")
    assert (list(one.words_after("--flag")), list(one.words_after("--fl")), two.command) == (
        ["x", "y", "z=1"],
        [],
        ("it's",),
    )
    ports, mounts = Place(file, 6), Place(file, 7)
    assert one.ports == tuple(
        Published(host, container, ports) for host, container in ((0, 80), (81, 82), (83, 84), (0, 85), (87, 86))
    )
    assert [mount for mount in one.mounts if mount.place == mounts] == [
        Mount("./x", "/y", False, mounts),
        Mount("v", "/w", True, mounts),
        Mount("/z", "/q", True, mounts),
        Mount("/r", "/s", False, mounts),
    ]
    assert [mount for mount in one.mounts if mount.place != mounts] == [
        Mount("~/m", "/n", True, Place(file, 8)),
        Mount("o", "/p", False, Place(file, 8)),
    ]
    assert list(two.words_after("it's")) == []
    assert [mount.is_of_files for mount in one.mounts] == [True, False, True, True, True, False]
