"""Patterns of paths: placeholders, alternatives, the home folder, and what is left out."""

import doctest

import pytest

from contracts import places
from contracts.places import globs_of, is_left_out, left_out_of, names_in, values_of


def test_examples_are_true() -> None:
    assert doctest.testmod(places).failed == 0


def test_patterns_stand_for_globs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/eve")
    patterns = ["~/{bot}/{a,b{1,2}}.jsonl", "x[ab]*.jsonl", "{a}", "!old/{x,y}*", "!*.tmp"]
    assert globs_of(patterns) == (
        *("/home/eve/*/a.jsonl", "/home/eve/*/b1.jsonl", "/home/eve/*/b2.jsonl"),
        *("x[ab]*.jsonl", "*"),
    )
    assert left_out_of(patterns) == ("old/x*", "old/y*", "*.tmp")
    assert names_in(patterns) == {"bot", "a"}


@pytest.mark.parametrize(
    ("path", "pattern", "values"),
    [
        ("live_runs/r1/events.jsonl", "live_runs/{run}/events.jsonl", {"run": "r1"}),
        ("/data/live_runs/r1/events.jsonl", "./live_runs/{run}/events.jsonl", {"run": "r1"}),
        ("/data/live_runs/r1/x/events.jsonl", "live_runs/{run}/events.jsonl", {}),
        ("/data/r1/events.jsonl", "/data/{run}/*.jsonl", {"run": "r1"}),
        ("/more/data/r1/events.jsonl", "/data/{run}/*.jsonl", {}),
        ("logs/bot-a.b.jsonl", "logs/{kind}-{bot}.jsonl", {"kind": "bot", "bot": "a.b"}),
        ("logs/a/b/c.jsonl", "logs/**/{name}.jsonl", {"name": "c"}),
        ("logs/c.jsonl", "logs/**/{name}.jsonl", {"name": "c"}),
        ("logs/x1.log", "logs/[!ab]?.{end}", {"end": "log"}),
        ("/data/r1/a/b.jsonl", "/data/{run}/**", {"run": "r1"}),
        ("logs/a-1.jsonl", "logs/**/a-{n}.jsonl", {"n": "1"}),
        ("logs/ba-1.jsonl", "logs/**/a-{n}.jsonl", {}),
        ("a/a.jsonl", "{run}/{run}.jsonl", {"run": "a"}),
        ("a/b.jsonl", "{run}/{run}.jsonl", {}),
        ("y/1.jsonl", "{x,y}/{n}.jsonl", {"n": "1"}),
        ("x.jsonl", "x.jsonl", {}),
    ],
)
def test_a_path_says_what_the_placeholders_stand_for(path: str, pattern: str, values: dict[str, str]) -> None:
    assert values_of(path, ["other/{run}.csv", pattern]) == values


@pytest.mark.parametrize(
    ("path", "glob", "expected"),
    [
        ("logs/debug-1.jsonl", "debug-*.jsonl", True),
        ("logs/debug-1.jsonl", "logs/debug-*", True),
        ("logs/debug-1.jsonl", "other/debug-*", False),
        ("logs/run.jsonl", "debug-*", False),
    ],
)
def test_what_is_left_out_goes_by_name_or_by_folder(path: str, glob: str, expected: bool) -> None:
    assert is_left_out(path, ["*.tmp", glob]) == expected
