"""The gate: only a clear yes is a yes, only a clear no or nothing is a no, everything else is refused."""

from __future__ import annotations

import doctest
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import no_live
from contracts.no_live import NoLiveError, live_trading_enabled, refuse_live

pytestmark = pytest.mark.thorough

CLEAR = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


@pytest.mark.parametrize("environment", [{}, {"LIVE_TRADING_ENABLED": ""}, {"LIVE_TRADING_ENABLED": " \t"}])
def test_without_a_word_live_trading_is_off(environment: Mapping[str, str]) -> None:
    assert live_trading_enabled(environment) is False
    refuse_live(environment, "the dry run")


@pytest.mark.parametrize(("word", "expected"), CLEAR.items())
def test_a_clear_word_is_taken_whatever_its_case_and_the_blanks_around_it(word: str, expected: bool) -> None:
    for spelt in (word, word.upper(), f"  {word.title()}\n"):
        assert live_trading_enabled({"LIVE_TRADING_ENABLED": spelt}) is expected


@given(st.text())
def test_whatever_is_neither_yes_nor_no_is_refused_and_never_taken_for_either(text: str) -> None:
    word = text.strip().lower()
    if not word or word in CLEAR:
        assert live_trading_enabled({"LIVE_TRADING_ENABLED": text}) is CLEAR.get(word, False)
        return
    with pytest.raises(NoLiveError) as caught:
        live_trading_enabled({"LIVE_TRADING_ENABLED": text})
    assert str(caught.value) == (
        f"LIVE_TRADING_ENABLED: got {text[:80]!r}, expected true or false; "
        "unset it, or write false: nothing here trades"
    )


def test_of_a_long_text_that_is_neither_the_first_80_characters_are_said() -> None:
    with pytest.raises(NoLiveError) as caught:
        live_trading_enabled({"LIVE_TRADING_ENABLED": "x" * 99})
    assert f"got '{'x' * 80}', expected true or false" in str(caught.value)


def test_who_must_not_run_beside_live_trading_is_told_why() -> None:
    with pytest.raises(NoLiveError) as caught:
        refuse_live({"LIVE_TRADING_ENABLED": "yes"}, "the dry run")
    assert str(caught.value) == (
        "LIVE_TRADING_ENABLED: it is on, and the dry run never runs beside live trading; "
        "unset it, or write false, and start again"
    )


def test_the_example_of_the_gate_is_true() -> None:
    assert doctest.testmod(no_live).failed == 0
