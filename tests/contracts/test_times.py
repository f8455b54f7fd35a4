"""How times are written: a format takes the texts it describes, and needs a whole date."""

from __future__ import annotations

import re

import pytest

from contracts.times import MONTHS, FormatError, pattern_of


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("%Y-%m-%d", "2026-01-25"),
        ("%d %b %Y", "25 Jan 2026"),
        ("%d/%b/%Y:%H:%M:%S %z", "25/Jan/2026:01:09:48 +0100"),
        ("%Y.%m.%d", "2026.01.25"),
        ("%Y%m%d", "20260125"),
        ("%d%%%m%%%Y", "25%01%2026"),
    ],
)
def test_a_format_takes_the_text_it_describes_and_no_other(written: str, text: str) -> None:
    pattern = re.compile(pattern_of(written))
    assert pattern.fullmatch(text)
    assert not pattern.fullmatch(text.replace(".", "x").replace("-", "x").replace("/", "x").replace(" ", "x") + "x")


@pytest.mark.parametrize(
    ("written", "said"),
    [(text, "needs a year") for text in ("", "%Y %m", "%Y %d", "%d %m", "%Y %d %m %b", "%H:%M", "%Y %b")]
    + [(text, "stands there twice") for text in ("%Y %Y %m %d", "%Y %m %d %d", "%Y %m %d %m")]
    + [("%Y %m %d %Q", "%Q"), ("%Y %m %d %", "%")],
)
def test_what_is_no_format_of_a_time_is_told_why(written: str, said: str) -> None:
    with pytest.raises(FormatError, match=re.escape(said)):
        pattern_of(written)


def test_months_are_numbered_as_people_number_them() -> None:
    assert (MONTHS["jan"], MONTHS["dec"], len(MONTHS)) == (1, 12, 12)
