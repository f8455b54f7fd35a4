"""`peaktrade contract check --on`: what it finds in contracts with one mistake each, and what it shows of events."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contracts.load import load_contract
from exporters.commands.contract.cli import contract
from exporters.commands.contract.survey import survey_of
from exporters.engine.pipeline import Pipeline
from exporters.engine.tail.one_shot import OneShot

HEAD = "exporter: {name: my, help: My events., port: 9200, job: my}\nfiles: {default: my.jsonl}\n"
LINES = "\n".join(
    f'{{"event": "{kind}", "status": "{status}", "took_ms": {took}, "region": "eu",'
    f' "at": "2026-01-25T01:09:{second:02}Z", "size": {{"in": {took * 10}}}, "legs": [{{"qty": 2}}],'
    f' "api_key": "kQH5HW8p1uGOVjbgWA7F", "amount": "1,{took}"}}'
    for second, (kind, status, took) in enumerate(
        [("request", "ok", 12), ("request", "warning", 250), ("request", "failed", 31), ("stopped", "ok", 7)] * 3
    )
)  # fmt: skip
VOCABULARY = """\
vocabulary:
  status: {values: [ok, warning, failed]}
  region: {allow: "a-z", max_length: 8, max_values: 5}
  took: {type: number, unit: seconds, min: 0}
sources:
  request:
    match: {event: request}
    read: {status: status, region: region, took: {path: took_ms, scale: 0.001}}
metrics:
  my_requests_total: {type: counter, help: Requests., counts: status, labels: [status, region], budget: 18}
  my_seconds: {type: histogram, help: Time., observes: took, buckets: [0.01, 0.1, 1], budget: 1}
