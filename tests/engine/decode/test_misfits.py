"""Values of kinds their fields cannot have: where they come often they take the fast way, and are what they were."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from contracts.model import Contract
from exporters.engine.decode import Decoder
from exporters.engine.decode import decoder as decode_module
from exporters.engine.decode.misfits import Misfits
from exporters.engine.fields import deciding_paths, ordered_paths
from exporters.engine.objects import tree_of
from exporters.engine.values import Decoded

Spec = Callable[[str], Contract]

TEXT = """
vocabulary:
  kind: {values: [a, b], otherwise: other}
  ok: {values: ["true", "false"]}
  code: {values: [x], otherwise: other}
  amount: {type: number, min: 0}
  at: {type: time}
sources:
  there: {match: {deep: {present: true}, deep.er: {present: true}}, read: {kind: kind, ok: ok, code: deep.er.code}}
  one: {match: {}, read: {kind: kind, amount: deep.er.amount, at: deep.er.at, code: flat.code}}
metrics:
  things_total: {type: counter, counts: events, labels: [kind, ok, code], help: Things., budget: 99}
  amount: {type: gauge, sets: amount, help: A., budget: 1}
  last_timestamp_seconds: {type: gauge, sets: at, help: L., budget: 1}
"""
ANYTHING: list[object] = ["text", "", "a", 0, 1.5, True, False, None, [], [1], {}, {"x": 1}, {"*": None}]


def with_anything(path: str) -> list[bytes]:
    """Return lines in which anything stands at a path."""
    found: list[object] = list(ANYTHING)
    for part in reversed(path.split(".")):
        found = [{part: one} for one in found]
    return [json.dumps(one).encode() + b"\n" for one in found]


LINES = [
    line
    for path in ("kind", "ok", "deep", "deep.er", "deep.er.code", "deep.er.amount", "deep.er.at", "flat", "flat.code")
    for line in with_anything(path)
]


@pytest.fixture
def used_to_it(contract: Spec) -> Decoder:
    """Return a decoder that has met anything everywhere, often."""
    decoder = Decoder(contract(TEXT))
    decoder.decode(b"".join(LINES * 20))
    return decoder


def test_what_comes_often_is_decoded_with_all_others(used_to_it: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Decoder, "_decode_odd", lambda *_: pytest.fail("line by line"))
    plain = [line for line in LINES if b'"*"' not in line]  # which no field may be called, or its line is decoded anew
    assert len(used_to_it.decode(b"".join(plain)).events) == len(plain)


def test_it_is_what_it_was_when_it_was_rare(contract: Spec, used_to_it: Decoder) -> None:
    anew = [Decoder(contract(TEXT)).decode(line).events for line in LINES]
    assert list(map(repr, used_to_it.decode(b"".join(LINES)).events)) == [repr(one) for (one,) in anew]
    for line, (one,) in zip(LINES, anew, strict=True):
        assert list(map(repr, used_to_it.decode(line).events)) == [repr(one)]


def test_where_many_lines_have_numbers_that_json_does_not_have_they_are_decoded_with_all_others(
    contract: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: list[bytes] = []
    decode_odd = Decoder._decode_odd

    def noted(self: Decoder, line: bytes, decoded: Decoded, error: Exception) -> None:
        alone.append(line)
        decode_odd(self, line, decoded, error)

    monkeypatch.setattr(Decoder, "_decode_odd", noted)
    for line in (b'{"deep":{"er":{"amount":NaN}}}', b'{"unread":Infinity}', b'{"unread":-Infinity}'):
        for between, by_themselves in ((0, 2), (2, 2), (3, 20)):
            alone.clear()
            lines = b"\n".join([line, *[b"{}"] * between]) + b"\n"
            assert len(Decoder(contract(TEXT)).decode(lines * 20).events) == 20 * (1 + between)
            assert alone == [line] * by_themselves


def test_lines_that_json_has_are_looked_at_once(contract: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_module, "without_tokens", lambda line: pytest.fail("looked at again"))
    for text in (b"a", b"NaN", b"Infinity"):
        assert len(Decoder(contract(TEXT)).decode(b'{"kind":"%s"}\n' % text * 3).events) == 3


@pytest.fixture
def misfits(contract: Spec) -> Misfits:
    spec = contract(TEXT)
    return Misfits(tree_of(ordered_paths(spec), deciding_paths(spec)))


def asked(misfits: Misfits, lines: int, *notes: tuple[int, dict[str, Any]]) -> bool:
    for number, value in notes:
        for _ in range(number):
            misfits.note(value)
    return misfits.expects_more(lines)


ODD_KIND, ODD_DEEP = {"kind": [], "deep": {"er": {"code": "x"}}}, {"deep": 7, "kind": "a"}


def test_more_than_one_line_in_sixty_four_is_often(misfits: Misfits) -> None:
    assert not asked(misfits, 512, (8, ODD_KIND))
    assert not asked(misfits, 512, (8, ODD_KIND)), "they are counted anew"
    assert misfits.types == {}
    assert asked(misfits, 512, (9, ODD_KIND), (8, ODD_DEEP))
    assert list(misfits.types) == [("kind",)]
    assert asked(misfits, 1024, (17, ODD_DEEP))
    assert list(misfits.types) == [("kind",), ("deep",)]


def test_it_is_asked_after_so_many_lines_and_what_is_known_is_no_news(misfits: Misfits) -> None:
    assert not asked(misfits, 511, (500, ODD_KIND))
    assert asked(misfits, 1)
    assert not asked(misfits, 511, (500, ODD_DEEP))
    assert asked(misfits, 1)
    assert not asked(misfits, 600, (500, ODD_KIND))


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ({"kind": 1, "ok": "?", "deep": {}, "flat": {"code": 7, "*": 1}}, []),
        ({"kind": None, "deep": {"er": {"amount": True, "at": []}}}, []),
        ({"kind": True, "ok": 1}, [("kind",), ("ok",)]),
        ({"deep": None, "flat": None}, [("deep",), ("flat",)]),
        ({"deep": {"er": []}, "flat": "x"}, [("deep", "er"), ("flat",)]),
        ({"deep": {"er": {"code": []}}}, [("deep", "er", "code")]),
    ],
)
def test_only_what_does_not_fit_is_noted(misfits: Misfits, value: dict[str, Any], paths: list[object]) -> None:
    asked(misfits, 512, (512, value))
    assert sorted(misfits.types) == sorted(paths)  # type: ignore[type-var]
