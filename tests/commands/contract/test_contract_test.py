"""`peaktrade contract test`: what it compares, what it writes, what it says and how it exits."""

from __future__ import annotations

import gzip
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from exporters.commands.contract.cli import contract

CONTRACT = """\
exporter: {name: shop, help: Shop., port: 9200, job: shop, port_env: SHOP_PORT}
files: {default: shop.jsonl}
vocabulary:
  kind: {values: [sale, refund], otherwise: other, default: {env: SHOP_KIND, value: sale}}
  took: {type: number, unit: seconds, min: 0}
  at: {type: time}
sources: {shop: {match: {v: 1}, read: {kind: kind, took: took, at: at}}}
metrics:
  shop_events_total: {type: counter, help: Events., counts: kind, labels: [kind], budget: 9}
  shop_seconds: {type: histogram, help: Time., observes: took, buckets: [1], budget: 1}
  shop_last_timestamp_seconds: {type: gauge, help: Newest., sets: at, budget: 1}
"""
EVENTS = """\
{"v":1,"kind":"sale","took":0.5}
{"v":1,"kind":"refund"}

{"v":2}
{"v":
"""
EXPECTED = """\
shop_events_total{kind="other"} 0.0
shop_events_total{kind="refund"} 1.0
shop_events_total{kind="sale"} 1.0
shop_seconds_bucket{le="1.0"} 1.0
shop_seconds_bucket{le="+Inf"} 1.0
shop_seconds_count 1.0
shop_seconds_sum 0.5
peak_trade_exporter_lines_total{exporter="shop",outcome="applied"} 2.0
peak_trade_exporter_lines_total{exporter="shop",outcome="bad_json"} 1.0
peak_trade_exporter_lines_total{exporter="shop",outcome="blank"} 1.0
peak_trade_exporter_lines_total{exporter="shop",outcome="unknown_schema"} 1.0
peak_trade_exporter_absent_values_total{exporter="shop",word="at"} 2.0
peak_trade_exporter_absent_values_total{exporter="shop",word="took"} 1.0
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(contract, ["test", *map(str, arguments)], prog_name="contract")


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A case that holds."""
    folder = tmp_path / "cases/shop"
    folder.mkdir(parents=True)
    (folder / "shop.yaml").write_text(CONTRACT)
    (folder / "events.jsonl").write_text(EVENTS)
    (folder / "expected.prom").write_text(EXPECTED)
    return folder


def test_a_case_that_holds_is_one_line_and_exit_code_0(case: Path) -> None:
    result = run(case.parent)
    assert (result.exit_code, result.output) == (0, f"{case}: ok, 13 samples\n1 case: 1 as expected, 0 not\n")


def test_update_writes_what_the_expected_samples_would_be(case: Path) -> None:
    (case / "expected.prom").unlink()
    result = run(case, "--update")
    assert (result.exit_code, result.output.splitlines()[0]) == (0, f"{case}: ok, 13 samples, wrote expected.prom")
    assert (case / "expected.prom").read_text() == EXPECTED
    assert run(case, "--update").output.splitlines()[0] == f"{case}: ok, 13 samples"


def test_differences_are_a_diff_of_samples(case: Path) -> None:
    wrong = EXPECTED.replace('"refund"} 1.0', '"refund"} 3').replace("shop_seconds_sum 0.5\n", "shop_seconds_avg 0.5\n")
    (case / "expected.prom").write_text(wrong)
    result = run(case)
    assert (result.exit_code, result.output) == (
        1,
        f"{case}: differs (- expected, + found)\n"
        '  - shop_events_total{kind="refund"} 3.0\n'
        '  + shop_events_total{kind="refund"} 1.0\n'
        "  + shop_seconds_sum 0.5\n"
        "  - shop_seconds_avg 0.5\n"
        "1 case: 0 as expected, 1 not\n",
    )


