"""What recording sessions set and open does not outlive a test."""

from collections.abc import Iterator

import pytest
from prometheus_client.values import close_all_multiprocess_files


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "set by whoever records")
    yield
    close_all_multiprocess_files()  # type: ignore[no-untyped-call]
