"""Rules about unreadable files: what each says of one fault in the small checkout, word by word, and what it accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lint.conftest import Checkout

BAD = [
    pytest.param('files/readable', 'prometheus/rules/shop.yml', 'groups:', 'groups: [', ["prometheus/rules/shop.yml:2: error: (document): cannot be read as YAML: while parsing a flow node, expected the node content, but found '-'; correct it there [files/readable]"], id='files/readable YAML that ends too early'),
    pytest.param('files/readable', 'grafana/dashboards/shop.json', '"uid": "shop",', '"uid": "shop"', ["grafana/dashboards/shop.json:3: error: is not JSON: Expecting ','; generate it again [files/readable]"], id='files/readable JSON without a comma'),
    pytest.param('files/readable', 'grafana/dashboards/shop.json', '"uid": "shop",', '"uid": "shop", "uid": "shop",', ["grafana/dashboards/shop.json:2: error: is not JSON: The key 'uid' stands here twice; generate it again [files/readable]"], id='files/readable a key that stands twice'),
    pytest.param('files/readable', 'prometheus/prometheus.yml', 'global:', 'global: {}\nglobal:', ['prometheus/prometheus.yml:2: error: global: the key "global" stands here twice (first in line 1); delete one [files/readable]'], id='files/readable a YAML key that stands twice'),
]


@pytest.mark.parametrize(("rule", "file", "old", "new", "expected"), BAD)
def test_a_fault_is_found_and_said(
    small: Checkout, rule: str, file: str, old: str, new: str, expected: list[str]
) -> None:
    before = small.findings(rule)
    small.edit(file, old, new)
    assert [finding for finding in small.findings(rule) if finding not in before] == expected