"""
GOOD = HEAD + VOCABULARY


def run(folder: Path, text: str, lines: str = LINES, *more: str) -> Result:
    (folder / "my.yaml").write_text(text)
    (folder / "my.jsonl").write_text(lines)
    arguments = ["check", str(folder / "my.yaml"), "--on", str(folder / "my.jsonl"), *more]
    return CliRunner().invoke(contract, arguments, prog_name="contract")


def said(result: Result) -> list[str]:
    """Return the lines of a report without their columns."""
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def changed(*changes: tuple[str, str]) -> str:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def test_a_contract_that_fits_is_shown_source_by_source_and_word_by_word(tmp_path: Path) -> None:
    result = run(tmp_path, GOOD)
    assert result.exit_code == 0
    assert result.stdout == (
        f"{tmp_path}/my.yaml on {tmp_path}/my.jsonl: 12 lines\n"
        "source request  matched 9\n"
        "  word status   filled 9 (ok 3, warning 3, failed 3)\n"
        "  word region   filled 9\n"
        "  word took     filled 9\n"
        "refused         3 unknown_schema, first in line 4: no source matches; of the nearest, request,"
        ' event is "stopped", wanted "request"\n'
        "never read      at, size.in, legs[].qty, api_key, amount\n"
        "metric my_requests_total  9 events\n"
        "metric my_seconds  9 events\n"
    )


MISTAKES = {
    "wrong path": (
        changed(("path: took_ms", "path: mss")),
        1,
        [
            "word took filled 0, absent 9",
            'absent first in line 1: path "mss" is in none; the lines have event, status, took_ms, region, at, size.in,'
            " api_key, amount",
            "metric my_seconds nothing: took has no value in any line",
        ],
    ),
    "a path that has moved": (
        changed(("path: took_ms", "path: request.took_ms")),
        1,
        ['absent first in line 1: path "request.took_ms" is in none; did you mean "took_ms"? the lines have event, '],
    ),
    "wrong case": (
        changed(("path: took_ms", "path: Took_Ms")),
        1,
        ['absent first in line 1: path "Took_Ms" is in none; did you mean "took_ms"? the lines have event, '],
    ),
    "wrong unit": (
        changed(("{path: took_ms, scale: 0.001}", "took_ms")),
        0,
        [
            'look at took is in seconds, but "took_ms" says ms; scale: 0.001 would bring it there',
            "look at my_seconds: every value is above the largest bucket, 1 (from 12 to 250); is took in its unit?",
        ],
    ),
    "wrong kind": (
        changed(("{path: took_ms, scale: 0.001}", "at")),
        1,
        ['mistyped first in line 1: at is "2026-01-25T01:09:00Z", wanted a number'],
    ),
    "a condition that never holds": (
        changed(("observes: took,", "observes: took, when: {region: us},")),
        1,
        ["metric my_seconds nothing: when region is us holds in no line; it was eu 9"],
    ),
    "a source that never matches": (
        changed(("match: {event: request}", "match: {event: Request}")),
        1,
        [
            'source request matched 0: in the nearest, line 1, event is "request", wanted "Request"',
            "metric my_seconds nothing: no source matched a line",
        ],
    ),
    "a number in quotes that is none": (
        changed(("{path: took_ms, scale: 0.001}", "amount")),
        1,
        ['mistyped first in line 1: amount is "1,12", wanted a number'],
    ),
    "a list read as if it had one element": (
        changed(("{path: took_ms, scale: 0.001}", "legs.qty")),
        1,
        ['absent first in line 1: path "legs.qty" is in none; "legs" is a list, whose elements are read as parts'],
    ),
    "swapped order of sources": (
        changed(("sources:\n", "sources:\n  any: {match: {event: {present: true}}, read: {region: region}}\n")),
        1,
        [
            "source request matched 0: line 1 matches too, but any stands before it and took it; put request first",
            "metric my_seconds nothing: took has no value in any line",
        ],
    ),
    "a missing alias": (
        changed(("values: [ok, warning, failed]", "values: [ok, warn, failed]")),
        0,
        [
            "word status filled 6 (ok 3, failed 3), refused 3 unknown_value",
            'unknown_value first in line 2: status is "warning"',
            'no value for "warning" 3: add aliases, or otherwise',
            "look at my_requests_total does not count 3 of 9 lines of request, which have no status (first in line 2);"
            " a default would stand for it",
        ],
    ),
    "an alias missed by otherwise": (
        changed(("values: [ok, warning, failed]", "values: [ok, warn, failed], otherwise: other")).replace("18", "24"),
        0,
        ['other stands for "warning" 3'],
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_with_its_line_and_cause(mistake: str, tmp_path: Path) -> None:
    text, code, wanted = MISTAKES[mistake]
    result = run(tmp_path, text)
    found = said(result)
    assert result.exit_code == code, result.output
    assert [one for one in wanted if not any(line.startswith(one) for line in found)] == [], result.stdout


def test_an_index_into_a_list_is_found_before_anything_is_read(tmp_path: Path) -> None:
    result = run(tmp_path, changed(("{path: took_ms, scale: 0.001}", '"legs[0].qty"')))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f'{tmp_path}/my.yaml:10: sources.request.read.took: got "legs[0].qty", expected ')


def test_a_label_that_half_the_lines_lack_is_found_with_the_first_of_them(tmp_path: Path) -> None:
    lines = LINES.split("\n")
    half = "\n".join(line.replace('"region": "eu", ', "") if at % 2 else line for at, line in enumerate(lines))
    result = run(tmp_path, GOOD, half)
    assert result.exit_code == 0
    found = said(result)
    assert "word region filled 6, absent 3" in found
    assert 'absent first in line 2: path "region" is in 6 of 9' in found
    assert (
        "look at my_requests_total does not count 3 of 9 lines of request, which have no region (first in line 2); a"
        " default would stand for it"
    ) in found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1769303388123, "1769303388123, which would be milliseconds: scale: 0.001"),
        (1769303388123456789, "1769303388123456789, which would be nanoseconds: scale: 0.000000001"),
    ],
)
def test_a_time_in_another_unit_is_named(value: int, shown: str, tmp_path: Path) -> None:
    text = changed(
        ("  took: {type: number, unit: seconds, min: 0}", "  took: {type: number, min: 0}\n  at: {type: time}"),
        ("region: region,", "region: region, at: at,"),
        ("metrics:\n", "metrics:\n  my_last_timestamp_seconds: {type: gauge, help: Newest., sets: at, budget: 1}\n"),
    )
    result = run(tmp_path, text, LINES.replace('"2026-01-25T01:09:00Z"', str(value)))
    assert f"future first in line 1: at is {shown}" in said(result)


def test_json_says_the_same_in_one_object(tmp_path: Path) -> None:
    result = run(tmp_path, changed(("path: took_ms", "path: mss")), LINES, "--json")
    assert result.exit_code == 1
    found: dict[str, Any] = json.loads(result.stdout)
    assert (found["ok"], found["lines"], found["blank"]) == (False, 12, 0)
    assert found["sources"][0]["words"][2]["remarks"][0].startswith('absent first in line 1: path "mss" is in none')
    assert {name: found["sources"][0]["words"][0][name] for name in ("word", "filled", "values")} == {
        "word": "status",
        "filled": 9,
        "values": {"ok": 3, "warning": 3, "failed": 3},
    }
    assert found["never_read"] == {"took_ms": 9, "at": 9, "size.in": 9, "legs[].qty": 9, "api_key": 9, "amount": 9}
    assert found["metrics"] == [
        {"metric": "my_requests_total", "events": 9, "why": ""},
        {"metric": "my_seconds", "events": 0, "why": "took has no value in any line"},
    ]
    assert found["refused"][0]["first"] == "line 4"


def test_packed_files_and_standard_input_are_read_and_lines_are_named_with_their_file(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(GOOD)
    (tmp_path / "old.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    arguments = ["check", str(tmp_path / "my.yaml"), "--on", str(tmp_path / "old.jsonl.gz")]
    alone = CliRunner().invoke(contract, arguments)
    assert (alone.exit_code, said(alone)[1]) == (0, "source request matched 9")
    (tmp_path / "more.jsonl").write_text('\n{"event": "request"}\n{"event":\n')
    both = CliRunner().invoke(contract, [*arguments, "--on", str(tmp_path / "more.jsonl")])
    found = said(both)
    assert found[0].endswith("/more.jsonl: 15 lines, 1 blank")
    assert f'absent first in {tmp_path}/more.jsonl:2: path "took_ms" is in 9 of 10' in found
    assert f"refused 1 bad_json, first in {tmp_path}/more.jsonl:3: Input data was truncated" in found


def test_standard_input_is_read(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(GOOD)
    (tmp_path / "my.jsonl").write_text(LINES)
    before = os.dup(0)
    try:
        with (tmp_path / "my.jsonl").open("rb") as lines:
            os.dup2(lines.fileno(), 0)
        result = CliRunner().invoke(contract, ["check", str(tmp_path / "my.yaml"), "--on", "-"])
    finally:
        os.dup2(before, 0)
        os.close(before)
    assert (result.exit_code, said(result)[1]) == (0, "source request matched 9")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["{folder}/my.yaml", "--on", "{folder}/no.jsonl"], "{folder}/no.jsonl: no such file; give the path of events"),
        (["{folder}/my.yaml", "--on", "{folder}"], "{folder}: cannot be read (is a directory); give a readable file"),
        (["{folder}/my.yaml", "--json"], "--json says what a contract makes of events; add --on FILE"),
        (["--on", "{folder}/my.jsonl"], "--on tries one contract on events; give the path of one contract"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_and_exit_code_2(arguments: list[str], problem: str, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(GOOD)
    filled = [one.replace("{folder}", str(tmp_path)) for one in arguments]
    result = CliRunner().invoke(contract, ["check", *filled])
    assert result.exit_code == 2
    assert problem.replace("{folder}", str(tmp_path)) in result.stderr


def test_without_events_contracts_are_checked_as_ever(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(GOOD)
    result = CliRunner().invoke(contract, ["check", str(tmp_path / "my.yaml")])
    assert (result.exit_code, result.stdout) == (0, "my: ok, 2 metrics, 19 series at most\n")


SECRETS = {
    "api_key": "kQH5HW8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==",
    "account": "account-1234567890",
    "order_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "note": "see kQH5HW8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84 there",
    "number": 1234567890123456,
}


@pytest.mark.parametrize("field", SECRETS)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_no_secret_and_no_id_is_shown_as_a_whole(field: str, form: tuple[str, ...], tmp_path: Path) -> None:
    value = SECRETS[field]
    name = "account_number" if field == "number" else field
    text = changed(("{path: took_ms, scale: 0.001}", name), ("{event: request}", f"{{event: request, {name}: x}}"))
    never = run(tmp_path, text, json.dumps({"event": "request", name: value, str(value): 1}), *form)
    texts = changed(("{status: status,", f"{{status: {name},"))
    mistyped = run(tmp_path, texts, json.dumps({"event": "request", name: value}), *form)
    assert [str(value)[:12] in result.output for result in (never, mistyped)] == [False, False]


@pytest.mark.slow
def test_many_lines_cost_a_few_looks_and_not_one_each(tmp_path: Path) -> None:
    """Lines of one shape are taken together: only the first of each kind is looked at alone."""

    (tmp_path / "my.yaml").write_text(GOOD)
    (tmp_path / "my.jsonl").write_text("\n".join([LINES] * 500))
    calls = 0
    process = Pipeline.process

    def counted(self: Pipeline, *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return process(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pipeline, "process", counted)
        shot = OneShot((str(tmp_path / "my.jsonl"),))
        survey = survey_of(load_contract(tmp_path / "my.yaml"), shot.drain(0.0, 0.0), {}, 1.8e9)
    assert survey.lines == 6000
    assert calls < 200


PARTS = (
    HEAD
    + """\
