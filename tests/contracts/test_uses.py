"""Which words a contract needs, and what its page says of them: each used by something and filled by something."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.load import load_contract
from contracts.pages.metrics import render_metrics
from contracts.pages.show import render_contract
from tests.contracts.shop import faults_of

USES = """\
exporter: {name: shop, help: Shop events., port: 9200, job: shop}
files: {default: shop.jsonl}
vocabulary:
  one: {values: [a, b]}
  two: {values: [a, b]}
  three: {values: [a, b]}
  four: {values: [a, b], default: a}
  five: {values: [a, b]}
  six: {type: number, min: 0}
  seven: {type: time}
  eight: {type: number}
  nine: {type: number, is: eight - ten}
  ten: {type: number}
  eleven: {values: [a]}
  id: {type: id}
  stage: {values: [placed, paid]}
  at: {type: time}
  edge: {values: [placed_to_paid]}
  latency: {type: number, unit: seconds, min: 0}
sources:
  shop:
    match: {v: 1}
    require_any: [one]
    read:
      one: one
      two: {path: two, required: true}
      three: three
      six: six
      seven: seven
      eight: eight
      ten: ten
      id: id
      stage: stage
      at: at
    parts: {inner: {of: "inner[]", read: {five: five}, parts: {deep: {of: "deep{}", read: {eleven: a.b}}}}}
metrics:
  shop_total: {type: counter, help: T., counts: events, amount: six, when: {three: a}, budget: 1}
  shop_made: {type: gauge, help: M., sets: nine, newest_by: seven, ends: {five: b}, budget: 1}
  shop_wait_seconds: {type: histogram, help: W., observes: latency, buckets: [1], budget: 1}
  shop_inner_total: {type: counter, help: I., counts: five, labels: [five], budget: 2}
  shop_deep_total: {type: counter, help: D., counts: eleven, budget: 1}
  shop_events_total: {type: counter, help: E., counts: events, labels: [three], budget: 2}
  shop_all_total: {type: counter, help: A., counts: events, budget: 1}
  shop_first: {type: gauge, help: F., states: four, labels: [four], newest_by: lines, budget: 2}
pairs:
  waits:
    {id: id, stage: stage, at: at, edge: edge, latency: latency, edges: {placed_to_paid: [placed, paid]}}
