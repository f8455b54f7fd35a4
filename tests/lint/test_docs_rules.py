"""Rules about pages: what each says of one fault in the small checkout, word by word, and what it accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

BAD = [
    pytest.param('docs/metric', 'docs/runbook.md', '`peak_trade_sales_total`', '`peak_trade_sale_total`', ['docs/runbook.md:5: error: no metric is named "peak_trade_sale_total"; did you mean "peak_trade_sales_total"? [docs/metric]'], id='docs/metric a metric that is gone'),
    pytest.param('docs/env', 'docs/runbook.md', '`PEAK_TRADE_SHOP_EVENTS`', '`PEAK_TRADE_SHOP_FILE`', ['docs/runbook.md:13: error: nothing reads the variable "PEAK_TRADE_SHOP_FILE"; did you mean "PEAK_TRADE_SHOP_RUN"? [docs/env]'], id='docs/env a variable nobody reads'),
    pytest.param('docs/port', 'docs/runbook.md', '127.0.0.1:9200', '127.0.0.1:9201', ['docs/runbook.md:5: error: no contract and no part of the stack has port 9201 (expected one of 3000, 8000, 9090, 9092, 9111, 9200); correct it [docs/port]'], id='docs/port a port nobody has'),
    pytest.param('docs/flag', 'docs/runbook.md', '--port 9200', '--listen 9200', ['docs/runbook.md:13: error: no command has the flag "--listen"; see --help and correct it [docs/flag]'], id='docs/flag a flag nobody has'),
    pytest.param('docs/flag', 'docs/runbook.md', 'peaktrade export shop --port', 'peaktrade serve shop --port', ['docs/runbook.md:13: error: peaktrade has no command "serve" (expected one of export); correct it [docs/flag]'], id='docs/flag a command that is gone'),
    pytest.param('docs/link', 'docs/runbook.md', '#shop_slow', '#shop_quick', ['docs/runbook.md:9: error: docs/runbook.md has no heading "shop_quick"; correct the link [docs/link]'], id='docs/link a heading that is gone'),
    pytest.param('docs/link', 'docs/runbook.md', '(#shop_slow)', '(other.md)', ['docs/runbook.md:9: error: the link leads to no file (got "other.md"); correct it [docs/link]'], id='docs/link a file that is gone'),
]

GOOD = [
    pytest.param('docs/metric', 'docs/runbook.md', '`peak_trade_sales_total`', '`peak_trade_sale*`', id='docs/metric all that begin so'),
    pytest.param('docs/metric', 'docs/runbook.md', '`peak_trade_sales_total`', '`kind:peak_trade_sales:rate5m`', id='docs/metric a recording'),
    pytest.param('docs/flag', 'docs/runbook.md', '--port 9200', '--help', id='docs/flag a flag every command has'),
    pytest.param('docs/flag', 'docs/runbook.md', '`peaktrade export shop --port 9200`', '`curl --silent`', id='docs/flag a flag of another program'),
    pytest.param('docs/link', 'docs/runbook.md', '(#shop_slow)', '(https://example.org/#x)', id='docs/link another site'),
]


@pytest.mark.parametrize(("rule", "file", "old", "new", "expected"), BAD)
def test_a_fault_is_found_and_said(
    small: Checkout, rule: str, file: str, old: str, new: str, expected: list[str]
) -> None:
    before = small.findings(rule)
    small.edit(file, old, new)
    assert [finding for finding in small.findings(rule) if finding not in before] == expected


@pytest.mark.parametrize(("rule", "file", "old", "new"), GOOD)
def test_what_is_right_in_another_way_is_accepted(small: Checkout, rule: str, file: str, old: str, new: str) -> None:
    small.edit(file, old, new)
    assert small.findings(rule) == []
