"""A family is a name, those rotation may have made it from, and those it may have made from these."""

from __future__ import annotations

import pytest

from exporters.engine.tail.families import Families, are_of_one, rotated_from

NAMES = ["/a/e.jsonl", "/a/e.jsonl.1", "/a/e.jsonl.2", "/a/e-20261126.jsonl", "/a/f.jsonl.1", "/b/e.jsonl.1"]
FAMILY = ["/a/e.jsonl", "/a/e-20261126.jsonl", "/a/e.jsonl.1", "/a/e.jsonl.2"]


def test_a_name_is_rotated_from_another_of_its_folder() -> None:
    assert rotated_from("/a/e.jsonl.1") == ("/a/e.jsonl",)
    assert rotated_from("e.jsonl.1") == ("e.jsonl",)
    assert rotated_from("/a/e.jsonl") == ()


@pytest.mark.parametrize("name", FAMILY)
def test_the_names_of_a_family_are_found_by_each_of_them(name: str) -> None:
    assert sorted(Families(NAMES).of(name)) == sorted(FAMILY)
    assert [other for other in NAMES if are_of_one(name, other)] == [one for one in NAMES if one in FAMILY]


def test_a_name_is_in_its_own_family_first_whether_it_was_taken_in_or_not() -> None:
    assert Families().of("/a/e.jsonl.7") == ["/a/e.jsonl.7", "/a/e.jsonl"]
    assert Families(NAMES).of("/a/g.jsonl") == ["/a/g.jsonl"]


def test_a_name_that_was_left_out_is_no_longer_found() -> None:
    families = Families(NAMES)
    for name in ("/a/e.jsonl.1", "/a/e.jsonl.1", "/a/e.jsonl.3", "/a/f.jsonl.1"):
        families.discard(name)
    assert families.of("/a/e.jsonl") == ["/a/e.jsonl", "/a/e-20261126.jsonl", "/a/e.jsonl.2"]
    assert families.of("/a/f.jsonl") == ["/a/f.jsonl"]