"""


UNUSED = "no metric, pair or condition uses the word {}; use it or delete it"
UNFILLED = "no source fills the word {}, so what uses it stays empty; read it somewhere"


@pytest.mark.parametrize(
    ("old", "new", "word", "said"),
    [
        ("", "", "", ""),
        ("require_any: [one]", "expect: {a: b}", "one", UNUSED),
        ("two: {path: two, required: true}", "two: two", "two", UNUSED),
        ("amount: six, ", "", "six", UNUSED),
        ("newest_by: seven", "newest_by: lines", "seven", UNUSED),
        ("      three: three\n", "", "three", UNFILLED),
        ("      six: six\n", "", "six", UNFILLED),
        (", default: a}", "}", "four", UNFILLED),
        ("read: {five: five}", "read: {three: five}", "five", UNFILLED),
    ],
)
def test_a_word_is_used_by_something_and_filled_by_something(
    tmp_path: Path, old: str, new: str, word: str, said: str
) -> None:
    assert not old or USES.count(old) == 1
    expected = [f"vocabulary.{word}: " + said.format(f'"{word}"')] if word else []
    assert faults_of(tmp_path, USES.replace(old, new, 1) if old else USES) == expected


def test_of_a_number_that_is_made_each_part_has_to_be_filled(tmp_path: Path) -> None:
    assert faults_of(tmp_path, USES.replace("      ten: ten\n", "")) == [
        f"vocabulary.{word}: " + UNFILLED.format(f'"{word}"') for word in ("nine", "ten")
    ]


@pytest.mark.parametrize(
    ("metric", "moved_by"),
    [
        ("shop_total", "`six`, `three`"),
        ("shop_made", "`eight`, `ten`, `seven`"),
        ("shop_wait_seconds", "pairs by id"),
        ("shop_inner_total", "`inner[].five`"),
        ("shop_deep_total", "`inner[].deep{}.a.b`"),
        ("shop_events_total", "`three`"),
        ("shop_all_total", "every event"),
        ("shop_first", "every event"),
    ],
)
def test_the_page_of_metrics_names_the_fields_that_move_each(tmp_path: Path, metric: str, moved_by: str) -> None:
    (tmp_path / "shop.yaml").write_text(USES, encoding="utf-8")
    rows = [line.split(" | ") for line in render_metrics((load_contract(tmp_path / "shop.yaml"),)).splitlines()]
    assert [row[4] for row in rows if row[0] == f"| `{metric}`"] == [moved_by]


def test_of_what_a_pair_measures_the_first_number_that_is_tested_is_told(tmp_path: Path) -> None:
    when = "when: {five: a, six: 1, eight: 2}, budget: 1}"
    text = USES.replace("observes: latency, buckets: [1], budget: 1}", f"observes: latency, buckets: [1], {when}")
    assert faults_of(tmp_path, text) == [
        'metrics.shop_wait_seconds.when: "shop_wait_seconds" observes what a pair measures, so "six" cannot be tested;'
        " test words with values or allow"
    ]


def test_a_pair_waits_five_minutes_for_twenty_thousand_unless_it_says_otherwise(tmp_path: Path) -> None:
    more = USES.replace("latency: latency, edges", "latency: latency, timeout: 7, max_open: 9, edges")
    found = []
    for text in (USES, more):
        (tmp_path / "shop.yaml").write_text(text, encoding="utf-8")
        [pair] = load_contract(tmp_path / "shop.yaml").pairs
        found.append((pair.timeout_s, pair.max_open))
    assert found == [(300.0, 20000), (7.0, 9)]


def test_a_line_has_a_megabyte_and_a_thousand_parts_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    stated = USES.replace("shop.jsonl}", "shop.jsonl, max_line_bytes: 4096}").replace(
        "    parts: {inner", "    max_parts: 7\n    parts: {inner"
    )
    found = []
    for text in (USES, stated):
        (tmp_path / "shop.yaml").write_text(text, encoding="utf-8")
        contract = load_contract(tmp_path / "shop.yaml")
        found.append((contract.files.max_line_bytes, contract.sources[0].max_parts))
    assert found == [(1 << 20, 1000), (4096, 7)]


def test_up_to_sixty_characters_of_values_are_shown_else_their_number(tmp_path: Path) -> None:
    for length in (29, 30):
        values = ", ".join((("a" * 30), "b" * length))
        text = USES.replace("four: {values: [a, b], default: a}", f"four: {{values: [{values}], default: {'a' * 30}}}")
        (tmp_path / "shop.yaml").write_text(text, encoding="utf-8")
        [row] = [line for line in render_contract(load_contract(tmp_path / "shop.yaml")) if "shop_first" in line]
        assert row.endswith(f"four {'a' * 30}|{'b' * length}" if length == 29 else "four (2 values)")


def test_parts_are_shown_with_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(USES, encoding="utf-8")
    lines = list(render_contract(load_contract(tmp_path / "shop.yaml")))
    assert lines[2:4] == ["sources shop", "parts of shop: inner inner[] (deep deep{})"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[6:-2]}
    assert rows["shop_made"] == ["gauge", "1", "1", "-"]
    assert rows["shop_wait_seconds"] == ["histogram", "1", "4", "-"]
    assert rows["shop_first"] == ["gauge", "2", "2", "four", "a|b"]


PAIRS = [
    ("id: id,", "id: stage,", "id", 'id needs a word of kind id, but "stage" is of kind enum; use or declare another'),
    (
        "edge: edge,",
        "edge: edges,",
        "edge",
        'edge needs a word of kind enum, but there is no word "edges"; use or declare another',
    ),
    (
        "stage: stage,",
        "stage: step,",
        "stage",
        'stage needs a word of kind enum, but there is no word "step"; use or declare another',
    ),
    (
        "at: at, edge",
        "at: id, edge",
        "at",
        'at needs a word of kind time, but "id" is of kind id; use or declare another',
    ),
    (
        "latency: latency,",
        "latency: six,",
        "latency",
        'latency needs a word in seconds; write unit: seconds at "six" or use another',
    ),
    *(
        (
            "{placed_to_paid: [placed, paid]}",
            f"{{placed_to_paid: [{ends}]}}",
            "edges.placed_to_paid",
            "expected [opening stage, closing stage], two different ones of placed, paid",
        )
        for ends in ("placed", "placed, placed", "placed, gone", "placed, paid, placed")
    ),
    (
        "{placed_to_paid: [placed, paid]}",
        "{placed_to_sent: [placed, paid]}",
        "edges.placed_to_sent",
        'got the edge "placed_to_sent", expected a value of "edge": placed_to_paid',
    ),
]


@pytest.mark.parametrize(("old", "new", "where", "said"), PAIRS)
def test_a_pair_joins_two_stages_by_words_of_their_kinds(
    tmp_path: Path, old: str, new: str, where: str, said: str
) -> None:
    before, pairs, after = USES.partition("pairs:\n")
    assert after.count(old) == 1
    assert faults_of(tmp_path, before + pairs + after.replace(old, new)) == [f"pairs.waits.{where}: {said}"]


DEEP = """exporter: {name: shop, help: Shop events., port: 9200, job: shop}
files: {default: shop.jsonl}
vocabulary: {n: {type: number}, at: {type: time}, late: {type: time}}
sources:
  shop:
    match: {}
    read: {at: ts}
    parts: {inner: {of: "inner[]", INNER, parts: {deep: {of: "deep[]", read: DEEP}}}}
metrics:
  shop_n: {type: gauge, help: N., sets: n, budget: 1}
  shop_at_timestamp_seconds: {type: gauge, help: A., sets: at, budget: 1}
  shop_late_timestamp_seconds: {type: gauge, help: L., sets: late, budget: 1}
"""


@pytest.mark.parametrize(
    ("inner", "deep", "newest_by"),
    [
        ("", "{n: n}", "at"),
        ("", "{n: n, late: l}", None),  # two times are there: none is the only one
        ("{late: l}", "{n: n}", None),
        ("{n: n}", "{late: l}", "at"),  # what is read below does not count
    ],
)
def test_the_time_of_a_number_in_a_part_is_the_only_one_there_or_around_it(
    tmp_path: Path, inner: str, deep: str, newest_by: str | None
) -> None:
    text = DEEP.replace("INNER", f"read: {inner}" if inner else "match: {}").replace("DEEP", deep)
    if "late" not in inner + deep:
        text = "\n".join(line for line in text.splitlines() if "shop_late" not in line).replace(
            ", late: {type: time}", ""
        )
    (tmp_path / "shop.yaml").write_text(text, encoding="utf-8")
    first, *_ = load_contract(tmp_path / "shop.yaml").metrics
    assert first.newest_by == newest_by
