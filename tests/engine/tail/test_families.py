"""A family is a name, those rotation may have made it from, and those it may have made from these."""

from __future__ import annotations

import pytest

from exporters.engine.tail.families import ByFamily, Families, rotated_from

NAMES = ["/a/e.jsonl", "/a/e.jsonl.1", "/a/e.jsonl.2", "/a/e-20261126.jsonl", "/a/f.jsonl.1", "/b/e.jsonl.1"]
FAMILY = ["/a/e.jsonl", "/a/e-20261126.jsonl", "/a/e.jsonl.1", "/a/e.jsonl.2"]


def test_a_name_is_rotated_from_another_of_its_folder() -> None:
    assert rotated_from("/a/e.jsonl.1") == ("/a/e.jsonl",)
    assert rotated_from("e.jsonl.1") == ("e.jsonl",)
    assert rotated_from("/a/e.jsonl") == ()


@pytest.mark.parametrize("name", FAMILY)
def test_the_names_of_a_family_are_found_by_each_of_them(name: str) -> None:
    assert sorted(Families(NAMES).of(name)) == sorted(FAMILY)


def test_a_name_is_in_its_own_family_first_whether_it_was_taken_in_or_not() -> None:
    assert Families().of("/a/e.jsonl.7") == ["/a/e.jsonl.7", "/a/e.jsonl"]
    assert Families(NAMES).of("/a/g.jsonl") == ["/a/g.jsonl"]


def test_a_name_that_was_left_out_is_no_longer_found() -> None:
    families = Families(NAMES)
    for name in ("/a/e.jsonl.1", "/a/e.jsonl.1", "/a/e.jsonl.3", "/a/f.jsonl.1"):
        families.discard(name)
    assert families.of("/a/e.jsonl") == ["/a/e.jsonl", "/a/e-20261126.jsonl", "/a/e.jsonl.2"]
    assert families.of("/a/f.jsonl") == ["/a/f.jsonl"]


def test_what_is_listed_by_path_is_found_for_the_whole_family_its_own_first() -> None:
    listed = ByFamily({"/a/e.jsonl": [1, 2], "/a/e.jsonl.1": [3], "/b/e.jsonl.1": [4]})
    assert listed.of("/a/e.jsonl.1") == [3, 1, 2]
    assert listed.of("/a/e.jsonl.2") == [1, 2, 3]
    assert listed.of("/c/e.jsonl") == []