vocabulary:
  model: {allow: a-z0-9-, max_length: 9, max_values: 3}
  tool: {values: [bash, read]}
  tokens: {type: number, min: 0}
  begun: {type: time}
  ended: {type: time}
  took: {type: number, unit: seconds, is: ended - begun}
sources:
  answer:
    match: {type: assistant}
    read: {model: model, begun: begun, ended: finished}
    parts:
      tool: {of: "content[]", match: {type: tool_use}, read: {tool: name}}
      usage: {of: "usage{}", read: {tokens: value}}
      nothing: {of: "none[]", read: {tokens: value}}
metrics:
  my_tools_total: {type: counter, help: Tools., counts: tool, labels: [model, tool], budget: 8}
  my_tokens_total: {type: counter, help: Tokens., counts: events, amount: tokens, budget: 1}
  my_last_seconds: {type: gauge, help: Time., sets: took, budget: 1}
"""
)
ANSWERS = [
    {
        "type": "assistant",
        "model": "m",
        "begun": 1.7e9,
        "usage": {"in": 3, "out": "many"},
        "content": [{"type": "text"}],
    },
    {"type": "assistant", "model": "m", "begun": 1.7e9, "content": [{"type": "tool_use", "name": "Write"}]},
    {"type": "assistant", "model": "m", "content": [{"type": "tool_use", "name": "bash"}, {"type": "tool_use"}]},
    {"type": "assistant", "model": "m", "content": "text", "usage": {"out": 4}},
]


def test_parts_are_shown_beside_their_lines_and_what_is_made_of_words_counts_for_metrics(tmp_path: Path) -> None:
    result = run(tmp_path, PARTS, "\n".join(map(json.dumps, ANSWERS)))
    found = said(result)
    assert result.exit_code == 1
    wanted = [
        "source answer matched 4",
        "word ended filled 0, absent 4",
        "part answer.tool matched 3, unmatched 1, mistyped 1",
        "word tool filled 1 (bash 1), absent 1, refused 1 unknown_value",
        'absent first in line 3: path "name" is in 2 of 4',
        'unknown_value first in line 2: name is "Write"',
        'no value for "Write" 1: add aliases, or otherwise',
        "part answer.usage matched 3",
        "word tokens filled 2, refused 1 mistyped",
        'mistyped first in line 1: value is "many", wanted a number',
        "part answer.nothing matched 0",
        "metric my_tools_total 1 event",
        "metric my_tokens_total 2 events",
        "metric my_last_seconds nothing: took has no value in any line",
    ]
    assert [one for one in wanted if not any(line.startswith(one) for line in found)] == [], result.stdout


def test_a_capture_a_format_and_a_path_that_do_not_fit_are_named(tmp_path: Path) -> None:
    text = changed(
        ("files: {default: my.jsonl}", 'files: {default: "runs/{run}/my.jsonl"}'),
        ("  took: {type: number, unit: seconds, min: 0}", "  took: {type: number, min: 0}\n  at: {type: time}"),
        ("region: region,", "region: {file: run}, at: {path: at, format: '%Y-%m-%d %H:%M:%S,%f'},"),
        ("{path: took_ms, scale: 0.001}", "{path: api_key, capture: 'took (\\d+)'}"),
        ("metrics:\n", "metrics:\n  my_last_timestamp_seconds: {type: gauge, help: Newest., sets: at, budget: 1}\n"),
    )
    found = said(run(tmp_path, text))
    wanted = [
        "absent first in line 1: no path in files with {run} fits that of the file",
        "absent first in line 1: api_key is a text of 20 characters, in which capture finds nothing",
        'mistyped first in line 1: at is "2026-01-25T01:09:00Z", wanted a time like %Y-%m-%d %H:%M:%S,%f',
    ]
    assert [one for one in wanted if one not in found] == [], found
