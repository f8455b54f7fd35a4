"""Lines -> events or refusals, one line at a time in effect whatever the batch (failure modes C3 to C9)."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pytest

from contracts.load import load_contracts
from contracts.model import Contract
from exporters.engine.decode import Decoder
from exporters.engine.fields import MISTYPED, attribute_of, deciding_paths
from exporters.engine.values import Decoded

PATHS = {
    name: attrgetter(attribute_of(tuple(name.split(".")))) for name in ("kind", "amount", "ok", "at", "deep.er.code")
}

SAMPLE = """
vocabulary:
  kind: {values: [a, b], otherwise: other}
  ok: {values: ["true", "false"]}
  code: {values: [x], otherwise: other}
  amount: {type: number, unit: seconds, min: 0}
  at: {type: time}
sources:
  one:
    match: {}
    read: {kind: kind, ok: ok, amount: amount, at: at, code: deep.er.code}
metrics:
  peak_trade_things_total: {type: counter, counts: events, labels: [kind, ok, code], help: Things., budget: 99}
  peak_trade_amount_seconds: {type: histogram, observes: amount, buckets: [1], help: Amounts., budget: 9}
  peak_trade_last_timestamp_seconds: {type: gauge, sets: at, help: When., budget: 9}
"""

Decode = Callable[[bytes], Decoded]


@pytest.fixture
def decode(contract: Callable[[str], Contract]) -> Decode:
    """A decoder for a contract that reads a text, a number, a flag, a time and a nested text."""
    return Decoder(contract(SAMPLE)).decode


def fields(event: object) -> dict[str, object]:
    """Return what an event holds, without what is absent."""
    return {name: get(event) for name, get in PATHS.items() if get(event) is not None}


@pytest.mark.parametrize("spec", load_contracts(Path(__file__).parents[3] / "contracts"), ids=attrgetter("name"))
def test_an_event_holds_what_decides_its_plan_before_all_else(spec: Contract) -> None:
    (event,) = Decoder(spec).decode(b"{}\n").events
    first = list(dict.fromkeys(attribute_of(path[:1]) for path in deciding_paths(spec)))
    assert list(event.__struct_fields__[: len(first)]) == first  # type: ignore[attr-defined]


def only(decoded: Decoded) -> object:
    """Return the one event, or the one reason, or `blank`."""
    found = [fields(event) for event in decoded.events] + list(decoded.rejected.elements())
    (one,) = found + ["blank"] * decoded.blank
    return one


def test_plain_lines_become_events_in_order(decode: Decode) -> None:
    decoded = decode(b'{"kind":"a","amount":1}\n{"kind":"b","unread":[1,{"x":null}]}\n')
    assert [fields(event) for event in decoded.events] == [{"kind": "a", "amount": 1.0}, {"kind": "b"}]
    assert (decoded.blank, dict(decoded.rejected), decoded.skipped_bytes) == (0, {}, 0)


def test_an_empty_batch_holds_nothing(decode: Decode) -> None:
    assert decode(b"") == Decoded([])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"", "blank"),
        (b"  \t", "blank"),
        (b"\r", "blank"),
        (b"{}", {}),
        (b'{"kind":"a"}\r', {"kind": "a"}),
        (b'  {"kind":"a"}  ', {"kind": "a"}),
        (b"{}{}", "bad_json"),
        (b"{} {}", "bad_json"),
        (b"[]", "not_object"),
        (b"[{}]", "not_object"),
        (b"null", "not_object"),
        (b"17", "not_object"),
        (b'"{}"', "not_object"),
        (b"[1,", "bad_json"),
        (b"{", "bad_json"),
        (b"not json", "bad_json"),
        (b'{"kind":"a",}', "bad_json"),
        (b"{'kind':'a'}", "bad_json"),
        (b'{"unread":tru}', "bad_json"),
        (b'{"unread":01}', "bad_json"),
        (b'{"unread":NaN}', {}),
        (b'{"amount":NaN}', {"amount": []}),
        (b'{"amount":-Infinity}', {"amount": -math.inf}),
        (b'{"amount":-NaN}', "bad_json"),
        (b'{"amount":nan}', "bad_json"),
        (b'{"unread":"tab\there"}', "bad_json"),
        (b'{"unread":"\\ud800"}', "bad_json"),
        (b'\xef\xbb\xbf{"kind":"a"}', "bad_json"),
        (b'{"unread":"\xff"}', "invalid_utf8"),
        (b'{"kind":"\xed\xa0\x80"}', "invalid_utf8"),
        (b'{"kind":"\xc0\xaf"}', "invalid_utf8"),
        (b"\xff\xfe", "invalid_utf8"),
        (b'{"kind":"a\0"}', "bad_json"),
        (b'{"kind":"a"}\0\0', "bad_json"),
        (b'{"unread":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "bad_json"),
        (b'{"unread":' + b"9" * 6000 + b"}", {}),
        (b'{"unread":1e999}', {}),
        ('{"kind":"\u2028\x85"}'.encode(), {"kind": "\u2028\x85"}),
        (b'{"\\u006bind":"a"}', {"kind": "a"}),
    ],
)
def test_c4_c9_a_line_is_one_event_or_one_refusal(decode: Decode, line: bytes, found: object) -> None:
    assert only(decode(line + b"\n")) == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"kind":"1"}', {"kind": "1"}),
        (b'{"kind":1}', {"kind": 1}),
        (b'{"kind":1.0}', {"kind": 1.0}),
        (b'{"kind":NaN}', {"kind": MISTYPED}),
        (b'{"kind":true}', {"kind": MISTYPED}),
        (b'{"kind":null}', {}),
        (b'{"kind":["a"]}', {"kind": MISTYPED}),
        (b'{"kind":' + b"9" * 400 + b"}", {"kind": int("9" * 400)}),
        (b'{"kind":' + b"9" * 6000 + b"}", {"kind": math.inf}),
        (b'{"ok":true}', {"ok": True}),
        (b'{"ok":"true"}', {"ok": "true"}),
        (b'{"ok":1}', {"ok": MISTYPED}),
        (b'{"ok":1.0}', {"ok": MISTYPED}),
        (b'{"amount":1}', {"amount": 1.0}),
        (b'{"amount":"1"}', {"amount": "1"}),
        (b'{"amount":true}', {"amount": True}),
        (b'{"amount":{"a":1}}', {"amount": {"a": 1}}),
        (b'{"amount":1e999}', {"amount": math.inf}),
        (b'{"amount":-1e999}', {"amount": -math.inf}),
        (b'{"amount":-' + b"9" * 400 + b"}", {"amount": -math.inf}),
        (b'{"amount":' + b"9" * 6000 + b"}", {"amount": math.inf}),
        (b'{"at":"2026-01-01T00:00:00Z"}', {"at": "2026-01-01T00:00:00Z"}),
        (b'{"at":5}', {"at": 5}),
        (b'{"at":1e999}', {"at": math.inf}),
        (b'{"at":"yesterday"}', {"at": "yesterday"}),
        (b'{"at":false}', {"at": False}),
        (b'{"deep":{"er":{"code":"x"}}}', {"deep.er.code": "x"}),
        (b'{"deep":null}', {}),
        (b'{"deep":7}', {}),
        (b'{"deep":{"er":[]}}', {}),
        (b'{"deep":{"er":{"code":{}}}}', {"deep.er.code": MISTYPED}),
        (b'{"kind":[],"kind":"b"}', {"kind": "b"}),
        (b'{"kind":"b","kind":[]}', {"kind": MISTYPED}),
        (b'{"deep":{"er":{"code":"x"}},"deep":{}}', {}),
    ],
)
def test_a_field_of_the_wrong_kind_costs_itself_alone(decode: Decode, line: bytes, found: object) -> None:
    assert only(decode(line + b"\n")) == found
    with_other = line[:-1] + b',"amount":2,"unread":1}'
    if b"amount" not in line:
        assert only(decode(with_other + b"\n")) == {**found, "amount": 2.0}  # type: ignore[dict-item]


def test_a_field_of_the_wrong_kind_does_not_make_a_bad_line_good(decode: Decode) -> None:
    for bad in (b'"\\ud800"', b"-NaN", b'"\x01"', b"01"):
        assert only(decode(b'{"kind":[],"unread":%s}\n' % bad)) == "bad_json"


LARGEST = b"%d" % int(sys.float_info.max)


@pytest.mark.parametrize("number", [b"9007199254740993", b"7", LARGEST, b"-" + LARGEST, b"1e300"], ids=len)
def test_a_field_of_the_wrong_kind_does_not_change_how_the_others_are_read(decode: Decode, number: bytes) -> None:
    others = b'"amount":%s,"at":"2026-01-01 00:00:00.123456+02:00","ok":"no","deep":{"er":{"code":-0}}' % number
    plain, odd = only(decode(b"{%s}\n" % others)), only(decode(b'{"kind":[],%s}\n' % others))
    assert odd == {"kind": MISTYPED, **plain}  # type: ignore[dict-item]


def test_c9_an_object_spread_over_two_lines_is_two_refusals(decode: Decode) -> None:
    decoded = decode(b'{"kind":"a",\n"amount":1}\n{"kind":"b"}\n')
    assert ([fields(event) for event in decoded.events], decoded.rejected) == ([{"kind": "b"}], {"bad_json": 2})


def test_c9_two_objects_on_one_line_do_not_make_up_for_a_missing_one(decode: Decode) -> None:
    for data in (b"{}{}\n\n{}\n", b"{}\n{}{}\n\n{}\n", b'{"kind":\n{}}\n{}{}\n', b"{}{}\n{\n}\n"):
        decoded = decode(data)
        assert len(decoded.events) == data.split(b"\n").count(b"{}")
        assert len(decoded.events) + decoded.blank + decoded.rejected.total() == data.count(b"\n")


def test_c8_a_torn_line_glued_to_the_next_is_one_refusal_wherever_it_was_torn(decode: Decode) -> None:
    whole = b'{"kind":"a","amount":1.5,"deep":{"er":{"code":"x"}}}'
    for cut in range(1, len(whole)):
        decoded = decode(whole[:cut] + whole + b"\n" + whole + b"\n")
        assert (len(decoded.events), decoded.rejected) == (1, {"bad_json": 1})


def test_c7_nuls_in_front_of_a_line_are_skipped_and_counted(decode: Decode) -> None:
    decoded = decode(b"\0" * 4096 + b'{"kind":"a"}\n{"kind":"b"}\n\0\0\n')
    assert [fields(event) for event in decoded.events] == [{"kind": "a"}, {"kind": "b"}]
    assert (decoded.skipped_bytes, decoded.blank) == (4098, 1)


def test_c7_beside_nuls_a_line_that_is_no_text_is_refused_as_ever(decode: Decode) -> None:
    decoded = decode(b'\0{"kind":"a"}\n\xff\n\0\0{"unread":"\xff"}\n\0{"kind":"b"}\n')
    assert [fields(event) for event in decoded.events] == [{"kind": "a"}, {"kind": "b"}]
    assert (decoded.rejected, decoded.skipped_bytes) == ({"invalid_utf8": 2}, 4)


def test_c7_nuls_behind_a_blank_line_are_skipped_too(decode: Decode) -> None:
    decoded = decode(b'\n\0{"kind":"a"}\n')
    assert ([fields(event) for event in decoded.events], decoded.blank) == ([{"kind": "a"}], 1)


def test_one_bad_line_costs_itself_alone_in_a_large_batch(decode: Decode) -> None:
    good = b'{"kind":"a","amount":1}\n'
    for bad in (b"x\n", b"\xff\n", b"\0x\n", b'{"kind":[]}\n', b"\n", b"{}{}\n"):
        decoded = decode(good * 500 + bad + good * 500)
        plain = [event for event in decoded.events if fields(event) == {"kind": "a", "amount": 1.0}]
        assert len(plain) == 1000
        assert len(decoded.events) + decoded.blank + decoded.rejected.total() == 1001


def test_windows_line_ends_take_the_fast_way_too(decode: Decode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Decoder, "_decode_odd", lambda *_: pytest.fail("line by line"))
    assert len(decode(b'{"kind":"a"}\r\n' * 3).events) == 3
    assert len(decode(b'{"kind":"a"}\n' * 3).events) == 3