def test_the_order_of_labels_how_numbers_are_written_and_comments_do_not_count(case: Path) -> None:
    text = EXPECTED.replace('exporter="shop",outcome="applied"', 'outcome="applied",exporter="shop"')
    (case / "expected.prom").write_text("# by hand\n\n" + text.replace("_count 1.0", "_count 1").replace("0.5", "5e-1"))
    assert run(case).exit_code == 0


def test_of_the_exporters_own_metrics_only_those_that_are_spoken_of_count(case: Path) -> None:
    lines = EXPECTED.splitlines(keepends=True)
    (case / "expected.prom").write_text("".join(line for line in lines if "peak_trade_exporter" not in line))
    assert run(case).exit_code == 0
    (case / "expected.prom").write_text("".join(line for line in lines if "bad_json" not in line))
    result = run(case)
    assert result.exit_code == 1
    assert '  + peak_trade_exporter_lines_total{exporter="shop",outcome="bad_json"} 1.0\n' in result.output


def test_update_keeps_the_form_of_the_expected_file(case: Path) -> None:
    only_own = "".join(line for line in EXPECTED.splitlines(keepends=True) if line.startswith("shop_"))
    (case / "expected.prom").write_text("shop_seconds_sum 7\n")
    run(case, "--update")
    assert (case / "expected.prom").read_text() == only_own
    (case / "expected.prom").write_text("# HELP x y\n")
    run(case, "--update")
    text = (case / "expected.prom").read_text()
    assert text.startswith("# HELP shop_events_total Events.\n# TYPE shop_events_total counter\n")
    assert 'peak_trade_exporter_read_bytes_total{exporter="shop"} ' in text
    assert "peak_trade_exporter_build_info" not in text
    assert run(case).exit_code == 0


REFUSED = """\
events.jsonl:4 unknown_schema: no source matches; of the nearest, shop, v is a number, wanted 1
events.jsonl:5 bad_json: Input data was truncated
"""


def test_refused_lines_are_compared_where_a_case_lists_them(case: Path) -> None:
    (case / "refused.txt").write_text(REFUSED)
    assert run(case).exit_code == 0
    (case / "refused.txt").write_text(REFUSED.replace(":4 ", ":3 "))
    result = run(case)
    assert result.exit_code == 1
    assert result.output.splitlines()[1:3] == [
        f"  - {REFUSED.splitlines()[0].replace(':4 ', ':3 ')}",
        f"  + {REFUSED.splitlines()[0]}",
    ]
    assert ", wrote refused.txt\n" in run(case, "--update").output
    assert (case / "refused.txt").read_text() == REFUSED


def test_a_case_file_says_what_lies_elsewhere(case: Path) -> None:
    (case / "shop.yaml").rename(case.parent / "shop.yaml")
    for name in ("events.jsonl", "expected.prom"):
        (case / name).unlink()
    (case / "one.jsonl").write_text('{"v":1,"at":"2026-01-25T01:09:48Z"}\n')
    (case / "two.jsonl.gz").write_bytes(gzip.compress(b'{"v":1,"kind":"x","at":"2026-01-25T01:09:59Z"}\n'))
    (case / "case.toml").write_text(
        'contract = "../shop.yaml"\nevents = ["one.jsonl", "*.gz"]\nenvironment = {SHOP_KIND = "refund"}\n'
        "now = 2026-01-25T01:09:50Z\n"
    )
    run(case, "--update")
    found = set((case / "expected.prom").read_text().splitlines())
    assert 'shop_events_total{kind="refund"} 1.0' in found, "the variable says what an absent kind is"
    assert "shop_last_timestamp_seconds 1.769303388e+09" in found
    assert 'peak_trade_exporter_refused_values_total{exporter="shop",reason="future",word="at"} 1.0' in found


