"""Rotation in small steps at any moment, also between two calls the tail makes: `support/rotation_storm.py` says how.

All steps of logrotate, writers that keep their descriptor, kills, few descriptors. Every line that is on disk in the
end is counted once; what is on none was destroyed by rotation itself.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.budget import amount
from tests.engine.support.rotation_storm import SCHEMES, Storm

pytestmark = pytest.mark.thorough

STORMS, ROTATIONS = amount(2, 200), amount(8, 40)


@pytest.mark.parametrize("max_open", [1000, 9], ids=["", "few descriptors"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_through_a_storm_of_rotation_every_line_on_disk_counts_once(tmp_path: Path, scheme: str, max_open: int) -> None:
    for seed in range(STORMS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        storm = Storm(folder, scheme, seed, max_open)
        try:
            storm.run(ROTATIONS)
        finally:
            storm.end()
        twice = sorted(number for number, count in storm.counts.items() if count > 1)
        missing = sorted(storm.on_disk() - set(storm.counts))
        assert (twice, missing) == ([], []), f"seed {seed}"
