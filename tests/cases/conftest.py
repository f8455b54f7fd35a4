"""`pytest tests/cases tests/test_cases.py --update-golden` writes what the exporters say now as what they must say."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/cases/*/expected.prom; review the diff"
    )