def test_nothing_of_the_environment_around_gets_in(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KIND", "refund")
    monkeypatch.setenv("LIVE_TRADING_ENABLED", "perhaps")
    (case / "events.jsonl").write_text('{"v":1}\n')
    (case / "expected.prom").write_text("")
    assert '  + shop_events_total{kind="sale"} 1.0\n' in run(case).output


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("expected.prom", None, "{case}/expected.prom: there is none; look at what --update writes, and keep it if"),
        ("expected.prom", "shop_events_total{ 1\n", '{case}/expected.prom:1: is no sample; write it like web_'),
        ("shop.yaml", None, "{case}: expected one contract (*.yaml), there is none; name it in case.toml: contract = "),
        ("more.yaml", "", "{case}: expected one contract (*.yaml), there is 2 of them (more.yaml, shop.yaml); name it"),
        ("shop.yaml", CONTRACT.replace("help: Shop.,", ""), '{case}/shop.yaml:1: exporter: the key "help" is missing;'),
        ("case.toml", 'event = "x"', '{case}/case.toml: unknown key "event"; known keys: contract, events'),
        ("case.toml", "x", "{case}/case.toml: cannot be read ("),
        ("case.toml", 'environment = "x"', "{case}/case.toml: environment has to be a table: environment = {NAME = "),
        ("case.toml", "now = 2026-01-25", "{case}/case.toml: now has to be a time with an offset: now = 2026-01-25T01"),
        ("case.toml", 'events = "no.jsonl"', "{case}/no.jsonl: cannot be read; every file of events a case names has"),
    ],
)  # fmt: skip
def test_a_case_that_cannot_be_run_is_said_and_exit_code_2(
    case: Path, file: str, text: str | None, problem: str
) -> None:
    if text is None:
        (case / file).unlink()
    else:
        (case / file).write_text(text)
    result = run(case)
    assert result.exit_code == 2
    assert result.stdout == f"{case}: cannot be run\n1 case: 0 as expected, 0 not, 1 cannot be run\n"
    assert result.stderr.startswith("  " + problem.replace("{case}", str(case)))


def test_a_folder_without_cases_is_bad_usage(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 2
    assert f"{tmp_path}: holds no case; a case is a folder with events.jsonl (or case.toml) and a contract" in (
        result.stderr
    )


def test_events_below_a_case_are_its_own(case: Path) -> None:
    (case / "runs/a").mkdir(parents=True)
    (case / "runs/a/events.jsonl").write_text("")
    assert run(case.parent).output.endswith("1 case: 1 as expected, 0 not\n")


def test_junit_xml_has_each_case_with_what_differs_and_what_cannot_be_run(case: Path, tmp_path: Path) -> None:
    for name in ("wrong", "broken"):
        (case.parent / name).mkdir()
        for path in case.iterdir():
            (case.parent / name / path.name).write_bytes(path.read_bytes())
    (case.parent / "wrong/expected.prom").write_text(EXPECTED.replace('"sale"} 1.0', '"sale\x01<&"} 1.0'))
    (case.parent / "broken/expected.prom").unlink()
    assert run(case.parent, "--junit", tmp_path / "junit.xml").exit_code == 2
    suite = ET.parse(tmp_path / "junit.xml").getroot()[0]
    assert {key: suite.attrib[key] for key in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    broken, good, wrong = suite
    assert (broken[0].tag, broken[0].attrib["message"].partition(";")[0]) == (
        "error",
        f"{case.parent}/broken/expected.prom: there is none",
    )
    assert (good.attrib["classname"], good.attrib["name"], len(good)) == (str(case.parent), "shop", 0)
    assert (wrong[0].tag, wrong[0].attrib["message"], wrong[0].text) == (
        "failure",
        "2 lines differ",
        '+ shop_events_total{kind="sale"} 1.0\n- shop_events_total{kind="sale\\x01<&"} 1.0',
    )


def test_a_long_diff_is_cut_on_the_screen(case: Path) -> None:
    more = "".join(f'shop_events_total{{kind="{number}"}} 1\n' for number in range(50))
    (case / "expected.prom").write_text(EXPECTED + more)
    lines = run(case).output.splitlines()
    assert (len(lines), lines[-2]) == (43, "  and 10 more lines")
