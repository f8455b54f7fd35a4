"""Texts that come again and again are one object each; whatever else comes is decoded as it was."""

import json
from collections.abc import Callable
from operator import attrgetter

import msgspec
import pytest

from contracts.model import Contract
from exporters.engine.decode import Decoder
from exporters.engine.decode import decoder as decode_module
from exporters.engine.fields import Unexpected, type_expecting

TEXT = """
vocabulary: {kind: {values: [a, b], otherwise: other}, code: {values: [x], otherwise: other}}
sources: {one: {match: {}, read: {kind: kind, code: deep.code}}}
metrics: {things_total: {type: counter, counts: events, labels: [kind, code], help: Things., budget: 9}}
"""
get = attrgetter("f_kind", "f_deep.f_code")


def lines(*kinds: object) -> bytes:
    return b"".join(json.dumps({"kind": kind, "deep": {"code": kind}}).encode() + b"\n" for kind in kinds)


@pytest.fixture
def decoder(contract: Callable[[str], Contract]) -> Decoder:
    return Decoder(contract(TEXT))


def test_a_text_that_came_before_is_the_same_object(decoder: Decoder) -> None:
    decoder.decode(lines(*["a", "b"] * 200))
    first, second = map(get, decoder.decode(lines("a", "b", "a")).events[::2])
    assert first == ("a", "a") and first[0] is second[0] and first[1] is second[1]


@pytest.mark.parametrize("found", ["a", "new", "", "A", "\u00fc", 7, 7.0, 7.5, None], ids=repr)
def test_whatever_comes_is_decoded_as_it_was(decoder: Decoder, found: object) -> None:
    before = list(map(get, decoder.decode(lines(found)).events))
    decoder.decode(lines(*["a", "b"] * 200))
    after = list(map(get, decoder.decode(lines(found)).events))
    assert before == after == [(found, found)]
    assert list(map(type, after[0])) == list(map(type, before[0]))


def test_a_value_of_the_wrong_kind_still_costs_itself_alone(decoder: Decoder) -> None:
    decoder.decode(lines(*["a", "b"] * 200))
    decoded = decoder.decode(lines("a", True, "b") + b"{\n")
    assert [repr(event.f_kind) for event in decoded.events] == ["'a'", "MISTYPED", "'b'"]  # type: ignore[attr-defined]
    assert decoded.rejected == {"bad_json": 1}


def test_other_texts_are_learned_when_they_come_but_not_for_ever(decoder: Decoder) -> None:
    for batch in range(20):
        decoder.decode(lines(*[f"{batch}-{number % 3}" for number in range(300)]))
    assert decoder._learned == decode_module._MOST_LESSONS
    assert get(decoder.decode(lines("19-0")).events[0]) == ("19-0", "19-0")
    assert decoder._unknown.number == 0


def test_a_field_of_many_texts_expects_none(decoder: Decoder) -> None:
    for _ in range(3):
        decoder.decode(lines(*map(str, range(300))))
    assert decoder._learned == 1


def test_a_version_that_works_in_another_way_gets_plain_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type_expecting(["a"], Unexpected()) != str | int | float | None
    monkeypatch.setattr(msgspec.json, "encode", lambda text: b"5")
    assert type_expecting(["a"], Unexpected()) == str | int | float | None


class Odd:
    """A decoder of another version of msgspec: it fails, or gives something else for some texts."""

    def __init__(self, _kind: object) -> None:
        pass

    def decode(self, text: bytes) -> object:
        return 7 if text == b'"another text"' else json.loads(text)


class Failing(Odd):
    def decode(self, text: bytes) -> object:
        raise TypeError(text)


@pytest.mark.parametrize("other", [Odd, Failing])
def test_where_texts_cannot_be_expected_any_text_is_taken(monkeypatch: pytest.MonkeyPatch, other: type) -> None:
    monkeypatch.setattr(msgspec.json, "Decoder", other)
    assert type_expecting(["a", "b"], Unexpected()) == str | int | float | None
