"""What never runs beside live trading says so and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from emitters.session import session


def test_a_sample_session_does_not_start_where_live_trading_is_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(session, [], env={"LIVE_TRADING_ENABLED": "on"})
    message = "it is on, and a sample session never runs beside live trading; unset it, or write false, and start again"
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, f"Error: LIVE_TRADING_ENABLED: {message}")
    assert list(tmp_path.iterdir()) == []
