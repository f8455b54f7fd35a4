"""Any batch decodes as its lines would alone, and a line is what the standard library says it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from contracts.load import load_contract
from contracts.model import Contract
from exporters.engine.decode import Decoder
from exporters.engine.values import Decoded
from tests.budget import amount

CONTRACT = """
exporter: {name: sample, help: A sample., port: 9999, job: sample}
files: {default: sample.jsonl}
vocabulary:
  kind: {values: [a, b], otherwise: other}
  ok: {values: ["true", "false"]}
  note: {values: [a], otherwise: other}
  amount: {type: number, unit: seconds, min: 0}
  at: {type: time}
sources:
  one: {match: {}, read: {kind: kind, ok: ok, note: d.note, amount: d.amount, at: d.at}}
metrics:
  peak_trade_things_total: {type: counter, counts: events, labels: [kind, ok, note], help: Things., budget: 99}
  peak_trade_amount_seconds: {type: histogram, observes: amount, buckets: [1], help: Amounts., budget: 9}
  peak_trade_last_timestamp_seconds: {type: gauge, sets: at, help: When., budget: 9}
"""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
stamps = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01 00:00:00", "2026-13-01T00:00:00Z", "now"])
nested = st.dictionaries(st.sampled_from(["amount", "at", "note", "x"]), values | stamps, max_size=3)
objects = st.dictionaries(st.sampled_from(["kind", "ok", "d", "x"]), values | nested, max_size=4)
ascii_or_not = st.booleans()


@st.composite
def json_lines(draw: st.DrawFn) -> bytes:
    text = json.dumps(
        draw(objects), ensure_ascii=draw(ascii_or_not), separators=draw(st.sampled_from([(",", ":"), None]))
    )
    return text.encode()


good = json_lines()
odd = st.sampled_from(
    [
        *(b"", b" ", b"\r", b"{}", b"{}{}", b"{", b"}", b"[]", b"null", b"1", b'"a"', b"[{}", b"}{", b'{"kind":'),
        *(b'{"kind":[]}', b'{"d":1}', b'{"d":{"at":1e999}}', b'{"kind":"\\ud800"}', b'{"kind":[],"x":"\\ud800"}'),
        *(
            b'{"x":NaN}',
            b'{"x":"a NaN","d":{"amount":NaN,"at":-Infinity}}',
            b'{"kind":"-Infinity","ok":"NaN","x":Infinity}',
            b'{"x":1Infinity}',
            b'{"x":NaN1}',
            b'{"x":"NaN}',
            b"Infinity",
            b'{"kind":"NaN","d":{"at":-Infinity}}',
            b"-NaN",
            b'{"x":"\\"NaN',
            b'{"x":1,"x":2}',
            b"\xef\xbb\xbf{}",
            b'{"x":"\xff"}',
            b"\0\0{}",
            b"{}\0",
            b"\0",
            b"\xff",
        ),
    ]
)
torn = st.tuples(good, st.integers(0, 60)).map(lambda pair: pair[0][: pair[1]])
glued = st.tuples(torn, good).map(b"".join)
noise = st.binary(max_size=12).map(lambda data: data.replace(b"\n", b""))
any_line = st.one_of(good, good, good, odd, torn, glued, noise)
batches = st.lists(any_line, max_size=12).flatmap(
    lambda lines: st.sampled_from([b"\n", b"\r\n"]).map(lambda end: b"".join(line + end for line in lines))
)


MISFITS = b"".join(
    line * 300 for line in (b'{"kind":[],"ok":[],"d":7}\n', b'{"d":null,"ok":{}}\n', b'{"d":{"note":[]}}\n')
)
"""Values of the wrong kinds at every path, so many that they are expected from then on."""


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    path: Path = tmp_path_factory.mktemp("contract") / "sample.yaml"
    path.write_text(CONTRACT)
    return load_contract(path)


@pytest.fixture(scope="module", params=["nothing", "misfits"], ids="after {}".format)
def decode(contract: Contract, request: pytest.FixtureRequest) -> Callable[[bytes], Decoded]:
    decoder = Decoder(contract)
    if request.param == "misfits":
        decoder.decode(MISFITS)
        assert decoder._misfits.types.keys() == {("kind",), ("ok",), ("d",), ("d", "note")}
    return decoder.decode


def verdict(line: bytes) -> str:
    """Say what a line is, by the standard library alone."""
    line = line.lstrip(b"\0")
    if not line.strip():
        return "blank"
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "invalid_utf8"
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return "bad_json"
    return "event" if isinstance(value, dict) else "not_object"


def shown(decoded: Decoded) -> list[str]:
    """Return the events in a form that tells True, 1 and 1.0 apart."""
    return [repr(event) for event in decoded.events]


@pytest.mark.slow
@settings(max_examples=amount(50, 2000), deadline=None, print_blob=True)
@given(data=batches)
def test_a_batch_decodes_as_its_lines_would_alone(decode: Callable[[bytes], Decoded], data: bytes) -> None:
    together = decode(data)
    alone = [decode(line + b"\n") for line in data.split(b"\n")[:-1]]
    assert shown(together) == [event for one in alone for event in shown(one)]
    assert together.blank == sum(one.blank for one in alone)
    assert together.skipped_bytes == sum(one.skipped_bytes for one in alone)
    assert sorted(together.rejected.elements()) == sorted(reason for one in alone for reason in one.rejected.elements())


@pytest.mark.slow
@settings(max_examples=amount(50, 2000), deadline=None, print_blob=True)
@given(data=batches)
def test_what_came_before_makes_no_difference(
    contract: Contract, decode: Callable[[bytes], Decoded], data: bytes
) -> None:
    found, anew = decode(data), Decoder(contract).decode(data)
    assert shown(found) == shown(anew)
    assert (found.blank, found.skipped_bytes, found.rejected) == (anew.blank, anew.skipped_bytes, anew.rejected)


@pytest.mark.slow
@settings(max_examples=amount(50, 2000), deadline=None, print_blob=True)
@given(data=batches)
def test_every_line_is_what_the_standard_library_says(decode: Callable[[bytes], Decoded], data: bytes) -> None:
    verdicts = [verdict(line) for line in data.split(b"\n")[:-1]]
    decoded = decode(data)
    found = ["event"] * len(decoded.events) + ["blank"] * decoded.blank + list(decoded.rejected.elements())
    assert sorted(found) == sorted(verdicts)


@pytest.mark.slow
@settings(max_examples=amount(50, 2000), deadline=None, print_blob=True)
@given(value=objects)
def test_a_field_of_the_wrong_kind_leaves_the_rest_as_it_was(
    decode: Callable[[bytes], Decoded], value: dict[str, object]
) -> None:
    """The lenient way reads the fields it shares with the strict way alike."""
    value.pop("kind", None)
    strict = shown(decode(json.dumps(value).encode() + b"\n"))[0]
    lenient = shown(decode(json.dumps({**value, "kind": []}).encode() + b"\n"))[0]
    assert lenient == strict.replace("f_kind=None", "f_kind=MISTYPED", 1)


@settings(max_examples=amount(50, 2000), deadline=None, print_blob=True)
@given(data=st.binary(max_size=200).map(lambda data: data + b"\n"))
def test_no_bytes_whatever_stop_it_and_none_goes_uncounted(decode: Callable[[bytes], Decoded], data: bytes) -> None:
    decoded = decode(data)
    assert len(decoded.events) + decoded.blank + decoded.rejected.total() == data.count(b"\n")
