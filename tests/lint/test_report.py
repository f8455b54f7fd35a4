"""Findings as text, JSON and GitHub annotations; exit codes."""

from __future__ import annotations

import json

import pytest

from contracts.lint.finding import Finding, Place, Severity
from contracts.lint.report import exit_code, render

LATER = Finding(Place("b.yml", 9), "promql/rate", "warning", "100% wrong, see a:b\nand c; correct it")
FIRST = Finding(Place("a,b.yml", 2), "rule/alert", "error", "no severity; set it")
NOTE = Finding(Place("b.yml", 10), "contract/unused", "info", "nobody uses it; drop it")


def test_text_is_in_file_order_and_ends_with_a_count() -> None:
    assert render([LATER, NOTE, FIRST]) == (
        "a,b.yml:2: error: no severity; set it [rule/alert]\n"
        "b.yml:9: warning: 100% wrong, see a:b\nand c; correct it [promql/rate]\n"
        "b.yml:10: info: nobody uses it; drop it [contract/unused]\n"
        "1 error, 1 warning, 1 info"
    )


def test_the_count_of_nothing_is_said_too() -> None:
    assert render([]) == "0 errors, 0 warnings, 0 info"


def test_json_has_every_field() -> None:
    assert json.loads(render([FIRST], "json")) == [
        {"id": "rule/alert", "severity": "error", "file": "a,b.yml", "line": 2, "message": "no severity; set it"}
    ]


def test_github_annotations_escape_what_github_would_take_for_syntax() -> None:
    assert render([LATER, NOTE, FIRST], "github").splitlines() == [
        "::error file=a%2Cb.yml,line=2,title=rule/alert::no severity; set it",
        "::warning file=b.yml,line=9,title=promql/rate::100%25 wrong, see a:b%0Aand c; correct it",
        "::notice file=b.yml,line=10,title=contract/unused::nobody uses it; drop it",
    ]


@pytest.mark.parametrize(("severity", "code"), [("error", 1), ("warning", 1), ("info", 0)])
def test_only_errors_and_warnings_make_it_fail(severity: Severity, code: int) -> None:
    assert exit_code([NOTE, Finding(Place("a", 1), "a/b", severity, "x")]) == code


def test_nothing_at_all_is_a_success() -> None:
    assert exit_code([]) == 0


def test_sarif_has_each_rule_once_with_what_it_is_for_and_each_finding_in_its_place() -> None:
    unread = Finding(Place("a b.yml", 0), "lint/exception", "error", "it names no rule; correct it")
    shown = json.loads(render([LATER, NOTE, unread], "sarif"))
    [run] = shown["runs"]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert [(rule["id"], rule["shortDescription"]["text"][:37]) for rule in rules] == [
        ("contract/unused", "A metric no rule and no dashboard ask"),
        ("lint/exception", "lint/exception"),
        ("promql/rate", "rate(), irate() and increase() are fo"),
    ]
    assert [len(rule["fullDescription"]["text"]) > len(rule["shortDescription"]["text"]) for rule in rules] == [
        True,
        False,
        True,
    ]
    assert [(found["ruleId"], found["ruleIndex"], found["level"]) for found in results] == [
        ("lint/exception", 1, "error"),
        ("promql/rate", 2, "warning"),
        ("contract/unused", 0, "note"),
    ]
    places = [found["locations"][0]["physicalLocation"] for found in results]
    assert [(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in places] == [
        ("a%20b.yml", 1),
        ("b.yml", 9),
        ("b.yml", 10),
    ]


@pytest.mark.parametrize(
    ("rule", "about"),
    [
        ("contract/unit", "A metric of a word with a unit carries it, and a path that states another unit is scaled"),
        ("dashboard/title", "A title keeps its promise"),
        ("promql/bound", "A threshold on a quantile is a bound of the histogram"),
    ],
)
def test_sarif_says_in_a_few_words_what_a_rule_is_about(rule: str, about: str) -> None:
    shown = json.loads(render([Finding(Place("a", 1), rule, "error", "x")], "sarif"))
    [said] = shown["runs"][0]["tool"]["driver"]["rules"]
    assert (said["shortDescription"]["text"], said["fullDescription"]["text"].startswith(about)) == (about, True)
