"""What is said of files on standard error: word by word, and once a minute for each reason."""

from __future__ import annotations

import logging

import pytest

from exporters.engine.log import RateLimitedLog
from exporters.engine.values import Notice
from tests.engine.support.commits import StandingClock


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        (
            Notice("unreadable", "/l", problem="Is a directory"),
            "/l: cannot be read (is a directory); retrying every second",
        ),
        (Notice("absent", "/l"), "/l: leads to no file; positions are kept until it does"),
        (
            Notice("rotated", "/l", lost_bytes=3),
            "/l: 3 bytes were destroyed before they could be read; rotate by rename, not by truncating",
        ),
        (Notice("truncated", "/l"), "/l: truncated or rewritten in place; reading what is new"),
        (Notice("rotated", "/l"), None),
        (Notice("recovered", "/l", outcome="new"), None),
    ],
    ids=lambda value: value.kind if isinstance(value, Notice) else "",
)
def test_what_happened_to_a_file_is_said_once_a_minute(
    notice: Notice, said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    clock = StandingClock()
    log = RateLimitedLog(clock.monotonic)
    for seconds, number in ((0, 1), (59.9, 1), (60, 2), (119.9, 2), (120, 3)):
        clock.seconds = seconds
        log.warn_of(notice)
        expected = [] if said is None else [(logging.WARNING, said)] * number
        assert [(record.levelno, record.getMessage()) for record in caplog.records] == expected


def test_one_reason_does_not_keep_another_from_being_said(caplog: pytest.LogCaptureFixture) -> None:
    log = RateLimitedLog(StandingClock().monotonic)
    for path in ("/a", "/b", "/a"):
        log.warn_of(Notice("truncated", path))
        log.warn_of(Notice("lost", path, lost_bytes=1))
    assert len(caplog.records) == 4
    assert (log.is_due("truncated /a"), log.is_due("anything")) == (False, True)
