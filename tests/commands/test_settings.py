from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from contracts.model import Contract, Files
from exporters.commands.settings import Settings, SettingsError, resolve_settings

TEXT = """
vocabulary: {kind: {values: [a, b]}}
sources: {all: {match: {}, read: {kind: kind}}}
metrics: {kinds_total: {type: counter, counts: kind, help: Kinds., budget: 1}}
"""


@pytest.fixture
def spec(contract: Callable[[str], Contract]) -> Contract:
    return replace(contract(TEXT), port_env="THE_PORT", files=Files("THE_FILES", ("logs/a.jsonl",), 100))


def test_without_flags_and_variables_the_contract_decides(spec: Contract) -> None:
    default = Settings(spec, ("logs/a.jsonl",), "0.0.0.0", 9999, Path(".ops_local/state/sample.db"), "process")
    assert resolve_settings(spec, {}) == default
    assert resolve_settings(
        spec, {"THE_PORT": " ", "THE_FILES": " : ", "PEAK_TRADE_STATE_DIR": " "}
    ) == resolve_settings(spec, {})


def test_a_variable_wins_over_the_contract(spec: Contract) -> None:
    found = resolve_settings(
        spec, {"THE_PORT": " 9200 ", "THE_FILES": "x.jsonl: y/*.jsonl :", "PEAK_TRADE_STATE_DIR": "/s"}
    )
    assert (found.port, found.files, found.state) == (9200, ("x.jsonl", "y/*.jsonl"), Path("/s/sample.db"))


def test_a_flag_wins_over_a_variable_even_an_unusable_one(spec: Contract) -> None:
    environment = {"THE_PORT": "nonsense", "THE_FILES": "x", "PEAK_TRADE_STATE_DIR": "/s"}
    found = resolve_settings(spec, environment, ("a b", "c:d"), "::1", 9300, state_dir="here", durability="power")
    assert found == Settings(spec, ("a b", "c:d"), "::1", 9300, Path("here/sample.db"), "power")


def test_a_contract_without_variables_reads_none(spec: Contract) -> None:
    plain = replace(spec, port_env=None, files=Files(None, ("logs/a.jsonl",), 100))
    found = resolve_settings(plain, {"THE_PORT": "1", "": "2", "None": "3"})
    assert (found.port, found.files) == (9999, ("logs/a.jsonl",))


@pytest.mark.parametrize(("flag", "variable"), [("none", ""), (None, "none"), (None, " none "), ("none", "/s")])
def test_none_keeps_everything_in_memory(spec: Contract, flag: str | None, variable: str) -> None:
    assert resolve_settings(spec, {"PEAK_TRADE_STATE_DIR": variable}, state_dir=flag).state is None


@pytest.mark.parametrize("value", ["0", "65536", "-1", "9110.0", "http", "٩", "²", "9 110", "9" * 5000])
def test_an_unusable_port_is_refused_and_never_replaced(spec: Contract, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve_settings(spec, {"THE_PORT": value})
    assert str(caught.value) == (
        f"THE_PORT: got {value[:80]!r}, expected a port from 1 to 65535;"
        " unset it for the contract's 9999, or give --port"
    )


@pytest.mark.parametrize(
    ("stated", "flag", "expected"),
    [
        *((None, None, False), ("", None, False), (" Yes ", None, True), ("off", None, False)),
        *(("1", False, False), ("maybe", True, True)),
    ],
)
def test_creation_times_are_told_only_if_that_is_asked_for(
    spec: Contract, stated: str | None, flag: bool | None, expected: bool
) -> None:
    environment = {} if stated is None else {"PEAK_TRADE_CREATED_SERIES": stated}
    assert resolve_settings(spec, environment, created_series=flag).created_series is expected


def test_an_unclear_answer_to_creation_times_is_refused(spec: Contract) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve_settings(spec, {"PEAK_TRADE_CREATED_SERIES": "maybe"})
    assert str(caught.value) == ("PEAK_TRADE_CREATED_SERIES: got 'maybe', expected true or false; unset it for false")


def test_an_unclear_answer_to_live_trading_keeps_an_exporter_from_starting(spec: Contract) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve_settings(spec, {"LIVE_TRADING_ENABLED": "maybe"})
    assert str(caught.value) == (
        "LIVE_TRADING_ENABLED: got 'maybe', expected true or false; unset it, or write false: nothing here trades"
    )
