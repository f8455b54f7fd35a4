"""Every kind of record comes back from its row as it was, and rows of another version are refused by kind."""

import json
import os

import pytest

from exporters.engine.pairs.segments import remembered
from exporters.engine.records import (
    Gone,
    KnownBackups,
    MetricMeaning,
    PairMeaning,
    PairProgress,
    Record,
    Saved,
    SavedName,
    SavedSegment,
    SavedSeries,
)
from exporters.engine.stored import UnreadableError, read_rows, row_of
from exporters.engine.values import Checkpoint, FileKey

RECORDS: list[Record] = [
    SavedSeries("kinds_total", ("sold", "ü"), 2.5, 1.0, None, 0),
    SavedSeries("size_seconds", (), 0.25, 1.0, [1, 0, 2], 0),
    SavedSeries("last", (), float("-inf"), 1.0, None, 0),
    SavedSeries("level", ("a",), 3.0, 1.0, None, 1_769_300_000_123_456_789),
    SavedName("run", "r1"),
    MetricMeaning("kinds_total", "counter", "counts", "kind", None, (("kind", "kind"),), ()),
    PairMeaning("order", "[1]"),
    PairProgress("order", 7_500_000_000, 3),
    SavedSegment("order", 2, [["a", 10**18 + 1, None, True, 7_500_000_000, 4]]),
    Checkpoint(3, os.fsdecode(b"/logs/\xff\xe4.jsonl"), FileKey(1, 9, 5), 10, 12, 8, 4, "ab", 4, "cd", True, True),
    KnownBackups(frozenset({FileKey(1, 2), FileKey(1, 3, 4)})),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_from_its_row_as_it_was(record: Record) -> None:
    kind, key, value = row_of(record)
    expected = Saved()
    expected.add(record)
    assert read_rows([(kind, key, json.loads(json.dumps(value)))]) == expected


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_that_is_gone_deletes_the_row_of_its_name(record: Record) -> None:
    kind, key, _ = row_of(record)
    assert row_of(Gone(record)) == (kind, key, None)


def test_a_value_is_stored_as_a_number_and_what_json_has_none_for_as_a_text() -> None:
    values = [row_of(SavedSeries("m", (), value, 1.0, None, 0))[2] for value in (2.5, float("-inf"), float("inf"))]
    assert values == [[2.5, 1.0, None], ["-inf", 1.0, None], ["inf", 1.0, None]]


def test_checkpoints_come_back_in_the_order_of_their_serials() -> None:
    late, early = (Checkpoint(serial, "p", FileKey(1, 9), 0, 0, 0, 0, "", 0, "") for serial in (4, 3))
    assert read_rows(map(row_of, (late, early))).checkpoints == [early, late]


def test_fields_a_checkpoint_was_stored_without_have_their_defaults() -> None:
    assert read_rows([("mark", "3", [3, "p", [1, 9, None], 0, 0, 0, 0, "", 0, ""])]).checkpoints == [
        Checkpoint(3, "p", FileKey(1, 9), 0, 0, 0, 0, "", 0, "", skipping=False, done=False)
    ]


@pytest.mark.parametrize(
    "row",
    [
        ("mark", "9", [1, 2, 3]),
        ("mark", "9", [3, "p", [1, 9, None], 0, 0, 0, 0, "", 0, "", False, False, *range(20)]),
        (
            "mark",
            "9",
            [3, "p", [1, 9, None], 0, 0, 0, 0, "", 0, "", False, False, "", False, "a field of a later version"],
        ),
        ("series", '["kinds_total", "sold"]', ["many", None, None]),
        ("series", "no list", [1.0, 1.0, None]),
        ("series", '["kinds_total", "sold"]', [1.0, 1.0, None, 7, "more"]),
        ("metric", "kinds_total", "[]"),
        ("pair", '["order"]', {}),
        ("newest", "order", [1.0]),
        ("seen", '["run"]', True),
        ("seen", '["run", "a"]', "a later version's"),
        ("known", "", [[1]]),
        ("from the future", "", 1),
    ],
    ids=lambda row: row[0],
)
def test_a_row_of_another_version_is_refused_by_its_kind(row: tuple[str, str, object]) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_rows([row])
    assert str(caught.value) == f"a row of kind {row[0]!r}"


def test_of_an_ids_records_the_newest_stands_and_those_forgotten_are_gone() -> None:
    records: tuple[Record, ...] = (
        SavedSegment("order", 2, [["a", 5, 4], ["c", 1, 3]]),
        SavedSegment("order", 1, [["a", 1, 1], ["b", 2, 2]]),
        PairProgress("order", 5, 2),
    )
    saved = read_rows(map(row_of, records))
    assert list(remembered(saved)["order"].items()) == [("c", (2, [1, 3])), ("a", (2, [5, 4]))]


def test_times_of_pairs_stored_in_seconds_by_an_earlier_version_are_read_in_nanoseconds() -> None:
    saved = read_rows(
        [("newest", "order", [7.5, 3]), ("pair", '["order", 2]', [["a", 1769300000.1, None, True, 7.5, 4]])]
    )
    assert saved.pair_progress == [PairProgress("order", 7_500_000_000, 3)]
    assert saved.segments[0].entries == [["a", 1_769_300_000_100_000_000, None, True, 7_500_000_000, 4]]
