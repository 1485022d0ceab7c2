"""Random edits, faults and deaths on both sides; in the end nothing anybody typed may be lost.

A short slice of what ``scripts/soak --steps N --seed S`` does for as long as one likes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.driver import Driver
from tests.machine.world import World

STEPS, EPOCH = 120, 24


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    world = World(tmp_path)
    driver = Driver(world, seed)
    try:
        for number in range(STEPS):
            driver.step()
            if number % EPOCH == EPOCH - 1:
                driver.settle()
    except BaseException as error:
        error.add_note("\n".join(driver.story))
        raise
    finally:
        world.close()
    assert driver.syncs > STEPS // 15
