"""Plain scalars are those of YAML 1.2, as editors read them."""

from pathlib import Path

import pytest

from contracts import load
from contracts.compiler.document import ContractError, Spot
from contracts.load import read_document

CASES = [
    ("true", "true", "bool"),
    ("True", "true", "bool"),
    ("FALSE", "false", "bool"),
    ("tRUE", "tRUE", "str"),
    ("yes", "yes", "str"),
    ("off", "off", "str"),
    ("~", "~", "null"),
    ("null", "null", "null"),
    ("", "", "null"),
    ("none", "none", "str"),
    ("200", "200", "int"),
    ("-7", "-7", "int"),
    ("007", "007", "int"),
    ("1_000", "1_000", "str"),
    ("0x1F", "0x1F", "str"),
    ("0o17", "0o17", "str"),
    ("1:30", "1:30", "str"),
    ("1" * 19, "1" * 19, "float"),
    ("0.5", "0.5", "float"),
    (".5", ".5", "float"),
    ("1.", "1.", "float"),
    ("1e-3", "1e-3", "float"),
    ("1E3", "1E3", "float"),
    (".inf", ".inf", "str"),
    (".nan", ".nan", "str"),
    ("2026-01-25", "2026-01-25", "str"),
    ("=", "=", "str"),
    ('"200"', "200", "str"),
    ("'true'", "true", "str"),
    ("! 200", "200", "int"),
]


@pytest.mark.parametrize(("text", "value", "tag"), CASES, ids=[case[0] or "nothing" for case in CASES])
def test_a_scalar_has_the_type_editors_show(tmp_path: Path, text: str, value: str, tag: str) -> None:
    path = tmp_path / "scalar.yaml"
    path.write_text(f"key: {text}\n", encoding="utf-8")
    document, faults, _ = read_document(path)
    spot = document.at("key")
    assert (spot.value, spot.tag, spot.line, spot.path, faults.found) == (value, tag, 1, "key", [])


def test_a_byte_order_mark_is_no_part_of_the_document(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfkey: 1\n")
    assert [name for name, _ in read_document(path)[0].items()] == ["key"]


def test_nesting_may_be_forty_deep_and_aliases_may_repeat(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text("a: &a " + "[" * 38 + "x" + "]" * 38 + "\nb: [*a, *a]\n", encoding="utf-8")
    document, faults, _ = read_document(path)
    assert faults.found == []
    found = document.at("b")
    while isinstance(found.value, list):
        found = found.value[-1]
    assert found.text == "x"


@pytest.mark.parametrize("depth", [39, 40])
def test_nesting_deeper_than_forty_is_refused_at_its_line(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text("a:\n  " + "[" * depth + "]" * depth + "\n", encoding="utf-8")
    if depth < 40:
        assert read_document(path)[1].found == []
        return
    with pytest.raises(ContractError) as caught:
        read_document(path)
    assert [(fault.line, fault.path, fault.problem) for fault in caught.value.faults] == [
        (2, "(document)", "cannot be read as YAML: nested deeper than 40 levels; correct it there")
    ]


def test_values_are_counted_with_aliases_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "many.yaml"
    path.write_text("a: &a [x, x]\nb:\n- *a\n- y\n", encoding="utf-8")  # the document, 3, and 1 + 3 + 1
    monkeypatch.setattr(load, "_MAX_SPOTS", 9)
    assert read_document(path)[1].found == []
    monkeypatch.setattr(load, "_MAX_SPOTS", 8)
    with pytest.raises(ContractError) as caught:
        read_document(path)
    assert [(fault.line, fault.problem) for fault in caught.value.faults] == [
        (4, "has more than 8 values with its aliases written out; use fewer aliases")
    ]


def test_merge_keys_are_followed_where_programs_follow_them(tmp_path: Path) -> None:
    path = tmp_path / "merged.yaml"
    path.write_text(
        "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {y: 5, <<: *a}\nd: {<<: [*b, *a], w: 6}\n", encoding="utf-8"
    )
    document, faults, _ = read_document(path, merges=True)
    found = {name: {key: spot.text for key, spot in document.entries(name)} for name in "cd"}
    assert (found, faults.found) == ({"c": {"y": "5", "x": "1"}, "d": {"y": "3", "z": "4", "x": "1", "w": "6"}}, [])
    refused = read_document(path)[1].found
    assert [(fault.line, fault.path) for fault in refused] == [(3, "c.<<"), (4, "d.<<")]


def test_what_is_not_there_is_an_empty_mapping_with_the_line_around_it() -> None:
    document = Spot({"a": Spot({}, 7, "a")}, 1, "")
    assert (document.at("no", "where"), document.at("a", "b")) == (Spot({}, 1, "no.where"), Spot({}, 1, "a.b"))


@pytest.mark.parametrize(("escape", "found"), [("D7FF", 0), ("D800", 1), ("DFFF", 1), ("E000", 0)])
def test_half_of_a_surrogate_pair_is_no_character(tmp_path: Path, escape: str, found: int) -> None:
    path = tmp_path / "half.yaml"
    path.write_text(f'key: "\\u{escape}"\n', encoding="utf-8")
    assert [fault.path for fault in read_document(path)[1].found] == ["key"] * found
