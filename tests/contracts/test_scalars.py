"""Plain scalars are those of YAML 1.2, as editors read them."""

from pathlib import Path

import pytest

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
